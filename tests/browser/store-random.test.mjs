/**
 * The store under faults at random: three loads at a time share what is stored, while the server cuts, delays, ends early, sends other
 * parts, bytes, ETags, encodings and status codes; calls of the storage fail; and workers are ended. Each load ends in the right bytes or in a
 * code, and nothing wrong is ever stored.
 *
 * `FELSIC_FAULTS=10000 FELSIC_SEED=7 node --test store-random.test.mjs` takes more, and others. What goes wrong is reported with the seed of
 * its round, which `FELSIC_SEED=… FELSIC_ROUND=…` repeats alone, as far as the order of what goes on at once can be repeated.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "./store-harness.mjs";
import { freshPage, next, pack, store, wholeFiles } from "./store-suite.mjs";

/** @typedef {import("./server.mjs").Fault} Fault */
/** @typedef {import("./store-harness.mjs").Load} Load */

const LOADS = Number(process.env.FELSIC_FAULTS ?? 60);
const SEED = Number(process.env.FELSIC_SEED ?? 1);
const ONLY = process.env.FELSIC_ROUND === undefined ? undefined : Number(process.env.FELSIC_ROUND);
const TOGETHER = 3;
/** Rounds after which a page is closed, and another begins with nothing stored. */
const PAGE = 7;

/** What a load under faults may end in. `stopped` is a worker that the test has ended. */
const CODES = ["network", "not-found", "file-length", "file-integrity", "aborted", "stopped", "manifest-invalid"];

/** Draws for a round. @param {number} round */
function drawer(round) {
  const next = random(SEED * 7919 + round * 104729);
  // The first numbers of near seeds are near each other.
  for (let i = 0; i < 8; i += 1) next();
  const below = (/** @type {number} */ limit) => Math.floor(next() * limit);
  return {
    below,
    chance: (/** @type {number} */ share) => next() < share,
    pick: /** @template T @param {T[]} from */ (from) => /** @type {T} */ (from[below(from.length)]),
  };
}

/** @typedef {ReturnType<typeof drawer>} Draw */

/** A fault of the server for some requests of a file. @param {Draw} draw @returns {Fault} */
function faultOf(draw) {
  const at = draw.below(800_000);
  const changed = (/** @type {(bytes: Buffer) => Uint8Array} */ change) => ({
    change: (/** @type {Buffer} */ bytes) => Buffer.from(change(Buffer.from(bytes))),
  });
  /** @type {(() => Partial<Fault>)[]} */
  const kinds = [
    () => ({ cutAfter: at }),
    () => ({ cutAfter: at, ranges: draw.pick(["ignored", "wrong"]) }),
    () => ({ endAfter: at }),
    () => ({ stallAfter: at }),
    () => ({ status: draw.pick([204, 206, 301, 304, 400, 401, 403, 404, 410, 416, 429, 500, 502, 503]) }),
    () => ({ page: true }),
    () => ({ delay: draw.below(120) }),
    () => ({ slow: draw.below(8) }),
    () => ({ gzip: true, ...(draw.chance(0.5) && { cutAfter: at >> 3 }) }),
    () => ({ headers: { "content-encoding": draw.pick(["gzip", "br", "deflate", "none"]) } }),
    () => ({
      headers: { etag: `"${draw.below(3)}"`, "last-modified": new Date(draw.below(2) * 1e9).toUTCString() },
      cutAfter: at,
    }),
    () => changed((bytes) => bytes.map((byte, i) => (i === at % bytes.length ? byte ^ (1 << (at & 7)) : byte))),
    () => changed((bytes) => bytes.subarray(0, at % bytes.length)),
    () => changed((bytes) => Buffer.concat([bytes, bytes.subarray(0, 1 + (at % 5000))])),
    () => changed((bytes) => (bytes.fill(0, at % bytes.length), bytes)),
  ];
  const file = draw.pick([/./, /^manifest/, /^shard/, /^tokenizer/]);
  return { file, ...draw.pick(kinds)(), ...(draw.chance(0.8) && { times: 1 + draw.below(3) }) };
}

/** One load and what is wrong with it. @param {Draw} draw @returns {{ load: Load, wanted: typeof pack, isStopped: boolean }} */
function loadOf(draw) {
  const isNext = draw.chance(0.2);
  const folder = isNext ? "/packs/next/" : "/packs/one/";
  const faults = Array.from({ length: draw.below(4) }, () => faultOf(draw));
  const server = draw.chance(0.5) ? store.server : store.pages;
  const isStopped = draw.chance(0.15);
  // Whoever may change the manifest decides what the pack is, unless the page knows its hash.
  const isPinned = draw.chance(0.3) || faults.some(({ file, change }) => change && file.test("manifest.json"));
  const size = 1_000_000;
  /** @type {Load} */
  const load = {
    model: faults.length > 0 ? server.spoilt(folder, ...faults) : server.url(folder),
    ...(isPinned && { integrity: (isNext ? next : pack).integrity }),
    hurry: 200,
    // What never ends by itself shows here.
    abortAfter: 60_000,
    ...(draw.chance(0.4) && { flaky: { seed: 1 + draw.below(1e9), share: draw.pick([0.02, 0.1, 0.5]) } }),
    ...(isStopped && { stopAt: draw.below(size) }),
    ...(draw.chance(0.1) && { abortAt: draw.below(size) }),
    ...(draw.chance(0.1) && { cache: "none" }),
  };
  return { load, wanted: isNext ? next : pack, isStopped };
}

/** Returns the names of stored files whose bytes are not those that their names promise. This runs in the page. */
async function wrongInPage() {
  const root = await navigator.storage.getDirectory();
  const folder = await root.getDirectoryHandle("felsic", { create: true });
  const wrong = [];
  for await (const [name, handle] of /** @type {any} */ (folder).entries()) {
    if (!/^[0-9a-f]{64}$/.test(name)) continue;
    const digest = await crypto.subtle.digest("SHA-256", await (await handle.getFile()).arrayBuffer());
    const hex = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
    if (hex !== name) wrong.push(name);
  }
  return wrong;
}

/** Removes all that is stored, while loads go on. @param {Awaited<ReturnType<typeof freshPage>>["page"]} page @param {number} ms */
async function deleteAfter(page, ms) {
  await new Promise((resolve) => setTimeout(resolve, ms));
  await page.evaluate(() => felsic.Embedder.deleteCache(), undefined);
}

test(`${LOADS} loads under faults of seed ${SEED}`, { timeout: 7_200_000 }, async (context) => {
  /** @type {Record<string, number>} */
  const ends = {};
  /** @type {Awaited<ReturnType<typeof freshPage>> | undefined} */
  let page;
  for (let round = 0; round * TOGETHER < LOADS; round += 1) {
    if (ONLY !== undefined && round !== ONLY) continue;
    if (round % PAGE === 0) {
      await page?.close();
      page = undefined;
    }
    page ??= await freshPage();
    const { load, names, page: tab } = page;
    const draw = drawer(round);
    const loads = Array.from({ length: TOGETHER }, () => loadOf(draw));
    const deleted = draw.chance(0.1) ? deleteAfter(tab, draw.below(400)) : undefined;
    const loaded = await Promise.all(loads.map((one) => load(one.load)));
    await deleted;
    const where = `FELSIC_SEED=${SEED} FELSIC_ROUND=${round}`;
    for (const [number, { ok, code, message, files }] of loaded.entries()) {
      const one = loads[number];
      const end = ok ? "right" : String(code);
      ends[end] = (ends[end] ?? 0) + 1;
      if (ok) assert.deepEqual(files, one?.wanted.hashes, `${where}: other bytes`);
      else assert.ok(CODES.includes(end), `${where}: ${end}: ${message}`);
      assert.ok(end !== "aborted" || one?.load.abortAt !== undefined, `${where}: no end by itself`);
      assert.ok(end !== "stopped" || one?.isStopped, `${where}: ${message}`);
    }
    assert.deepEqual(await tab.evaluate(wrongInPage, undefined), [], `${where}: wrong bytes are stored`);
    if (round % PAGE === PAGE - 1 || (round + 1) * TOGETHER >= LOADS) {
      // Whatever has happened here, a good server is enough.
      const after = await load({ model: store.server.url("/packs/one/"), hurry: 200, abortAfter: 60_000 });
      assert.deepEqual(after.files, pack.hashes, `${where}: afterwards: ${after.code}: ${after.message}`);
      assert.ok(wholeFiles(await names()).length >= pack.files.length, `${where}: what came last is not kept`);
    }
  }
  await page?.close();
  const listed = Object.entries(ends)
    .sort()
    .map(([end, count]) => `${count} ${end}`);
  context.diagnostic(`${LOADS} loads of seed ${SEED}: ${listed.join(", ")}`);
  assert.ok(ONLY !== undefined || (ends.right ?? 0) > LOADS / 5, "most loads fail: the faults show nothing");
});
