/**
 * Packs what would be published, unpacks it into target/package, and shows that to the page and the tests as their `felsic`:
 * they see what those see who install it, and no file that is only here. The tarball stays in target/npm-package.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "..");
const target = process.env.CARGO_TARGET_DIR ? resolve(root, process.env.CARGO_TARGET_DIR) : join(root, "target");
const tarballs = join(target, "npm-package");
const unpacked = join(target, "package");

/** Runs a program and gives what it prints. @param {string} program @param {string[]} args @param {string} cwd */
function run(program, args, cwd) {
  const { status, stdout, error } = spawnSync(program, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
  if (status !== 0) throw error ?? new Error(`${program} ${args.join(" ")} failed`);
  return stdout;
}

for (const folder of [tarballs, unpacked]) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
}
// Without scripts: prepack would build once more.
const { version } = JSON.parse(readFileSync(join(import.meta.dirname, "package.json"), "utf8"));
run("npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", tarballs], import.meta.dirname);
run("tar", ["-xzf", join(tarballs, `felsic-${version}.tgz`), "--strip-components=1", "-C", unpacked], root);

// Nearer to them than the link that the workspace has to pkg/, which resolution finds otherwise.
for (const folder of ["www", "tests/browser", "tests/package"]) {
  const link = join(root, folder, "node_modules/felsic");
  mkdirSync(dirname(link), { recursive: true });
  rmSync(link, { recursive: true, force: true });
  symlinkSync(unpacked, link, "junction");
}
