/**
 * transformers.js as a row of the page's own benchmark (src/bench/transformers.ts): a model of a given address, texts in, unit vectors
 * out. It is here because here its packages are.
 */

// The first, because it must see the memory that the others make.
import { memoryBytes } from "./wasm-memory";
import { env, pipeline, type FeatureExtractionPipeline } from "@huggingface/transformers";
import { useOwnRuntime } from "./transformers-runtime";
import type { Answer, Embedded, Loaded, Place, Request } from "../src/bench/transformers-protocol";

let extractor: FeatureExtractionPipeline | undefined;
let pooling: "cls" | "mean" = "cls";

async function load({ host, folder }: Place, cache: string): Promise<Loaded> {
  env.allowLocalModels = false;
  env.remoteHost = host;
  env.remotePathTemplate = folder;
  env.useBrowserCache = true;
  env.cacheKey = cache;
  useOwnRuntime(1);
  // The folder's address is in the template: the name only has to have a name's form.
  extractor = await pipeline("feature-extraction", "given/model", { device: "wasm", dtype: "q8" });
  const config = extractor.model.config as { readonly classifier_pooling?: unknown };
  pooling = config.classifier_pooling === "mean" ? "mean" : "cls";
  return {
    device: "wasm",
    kernel: `onnxruntime-web ${env.backends.onnx.versions?.web ?? ""}`.trim(),
    format: `ONNX q8, ${pooling}`,
  };
}

async function embed(texts: readonly string[]): Promise<Embedded> {
  if (!extractor) throw new Error("no model is loaded");
  const { data, dims } = await extractor([...texts], { pooling, normalize: true });
  if (!(data instanceof Float32Array) || dims[0] !== texts.length) throw new Error("there is no vector for each text");
  const width = data.length / texts.length;
  const vectors = texts.map((_, row) => data.slice(row * width, (row + 1) * width));
  return { vectors };
}

function count(texts: readonly string[]): number {
  if (!extractor) throw new Error("no model is loaded");
  const { tokenizer } = extractor;
  return texts.reduce((sum, text) => sum + tokenizer.encode(text).length, 0);
}

async function answer(request: Request): Promise<Loaded | Embedded | number> {
  if (request.name === "load") return load(request.place, request.cache);
  if (request.name === "embed") return embed(request.texts);
  if (request.name === "count") return count(request.texts);
  return memoryBytes() ?? 0;
}

onmessage = ({ data }: MessageEvent<Request>) => {
  const say = (said: Answer) => postMessage(said);
  answer(data).then(
    (value) => say({ id: data.id, value }),
    (error: unknown) => say({ id: data.id, error: error instanceof Error ? error.message : String(error) }),
  );
};
