/** A search: filter, scan, words, fusion, and hits with their texts. */

import { FelsicError } from "../errors.js";
import { bitsOf, hasBit } from "./bits.js";
import type { Contents, Held } from "./contents.js";
import { vectorsOf } from "./document-vectors.js";
import { hasPhrase, highlights, phraseRanges } from "./highlight.js";
import type { Query, SimilarQuery } from "./protocol.js";
import { type Candidate, type Near, Ranking } from "./ranking.js";
import { DEFAULT_MIN_SCORE } from "./score.js";
import { Slices } from "./slices.js";
import type { Hit, HitPart, MeaningReason, TextRange } from "./types.js";
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
  return hitsOf(contents, query, {
    best: (count) => ranking.best(count),
    bestOf: (documents) => ranking.bestOf(documents, query.passages),
  });
}

/** Returns hits that are like a document; none if it has no text, or none of its passages has a vector yet. */
export async function similarTo(
  contents: Contents,
  query: SimilarQuery,
  dimensions: number,
  signal: AbortSignal,
): Promise<Hit[]> {
  await contents.vectors;
  const { id, where } = query;
  const held = contents.get(id);
  if (!held) throw new FelsicError("not-found", `the collection has no document ${JSON.stringify(id)}`);
  const { points } = await vectorsOf(contents, [held], dimensions, new Slices(signal));
  if (points.count === 0) return [];
  const ranking = new Ranking(contents, { vector: points.data, text: "", words: undefined, allowed: contents.allowed(where) });
  const isOther = ({ row }: Candidate) => contents.at(row)?.document.stored.id !== id;
  const others = (count: number) => ranking.best(count + held.stored.passages.length).filter(isOther);
  return hitsOf(contents, { ...query, text: "", exact: false, passages: 1 }, { best: others, bestOf: () => new Map() });
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

/** What makes hits of a query, checked. */
type Asked = Pick<Query, "limit" | "minScore" | "text" | "exact" | "passages">;

/** The best passages, and the best of each document. */
interface Ranked {
  best(count: number): Candidate[];
  bestOf(documents: ReadonlySet<Held>): Map<Held, Candidate[]>;
}

/** Makes hits of the best passages, one for each document. */
async function hitsOf(contents: Contents, query: Asked, ranked: Ranked): Promise<Hit[]> {
  const { limit, minScore = DEFAULT_MIN_SCORE, passages } = query;
  let best: Found[] = [];
  // More passages, until there are enough documents or no more passages.
  for (let count = Math.max(FEWEST, limit * FOR_EACH_HIT); ; count *= 4) {
    const candidates = ranked.best(count);
    best = bestOfEach(contents, candidates).slice(0, limit);
    if (best.length >= limit || candidates.length < count || count >= contents.rowCount) break;
  }
  const fits = ({ score }: Candidate) => score >= minScore;
  const found = best.filter(({ candidate }) => fits(candidate));
  const all = passages > 1 ? ranked.bestOf(new Set(found.map(({ document }) => document))) : undefined;
  const hits = found.map(({ document, candidate }) => {
    const further = all?.get(document)?.filter((other) => other.row !== candidate.row && fits(other));
    return hitOf(contents, query, { candidate, further: further?.slice(0, passages - 1) });
  });
  return (await Promise.all(hits)).filter((hit) => hit !== undefined);
}

/** A document that was found, and its best passage. */
interface Found {
  readonly document: Held;
  readonly candidate: Candidate;
}

/** The first passage of each document. */
function bestOfEach(contents: Contents, candidates: readonly Candidate[]): Found[] {
  const best = new Map<Held, Candidate>();
  for (const candidate of candidates) {
    const document = contents.at(candidate.row)?.document;
    if (document && !best.has(document)) best.set(document, candidate);
  }
  return Array.from(best, ([document, candidate]) => ({ document, candidate }));
}

/** Makes a hit; `undefined` if its document has been removed meanwhile. */
async function hitOf(
  contents: Contents,
  query: Asked,
  { candidate, further }: { readonly candidate: Candidate; readonly further: readonly Candidate[] | undefined },
): Promise<Hit | undefined> {
  const { row, score, meaning, words } = candidate;
  const held = contents.at(row);
  const [part, ...more] = await Promise.all([candidate, ...(further ?? [])].map((one) => partOf(contents, query, one)));
  if (!held || !part) return undefined;
  const { id, kind, title, url, tags, meta } = held.document.stored;
  return {
    id,
    score,
    passage: part.passage,
    highlights: part.highlights,
    kind,
    ...(further && { more: more.filter((other) => other !== undefined) }),
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

/** Reads a passage that was found; `undefined` if its document has been removed meanwhile. */
async function partOf(
  contents: Contents,
  { text: query, exact }: Asked,
  { row, score, words }: Candidate,
): Promise<HitPart | undefined> {
  const held = contents.at(row);
  const text = await contents.text(row);
  if (!held || text === undefined) return undefined;
  const { start, end, trail = [], anchor } = held.passage;
  const passage = { text, start, end, trail, ...(anchor !== undefined && { anchor }) };
  return { passage, highlights: marks(text, query, words?.terms ?? [], exact), score };
}

function meaningOf({ rank, score, cosine }: Near): MeaningReason {
  return { ...(rank !== undefined && { rank }), score, cosine };
}

/** What to mark in a passage. */
function marks(text: string, query: string, terms: readonly string[], exact: boolean): TextRange[] {
  const ranges = exact ? phraseRanges(text, query) : highlights(text, terms);
  return ranges.map(({ start, end }) => ({ start, end }));
}
