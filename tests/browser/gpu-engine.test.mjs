/**
 * The engine itself on a GPU, Chromium's in software, that fails in the midst of a call: no vector is lost or wrong. gpu-faults.test.mjs has more
 * faults, with fakes.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { areRight, counting, embedWithFaults, failing } from "./gpu-harness.mjs";
import { start, workers } from "./harness.mjs";

const PACK = "tiny-silu-f32";
const INT8 = "tiny-silu-int8";
const BERT = "tiny-bert-int8";
/** The largest difference of a component between devices with f32 weights. */
const TOLERANCE = 1e-5;
const TEXTS = ["A cat sleeps on the sill.", "Der Regen fällt.", "rust and wasm ".repeat(20)];
const HOUR = "an hour passes";

/** @type {import("./harness.mjs").Environment} */
let environment;
/** @type {import("./harness.mjs").Environment["page"]} */
let page;
/** What the CPU makes of the texts. @type {number[][]} */
let expected;

before(async () => {
  environment = await start({ needs: [PACK, INT8, BERT] });
  page = environment.page;
  expected = await page.evaluate(
    async ({ model, texts }) => {
      const embedder = await felsic.Embedder.create({ model, device: "cpu", workers: 1 });
      const vectors = await embedder.embed(texts);
      embedder.destroy();
      return vectors.map((vector) => Array.from(vector));
    },
    { model: environment.pack(PACK), texts: TEXTS },
  );
});

after(() => environment?.close());

/** @param {import("node:test").TestContext} context @param {string[]} faults */
async function fail(context, faults) {
  const begun = performance.now();
  const baseUrl = failing(environment, "/felsic/", "on command");
  const argument = { baseUrl, model: environment.pack(PACK), texts: TEXTS, faults, isLater: true };
  const done = await page.evaluate(embedWithFaults, argument);
  context.diagnostic(
    `${faults.filter((fault) => fault !== HOUR).length} faults in ${((performance.now() - begun) / 1000).toFixed(1)} s`,
  );
  areRight(done.made, expected, TOLERANCE);
  assert.ok(done.told.every(Boolean), "each fault came in the midst of its call");
  assert.equal(await workers(page, 0), 0, "a worker is left");
  return { ...done, codes: done.warnings.map(({ code }) => code), messages: done.warnings.map(({ message }) => message) };
}

/** On the GPU. */
const USED = ["webgpu", "wgsl", "used", "requested"];

test("a lost device, an hour later a refused shader, then a killed worker: the CPU answers, at last for good", async (context) => {
  const { codes, messages, states } = await fail(context, ["destroy", HOUR, "shader", "close"]);
  assert.deepEqual(codes, ["gpu-lost", "gpu-lost", "gpu-unavailable"]);
  assert.match(messages[0] ?? "", /the device was lost/);
  assert.match(messages[1] ?? "", /the device reports an error/);
  assert.match(messages[2] ?? "", /worker has ended/);
  assert.deepEqual(states.slice(0, 3), [USED, USED, USED]);
  const last = states.at(-1);
  assert.deepEqual([last?.[0], last?.[2], last?.[3]], ["cpu", "unused", "failed"]);
  assert.match(String(last?.[1]), /^(simd|relaxed)$/);
});

for (const isDisguised of [false, true]) {
  const name = isDisguised ? "bodies for graphics processors, bytes among them" : "bodies for software";
  test(`${name}: after the first calls of a shape, no buffer and no shader is made`, async (context) => {
    const counts = await page.evaluate(
      async ({ model, baseUrl, texts }) => {
        const embedder = await felsic.Embedder.create({ model, device: "webgpu", baseUrl });
        const channel = new BroadcastChannel("felsic-gpu-counts");
        /** @returns {Promise<Record<string, number>>} */
        const count = () => {
          const told = new Promise((resolve) => (channel.onmessage = ({ data }) => resolve(data)));
          channel.postMessage("count");
          return told;
        };
        const counts = [await count()];
        for (const calls of [2, 20]) {
          for (let i = 0; i < calls; i += 1) await embedder.embed(texts.map((text) => `${text} ${i % 10}`));
          counts.push(await count());
        }
        embedder.destroy();
        channel.close();
        return counts;
      },
      { model: environment.pack(INT8), baseUrl: counting(environment, "/felsic/", { isDisguised }), texts: TEXTS },
    );
    context.diagnostic(JSON.stringify(counts));
    const [start, first, last] = counts;
    assert.ok(Number(start?.createBuffer) > 0 && Number(start?.createComputePipeline) > 0, "what is counted is made");
    assert.equal(start?.ofBytes, isDisguised ? 2 : 0);
    assert.equal(first?.createComputePipeline, start?.createComputePipeline);
    assert.deepEqual(last, first);
  });
}

const skip = process.env.FELSIC_TEST_FULL ? false : "on request: FELSIC_TEST_FULL=1";

/** Faults, and what is told of them. */
const FAULTS = /** @type {const} */ ([
  ["validation", /the device reports an error/],
  ["captured", /the device reports an error/],
  ["close", /worker has ended/],
  ["crash", /crashed/],
  ["destroy", /the device was lost/],
]);

test("all faults, hours apart: the CPU answers, and the GPU starts anew each time", { skip }, async (context) => {
  const given = FAULTS.flatMap(([fault], index) => (index === 0 ? [fault] : [HOUR, fault]));
  const { codes, messages, states } = await fail(context, given);
  assert.deepEqual(codes, Array(FAULTS.length).fill("gpu-lost"));
  for (const [index, [, message]] of FAULTS.entries()) assert.match(messages[index] ?? "", message);
  assert.deepEqual(states, Array(FAULTS.length + 1).fill(USED));
});

/** The page takes this adapter for a GPU, and its clock runs fast. */
function disguise() {
  const { gpu } = /** @type {any} */ (navigator);
  const requestAdapter = async () => ({ info: { vendor: "disguised", isFallbackAdapter: false } });
  Object.defineProperty(navigator, "gpu", { value: { requestAdapter, wgslLanguageFeatures: gpu.wgslLanguageFeatures } });
  const now = performance.now.bind(performance);
  performance.now = () => 50 * now();
}

/** Packs, the largest difference of a component of the CPU's and the GPU's vectors, and whether only a full run takes it. */
const AUTO = /** @type {const} */ ([
  [BERT, 0.02, false],
  [PACK, TOLERANCE, skip],
  ["tiny-xlmr-f32", TOLERANCE, skip],
]);

for (const [pack, tolerance, isSkipped] of AUTO)
  test(
    `device auto, ${pack}: the engine's two devices agree, and each call has the CPU's vectors`,
    { skip: isSkipped },
    async (context) => {
      const opened = await environment.browser.newPage();
      await opened.addInitScript(disguise);
      await opened.goto(environment.url("/felsic/blank.html"));
      await opened.waitForFunction(() => "felsic" in globalThis);
      const done = await opened.evaluate(
        async ({ model }) => {
          /** @type {string[]} */
          const warnings = [];
          const texts = Array.from({ length: 120 }, (_, index) => `${index}: ${"a cat sleeps on the sill. ".repeat(index % 40)}`);
          const alone = await felsic.Embedder.create({ model, device: "cpu", workers: 1 });
          const expected = await alone.embed(texts);
          alone.destroy();
          const onWarning = (/** @type {import("felsic").Warning} */ { message }) => warnings.push(message);
          const embedder = await felsic.Embedder.create({ model, workers: 1, onWarning });
          let largest = 0;
          /** @type {(string | undefined)[]} */
          const states = [];
          // Until something has been measured.
          while (!embedder.info.gpu?.crossover && warnings.length === 0) {
            const made = await embedder.embed(texts);
            for (const [text, vector] of made.entries())
              for (const [at, value] of vector.entries())
                largest = Math.max(largest, Math.abs(value - Number(expected[text]?.[at])));
            if (states.at(-1) !== embedder.info.gpu?.state) states.push(embedder.info.gpu?.state);
          }
          const { gpu } = embedder.info;
          embedder.destroy();
          return { largest, states, gpu, warnings };
        },
        { model: environment.pack(pack) },
      );
      context.diagnostic(JSON.stringify(done));
      assert.deepEqual(done.warnings, []);
      assert.ok(done.largest <= tolerance, `off by ${done.largest}`);
      assert.ok(done.gpu?.crossover, "measured");
      await opened.close();
    },
  );

test("with a shader that is refused at the start there is no embedder", async () => {
  const settled = await page.evaluate(
    ({ model, baseUrl }) => settle(felsic.Embedder.create({ model, device: "webgpu", baseUrl })),
    { model: environment.pack(PACK), baseUrl: failing(environment, "/felsic/", "at the start") },
  );
  assert.equal(settled.code, "device-unavailable", settled.message);
  assert.match(settled.message ?? "", /the device reports an error/);
  assert.equal(await workers(page, 0), 0, "a worker is left");
});
