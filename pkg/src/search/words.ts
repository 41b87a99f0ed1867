/** The words index of a collection: which passages have the words of a query. MiniSearch finds them. */

import MiniSearch, { type SearchResult } from "minisearch";
import { FelsicError } from "../errors.js";
import { hasPhrase } from "./highlight.js";
import { parsed } from "./json.js";
import { isCount, isObject } from "./stored-check.js";
import { type Term, terms } from "./terms.js";

/** What of a passage is indexed. */
export interface WordsPassage {
  /** The document's title and the headings above the passage, in one text. */
  readonly title?: string;
  readonly text: string;
}

/** Options of {@link Words.search}. */
export interface WordsOptions {
  /** The most results. */
  readonly limit?: number;
  /** Rows whose result is wanted however low it is, if they have any of the words. */
  readonly also?: Pick<ReadonlySet<number>, "has">;
  /** Rows that may be found; all, if it is not there. */
  readonly allowed?: (row: number) => boolean;
  /** Finds only passages in which the query stands as it is; needs the texts. The title is not searched then. */
  readonly exact?: (row: number) => string;
}

/** A search that has been made. */
export interface WordsQuery {
  /** Returns the best results, at most `limit`, and those of `also` beyond them. */
  take(limit: number, also?: Pick<ReadonlySet<number>, "has">): WordsHit[];
}

/** A passage that has words of the query. */
export interface WordsHit {
  readonly row: number;
  /** From 0 to 1: how much of the query's words the passage has; rare words count more than frequent ones. */
  readonly score: number;
  /** The passage's terms that were found: those of the query, longer ones that begin with them, and similar ones. */
  readonly terms: readonly string[];
}

const FIELDS = ["title", "text"];
/** How much more a word in the title counts. */
const TITLE_BOOST = 2;
/** The fewest characters of a word that is also found misspelt, and the share of them that may differ. */
const FUZZY_FROM = 5;
const FUZZY = 0.2;
/** The fewest characters of a word that stands for all words that begin with it. */
const STEM_FROM = 4;
/** What a term counts of which the passage has only a longer or a similar one. */
const INEXACT = 0.6;
const MOST_RESULTS = 100;
/** A term in more passages than this, and in more than this share of all, tells little and costs most: a query goes without it. */
const FREQUENT = 1000;
const FREQUENT_SHARE = 0.1;

const OPTIONS = {
  fields: FIELDS,
  // Documents come with their terms already found, queries with functions of their own. No term has a null character.
  stringifyField: (found: string[]) => found.join("\0"),
  tokenize: (found: string) => (found === "" ? [] : found.split("\0")),
  processTerm: (term: string) => term,
  searchOptions: { boost: { title: TITLE_BOOST } },
  // In one go: a term that came between two of its steps would break it off.
  autoVacuum: { batchSize: Infinity },
};

/** The words of a collection's passages, by row number. */
export class Words {
  readonly #index: MiniSearch;
  /** How many passages have had a term in their text. */
  readonly #frequency: Map<string, number>;

  constructor(index = new MiniSearch(OPTIONS), frequency = new Map<string, number>()) {
    this.#index = index;
    this.#frequency = frequency;
  }

  /**
   * Reads what {@link Words.save} or `felsic index` has written.
   *
   * @param json JSON of MiniSearch 7, as a text or parsed
   * @param rows the number of rows of the collection; the index may know no others
   * @throws `index-invalid` if it is anything else
   */
  static load(json: unknown, rows: number): Words {
    const index = typeof json === "string" ? parsed(json, () => invalid("they are no JSON")) : json;
    const frequency = checkIndex(index, rows);
    return new Words(MiniSearch.loadJS(index as SavedIndex, OPTIONS), frequency);
  }

  /** Returns the index as JSON. */
  save(): string {
    return JSON.stringify(this.#index);
  }

  /** The number of passages. */
  get passages(): number {
    return this.#index.documentCount;
  }

  /** Adds a passage; its row must be new. */
  add(row: number, { title = "", text }: WordsPassage): void {
    const found = terms(text).map(({ term }) => term);
    for (const term of new Set(found)) this.#frequency.set(term, (this.#frequency.get(term) ?? 0) + 1);
    this.#index.add({ id: row, title: terms(title).map(({ term }) => term), text: found });
  }

  /** Removes a passage, if it is there. The index gives memory back when a tenth of its passages has gone. */
  remove(row: number): void {
    if (this.#index.has(row)) this.#index.discard(row);
  }

  /**
   * Returns the passages that have words of the query, best first: by score, then by MiniSearch's BM25+, then by row. The last word may
   * be unfinished, longer words stand for their forms too, and may be misspelt.
   */
  search(query: string, { limit = MOST_RESULTS, also, allowed, exact }: WordsOptions = {}): WordsHit[] {
    return this.query(query, { ...(allowed && { allowed }), ...(exact && { exact }) }).take(limit, also);
  }

  /** Searches, and leaves open how many results are wanted. */
  query(query: string, { allowed, exact }: Pick<WordsOptions, "allowed" | "exact"> = {}): WordsQuery {
    const all = distinct(terms(query));
    if (all.length === 0) return { take: () => [] };
    const { end } = all.at(-1)!;
    const wanted = this.#telling(all);
    const found = this.#index.search(query, {
      tokenize: () => wanted.map(({ term }) => term),
      combineWith: exact ? "AND" : "OR",
      prefix: (term, i) => !exact && (wanted[i]!.end === end || isStem(term, wanted[i]!)),
      fuzzy: (term, i) => !exact && !wanted[i]!.isPair && term.length >= FUZZY_FROM && FUZZY,
      ...(allowed && { boostDocument: (row: number) => (allowed(row) ? 1 : 0) }),
    });
    const coverage = coverageOf(wanted, found, this.#index.documentCount);
    const ranked = found.map((result) => ({
      row: result.id as number,
      score: coverage(result),
      bm25: result.score,
      terms: result.terms,
    }));
    ranked.sort((a, b) => b.score - a.score || b.bm25 - a.bm25 || a.row - b.row);
    const take = (limit: number, also?: Pick<ReadonlySet<number>, "has">) => {
      const hits: WordsHit[] = [];
      for (const { row, score, terms } of ranked) {
        if (hits.length >= limit && !also) break;
        if (hits.length >= limit && !also?.has(row)) continue;
        if (exact && !hasPhrase(exact(row), query)) continue;
        hits.push({ row, score, terms });
      }
      return hits;
    };
    return { take };
  }

  /** Returns the terms without the most frequent ones, unless there are no others. */
  #telling(wanted: readonly Term[]): readonly Term[] {
    const most = Math.max(FREQUENT, FREQUENT_SHARE * this.#index.documentCount);
    const rare = wanted.filter(({ term }) => (this.#frequency.get(term) ?? 0) <= most);
    return rare.length > 0 ? rare : wanted;
  }
}

/** Whether longer words that begin with a term are likely to be forms of it, or a character may begin a pair. */
const isStem = (term: string, { isPair }: Term) => (isPair ? [...term].length === 1 : term.length >= STEM_FROM);

/** Returns a query's terms without repetitions; the last of equal ones stays, as it may be unfinished. */
function distinct(wanted: readonly Term[]): Term[] {
  const last = new Map(wanted.map((term, i) => [term.term, i]));
  return wanted.filter(({ term }, i) => last.get(term) === i);
}

/** Returns a function that says how much of a query a result has; `all` are the results, and `passages` counts those that there are. */
function coverageOf(wanted: readonly Term[], all: readonly SearchResult[], passages: number) {
  const frequency = new Map(wanted.map(({ term }) => [term, 0]));
  for (const { queryTerms } of all) for (const term of queryTerms) frequency.set(term, frequency.get(term)! + 1);
  const weights = new Map<string, number>();
  let whole = 0;
  for (const [term, count] of frequency) {
    const weight = Math.log(1 + (passages - count + 0.5) / (count + 0.5));
    weights.set(term, weight);
    whole += weight;
  }
  return ({ queryTerms, match }: SearchResult): number => {
    let has = 0;
    for (const term of queryTerms) has += weights.get(term)! * (Object.hasOwn(match, term) ? 1 : INEXACT);
    return has / whole;
  };
}

type SavedIndex = Parameters<typeof MiniSearch.loadJS>[0];

function invalid(why: string): FelsicError {
  return new FelsicError("index-invalid", `the words of the index are damaged: ${why}; make the index again`);
}

const isBelow = (value: unknown, below: number): value is number => isCount(value) && value < below;

/** Checks what MiniSearch takes as it is, and returns how many passages have each term in their text. */
function checkIndex(index: unknown, rows: number): Map<string, number> {
  if (!isObject(index) || index.serializationVersion !== 2) throw invalid("they are not of version 2");
  const { documentCount, nextId, documentIds, fieldIds, fieldLength, averageFieldLength, storedFields, dirtCount } = index;
  if (!isCount(nextId) || !isBelow(documentCount, nextId + 1) || !isBelow(dirtCount, nextId + 1))
    throw invalid("a count is not one");
  if (!isObject(fieldIds) || FIELDS.some((field, i) => fieldIds[field] !== i) || Object.keys(fieldIds).length !== FIELDS.length) {
    throw invalid("the fields are others");
  }
  if (!isObject(storedFields) || Object.keys(storedFields).length > 0) throw invalid("fields are stored");
  if (!isObject(documentIds) || Object.keys(documentIds).length !== documentCount) throw invalid("passages are missing");
  const known = new Set<unknown>();
  for (const [id, row] of Object.entries(documentIds)) {
    if (!isId(id, nextId) || !isBelow(row, rows) || known.has(row)) throw invalid("a row is not one of the collection's");
    known.add(row);
  }
  checkLengths(averageFieldLength, documentCount);
  if (!isObject(fieldLength)) throw invalid("lengths are missing");
  for (const id of Object.keys(documentIds)) checkLengths(fieldLength[id], 1);
  return checkTerms(index.index, nextId);
}

const isId = (text: string, below: number) => /^(0|[1-9]\d{0,15})$/.test(text) && Number(text) < below;

/** Checks a length for each field; an index without passages has none. */
function checkLengths(lengths: unknown, passages: number): void {
  const isLength = (value: unknown) => typeof value === "number" && value >= 0 && Number.isFinite(value);
  const isWhole = Array.isArray(lengths) && (lengths.length === FIELDS.length || passages === 0) && lengths.every(isLength);
  if (!isWhole) throw invalid("a length is not a number");
}

function checkTerms(index: unknown, nextId: number): Map<string, number> {
  const frequency = new Map<string, number>();
  if (!Array.isArray(index)) throw invalid("terms are missing");
  for (const entry of index) {
    if (!Array.isArray(entry) || entry.length !== 2 || typeof entry[0] !== "string" || !isObject(entry[1]))
      throw invalid("a term is not one");
    for (const [field, counts] of Object.entries(entry[1])) {
      if (!isId(field, FIELDS.length) || !isObject(counts)) throw invalid("a term is in no field");
      for (const id in counts) {
        if (!isId(id, nextId) || !isCount(counts[id]) || counts[id] === 0) throw invalid("a term is in no passage");
      }
    }
    const inText = entry[1][FIELDS.indexOf("text")];
    if (inText) frequency.set(entry[0], Object.keys(inText).length);
  }
  return frequency;
}
