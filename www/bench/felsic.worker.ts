/** felsic as an engine of the benchmark: the wasm module itself, in this worker, as the npm package runs it. */

import { mustBeUnit, serve, type EngineChoice, type Loaded, type Shape } from "./protocol";
import { textOf } from "./texts";

type FelsicModule = typeof import("../../pkg/dist/felsic_cpu.js") | typeof import("../../pkg/dist/felsic_gpu.js");

async function loadModule(device: "cpu" | "webgpu"): Promise<FelsicModule> {
  return device === "cpu" ? import("../../pkg/dist/felsic_cpu.js") : import("../../pkg/dist/felsic_gpu.js");
}

type Felsic = Awaited<ReturnType<FelsicModule["Engine"]["create"]>>;

let engine: Felsic | undefined;

function loadedEngine(): Felsic {
  if (!engine) throw new Error("not loaded");
  return engine;
}

async function load(choice: EngineChoice): Promise<Loaded> {
  const device = choice.engine === "felsic-webgpu" ? "webgpu" : "cpu";
  const module = await loadModule(device);
  await module.default();
  engine = await module.Engine.create(choice.model, device, undefined, undefined);
  const info = engine.info();
  return { format: info.format, about: `${info.model}, ${info.kernel}` };
}

/** Where the time of one more call goes, by operation, with what is left over. */
async function profile(shape: Shape): Promise<Record<string, number>> {
  const engine = loadedEngine();
  engine.profile(true);
  const ms = await run(shape, 0);
  const operations = engine.profile(false) as Record<string, number>;
  const counted = Object.values(operations).reduce((sum, ms) => sum + ms, 0);
  return { ...operations, rest: ms - counted };
}

async function run({ batch, tokens }: Shape, seed: number): Promise<number> {
  const engine = loadedEngine();
  const count = (text: string): number => engine.countTokens(text, {});
  const texts = Array.from({ length: batch }, (_, row) => textOf(tokens, seed * batch + row, count));
  const start = performance.now();
  const { vectors, tokens: counts } = await engine.embed(texts, {}, undefined, undefined);
  const ms = performance.now() - start;
  if (counts.length !== batch || counts.some((n: number) => n !== tokens)) throw new Error(`embedded other than ${tokens} tokens`);
  mustBeUnit(vectors.subarray(0, vectors.length / batch));
  return ms;
}

serve({ load, run, profile, memory: () => loadedEngine().memoryBytes() });
