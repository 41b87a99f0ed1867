/**
 * A GPU that fails while it is in use: the CPU answers what was under way, the GPU gets one new start, and no vector is wrong. The engines here are
 * fakes with a true device, which start at once; gpu-engine.test.mjs has the engine itself.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { areRight, embedWithFaults, failing } from "./gpu-harness.mjs";
import { start, workers } from "./harness.mjs";

/** @type {import("./harness.mjs").Environment} */
let environment;
/** @type {import("./harness.mjs").Environment["page"]} */
let page;

before(async () => {
  environment = await start({ fake: true });
  page = environment.page;
  // Once a test is in a hurry, a minute, such as the wait for a GPU that does not answer, takes a second.
  await page.addInitScript(() => {
    const { setTimeout } = globalThis;
    const now = performance.now.bind(performance);
    /** @type {number | undefined} */
    let begun;
    const shortened = (/** @type {any} */ call, delay = 0, /** @type {any[]} */ ...given) =>
      setTimeout(call, "inHurry" in globalThis && delay >= 1000 ? delay / 60 : delay, ...given);
    Object.assign(globalThis, { setTimeout: shortened });
    performance.now = () => {
      if ("inHurry" in globalThis) begun ??= now();
      return begun === undefined ? now() : begun + 60 * (now() - begun);
    };
  });
  await page.reload();
  await page.waitForFunction(() => "felsic" in globalThis);
});

after(() => environment?.close());

const TEXTS = ["wait 100", "wait 110 or more", "wait 120 or a little more", "two words"];
const VECTORS = TEXTS.map(({ length }) => Array(4).fill(length));

for (const [name, fault, message] of /** @type {const} */ ([
  ["a lost device", "destroy", /the device was lost/],
  ["an invalid command", "validation", /the device reports an error/],
  ["a refused shader", "shader", /the device reports an error/],
  ["a refused shader that a library has captured", "captured", /the device reports an error/],
  ["no memory", "memory", /no room/],
  ["a trap", "crash", /crashed/],
  ["a worker that has ended without a word", "close", /worker has ended/],
  ["a worker that says nothing", "silence", /has not answered for 6\d seconds/],
])) {
  test(`${name}: the CPU answers, and the GPU is started anew`, async () => {
    const argument = { baseUrl: failing(environment, "/fake/", "on command"), model: "/pack/", texts: TEXTS, faults: [fault] };
    await page.evaluate((inHurry) => inHurry && Object.assign(globalThis, { inHurry }), fault === "silence");
    const { warnings, made, ids, progress, states } = await page.evaluate(embedWithFaults, argument);
    await page.evaluate(() => Reflect.deleteProperty(globalThis, "inHurry"));
    areRight(made, VECTORS, 0);
    assert.deepEqual(
      warnings.map(({ code }) => code),
      ["gpu-lost"],
    );
    assert.match(warnings[0]?.message ?? "", message);
    assert.deepEqual(states, Array(2).fill(["webgpu", "fake-gpu", "used", "requested"]));
    assert.deepEqual([ids.length, progress], [3, [1, 2, 3, 4]]);
    assert.equal(await workers(page, 0), 0, "a worker is left");
  });
}

test("what is asked while the GPU is gone is answered, calls of other kinds too", async () => {
  const [codes, ids, vectors] = await page.evaluate(
    async (baseUrl) => {
      /** @type {string[]} */
      const codes = [];
      const channel = new BroadcastChannel("felsic-gpu-faults");
      const onWarning = (/** @type {import("felsic").Warning} */ { code }) => codes.push(code);
      const embedder = await felsic.Embedder.create({ model: "/pack/", device: "webgpu", baseUrl, onWarning });
      const calls = Array.from({ length: 40 }, (_, index) => embedder.embed([`wait ${index}`, `text ${index}`]));
      channel.postMessage({ fault: "destroy" });
      const ids = await embedder.tokenize("a cat");
      const vectors = await Promise.all(calls);
      embedder.destroy();
      channel.close();
      return [codes, Array.from(ids), vectors.map((both) => both.map((vector) => vector[0]))];
    },
    failing(environment, "/fake/", "on command"),
  );
  assert.deepEqual([codes, ids.length], [["gpu-lost"], 3]);
  assert.deepEqual(
    vectors,
    Array.from({ length: 40 }, (_, index) => [`wait ${index}`.length, `text ${index}`.length]),
  );
  assert.equal(await workers(page, 0), 0, "a worker is left");
});

test("an error of the call is the call's, and destroy() is no failure", async () => {
  const [codes, settled] = await page.evaluate(
    async (baseUrl) => {
      /** @type {string[]} */
      const codes = [];
      const onWarning = (/** @type {import("felsic").Warning} */ { code }) => codes.push(code);
      const embedder = await felsic.Embedder.create({ model: "/pack/", device: "webgpu", baseUrl, onWarning });
      const failed = await settle(embedder.embed(["fail network", "another"]));
      const aborted = settle(embedder.embed(["wait 5000", "another"], { signal: AbortSignal.timeout(50) }));
      const settled = [failed, await aborted];
      const pending = settle(embedder.embed(["wait 5000", "another"]));
      embedder.destroy();
      settled.push(await pending, await settle(embedder.embed("later")));
      return [codes, settled.map(({ code }) => code)];
    },
    failing(environment, "/fake/", "on command"),
  );
  assert.deepEqual(settled, ["network", "aborted", "destroyed", "destroyed"]);
  assert.deepEqual(codes, []);
  assert.equal(await workers(page, 0), 0, "a worker is left");
});
