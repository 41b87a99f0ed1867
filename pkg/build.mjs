/**
 * Builds dist/: one file for each entry (cpu.js is a part of index.js), one that all of them import, one for Parquet, which search.js imports
 * when a file is in it, one for the browser extension, which index.js imports when a page asks for it, one for GPUs, which it imports for pages that have work for them, the same for Node, one that its threads begin with, one for each worker, types for each entry, in dist/adapters the
 * entries to other libraries, and in dist/model the built-in model. The wasm and its glue (felsic_cpu*, felsic_relaxed*, felsic_gpu*,
 * felsic_packer*, felsic_search*) are put into dist/ by `cargo xtask build`; the glue becomes a part of the workers, and is not published.
 * dist/types has the declarations of all modules, for tests; only the one file that is made from them is published.
 *
 * With --complete it fails unless all of them are there, as the published package requires.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import {
  GLUE,
  writeAdapters,
  writeCommon,
  writeExtension,
  writeGpu,
  writeNode,
  writePage,
  writeParquet,
  writeThread,
  writeWorker,
} from "./bundle.mjs";
import { rollTypes } from "./roll-types.mjs";

const here = import.meta.dirname;
const dist = join(here, "dist");

const MODEL = join(here, "../models/felsic-small-english/pack");

/** Copies the built-in model and returns the module that says where its files are, in the form that bundlers look for. */
function builtIn() {
  rmSync(join(dist, "model"), { recursive: true, force: true });
  mkdirSync(join(dist, "model"), { recursive: true });
  const files = readdirSync(MODEL);
  for (const name of files) copyFileSync(join(MODEL, name), join(dist, "model", name));
  const manifest = createHash("sha256")
    .update(readFileSync(join(MODEL, "manifest.json")))
    .digest("base64");
  const urls = files.map((name) => `${JSON.stringify(name)}: () => new URL("./model/${name}", import.meta.url)`);
  return `export const urls = { ${urls.join(", ")} };\nexport const integrity = "sha256-${manifest}";\n`;
}

/** Replaces ./built-in.js by that module. */
const model = {
  name: "built-in model",
  resolveId: (source) => (source.endsWith("/built-in.js") ? "built-in" : undefined),
  load: (id) => (id === "built-in" ? builtIn() : undefined),
};

// Removes the files of earlier builds, so that nothing old is published; this build does not make the binaries.
for (const name of existsSync(dist) ? readdirSync(dist) : []) {
  if (!GLUE.some((engine) => name.startsWith(engine))) rmSync(join(dist, name), { recursive: true });
}

/** Replaces the list of all workers by that of felsic/cpu, so that nothing can pull in the others. */
const cpuAlone = {
  name: "felsic/cpu",
  resolveId: (source) => (source.endsWith("/workers.js") ? join(here, "src/workers-cpu.ts") : undefined),
};

const tsc = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin/tsc");
const types = spawnSync(process.execPath, [tsc, "-p", here], { stdio: "inherit" });
if (types.status !== 0 || !rollTypes(here)) process.exit(1);

await writeCommon(dist);
await writePage("index", dist, [model]);
await writePage("cpu", dist, [model, cpuAlone]);
await writePage("search", dist, []);
await writePage("search-box", dist, []);
await writeNode(dist, [model]);
await writeThread(dist);
await writeParquet(dist);
await writeExtension(dist);
await writeGpu(dist);
await writeAdapters(dist);
for (const name of ["cpu", "relaxed", "gpu", "packer", "search", "layout"]) await writeWorker(`worker-${name}`, dist, dist);

const missing = GLUE.filter((engine) => !existsSync(join(dist, `${engine}_bg.wasm`)));
if (process.argv.includes("--complete") && missing.length > 0) {
  console.error(`dist/ lacks ${missing.join(" and ")}; run \`cargo xtask build\``);
  process.exit(1);
}
if (process.argv.includes("--complete") && !existsSync(join(here, "THIRD-PARTY-NOTICES.txt"))) {
  console.error("THIRD-PARTY-NOTICES.txt is not there; run `cargo xtask build`");
  process.exit(1);
}
// The package contains the licence; the repository keeps it once.
copyFileSync(join(here, "../LICENSE"), join(here, "LICENSE"));
