/**
 * What `device: "auto"` costs where the GPU gains nothing, and gains where it does: the page's own logic, in Node, with devices that are models and
 * a clock that a test moves. Nothing here depends on how busy this machine is.
 */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { after, before, test } from "node:test";
import { rolldown } from "rolldown";
import { root } from "./harness.mjs";

/** @typedef {import("../../pkg/dist/types/engines.js").RunningEngine} RunningEngine */
/** @typedef {import("../../pkg/dist/types/engines.js").EmbedRequest} EmbedRequest */
/** @typedef {(texts: number, tokens: number) => number} Speed how long a device takes for texts, in milliseconds, each of the same length */

/** The characters of a token. */
const TOKEN = 4;
/** The tokens of a device's batch: after each, urgent calls go first. */
const BATCH = { cpu: 1024, gpu: 4096 };
/** What a thread has to do for one of the GPU's batches, in milliseconds. */
const TELLING = 20;
/** How often the CPU looks how busy its threads are, in milliseconds. */
const MOMENT = 1000;
/** A message between page and worker, in milliseconds. */
const MESSAGE = 1;

/** @type {typeof import("../../pkg/dist/types/gpu.js")} */
let logic;
/** @type {string} */
let folder;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "felsic-cost-"));
  const transform = { define: { FELSIC_KERNELS: "globalThis.kernelsOfTest" } };
  const bundle = await rolldown({ input: join(root, "pkg/src/gpu.ts"), platform: "browser", transform });
  await bundle.write({ file: join(folder, "gpu.mjs"), format: "esm" });
  logic = await import(pathToFileURL(join(folder, "gpu.mjs")).href);
});

after(() => rmSync(folder, { recursive: true }));

/** A clock that stands still until everything that can happen has happened. */
class Clock {
  now = 0;
  /** @type {Map<number, { at: number, call: () => void }>} */
  #timers = new Map();
  #next = 1;

  /** @param {() => void} call @param {number} delay */
  set(call, delay = 0) {
    this.#timers.set(this.#next, { at: this.now + delay, call });
    return this.#next++;
  }

  /** @param {number} timer */
  clear(timer) {
    this.#timers.delete(timer);
  }

  /** @param {number} delay @returns {Promise<void>} */
  wait(delay) {
    return new Promise((done) => this.set(done, delay));
  }

  /** Moves the clock until a promise has settled. @template T @param {Promise<T>} promise @returns {Promise<T>} */
  async until(promise) {
    let isSettled = false;
    promise.then(
      () => (isSettled = true),
      () => (isSettled = true),
    );
    for (;;) {
      // Whatever promises have to do comes before the next timer.
      await new Promise((done) => setImmediate(done));
      if (isSettled) return promise;
      const [[id, first] = []] = [...this.#timers].sort(([, a], [, b]) => a.at - b.at);
      assert.ok(id !== undefined && first, "everything waits, and nothing will happen");
      this.#timers.delete(id);
      this.now = Math.max(this.now, first.at);
      first.call();
    }
  }
}

/** What a machine has. */
class Machine {
  /** The threads that are busy besides the CPU's workers. */
  busy = 0;

  /** @param {Clock} clock @param {number} threads @param {number} workers @param {number} [deaf] how long the page hears nothing at a time */
  constructor(clock, threads, workers, deaf = 0) {
    this.clock = clock;
    this.threads = threads;
    this.workers = workers;
    this.deaf = deaf;
  }

  /** How long it is until the page hears what has come. */
  get untilHeard() {
    return this.deaf && this.deaf - (this.clock.now % this.deaf);
  }

  /** How much longer the CPU's workers take while others are busy: those share the threads. */
  get strain() {
    return Math.max(1, (this.workers + this.busy) / this.threads);
  }
}

/** An engine: one batch at a time, urgent calls first. @implements {Partial<RunningEngine>} */
class Device {
  info = /** @type {import("felsic").EmbedderInfo} */ ({
    model: "model",
    dimensions: 4,
    maxTokens: 32_768,
    device: "cpu",
    kernel: "model",
    format: "int8",
    space: "space",
    prompts: [],
  });
  pack = "0".repeat(64);
  isStored = true;
  calls = 0;
  #done = 0;
  /** @type {{ urgent: boolean, go: () => void }[]} */
  #waiting = [];
  #isBusy = false;

  /** @param {Machine} machine @param {"cpu" | "gpu"} kind @param {Speed} speed */
  constructor(machine, kind, speed) {
    this.machine = machine;
    this.kind = kind;
    this.speed = speed;
  }

  /** @param {boolean} urgent */
  async #take(urgent) {
    if (this.#isBusy) await new Promise((go) => this.#waiting.push({ urgent, go: () => go(undefined) }));
    this.#isBusy = true;
  }

  #letGo() {
    const first = this.#waiting.findIndex(({ urgent }) => urgent);
    const [next] = this.#waiting.splice(Math.max(first, 0), 1);
    if (next) next.go();
    else this.#isBusy = false;
  }

  /** @type {RunningEngine["request"]} */
  // @ts-expect-error: this engine only embeds
  request = (_type, request, options) => this.embed(request, options);

  /** @param {EmbedRequest} request @param {import("../../pkg/dist/types/link.js").RequestOptions<import("felsic").EmbedProgress>} options */
  async embed({ texts, urgent }, { onProgress } = {}) {
    const { clock } = this.machine;
    this.calls += 1;
    await clock.wait(MESSAGE);
    await this.#take(urgent);
    const begun = clock.now;
    const length = (texts[0]?.length ?? 0) / TOKEN;
    const most = Math.max(1, Math.floor(BATCH[this.kind] / length));
    for (let done = 0; done < texts.length; done += most) {
      const count = Math.min(most, texts.length - done);
      await this.#compute(this.speed(count, count * length));
      onProgress?.({ done: done + count, total: texts.length });
      if (!urgent && this.#waiting.some(({ urgent }) => urgent)) {
        this.#letGo();
        await this.#take(urgent);
      }
    }
    this.#letGo();
    const took = clock.now - Math.max(begun, this.#done);
    if (!urgent) this.#done = clock.now;
    await clock.wait(MESSAGE);
    await clock.wait(this.machine.untilHeard);
    return {
      vectors: texts.map((text) => new Float32Array(4).fill(1 / text.length)),
      tokens: Uint32Array.from(texts, (text) => text.length / TOKEN),
      truncated: new Uint8Array(texts.length),
      took,
    };
  }

  /** @param {number} time */
  async #compute(time) {
    for (let rest = time; this.kind === "cpu" && rest > 0; rest -= MOMENT)
      await this.machine.clock.wait(Math.min(rest, MOMENT) * this.machine.strain);
    if (this.kind === "cpu") return;
    // A thread tells the GPU what to do, which takes no longer if the GPU is slow.
    this.machine.busy += 1;
    await this.machine.clock.wait(Math.min(TELLING, time));
    this.machine.busy -= 1;
    await this.machine.clock.wait(Math.max(time - TELLING, 0));
  }

  end() {}
  onEnd() {}
  async warmUp() {
    return this.machine.workers;
  }
  async memoryBytes() {
    return 0;
  }
}

/** The CPU of a machine: a token a millisecond of each worker, and attention. @param {number} workers @returns {Speed} */
const cpuSpeed = (workers) => (texts, tokens) => ((tokens / texts / 4096 + 1) * tokens) / workers;

/** How long a GPU takes, told from the CPU. @typedef {(cpu: Speed) => Speed} Gpu */

/** @type {Record<string, Gpu>} */
const GPUS = {
  "ten times as fast": (cpu) => (texts, tokens) => 20 + cpu(texts, tokens) / 10,
  "a little faster": (cpu) => (texts, tokens) => cpu(texts, tokens) / 1.3,
  "as fast as the CPU": (cpu) => cpu,
  "a little slower": (cpu) => (texts, tokens) => 1.15 * cpu(texts, tokens),
  "three times as slow": (cpu) => (texts, tokens) => 3 * cpu(texts, tokens),
  "fifty times as slow": (cpu) => (texts, tokens) => 50 * cpu(texts, tokens),
  "slow to begin, then fast": (cpu) => (texts, tokens) => 4000 + cpu(texts, tokens) / 10,
  "fast with short texts alone": (cpu) => (texts, tokens) => cpu(texts, tokens) * (tokens / texts < 100 ? 0.2 : 4),
  "fast with long texts alone": (cpu) => (texts, tokens) => cpu(texts, tokens) * (tokens / texts < 100 ? 4 : 0.2),
};

/** The start of a GPU keeps a thread busy so long, in milliseconds. */
const START = 1500;

/** What a browser's Cache API keeps, by URL. @param {Map<string, string>} kept */
function cachesOf(kept) {
  const cache = {
    match: async (/** @type {string} */ url) => (kept.has(url) ? new Response(kept.get(url)) : undefined),
    put: async (/** @type {string} */ url, /** @type {Response} */ response) => void kept.set(url, await response.text()),
    keys: async () => [...kept.keys()].map((url) => ({ url })),
    delete: async (/** @type {{ url: string }} */ { url }) => kept.delete(url),
  };
  return { open: async () => cache };
}

/**
 * Embeds calls one after another, each with so many texts of so many tokens; returns how long each took, on the CPU alone and with the GPU.
 *
 * @param {{ threads: number, workers: number, gpu: string | Gpu, deaf?: number, calls: [texts: number, tokens: number][], kept?: Map<string, string>,
 *   kernels?: string, features?: string[], vendor?: string, language?: string[], pack?: string }} given
 */
async function times({ threads, workers, gpu, deaf, calls, ...others }) {
  const { kept = new Map(), kernels = "some", features = [], vendor = "model", language = [], pack = "0" } = others;
  const clock = new Clock();
  const saved = {
    setTimeout: globalThis.setTimeout,
    clearTimeout: globalThis.clearTimeout,
    now: performance.now,
    navigator: Object.getOwnPropertyDescriptor(globalThis, "navigator"),
  };
  Object.assign(globalThis, { kernelsOfTest: kernels, caches: cachesOf(kept) });
  Object.assign(globalThis, {
    setTimeout: (/** @type {() => void} */ call, /** @type {number} */ delay) => clock.set(call, delay),
    clearTimeout: (/** @type {number} */ timer) => clock.clear(timer),
  });
  performance.now = () => clock.now;
  const requestAdapter = async () => ({ info: { vendor, isFallbackAdapter: false }, features: new Set(features) });
  const navigator = { hardwareConcurrency: threads, gpu: { requestAdapter, wgslLanguageFeatures: new Set(language) } };
  Object.defineProperty(globalThis, "navigator", { value: navigator, configurable: true });
  try {
    const speed = cpuSpeed(workers);
    /** @param {Pick<import("../../pkg/dist/types/engines.js").Answers, "embed">} answers */
    const all = async (answers) => {
      /** @type {number[]} */
      const took = [];
      for (const [texts, tokens] of calls) {
        const begun = clock.now;
        const request = { texts: Array(texts).fill("x".repeat(TOKEN * tokens)), options: {}, urgent: texts === 1 };
        const { vectors } = await clock.until(answers.embed(request, {}));
        assert.ok(vectors.length === texts && vectors.every((vector) => vector[0] === Math.fround(1 / (TOKEN * tokens))));
        took.push(clock.now - begun);
      }
      return took;
    };
    const alone = await all(new Device(new Machine(clock, threads, workers), "cpu", speed));

    const machine = new Machine(clock, threads, workers, deaf);
    const speedOfGpu = (typeof gpu === "string" ? GPUS[gpu] : gpu) ?? assert.fail(String(gpu));
    /** @type {[Device, Device]} */
    const [cpu, other] = [new Device(machine, "cpu", speed), new Device(machine, "gpu", speedOfGpu(speed))];
    cpu.pack = pack;
    const start = async () => {
      machine.busy += 1;
      await clock.wait(START);
      machine.busy -= 1;
      return other;
    };
    const launcher = /** @type {any} */ ({ workers, start, warn: ({ message = "" }) => assert.fail(message) });
    const auto = new logic.Auto(launcher, /** @type {any} */ (cpu));
    const took = await all(auto);
    auto.end(/** @type {any} */ (new Error("over")));
    return { alone, took, info: auto.info, calls: other.calls };
  } finally {
    Object.assign(globalThis, { setTimeout: saved.setTimeout, clearTimeout: saved.clearTimeout, caches: undefined });
    performance.now = saved.now;
    if (saved.navigator) Object.defineProperty(globalThis, "navigator", saved.navigator);
    else Reflect.deleteProperty(globalThis, "navigator");
  }
}

/** Calls of one kind each, and one of all kinds. @type {[texts: number, tokens: number][][]} */
const SHAPES = [
  [[2, 16], [8, 64], [40, 128], [1, 16], ...Array(4).fill([500, 64]), [1, 16]],
  Array(3).fill([3000, 16]),
  Array(4).fill([100, 512]),
  Array(5).fill([4, 8192]),
  Array(3).fill([2, 32_768]),
  Array(40).fill([2, 500]),
  Array(30).fill([8, 500]),
  Array(8).fill([32, 500]),
  [
    [400, 32],
    [30, 1000],
    [400, 32],
    [3, 4000],
    [200, 200],
    [1, 20],
    [400, 32],
    [30, 1000],
  ],
];

for (const [threads, workers] of /** @type {const} */ ([
  [8, 4],
  [2, 2],
])) {
  for (const gpu of Object.keys(GPUS)) {
    test(`${workers} workers of ${threads} threads, a GPU ${gpu}: never 5 % slower than the CPU alone`, async () => {
      for (const calls of SHAPES) {
        const { alone, took, info } = await times({ threads, workers, gpu, calls });
        let [least, most] = [0, 0];
        for (const [call, [texts, tokens]] of calls.entries()) {
          // Where no thread is to spare, the start of a GPU costs; the calls so far must have been long enough for that.
          [least, most] = threads > workers ? [0, 0] : [least, most];
          [least, most] = [least + (alone[call] ?? NaN), most + (took[call] ?? NaN)];
          const figures = `${Math.round(most)} for ${Math.round(least)} ms, ${JSON.stringify(info.gpu)}`;
          assert.ok(most <= 1.05 * least, `call ${call}, ${texts} texts of ${tokens} tokens: ${figures}`);
        }
      }
    });
  }
}

test("a GPU that is faster gets the batches it is faster with, and no query", async () => {
  const twice = { threads: 8, workers: 4, gpu: "ten times as fast" };
  const batches = await times({ ...twice, calls: Array(4).fill([200, 512]) });
  assert.ok(Number(batches.took.at(-1)) < 0.2 * Number(batches.alone.at(-1)), `${batches.took} for ${batches.alone} ms`);
  const little = await times({ ...twice, gpu: "a little faster", calls: Array(8).fill([200, 512]) });
  assert.ok(Number(little.took.at(-1)) < 0.85 * Number(little.alone.at(-1)), `${little.took} for ${little.alone} ms`);
  assert.deepEqual([little.info.gpu?.state, little.info.gpu?.reason], ["used", "faster"], "it stays there");
  const queries = await times({ ...twice, calls: Array(400).fill([1, 512]) });
  assert.deepEqual([queries.calls, queries.took], [0, queries.alone]);
});

test("a page that is busy, and hears of several answers at once, does not take the CPU for faster than it is", async () => {
  for (const deaf of [500, 2000, 5000, 20_000]) {
    const { info } = await times({ threads: 8, workers: 4, gpu: "ten times as fast", deaf, calls: Array(4).fill([200, 512]) });
    assert.deepEqual([info.gpu?.state, info.gpu?.reason], ["used", "faster"], `${deaf} ms`);
    const slower = await times({ threads: 8, workers: 4, gpu: "three times as slow", deaf, calls: Array(4).fill([200, 512]) });
    assert.deepEqual([slower.info.gpu?.state, slower.info.gpu?.reason], ["unused", "slower"], `${deaf} ms`);
  }
});

test("a GPU that is held up once, while it is tried or used, is not taken for slower", async () => {
  /** A fast GPU, some of whose batches take ten seconds longer. @param {number[]} batches @returns {Gpu} */
  const heldUp = (batches) => (cpu) => {
    let batch = 0;
    return (...given) => cpu(...given) / 10 + (batches.includes((batch += 1)) ? 10_000 : 0);
  };
  /** @param {number[]} batches */
  const reason = async (batches) => {
    const calls = Array(4).fill([200, 512]);
    const { info } = await times({ threads: 8, workers: 4, gpu: heldUp(batches), calls });
    return [info.gpu?.state, info.gpu?.reason];
  };
  // The first to wake it, one text, then four, then sixteen in two batches; what comes later is of use.
  for (let batch = 1; batch <= 12; batch += 1) assert.deepEqual(await reason([batch]), ["used", "faster"], `batch ${batch}`);
  assert.deepEqual(await reason([5, 7]), ["unused", "slower"], "twice");
  assert.deepEqual(await reason([6, 8, 10]), ["unused", "slower"], "more often than not, in use");
});

test("what has been measured counts for the same GPU, kernels, model and workers alone, and for a month", async () => {
  const kept = new Map();
  const given = { threads: 8, workers: 4, gpu: "ten times as fast", kept };
  const first = await times({ ...given, calls: Array(2).fill([100, 512]) });
  assert.deepEqual([first.info.gpu?.state, kept.size], ["used", 1]);
  const [[key, record] = []] = [...kept];

  /** @type {[texts: number, tokens: number][]} enough to begin with a GPU that is known to be faster, not with an unknown one */
  const calls = [[10, 512]];
  /** @param {object} others */
  const later = async (others) => {
    const { info } = await times({ ...given, calls, ...others });
    return [info.gpu?.remembered, info.gpu?.reason];
  };
  assert.deepEqual(await later({}), [true, "faster"]);
  for (const others of [
    { kernels: "other" },
    { features: ["shader-f16"] },
    { language: ["packed_4x8_integer_dot_product"] },
    { vendor: "other" },
    { pack: "1" },
    { workers: 3 },
  ])
    assert.deepEqual(await later(others), [undefined, "no-work"], JSON.stringify(others));
  const month = 30 * 86_400_000;
  for (const change of [{ until: Date.now() - 1 }, { until: Date.now() + 2 * month }, { measures: [] }, { until: "tomorrow" }]) {
    const changed = JSON.stringify({ ...JSON.parse(String(record)), ...change });
    assert.deepEqual(await later({ kept: new Map([[key, changed]]) }), [undefined, "no-work"], JSON.stringify(change));
  }
  assert.deepEqual(await later({ kept: new Map([[key, "no JSON"]]) }), [undefined, "no-work"]);

  for (let i = 0; i < 30; i += 1) kept.set(`https://felsic.invalid/earlier-${i}`, "{}");
  await times({ ...given, kernels: "later", calls: Array(2).fill([100, 512]) });
  assert.ok(kept.size <= 21 && [...kept.keys()].at(-1)?.includes("later"), "what was measured of earlier versions goes");
});
