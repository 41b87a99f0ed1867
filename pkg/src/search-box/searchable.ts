/** What the search box searches: a `Collection`, as far as the box needs one. */

/** A range of a text, in UTF-16 units. */
export interface Range {
  /** Where it starts. */
  readonly start: number;
  /** Where it ends; exclusive. */
  readonly end: number;
}

/** The part of a document that was found. */
export interface BoxPassage {
  /** Its text. */
  readonly text: string;
  /** The headings above it, outermost first. */
  readonly trail: readonly string[];
  /** What leads to it, behind the document's address and `#`. */
  readonly anchor?: string;
}

/** A result. Its texts come from an index, so they may contain anything. */
export interface BoxHit {
  /** Name of the document, shown if there is no title. */
  readonly id: string;
  /** How the document was read: the marks of `markdown` are not shown. */
  readonly kind?: string;
  /** Title of the document. */
  readonly title?: string;
  /** Address of the document; without one, or with one that is neither `http` nor `https`, the result is no link. */
  readonly url?: string;
  /** What is shown of the document. */
  readonly passage: BoxPassage;
  /** What to mark in the passage's text. */
  readonly highlights: readonly Range[];
}

/** The options of a search. */
export interface BoxSearch {
  /** The most results. */
  readonly limit: number;
  /** `words` as long as meaning cannot be searched. */
  readonly mode: "hybrid" | "words";
  /** Aborts the search when another one has begun. */
  readonly signal: AbortSignal;
}

/** How much of a download has arrived. */
export interface BoxProgress {
  /** Bytes that have arrived. */
  readonly loadedBytes: number;
  /** Bytes of the whole. */
  readonly totalBytes: number;
}

/** The options of {@link Searchable.prepare}. */
export interface BoxPrepare {
  /** Aborts the wait. */
  readonly signal: AbortSignal;
  /** Called when more bytes have arrived. */
  readonly onProgress: (progress: BoxProgress) => void;
}

/** What a box says about a collection. */
export interface BoxInfo {
  /** Number of documents. */
  readonly documents: number;
}

/** A collection, such as one of `felsic/search`. */
export interface Searchable {
  /** Describes the collection. */
  readonly info: BoxInfo;
  /** Returns the results of a query, best first. */
  search(query: string, options: BoxSearch): Promise<readonly BoxHit[]>;
  /** Returns the bytes that a search by meaning still has to fetch. */
  missingBytes(): Promise<number>;
  /** Fetches them, and makes everything ready. */
  prepare(options: BoxPrepare): Promise<void>;
  /** Ends the collection. */
  close(): void;
}
