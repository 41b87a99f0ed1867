/** A pack that is made up, a server that spoils it, and browsers that read it through the store. */

import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rolldown } from "rolldown";
import { launchFirefox } from "./firefox.mjs";
import { dist, launch, root } from "./harness.mjs";
import { random } from "./random.mjs";
import { Server } from "./server.mjs";

export { random };

const here = import.meta.dirname;

/**
 * What is requested from the worker.
 *
 * @typedef {object} Load
 * @property {string} model
 * @property {string} [integrity]
 * @property {"auto" | "none"} [cache]
 * @property {Record<string, string>} [headers]
 * @property {("opfs" | "caches" | "locks" | "grants")[]} [forbid] features that this browser lacks; `grants` are those of locks
 * @property {{ seed: number, share: number }} [flaky] the share of calls of the storage that fail, at random
 * @property {number} [hurry] how many times as fast time passes, for long waits and the clock
 * @property {number} [abortAfter] milliseconds
 * @property {number} [abortAt] bytes
 * @property {number} [stopAt] bytes after which the worker is ended
 */

/** @typedef {{ ok: boolean, code?: string, message?: string, warnings: string[], files?: Record<string, string> }} Loaded */
/** @typedef {Awaited<ReturnType<typeof startStore>>} StoreEnvironment */

/**
 * What is requested from the worker that makes packs.
 *
 * @typedef {object} Make
 * @property {string} model
 * @property {number} [hurry] as for a load
 */

/** @typedef {{ ok: boolean, code?: string, message?: string, warnings: string[], unstored?: number, shard?: string }} MadePack */

/** @param {number} length @param {number} seed */
export function randomBytes(length, seed) {
  const next = random(seed);
  return Buffer.from(Array.from({ length }, () => next() * 256));
}

/** @param {Buffer} bytes */
export const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

/**
 * Writes a pack of these files.
 *
 * @param {string} folder
 * @param {Buffer} tokenizer
 * @param {Buffer[]} shards
 */
export function writePack(folder, tokenizer, shards) {
  mkdirSync(folder, { recursive: true });
  const write = (/** @type {string} */ name, /** @type {Buffer} */ bytes) => {
    const hash = sha256(bytes);
    const file = `${name}-${hash.slice(0, 16)}.bin`;
    writeFileSync(join(folder, file), bytes);
    return { file, bytes: bytes.length, sha256: hash };
  };
  const entries = { tokenizer: write("tokenizer", tokenizer), shards: shards.map((bytes) => write("shard", bytes)) };
  const manifest = Buffer.from(JSON.stringify({ format: "felsic", ...entries }));
  writeFileSync(join(folder, "manifest.json"), manifest);
  const files = [entries.tokenizer, ...entries.shards];
  return {
    /** Hashes by name, as a load reports them. */
    hashes: Object.fromEntries([["manifest.json", sha256(manifest)], ...files.map(({ file, sha256 }) => [file, sha256])]),
    integrity: `sha256-${createHash("sha256").update(manifest).digest("base64")}`,
    files: files.map(({ file }) => file),
  };
}

/**
 * Writes a checkpoint that only the fake packer can make a pack from.
 *
 * @param {string} folder
 * @param {Buffer} weights
 */
export function writeCheckpoint(folder, weights) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "config.json"), "{}");
  writeFileSync(join(folder, "tokenizer.json"), "{}");
  writeFileSync(join(folder, "model.safetensors"), weights);
}

/** Bundles the store and serves it beside the empty page; packs are served by a server of another origin. */
export async function startStore() {
  const folder = mkdtempSync(join(tmpdir(), "felsic-store-"));
  const bundles = [
    [join(root, "pkg/src/store/index.ts"), "store.js"],
    [join(here, "checkpoint-worker.js"), "checkpoint-worker-bundle.js"],
  ];
  for (const [input = "", file = ""] of bundles) {
    const bundle = await rolldown({ input, platform: "browser" });
    await bundle.write({ file: join(folder, file), format: "esm" });
    await bundle.close();
  }
  const mounts = { "/packs/": [join(folder, "packs")] };
  const pages = await Server.start({ "/felsic/": [dist, here, folder], ...mounts });
  const server = await Server.start(mounts);
  return {
    /** Serves packs too, so that a test can load them from the page's origin. */
    pages,
    server,
    /** Starts a separate server, for a test that ends it. */
    startServer: () => Server.start(mounts),
    packs: join(folder, "packs"),
    async close() {
      await server.close();
      await pages.close();
      rmSync(folder, { recursive: true });
    },
  };
}

const firefox = process.env.FELSIC_TEST_BROWSER === "firefox";

/** Whether tests can limit how much a page may store, and clear what it has stored. */
export const hasQuota = !firefox;

/** The browser under test; each of its pages has its own storage. */
export async function launchBrowser() {
  if (firefox) {
    const { newPage, close } = await launchFirefox();
    const setQuota = async (/** @type {number} */ _quota) => {};
    const clear = async () => {};
    return { newPage: async (/** @type {string} */ url) => ({ ...(await newPage(url)), setQuota, clear }), close };
  }
  const browser = await launch();
  return { newPage: (/** @type {string} */ url) => chromiumPage(browser, url), close: () => browser.close() };
}

/** @param {Awaited<ReturnType<typeof launch>>} browser @param {string} url */
async function chromiumPage(browser, url) {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(url);
  return {
    /** @template A, R @param {(argument: A) => R} work @param {A} argument @returns {Promise<Awaited<R>>} */
    evaluate: (work, argument) => page.evaluate(/** @type {any} */ (work), argument),
    close: () => context.close(),
    /** @param {number} quotaSize */
    async setQuota(quotaSize) {
      const devtools = await context.newCDPSession(page);
      await devtools.send("Storage.overrideQuotaForOrigin", { origin: new URL(url).origin, quotaSize });
    },
    /** Clears what the site has stored, as a user does. */
    async clear() {
      const devtools = await context.newCDPSession(page);
      await devtools.send("Storage.clearDataForOrigin", { origin: new URL(url).origin, storageTypes: "all" });
    },
  };
}

/**
 * Reads a pack in a new worker of a page. This runs in the page.
 *
 * @param {Load} load
 * @returns {Promise<Loaded>}
 */
export function loadInPage(load) {
  return new Promise((resolve, reject) => {
    const worker = new Worker("/felsic/store-worker.js", { type: "module" });
    worker.onerror = (event) => reject(new Error(event.message || "the worker does not load"));
    worker.onmessage = ({ data }) => {
      worker.terminate();
      resolve(data);
    };
    worker.postMessage(load);
  });
}

/**
 * Makes a pack in a new worker of a page. This runs in the page.
 *
 * @param {Make} make
 * @returns {Promise<MadePack>}
 */
export function makeInPage(make) {
  return new Promise((resolve, reject) => {
    const worker = new Worker("/felsic/checkpoint-worker-bundle.js", { type: "module" });
    worker.onerror = (event) => reject(new Error(event.message || "the worker does not load"));
    worker.onmessage = ({ data }) => {
      worker.terminate();
      resolve(data);
    };
    worker.postMessage(make);
  });
}
