/** The passages that fit a query, best first: a scan by meaning, the words index, and both made one. */

import { hasBit } from "./bits.js";
import { calibrationOf } from "./calibration.js";
import type { Contents } from "./contents.js";
import { fuse } from "./fuse.js";
import { type Calibration, DEFAULT_MIN_SCORE, type Moments, score } from "./score.js";
import type { Words, WordsHit, WordsQuery } from "./words.js";

/** A passage by meaning. */
export interface Near {
  readonly row: number;
  readonly cosine: number;
  readonly score: number;
}

/** A passage that may become a hit. */
export interface Candidate {
  readonly row: number;
  readonly score: number;
  /** The rank is that of the scan, which knows only the nearest. */
  readonly meaning?: Near & { readonly rank?: number };
  readonly words?: WordsHit & { readonly rank: number };
}

/** What is searched, when everything that it needs is there. */
export interface Wanted {
  readonly vector: Float32Array<ArrayBuffer> | undefined;
  readonly text: string;
  readonly words: Words | undefined;
  /** The rows that may be found. */
  readonly allowed: Uint8Array<ArrayBuffer> | undefined;
}

/** What a scan has found, and what makes scores of cosines. */
interface Scan {
  readonly near: readonly Near[];
  readonly moments: Moments;
  readonly calibration: Calibration;
}

/** The ranking of one query. */
export class Ranking {
  readonly #contents: Contents;
  readonly #vector: Float32Array<ArrayBuffer> | undefined;
  readonly #allowed: Uint8Array<ArrayBuffer> | undefined;
  readonly #words: WordsQuery | undefined;
  #scan: (Scan & { readonly count: number }) | undefined;

  constructor(contents: Contents, { vector, text, words, allowed }: Wanted) {
    this.#contents = contents;
    this.#vector = vector;
    this.#allowed = allowed;
    this.#words = words?.query(text, { ...(allowed && { allowed: (row: number) => hasBit(allowed, row) }) });
  }

  /**
   * Returns the best passages: the `count` nearest, the `count` that have most of the words, and of `also` those that have a vector or one
   * of the words. Of each its meaning is known if it has a vector, and its words are known if it has some.
   */
  best(count: number, also: readonly number[] = []): Candidate[] {
    const scan = this.#scanFor(count);
    const near = scan?.near ?? [];
    const wanted = new Set([...near.map(({ row }) => row), ...also]);
    const found = this.#words?.take(count, wanted) ?? [];
    const meant = scan ? [...near, ...this.#rest(scan, [...found.map(({ row }) => row), ...also])] : [];
    // A passage that waits for its vector may mean what is sought: its words decide.
    return fuse(meant, found, { unknown: DEFAULT_MIN_SCORE }).map(({ row, score, meaning, words }) => ({
      row,
      score,
      ...(meaning && { meaning: { ...meant[meaning.rank - 1]!, ...(meaning.rank <= near.length && { rank: meaning.rank }) } }),
      ...(words && { words: { ...found[words.rank - 1]!, rank: words.rank } }),
    }));
  }

  /** The passages of rows that the scan has not found, as far as they have a vector, nearest first. */
  #rest({ near, moments, calibration }: Scan, rows: readonly number[]): Near[] {
    const known = new Set(near.map(({ row }) => row));
    const rest = [...new Set(rows)].filter((row) => !known.has(row) && this.#contents.hasVector(row));
    const cosines = this.#contents.cosines(this.#vector!, rest);
    return rest
      .map((row, at) => ({ row, cosine: cosines[at]!, score: score(cosines[at]!, calibration, moments) }))
      .sort((a, b) => b.cosine - a.cosine || a.row - b.row);
  }

  /** Scans for the nearest passages; once for each count. */
  #scanFor(count: number): Scan | undefined {
    if (!this.#vector) return undefined;
    if (this.#scan?.count === count) return this.#scan;
    const calibration = calibrationOf(this.#contents, this.#vector.length);
    const { rows, scores, ...moments } = this.#contents.nearest(this.#vector, count, this.#allowed);
    const near = Array.from(rows, (row, at) => {
      const cosine = scores[at]!;
      return { row, cosine, score: score(cosine, calibration, moments) };
    });
    this.#scan = { count, near, moments, calibration };
    return this.#scan;
  }
}
