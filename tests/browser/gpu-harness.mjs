/** GPUs that fail on command, and what is done with them: a page's calls while its GPU fails. */

import assert from "node:assert/strict";
import { largestDifference } from "./harness.mjs";

/** In a GPU's worker: does to its device, and to the worker, what it is told, at once or when the engine next reads a result. */
const OBEDIENT = `{
  const channel = new BroadcastChannel("felsic-gpu-faults");
  const { requestDevice } = GPUAdapter.prototype;
  const { mapAsync } = GPUBuffer.prototype;
  let device, armed;
  const provoke = async (fault) => {
    if (fault === "destroy") device.destroy();
    if (fault === "validation") device.createBuffer({ size: 4, usage: 0 });
    if (fault === "shader") device.createShaderModule({ code: "not a shader" });
    if (fault === "captured") {
      device.pushErrorScope("validation");
      device.createShaderModule({ code: "not a shader" });
      await device.popErrorScope();
    }
    if (fault === "memory") {
      const error = new GPUOutOfMemoryError("no room");
      device.dispatchEvent(new GPUUncapturedErrorEvent("uncapturederror", { error }));
    }
    if (fault === "crash") setTimeout(() => { throw new WebAssembly.RuntimeError("unreachable"); });
    if (fault === "close") close();
    if (fault === "silence") for (;;);
  };
  channel.onmessage = ({ data: { fault, isLater } }) => {
    if (!isLater) return void provoke(fault);
    armed = fault;
    channel.postMessage("armed");
  };
  GPUAdapter.prototype.requestDevice = async function (...given) {
    return (device = await requestDevice.apply(this, given));
  };
  GPUBuffer.prototype.mapAsync = function (...given) {
    const fault = armed;
    armed = undefined;
    if (fault) void provoke(fault);
    return mapAsync.apply(this, given);
  };
}
`;

/** In a GPU's worker: its first shader is refused. */
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

/** In a GPU's worker: counts what its device is asked to make, shaders that multiply bytes also by themselves, and tells it on request. */
const COUNTING = `{
  const channel = new BroadcastChannel("felsic-gpu-counts");
  const counts = { createBuffer: 0, createShaderModule: 0, createComputePipeline: 0, ofBytes: 0 };
  for (const name of ["createBuffer", "createShaderModule", "createComputePipeline"]) {
    const made = GPUDevice.prototype[name];
    GPUDevice.prototype[name] = function (given) {
      counts[name] += 1;
      if (given.code?.includes("dot4I8Packed(")) counts.ofBytes += 1;
      return made.call(this, given);
    };
  }
  channel.onmessage = () => channel.postMessage(counts);
}
`;

/** In a GPU's worker: no adapter says that it is software. */
const DISGUISED = `Object.defineProperty(GPUAdapterInfo.prototype, "isFallbackAdapter", { get: () => false });
`;

/**
 * Returns the URL of the package's folder with a GPU's worker that counts.
 *
 * @param {import("./harness.mjs").Environment} environment @param {string} folder @param {{ isDisguised?: boolean }} [options] whether the
 *   engine takes its adapter for a graphics processor
 */
export function counting({ server }, folder, { isDisguised = false } = {}) {
  const script = isDisguised ? DISGUISED + COUNTING : COUNTING;
  return server.spoilt(folder, { file: /^worker-gpu\.js$/, change: (bytes) => script + bytes.toString() });
}

/**
 * Returns the URL of the package's folder with a GPU's worker that fails.
 *
 * @param {import("./harness.mjs").Environment} environment @param {string} folder @param {"on command" | "at the start"} when
 */
export function failing({ server }, folder, when) {
  const script = when === "on command" ? OBEDIENT : REFUSED;
  return server.spoilt(folder, { file: /^worker-gpu\.js$/, change: (bytes) => script + bytes.toString() });
}

/**
 * Embeds on the GPU, tells its worker to fail in the midst of it, and embeds again once the GPU is back, or is gone. Before `an hour passes` it does.
 *
 * @param {{ baseUrl: string, model: string, texts: string[], faults: string[], isLater?: boolean }} argument whether an engine that computes is to
 *   fail when it reads a result
 */
export async function embedWithFaults({ baseUrl, model, texts, faults, isLater = false }) {
  /** @type {import("felsic").Warning[]} */
  const warnings = [];
  const channel = new BroadcastChannel("felsic-gpu-faults");
  const onWarning = (/** @type {import("felsic").Warning} */ warning) => warnings.push(warning);
  const embedder = await felsic.Embedder.create({ model, device: "webgpu", baseUrl, onWarning });
  /** @param {() => boolean} isSo */
  const until = async (isSo) => {
    for (let i = 0; i < 10_000 && !isSo(); i += 1) await new Promise((done) => setTimeout(done, 10));
  };
  const states = [embedder.info];
  /** @type {number[][][]} */
  const made = [];
  /** @type {number[]} */
  const progress = [];
  /** Of each fault, whether it was told before the call was answered. @type {boolean[]} */
  const told = [];
  for (const fault of faults) {
    if (fault === "an hour passes") {
      const now = performance.now.bind(performance);
      performance.now = () => now() + 3_600_000;
      continue;
    }
    if (isLater) {
      const armed = new Promise((resolve) => (channel.onmessage = resolve));
      channel.postMessage({ fault, isLater });
      await armed;
    }
    const answer = embedder.embed(texts, { onProgress: ({ done }) => progress.push(done) });
    if (!isLater) channel.postMessage({ fault, isLater });
    made.push((await answer).map((vector) => Array.from(vector)));
    told.push(warnings.length >= states.length);
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
    told,
    states: states.map(({ device, kernel, gpu }) => [device, kernel, gpu?.state, gpu?.reason]),
  };
}

/** @param {number[][][]} made @param {number[][]} expected @param {number} tolerance the largest difference of a component */
export function areRight(made, expected, tolerance) {
  for (const vectors of made) {
    assert.equal(vectors.length, expected.length);
    for (const [index, vector] of vectors.entries()) {
      const difference = largestDifference(vector, expected[index] ?? []);
      assert.ok(difference <= tolerance, `text ${index} is off by ${difference}`);
    }
  }
}
