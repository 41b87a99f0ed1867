/** felsic as an embedding model of LlamaIndex.TS. */

import { BaseEmbedding } from "@llamaindex/core/embeddings";
import type { Embedder, EmbedOptions } from "../index.js";

/** Options of {@link FelsicEmbedding}. */
export interface FelsicEmbeddingOptions extends Pick<EmbedOptions, "dimensions" | "strip"> {
  /** Makes the vectors. */
  readonly embedder: Pick<Embedder, "embed" | "info">;
}

/** Texts of one call: enough for felsic to put texts of equal length together. */
const BATCH = 256;

/**
 * `Settings.embedModel = new FelsicEmbedding({ embedder })`. Nodes are embedded as documents, queries as queries. Rejects with a
 * `FelsicError`.
 */
export class FelsicEmbedding extends BaseEmbedding {
  readonly #embedder: FelsicEmbeddingOptions["embedder"];
  readonly #options: Pick<EmbedOptions, "dimensions" | "strip">;

  /** Creates the model; the embedder stays the caller's. */
  constructor({ embedder, ...options }: FelsicEmbeddingOptions) {
    super();
    this.#embedder = embedder;
    this.#options = options;
    this.embedBatchSize = BATCH;
    this.embedInfo = { dimensions: options.dimensions ?? embedder.info.dimensions };
  }

  /** Returns the vector of a document. */
  async getTextEmbedding(text: string): Promise<number[]> {
    return Array.from(await this.#embedder.embed(text, { ...this.#options, taskType: "retrieval-document" }));
  }

  /** Returns the vectors of documents. */
  override getTextEmbeddings = async (texts: string[]): Promise<number[][]> => {
    const vectors = await this.#embedder.embed(texts, { ...this.#options, taskType: "retrieval-document" });
    return vectors.map((vector) => Array.from(vector));
  };

  /** Returns the vector of a query; `null` of one that is no text. */
  override async getQueryEmbedding(query: { type: string }): Promise<number[] | null> {
    const { text } = query as { readonly text?: unknown };
    if (query.type !== "text" || typeof text !== "string") return null;
    return Array.from(await this.#embedder.embed(text, { ...this.#options, taskType: "retrieval-query" }));
  }
}
