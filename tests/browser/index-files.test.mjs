/** A static index as a page reads it: what is fetched and when, what is stored, and what is refused. */

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { rolldown } from "rolldown";
import { dist, launch, root } from "./harness.mjs";
import { sha256, writeIndex } from "./index-maker.mjs";
import { Server } from "./server.mjs";
import { random } from "./store-harness.mjs";

/** @typedef {{ at: number, bytes: number }} Span */
/** @typedef {"words" | "documents" | "rows" | Span[]} What */
/** @typedef {{ url: string, cache?: "auto" | "none", read: What[], abortAfter?: number }} Reading */
/** @typedef {{ ok: boolean, name?: string, code?: string, message?: string, warnings: string[], results: any[], vectorBytes?: number }} Result */

const WORDS = JSON.stringify({ serializationVersion: 2, documentCount: 0 });
const SPACE = "test@1/int8/8";
const MODEL = { name: "test" };
const EVERYTHING = /** @type {What[]} */ (["words", "documents", "rows"]);

/** @type {string} */
let folder;
/** @type {Server} */
let server;
/** @type {Awaited<ReturnType<typeof launch>>} */
let browser;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "felsic-index-"));
  const bundle = await rolldown({ input: join(root, "pkg/src/search/index-files.ts"), platform: "browser" });
  await bundle.write({ file: join(folder, "index-files.js"), format: "esm" });
  await bundle.close();
  server = await Server.start({ "/felsic/": [dist, import.meta.dirname, folder], "/indexes/": [join(folder, "indexes")] });
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await server?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Documents with passages of up to 3,000 letters, some of several bytes. @param {number} count @param {number} seed */
function documents(count, seed) {
  const next = random(seed);
  const letters = "abcdefghij klmnopqr stuvwxyz äöü 検索 🙂".match(/./gu) ?? [];
  const text = (/** @type {number} */ length) =>
    Array.from({ length }, () => letters[Math.floor(next() * letters.length)]).join("");
  return Array.from({ length: count }, (_, index) => ({
    id: `${seed}-${index}.md`,
    title: `Document ${index}`,
    passages: Array.from({ length: 1 + Math.floor(next() * 3) }, () => ({
      text: text(1 + Math.floor(next() * 3000)),
      vector: unit(Array.from({ length: 8 }, () => next() - 0.5)),
    })),
  }));
}

/** @param {number[]} vector */
function unit(vector) {
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}

/** @param {string} name @param {Partial<Parameters<typeof writeIndex>[1]>} [what] */
function made(name, what = {}) {
  const segments = what.segments ?? [documents(12, 1)];
  return writeIndex(join(folder, "indexes", name), { words: WORDS, space: SPACE, model: MODEL, ...what, segments });
}

/** The passages of a segment, with where each is in its texts. @param {import("./index-maker.mjs").Made[]} segment */
function passages(segment) {
  let at = 0;
  return segment.flatMap(({ passages }) =>
    passages.map(({ text }) => {
      const bytes = Buffer.byteLength(text);
      at += bytes;
      return { text, at: at - bytes, bytes };
    }),
  );
}

/** A page with a storage of its own. */
async function freshPage() {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(server.url("/felsic/blank.html"));
  return {
    /** @param {Reading} reading @returns {Promise<Result>} */
    read: (reading) =>
      page.evaluate(
        (reading) =>
          new Promise((resolve, reject) => {
            const worker = new Worker("/felsic/index-worker.js", { type: "module" });
            worker.onerror = ({ message }) => reject(new Error(message || "the worker does not load"));
            worker.onmessage = ({ data }) => (worker.terminate(), resolve(data));
            worker.postMessage(reading);
          }),
        reading,
      ),
    close: () => context.close(),
  };
}

/** The endings of the names of the index's files that were requested. @param {() => Promise<unknown>} work */
async function sections(work) {
  const from = server.log.length;
  await work();
  return server.log
    .slice(from)
    .flatMap(({ path }) => (path.startsWith("/felsic/") ? [] : [path.slice(path.lastIndexOf(".") + 1)]));
}

test("an index is read as it was written; of the texts, only the blocks that are wanted", async () => {
  const segment = documents(40, 2);
  const manifest = made("plain", { segments: [segment] });
  const entry = manifest.segments[0];
  assert.ok(entry);
  const all = passages(segment);
  const wanted = [all[3], all.at(-1), all[20]].filter((passage) => passage !== undefined);
  const { read, close } = await freshPage();
  const from = server.log.length;
  const { results, message } = await read({ url: server.url("/indexes/plain/"), read: [...EVERYTHING, wanted] });
  assert.equal(message, undefined);
  const [words, documentsJson, rows, texts] = results;
  assert.equal(words, WORDS);
  assert.equal(JSON.parse(documentsJson).documents.length, 40);
  assert.deepEqual(
    texts,
    wanted.map(({ text }) => text),
  );
  const vectors = segment.flatMap(({ passages }) => passages.map(({ vector }) => vector));
  vectors.forEach((vector, row) =>
    vector.forEach((value, column) => {
      const at = row * 8 + column;
      assert.ok(Math.abs(value - rows.scales[row] * (rows.coarse[at] + rows.fine[at] / 254)) < 1e-4);
    }),
  );
  const ranges = server.log.slice(from).flatMap(({ path, range }) => (path.endsWith(".texts") ? [range] : []));
  const blocks = new Set(wanted.flatMap(({ at, bytes }) => [at >> 14, (at + bytes - 1) >> 14]));
  const end = (/** @type {number} */ block) => Math.min((block + 1) * 16_384, entry.texts.bytes) - 1;
  assert.deepEqual(ranges.sort(), [...blocks].map((block) => `bytes=${block * 16_384}-${end(block)}`).sort());
  assert.ok(blocks.size < entry.texts.blocks.length);
  await close();
});

test("the second visit requests index.json alone, and without a network nothing has to be there", async () => {
  const segment = documents(12, 1);
  made("kept", { segments: [segment] });
  const wanted = passages(segment).slice(0, 4);
  const down = { file: /./, status: 503, times: 0 };
  const url = server.spoilt("/indexes/kept/", down);
  const { read, close } = await freshPage();
  const first = await read({ url, read: [...EVERYTHING, wanted] });
  assert.deepEqual(await sections(() => read({ url, read: [...EVERYTHING, wanted] })), ["json"]);
  down.times = -1;
  const offline = await read({ url, read: [...EVERYTHING, wanted] });
  assert.deepEqual(offline.results, first.results, offline.message);
  assert.equal((await read({ url, cache: "none", read: [] })).code, "network");
  await close();
});

test("after an update only what has changed is requested, and what is gone is removed", async () => {
  const [old, changed] = [documents(12, 1), documents(12, 3)];
  made("update", { segments: [old] });
  made("updated", { segments: [old], words: `${WORDS} ` });
  made("changed", { segments: [changed], words: `${WORDS} ` });
  const url = server.spoilt("/indexes/update/");
  const { read, close } = await freshPage();
  const everything = (/** @type {import("./index-maker.mjs").Made[]} */ segment) =>
    sections(() => read({ url, read: [...EVERYTHING, passages(segment).slice(0, 1)] }));
  await everything(old);
  server.retarget(url, "/indexes/updated/");
  assert.deepEqual(await everything(old), ["json", "words"]);
  server.retarget(url, "/indexes/changed/");
  assert.deepEqual((await everything(changed)).sort(), ["documents", "fine", "json", "texts", "vectors"]);
  // Nothing of the first form is left, and nothing has to be fetched twice.
  server.retarget(url, "/indexes/update/");
  assert.deepEqual((await everything(old)).sort(), ["documents", "fine", "json", "texts", "vectors", "words"]);
  assert.deepEqual(await everything(old), ["json"]);
  await close();
});

test("a server that sends whole files only is asked for the texts once", async () => {
  const segment = documents(40, 2);
  made("whole", { segments: [segment] });
  const all = passages(segment);
  for (const fault of [{ ranges: /** @type {const} */ ("ignored") }, { gzip: true }]) {
    const { read, close } = await freshPage();
    const url = server.spoilt("/indexes/whole/", { file: /texts$/, ...fault });
    let results, message;
    const requested = await sections(async () => {
      ({ results, message } = await read({ url, read: [[all[0], all[1]].flatMap((span) => span ?? []), all] }));
    });
    const expected = [all.slice(0, 2).map(({ text }) => text), all.map(({ text }) => text)];
    // Thousands of letters are of no use in a report.
    assert.equal(sha256(JSON.stringify(results ?? message)), sha256(JSON.stringify(expected)), message);
    // Requests with a range show that there are none; then comes the whole file, and after that nothing.
    const whole = server.log.filter(({ path, range }) => path.startsWith(new URL(url).pathname) && /texts$/.test(path) && !range);
    assert.equal(whole.length, 1);
    assert.ok(requested.length <= 6, requested.join());
    await close();
  }
});

test("an interrupted download goes on where it stopped", async () => {
  const segment = documents(1500, 5);
  made("long", { segments: [segment] });
  const { read, close } = await freshPage();
  const url = server.spoilt("/indexes/long/", { file: /vectors$/, endAfter: 9_000, times: 1 });
  const from = server.log.length;
  const { ok, message } = await read({ url, read: ["rows"] });
  assert.ok(ok, message);
  const ranges = server.log.slice(from).flatMap(({ path, range }) => (path.endsWith(".vectors") ? [range] : []));
  assert.equal(ranges.length, 2);
  assert.equal(ranges[1], "bytes=9000-");
  await close();
});

test("wrong bytes are requested once more, and then refused", async () => {
  const segment = documents(12, 1);
  made("wrong", { segments: [segment] });
  const change = (/** @type {Buffer} */ bytes) => Buffer.from(bytes.map((byte, index) => (index === 20 ? byte ^ 1 : byte)));
  const wanted = passages(segment).slice(0, 2);
  for (const [file, what] of /** @type {[RegExp, What][]} */ ([
    [/words$/, "words"],
    [/documents$/, "documents"],
    [/vectors$/, "rows"],
    [/texts$/, wanted],
  ])) {
    const { read, close } = await freshPage();
    const once = server.spoilt("/indexes/wrong/", { file, change, times: 1 });
    assert.equal((await read({ url: once, read: [what] })).ok, true);
    const { read: readFresh, close: closeFresh } = await freshPage();
    const always = server.spoilt("/indexes/wrong/", { file, change });
    assert.equal((await readFresh({ url: always, read: [what] })).code, "file-integrity");
    const short = server.spoilt("/indexes/wrong/", { file, change: (bytes) => bytes.subarray(0, 10) });
    if (what === "words") assert.equal((await readFresh({ url: short, read: [what] })).code, "file-length");
    const gone = server.spoilt("/indexes/wrong/", { file, status: 404 });
    if (what === "words") assert.equal((await readFresh({ url: gone, read: [what] })).code, "not-found");
    await Promise.all([close(), closeFresh()]);
  }
});

test("no index, a page in its place, and no server are told apart", async () => {
  const { read, close } = await freshPage();
  made("none");
  const page = server.spoilt("/indexes/none/", { file: /json$/, page: true });
  const refused = server.spoilt("/indexes/none/", { file: /json$/, status: 500 });
  const outcomes = [];
  for (const url of [server.url("/indexes/nowhere/"), page, refused]) outcomes.push((await read({ url, read: [] })).code);
  assert.deepEqual(outcomes, ["not-found", "not-found", "network"]);
  assert.equal((await read({ url: refused, read: [], abortAfter: 0 })).code, "aborted");
  await close();
});

test("a manifest that lies is refused, whatever it says", async () => {
  const good = made("lies");
  const { read, close } = await freshPage();
  const entry = good.segments[0];
  assert.ok(entry);
  /** @type {[string, (manifest: any) => void][]} */
  const lies = [
    ["format", (m) => (m.format = "felsic-pack")],
    ["version", (m) => (m.version = 2)],
    ["no space", (m) => delete m.space],
    ["a long space", (m) => (m.space = "x".repeat(1001))],
    ["no model", (m) => (m.model = null)],
    ["a model elsewhere", (m) => (m.model = { name: "m", url: "javascript:alert(1)" })],
    ["a wrong integrity", (m) => (m.model = { name: "m", integrity: "sha256-x" })],
    ["dimensions", (m) => (m.dimensions = 0)],
    ["no whole number", (m) => (m.dimensions = 8.5)],
    ["other dimensions", (m) => (m.dimensions = 9)],
    ["passages", (m) => (m.passages += 1)],
    ["more documents than passages", (m) => (m.documents = m.passages + 1)],
    ["segments", (m) => (m.segments = {})],
    ["rows", (m) => (m.segments[0].rows = 1e9)],
    ["rows below zero", (m) => (m.segments[0].rows = -1)],
    ["a way out", (m) => (m.words.file = "../words")],
    ["a URL", (m) => (m.words.file = "https://example.org/words")],
    ["a hidden file", (m) => (m.words.file = ".words")],
    ["a query", (m) => (m.words.file = "words?x")],
    ["no hash", (m) => (m.words.sha256 = "0".repeat(63))],
    ["capitals", (m) => (m.words.sha256 = m.words.sha256.toUpperCase().replace(/^./, "A"))],
    ["bytes", (m) => (m.words.bytes = 2 ** 50)],
    ["bytes as a text", (m) => (m.words.bytes = "1")],
    ["block", (m) => (m.segments[0].texts.block = 1)],
    ["blocks", (m) => m.segments[0].texts.blocks.pop()],
    ["a block without a hash", (m) => (m.segments[0].texts.blocks[0] = 7)],
    ["texts of no length", (m) => (m.segments[0].texts.bytes = 0)],
    ["fine", (m) => (m.segments[0].fine.bytes = 1)],
    ["calibration", (m) => (m.calibration = { mean: 3, deviation: 0.1, count: 1 })],
    ["calibration of others", (m) => (m.calibration = { dimensions: 9, mean: 0, count: 1 })],
    ["calibration of no numbers", (m) => (m.calibration = { mean: null, count: 1 })],
    ["base", (m) => (m.base = "data:text/html,x")],
  ];
  // Most of them without a browser, which would take a second each.
  const bundle = await rolldown({ input: join(root, "pkg/src/search/index-manifest.ts"), platform: "neutral" });
  await bundle.write({ file: join(folder, "index-manifest.mjs"), format: "esm" });
  await bundle.close();
  /** @type {typeof import("../../pkg/dist/types/search/index-manifest.js")} */
  const { checkedManifest } = await import(pathToFileURL(join(folder, "index-manifest.mjs")).href);
  const check = (/** @type {string | Uint8Array} */ json) =>
    checkedManifest(Buffer.from(/** @type {string} */ (json)), "https://example.org/index/");
  check(JSON.stringify(good));
  for (const [what, lie] of lies) {
    const manifest = structuredClone(good);
    lie(manifest);
    assert.throws(() => check(JSON.stringify(manifest)), { name: "FelsicError", code: "index-invalid" }, what);
  }
  for (const text of ["", "[]", "null", "{", '{"format":"felsic-index"}', "{}".repeat(100), Uint8Array.of(0xff)]) {
    assert.throws(() => check(text), { name: "FelsicError", code: "index-invalid" });
  }
  made("lies", { change: (m) => (m.words.file = "../words") });
  const { code, name } = await read({ url: server.url("/indexes/lies/"), read: [] });
  assert.deepEqual([code, name], ["index-invalid", "FelsicError"]);
  // A span outside its texts, and a file whose claim of bytes is beyond all memory.
  made("lies");
  const url = server.url("/indexes/lies/");
  for (const span of [
    { at: -1, bytes: 4 },
    { at: 0, bytes: entry.texts.bytes + 1 },
    { at: 0.5, bytes: 1 },
  ]) {
    assert.equal((await read({ url, read: [[span]] })).code, "index-invalid");
  }
  made("lies", { change: (m) => (m.words.bytes = 2 ** 39) });
  assert.equal((await read({ url, read: ["words"] })).code, "file-length");
  await close();
});

test("what is packed must be gzip, whole, not without end, and text", async () => {
  const { read, close } = await freshPage();
  const file = (/** @type {Buffer} */ bytes) => (/** @type {any} */ manifest) => {
    const hash = sha256(bytes);
    manifest.words = { file: `${hash.slice(0, 32)}.words`, bytes: bytes.length, sha256: hash };
    writeFileSync(join(folder, "indexes/packed", manifest.words.file), bytes);
  };
  const packed = gzipSync(WORDS);
  const url = server.url("/indexes/packed/");
  const read1 = async (/** @type {Buffer} */ bytes) => {
    made("packed", { change: file(bytes) });
    return read({ url, read: ["words"] });
  };
  assert.equal((await read1(packed)).ok, true);
  for (const bytes of [
    Buffer.from(WORDS),
    packed.subarray(0, packed.length - 4),
    Buffer.concat([packed, Buffer.from("x")]),
    gzipSync(Buffer.from([0xff, 0xfe])),
  ]) {
    assert.equal((await read1(bytes)).code, "index-invalid");
  }
  const bomb = await read1(gzipSync(Buffer.alloc(257 << 20)));
  assert.equal(bomb.code, "index-invalid");
  assert.match(bomb.message ?? "", /more than 256 MiB/);
  await close();
});

test("a pack and an index in one folder keep their own manifests, and neither's files are removed for the other", async () => {
  const segment = documents(12, 1);
  made("both", { segments: [segment] });
  const pack = join(root, "models/felsic-small-english/pack");
  for (const name of [
    "manifest.json",
    ...JSON.parse(readFileSync(join(pack, "manifest.json"), "utf8")).shards.map((/** @type {any} */ { file }) => file),
  ]) {
    writeFileSync(join(folder, "indexes/both", name), readFileSync(join(pack, name)));
  }
  const { tokenizer } = JSON.parse(readFileSync(join(pack, "manifest.json"), "utf8"));
  writeFileSync(join(folder, "indexes/both", tokenizer.file), readFileSync(join(pack, tokenizer.file)));
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(server.url("/felsic/blank.html"));
  await page.waitForFunction(() => "felsic" in globalThis);
  const url = server.url("/indexes/both/");
  const readIndex = (/** @type {Reading} */ reading) =>
    page.evaluate(
      (reading) =>
        new Promise((resolve) => {
          const worker = new Worker("/felsic/index-worker.js", { type: "module" });
          worker.onmessage = ({ data }) => (worker.terminate(), resolve(data));
          worker.postMessage(reading);
        }),
      reading,
    );
  await readIndex({ url, read: EVERYTHING });
  await page.evaluate(async (model) => (await felsic.Embedder.create({ model, prefetch: "all" })).destroy(), url);
  assert.equal(await page.evaluate((model) => felsic.Embedder.availability({ model }), url), "available");
  assert.deepEqual(await sections(() => readIndex({ url, read: EVERYTHING })), ["json"]);
  assert.equal(await page.evaluate((model) => felsic.Embedder.availability({ model }), url), "available");
  await context.close();
});
