/**
 * Runs the kernels' property tests as WebAssembly: `node run.mjs FOLDER [NAME]`, where FOLDER has what `cargo xtask test kernels` built, and NAME
 * is a part of the names of the tests to run.
 *
 * Where the module cannot run, because Node has no relaxed SIMD or the processor does not sum exactly, one line says so.
 */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [folder = ".", filter = ""] = process.argv.slice(2);
const { initSync, isExact, names, run } = await import(pathToFileURL(resolve(folder, "kernels.js")).href);
try {
  initSync({ module: readFileSync(resolve(folder, "kernels_bg.wasm")) });
} catch (error) {
  if (!(error instanceof WebAssembly.CompileError)) throw error;
  console.log(`NOT RUN: this Node does not compile the module; --experimental-wasm-relaxed-simd may help: ${error.message}`);
  process.exit();
}
if (!isExact()) {
  console.log("NOT RUN: this processor does not sum four products of bytes exactly");
  process.exit();
}
const chosen = [...names().entries()].filter(([, name]) => name.includes(filter));
for (const [number, name] of chosen) {
  const start = performance.now();
  try {
    run(number);
  } catch (error) {
    console.log(`FAILED: ${name}`);
    throw error;
  }
  console.log(`ok ${((performance.now() - start) / 1000).toFixed(2)} s ${name}`);
}
if (chosen.length === 0) throw new Error(`no test has ${filter} in its name`);
console.log(`${chosen.length} tests passed on ${process.arch} in Node ${process.version}`);
