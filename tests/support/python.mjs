/** A Python with packages that a test needs: the machine's own, or one in target/ that they are installed into. */

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { target } from "../browser/harness.mjs";

/**
 * Returns the program, or a line that says why there is none.
 *
 * @param {string[]} modules named as their packages are
 * @returns {{ program: string, why?: undefined } | { why: string, program?: undefined }}
 */
export function python(modules) {
  const own = join(target, "python");
  const ownProgram = join(own, process.platform === "win32" ? "Scripts/python.exe" : "bin/python3");
  const imports = (/** @type {string} */ program) => run(program, ["-c", `import ${modules.join(", ")}`]) === undefined;
  const ready = ["python3", ownProgram].find(imports);
  if (ready !== undefined) return { program: ready };
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...modules];
  const failed = run("python3", ["-m", "venv", own]) ?? run(ownProgram, pip);
  return failed === undefined ? { program: ownProgram } : { why: `no Python with ${modules.join(", ")}: ${failed}` };
}

/** Returns why a program has failed. @param {string} program @param {string[]} args */
function run(program, args) {
  const { status, stderr, error } = spawnSync(program, args, { encoding: "utf8", timeout: 240_000 });
  return status === 0 ? undefined : (error?.message ?? stderr.trim().split("\n").at(-1) ?? "it failed");
}
