/** Making packs from checkpoints, without an engine: the part of the network and the store. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { hasQuota, sha256 } from "./store-harness.mjs";
import { freshPage, requestsDuring, requestsOf, sleep, store, untilAsked, weights, wholeFiles } from "./store-suite.mjs";

const WEIGHTS = /safetensors$/;

/** Holds a lock from now on. This runs in the page. @param {string} name */
const holdInPage = (name) =>
  new Promise((resolve) => void navigator.locks.request(name, () => new Promise(() => resolve(undefined))));

test("a pack is made once, and stored", async () => {
  const { make, names, close } = await freshPage();
  const model = store.server.spoilt("/packs/checkpoint/", { file: WEIGHTS, slow: 20 });
  const both = await Promise.all([make({ model }), make({ model })]);
  assert.deepEqual(both, Array(2).fill({ ok: true, warnings: [], unstored: 0, shard: sha256(weights) }));
  assert.equal(wholeFiles(await names()).length, 2);
  assert.deepEqual(await requestsDuring(store.server, () => make({ model })), []);
  await close();
});

/** @type {[name: string, faults: import("./server.mjs").Fault[]][]} */
const OPTIONAL = [
  ["pages", [{ file: /modules|index/, page: true }]],
  ["refusals", [{ file: /modules|index/, status: 403 }]],
];

for (const [name, faults] of OPTIONAL) {
  test(`a server that has ${name} in the place of files that need not be there`, async () => {
    const { make, close } = await freshPage();
    const made = await make({ model: store.server.spoilt("/packs/checkpoint/", ...faults) });
    assert.deepEqual(made, { ok: true, warnings: [], unstored: 0, shard: sha256(weights) });
    await close();
  });
}

for (const [status, page, code] of /** @type {const} */ ([
  [403, false, "network"],
  [undefined, true, "not-found"],
])) {
  test(`weights that are ${page ? "a page" : "refused"}: ${code}`, async () => {
    const { make, close } = await freshPage();
    const fault = { file: /safetensors/, ...(status && { status }), page };
    const made = await make({ model: store.server.spoilt("/packs/checkpoint/", fault) });
    assert.equal(made.code, code, made.message);
    assert.match(made.message ?? "", page ? /a page in its place/ : /private or gated/);
    await close();
  });
}

test("a checkpoint's weights that dribble are given up", async () => {
  const { make, close } = await freshPage();
  const model = store.server.spoilt("/packs/checkpoint/", { file: WEIGHTS, dribbleAfter: 50_000 });
  const { code, message } = await make({ model, hurry: 80 });
  assert.equal(code, "network");
  assert.match(message ?? "", /less than 2048 bytes a second/);
  assert.ok(requestsOf(store.server, model).filter(({ file }) => WEIGHTS.test(file)).length <= 7);
  await close();
});

test("what is cleared while a pack is made is made again, of the right bytes", { skip: !hasQuota }, async () => {
  const { make, page, close } = await freshPage();
  const model = store.server.spoilt("/packs/checkpoint/", { file: WEIGHTS, slow: 60 });
  const making = make({ model });
  await untilAsked(model, WEIGHTS);
  await sleep(500);
  await page.clear();
  const { ok, warnings, shard, unstored, message } = await making;
  assert.ok(ok, message);
  assert.equal(shard, sha256(weights));
  assert.deepEqual([...new Set(warnings)], ["cache-unavailable"]);
  assert.equal(unstored, 2);
  await close();
});

test("who waits for another that makes the same pack, and does not get on, makes it without storing", async () => {
  const { make, page, names, close } = await freshPage();
  const model = store.server.url("/packs/checkpoint/");
  await page.evaluate(holdInPage, `felsic:checkpoint:2:${model}`);
  const made = await make({ model, hurry: 200 });
  assert.deepEqual(made, { ok: true, warnings: ["cache-busy"], unstored: 2, shard: sha256(weights) });
  assert.deepEqual(wholeFiles(await names()), []);
  await close();
});

test("a file of the pack that another holds without an end is not waited for", async () => {
  const { make, page, close } = await freshPage();
  const model = store.server.url("/packs/checkpoint/");
  await page.evaluate(holdInPage, "felsic:039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81");
  const made = await make({ model, hurry: 200 });
  assert.deepEqual(made, { ok: true, warnings: ["cache-busy"], unstored: 2, shard: sha256(weights) });
  await close();
});
