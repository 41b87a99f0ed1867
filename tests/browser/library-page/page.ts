/** The library as the page has it, with an embedder that counts what it embeds and can be slow; built as the page is. */

import { type CreateOptions, Embedder, FelsicError } from "felsic";
import { type Ask, type Library, type LibraryOptions, openLibrary } from "../../../www/src/library/index.js";

/** Texts of documents that have been embedded on this page. */
const embedded: string[] = [];
/** Texts that have been given to an embedder. */
const given = { texts: 0 };
/** Milliseconds that each text of a document takes longer; how often the engine has yet to crash. */
const settings = { delay: 0, crashes: 0 };

/** An embedder of the built-in model. `model` pretends another space, of the same vectors turned around. */
async function createEmbedder({ model, ...options }: CreateOptions) {
  if (String(model) === "broken") return Embedder.create({ ...options, model: "/nowhere/" });
  const embedder = await Embedder.create(options);
  const other = model === undefined ? {} : { space: `${String(model)}/${embedder.info.space}`, model: String(model) };
  const vector = (made: Float32Array<ArrayBuffer>) => (model === undefined ? made : made.map((value) => -value));
  return {
    info: { ...embedder.info, ...other },
    async embed(input: string | readonly string[], options?: { readonly signal?: AbortSignal }) {
      if (typeof input === "string") return vector(await embedder.embed(input, options));
      given.texts += input.length;
      if (settings.delay > 0) await new Promise((resolve) => setTimeout(resolve, settings.delay * input.length));
      if (settings.crashes > 0) {
        settings.crashes -= 1;
        throw new FelsicError("internal", "the engine crashed");
      }
      const vectors = await embedder.embed(input, options);
      embedded.push(...input);
      return vectors.map(vector);
    },
    countTokens: embedder.countTokens.bind(embedder),
    memoryBytes: () => embedder.memoryBytes(),
    destroy: () => embedder.destroy(),
  } as never;
}

/** Opens the library of the tests. */
function open(options: Partial<LibraryOptions> = {}): Library {
  return openLibrary({ createEmbedder, ...options });
}

/** A folder in the page's own file system. */
async function folder(name: string): Promise<FileSystemDirectoryHandle> {
  return (await navigator.storage.getDirectory()).getDirectoryHandle(name, { create: true });
}

/** Writes files of a folder, by their paths; `null` removes one. */
async function write(name: string, files: Readonly<Record<string, string | null>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    let at = await folder(name);
    const names = path.split("/");
    const last = names.pop()!;
    for (const part of names) at = await at.getDirectoryHandle(part, { create: true });
    if (text === null) {
      await at.removeEntry(last, { recursive: true }).catch(() => undefined);
      continue;
    }
    const writable = await (await at.getFileHandle(last, { create: true })).createWritable();
    await writable.write(text);
    await writable.close();
  }
}

/** Has the library watch a folder, as if a person had picked it. */
async function pick(library: Library, name: string): Promise<void> {
  const handle = await folder(name);
  Object.assign(globalThis, { showDirectoryPicker: () => Promise.resolve(handle) });
  await library.pickFolder();
}

/** Resolves when something holds; rejects after a while, which is long, since the machine may be busy with other tests. */
async function until(holds: () => unknown, what: string, patience = 90_000): Promise<void> {
  const end = performance.now() + patience;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`${what} has not happened`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Resolves when the library has nothing to do. */
async function idle(library: Library, patience?: number): Promise<void> {
  try {
    await atRest(library, patience);
  } catch (error) {
    // Whoever reads this wants to know what it was doing.
    const { model, progress, problems, paused, collection } = library;
    const state = { model, progress, problems, paused, info: collection.value?.info };
    throw new Error(`${String(error)}: ${JSON.stringify(state)}`, { cause: error });
  }
}

async function atRest(library: Library, patience?: number): Promise<void> {
  await until(() => library.model.value.state === "ready" && library.collection.value, "the model", patience);
  // Between words and vectors, nothing may be under way for a moment.
  const isQuiet = () =>
    library.progress.value === undefined && (library.paused.value || library.collection.value?.info.waiting === 0);
  let quiet = 0;
  await until(() => (quiet = isQuiet() ? quiet + 1 : 0) > 10, "the end of the work", patience);
}

/** Searches, and returns the ids that were found. */
async function find(library: Library, text: string, ask: Partial<Ask> = {}): Promise<string[]> {
  const hits = await library.search({ text, mode: "hybrid", filters: {}, ...ask }, new AbortController().signal);
  return hits.map(({ id }) => id);
}

const lib = { open, folder, write, pick, until, idle, find, embedded, given, settings };
export type Lib = typeof lib;
Object.assign(globalThis, { lib });
