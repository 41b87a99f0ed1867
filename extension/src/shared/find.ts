/** What the find bar and the engine say to each other. */

/** By both, by meaning alone, or by words alone. */
export type FindMode = "hybrid" | "meaning" | "words";

/** The most characters of a page's text that are searched; more is left out. */
export const LONGEST_TEXT = 500_000;
/** The most characters of a query. */
export const LONGEST_QUERY = 2_000;

/** What a find bar asks. `document` names the page in its tab, as long as the page is there. */
export type FindRequest =
  | { readonly do: "read"; readonly document: string; readonly text: string }
  | { readonly do: "search"; readonly document: string; readonly query: string; readonly mode: FindMode }
  | { readonly do: "state"; readonly document: string }
  /** Without a document: whatever the tab had. */
  | { readonly do: "close"; readonly document?: string };

/** A range of the text that was read, in UTF-16 units. */
export interface FindRange {
  readonly start: number;
  readonly end: number;
}

/** A passage that fits. */
export interface FindHit extends FindRange {
  readonly score: number;
  /** The words that were found in it. */
  readonly words: readonly FindRange[];
}

export interface FindAnswer {
  readonly passages: number;
  /** Passages that only words find yet. */
  readonly waiting: number;
  /** Why those that wait get no meaning. */
  readonly problem?: { readonly code: string; readonly message: string };
  /** The passages that fit, best first; none unless it was a search. */
  readonly hits: readonly FindHit[];
}
