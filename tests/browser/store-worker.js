/** Reads a pack through the store as an engine does, without an engine. */

// The bundle that the test makes of the store.
// @ts-ignore
import * as storeModule from "./store.js";
import { makeFlaky } from "./flaky.js";
import { hurry } from "./hurry.js";

/** @type {typeof import("../../pkg/dist/types/store/index.js")} */
const { openStore } = storeModule;

/** @typedef {import("../../pkg/dist/types/store/types.js").Files} Files */
/** @typedef {import("../../pkg/dist/types/store/types.js").FileEntry} FileEntry */
/** @typedef {import("../../pkg/dist/types/store/types.js").FileReader} FileReader */
/** @typedef {import("./store-harness.mjs").Load} Load */

const controller = new AbortController();
let bytesRead = 0;

self.addEventListener("message", async ({ data }) => {
  /** @type {Load} */
  const load = data;
  /** @type {string[]} */
  const warnings = [];
  if (load.abortAfter !== undefined) setTimeout(() => controller.abort(), load.abortAfter);
  try {
    forbid(load.forbid ?? []);
    if (load.flaky) makeFlaky(load.flaky);
    if (load.hurry) hurry(load.hurry);
    const { model, integrity, cache = "auto", headers } = load;
    const access = { credentials: /** @type {const} */ ("omit"), ...(headers && { headers }) };
    const warn = (/** @type {{ code: string }} */ { code }) => warnings.push(code);
    const files = await openStore({ model, integrity, cache, access, signal: controller.signal, warn });
    postMessage({ ok: true, files: await readPack(files, load), warnings });
  } catch (error) {
    const { code, message } = /** @type {any} */ (error);
    postMessage({ ok: false, code, message, warnings, at: performance.now() });
  }
});

/** @param {Files} files @param {Load} load @returns {Promise<Record<string, string>>} hashes by name */
async function readPack(files, load) {
  const { bytes, hash } = await readFile(files, "manifest.json", undefined, load);
  /** @type {Record<string, string>} */
  const hashes = { "manifest.json": hash };
  const { tokenizer, shards } = JSON.parse(new TextDecoder().decode(bytes));
  for (const entry of [tokenizer, ...shards]) hashes[entry.file] = (await readFile(files, entry.file, entry, load)).hash;
  return hashes;
}

/**
 * Once more after wrong bytes, if they may be others then.
 *
 * @param {Files} files @param {string} file @param {FileEntry | undefined} entry @param {Load} load
 */
async function readFile(files, file, entry, load) {
  for (let again = false; ; again = true) {
    const reader = await files.open(file, entry, again);
    const read = await readAll(reader, load).catch(async (error) => {
      await reader.close("unfinished");
      throw error;
    });
    const wrong = entry ? wrongWith(read, entry) : wrongManifest(read.bytes);
    await reader.close(wrong ? "wrong" : "verified");
    if (!wrong) return read;
    if (again || !entry) throw Object.assign(new Error(`${file}: ${wrong}`), { code: wrong });
  }
}

/** @param {FileReader} reader @param {Load} load */
async function readAll(reader, { stopAt = Infinity, abortAt = Infinity }) {
  /** @type {Uint8Array<ArrayBuffer>[]} */
  const pieces = [];
  for (let piece; (piece = await reader.read());) {
    // A copy, as a piece is good only until the next one is asked for.
    pieces.push(piece.slice());
    bytesRead += piece.length;
    if (bytesRead >= abortAt) controller.abort();
    if (bytesRead >= stopAt) {
      postMessage({ ok: false, code: "stopped", warnings: [] });
      await new Promise(() => {});
    }
  }
  const bytes = new Uint8Array(await new Blob(pieces).arrayBuffer());
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return { bytes, hash: Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("") };
}

/** @param {{ bytes: Uint8Array, hash: string }} read @param {FileEntry} entry */
function wrongWith({ bytes, hash }, entry) {
  if (bytes.length !== entry.bytes) return "file-length";
  return hash === entry.sha256 ? undefined : "file-integrity";
}

/** An engine reads the manifest before it takes it for good. @param {Uint8Array} bytes */
function wrongManifest(bytes) {
  try {
    return void JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return "manifest-invalid";
  }
}

/** Takes features from this browser. @param {NonNullable<Load["forbid"]>} features */
function forbid(features) {
  const refuse = async () => {
    throw new DOMException("not in private windows", "SecurityError");
  };
  if (features.includes("opfs")) StorageManager.prototype.getDirectory = refuse;
  if (features.includes("caches")) CacheStorage.prototype.open = refuse;
  if (features.includes("locks")) Object.defineProperty(navigator, "locks", { value: undefined });
  if (features.includes("grants")) LockManager.prototype.request = () => new Promise(() => {});
}
