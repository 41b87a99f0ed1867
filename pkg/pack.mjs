/**
 * Packs the files that would be published, unpacks them into target/package, and links that as the `felsic` of the page and the tests:
 * they see what an installation contains, and no file that exists only here. The tarball stays in target/npm-package.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "..");
const target = process.env.CARGO_TARGET_DIR ? resolve(root, process.env.CARGO_TARGET_DIR) : join(root, "target");
const tarballs = join(target, "npm-package");
const unpacked = join(target, "package");

/** Runs a program and returns its output. @param {string} program @param {string[]} args @param {string} cwd */
function run(program, args, cwd) {
  const { status, stdout, error } = spawnSync(program, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
  if (status !== 0) throw error ?? new Error(`${program} ${args.join(" ")} failed`);
  return stdout;
}

for (const folder of [tarballs, unpacked]) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
}
// Without scripts: prepack would build again.
const { version } = JSON.parse(readFileSync(join(import.meta.dirname, "package.json"), "utf8"));
run("npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", tarballs], import.meta.dirname);
run("tar", ["-xzf", join(tarballs, `felsic-${version}.tgz`), "--strip-components=1", "-C", unpacked], root);

// Nearer to them than the workspace's link to pkg/, which resolution finds otherwise.
for (const folder of ["www", "tests/browser", "tests/package"]) {
  const link = join(root, folder, "node_modules/felsic");
  mkdirSync(dirname(link), { recursive: true });
  rmSync(link, { recursive: true, force: true });
  symlinkSync(unpacked, link, "junction");
}
