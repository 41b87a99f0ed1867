/** The folder of a person who has installed the package from its tarball and nothing else. */

import { spawnSync } from "node:child_process";
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";

export const here = import.meta.dirname;
export const root = resolve(here, "../..");
export const target = process.env.CARGO_TARGET_DIR ? resolve(root, process.env.CARGO_TARGET_DIR) : join(root, "target");

/** The package that `npm run build` has unpacked. */
export const unpacked = join(target, "package");

/** The file that `npm run build` has packed. */
export function tarball() {
  const folder = join(target, "npm-package");
  const [name, ...others] = readdirSync(folder);
  if (name === undefined || others.length > 0) throw new Error(`${folder} has to hold one file; run \`cargo xtask build\``);
  return join(folder, name);
}

/** Where a program of a package that the workspace has installed is. @param {string} name @param {string} bin @param {string} [from] */
export function program(name, bin, from = import.meta.url) {
  return join(dirname(createRequire(from).resolve(`${name}/package.json`)), bin);
}

/**
 * Runs a script with Node.
 *
 * @param {string} script
 * @param {string[]} args
 * @param {string} [cwd]
 */
export function node(script, args = [], cwd = root) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], { cwd, encoding: "utf8" });
  return { status, stdout, output: stdout + stderr };
}

/** Installs the tarball into an empty folder, with npm and without the network, and puts files there. @param {string[]} files */
export function install(files) {
  const folder = mkdtempSync(join(tmpdir(), "felsic-consumer-"));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "consumer", private: true, type: "module" }));
  const args = ["install", "--offline", "--ignore-scripts", "--no-audit", "--no-fund", tarball()];
  const { status, stdout, stderr } = spawnSync("npm", args, { cwd: folder, encoding: "utf8" });
  if (status !== 0) throw new Error(stdout + stderr);
  for (const file of files) copyFileSync(join(here, file), join(folder, basename(file)));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/**
 * Installs the packages that a folder's lock lists into another folder, unless they are installed, and the tarball beside them.
 *
 * @param {string} listed
 * @param {string} installed
 */
export function installBeside(listed, installed) {
  mkdirSync(installed, { recursive: true });
  const lock = readFileSync(join(listed, "package-lock.json"), "utf8");
  const stamp = join(installed, "installed.json");
  if (read(stamp) !== lock) {
    for (const name of ["package.json", "package-lock.json", ".npmrc"]) cpSync(join(listed, name), join(installed, name));
    const { status, stdout, stderr } = spawnSync("npm", ["ci", "--ignore-scripts"], { cwd: installed, encoding: "utf8" });
    if (status !== 0) throw new Error(stdout + stderr);
    writeFileSync(stamp, lock);
  }
  const consumer = install([]);
  const felsic = join(installed, "node_modules/felsic");
  rmSync(felsic, { recursive: true, force: true });
  cpSync(join(consumer.folder, "node_modules/felsic"), felsic, { recursive: true });
  consumer.remove();
}

/** @param {string} file */
function read(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
