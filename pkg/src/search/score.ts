/**
 * Scores from 0 to 1. Cosines of an embedding model have no zero: their height depends on the model and on the collection, and nonsense
 * has a nearest passage too. A score sets a cosine against what is usual in the collection. docs/search.md derives the formula and says
 * what it was measured on; `felsic index` makes the same calibration in Rust.
 */

import { FelsicError } from "../errors.js";
import { isCount } from "./stored-check.js";

/** What is usual in a collection: measured on pairs of its passages. */
export interface Calibration {
  /** The number of components of its vectors. */
  readonly dimensions: number;
  /** The mean cosine of the pairs. */
  readonly mean: number;
  /** The number of pairs. */
  readonly count: number;
}

/** The cosines of one query with all passages that may be found: what a scan returns beside the best. */
export interface Moments {
  readonly mean: number;
  readonly deviation: number;
  readonly seen: number;
}

/** Hits with a lower score are left out, unless a caller wants another bound. */
export const DEFAULT_MIN_SCORE = 0.15;

/** The most pairs that a calibration measures. */
const PAIRS = 2000;

/** The weights of nearness and of spread, and what is taken off: fitted on half of the queries of training/eval. */
const NEARNESS = 13;
const SPREAD = 8.5;
const OFFSET = 11.7;
/** What is taken off for the passages that were seen, times the logarithm of their number: the best of many is nearer by chance. */
const CHANCE = 0.25;
/** The spread that a query has before anything was seen, and how many passages that is worth. */
const USUAL_SPREAD = 1.5;
const USUAL_WEIGHT = 10;
/** How much the words of a query can add. */
const WORDS = 5;
/** The part of a query's words that is enough to be found in a collection of one document. */
const ENOUGH = 0.5;

/**
 * Returns the pairs of passages that a calibration measures, by their place among the `passages`: all pairs of a small collection,
 * otherwise pairs that are drawn in the same way everywhere.
 */
export function calibrationPairs(passages: number): [number, number][] {
  const pairs: [number, number][] = [];
  if ((passages * (passages - 1)) / 2 <= PAIRS) {
    for (let a = 0; a < passages; a += 1) for (let b = a + 1; b < passages; b += 1) pairs.push([a, b]);
    return pairs;
  }
  let state = 1;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * passages);
  };
  while (pairs.length < PAIRS) {
    const [a, b] = [next(), next()];
    if (a !== b) pairs.push([a, b]);
  }
  return pairs;
}

/** Returns what is usual in a collection, given the cosines of its {@link calibrationPairs}. */
export function calibrate(cosines: ArrayLike<number>, dimensions: number): Calibration {
  let sum = 0;
  for (let i = 0; i < cosines.length; i += 1) sum += cosines[i]!;
  return { dimensions, mean: cosines.length > 0 ? sum / cosines.length : 0, count: cosines.length };
}

/** Checks a calibration that was read from a file. @throws `index-invalid` */
export function checkedCalibration(value: unknown): Calibration {
  const { dimensions, mean, count } = (typeof value === "object" && value !== null ? value : {}) as Partial<Calibration>;
  if (!isCount(dimensions) || dimensions === 0 || !isCount(count) || typeof mean !== "number" || !(Math.abs(mean) <= 1)) {
    throw new FelsicError("index-invalid", "the calibration of the index is damaged; make the index again");
  }
  return { dimensions, mean, count };
}

/**
 * Returns the score of a passage by meaning, which rises with its cosine.
 *
 * Two things count. *Nearness*: how far the cosine is above the mean of pairs, where 1 is an equal vector. *Spread*: how much the
 * query's cosines differ from passage to passage, where 1 is what a random vector would have. A query that has to do with the
 * collection is near to some passages and far from others; nonsense is as far from all. Of few passages the spread is hardly known; it is
 * taken to be near the usual one.
 */
export function score(cosine: number, calibration: Calibration, { deviation, seen }: Moments): number {
  const room = Math.max(1 - calibration.mean, 1e-3);
  const nearness = (cosine - calibration.mean) / room;
  const measured = (deviation * Math.sqrt(calibration.dimensions)) / room;
  const spread = Math.sqrt((seen * measured ** 2 + USUAL_WEIGHT * USUAL_SPREAD ** 2) / (seen + USUAL_WEIGHT));
  return logistic(NEARNESS * nearness + SPREAD * spread - OFFSET - CHANCE * Math.log(Math.max(seen, 1)));
}

/**
 * Returns the score of a passage by meaning and by words: each multiplies the odds that the passage is what is meant. Words add little
 * while only some of them are there, and much when the passage has all of them: an exact name carries a hit that has no near meaning.
 *
 * @param meaning what {@link score} returned
 * @param words the score of the words index; 0 if the passage has none of the words
 * @param least what {@link leastMeaning} returned: with words, the meaning counts as this at least
 */
export function hybridScore(meaning: number, words: number, least = 0): number {
  return logistic(oddsOf(words > 0 ? Math.max(meaning, least) : meaning) + WORDS * words ** 2);
}

/**
 * Returns the least score by meaning of a passage that has words of the query. The passages of one document are near each other, and pairs
 * of them say little of what is usual: the fewer documents there are, the more the words decide. Of one, half of the query's words are
 * enough; of forty, all are needed; of more, it is 0.
 */
export function leastMeaning(documents: number): number {
  const least = logistic(oddsOf(DEFAULT_MIN_SCORE) - WORDS * ENOUGH ** 2) / documents;
  return hybridScore(least, 1) < DEFAULT_MIN_SCORE ? 0 : least;
}

const oddsOf = (p: number) => Math.log(Math.max(p, 1e-12) / Math.max(1 - p, 1e-12));
const logistic = (x: number) => 1 / (1 + Math.exp(-x));
