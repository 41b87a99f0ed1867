/** wllama as an engine of the benchmark: llama.cpp on the GGUF file of the same model, texts in, unit vectors out. */

import { Wllama } from "@wllama/wllama";
import binary from "@wllama/wllama/esm/wasm/wllama.wasm?url";
import { mustBeUnit, serve, type EngineChoice, type Loaded, type Shape } from "./protocol";
import { SENTENCE, textOf } from "./texts";

/** The longest text that is measured, which is computed as one batch. */
const LONGEST = 2048;

let wllama: Wllama | undefined;
let models = "";

/**
 * Counts tokens as the checkpoint's own tokenizer does, since wllama has no way to count. Loaded after the first vector, so that it is
 * no part of what wllama takes to start.
 */
let counter: Promise<(text: string) => number> | undefined;

async function loadCounter(): Promise<(text: string) => number> {
  const { AutoTokenizer, env } = await import("@huggingface/transformers");
  const [, folder = "", name = ""] = /^(.*\/)([^/]+)\/$/.exec(new URL(models).pathname) ?? [];
  Object.assign(env, { allowLocalModels: true, allowRemoteModels: false, localModelPath: folder, useBrowserCache: false });
  const tokenizer = await AutoTokenizer.from_pretrained(name);
  return (text) => tokenizer.encode(text).length;
}

async function load({ model, threads }: EngineChoice): Promise<Loaded> {
  models = model;
  const response = await fetch(`${model}gguf/q8_0.gguf`);
  if (!response.ok) throw new Error(`the GGUF file: HTTP ${response.status}`);
  wllama = new Wllama({ default: new URL(binary, location.href).href }, { suppressNativeLog: true });
  // One text after another, so that each has the whole context.
  const context = { n_ctx: LONGEST, n_batch: LONGEST, n_ubatch: LONGEST, n_parallel: 1 };
  await wllama.loadModel([await response.blob()], { ...context, embeddings: true, n_threads: threads, n_gpu_layers: 0 });
  const ran = wllama.getNumThreads();
  if (ran !== threads) throw new Error(`${ran} threads instead of ${threads}`);
  return { format: "q8_0", about: `wllama, llama.cpp ${Wllama.getLibllamaVersion()}` };
}

async function embed(input: string[]): Promise<{ vectors: number[][]; tokens: number }> {
  if (!wllama) throw new Error("not loaded");
  const { data, usage } = await wllama.createEmbedding({ input });
  return { vectors: data.map(({ embedding }) => embedding as number[]), tokens: usage.prompt_tokens };
}

async function run({ batch, tokens }: Shape, seed: number): Promise<number> {
  const texts: string[] = [];
  const count = await (counter ??= loadCounter());
  for (let row = 0; row < batch; row++) texts.push(await textOf(tokens, seed * batch + row, count));
  const start = performance.now();
  const made = await embed(texts);
  const ms = performance.now() - start;
  if (made.vectors.length !== batch || made.tokens !== batch * tokens)
    throw new Error(`embedded ${made.tokens} tokens instead of ${batch} x ${tokens}`);
  mustBeUnit(made.vectors[0]!);
  return ms;
}

/** As a page would begin. */
async function first(): Promise<void> {
  mustBeUnit((await embed([SENTENCE])).vectors[0]!);
}

// Its memory belongs to a worker of its own.
serve({ load, first, run, memory: () => null });
