/** Bundles the package's scripts: for dist/, and for tests that put another engine into a worker. */
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, readFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { rolldown } from "rolldown";

const src = join(import.meta.dirname, "src");

/** The scripts that wasm-bindgen makes, without their ending. */
export const GLUE = ["felsic_cpu", "felsic_relaxed", "felsic_gpu", "felsic_packer", "felsic_search"];

// Keeps the names of classes in stacks and on the console.
const minify = { mangle: { keepNames: { function: false, class: true } } };
const comments = { legal: true, annotation: true };

/** The modules that all scripts for pages have in common, so that a class such as FelsicError is one class in all of them. */
const COMMON = ["base", "errors", "link", "options", "platform", "start"].map((name) => join(src, `${name}.js`));

/** Has scripts import common.js instead of those modules. */
const common = {
  name: "common",
  /** @param {string} source @param {string | undefined} importer */
  resolveId(source, importer) {
    const isCommon = importer !== undefined && source.startsWith(".") && COMMON.includes(resolve(dirname(importer), source));
    return isCommon ? { id: "./common.js", external: /** @type {const} */ ("relative") } : undefined;
  },
};

/** The entries that another one imports when it needs them: they stay files of their own. */
const ENTRIES = ["index", "search"].map((name) => join(src, `${name}.js`));

/** @type {import("rolldown").Plugin} */
const entries = {
  name: "entries",
  resolveId(source, importer, { kind }) {
    const entry = importer && kind === "dynamic-import" ? resolve(dirname(importer), source) : "";
    return ENTRIES.includes(entry) ? { id: `./${basename(entry)}`, external: "relative" } : undefined;
  },
};

/**
 * Scripts that another one imports when it needs them: the one that knows Parquet, the one that knows the browser extension, and the one for GPUs.
 *
 * @type {ReadonlyMap<string, string>}
 */
const APART = new Map([
  ["./transfer-parquet.js", "./parquet.js"],
  ["./extension.js", "./extension.js"],
  ["./gpu.js", "./gpu.js"],
]);

/** Has them imported as files of their own. */
const apart = {
  name: "apart",
  /** @param {string} source @param {string | undefined} importer */
  resolveId(source, importer) {
    const id = importer === undefined ? undefined : APART.get(source);
    return id === undefined ? undefined : { id, external: /** @type {const} */ ("relative") };
  },
};

/** Writes what the scripts for pages have in common. @param {string} folder */
export function writeCommon(folder) {
  return write("common", folder, []);
}

/** Writes a script that pages import. @param {string} name @param {string} folder @param {import("rolldown").Plugin[]} plugins */
export function writePage(name, folder, plugins) {
  return write(name, folder, [common, entries, apart, ...plugins]);
}

/** Writes the script that knows Parquet. @param {string} folder */
export function writeParquet(folder) {
  return write("search/transfer-parquet", folder, [common, bounded], "parquet");
}

/** Writes the script that knows the browser extension. @param {string} folder */
export function writeExtension(folder) {
  return write("extension", folder, [common]);
}

/** Writes the script for GPUs. @param {string} folder */
export function writeGpu(folder) {
  return write("gpu", folder, [common]);
}

/** The most values of a page of a Parquet file; writers make pages of a megabyte. */
const MOST_VALUES = 1 << 24;

/**
 * Where hyparquet believes the numbers of values in a file: a single wrong byte would keep a page busy for minutes, or fill its memory.
 *
 * @type {[file: string, from: string, to: string][]}
 */
const BELIEFS = [
  [
    "encoding.js",
    "const header = readVarInt(reader)",
    "if (!(reader.offset >= 0)) throw Error('no offset'); const header = readVarInt(reader)",
  ],
  ["encoding.js", "const count = header >>> 1\n", "const count = Math.min(header >>> 1, output.length - seen)\n"],
  [
    "encoding.js",
    "let count = header >> 1 << 3 ",
    "let count = Math.max(0, Math.min(header >> 1 << 3, output.length - seen + 7)) ",
  ],
  ["column.js", "if (!daph) throw", `if (!(daph?.num_values <= ${MOST_VALUES})) throw`],
  ["column.js", "if (!daph2) throw", `if (!(daph2?.num_values <= ${MOST_VALUES})) throw`],
];

/** Has hyparquet check them. A version of it that is written otherwise does not build. */
export const bounded = {
  name: "hyparquet",
  /** @param {string} code @param {string} id */
  transform(code, id) {
    const file = /[\\/]hyparquet[\\/]src[\\/](encoding|column)\.js$/.exec(id);
    if (!file) return undefined;
    let checked = code;
    for (const [name, from, to] of BELIEFS.filter(([name]) => name === `${file[1]}.js`)) {
      if (checked.split(from).length !== 2)
        throw new Error(`hyparquet's ${name} has changed: ${JSON.stringify(from)} is not there once`);
      checked = checked.replace(from, to);
    }
    return checked;
  },
};

const { version } = JSON.parse(readFileSync(join(import.meta.dirname, "package.json"), "utf8"));

/** Says which kernels a GPU gets: what has been measured of others says nothing of these. Called when the binary is there. */
function kernels() {
  const binary = join(import.meta.dirname, "dist/felsic_gpu_bg.wasm");
  return existsSync(binary) ? createHash("sha256").update(readFileSync(binary)).digest("hex").slice(0, 16) : "none";
}

/** @param {string} name @param {string} folder @param {import("rolldown").Plugin[]} plugins @param {string} [output] */
async function write(name, folder, plugins, output = name) {
  const transform = { define: { FELSIC_KERNELS: JSON.stringify(`${version} ${name === "gpu" ? kernels() : ""}`) } };
  const bundle = await rolldown({ input: join(src, `${name}.ts`), platform: "browser", plugins, transform });
  await bundle.write({ file: join(folder, `${output}.js`), format: "esm", minify, comments });
  await bundle.close();
}

/** The modules of a page that Node has others for; src/node/seams.ts checks that they match. */
const FOR_NODE = {
  "platform.ts": "node/platform.ts",
  "start.ts": "node/start.ts",
  "store/caches.ts": "node/caches.ts",
  "workers.ts": "node/workers.ts",
};

/** Puts Node's modules in the place of the page's. */
const forNode = {
  name: "node",
  /** @param {string} source @param {string} [importer] */
  resolveId(source, importer) {
    if (importer === undefined || !source.startsWith(".")) return undefined;
    const file = join(dirname(importer), source).replace(/\.js$/, ".ts");
    const found = Object.entries(FOR_NODE).find(([page]) => file === join(src, page));
    return found && join(src, found[1]);
  },
};

/**
 * Writes the entries for Node, and what they have in common. No two of them need different modules, so one build makes all.
 *
 * @param {string} folder @param {import("rolldown").Plugin[]} plugins
 */
export function writeNode(folder, plugins) {
  const input = { node: join(src, "node/index.ts"), "node-search": join(src, "search.ts") };
  return writeForNode(input, folder, [forNode, bounded, ...plugins]);
}

/** Writes the script that Node's threads begin with. @param {string} folder */
export function writeThread(folder) {
  return writeForNode({ "worker-node": join(src, "node/worker.ts") }, folder, []);
}

/** @param {Record<string, string>} input @param {string} folder @param {import("rolldown").Plugin[]} plugins */
async function writeForNode(input, folder, plugins) {
  const bundle = await rolldown({ input, platform: "node", external: /^node:/, plugins });
  const names = { entryFileNames: "[name].js", chunkFileNames: "node-[name].js" };
  await bundle.write({ dir: folder, format: "esm", minify, comments, ...names });
  await bundle.close();
}

/** Names of the adapters to other libraries: the entries `felsic/NAME`. */
export const ADAPTERS = ["ai", "langchain", "llamaindex", "react", "transformers"];

/** An adapter's imports stay imports: the libraries are the page's own, and felsic is there once, as the importer resolves it. */
const imported = {
  name: "adapters",
  /** @param {string} source @param {string | undefined} importer */
  resolveId(source, importer) {
    if (importer === undefined || source === "./shared.js") return undefined;
    const own = { "../index.js": "felsic", "../search.js": "felsic/search" };
    return { id: own[/** @type {keyof typeof own} */ (source)] ?? source, external: true };
  },
};

/** Writes the adapters, and their declarations, which the compiler has written to dist/types. @param {string} folder */
export async function writeAdapters(folder) {
  for (const name of ADAPTERS) {
    await write(`adapters/${name}`, folder, [imported]);
    copyFileSync(join(folder, `types/adapters/${name}.d.ts`), join(folder, `adapters/${name}.d.ts`));
  }
}

/**
 * Writes a worker's script: complete in one file, and without `import`, `export` and `import.meta`, so that it runs from any
 * address, and bundlers can copy it as a file, or minify it as a script, without breaking it. The glue comes from a folder.
 *
 * @param {string} name
 * @param {string} folder
 * @param {string} glue
 */
export async function writeWorker(name, folder, glue) {
  const bundle = await rolldown({
    input: join(src, `${name}.ts`),
    platform: "browser",
    plugins: [gluedFrom(glue)],
    // The glue's own default, which is not used.
    transform: { define: { "import.meta.url": "undefined" } },
  });
  await bundle.write({ file: join(folder, `${name}.js`), format: "iife", minify, comments });
  await bundle.close();
}

/** Finds the glue in a folder; glue that has not been built becomes an engine that says so. @param {string} folder */
function gluedFrom(folder) {
  return {
    name: "glue",
    /** @param {string} source */
    resolveId(source) {
      const name = GLUE.find((name) => source === `./${name}.js`);
      if (name === undefined) return undefined;
      const file = join(folder, `${name}.js`);
      return existsSync(file) ? file : `\0missing ${name}`;
    },
    /** @param {string} id */
    load(id) {
      if (!id.startsWith("\0missing ")) return undefined;
      const message = `this build of felsic has no ${id.slice("\0missing ".length)} binary`;
      return `export default async function init() {
  throw Object.assign(new Error(${JSON.stringify(message)}), { name: "FelsicError", code: "device-unavailable" });
}
export class Engine {}
export class Helper {}
export class Packer {}
export class Rows {}
export class Sweep {}
export class Cutter {}
`;
    },
  };
}
