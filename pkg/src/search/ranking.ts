/** The passages that fit a query, best first: a scan by meaning, the words index, and both made one. */

import { hasBit } from "./bits.js";
import { calibrationOf } from "./calibration.js";
import type { Contents, Held } from "./contents.js";
import { fuse } from "./fuse.js";
import { type Calibration, DEFAULT_MIN_SCORE, leastMeaning, type Moments, score } from "./score.js";
import type { Words, WordsHit, WordsQuery } from "./words.js";

/** A passage by meaning. */
export interface Near {
  readonly row: number;
  readonly cosine: number;
  readonly score: number;
  /** Its place among all, which only a scan knows, of the nearest. */
  readonly rank?: number;
}

/** A passage that may become a hit. */
export interface Candidate {
  readonly row: number;
  readonly score: number;
  readonly meaning?: Near;
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
  readonly count: number;
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
  #scan: Scan | undefined;

  constructor(contents: Contents, { vector, text, words, allowed }: Wanted) {
    this.#contents = contents;
    this.#vector = vector;
    this.#allowed = allowed;
    this.#words = words?.query(text, { ...(allowed && { allowed: (row: number) => hasBit(allowed, row) }) });
  }

  /**
   * Returns the best passages: of the `count` nearest and the `count` that have most of the words. Of each its meaning is known if it has
   * a vector, and its words are known if it has some.
   */
  best(count: number): Candidate[] {
    const scan = this.#scanFor(count);
    const near = scan?.near ?? [];
    const found = this.#words?.take(count, new Set(near.map(({ row }) => row))) ?? [];
    return this.#joined(near, found);
  }

  /** Returns the best passages of each of some documents, at most `count`. `best()` has to be called before. */
  bestOf(documents: ReadonlySet<Held>, count: number): Map<Held, Candidate[]> {
    const found = new Map(Array.from(documents, (held) => [held, [] as WordsHit[]]));
    const ofDocument = (row: number) => found.get(this.#contents.at(row)?.document as Held);
    const also = { has: (row: number) => ofDocument(row) !== undefined };
    for (const hit of this.#words?.take(0, also) ?? []) ofDocument(hit.row)!.push(hit);
    const best = (held: Held, hits: readonly WordsHit[]) => this.#joined(this.#nearestIn(held, count), hits).slice(0, count);
    return new Map(Array.from(found, ([held, hits]) => [held, best(held, hits)]));
  }

  /** The passages of a document that are nearest. */
  #nearestIn({ stored, row: first }: Held, count: number): Near[] {
    const rows = stored.passages.map((_, at) => first + at).filter((row) => hasBit(this.#allowed, row));
    return this.#near(rows, count);
  }

  /** Makes one ranking of two. What only words have found has its meaning, too. */
  #joined(near: readonly Near[], found: readonly WordsHit[]): Candidate[] {
    const known = new Set(near.map(({ row }) => row));
    const meant = [...near, ...this.#near(found.map(({ row }) => row).filter((row) => !known.has(row)))];
    // A passage that waits for its vector may mean what is sought: its words decide.
    const least = leastMeaning(this.#contents.size);
    const fused = fuse(meant, found, this.#scan && { unknown: DEFAULT_MIN_SCORE, least });
    return fused.map(({ row, score, meaning, words }) => ({
      row,
      score,
      ...(meaning && { meaning: meant[meaning.rank - 1]! }),
      ...(words && { words: { ...found[words.rank - 1]!, rank: words.rank } }),
    }));
  }

  /** The nearest of some rows, as far as they have vectors. */
  #near(rows: readonly number[], count = rows.length): Near[] {
    if (!this.#scan || !this.#vector) return [];
    const { calibration, moments } = this.#scan;
    const there = rows.filter((row) => this.#contents.hasVector(row));
    const cosines = this.#contents.cosines(this.#vector, there);
    const near = there.map((row, at) => ({ row, cosine: cosines[at]! }));
    near.sort((a, b) => b.cosine - a.cosine || a.row - b.row);
    return near.slice(0, count).map(({ row, cosine }) => ({ row, cosine, score: score(cosine, calibration, moments) }));
  }

  /** Scans for the nearest passages; once for each count. */
  #scanFor(count: number): Scan | undefined {
    if (!this.#vector) return undefined;
    if (this.#scan?.count === count) return this.#scan;
    const calibration = calibrationOf(this.#contents, this.#vector.length);
    const { rows, scores, ...moments } = this.#contents.nearest(this.#vector, count, this.#allowed);
    const near = Array.from(rows, (row, at) => {
      const cosine = scores[at]!;
      return { row, cosine, score: score(cosine, calibration, moments), rank: at + 1 };
    });
    this.#scan = { count, near, moments, calibration };
    return this.#scan;
  }
}
