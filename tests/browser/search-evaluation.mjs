/**
 * What the ranking and the scores of felsic/search are measured with: the texts of training/eval, and rankings of them as a collection
 * makes them, but with a plain scan over f32 vectors. Used by training/search.mjs and by search-ranking.test.mjs.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { searchModules } from "./search-modules.mjs";

const folder = join(import.meta.dirname, "../../training/eval");

/** @param {string} name */
const lines = (name) =>
  readFileSync(join(folder, `${name}.jsonl`), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));

/** The results that each ranking gives to the fusion. */
const CANDIDATES = 100;

/** Texts by what they are, in the order in which vectors are expected. */
export function texts() {
  const synsets = lines("wordnet");
  return {
    /** @type {string[]} */
    documentation: lines("documentation").map(({ text }) => text),
    /** @type {string[]} */
    queries: lines("queries").map(({ query }) => query),
    /** @type {string[]} */
    definitions: synsets.map(({ definition }) => definition),
    /** @type {string[]} */
    examples: synsets.map(({ example }) => example),
    /** @type {string[]} */
    unanswered: lines("no-answer").map(({ query }) => query),
  };
}

/** @typedef {Record<keyof ReturnType<typeof texts>, Float32Array[]>} Vectors */
/** @typedef {{ text: string, vector: Float32Array }} Query */
/** @typedef {{ name: string, passages: Query[], queries: (Query & { answer: number })[], isAboutAll?: boolean }} Task `isAboutAll`: no query is off topic */

/** @param {string[]} texts @param {Float32Array[]} vectors */
const paired = (texts, vectors) => texts.map((text, i) => ({ text, vector: vectors[i] ?? new Float32Array() }));

/** Queries with one answer each. @param {Vectors} vectors @returns {Record<"documentation" | "examples" | "definitions", Task>} */
export function tasks(vectors) {
  const all = texts();
  const place = new Map(lines("documentation").map(({ id }, i) => [id, i]));
  const answers = lines("queries").map(({ answer }) => place.get(answer) ?? -1);
  const [definitions, examples] = [paired(all.definitions, vectors.definitions), paired(all.examples, vectors.examples)];
  const own = (/** @type {Query[]} */ queries) => queries.map((query, answer) => ({ ...query, answer }));
  return {
    documentation: {
      name: "documentation",
      passages: paired(all.documentation, vectors.documentation),
      queries: paired(all.queries, vectors.queries).map((query, i) => ({ ...query, answer: answers[i] ?? -1 })),
    },
    examples: { name: "WordNet, example to definition", passages: definitions, queries: own(examples), isAboutAll: true },
    definitions: { name: "WordNet, definition to example", passages: examples, queries: own(definitions), isAboutAll: true },
  };
}

/** Queries without an answer, by kind. @param {Vectors} vectors @returns {Record<"nonsense" | "off-topic" | "foreign", Query[]>} */
export function unanswered(vectors) {
  const kinds = lines("no-answer").map(({ kind }) => kind);
  const all = paired(texts().unanswered, vectors.unanswered);
  const of = (/** @type {string} */ kind) => all.filter((_, i) => kinds[i] === kind);
  return { nonsense: of("nonsense"), "off-topic": of("off-topic"), foreign: of("foreign") };
}

/** A part of a task: the given passages, and the queries that they answer. @param {Task} task @param {string} name @param {number[]} rows */
export function part(task, name, rows) {
  const place = new Map(rows.map((row, i) => [row, i]));
  const queries = task.queries.filter(({ answer }) => place.has(answer));
  return {
    ...task,
    name,
    passages: rows.map((row) => /** @type {Query} */ (task.passages[row])),
    queries: queries.map((query) => ({ ...query, answer: place.get(query.answer) ?? -1 })),
  };
}

/** Rows drawn at random, the same every time. @param {Task} task @param {number} count @param {number} seed */
export function drawn(task, count, seed) {
  const rows = task.passages.map((_, row) => row);
  let state = seed * 7919;
  for (let i = rows.length - 1; i > 0; i -= 1) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const j = Math.floor((state / 2 ** 32) * (i + 1));
    [rows[i], rows[j]] = [/** @type {number} */ (rows[j]), /** @type {number} */ (rows[i])];
  }
  return part(task, `${count} passages`, rows.slice(0, count));
}

/** Rows of documentation whose page matches. @param {Task} task @param {string} name @param {RegExp} page */
export function pages(task, name, page) {
  const rows = lines("documentation").flatMap((document, row) => (page.test(document.page) ? [row] : []));
  return part(task, name, rows);
}

/** @param {Float32Array} a @param {Float32Array} b */
export function dot(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += /** @type {number} */ (a[i]) * /** @type {number} */ (b[i]);
  return sum;
}

/** Searches a task's passages. @param {Task} task */
export async function searcher(task) {
  const { words, score, fuse } = await searchModules();
  const index = new words.Words();
  for (const [row, { text }] of task.passages.entries()) index.add(row, { text });
  const vector = (/** @type {number} */ row) => task.passages[row]?.vector ?? new Float32Array();
  const pairs = score.calibrationPairs(task.passages.length).map(([a, b]) => dot(vector(a), vector(b)));
  const calibration = score.calibrate(pairs, vector(0).length);

  /** Both rankings; by meaning also with the scores of what only the words have found. @param {Query} query */
  function rankings(query) {
    const cosines = task.passages.map((passage) => dot(passage.vector, query.vector));
    const mean = cosines.reduce((sum, cosine) => sum + cosine, 0) / cosines.length;
    const square = cosines.reduce((sum, cosine) => sum + (cosine - mean) ** 2, 0) / cosines.length;
    const moments = { mean, deviation: Math.sqrt(square), seen: cosines.length };
    const ranked = cosines.map((cosine, row) => ({ row, cosine, score: score.score(cosine, calibration, moments) }));
    ranked.sort((a, b) => b.cosine - a.cosine || a.row - b.row);
    const meaning = ranked.slice(0, CANDIDATES);
    const found = index.search(query.text, { limit: CANDIDATES, also: new Set(meaning.map(({ row }) => row)) });
    const rows = new Set(found.map(({ row }) => row));
    const rest = ranked.slice(CANDIDATES).filter(({ row }) => rows.has(row));
    return { meaning: [...meaning, ...rest], words: found };
  }

  /** @param {Query} query */
  const hybrid = (query) => {
    const { meaning, words } = rankings(query);
    return fuse.fuse(meaning, words);
  };
  return { rankings, hybrid, least: score.DEFAULT_MIN_SCORE };
}

/** nDCG@10 and recall@10 in hundredths, given the places of the answers; with one answer the ideal gain is 1. @param {number[]} places from 0; -1: not found */
export function figures(places) {
  const found = places.filter((place) => place >= 0 && place < 10);
  const gain = found.reduce((sum, place) => sum + 1 / Math.log2(place + 2), 0);
  return { ndcg: (100 * gain) / places.length, recall: (100 * found.length) / places.length };
}

/** The place of an answer. @param {readonly { row: number }[]} hits @param {number} answer */
export const place = (hits, answer) => hits.findIndex(({ row }) => row === answer);

/**
 * What the cut-off does to a task, in hundredths: the answers among the ten best that it keeps, nDCG@10 without and with it, and the
 * queries without an answer that find nothing.
 *
 * @param {Task} task
 * @param {ReturnType<typeof unanswered>} none
 */
export async function cutOff(task, none) {
  const { hybrid, least } = await searcher(task);
  const found = task.queries.map((query) => ({ hits: hybrid(query), answer: query.answer }));
  const cut = found.map(({ hits, answer }) => ({ hits: hits.filter(({ score }) => score >= least), answer }));
  const places = (/** @type {typeof found} */ list) => figures(list.map(({ hits, answer }) => place(hits, answer)));
  const [before, after] = [places(found), places(cut)];
  const share = (/** @type {Query[]} */ queries) =>
    (100 * queries.filter((query) => (hybrid(query)[0]?.score ?? 0) < least).length) / queries.length;
  return {
    kept: (100 * after.recall) / before.recall,
    before: before.ndcg,
    after: after.ndcg,
    nonsense: share(none.nonsense),
    offTopic: task.isAboutAll ? undefined : share(none["off-topic"]),
    foreign: share(none.foreign),
  };
}
