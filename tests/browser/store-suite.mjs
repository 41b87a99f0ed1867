/** What the tests of the store share: servers, a browser and two revisions of a pack, created when this module is imported. */

import { join } from "node:path";
import { after, before } from "node:test";
import { launchBrowser, loadInPage, makeInPage, randomBytes, startStore, writeCheckpoint, writePack } from "./store-harness.mjs";

/** @typedef {import("./store-harness.mjs").Load} Load */
/** @typedef {import("./server.mjs").Server} Server */

export const MANIFEST = /^manifest/;
export const SHARD = /^shard/;
export const FIRST = 300_000;
export const SECOND = 700_000;

/** The weights of a checkpoint. */
export const weights = randomBytes(500_000, 6);

/** @type {import("./store-harness.mjs").StoreEnvironment} */
export let store;
/** @type {Awaited<ReturnType<typeof launchBrowser>>} */
let browser;
/** @type {ReturnType<typeof writePack>} */
export let pack;
/** The next revision: one shard is the same. @type {ReturnType<typeof writePack>} */
export let next;

before(async () => {
  store = await startStore();
  browser = await launchBrowser();
  const first = randomBytes(FIRST, 1);
  pack = writePack(join(store.packs, "one"), randomBytes(20_000, 2), [first, randomBytes(SECOND, 3)]);
  writeCheckpoint(join(store.packs, "checkpoint"), weights);
  next = writePack(join(store.packs, "next"), randomBytes(20_000, 4), [first, randomBytes(5_000, 5)]);
});

after(async () => {
  await browser?.close();
  await store?.close();
});

/** Opens a page of a browser that has stored nothing yet. */
export async function freshPage() {
  const page = await browser.newPage(store.pages.url("/felsic/blank.html"));
  return {
    page,
    /** @param {Load} load */
    load: (load) => page.evaluate(loadInPage, load),
    /** @param {import("./store-harness.mjs").Make} make */
    make: (make) => page.evaluate(makeInPage, make),
    /** @param {string} model */
    availability: (model) => page.evaluate((model) => felsic.Embedder.availability({ model }), model),
    names: () => page.evaluate(namesInPage, undefined),
    close: () => page.close(),
  };
}

/** Returns the names of the stored files. This runs in the page. */
async function namesInPage() {
  const names = [];
  const root = await navigator.storage.getDirectory();
  const folder = await root.getDirectoryHandle("felsic", { create: true });
  for await (const name of folder.keys()) names.push(name);
  return names.sort();
}

/** Names of the files that a pack has in the cache. @param {ReturnType<typeof writePack>} pack */
export const storedFiles = (pack) => pack.files.map((file) => /** @type {string} */ (pack.hashes[file])).sort();

/** Only those that are whole files of packs. @param {string[]} names */
export const wholeFiles = (names) => names.filter((name) => /^[0-9a-f]{64}$/.test(name));

/** What a server was asked for while something went on, by file name, with ranges. @param {Server} server @param {() => Promise<unknown>} work */
export async function requestsDuring(server, work) {
  const before = server.log.length;
  await work();
  return server.log.slice(before).map(({ path, range }) => ({ file: path.slice(path.lastIndexOf("/") + 1), range }));
}

/** What a server was ever asked for under a model's URL. @param {Server} server @param {string} model */
export function requestsOf(server, model) {
  const folder = new URL(model).pathname;
  return server.log.flatMap(({ path, range }) => (path.startsWith(folder) ? { file: path.slice(folder.length), range } : []));
}

/** Waits until a server has been asked for a file under a model's URL. @param {string} model @param {RegExp} file */
export async function untilAsked(model, file) {
  while (!requestsOf(store.server, model).some((request) => file.test(request.file))) await sleep(10);
}

/** @param {number} ms */
export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
