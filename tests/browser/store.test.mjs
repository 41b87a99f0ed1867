/** The store: what a server and a cache can do wrong, and that the right bytes come nevertheless. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { hasQuota, launchBrowser, loadInPage, random, randomBytes, startStore, writePack } from "./store-harness.mjs";

/** @typedef {import("./store-harness.mjs").Load} Load */
/** @typedef {import("./server.mjs").Fault} Fault */
/** @typedef {import("./server.mjs").Server} Server */

const MANIFEST = /^manifest/;
const SHARD = /^shard/;
const FIRST = 300_000;
const SECOND = 700_000;

/** @type {import("./store-harness.mjs").StoreEnvironment} */
let store;
/** @type {Awaited<ReturnType<typeof launchBrowser>>} */
let browser;
/** @type {ReturnType<typeof writePack>} */
let pack;
/** The next revision: one shard is the same. @type {ReturnType<typeof writePack>} */
let next;

before(async () => {
  store = await startStore();
  browser = await launchBrowser();
  const first = randomBytes(FIRST, 1);
  pack = writePack(join(store.packs, "one"), randomBytes(20_000, 2), [first, randomBytes(SECOND, 3)]);
  next = writePack(join(store.packs, "next"), randomBytes(20_000, 4), [first, randomBytes(5_000, 5)]);
});

after(async () => {
  await browser?.close();
  await store?.close();
});

/** A page of a browser that has stored nothing yet. */
async function freshPage() {
  const page = await browser.newPage(store.pages.url("/felsic/blank.html"));
  return {
    page,
    /** @param {Load} load */
    load: (load) => page.evaluate(loadInPage, load),
    /** @param {string} model */
    availability: (model) => page.evaluate((model) => felsic.Embedder.availability({ model }), model),
    names: () => page.evaluate(namesInPage, undefined),
    close: () => page.close(),
  };
}

/** Names of the files that are stored. This runs in the page. */
async function namesInPage() {
  const names = [];
  const root = await navigator.storage.getDirectory();
  const folder = await root.getDirectoryHandle("felsic", { create: true });
  for await (const name of folder.keys()) names.push(name);
  return names.sort();
}

/** Names of the files that a pack has in the cache. @param {ReturnType<typeof writePack>} pack */
const storedFiles = (pack) => pack.files.map((file) => /** @type {string} */ (pack.hashes[file])).sort();

/** Only those that are whole files of packs. @param {string[]} names */
const wholeFiles = (names) => names.filter((name) => /^[0-9a-f]{64}$/.test(name));

/** What a server was asked for while something went on, by file name, with ranges. @param {Server} server @param {() => Promise<unknown>} work */
async function requestsDuring(server, work) {
  const before = server.log.length;
  await work();
  return server.log.slice(before).map(({ path, range }) => ({ file: path.slice(path.lastIndexOf("/") + 1), range }));
}

/** What a server was ever asked for under a model's URL. @param {Server} server @param {string} model */
function requestsOf(server, model) {
  const folder = new URL(model).pathname;
  return server.log.flatMap(({ path, range }) => (path.startsWith(folder) ? { file: path.slice(folder.length), range } : []));
}

/** @param {Buffer} bytes */
function flipped(bytes) {
  const copy = Buffer.from(bytes);
  copy.writeUInt8(copy.readUInt8(copy.length >> 1) ^ 1, copy.length >> 1);
  return copy;
}

test("a connection that is cut at any byte goes on where it broke", async () => {
  const { load, close } = await freshPage();
  const next = random(2024);
  let resumed = 0;
  const cuts = [1, SECOND - 1, ...Array.from({ length: 28 }, () => Math.floor(next() * SECOND))];
  const file = pack.files[2] ?? "";
  const loadCut = async (/** @type {number} */ cutAfter) => {
    const model = store.server.spoilt("/packs/one/", { file: new RegExp(file), cutAfter, times: 1 });
    const { files, message } = await load({ model, cache: "none" });
    assert.deepEqual(files, pack.hashes, `cut after ${cutAfter}: ${message}`);
    const requests = requestsOf(store.server, model);
    // What had come but had not been read when the connection broke may be lost in the browser.
    const ranges = requests.filter((request) => request.file === file).map(({ range }) => Number(/\d+/.exec(range ?? "0")));
    assert.equal(ranges.length, 2);
    assert.ok(ranges[1] !== undefined && ranges[1] <= cutAfter && ranges[1] > cutAfter - 600_000, `${ranges} of ${cutAfter}`);
    if (ranges[1] > 0) resumed += 1;
  };
  for (let i = 0; i < cuts.length; i += 6) await Promise.all(cuts.slice(i, i + 6).map(loadCut));
  assert.ok(resumed > 20, `only ${resumed} of ${cuts.length} went on in the middle`);
  await close();
});

test("a connection that is cut again and again", async () => {
  const { load, close } = await freshPage();
  const cuts = [100_000, 200_000, 300_000, 400_000, 500_000, 600_000];
  const faults = cuts.map((cutAfter) => ({ file: new RegExp(pack.files[2] ?? ""), cutAfter, times: 1 }));
  const { files } = await load({ model: store.server.spoilt("/packs/one/", ...faults) });
  assert.deepEqual(files, pack.hashes);
  await close();
});

/** @type {[name: string, fault: Fault][]} */
const PASSING = [
  ["a server that knows no ranges", { file: SHARD, cutAfter: 150_000, ranges: "ignored", times: 1 }],
  ["a server that cuts and then knows no ranges", { file: SHARD, ranges: "ignored", cutAfter: 1000, times: 2 }],
  ["a body that ends early", { file: SHARD, endAfter: 1234, times: 1 }],
  ["a server error", { file: SHARD, status: 503, times: 2 }],
  ["a server error for the manifest", { file: MANIFEST, status: 500, times: 1 }],
  ["not there yet", { file: SHARD, status: 404, times: 1 }],
  ["too many requests, with seconds", { file: SHARD, status: 429, headers: { "retry-after": "1" }, times: 1 }],
  ["too many requests, with a date", { file: SHARD, status: 429, headers: { "retry-after": new Date().toUTCString() }, times: 1 }],
  ["compressed", { file: SHARD, gzip: true }],
  ["compressed and cut", { file: SHARD, gzip: true, cutAfter: 100_000, times: 2 }],
  ["a flipped bit", { file: SHARD, change: flipped, times: 1 }],
  ["another length", { file: SHARD, change: (bytes) => bytes.subarray(0, 1000), times: 2 }],
  ["a longer file", { file: SHARD, change: (bytes) => Buffer.concat([bytes, bytes]), times: 1 }],
  ["a page instead of a file", { file: SHARD, type: "text/html", change: () => "<!doctype html>", times: 1 }],
  ["slow", { file: SHARD, slow: 20 }],
];

for (const [name, fault] of PASSING) {
  for (const origin of /** @type {const} */ (["another origin", "the page's origin"])) {
    test(`${name}, from ${origin}: the right bytes come`, async () => {
      const { load, close } = await freshPage();
      const server = origin === "another origin" ? store.server : store.pages;
      // A fault counts how often it has been used.
      const { files, message } = await load({ model: server.spoilt("/packs/one/", { ...fault }) });
      assert.deepEqual(files, pack.hashes, message);
      await close();
    });
  }
}

/** @type {[name: string, code: string, fault: Fault, most: number][]} */
const LASTING = [
  ["no manifest", "not-found", { file: MANIFEST, status: 404 }, 2],
  ["no shard", "not-found", { file: SHARD, status: 410 }, 2],
  ["forbidden", "network", { file: SHARD, status: 403 }, 1],
  ["a server error", "network", { file: SHARD, status: 502 }, 5],
  ["a server error for the manifest", "network", { file: MANIFEST, status: 502 }, 2],
  ["a connection that is always cut at one place", "network", { file: SHARD, cutAfter: 777 }, 6],
  ["the same, and no ranges", "network", { file: SHARD, cutAfter: 777, ranges: "ignored" }, 6],
  ["parts that start elsewhere", "network", { file: SHARD, cutAfter: 777, ranges: "wrong" }, 6],
  ["a flipped bit", "file-integrity", { file: SHARD, change: flipped }, 2],
  ["a file that is too short", "file-length", { file: SHARD, change: (bytes) => bytes.subarray(0, 1000) }, 6],
  ["an empty file", "file-length", { file: SHARD, change: () => "" }, 6],
  ["a file that is too long", "file-length", { file: SHARD, change: (bytes) => Buffer.concat([bytes, bytes]) }, 2],
];

test("what does not pass has its code, after not too many requests", { concurrency: 4 }, async (context) => {
  const { load, close } = await freshPage();
  const one = async (/** @type {typeof LASTING[number]} */ [name, code, fault, most]) => {
    await context.test(`${name}: ${code}`, async () => {
      const model = store.server.spoilt("/packs/one/", fault);
      const loaded = await load({ model, cache: "none" });
      assert.equal(loaded.code, code, loaded.message);
      assert.match(loaded.message ?? "", /^[^\n]{10,300}$/);
      const count = requestsOf(store.server, model).filter(({ file }) => fault.file.test(file)).length;
      assert.ok(count <= most, `${count} requests`);
    });
  };
  await Promise.all(LASTING.map(one));
  await close();
});

test("a connection that falls silent is given up, before its first byte and after some", async () => {
  const { load, close } = await freshPage();
  for (const fault of [{ stallAfter: 100_000 }, { delay: 3000 }]) {
    const model = store.server.spoilt("/packs/one/", { file: SHARD, times: 2, ...fault });
    const { files, message } = await load({ model, hurry: true });
    assert.deepEqual(files, pack.hashes, message);
  }
  await close();
});

test("a redirect is followed", async () => {
  const { load, close } = await freshPage();
  const redirect = { file: new RegExp(pack.files[1] ?? ""), status: 302, headers: { location: `/packs/one/${pack.files[1]}` } };
  const { files, message } = await load({ model: store.server.spoilt("/packs/one/", redirect) });
  assert.deepEqual(files, pack.hashes, message);
  await close();
});

test("a pack that is stored is loaded with no request but the manifest's, and with an integrity with none", async () => {
  const { load, availability, close } = await freshPage();
  const model = store.server.url("/packs/one/");
  assert.equal(await availability(model), "downloadable");
  await load({ model });
  assert.equal(await availability(model), "available");
  const requests = await requestsDuring(store.server, async () => {
    assert.deepEqual((await load({ model })).files, pack.hashes);
  });
  assert.deepEqual(requests.map(({ file }) => file), ["manifest.json"]);
  const none = await requestsDuring(store.server, async () => {
    assert.deepEqual((await load({ model, integrity: pack.integrity })).files, pack.hashes);
  });
  assert.deepEqual(none, []);
  await close();
});

test("a pack that is stored is loaded when its server is gone", async () => {
  const { load, close } = await freshPage();
  const server = await store.startServer();
  const model = server.url("/packs/one/");
  await load({ model });
  await server.close();
  const { files, warnings, message } = await load({ model });
  assert.deepEqual(files, pack.hashes, message);
  assert.deepEqual(warnings, []);
  assert.equal((await load({ model, cache: "none" })).code, "network");
  await close();
});

test("a load that was ended goes on in the next one", async () => {
  const { load, names, availability, close } = await freshPage();
  const stall = { file: new RegExp(pack.files[2] ?? ""), stallAfter: 400_000, times: 1 };
  const model = store.server.spoilt("/packs/one/", stall);
  assert.equal((await load({ model, stopAt: 20_000 + FIRST + 300_000 })).code, "stopped");
  assert.ok((await names()).includes(`${pack.hashes[pack.files[2] ?? ""]}.part`));
  assert.equal(await availability(model), "downloadable");
  const requests = await requestsDuring(store.server, async () => {
    const { files, warnings } = await load({ model });
    assert.deepEqual(files, pack.hashes);
    assert.deepEqual(warnings, []);
  });
  assert.deepEqual(requests.map(({ file }) => file), ["manifest.json", pack.files[2]]);
  assert.match(requests[1]?.range ?? "", /^bytes=[1-9]\d{4,}-$/);
  assert.deepEqual(wholeFiles(await names()), storedFiles(pack));
  await close();
});

test("a part that another revision of the server began is thrown away", async () => {
  const { load, names, close } = await freshPage();
  const wrong = { file: SHARD, change: flipped, stallAfter: 200_000, times: 1 };
  const model = store.server.spoilt("/packs/one/", wrong);
  await load({ model, stopAt: 200_000 });
  const { files, warnings } = await load({ model });
  assert.deepEqual(files, pack.hashes);
  assert.deepEqual(warnings, ["cache-corrupt"]);
  assert.deepEqual(wholeFiles(await names()), storedFiles(pack));
  await close();
});

/** Spoils a stored file. This runs in the page. @param {{ name: string, at: number }} where */
async function spoilInPage({ name, at }) {
  const root = await navigator.storage.getDirectory();
  const handle = await (await root.getDirectoryHandle("felsic")).getFileHandle(name);
  const size = (await handle.getFile()).size;
  const writable = await handle.createWritable({ keepExistingData: true });
  await writable.write({ type: "write", position: at < 0 ? size : at, data: new Uint8Array([1, 2, 3, 4]) });
  await writable.close();
}

for (const [name, at] of /** @type {const} */ ([["wrong bytes", 1000], ["another length", -1]])) {
  test(`a stored file with ${name} is fetched again, alone`, async () => {
    const { page, load, close } = await freshPage();
    const model = store.server.url("/packs/one/");
    await load({ model });
    const [, file = ""] = pack.files;
    await page.evaluate(spoilInPage, { name: pack.hashes[file] ?? "", at });
    const requests = await requestsDuring(store.server, async () => {
      const { files, warnings } = await load({ model });
      assert.deepEqual(files, pack.hashes);
      assert.deepEqual(warnings, ["cache-corrupt"]);
    });
    assert.deepEqual(requests.map(({ file }) => file), ["manifest.json", file]);
    assert.deepEqual((await load({ model, integrity: pack.integrity })).warnings, []);
    await close();
  });
}

test("a stored manifest with wrong bytes is fetched again", async () => {
  const { page, load, names, close } = await freshPage();
  const model = store.server.url("/packs/one/");
  await load({ model });
  const name = (await names()).find((name) => name.endsWith(".manifest")) ?? "";
  await page.evaluate(spoilInPage, { name, at: 0 });
  const { files, warnings } = await load({ model, integrity: pack.integrity });
  assert.deepEqual(files, pack.hashes);
  assert.deepEqual(warnings, ["cache-corrupt"]);
  await close();
});

test("two workers at once download once", async () => {
  const { load, close } = await freshPage();
  const model = store.server.spoilt("/packs/one/", { file: SHARD, slow: 30 });
  const requests = await requestsDuring(store.server, async () => {
    const loads = await Promise.all([load({ model }), load({ model }), load({ model })]);
    for (const { files, warnings, message } of loads) {
      assert.deepEqual(files, pack.hashes, message);
      assert.deepEqual(warnings, []);
    }
  });
  const files = requests.map(({ file }) => file).filter((file) => !MANIFEST.test(file));
  assert.deepEqual(files.sort(), [...pack.files].sort());
  await close();
});

test("a worker that waited takes over what another left", async () => {
  const { load, close } = await freshPage();
  const stall = { file: new RegExp(pack.files[2] ?? ""), stallAfter: 400_000, times: 1 };
  const model = store.server.spoilt("/packs/one/", stall);
  const first = load({ model, abortAfter: 1500 });
  while (!store.server.requests.at(-1)?.endsWith(pack.files[2] ?? "")) await new Promise((resolve) => setTimeout(resolve, 10));
  const second = load({ model });
  assert.equal((await first).code, "aborted");
  assert.deepEqual((await second).files, pack.hashes);
  await close();
});

test("without locks two workers get their bytes all the same", async () => {
  const { load, close } = await freshPage();
  const model = store.server.spoilt("/packs/one/", { file: SHARD, slow: 10 });
  const loads = await Promise.all([load({ model, forbid: ["locks"] }), load({ model, forbid: ["locks"] })]);
  for (const { files, message } of loads) assert.deepEqual(files, pack.hashes, message);
  await close();
});

test("aborted while downloading, between two attempts and while waiting for a lock", async () => {
  const { load, close } = await freshPage();
  const stalled = store.server.spoilt("/packs/one/", { file: SHARD, stallAfter: 1000 });
  const failing = store.server.spoilt("/packs/one/", { file: SHARD, status: 429, headers: { "retry-after": "20" } });
  const start = performance.now();
  const reader = load({ model: stalled, abortAfter: 1500 });
  const waiting = load({ model: stalled, abortAfter: 1000 });
  const pausing = load({ model: failing, cache: "none", abortAfter: 500 });
  for (const { code, message } of await Promise.all([reader, waiting, pausing])) assert.equal(code, "aborted", message);
  assert.ok(performance.now() - start < 4000, "an abort came late");
  assert.equal((await load({ model: stalled, abortAt: 1000 })).code, "aborted");
  await close();
});

test("without a private file system the Cache API keeps whole files", async () => {
  const { load, page, availability, close } = await freshPage();
  const model = store.server.url("/packs/one/");
  assert.deepEqual((await load({ model, forbid: ["opfs"] })).files, pack.hashes);
  assert.equal(await availability(model), "available");
  const requests = await requestsDuring(store.server, async () => {
    const { files, warnings } = await load({ model, forbid: ["opfs"] });
    assert.deepEqual(files, pack.hashes);
    assert.deepEqual(warnings, []);
  });
  assert.deepEqual(requests.map(({ file }) => file), ["manifest.json"]);
  await page.evaluate(() => felsic.Embedder.deleteCache(), undefined);
  assert.equal(await availability(model), "downloadable");
  await close();
});

test("a browser that stores nothing: a warning, and the load goes on", async () => {
  const { load, close } = await freshPage();
  const model = store.server.url("/packs/one/");
  const { files, warnings } = await load({ model, forbid: ["opfs", "caches"] });
  assert.deepEqual(files, pack.hashes);
  assert.deepEqual(warnings, ["cache-unavailable"]);
  await close();
});

test("no cache is asked for: nothing is stored", async () => {
  const { load, names, availability, close } = await freshPage();
  const model = store.server.url("/packs/one/");
  const { files, warnings } = await load({ model, cache: "none" });
  assert.deepEqual(files, pack.hashes);
  assert.deepEqual(warnings, []);
  assert.deepEqual(await names(), []);
  assert.equal(await availability(model), "downloadable");
  await close();
});

for (const forbid of /** @type {Load["forbid"][]} */ ([[], ["opfs"]])) {
  test(`no room${forbid?.length ? " in the Cache API" : ""}: one warning, and the load goes on`, { skip: !hasQuota }, async () => {
    const { load, page, availability, close } = await freshPage();
    await page.setQuota(200_000);
    const model = store.server.url("/packs/one/");
    const { files, warnings } = await load({ model, forbid });
    assert.deepEqual(files, pack.hashes);
    assert.deepEqual(warnings, ["quota-exceeded"]);
    assert.equal(await availability(model), "downloadable");
    await close();
  });
}

test("a new revision takes what it shares, and the old one's files go", async () => {
  const { load, names, close } = await freshPage();
  const model = store.server.spoilt("/packs/one/");
  await load({ model });
  // The same URL serves another revision from now on.
  store.server.retarget(model, "/packs/next/");
  const requests = await requestsDuring(store.server, async () => {
    assert.deepEqual((await load({ model })).files, next.hashes);
  });
  const [tokenizer, , second] = next.files;
  assert.deepEqual(requests.map(({ file }) => file), ["manifest.json", tokenizer, second]);
  assert.deepEqual(wholeFiles(await names()), storedFiles(next));
  assert.equal((await names()).length, 4);
  await close();
});

test("an integrity that fits and one that does not", async () => {
  const { load, page, close } = await freshPage();
  const model = store.server.url("/packs/one/");
  assert.equal((await load({ model, integrity: next.integrity })).code, "file-integrity");
  assert.deepEqual((await load({ model, integrity: pack.integrity })).files, pack.hashes);
  assert.equal((await load({ model, integrity: next.integrity })).code, "file-integrity");
  assert.equal((await load({ model, integrity: "sha256-abc" })).code, "input-invalid");
  const codes = await page.evaluate(async (model) => {
    const wrong = [{ integrity: "0".repeat(64) }, { integrity: "sha384-abc" }, { cache: "always" }];
    const settled = wrong.map((options) => settle(felsic.Embedder.create(/** @type {any} */ ({ model, ...options }))));
    return (await Promise.all(settled)).map(({ code }) => code);
  }, model);
  assert.deepEqual(codes, ["input-invalid", "input-invalid", "input-invalid"]);
  await close();
});

test("deleteCache removes one model's files but those that another needs, or all", async () => {
  const { load, page, names, availability, close } = await freshPage();
  const [one, other] = [store.server.url("/packs/one/"), store.server.url("/packs/next/")];
  await load({ model: one });
  await load({ model: other });
  await page.evaluate((model) => felsic.Embedder.deleteCache({ model }), one);
  assert.deepEqual([await availability(one), await availability(other)], ["downloadable", "available"]);
  assert.deepEqual(wholeFiles(await names()), storedFiles(next));
  await page.evaluate(() => felsic.Embedder.deleteCache(), undefined);
  assert.deepEqual(await names(), []);
  assert.equal(await availability(other), "downloadable");
  assert.deepEqual((await load({ model: one })).files, pack.hashes);
  await close();
});
