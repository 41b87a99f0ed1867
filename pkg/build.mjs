/**
 * Builds dist/: one file for the page (and cpu.js, a part of it), one for each worker, one of types, and in dist/model the
 * built-in model. The wasm and its glue (felsic_cpu*, felsic_relaxed*, felsic_gpu*, felsic_packer*) are put into dist/ by `cargo xtask build` and stay files of their own.
 * dist/types has the declarations of all modules, for tests; only the one file that is made of them is published.
 *
 * With --complete it fails unless all of them are there, as they have to be in what is published.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { rolldown } from "rolldown";
import { rollTypes } from "./roll-types.mjs";

const here = import.meta.dirname;
const dist = join(here, "dist");
const glue = ["felsic_cpu", "felsic_relaxed", "felsic_gpu", "felsic_packer"];

const MODEL = join(here, "../models/felsic-small-english/pack");

/** Copies the built-in model and gives the module that says where its files are, in the form that bundlers look for. */
function builtIn() {
  rmSync(join(dist, "model"), { recursive: true, force: true });
  mkdirSync(join(dist, "model"), { recursive: true });
  const files = readdirSync(MODEL);
  for (const name of files) copyFileSync(join(MODEL, name), join(dist, "model", name));
  const manifest = createHash("sha256").update(readFileSync(join(MODEL, "manifest.json"))).digest("base64");
  const urls = files.map((name) => `${JSON.stringify(name)}: new URL("./model/${name}", import.meta.url).href`);
  return `export const urls = { ${urls.join(", ")} };\nexport const integrity = "sha256-${manifest}";\n`;
}

/** Puts it in the place of ./built-in.js. */
const model = {
  name: "built-in model",
  resolveId: (source) => (source.endsWith("/built-in.js") ? "built-in" : undefined),
  load: (id) => (id === "built-in" ? builtIn() : undefined),
};

// What an earlier build has left, so that nothing old is published; the binaries are not this build's.
for (const name of existsSync(dist) ? readdirSync(dist) : []) {
  if (!glue.some((engine) => name.startsWith(engine))) rmSync(join(dist, name), { recursive: true });
}

/** Puts the workers of felsic/cpu in the place of all, which nothing can then pull in. */
const cpuAlone = {
  name: "felsic/cpu",
  resolveId: (source) => (source.endsWith("/workers.js") ? join(here, "src/workers-cpu.ts") : undefined),
};

const tsc = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin/tsc");
const types = spawnSync(process.execPath, [tsc, "-p", here], { stdio: "inherit" });
if (types.status !== 0 || !rollTypes(here)) process.exit(1);

for (const name of ["index", "cpu", "worker-cpu", "worker-relaxed", "worker-gpu", "worker-packer"]) {
  // Each by itself, so that a page needs one request for the script and one for the worker's.
  const bundle = await rolldown({
    input: join(here, "src", `${name}.ts`),
    external: glue.map((engine) => `./${engine}.js`),
    platform: "browser",
    plugins: name === "cpu" ? [model, cpuAlone] : [model],
  });
  await bundle.write({
    file: join(dist, `${name}.js`),
    format: "esm",
    // A class is called in stacks and on the console what it is called here.
    minify: { mangle: { keepNames: { function: false, class: true } } },
    comments: { legal: true, annotation: true },
  });
  await bundle.close();
}

const missing = glue.filter((engine) => !existsSync(join(dist, `${engine}_bg.wasm`)));
if (process.argv.includes("--complete") && missing.length > 0) {
  console.error(`dist/ lacks ${missing.join(" and ")}; run \`cargo xtask build\``);
  process.exit(1);
}
if (process.argv.includes("--complete") && !existsSync(join(here, "THIRD-PARTY-NOTICES.txt"))) {
  console.error("THIRD-PARTY-NOTICES.txt is not there; run `cargo xtask build`");
  process.exit(1);
}
// The licence travels with the package; in the repository it is kept once.
copyFileSync(join(here, "../LICENSE"), join(here, "LICENSE"));
for (const engine of missing) {
  // So that a bundler that follows every worker still finds its import.
  const message = `this build of felsic has no ${engine} binary`;
  writeFileSync(
    join(dist, `${engine}.js`),
    `/* Written by build.mjs, because the binary has not been built. */
export default async function init() {
  throw Object.assign(new Error(${JSON.stringify(message)}), { name: "FelsicError", code: "device-unavailable" });
}
export class Engine {}
export class Helper {}
export class Packer {}
`,
  );
}
