/** A search: filter, scan, words, fusion, and hits with their texts. */

import { FelsicError } from "../errors.js";
import { bitsOf, hasBit } from "./bits.js";
import type { Contents, Held } from "./contents.js";
import { hasPhrase, highlights, phraseRanges } from "./highlight.js";
import type { Query, SimilarQuery } from "./protocol.js";
import { type Candidate, Ranking } from "./ranking.js";
import { DEFAULT_MIN_SCORE } from "./score.js";
import type { Hit, MeaningReason, TextRange } from "./types.js";
import type { Words } from "./words.js";

/** The fewest passages that are ranked, and how many there are for each hit: a document may have several. */
const FEWEST = 100;
const FOR_EACH_HIT = 4;
/** How many texts are read at once to look for a phrase, and how many at most. */
const PHRASE_BATCH = 64;
const MOST_PHRASES = 2048;

/** Returns the hits of a query. */
export async function find(contents: Contents, query: Query): Promise<Hit[]> {
  const { text, vector, mode, exact, where } = query;
  if (text.trim() === "") return [];
  const words = mode === "meaning" && !exact ? undefined : await contents.words.ready();
  if (vector) await contents.vectors;
  const rows = exact ? await phraseRows(contents, words!, query) : undefined;
  const allowed = rows ? bitsOf(rows, contents.rowCount) : contents.allowed(where);
  const wanted = { vector, text, words: mode === "meaning" ? undefined : words, allowed };
  const ranking = new Ranking(contents, wanted);
  return hitsOf(contents, query, (count) => ranking.best(count));
}

/** Returns hits that are like a document. */
export async function similarTo(contents: Contents, query: SimilarQuery): Promise<Hit[]> {
  await contents.vectors;
  const held = contents.get(query.id);
  if (!held) throw new FelsicError("not-found", `the collection has no document ${JSON.stringify(query.id)}`);
  const vector = meanVector(contents, held);
  if (!vector) return [];
  const allowed = contents.allowed(query.where);
  const wanted = { vector, text: "", words: undefined, allowed };
  const ranking = new Ranking(contents, wanted);
  const others = (count: number) =>
    ranking.best(count + held.stored.passages.length).filter(({ row }) => contents.at(row)?.document !== held);
  return hitsOf(contents, { ...query, text: "", exact: false }, others);
}

/** The direction in which a document's passages lie together; `undefined` if it has none, or none of them has a vector yet. */
function meanVector(contents: Contents, { stored, row }: Held): Float32Array<ArrayBuffer> | undefined {
  let sum: Float32Array<ArrayBuffer> | undefined;
  for (const at of stored.passages.keys()) {
    const vector = contents.vector(row + at);
    if (!vector) continue;
    sum ??= new Float32Array(vector.length);
    for (const [i, value] of vector.entries()) sum[i]! += value;
  }
  const length = Math.hypot(...(sum ?? []));
  return length > 0 ? sum!.map((value) => value / length) : undefined;
}

/** Returns the rows of the passages in which a query stands as it is, the best by words first. */
async function phraseRows(contents: Contents, words: Words, { text, where }: Query): Promise<number[]> {
  const allowed = contents.allowed(where);
  const isAllowed = (row: number) => hasBit(allowed, row);
  const candidates: number[] = [];
  const note = (row: number) => (candidates.push(row), "");
  words.search(text, { limit: MOST_PHRASES, exact: note, ...(allowed && { allowed: isAllowed }) });
  const rows: number[] = [];
  for (let at = 0; at < Math.min(candidates.length, MOST_PHRASES); at += PHRASE_BATCH) {
    const some = candidates.slice(at, at + PHRASE_BATCH);
    const texts = await Promise.all(some.map((row) => contents.text(row)));
    rows.push(...some.filter((_, i) => hasPhrase(texts[i] ?? "", text)));
  }
  return rows;
}

/** Makes hits of the best passages, one for each document. */
async function hitsOf(
  contents: Contents,
  query: Pick<Query, "limit" | "minScore" | "text" | "exact">,
  rank: (count: number) => Candidate[],
): Promise<Hit[]> {
  const { limit, minScore = DEFAULT_MIN_SCORE } = query;
  let best: Candidate[] = [];
  // More passages, until there are enough documents or no more passages.
  for (let count = Math.max(FEWEST, limit * FOR_EACH_HIT); ; count *= 4) {
    const candidates = rank(count);
    best = bestOfEach(contents, candidates).slice(0, limit);
    if (best.length >= limit || candidates.length < count || count >= contents.rowCount) break;
  }
  const hits = await Promise.all(best.filter(({ score }) => score >= minScore).map((found) => hitOf(contents, found, query)));
  return hits.filter((hit) => hit !== undefined);
}

/** The first passage of each document. */
function bestOfEach(contents: Contents, candidates: readonly Candidate[]): Candidate[] {
  const seen = new Set<Held>();
  return candidates.filter(({ row }) => {
    const document = contents.at(row)?.document;
    if (!document || seen.has(document)) return false;
    seen.add(document);
    return true;
  });
}

/** Makes a hit; `undefined` if its document has been removed meanwhile. */
async function hitOf(
  contents: Contents,
  { row, score, meaning, words }: Candidate,
  { text: query, exact }: Pick<Query, "text" | "exact">,
): Promise<Hit | undefined> {
  const held = contents.at(row);
  const text = await contents.text(row);
  if (!held || text === undefined) return undefined;
  const { id, kind, title, url, tags, meta } = held.document.stored;
  const { start, end, trail = [], anchor } = held.passage;
  return {
    id,
    score,
    passage: { text, start, end, trail, ...(anchor !== undefined && { anchor }) },
    highlights: marks(text, query, words?.terms ?? [], exact),
    kind,
    ...(title !== undefined && { title }),
    ...(url !== undefined && { url }),
    ...(tags !== undefined && { tags }),
    ...(meta !== undefined && { meta }),
    why: {
      ...(meaning && { meaning: meaningOf(meaning) }),
      ...(words && { words: { rank: words.rank, score: words.score, terms: [...words.terms] } }),
    },
  };
}

function meaningOf({ rank, score, cosine }: NonNullable<Candidate["meaning"]>): MeaningReason {
  return { ...(rank !== undefined && { rank }), score, cosine };
}

/** What to mark in a passage. */
function marks(text: string, query: string, terms: readonly string[], exact: boolean): TextRange[] {
  const ranges = exact ? phraseRanges(text, query) : highlights(text, terms);
  return ranges.map(({ start, end }) => ({ start, end }));
}
