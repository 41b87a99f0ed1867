/** The options of collections, checked. */

import { absoluteUrl, asFolder, checkNames, invalid, kind, type Names } from "../options.js";
import { collectionFolder } from "../platform.js";
import { isCount, isId, LONGEST_NAME } from "./stored-check.js";
import type {
  AddOptions,
  ClustersOptions,
  CollectionOptions,
  CompleteOptions,
  DocumentsOptions,
  KeptOptions,
  Layout,
  LayoutOptions,
  PassageOptions,
  PlaceOptions,
  PrepareOptions,
  ReindexOptions,
  SearchMode,
  SearchOptions,
  SimilarOptions,
  TextEmbedder,
} from "./types.js";
import type { ClustersQuery, Query } from "./protocol.js";
import { checkedWhere } from "./where.js";

const KEPT: Names<KeptOptions> = { directory: true };
const COLLECTION: Names<CollectionOptions> = {
  ...KEPT,
  embedder: true,
  memory: true,
  passage: true,
  onWarning: true,
  signal: true,
  baseUrl: true,
  workerUrl: true,
  wasmUrl: true,
  layoutUrl: true,
};
const PASSAGE: Names<PassageOptions> = { tokens: true, overlap: true };
const REINDEX: Names<ReindexOptions> = { signal: true, onProgress: true };
const ADD: Names<AddOptions> = { ...REINDEX, meaning: true };
const COMPLETE: Names<CompleteOptions> = { signal: true, onProgress: true };
const PREPARE: Names<PrepareOptions> = { signal: true, onProgress: true };
const SEARCH: Names<SearchOptions> = {
  limit: true,
  where: true,
  mode: true,
  minScore: true,
  exact: true,
  passages: true,
  sentences: true,
  signal: true,
};
const SIMILAR: Names<SimilarOptions> = { limit: true, where: true, minScore: true, signal: true };
const CLUSTERS: Names<ClustersOptions> = { count: true, where: true, signal: true };
const WHICH: Names<DocumentsOptions & PlaceOptions> = { where: true, signal: true };
const LAYOUT: Names<LayoutOptions> = { where: true, from: true, signal: true, onProgress: true };

const MODES: readonly unknown[] = ["hybrid", "meaning", "words"];
const DEFAULT_LIMIT = 10;
const MOST_HITS = 1000;
const MOST_PASSAGES = 20;
const MOST_CLUSTERS = 100;
/** A passage's tokens: the default, the fewest, the most. */
const TOKENS = { usual: 200, fewest: 16, most: 8192 };
const OVERLAP = 30;

/** Checks the name of a collection that is stored. */
export function checkedName(name: unknown): string {
  if (!isId(name)) {
    const what = typeof name === "string" ? `has ${name.length}` : `is ${kind(name)}`;
    throw invalid(`the name of a collection must be a string of 1 to ${LONGEST_NAME} characters; this one ${what}`);
  }
  // A name is kept in UTF-8.
  if (/\p{Surrogate}/u.test(name)) throw invalid("the name of a collection has half of a character in it");
  return name;
}

/** Whether the place of a collection is that of an index: a URL, or anything with a slash. */
export function isIndex(where: unknown): where is string | URL {
  return where instanceof URL || (typeof where === "string" && where.includes("/"));
}

/** Returns the absolute URL of an index's folder. */
export function checkedIndex(where: string | URL): string {
  const url = absoluteUrl(where, "the place of the index");
  if (!/^https?:$/.test(url.protocol)) throw invalid(`an index is read by http or https, not from ${url.href}`);
  if (url.username || url.password) throw invalid("the place of an index must not have a user and a password in it");
  if (url.search || url.hash) throw invalid(`the place of an index is the URL of a folder, without ? and #: ${url.href}`);
  return asFolder(url).href;
}

/** Checks the options of {@link Collection.open}, except for what needs a name or a URL. */
export function checkCollectionOptions(options: unknown): asserts options is CollectionOptions {
  checkNames(options, COLLECTION);
  const { memory } = options as CollectionOptions;
  if (memory !== undefined && typeof memory !== "boolean") throw invalid("memory must be true or false");
}

/** Checks the options of what is done with stored collections. */
export function checkKeptOptions(options: unknown): void {
  checkNames(options, KEPT);
}

/** The folder that collections are kept in, checked; browsers choose it themselves. */
export function checkedDirectory(value: unknown): string | undefined {
  if (value === undefined || typeof value === "string" || value instanceof URL) return collectionFolder(value);
  throw invalid(`directory must be a path or a file: URL, not ${kind(value)}`);
}

/** Checks that an embedder has what a collection uses of it. */
export function checkedEmbedder(embedder: unknown): TextEmbedder {
  const { info, embed, countTokens } = (embedder ?? {}) as Partial<Record<keyof TextEmbedder, unknown>>;
  const { space, model, dimensions, maxTokens } = (info ?? {}) as Partial<Record<keyof TextEmbedder["info"], unknown>>;
  const isEmbedder =
    typeof embed === "function" &&
    typeof countTokens === "function" &&
    typeof space === "string" &&
    typeof model === "string" &&
    [dimensions, maxTokens].every((number) => isCount(number) && number > 0);
  if (!isEmbedder) throw invalid("embedder must be an Embedder: const embedder = await Embedder.create()");
  return embedder as TextEmbedder;
}

/** How documents are cut, checked. */
export function checkedPassage(passage: unknown = {}): Required<PassageOptions> {
  checkNames(passage, PASSAGE, { what: "passage", name: "option" });
  const { tokens = TOKENS.usual, overlap = Math.min(OVERLAP, Math.floor(Number(tokens) / 4)) } = passage as PassageOptions;
  if (!isCount(tokens) || tokens < TOKENS.fewest || tokens > TOKENS.most) {
    throw invalid(`passage.tokens is ${String(tokens)}; it must be a whole number from ${TOKENS.fewest} to ${TOKENS.most}`);
  }
  if (!isCount(overlap) || overlap > tokens / 2) {
    throw invalid(`passage.overlap is ${String(overlap)}; it must be a whole number from 0 to half of passage.tokens`);
  }
  return { tokens, overlap };
}

/** Checks the options of {@link Collection.add}. */
export function checkedAddOptions(options: unknown): AddOptions {
  checkNames(options, ADD);
  const { meaning } = options as AddOptions;
  if (meaning !== undefined && meaning !== "now" && meaning !== "later")
    throw invalid(`meaning is ${String(meaning)}; use "now" or "later"`);
  return options;
}

/** Checks the options of {@link Collection.reindex}. */
export function checkedReindex(options: unknown): ReindexOptions {
  checkNames(options, REINDEX);
  return options;
}

/** Checks the options of {@link Collection.complete}. */
export function checkedComplete(options: unknown): CompleteOptions {
  checkNames(options, COMPLETE);
  return options;
}

/** Checks the options of {@link Collection.prepare}. */
export function checkedPrepare(options: unknown): PrepareOptions {
  checkNames(options, PREPARE);
  return options;
}

/** A query's options, checked, with their defaults. */
export function checkedSearch(
  query: unknown,
  options: unknown,
): Omit<Query, "vector"> & Pick<SearchOptions, "signal"> & { readonly sentences: boolean } {
  if (typeof query !== "string") throw invalid(`a query must be a string, not ${kind(query)}`);
  checkNames(options, SEARCH);
  const { mode = "hybrid", exact = false, passages = 1, sentences = false, signal } = options as SearchOptions;
  if (!MODES.includes(mode)) throw invalid(`mode is ${String(mode)}; use "hybrid", "meaning" or "words"`);
  if (typeof exact !== "boolean") throw invalid("exact must be true or false");
  if (typeof sentences !== "boolean") throw invalid("sentences must be true or false");
  if (!isCount(passages) || passages < 1 || passages > MOST_PASSAGES) {
    throw invalid(`passages is ${String(passages)}; it must be a whole number from 1 to ${MOST_PASSAGES}`);
  }
  return {
    text: query,
    mode: mode as SearchMode,
    exact,
    passages,
    sentences,
    ...checkedLimits(options),
    ...(signal && { signal }),
  };
}

/** The options of {@link Collection.similar}, checked, with their defaults. */
export function checkedSimilar(options: unknown): Pick<Query, "limit" | "where" | "minScore"> & Pick<SimilarOptions, "signal"> {
  checkNames(options, SIMILAR);
  const { signal } = options as SimilarOptions;
  return { ...checkedLimits(options), ...(signal && { signal }) };
}

/** The options of {@link Collection.clusters}, checked, with their defaults. */
export function checkedClusters(options: unknown): ClustersQuery & Pick<ClustersOptions, "signal"> {
  checkNames(options, CLUSTERS);
  const { count = "auto", signal } = options as ClustersOptions;
  if (count !== "auto" && !(isCount(count) && count >= 1 && count <= MOST_CLUSTERS)) {
    throw invalid(`count is ${String(count)}; it must be "auto" or a whole number from 1 to ${MOST_CLUSTERS}`);
  }
  const where = checkedWhere((options as ClustersOptions).where);
  return { ...(count !== "auto" && { count }), ...(where && { where }), ...(signal && { signal }) };
}

/** The options of {@link Collection.documents} and {@link Collection.place}, checked. */
export function checkedWhich(options: unknown): DocumentsOptions & PlaceOptions {
  checkNames(options, WHICH);
  const { signal } = options as DocumentsOptions;
  const where = checkedWhere((options as DocumentsOptions).where);
  return { ...(where && { where }), ...(signal && { signal }) };
}

/** Checks the options of {@link Collection.layout}. */
export function checkedLayout(options: unknown): LayoutOptions {
  checkNames(options, LAYOUT);
  const { from, signal, onProgress } = options as LayoutOptions;
  const where = checkedWhere((options as LayoutOptions).where);
  return {
    ...(where && { where }),
    ...(from !== undefined && { from: checkedPlaces(from, "from") }),
    ...(signal && { signal }),
    ...(onProgress && { onProgress }),
  };
}

/** Checks a layout that is given, which the page may have kept for long; `what` names it. */
export function checkedPlaces(layout: unknown, what: string): Layout {
  const { ids, x, y } = (layout ?? {}) as Partial<Record<keyof Layout, unknown>>;
  const isLayout =
    Array.isArray(ids) &&
    [x, y].every((axis) => axis instanceof Float32Array && axis.length === ids.length && axis.every((at) => Math.abs(at) <= 1));
  if (!isLayout) throw invalid(`${what} must be a layout as layout() returns it: ids, and x and y from -1 to 1 for each of them`);
  return layout as Layout;
}

function checkedLimits(options: SimilarOptions): Pick<Query, "limit" | "where" | "minScore"> {
  const { limit = DEFAULT_LIMIT, minScore } = options;
  if (!isCount(limit) || limit < 1 || limit > MOST_HITS) {
    throw invalid(`limit is ${String(limit)}; it must be a whole number from 1 to ${MOST_HITS}`);
  }
  if (minScore !== undefined && !(typeof minScore === "number" && minScore >= 0 && minScore <= 1)) {
    throw invalid(`minScore is ${String(minScore)}; it must be a number from 0 to 1`);
  }
  const where = checkedWhere(options.where);
  return { limit, ...(where && { where }), ...(minScore !== undefined && { minScore }) };
}
