/**
 * felsic as an engine of the benchmark: with one worker the wasm module itself, in this worker, as the npm package
 * runs it, which also tells where its time goes; with several the npm package.
 */

import { Embedder } from "../../pkg/dist/index.js";
import { hasExactDot } from "../../pkg/src/simd";
import { openStore } from "../../pkg/src/store/index";
import { mustBeUnit, serve, type EngineChoice, type Loaded, type Shape } from "./protocol";
import { SENTENCE, textOf } from "./texts";

/** What the benchmark asks of either. */
interface Felsic {
  readonly info: { readonly model: string; readonly kernel: string; readonly format: string };
  count(text: string): number | Promise<number>;
  /** The first vector, and the token count of each text. */
  embed(texts: string[]): Promise<{ vector: Float32Array; tokens: number[] }>;
  memory(): number | Promise<number>;
  /** Loads the whole vocabulary table. */
  settle?(): Promise<void>;
  /** Starts or ends a profile. */
  profile?(on: boolean): Record<string, number>;
}

async function loadModule(engine: EngineChoice["engine"]) {
  if (engine === "felsic-webgpu") return import("../../pkg/dist/felsic_gpu.js");
  if (engine === "felsic-cpu" && hasExactDot()) return import("../../pkg/dist/felsic_relaxed.js");
  return import("../../pkg/dist/felsic_cpu.js");
}

async function oneWorker(choice: EngineChoice): Promise<Felsic> {
  const module = await loadModule(choice.engine);
  await module.default();
  const device = choice.engine === "felsic-webgpu" ? "webgpu" : "cpu";
  // Nothing in the background: it would take part in the measurement.
  const signal = new AbortController().signal;
  const files = await openStore({
    model: choice.model,
    cache: "auto",
    access: { credentials: "omit" },
    signal,
    warn: ({ message }) => console.log(message),
  });
  const engine = await module.Engine.create(choice.model, device, files, undefined, undefined);
  return {
    info: engine.info(),
    count: (text) => engine.countTokens(text, {}),
    embed: async (texts) => {
      const { vectors, tokens } = await engine.embed(texts, {}, undefined, undefined);
      return { vector: vectors.subarray(0, vectors.length / texts.length), tokens: [...tokens] };
    },
    memory: () => engine.memoryBytes(),
    settle: async () => {
      for (const shard of engine.missing()) await engine.prefetch(shard, true);
    },
    profile: (on) => engine.profile(on) as Record<string, number>,
  };
}

async function severalWorkers({ engine, model, threads }: EngineChoice): Promise<Felsic> {
  if (engine === "felsic-webgpu") throw new Error("felsic has one worker on a GPU");
  const embedder = await Embedder.create({
    model,
    workers: threads,
    simd: engine === "felsic-plain" ? "plain" : "auto",
    prefetch: "all",
    cache: "none",
  });
  const ready = await embedder.warmUp();
  if (ready !== threads) throw new Error(`${ready} workers are ready instead of ${threads}`);
  return {
    info: embedder.info,
    count: (text) => embedder.countTokens(text),
    embed: async (texts) => {
      const made = await embedder.embedDetailed(texts);
      return { vector: made[0]!.vector, tokens: made.map(({ tokens }) => tokens) };
    },
    memory: () => embedder.memoryBytes(),
  };
}

let engine: Felsic | undefined;

function loadedEngine(): Felsic {
  if (!engine) throw new Error("not loaded");
  return engine;
}

async function load(choice: EngineChoice): Promise<Loaded> {
  engine = await (choice.threads > 1 ? severalWorkers(choice) : oneWorker(choice));
  const { format, model, kernel } = engine.info;
  return { format, about: `${model}, ${kernel}` };
}

/** Where the time of one more call goes, by operation, with what is left over. */
async function profile(shape: Shape): Promise<Record<string, number> | null> {
  const { profile } = loadedEngine();
  if (!profile) return null;
  profile(true);
  const ms = await run(shape, 0);
  const operations = profile(false);
  const counted = Object.values(operations).reduce((sum, ms) => sum + ms, 0);
  return { ...operations, rest: ms - counted };
}

async function run({ batch, tokens }: Shape, seed: number): Promise<number> {
  const engine = loadedEngine();
  const texts = await Promise.all(Array.from({ length: batch }, (_, row) => textOf(tokens, seed * batch + row, engine.count)));
  const start = performance.now();
  const made = await engine.embed(texts);
  const ms = performance.now() - start;
  if (made.tokens.length !== batch || made.tokens.some((n) => n !== tokens))
    throw new Error(`embedded other than ${tokens} tokens`);
  mustBeUnit(made.vector);
  return ms;
}

/** As a page would begin. */
async function first(): Promise<void> {
  mustBeUnit((await loadedEngine().embed([SENTENCE])).vector);
}

serve({ load, settle: async () => loadedEngine().settle?.(), first, run, profile, memory: () => loadedEngine().memory() });
