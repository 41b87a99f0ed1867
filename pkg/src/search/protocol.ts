/**
 * The messages between the page and a search worker, which has one open collection. The worker has documents, rows and words; the page
 * has the embedder, so that texts to count or to embed go to the page, and their tokens and vectors back.
 */

import type { FromAnyWorker } from "../link.js";
import type { Warning } from "../store/warning.js";
import type { IndexModel } from "./index-manifest.js";
import type { PassageRow } from "./transfer-rows.js";
import type {
  Cluster,
  CollectionInfo,
  Document,
  DocumentFields,
  DocumentKind,
  Hit,
  SearchMode,
  TextRange,
  Where,
} from "./types.js";
import type { Points } from "./points.js";

/** A document, checked, with its kind. */
export type CheckedDocument = Document & { readonly kind: DocumentKind };

/** How documents are cut, checked; tokens are the model's own, without special tokens. */
export interface CutOptions {
  readonly tokens: number;
  readonly overlap: number;
}

/** What the worker has to know of the embedder. */
export interface SpaceInfo {
  readonly space: string;
  readonly model: string;
  readonly dimensions: number;
}

/** The files of the search worker. */
export interface SearchFiles {
  readonly scriptUrl: string;
  readonly wasmUrl?: string;
}

/** Opens a collection that is stored on this machine, or kept in memory alone. */
export interface OpenRequest extends SearchFiles {
  readonly name: string;
  readonly memory: boolean;
  readonly embedder: SpaceInfo;
}

/** Opens a static index. */
export interface OpenIndexRequest extends SearchFiles {
  /** The absolute URL of its folder. */
  readonly url: string;
  readonly memory: boolean;
}

/** An index that is open, and the model that it names. */
export interface OpenedIndex {
  readonly info: CollectionInfo;
  readonly model: IndexModel;
}

/** How documents are added. */
export interface Manner {
  readonly cut: CutOptions;
  /** Whether what has no vector yet is to wait for one, instead of being embedded. */
  readonly later: boolean;
}

/** What has to be done for a batch of documents: texts to count the tokens of, then texts to embed. */
export type Task =
  | { readonly count: readonly string[] }
  | {
      readonly embed: readonly string[];
      /** Documents of the batch that need nothing. */
      readonly unchanged: number;
    };

/** What a commit has done. */
export interface Committed {
  readonly added: number;
  readonly updated: number;
  readonly unchanged: number;
  readonly passages: number;
}

/** A passage that is given with its vector. */
export interface GivenPassage extends TextRange {
  readonly text: string;
  readonly trail: readonly string[];
  readonly anchor?: string;
  /** What was embedded. */
  readonly input: string;
}

/** A document whose passages are given, checked. */
export type GivenDocument = Omit<CheckedDocument, "text"> & {
  /** Its whole text, if that is known. */
  readonly source?: string;
  readonly passages: readonly GivenPassage[];
};

/** A query, checked. */
export interface Query {
  readonly text: string;
  /** Of unit length; not needed for `words`. */
  readonly vector?: Float32Array<ArrayBuffer>;
  readonly mode: SearchMode;
  readonly limit: number;
  readonly where?: Where;
  readonly minScore?: number;
  readonly exact: boolean;
  /** The most passages of a hit. */
  readonly passages: number;
}

/** What `similar` asks for, checked. */
export type SimilarQuery = Pick<Query, "limit" | "where" | "minScore"> & { readonly id: string };

/** What `clusters` asks for, checked; without a count it follows from the number of documents. */
export interface ClustersQuery {
  readonly count?: number;
  readonly where?: Where;
}

/** Documents, and their vectors in the same order. */
export interface DocumentPoints extends Points {
  readonly ids: string[];
}

/** Where a reindexing stands: the next batch, or its end. */
export interface ReindexStep {
  /** Documents that have their new vectors, and their passages. */
  readonly done: number;
  readonly total: number;
  readonly passages: number;
  /** The batch to go on with; without it everything is done. */
  readonly task?: Task;
}

/** Where the embedding of passages that wait stands: the next batch, or its end. */
export interface CompleteStep {
  /** Passages that wait. */
  readonly waiting: number;
  /** Documents none of whose passages waits any more, of those that have been taken up. */
  readonly documents: number;
  /** The batch to go on with; without it nothing waits any more. */
  readonly task?: Task;
}

/** What a search worker can be asked, and what it answers. */
export interface SearchCalls {
  open: { request: OpenRequest; result: CollectionInfo; progress: never };
  openIndex: { request: OpenIndexRequest; result: OpenedIndex; progress: never };
  /** Returns the bytes of an index's vectors that are still on its server. */
  missingBytes: { request: Record<never, never>; result: number; progress: never };
  /** Reads an index's vectors; progress is the bytes that have been read. */
  readVectors: { request: Record<never, never>; result: null; progress: number };
  /** Begins a batch of documents; `batch` is a number that the page chooses. */
  prepare: {
    request: Manner & { readonly batch: number; readonly documents: readonly CheckedDocument[] };
    result: Task;
    progress: never;
  };
  /** Gives the numbers of tokens that a task has asked for. */
  counted: {
    request: { readonly batch: number; readonly tokens: Uint32Array<ArrayBuffer> };
    result: Task;
    progress: never;
  };
  /** Gives the vectors that a task has asked for, one after another, and writes the batch. */
  commit: {
    request: { readonly batch: number; readonly vectors: Float32Array<ArrayBuffer> };
    result: Committed;
    progress: never;
  };
  /** Forgets a batch that is not committed. */
  forget: { request: { readonly batch: number }; result: null; progress: never };
  /** Writes documents whose passages are given, with their vectors one after another. */
  put: {
    request: { readonly documents: readonly GivenDocument[]; readonly vectors: Float32Array<ArrayBuffer> };
    result: Committed;
    progress: never;
  };
  /** Returns the ids of the documents that fit, in the order in which they were added. */
  ids: { request: { readonly where?: Where }; result: string[]; progress: never };
  /** Returns the fields of documents, without those that are not there. */
  fields: { request: { readonly ids: readonly string[] }; result: DocumentFields[]; progress: never };
  /** Returns the passages of documents, with their vectors. */
  passages: { request: { readonly ids: readonly string[] }; result: PassageRow[]; progress: never };
  remove: { request: { readonly ids: readonly string[] }; result: number; progress: never };
  get: { request: { readonly id: string }; result: Document | null; progress: never };
  search: { request: Query; result: Hit[]; progress: never };
  similar: { request: SimilarQuery; result: Hit[]; progress: never };
  clusters: { request: ClustersQuery; result: Cluster[]; progress: never };
  /** Returns the ids of the documents that have a vector and fit, in order. */
  documentIds: { request: { readonly where?: Where }; result: string[]; progress: never };
  /** Returns the vectors of documents, for a layout; of those that are there. */
  documentVectors: { request: { readonly ids: readonly string[] }; result: DocumentPoints; progress: never };
  /** Takes up the next batch of a reindexing; the first call begins it. The page commits the batch before it asks again. */
  reindex: { request: { readonly batch: number; readonly cut: CutOptions }; result: ReindexStep; progress: never };
  /** Ends a reindexing that is not done; what it has made stays for the next one. */
  endReindex: { request: Record<never, never>; result: null; progress: never };
  /**
   * Takes up the next batch of passages that wait, about `most`; the first step begins it. The page commits the batch before it asks
   * again. `call` is a number that the page chooses for all steps.
   */
  complete: {
    request: { readonly call: number; readonly batch: number; readonly most: number };
    result: CompleteStep;
    progress: never;
  };
  /** Ends the steps of a call. */
  endComplete: { request: { readonly call: number }; result: null; progress: never };
}

/** The name of a call. */
export type SearchCallName = keyof SearchCalls;

/** A request of any kind. */
export type SearchRequest = {
  [Name in SearchCallName]: { readonly type: Name; readonly id: number; readonly request: SearchCalls[Name]["request"] };
}[SearchCallName];

/** Page to worker. */
export type ToSearchWorker = SearchRequest | { readonly type: "abort"; readonly id: number };

/** What a search worker sends without being asked. */
export type SearchNews =
  /** Says that the collection has changed: documents, here or in another tab, or how far it is loaded. */
  { readonly type: "changed"; readonly info: CollectionInfo } | { readonly type: "warning"; readonly warning: Warning };

/** Worker to page. */
export type FromSearchWorker = FromAnyWorker | SearchNews;
