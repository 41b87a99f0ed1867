/** What the pages that search pass in and get back. */

import type { EmbedderInfo } from "../types.js";
import type { Warning } from "../store/warning.js";

/** A value that JSON has. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

/** How a document's text is read and cut. */
export type DocumentKind = "text" | "markdown" | "html" | "code" | "csv" | "json";

/** What an app adds to a collection. */
export interface Document {
  /** The document's name within its collection: 1 to 1,024 characters. A document with the same id is replaced. */
  readonly id: string;
  /** Its whole text, at most 16 million characters. */
  readonly text: string;
  /** How the text is read and cut. Default: what the ending of the id says (`.md`, `.html`, `.csv`, `.json`, `.ts`, …), otherwise `text`. */
  readonly kind?: DocumentKind;
  /** Its title, which is embedded with each passage. Default: the one that is found in the text. */
  readonly title?: string;
  /** Where it is; only kept. */
  readonly url?: string;
  /** Words to filter by. */
  readonly tags?: readonly string[];
  /** Anything else that the app wants back with a hit, or filters by. */
  readonly meta?: Readonly<Record<string, Json>>;
}

/** A value that a filter compares with. */
export type FilterValue = string | number | boolean | null;

/** Comparisons of one field; all of them have to hold. */
export interface FilterOperators {
  /** Greater than. Numbers compare with numbers, strings with strings (by UTF-16 units, which suits ISO dates). */
  readonly gt?: number | string;
  /** Greater than or equal. */
  readonly gte?: number | string;
  /** Less than. */
  readonly lt?: number | string;
  /** Less than or equal. */
  readonly lte?: number | string;
  /** None of these values. */
  readonly not?: FilterValue | readonly FilterValue[];
}

/**
 * Which documents are searched: every named field has to fit. A value means equality, an array any of its values. The fields are `id`,
 * `url`, `title`, `tags` and those of `meta`. A field that holds a list fits if one of its values does.
 */
export type Where = Readonly<Record<string, FilterValue | readonly FilterValue[] | FilterOperators>>;

/** How documents are found: by meaning, by words, or by both. */
export type SearchMode = "hybrid" | "meaning" | "words";

/** Options of {@link Collection.search}. */
export interface SearchOptions {
  /** The most hits. Default 10. */
  readonly limit?: number;
  /** Which documents are searched. */
  readonly where?: Where;
  /** Default `hybrid`. */
  readonly mode?: SearchMode;
  /** The lowest score of a hit, from 0 to 1. The default leaves out what does not fit; 0 leaves out nothing. */
  readonly minScore?: number;
  /** Finds only passages in which the query stands as it is. */
  readonly exact?: boolean;
  /** The most passages of a hit, from 1 to 20: the best, and in `more` those of the same document that fit as well. Default 1. */
  readonly passages?: number;
  /**
   * Whether a hit that was found by meaning alone has the sentence of its best passage marked that fits best. The sentences of such hits
   * are embedded for that, which takes longer than the search itself. Default `false`.
   */
  readonly sentences?: boolean;
  /** Aborts the search. */
  readonly signal?: AbortSignal;
}

/** How much of what a search by meaning needs has arrived. */
export interface PrepareProgress {
  /** Bytes that have arrived. */
  readonly loadedBytes: number;
  /** Bytes of the whole. */
  readonly totalBytes: number;
}

/** Options of {@link Collection.prepare}. */
export interface PrepareOptions {
  /** Ends the wait. What is being fetched goes on for others, until the collection is closed. */
  readonly signal?: AbortSignal;
  /** Called when more bytes have arrived. */
  readonly onProgress?: (progress: PrepareProgress) => void;
}

/** Options of {@link Collection.similar}. */
export type SimilarOptions = Pick<SearchOptions, "limit" | "where" | "minScore" | "signal">;

/** Options of {@link Collection.clusters}. */
export interface ClustersOptions {
  /**
   * The number of clusters, from 1 to 100; there are fewer if there are fewer different documents. Default `"auto"`: the square root of half
   * the number of documents, from 2 to 30.
   */
  readonly count?: number | "auto";
  /** Which documents are divided. */
  readonly where?: Where;
  /** Aborts the call. */
  readonly signal?: AbortSignal;
}

/** Documents that are like each other. */
export interface Cluster {
  /**
   * Up to five words that set it apart from the other clusters, best first, as they are written. They are taken from the beginnings of
   * the 32 documents nearest to its centre.
   */
  readonly label: readonly string[];
  /** The ids of its documents, the nearest to its centre first. */
  readonly ids: readonly string[];
  /** The number of its documents. */
  readonly size: number;
}

/** How far a layout is. */
export interface LayoutProgress {
  /** The share that is done, from 0 to 1. */
  readonly share: number;
}

/** Options of {@link Collection.layout}. */
export interface LayoutOptions {
  /** Which documents are placed. */
  readonly where?: Where;
  /**
   * A layout that was made before: documents that are in it keep their places, and the others are placed among them, by their nearest
   * ones. That is quick, and the picture does not change under a person's eyes; when most documents are new, a new layout shows more.
   */
  readonly from?: Layout;
  /** Aborts the call. */
  readonly signal?: AbortSignal;
  /** Called when more of the work is done. */
  readonly onProgress?: (progress: LayoutProgress) => void;
}

/** Documents on a plane. */
export interface Layout {
  /** The ids of the documents, in order. */
  readonly ids: readonly string[];
  /** For each of them where it is from left to right, from -1 to 1. */
  readonly x: Float32Array<ArrayBuffer>;
  /** The same from bottom to top; both have one scale. */
  readonly y: Float32Array<ArrayBuffer>;
}

/** A place in a layout. */
export interface LayoutPoint {
  /** From left to right, from -1 to 1. */
  readonly x: number;
  /** From bottom to top, from -1 to 1. */
  readonly y: number;
}

/** Options of {@link Collection.place}. */
export interface PlaceOptions {
  /** Which documents decide about the place: those of the layout, if it was made with `where`. */
  readonly where?: Where;
  /** Aborts the call. */
  readonly signal?: AbortSignal;
}

/** Options of {@link Collection.documents}. */
export interface DocumentsOptions {
  /** Which documents are listed. */
  readonly where?: Where;
  /** Aborts the call. */
  readonly signal?: AbortSignal;
}

/** A document as it is listed: without its text. */
export interface DocumentFields extends Omit<Document, "text"> {
  readonly kind: DocumentKind;
  /** The number of its passages. */
  readonly passages: number;
}

/** A range of a text, in UTF-16 units; `end` is exclusive. */
export interface TextRange {
  /** Where it starts. */
  readonly start: number;
  /** Where it ends. */
  readonly end: number;
}

/** The part of a document that was found. */
export interface HitPassage extends TextRange {
  /**
   * The document's text from `start` to `end`; of HTML, CSV and JSON what a person reads of it. Of Markdown it has the marks; {@link plainMarkdown}
   * takes them away.
   */
  readonly text: string;
  /** The headings above it, outermost first. */
  readonly trail: readonly string[];
  /** What leads to it on the document's page, behind `url#`; left out if there is nothing. Encode it with `encodeURIComponent()`. */
  readonly anchor?: string;
}

/** Why a passage was found by meaning. */
export interface MeaningReason {
  /** Its place among all passages by meaning, beginning with 1; only of the nearest is it known. */
  readonly rank?: number;
  /** Its score by meaning alone, from 0 to 1. */
  readonly score: number;
  /** The cosine of its vector with the query's. */
  readonly cosine: number;
}

/** Why a passage was found by words. */
export interface WordsReason {
  /** Its place among all passages by words, beginning with 1. */
  readonly rank: number;
  /** From 0 to 1: how much of the query's words it has. */
  readonly score: number;
  /** Its words that were found, in the form in which they are compared. */
  readonly terms: readonly string[];
}

/** A further passage of a document that was found. */
export interface HitPart {
  /** The passage. */
  readonly passage: HitPassage;
  /** What to mark in `passage.text`: the words that were found. */
  readonly highlights: readonly TextRange[];
  /** From 0 to 1, as that of the hit. */
  readonly score: number;
}

/** A document that was found, by its best passage. */
export interface Hit {
  /** The document's id. */
  readonly id: string;
  /** From 0 to 1. */
  readonly score: number;
  /** The passage that fits best. */
  readonly passage: HitPassage;
  /** What to mark in `passage.text`: the words that were found, or the sentence that fits best. */
  readonly highlights: readonly TextRange[];
  /** Further passages that fit, best first; not there unless {@link SearchOptions.passages} is more than 1. */
  readonly more?: readonly HitPart[];
  /** Why it was found. */
  readonly why: {
    /** By meaning, unless its passage has no vector, or only words were searched. */
    readonly meaning?: MeaningReason;
    /** By words, unless it has none of them. */
    readonly words?: WordsReason;
  };
  /** How the document was read: of `markdown`, `plainMarkdown()` makes what a person reads. */
  readonly kind: DocumentKind;
  /** The document's title, given or found. */
  readonly title?: string;
  /** The document's URL. */
  readonly url?: string;
  /** The document's tags. */
  readonly tags?: readonly string[];
  /** The document's `meta`. */
  readonly meta?: Readonly<Record<string, Json>>;
}

/** What {@link Collection.add} has done. */
export interface AddResult {
  /** Documents that are new. */
  readonly added: number;
  /** Documents that were replaced, or got vectors that they had waited for. */
  readonly updated: number;
  /** Documents that were there already, the same. */
  readonly unchanged: number;
  /** Passages of the documents that were added or replaced. */
  readonly passages: number;
  /** Passages that were embedded; the others had their vectors already, or wait for them. */
  readonly embedded: number;
}

/** Progress of {@link Collection.add} and {@link Collection.reindex}. */
export interface AddProgress {
  /** Documents that are stored: whatever happens now, they are there. */
  readonly done: number;
  /** Documents to add; for an iterable that is no array, those that have been read. */
  readonly total: number;
  /** Passages of the documents that are stored. */
  readonly passages: number;
  /** Tokens that have been embedded in this call, with those that every text has. */
  readonly tokens: number;
}

/** Progress of {@link Collection.complete}. */
export interface CompleteProgress {
  /** Passages that have got their vectors in this call: whatever happens now, they have them. */
  readonly done: number;
  /** These, and the passages that still wait. */
  readonly total: number;
  /** Documents none of whose passages waits any more, of those that this call has taken up. */
  readonly documents: number;
  /** Tokens that have been embedded in this call, with those that every text has. */
  readonly tokens: number;
}

/** Options of {@link Collection.reindex}. */
export interface ReindexOptions {
  /** Aborts the call. What has been reported as done stays. */
  readonly signal?: AbortSignal;
  /** Called when further documents are stored. */
  readonly onProgress?: (progress: AddProgress) => void;
}

/** Options of {@link Collection.add} and {@link Collection.update}. */
export interface AddOptions extends ReindexOptions {
  /**
   * When passages are embedded. `now`, the default: before they are stored. `later`: not in this call. They are found by words at once,
   * and by meaning after {@link Collection.complete}.
   */
  readonly meaning?: "now" | "later";
}

/** Options of {@link Collection.complete}. */
export interface CompleteOptions {
  /** Aborts the call. What has been reported as done stays, and the next call goes on from there. */
  readonly signal?: AbortSignal;
  /** Called when the call begins, and when further vectors are stored. */
  readonly onProgress?: (progress: CompleteProgress) => void;
}

/** Describes a collection. */
export interface CollectionInfo {
  /** Its name. */
  readonly name: string;
  /** The space of its vectors. */
  readonly space: string;
  /** The name of the model that made them. */
  readonly model: string;
  /** Components of its vectors. */
  readonly dimensions: number;
  /** The number of documents. */
  readonly documents: number;
  /** The number of passages. */
  readonly passages: number;
  /** How many of them have no vector yet: words find them, and {@link Collection.complete} makes their vectors. */
  readonly waiting: number;
  /** Bytes that it takes up where it is stored. */
  readonly bytes: number;
  /** Whether it can only be searched. */
  readonly isReadOnly: boolean;
  /** `needs-reindex`: its vectors are of another space than the embedder's; it can be searched by words, and `reindex()` makes new ones. */
  readonly state: "ready" | "needs-reindex";
}

/** How documents are cut. */
export interface PassageOptions {
  /** The most tokens of a passage. Default 200, and at most what the model reads. */
  readonly tokens?: number;
  /** The most tokens that a passage repeats of the one before it. Default 30. */
  readonly overlap?: number;
}

/** The part of an `Embedder` that a collection uses. */
export interface TextEmbedder {
  /** Its model and its space. */
  readonly info: EmbedderInfo;
  /** Returns the vector of a query, of unit length. */
  embed(
    text: string,
    options?: { readonly taskType?: "retrieval-query"; readonly signal?: AbortSignal },
  ): Promise<Float32Array<ArrayBuffer>>;
  /** Returns the vectors of passages, of unit length. */
  embed(
    texts: readonly string[],
    options?: { readonly taskType?: "retrieval-document"; readonly signal?: AbortSignal },
  ): Promise<Float32Array<ArrayBuffer>[]>;
  /** Returns the numbers of tokens of texts, with those that every text has. */
  countTokens(
    texts: readonly string[],
    options?: { readonly taskType?: "retrieval-document"; readonly signal?: AbortSignal },
  ): Promise<number[]>;
}

/** Where collections are kept. */
export interface KeptOptions {
  /**
   * In Node, the folder that collections are kept in: a path or a `file:` URL. Default: the folder `felsic` in the user's folder for data
   * (`$XDG_DATA_HOME` or `~/.local/share`, `~/Library/Application Support` on macOS, `%LOCALAPPDATA%` on Windows). Browsers choose the place
   * themselves and ignore this option.
   */
  readonly directory?: string | URL;
}

/** Options of {@link Collection.open}. */
export interface CollectionOptions extends KeptOptions {
  /** Makes the vectors, of queries too. Required for a collection that is stored here; an index names its model. */
  readonly embedder?: TextEmbedder;
  /** Whether the collection is in memory alone: nothing is stored, and nothing stored is used. Default `false`. */
  readonly memory?: boolean;
  /** How documents are cut that are added from now on. */
  readonly passage?: PassageOptions;
  /** Called when something goes wrong that does not stop anything. */
  readonly onWarning?: (warning: Warning) => void;
  /** Aborts the opening. */
  readonly signal?: AbortSignal;
  /** URL of the folder that the files of the package's `dist` are served from, where a bundler does not find them. */
  readonly baseUrl?: string | URL;
  /**
   * URL of the search worker's script alone. Its binary is expected beside it, unless `wasmUrl` names one; so is `worker-layout.js`, if
   * `layout()` is called and `layoutUrl` names none.
   */
  readonly workerUrl?: string | URL;
  /** URL of its binary alone. */
  readonly wasmUrl?: string | URL;
  /** URL of the layout worker's script alone. */
  readonly layoutUrl?: string | URL;
}
