/** What the search box searches: a `Collection`, as far as the box needs one. */

/** A range of a text, in UTF-16 units. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** A result. Its texts come from an index, so they may contain anything. */
export interface BoxHit {
  readonly id: string;
  readonly title?: string;
  readonly url?: string;
  readonly passage: { readonly text: string; readonly trail: readonly string[] };
  readonly highlights: readonly Range[];
}

/** The options of a search. */
export interface BoxSearch {
  readonly limit: number;
  readonly mode: "hybrid" | "words";
  readonly signal: AbortSignal;
  readonly where?: never;
}

/** How much of a download has arrived. */
export interface BoxProgress {
  readonly loadedBytes: number;
  readonly totalBytes: number;
}

/** A collection. */
export interface Searchable {
  readonly info: { readonly documents: number };
  search(query: string, options: BoxSearch): Promise<readonly BoxHit[]>;
  /** Returns the bytes that a search by meaning still has to fetch. */
  missingBytes(): Promise<number>;
  /** Fetches them, and makes everything ready. */
  prepare(options: { signal: AbortSignal; onProgress: (progress: BoxProgress) => void }): Promise<void>;
  close(): void;
}
