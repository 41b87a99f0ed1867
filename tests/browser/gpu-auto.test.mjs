/**
 * `device: "auto"`: when the GPU is started, tried, used and left alone. The engines are fakes that say how fast they are; adapters are what
 * the page is told they are, and the engines' clocks run fast.
 */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { after, before, test } from "node:test";
import { rolldown } from "rolldown";
import { root, start, workers } from "./harness.mjs";

/** @type {import("./harness.mjs").Environment} */
let environment;
/** @type {import("./harness.mjs").Environment["page"]} */
let page;
/** @type {typeof import("../../pkg/dist/types/gpu/measures.js") & typeof import("../../pkg/dist/types/gpu/adapter.js")} */
let logic;
/** @type {string} */
let folder;

const REAL = { vendor: "nvidia", architecture: "ada", isFallbackAdapter: false };

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "felsic-gpu-"));
  const entry = ["measures", "adapter"]
    .map((name) => `export * from ${JSON.stringify(join(root, `pkg/src/gpu/${name}.ts`))};`)
    .join("");
  const bundle = await rolldown({
    input: "entry",
    plugins: [
      { name: "entry", resolveId: (id) => (id === "entry" ? id : undefined), load: (id) => (id === "entry" ? entry : undefined) },
    ],
  });
  await bundle.write({ file: join(folder, "logic.mjs"), format: "esm" });
  logic = await import(pathToFileURL(join(folder, "logic.mjs")).href);

  environment = await start({ fake: true });
  page = environment.page;
});

after(async () => {
  rmSync(folder, { recursive: true });
  await environment?.close();
});

/** What an embedder has done. @typedef {{ infos: import("felsic").EmbedderInfo[], warnings: string[], isRight: boolean }} Done */

/**
 * Opens a page with an adapter and embeds calls there, one after another.
 *
 * @param {string} model
 * @param {{ adapter?: object | null, calls?: number[], isBusy?: boolean, device?: "auto" | "cpu", cache?: "auto" | "none" }} [options] how many
 *   texts each call has, and whether the page hears nothing most of the time
 * @returns {Promise<Done & { loaded: boolean }>}
 */
async function embed(model, { adapter = REAL, calls = [80], isBusy = false, ...options } = {}) {
  const { server } = environment;
  await page.goto(environment.url("/fake/blank.html"));
  await page.waitForFunction(() => "felsic" in globalThis);
  server.requests.splice(0);
  const done = await page.evaluate(
    async ({ model, adapter, calls, isBusy, options }) => {
      const requestAdapter = async () => (adapter === null ? null : { info: adapter });
      Object.defineProperty(navigator, "gpu", { value: { requestAdapter }, configurable: true });
      /** @type {string[]} */
      const warnings = [];
      const embedder = await felsic.Embedder.create({
        model,
        workers: 1,
        ...options,
        onWarning: ({ code }) => warnings.push(code),
      });
      const block = () => {
        for (const end = Date.now() + 150; Date.now() < end;);
      };
      const blocking = isBusy ? setInterval(block, 220) : undefined;
      const infos = [embedder.info];
      let isRight = true;
      const isOpen = () => ["starting", "trial"].includes(embedder.info.gpu?.state ?? "");
      // A GPU that is being tried needs work until it is judged.
      for (let call = 0; call < calls.length || (isOpen() && call < 50); call += 1) {
        const count = calls[call] ?? 8;
        const text = "x".repeat(4000);
        const texts = Array.from({ length: count }, (_, index) => `wait 12 ${call} ${index} ${text}`);
        const made = count === 1 ? [await embedder.embed(String(texts[0]))] : await embedder.embed(texts);
        isRight &&= made.every((vector, index) => vector.every((value) => value === texts[index]?.length));
        infos.push(embedder.info);
      }
      clearInterval(blocking);
      embedder.destroy();
      return { infos, warnings, isRight };
    },
    { model, adapter, calls, isBusy, options },
  );
  assert.equal(await workers(page, 0), 0, "a worker is left");
  return { ...done, loaded: server.requests.some((path) => /worker-gpu|felsic_gpu/.test(path)) };
}

/** @param {Done} done */
const last = ({ infos }) => [infos.at(-1)?.gpu?.state, infos.at(-1)?.gpu?.reason];

test("a GPU that is faster is found out beside the CPU's work, used for batches, and remembered", async () => {
  const first = await embed("/whole/swift/one/", { calls: [1, 80, 40, 2, 1] });
  assert.deepEqual([first.isRight, first.warnings, first.loaded], [true, [], true]);
  assert.deepEqual([first.infos[0]?.gpu, first.infos[1]?.gpu], Array(2).fill({ state: "unused", reason: "no-work" }));
  const { gpu, device } = first.infos.at(-1) ?? {};
  assert.deepEqual([gpu?.state, gpu?.reason, gpu?.adapter, device], ["used", "faster", "nvidia ada", "cpu"]);
  assert.equal(gpu?.crossover?.[0]?.tokensPerText, 1024);
  assert.ok(Number(gpu?.crossover?.[0]?.tokens) <= 8192);

  const again = await embed("/whole/swift/one/", { calls: [32] });
  assert.deepEqual([again.isRight, again.loaded, again.infos[1]?.gpu?.remembered], [true, true, true], "at once");
  const other = await embed("/whole/swift/one/", { calls: [8], adapter: { ...REAL, architecture: "hopper" } });
  assert.deepEqual([other.isRight, other.infos[1]?.gpu?.remembered], [true, undefined], "nothing is known of another GPU");
});

test("a page that is busy does not take the CPU for faster than it is", async () => {
  const done = await embed("/whole/swift/busy/", { calls: [80, 80], isBusy: true });
  assert.deepEqual([done.isRight, done.warnings, ...last(done)], [true, [], "used", "faster"]);
});

test("a GPU that is slower is left alone, on the next visit without a download", async () => {
  const first = await embed("/whole/slow/two/");
  assert.deepEqual([first.isRight, first.loaded, ...last(first)], [true, true, "unused", "slower"]);
  const again = await embed("/whole/slow/two/", { calls: [16] });
  assert.deepEqual([again.isRight, again.loaded, ...last(again)], [true, false, "unused", "slower"]);
});

test("a GPU whose vectors are not the CPU's is never used", async () => {
  const first = await embed("/whole/swift/wrong/");
  assert.deepEqual([first.isRight, first.warnings, ...last(first)], [true, ["gpu-wrong"], "unused", "wrong"]);
  const again = await embed("/whole/swift/wrong/", { calls: [16] });
  assert.deepEqual([again.isRight, again.loaded, again.warnings, ...last(again)], [true, false, [], "unused", "wrong"]);
});

test("a GPU that goes wrong in use is found out before a vector is given out", async () => {
  const done = await embed("/whole/swift/astray/", { calls: [80, 80] });
  assert.deepEqual([done.isRight, done.warnings, ...last(done)], [true, ["gpu-wrong"], "unused", "wrong"]);
});

test("a GPU that does not start is a warning", async () => {
  const done = await embed("/whole/gpu/self-test-failed/");
  assert.deepEqual([done.isRight, done.warnings, ...last(done)], [true, ["gpu-wrong"], "unused", "wrong"]);
});

test("nothing is loaded for queries, small calls, software, no adapter, a pack that is not kept, and the CPU", async () => {
  const queries = await embed("/whole/swift/three/", { calls: Array(40).fill(1) });
  assert.deepEqual([queries.loaded, ...last(queries)], [false, "unused", "no-work"]);
  const pairs = await embed("/whole/swift/three/", { calls: [2, 2, 2, 2, 2, 2, 2, 2] });
  assert.equal(pairs.loaded, false);
  for (const [adapter, reason] of /** @type {const} */ ([
    [{ vendor: "google", architecture: "swiftshader" }, "software-adapter"],
    [null, "no-adapter"],
  ])) {
    const done = await embed("/whole/swift/three/", { adapter, calls: [16] });
    assert.deepEqual([done.isRight, done.loaded, ...last(done)], [true, false, "unused", reason]);
  }
  const unkept = await embed("/whole/swift/three/", { cache: "none", calls: [16] });
  assert.deepEqual([unkept.isRight, unkept.loaded, ...last(unkept)], [true, false, "unused", "not-stored"]);
  const cpu = await embed("/whole/swift/three/", { device: "cpu", calls: [16] });
  assert.deepEqual([cpu.isRight, cpu.loaded, cpu.infos.at(-1)?.gpu], [true, false, undefined]);
});

test("the crossover is the smallest size from which on the GPU has been seen to win", () => {
  const { Measures } = logic;
  const measures = new Measures();
  assert.equal(measures.crossover(10, 5000), undefined);
  measures.gpu(1, 500, 400);
  assert.equal(measures.crossover(1, 500), undefined, "nothing is known of the CPU");
  measures.cpu(16, 8000, 8000);
  measures.cpu(16, 8000, 16_000);
  assert.equal(measures.expected(1, 500), 500, "the CPU's best counts");
  measures.gpu(4, 2048, 2000);
  assert.equal(
    measures.crossover(8, 4096),
    Infinity,
    "a tenth of the time is not worth it, and smaller sizes do not make up for it",
  );
  measures.gpu(16, 8192, 1000);
  assert.equal(measures.crossover(8, 4096), 8192);
  for (const _ of [1, 2]) measures.gpu(4, 2048, 1000);
  assert.equal(measures.crossover(8, 4096), 256, "the median of a size counts");
  assert.equal(measures.crossover(100, 1000), undefined, "short texts are measured apart");
  assert.deepEqual(measures.crossovers, [{ tokensPerText: 1024, tokens: 256 }]);
  for (let i = 0; i < 5; i += 1) measures.gpu(16, 8192, 8000);
  assert.equal(measures.crossover(8, 4096), Infinity, "a GPU that has become slow has lost");
  assert.equal(measures.isWorth, false);
});

test("measurements survive being stored, and damaged ones are none", () => {
  const { Measures } = logic;
  const measures = new Measures();
  measures.cpu(16, 8000, 8000);
  measures.gpu(16, 8192, 1000);
  const stored = JSON.parse(JSON.stringify(measures));
  assert.deepEqual(Measures.from(stored)?.crossovers, measures.crossovers);
  const wrong = [null, {}, [], [1, 2, 3, 4], stored.slice(1), [{ cpu: ["1"], gpu: [] }, ...stored.slice(1)]];
  const worse = [[{ cpu: [-1], gpu: [] }, ...stored.slice(1)], [{ cpu: [1], gpu: [[3]] }, ...stored.slice(1)], "text", undefined];
  for (const value of [...wrong, ...worse]) assert.equal(Measures.from(value), undefined, JSON.stringify(value));
});

test("adapters that compute on the CPU are told apart, and unknown ones count as such", () => {
  /** @param {object} info */
  const isSoftware = (info) => logic.described({ info }).isSoftware;
  for (const info of [
    { vendor: "google", architecture: "swiftshader" },
    { description: "llvmpipe (LLVM 19.1, 256 bits)" },
    { vendor: "mesa", device: "lavapipe" },
    { vendor: "microsoft", description: "Microsoft Basic Render Driver" },
    { vendor: "microsoft", architecture: "warp" },
    { vendor: "nvidia", isFallbackAdapter: true },
    {},
  ])
    assert.equal(isSoftware(info), true, JSON.stringify(info));
  for (const info of [{ vendor: "apple", architecture: "metal-3" }, REAL, { vendor: "intel" }, { isFallbackAdapter: false }])
    assert.equal(isSoftware(info), false, JSON.stringify(info));
  assert.equal(logic.described({ info: REAL, isFallbackAdapter: true }).isSoftware, true, "older browsers say it beside");
});
