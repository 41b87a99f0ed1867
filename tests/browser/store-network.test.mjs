/** The store and the network: whatever a server does wrong, the right bytes arrive, or an error with its code. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "./store-harness.mjs";
import { flipped } from "./harness.mjs";
import { freshPage, MANIFEST, pack, requestsOf, SECOND, SHARD, store } from "./store-suite.mjs";

/** @typedef {import("./server.mjs").Fault} Fault */

test("a connection that is cut at any byte goes on where it broke", async () => {
  const { load, close } = await freshPage();
  const draw = random(2024);
  let resumed = 0;
  const cuts = [1, SECOND - 1, ...Array.from({ length: 28 }, () => Math.floor(draw() * SECOND))];
  const file = pack.files[2] ?? "";
  const loadCut = async (/** @type {number} */ cutAfter) => {
    let from = -Infinity;
    // The browser may lose bytes that had arrived but not been read when the connection broke, and more of them where the machine stops just then.
    for (let tries = 3; tries > 0 && from <= cutAfter - 600_000; tries -= 1) {
      const model = store.server.spoilt("/packs/one/", { file: new RegExp(file), cutAfter, times: 1 });
      const { files, message } = await load({ model, cache: "none" });
      assert.deepEqual(files, pack.hashes, `cut after ${cutAfter}: ${message}`);
      const requests = requestsOf(store.server, model);
      const ranges = requests.filter((request) => request.file === file).map(({ range }) => Number(/\d+/.exec(range ?? "0")));
      assert.equal(ranges.length, 2);
      from = Number(ranges[1]);
      assert.ok(from <= cutAfter, `${from} of ${cutAfter}`);
    }
    assert.ok(from > cutAfter - 600_000, `${from} of ${cutAfter}`);
    if (from > 0) resumed += 1;
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
  [
    "too many requests, with a date",
    { file: SHARD, status: 429, headers: { "retry-after": new Date().toUTCString() }, times: 1 },
  ],
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
      // A fault counts its uses.
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
  ["a login is needed", "network", { file: SHARD, status: 401 }, 1],
  ["a page in the place of the manifest", "not-found", { file: MANIFEST, page: true }, 1],
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
    const { files, message } = await load({ model, hurry: 200 });
    assert.deepEqual(files, pack.hashes, message);
  }
  await close();
});

/** A byte every few seconds, as a worker in a hurry sees it. */
const DRIBBLE = { dribbleAfter: 50_000 };

test("a connection that dribbles is given up, and asked again with a range", async () => {
  const { load, close } = await freshPage();
  const model = store.server.spoilt("/packs/one/", { file: SHARD, times: 2, ...DRIBBLE });
  const { files, message } = await load({ model, hurry: 200, abortAfter: 20_000 });
  assert.deepEqual(files, pack.hashes, message);
  const ranges = requestsOf(store.server, model).flatMap(({ range }) => range ?? []);
  assert.match(ranges.join(), /bytes=[1-9]\d{4,}-/);
  await close();
});

test("what only ever dribbles ends, after not too many requests", { concurrency: 3 }, async (context) => {
  const one = async (/** @type {string} */ what, /** @type {RegExp} */ file, /** @type {number} */ dribbleAfter) => {
    await context.test(`a ${what}, after ${dribbleAfter} bytes`, async () => {
      const { load, close } = await freshPage();
      const model = store.server.spoilt("/packs/one/", { file, dribbleAfter });
      // Slower than elsewhere: a machine that halts for a moment must not look like a server that is silent for a minute.
      const { code, message } = await load({ model, hurry: 80, abortAfter: 40_000 });
      assert.equal(code, "network", message);
      assert.match(message ?? "", /less than 2048 bytes a second/);
      const count = requestsOf(store.server, model).filter((request) => file.test(request.file)).length;
      assert.ok(count <= 6, `${count} requests`);
      await close();
    });
  };
  await Promise.all([one("manifest", MANIFEST, 0), one("shard", SHARD, 0), one("shard", SHARD, 2_000)]);
});

test("a server that sends a few bytes at a time is given up", async () => {
  const { load, close } = await freshPage();
  // Every connection brings something new, and none brings enough.
  let bytes = 0;
  const trickle = Array.from({ length: 100 }, () => ({ file: SHARD, cutAfter: (bytes += 600), times: 1 }));
  const model = store.server.spoilt("/packs/one/", ...trickle);
  const { code } = await load({ model, cache: "none", hurry: 200, abortAfter: 30_000 });
  assert.equal(code, "network");
  await close();
});

test("a line that is slow, as a phone's, brings everything with no request made twice", async () => {
  const { load, close } = await freshPage();
  const file = new RegExp(pack.files[2] ?? "");
  // 44 kB in 8 seconds, as a worker in a hurry sees it, which waits for more than a second until it takes the server for silent.
  const model = store.server.spoilt("/packs/one/", { file, slow: 160 });
  const { files, message } = await load({ model, hurry: 50 });
  assert.deepEqual(files, pack.hashes, message);
  assert.equal(requestsOf(store.server, model).filter((request) => file.test(request.file)).length, 1);
  await close();
});

test("a file that is refused is told of with what can be done", async () => {
  const { load, close } = await freshPage();
  for (const status of [401, 403]) {
    const { message } = await load({ model: store.server.spoilt("/packs/one/", { file: SHARD, status }) });
    assert.match(message ?? "", new RegExp(`status ${status}: the model is private or gated.*headers.*credentials`));
  }
  await close();
});

test("a manifest that its server calls a page is a manifest", async () => {
  const { load, close } = await freshPage();
  const model = store.server.spoilt("/packs/one/", { file: MANIFEST, type: "text/html", change: (bytes) => bytes });
  const { files, message } = await load({ model });
  assert.deepEqual(files, pack.hashes, message);
  await close();
});

test("a redirect is followed", async () => {
  const { load, close } = await freshPage();
  const redirect = { file: new RegExp(pack.files[1] ?? ""), status: 302, headers: { location: `/packs/one/${pack.files[1]}` } };
  const { files, message } = await load({ model: store.server.spoilt("/packs/one/", redirect) });
  assert.deepEqual(files, pack.hashes, message);
  await close();
});

const TOKEN = "Bearer secret";

/** A server's requests for a file, from the `begun`th on. @param {import("./server.mjs").Server} server @param {string} file */
const askedFor = (server, file, begun = 0) => server.log.slice(begun).filter(({ path }) => path.endsWith(file));

test("a token goes with every request to the model's origin, and with none to where that redirects", async () => {
  const { load, close } = await freshPage();
  for (const [server, target] of [
    [store.server, store.pages],
    [store.pages, store.server],
  ]) {
    const [, file = ""] = pack.files;
    const redirect = { file: new RegExp(file), status: 302, headers: { location: target?.url(`/packs/one/${file}`) ?? "" } };
    const second = pack.files[2] ?? "";
    const cuts = [100_000, 200_000, 300_000, 400_000].map((cutAfter) => {
      return { file: new RegExp(second), cutAfter, lull: 200, times: 1, token: TOKEN };
    });
    const model = server?.spoilt("/packs/one/", redirect, ...cuts, { file: /./, token: TOKEN }) ?? "";
    const [begun, begunHere] = [target?.log.length, server?.log.length];
    const { files, message } = await load({ model, cache: "none", headers: { Authorization: TOKEN } });
    assert.deepEqual(files, pack.hashes, message);
    assert.deepEqual(
      askedFor(target ?? store.server, file, begun).map(({ authorization }) => authorization),
      [undefined],
    );
    const asked = askedFor(server ?? store.server, second, begunHere);
    assert.deepEqual([...new Set(asked.map(({ authorization }) => authorization))], [TOKEN]);
    // The browser may lose what had arrived before a cut, but hardly of all of them.
    assert.ok(asked.length === 5 && asked.some(({ range }) => range), `${asked.length} requests`);
  }
  await close();
});

test("a header that browsers would send to any origin has no redirect followed, and no message tells its value", async () => {
  const { load, close } = await freshPage();
  const [, file = ""] = pack.files;
  for (const target of [store.pages, store.server]) {
    const redirect = { file: new RegExp(file), status: 302, headers: { location: target.url(`/packs/one/${file}`) } };
    const model = store.server.spoilt("/packs/one/", redirect);
    const begun = target.log.length;
    const { code, message } = await load({ model, cache: "none", headers: { "X-Key": "secret", authorization: TOKEN } });
    assert.equal(code, "network");
    assert.match(message ?? "", /redirects, and x-key of create\(\)'s headers would go along.*authorization/i);
    assert.doesNotMatch(message ?? "", /secret/);
    assert.deepEqual(askedFor(target, `/packs/one/${file}`, begun), []);
    const own = store.server.log.filter(({ path }) => path.startsWith(new URL(model).pathname));
    assert.deepEqual([...new Set(own.map(({ key }) => key))], ["secret"]);
  }
  await close();
});

test("a token that does not suffice, and one that a host's CORS rules do not let through, are told without the token", async () => {
  const { load, close } = await freshPage();
  const headers = { authorization: TOKEN };
  const refused = await load({ model: store.server.spoilt("/packs/one/", { file: MANIFEST, token: "Bearer other" }), headers });
  assert.equal(refused.code, "network");
  assert.match(refused.message ?? "", /status 401.*create\(\)'s headers do not suffice \(authorization\)/);
  const blocked = await load({ model: store.server.spoilt("/packs/one/", { file: MANIFEST, noHeaders: true }), headers });
  assert.equal(blocked.code, "network");
  assert.match(blocked.message ?? "", /CORS headers, which must allow the headers authorization/);
  for (const { message } of [refused, blocked]) assert.doesNotMatch(message ?? "", /secret/);
  await close();
});

test("nothing of a token is stored", async () => {
  const { page, load, names, close } = await freshPage();
  const { files, message } = await load({
    model: store.server.spoilt("/packs/one/", { file: /./, token: TOKEN }),
    headers: { authorization: TOKEN },
  });
  assert.deepEqual(files, pack.hashes, message);
  assert.ok((await names()).length > pack.files.length);
  const found = await page.evaluate(async () => {
    const root = await navigator.storage.getDirectory();
    const texts = [];
    for await (const handle of /** @type {any} */ (await root.getDirectoryHandle("felsic")).values())
      texts.push(handle.name + (await (await handle.getFile()).text()));
    return texts.some((text) => text.includes("secret"));
  }, undefined);
  assert.equal(found, false);
  await close();
});
