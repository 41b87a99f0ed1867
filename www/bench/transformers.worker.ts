/** transformers.js as an engine of the benchmark: its feature-extraction pipeline, texts in, unit vectors out. */

import { env, pipeline, type FeatureExtractionPipeline } from "@huggingface/transformers";
import { mustBeUnit, serve, type EngineChoice, type Loaded, type Shape } from "./protocol";
import { SENTENCE, textOf } from "./texts";
import { useOwnRuntime } from "./transformers-runtime";
import { memoryBytes } from "./wasm-memory";

let extractor: FeatureExtractionPipeline | undefined;

/** BERT's models take the mean of all tokens, ModernBERT's the first. */
const pooling = (): "mean" | "cls" => (extractor?.model.config.model_type === "bert" ? "mean" : "cls");

/** Everything comes from this page's own server, and nothing is kept: the other engines keep nothing either. `models` is a path. */
function configure(models: string, threads: number): void {
  env.allowLocalModels = true;
  env.allowRemoteModels = false;
  env.localModelPath = models;
  env.useBrowserCache = false;
  useOwnRuntime(threads);
}

async function load(choice: EngineChoice): Promise<Loaded> {
  const { origin, pathname } = new URL(choice.model);
  if (origin !== location.origin) throw new Error("the model folder must lie on the page's own server");
  // It wants a folder of models, which it takes for missing if that is a full address, and a name in it.
  const [, models = "", name = ""] = /^(.*\/)([^/]+)\/$/.exec(pathname) ?? [];
  configure(models, choice.threads);
  extractor = await pipeline("feature-extraction", name, { device: "wasm", dtype: "q8" });
  return { format: "q8", about: `transformers.js ${env.version}, onnxruntime-web ${env.backends.onnx.versions?.web ?? ""}` };
}

async function run({ batch, tokens }: Shape, seed: number): Promise<number> {
  if (!extractor) throw new Error("not loaded");
  const { tokenizer } = extractor;
  const count = (text: string): number => tokenizer.encode(text).length;
  const texts = await Promise.all(Array.from({ length: batch }, (_, row) => textOf(tokens, seed * batch + row, count)));
  const start = performance.now();
  const { data, dims } = await extractor(texts, { pooling: pooling(), normalize: true });
  const ms = performance.now() - start;
  // The tokenizer's own answer to the same call: neither cut nor padded.
  const counts: number[] = tokenizer(texts, { padding: true, truncation: true }).input_ids.dims;
  if (counts[0] !== batch || counts[1] !== tokens)
    throw new Error(`embedded ${counts.join(" x ")} tokens instead of ${batch} x ${tokens}`);
  if (!(data instanceof Float32Array) || dims[0] !== batch) throw new Error(`no vector for each of ${batch} texts`);
  mustBeUnit(data.subarray(0, data.length / batch));
  return ms;
}

/** As a page would begin. */
async function first(): Promise<void> {
  if (!extractor) throw new Error("not loaded");
  const { data } = await extractor([SENTENCE], { pooling: pooling(), normalize: true });
  if (!(data instanceof Float32Array)) throw new Error("no vector");
  mustBeUnit(data);
}

serve({ load, first, run, memory: memoryBytes });
