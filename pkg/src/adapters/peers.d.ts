/**
 * The parts of other libraries that the adapters use, so that felsic can be built without installing them. The published declarations name the
 * libraries themselves; `tests/adapters` compiles these sources against the real ones.
 */

declare module "@langchain/core/documents" {
  export interface DocumentInterface {
    pageContent: string;
    // LangChain's own type.
    metadata: Record<string, any>;
    id?: string;
  }
  export class Document implements DocumentInterface {
    pageContent: string;
    metadata: Record<string, any>;
    id?: string;
    constructor(fields: { pageContent: string; metadata?: Record<string, any>; id?: string });
  }
}

declare module "@langchain/core/embeddings" {
  export interface EmbeddingsParams {
    maxConcurrency?: number;
    maxRetries?: number;
  }
  export interface EmbeddingsInterface {
    embedDocuments(documents: string[]): Promise<number[][]>;
    embedQuery(document: string): Promise<number[]>;
  }
  export abstract class Embeddings implements EmbeddingsInterface {
    constructor(params: EmbeddingsParams);
    abstract embedDocuments(documents: string[]): Promise<number[][]>;
    abstract embedQuery(document: string): Promise<number[]>;
  }
}

declare module "@langchain/core/vectorstores" {
  import type { DocumentInterface } from "@langchain/core/documents";
  import type { EmbeddingsInterface } from "@langchain/core/embeddings";
  export abstract class VectorStore {
    FilterType: object | string;
    embeddings: EmbeddingsInterface;
    constructor(embeddings: EmbeddingsInterface, dbConfig: Record<string, any>);
    abstract _vectorstoreType(): string;
    abstract addVectors(vectors: number[][], documents: DocumentInterface[]): Promise<string[] | void>;
    abstract addDocuments(documents: DocumentInterface[], options?: Record<string, any>): Promise<string[] | void>;
    delete(params?: Record<string, any>): Promise<void>;
    abstract similaritySearchVectorWithScore(
      query: number[],
      k: number,
      filter?: this["FilterType"],
    ): Promise<[DocumentInterface, number][]>;
    similaritySearch(query: string, k?: number, filter?: this["FilterType"]): Promise<DocumentInterface[]>;
    similaritySearchWithScore(query: string, k?: number, filter?: this["FilterType"]): Promise<[DocumentInterface, number][]>;
    static fromTexts(
      texts: string[],
      metadatas: object[] | object,
      embeddings: EmbeddingsInterface,
      dbConfig: Record<string, any>,
    ): Promise<VectorStore>;
    static fromDocuments(
      documents: DocumentInterface[],
      embeddings: EmbeddingsInterface,
      dbConfig: Record<string, any>,
    ): Promise<VectorStore>;
  }
}

declare module "@llamaindex/core/embeddings" {
  export abstract class BaseEmbedding {
    embedBatchSize: number;
    embedInfo?: { dimensions?: number; maxTokens?: number };
    protected constructor();
    abstract getTextEmbedding(text: string): Promise<number[]>;
    getQueryEmbedding(query: { type: string }): Promise<number[] | null>;
    getTextEmbeddings: (texts: string[]) => Promise<number[][]>;
  }
}

declare module "react" {
  export function useMemo<T>(make: () => T, dependencies: readonly unknown[]): T;
  export function useSyncExternalStore<T>(
    subscribe: (changed: () => void) => () => void,
    getSnapshot: () => T,
    getServerSnapshot?: () => T,
  ): T;
}
