/**
 * A GPU that fails while it is in use: the CPU answers what was under way, the GPU gets one new start, and no vector is wrong. Most engines
 * here are fakes with a true device, which start at once; the last test has the engine itself.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { largestDifference, start, workers } from "./harness.mjs";

const PACK = "tiny-silu-f32";
/** The largest difference of a component between devices with f32 weights. */
const TOLERANCE = 1e-5;

/** @type {import("./harness.mjs").Environment} */
let environment;
/** @type {import("./harness.mjs").Environment["page"]} */
let page;

before(async () => {
  environment = await start({ fake: true, needs: [PACK] });
  page = environment.page;
  // Once a test is in a hurry, a wait of a minute, such as that for a GPU that does not answer, takes a second.
  await page.addInitScript(() => {
    const { setTimeout } = globalThis;
    const shortened = (/** @type {any} */ call, delay = 0, /** @type {any[]} */ ...given) =>
      setTimeout(call, "inHurry" in globalThis && delay >= 60_000 ? delay / 60 : delay, ...given);
    Object.assign(globalThis, { setTimeout: shortened });
  });
  await page.reload();
  await page.waitForFunction(() => "felsic" in globalThis);
});

after(() => environment?.close());

/** In a GPU's worker: does to its device, and to the worker, what it is told. */
const OBEDIENT = `{
  const channel = new BroadcastChannel("felsic-gpu-faults");
  const { requestDevice } = GPUAdapter.prototype;
  GPUAdapter.prototype.requestDevice = async function (...given) {
    const device = await requestDevice.apply(this, given);
    channel.onmessage = async ({ data }) => {
      if (data === "destroy") device.destroy();
      if (data === "validation") device.createBuffer({ size: 4, usage: 0 });
      if (data === "shader") device.createShaderModule({ code: "not a shader" });
      if (data === "captured") {
        device.pushErrorScope("validation");
        device.createShaderModule({ code: "not a shader" });
        await device.popErrorScope();
      }
      if (data === "memory") {
        const error = new GPUOutOfMemoryError("no room");
        device.dispatchEvent(new GPUUncapturedErrorEvent("uncapturederror", { error }));
      }
      if (data === "crash") setTimeout(() => { throw new WebAssembly.RuntimeError("unreachable"); });
      if (data === "close") close();
    };
    return device;
  };
}
`;

/** The same, and its first shader is refused. */
const REFUSED = `{
  const { createShaderModule } = GPUDevice.prototype;
  let isFirst = true;
  GPUDevice.prototype.createShaderModule = function (given) {
    const code = isFirst ? "not a shader" : given.code;
    isFirst = false;
    return createShaderModule.call(this, { ...given, code });
  };
}
`;

/** The package in a folder, with a GPU's worker that begins with a script. @param {string} folder @param {string} script */
function withWorker(folder, script) {
  return environment.server.spoilt(folder, { file: /^worker-gpu\.js$/, change: (bytes) => script + bytes.toString() });
}

/**
 * Embeds on the GPU, tells its worker what to do in the midst of it, and embeds again once the GPU is back, or is gone.
 *
 * @param {{ baseUrl: string, model: string, texts: string[], faults: string[] }} argument
 */
async function embedWithFaults({ baseUrl, model, texts, faults }) {
  /** @type {import("felsic").Warning[]} */
  const warnings = [];
  const channel = new BroadcastChannel("felsic-gpu-faults");
  const onWarning = (/** @type {import("felsic").Warning} */ warning) => warnings.push(warning);
  const embedder = await felsic.Embedder.create({ model, device: "webgpu", baseUrl, onWarning });
  /** @param {() => boolean} isSo */
  const until = async (isSo) => {
    for (let i = 0; i < 1000 && !isSo(); i += 1) await new Promise((done) => setTimeout(done, 10));
  };
  const states = [embedder.info];
  /** @type {number[][][]} */
  const made = [];
  /** @type {number[]} */
  const progress = [];
  for (const fault of faults) {
    const answer = embedder.embed(texts, { onProgress: ({ done }) => progress.push(done) });
    channel.postMessage(fault);
    made.push((await answer).map((vector) => Array.from(vector)));
    // A failure may be noticed after the call that it came during.
    await until(() => warnings.length >= states.length);
    await until(() => embedder.info.gpu?.state === "used" || embedder.info.device === "cpu");
    states.push(embedder.info);
    made.push((await embedder.embed(texts)).map((vector) => Array.from(vector)));
  }
  const ids = Array.from(await embedder.tokenize("a cat"));
  embedder.destroy();
  channel.close();
  return {
    warnings,
    made,
    ids,
    progress,
    states: states.map(({ device, kernel, gpu }) => [device, kernel, gpu?.state, gpu?.reason]),
  };
}

/** @param {number[][][]} made @param {number[][]} expected */
function areRight(made, expected) {
  for (const vectors of made) {
    assert.equal(vectors.length, expected.length);
    for (const [index, vector] of vectors.entries()) {
      const difference = largestDifference(vector, expected[index] ?? []);
      assert.ok(difference <= TOLERANCE, `text ${index} is off by ${difference}`);
    }
  }
}

const TEXTS = ["wait 100", "wait 110 or more", "wait 120 or a little more", "two words"];
const VECTORS = TEXTS.map(({ length }) => Array(4).fill(length));

for (const [name, fault, message] of /** @type {const} */ ([
  ["a lost device", "destroy", /the device was lost/],
  ["an invalid command", "validation", /the device reports an error/],
  ["a refused shader", "shader", /the device reports an error/],
  ["a refused shader that a library has captured", "captured", /the device reports an error/],
  ["no memory", "memory", /no room/],
  ["a trap", "crash", /crashed/],
  ["a worker that has ended without a word", "close", /has not answered/],
])) {
  test(`${name}: the CPU answers, and the GPU is started anew`, async () => {
    const argument = { baseUrl: withWorker("/fake/", OBEDIENT), model: "/pack/", texts: TEXTS, faults: [fault] };
    await page.evaluate((inHurry) => inHurry && Object.assign(globalThis, { inHurry }), fault === "close");
    const { warnings, made, ids, progress, states } = await page.evaluate(embedWithFaults, argument);
    await page.evaluate(() => Reflect.deleteProperty(globalThis, "inHurry"));
    areRight(made, VECTORS);
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
      channel.postMessage("destroy");
      const ids = await embedder.tokenize("a cat");
      const vectors = await Promise.all(calls);
      embedder.destroy();
      channel.close();
      return [codes, Array.from(ids), vectors.map((both) => both.map((vector) => vector[0]))];
    },
    withWorker("/fake/", OBEDIENT),
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
    withWorker("/fake/", OBEDIENT),
  );
  assert.deepEqual(settled, ["network", "aborted", "destroyed", "destroyed"]);
  assert.deepEqual(codes, []);
  assert.equal(await workers(page, 0), 0, "a worker is left");
});

test("the engine itself: a device that is lost in the midst of a call, and again after its new start", async (context) => {
  const texts = ["A cat sleeps on the sill.", "Der Regen fällt.", "rust and wasm ".repeat(20)];
  const model = environment.pack(PACK);
  const expected = await page.evaluate(
    async ({ model, texts, baseUrl }) => {
      const embedder = await felsic.Embedder.create({ model, device: "cpu", workers: 1, baseUrl });
      const vectors = await embedder.embed(texts);
      embedder.destroy();
      return vectors.map((vector) => Array.from(vector));
    },
    { model, texts, baseUrl: environment.url("/felsic/") },
  );
  const begun = performance.now();
  const argument = { baseUrl: withWorker("/felsic/", OBEDIENT), model, texts, faults: ["destroy", "destroy"] };
  const { warnings, made, states } = await page.evaluate(embedWithFaults, argument);
  context.diagnostic(`two starts and four calls in ${((performance.now() - begun) / 1000).toFixed(1)} s`);
  areRight(made, expected);
  assert.deepEqual(
    warnings.map(({ code }) => code),
    ["gpu-lost", "gpu-unavailable"],
  );
  for (const { message } of warnings) assert.match(message, /the device was lost/);
  const [first, second, last] = states;
  assert.deepEqual([first, second], Array(2).fill(["webgpu", first?.[1], "used", "requested"]));
  assert.deepEqual([last?.[0], last?.[2], last?.[3]], ["cpu", "unused", "failed"]);
  assert.match(String(last?.[1]), /^(simd|relaxed)$/);
  assert.equal(await workers(page, 0), 0, "a worker is left");
});

test("the engine itself: with a shader that is refused at the start there is no embedder", async () => {
  const settled = await page.evaluate(
    ({ model, baseUrl }) => settle(felsic.Embedder.create({ model, device: "webgpu", baseUrl })),
    { model: environment.pack(PACK), baseUrl: withWorker("/felsic/", REFUSED) },
  );
  assert.equal(settled.code, "device-unavailable", settled.message);
  assert.match(settled.message ?? "", /the device reports an error/);
  assert.equal(await workers(page, 0), 0, "a worker is left");
});
