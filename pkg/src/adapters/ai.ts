/**
 * felsic as an embedding model of the Vercel AI SDK: version 4 of its interface, which AI SDK 7 uses, and version 3, which AI SDK 6
 * uses. The types below are those of `@ai-sdk/provider`, written out so that either version of that package will do, or none.
 */

import type { Embedder, EmbedOptions } from "../index.js";

/** Versions of the AI SDK's interface for embedding models. */
export type SpecificationVersion = "v3" | "v4";

/** How the texts of a call are read; `providerOptions.felsic` of a call takes the same, and takes precedence. */
export type EmbeddingModelOptions = Pick<EmbedOptions, "taskType" | "prompt" | "strip" | "dimensions">;

/** What the AI SDK passes to {@link FelsicEmbeddingModel.doEmbed}. */
export interface EmbeddingCall {
  /** The texts. */
  readonly values: string[];
  /** Aborts the call. */
  readonly abortSignal?: AbortSignal | undefined;
  /** Options by provider; felsic reads those under `felsic`, which are {@link EmbeddingModelOptions}. */
  readonly providerOptions?: { readonly [provider: string]: { readonly [option: string]: unknown } } | undefined;
  /** Headers for models that are asked by HTTP; felsic asks nobody. */
  readonly headers?: { readonly [name: string]: string | undefined } | undefined;
}

/** What a call returns. */
export interface EmbeddingCallResult {
  /** The vectors, of unit length, in the order of the texts. */
  embeddings: number[][];
  /** How many tokens the model read. */
  usage: { tokens: number };
  /** Says how many texts were longer than the model reads. */
  warnings: { type: "other"; message: string }[];
}

/** An embedding model for `embed()` and `embedMany()` of the AI SDK. */
export interface FelsicEmbeddingModel<Version extends SpecificationVersion = "v4"> {
  /** The version of the interface. */
  readonly specificationVersion: Version;
  /** Always `felsic`. */
  readonly provider: string;
  /** The name of the model. */
  readonly modelId: string;
  /** There is no limit: felsic makes its own batches. */
  readonly maxEmbeddingsPerCall: number;
  /** Calls may be made at once; they are computed one after another. */
  readonly supportsParallelCalls: boolean;
  /** Embeds texts. Rejects with a `FelsicError`. */
  doEmbed(call: EmbeddingCall): Promise<EmbeddingCallResult>;
}

/** Returns an embedder as a model for AI SDK 7. */
export function embeddingModel(
  embedder: Pick<Embedder, "embedDetailed" | "info">,
  options?: EmbeddingModelOptions & { readonly specificationVersion?: "v4" },
): FelsicEmbeddingModel;
/** Returns an embedder as a model for AI SDK 6 (`v3`) or 7 (`v4`). */
export function embeddingModel<Version extends SpecificationVersion>(
  embedder: Pick<Embedder, "embedDetailed" | "info">,
  options: EmbeddingModelOptions & { readonly specificationVersion: Version },
): FelsicEmbeddingModel<Version>;
export function embeddingModel(
  embedder: Pick<Embedder, "embedDetailed" | "info">,
  options: EmbeddingModelOptions & { readonly specificationVersion?: SpecificationVersion } = {},
): FelsicEmbeddingModel<SpecificationVersion> {
  const { specificationVersion = "v4", ...defaults } = options;
  return {
    specificationVersion,
    provider: "felsic",
    modelId: embedder.info.model,
    maxEmbeddingsPerCall: Infinity,
    supportsParallelCalls: true,
    async doEmbed({ values, abortSignal, providerOptions }) {
      const found = await embedder.embedDetailed(values, {
        ...defaults,
        // The embedder refuses what it does not know.
        ...(providerOptions?.["felsic"] as EmbeddingModelOptions | undefined),
        ...(abortSignal && { signal: abortSignal }),
        // A single text is a query that somebody waits for, as in embed().
        priority: values.length === 1 ? "high" : "normal",
      });
      const cut = found.filter(({ truncated }) => truncated).length;
      return {
        embeddings: found.map(({ vector }) => Array.from(vector)),
        usage: { tokens: found.reduce((sum, { tokens }) => sum + tokens, 0) },
        warnings: cut === 0 ? [] : [{ type: "other", message: cutTexts(cut, found.length, embedder.info.maxTokens) }],
      };
    },
  };
}

function cutTexts(cut: number, texts: number, most: number): string {
  return `${cut} of ${texts} texts ${cut === 1 ? "is" : "are"} longer than the ${most} tokens that the model reads; the rest was left out`;
}
