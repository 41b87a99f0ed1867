/** felsic as the embeddings of LangChain.js, and a collection of `felsic/search` as its vector store. */

import { Document, type DocumentInterface } from "@langchain/core/documents";
import { Embeddings, type EmbeddingsInterface, type EmbeddingsParams } from "@langchain/core/embeddings";
import { VectorStore } from "@langchain/core/vectorstores";
import { type Embedder, type EmbedOptions, FelsicError } from "../index.js";
import type { Collection, Document as StoredDocument, Hit, SearchMode, Where } from "../search.js";

/** Options of {@link FelsicEmbeddings}. */
export interface FelsicEmbeddingsParams extends EmbeddingsParams, Pick<EmbedOptions, "dimensions" | "strip"> {
  /** Makes the vectors. It stays the caller's. */
  readonly embedder: Pick<Embedder, "embed">;
}

/** LangChain's embeddings, made by an embedder. Rejects with a `FelsicError`. */
export class FelsicEmbeddings extends Embeddings {
  readonly #embedder: Pick<Embedder, "embed">;
  readonly #options: Pick<EmbedOptions, "dimensions" | "strip">;

  /** Creates the embeddings. */
  constructor({ embedder, dimensions, strip, ...params }: FelsicEmbeddingsParams) {
    super(params);
    this.#embedder = embedder;
    this.#options = { ...(dimensions !== undefined && { dimensions }), ...(strip !== undefined && { strip }) };
  }

  /** Returns the vectors of texts that are to be found. */
  async embedDocuments(documents: string[]): Promise<number[][]> {
    const vectors = await this.#embedder.embed(documents, { ...this.#options, taskType: "retrieval-document" });
    return vectors.map((vector) => Array.from(vector));
  }

  /** Returns the vector of a query. */
  async embedQuery(document: string): Promise<number[]> {
    return Array.from(await this.#embedder.embed(document, { ...this.#options, taskType: "retrieval-query" }));
  }
}

/** Options of {@link FelsicVectorStore}. */
export interface FelsicVectorStoreOptions {
  /** Keeps and finds the documents. It stays the caller's. */
  readonly collection: Pick<Collection, "add" | "remove" | "search">;
  /** What is compared. Default: the collection's own, words and meaning. */
  readonly mode?: SearchMode;
  /** The least score of a hit, from 0 to 1. Default: the collection's own. */
  readonly minScore?: number;
}

/**
 * LangChain's vector store over a collection. The collection cuts long documents and makes the vectors itself; a search returns the best
 * passage of each document. `title`, `url` and `tags` of the metadata become the document's own; everything else is kept as its
 * `meta`. Rejects with a `FelsicError`.
 */
export class FelsicVectorStore extends VectorStore {
  /** The filter of a search is the collection's `where`. */
  declare FilterType: Where;
  readonly #options: FelsicVectorStoreOptions;

  /** Creates the store. `embeddings` should be those of the collection's embedder; the store itself does not use them. */
  constructor(embeddings: EmbeddingsInterface, options: FelsicVectorStoreOptions) {
    super(embeddings, options);
    this.#options = options;
  }

  /** Returns `felsic`. */
  _vectorstoreType(): string {
    return "felsic";
  }

  /** Adds documents and returns their ids. Ids come from the options, from the documents, or are made up. */
  override async addDocuments(
    documents: DocumentInterface[],
    options: { ids?: string[]; signal?: AbortSignal } = {},
  ): Promise<string[]> {
    const { ids, signal } = options;
    if (ids && ids.length !== documents.length) {
      throw new FelsicError("input-invalid", `there are ${ids.length} ids for ${documents.length} documents`);
    }
    const stored = documents.map((document, index) => asStored(document, ids?.[index] ?? document.id ?? crypto.randomUUID()));
    await this.#options.collection.add(stored, signal && { signal });
    return stored.map(({ id }) => id);
  }

  /** Refuses: a collection makes its own vectors. */
  override async addVectors(): Promise<never> {
    throw new FelsicError(
      "input-invalid",
      "a collection makes its own vectors: use addDocuments(), or the collection's import() for vectors made elsewhere",
    );
  }

  /** Removes the documents with these ids. */
  override async delete(params: { ids: string[] }): Promise<void> {
    if (!Array.isArray(params?.ids)) throw new FelsicError("input-invalid", "delete() needs { ids: [...] }");
    await this.#options.collection.remove(params.ids);
  }

  /** Returns the best `k` documents, each as its best passage. */
  override async similaritySearch(query: string, k = 4, filter?: Where): Promise<DocumentInterface[]> {
    return (await this.similaritySearchWithScore(query, k, filter)).map(([document]) => document);
  }

  /** Returns the best `k` documents, each as its best passage, with their scores from 0 to 1. */
  override async similaritySearchWithScore(query: string, k = 4, filter?: Where): Promise<[DocumentInterface, number][]> {
    const { collection, mode, minScore } = this.#options;
    const hits = await collection.search(query, {
      limit: k,
      ...(filter && { where: filter }),
      ...(mode && { mode }),
      ...(minScore !== undefined && { minScore }),
    });
    return hits.map((hit) => [found(hit), hit.score]);
  }

  /** Refuses: a collection is searched by a text, in which it finds the words as well. */
  override async similaritySearchVectorWithScore(): Promise<never> {
    throw new FelsicError("input-invalid", "a collection is searched by a text, not by a vector: use similaritySearch()");
  }

  /** Creates a store and adds texts. */
  static override async fromTexts(
    texts: string[],
    metadatas: object[] | object,
    embeddings: EmbeddingsInterface,
    options: FelsicVectorStoreOptions,
  ): Promise<FelsicVectorStore> {
    const metadataOf = (index: number) => (Array.isArray(metadatas) ? metadatas[index] : metadatas) ?? {};
    const documents = texts.map((pageContent, index) => new Document({ pageContent, metadata: metadataOf(index) }));
    return FelsicVectorStore.fromDocuments(documents, embeddings, options);
  }

  /** Creates a store and adds documents. */
  static override async fromDocuments(
    documents: DocumentInterface[],
    embeddings: EmbeddingsInterface,
    options: FelsicVectorStoreOptions,
  ): Promise<FelsicVectorStore> {
    const store = new FelsicVectorStore(embeddings, options);
    await store.addDocuments(documents);
    return store;
  }
}

/** A document as the collection takes it. */
function asStored({ pageContent, metadata }: DocumentInterface, id: string): StoredDocument {
  const { title, url, tags, ...rest } = metadata as Record<string, unknown>;
  const areTags = Array.isArray(tags) && tags.every((tag) => typeof tag === "string");
  const meta = {
    ...rest,
    ...(title !== undefined && typeof title !== "string" && { title }),
    ...(url !== undefined && typeof url !== "string" && { url }),
    ...(tags !== undefined && !areTags && { tags }),
  };
  return {
    id,
    text: pageContent,
    ...(typeof title === "string" && { title }),
    ...(typeof url === "string" && { url }),
    ...(areTags && { tags: tags as string[] }),
    ...(Object.keys(meta).length > 0 && { meta: meta as NonNullable<StoredDocument["meta"]> }),
  };
}

/** A hit as LangChain's document. */
function found({ id, passage, title, url, tags, meta }: Hit): DocumentInterface {
  const own = { ...(title !== undefined && { title }), ...(url !== undefined && { url }), ...(tags && { tags: [...tags] }) };
  return new Document({ id, pageContent: passage.text, metadata: { ...meta, ...own } });
}
