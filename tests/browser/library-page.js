/** Puts the library on the empty page, with an embedder that counts what it embeds and can be slow. Bundled by library-harness.mjs. */

// The package's own files, which the server shows; the bundle leaves the names as they are.
import { Embedder } from "felsic";
import { openLibrary } from "../../www/src/library/index.js";

/** Texts of documents that have been embedded on this page. @type {string[]} */
const embedded = [];
const settings = { delay: 0 };

/** @param {import("felsic").CreateOptions} options */
async function createEmbedder(options) {
  const embedder = await Embedder.create(options);
  return {
    info: embedder.info,
    /** @param {any} input @param {any} options */
    async embed(input, options) {
      if (!Array.isArray(input)) return embedder.embed(input, options);
      if (settings.delay > 0) await new Promise((resolve) => setTimeout(resolve, settings.delay * input.length));
      const vectors = await embedder.embed(input, options);
      embedded.push(...input);
      return vectors;
    },
    countTokens: embedder.countTokens.bind(embedder),
    memoryBytes: () => embedder.memoryBytes(),
    destroy: () => embedder.destroy(),
  };
}

/** Opens the library of the tests. @param {object} [options] */
function open(options) {
  // @ts-ignore: the embedder has what the library uses of it.
  return openLibrary({ createEmbedder, ...options });
}

/** The folder of the tests in the page's own file system. @param {string} name */
async function folder(name) {
  const root = await navigator.storage.getDirectory();
  return root.getDirectoryHandle(name, { create: true });
}

/** Writes files of a folder, by their paths; `null` removes one. @param {string} name @param {Record<string, string | null>} files */
async function write(name, files) {
  for (const [path, text] of Object.entries(files)) {
    let at = await folder(name);
    const names = path.split("/");
    const last = String(names.pop());
    for (const part of names) at = await at.getDirectoryHandle(part, { create: true });
    if (text === null) await at.removeEntry(last, { recursive: true });
    else {
      const writable = await (await at.getFileHandle(last, { create: true })).createWritable();
      await writable.write(text);
      await writable.close();
    }
  }
}

/** Has the library watch a folder, as if a person had picked it. @param {import("../../www/src/library/types.js").Library} library @param {string} name */
async function pick(library, name) {
  const handle = await folder(name);
  Object.assign(globalThis, { showDirectoryPicker: async () => handle });
  await library.pickFolder();
}

/** Resolves when something holds; rejects after a while. @param {() => unknown} holds @param {string} what @param {number} [patience] */
async function until(holds, what, patience = 15_000) {
  const end = performance.now() + patience;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`${what} has not happened`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Resolves when the library has nothing to do. @param {import("../../www/src/library/types.js").Library} library */
async function idle(library) {
  await until(() => library.model.value.state === "ready" && library.collection.value, "the model");
  let quiet = 0;
  await until(() => (quiet = library.progress.value === undefined ? quiet + 1 : 0) > 20, "the end of the work");
}

/** Searches, and returns the ids that were found. @param {import("../../www/src/library/types.js").Library} library @param {string} text @param {object} [options] */
async function find(library, text, options = {}) {
  const ask = { text, mode: /** @type {const} */ ("hybrid"), filters: {}, ...options };
  return (await library.search(ask, new AbortController().signal)).map(({ id }) => id);
}

Object.assign(globalThis, { lib: { open, folder, write, pick, until, idle, find, embedded, settings } });
