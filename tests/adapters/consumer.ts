/** A strict consumer of the adapters: they are what the libraries take. Type-checked only, beside the real libraries. */

import type { EmbeddingModelV4 } from "@ai-sdk/provider";
import type { EmbeddingModelV3 } from "@ai-sdk/provider-v3";
import type { FeatureExtractionPipeline, Tensor } from "@huggingface/transformers";
import type { EmbeddingsInterface } from "@langchain/core/embeddings";
import type { VectorStoreInterface } from "@langchain/core/vectorstores";
import type { BaseEmbedding } from "@llamaindex/core/embeddings";
import { embed, type EmbeddingModel } from "ai";
import { embed as embed6, type EmbeddingModel as EmbeddingModel6 } from "ai-6";
import type { Embedder, FelsicError } from "felsic";
import { embeddingModel } from "felsic/ai";
import { FelsicEmbeddings, FelsicVectorStore } from "felsic/langchain";
import { FelsicEmbedding } from "felsic/llamaindex";
import { useCollection, useEmbedder } from "felsic/react";
import type { Collection } from "felsic/search";
import { type FeatureExtractor, type FeatureTensor, pipeline } from "felsic/transformers";

export function langChain(embedder: Embedder, collection: Collection): VectorStoreInterface {
  const embeddings: EmbeddingsInterface = new FelsicEmbeddings({ embedder, dimensions: 128, maxConcurrency: 1 });
  const store = new FelsicVectorStore(embeddings, { collection, mode: "hybrid" });
  store.asRetriever({ k: 2, filter: { tags: "guide" } });
  // @ts-expect-error: an unknown mode
  new FelsicVectorStore(embeddings, { collection, mode: "sideways" });
  return store;
}

export async function aiSdk(embedder: Embedder): Promise<number> {
  const model: EmbeddingModelV4 & EmbeddingModel = embeddingModel(embedder);
  const earlier: EmbeddingModelV3 & EmbeddingModel6 = embeddingModel(embedder, { specificationVersion: "v3" });
  // @ts-expect-error: version 3 is not version 4
  const wrong: EmbeddingModelV4 = embeddingModel(embedder, { specificationVersion: "v3" });
  const { usage } = await embed({ model, value: "a text", providerOptions: { felsic: { taskType: "retrieval-query" } } });
  const { usage: usage6 } = await embed6({ model: earlier, value: "a text" });
  return usage.tokens + usage6.tokens + Number(wrong.modelId);
}

export function llamaIndex(embedder: Embedder): BaseEmbedding {
  return new FelsicEmbedding({ embedder });
}

/** What both pipelines have, as a caller writes it. */
type Both = FeatureExtractor | FeatureExtractionPipeline;
type BothTensors = Pick<Tensor, "data" | "dims" | "size" | "type" | "tolist"> & Iterable<unknown>;

export async function transformers(embedder: Embedder, other: FeatureExtractionPipeline): Promise<BothTensors> {
  const extractors: Both[] = [await pipeline("feature-extraction", embedder), other];
  // The options are the real ones, all of them.
  const options: Parameters<FeatureExtractor>[1] = {} as NonNullable<Parameters<FeatureExtractionPipeline["_call"]>[1]>;
  const tensor: FeatureTensor | Tensor = await extractors[0]!(["a", "b"], { ...options, pooling: "cls", normalize: true });
  // @ts-expect-error: an unknown task
  void pipeline("text-generation", embedder);
  return tensor;
}

export function Component(): string {
  const { embedder, status, error, progress, retry } = useEmbedder({ model: new URL("https://example.com/pack/") });
  const { collection, changes } = useCollection("docs", { embedder });
  const open: Collection | undefined = collection;
  const known: Embedder | undefined = embedder;
  const why: FelsicError | undefined = error;
  // @ts-expect-error: the state has the progress
  useEmbedder({ onProgress: console.log });
  return `${status} ${known?.info.model} ${why?.code} ${progress?.loadedBytes} ${typeof retry} ${open?.info.documents} ${changes}`;
}
