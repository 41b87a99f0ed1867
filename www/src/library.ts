/** The texts on the page, their vectors, and the search in them. */

import type { Embedder } from "felsic";

/** A piece of text and its source. */
export interface Passage {
  readonly text: string;
  readonly source: string;
  vector?: Float32Array;
  /** The highest cosine of a nonsense query with it. */
  noise?: number;
}

/** A passage with its cosine to the query. */
export interface Hit {
  readonly passage: Passage;
  readonly score: number;
  /** Whether it is clearly nearer to the query than to nonsense, if that is known. */
  readonly isNear?: boolean;
}

/**
 * Queries that mean nothing. A query may be near by chance to the texts that these are near to, such as those in a language that
 * a model does not know.
 */
const NONSENSE = [
  "qwertz uiop",
  "lkj hgf dsa",
  "xyzzy plugh",
  "0000 1111",
  "nnnnnn",
  "brrp flonk",
  "??",
  "ab cd ef",
  "fgh vbn",
  "krtk",
];

/** The progress and speed of embedding. */
export interface LibraryProgress {
  readonly done: number;
  readonly total: number;
  /** Tokens and milliseconds of all embedding since the model was loaded. */
  readonly tokens: number;
  readonly milliseconds: number;
}

/** The number of texts in one call: few, so that a query meanwhile waits only briefly. */
const TEXTS_A_CALL = 16;

/** Passages in the order in which they were added; the first `done` have their vectors. */
export class Library {
  #passages: Passage[] = [];
  #known = new Set<string>();
  #done = 0;
  #tokens = 0;
  #milliseconds = 0;
  #nonsense: readonly Float32Array[] | undefined;
  #margin = 0;

  get size(): number {
    return this.#passages.length;
  }

  get progress(): LibraryProgress {
    return { done: this.#done, total: this.size, tokens: this.#tokens, milliseconds: this.#milliseconds };
  }

  /** Adds texts that are not there yet; returns their number. */
  add(texts: readonly string[], source: string): number {
    const before = this.size;
    for (const text of texts) {
      if (this.#known.has(text)) continue;
      this.#known.add(text);
      this.#passages.push({ text, source });
    }
    return this.size - before;
  }

  clear(): void {
    this.#passages = [];
    this.#known.clear();
    this.#done = 0;
  }

  /** Drops all vectors: those of another model are not comparable. */
  forgetVectors(): void {
    for (const passage of this.#passages) {
      delete passage.vector;
      delete passage.noise;
    }
    this.#nonsense = undefined;
    this.#done = 0;
    this.#tokens = 0;
    this.#milliseconds = 0;
  }

  /** Embeds passages without a vector, including those added meanwhile, until the signal aborts. */
  async embed(embedder: Embedder, signal: AbortSignal, onProgress: () => void): Promise<void> {
    while (this.#done < this.size) {
      const group = this.#passages.slice(this.#done, this.#done + TEXTS_A_CALL);
      const texts = group.map(({ text }) => text);
      const start = performance.now();
      const made = await embedder.embedDetailed(texts, { taskType: "retrieval-document", signal });
      signal.throwIfAborted();
      this.#milliseconds += performance.now() - start;
      for (const [index, { vector, tokens }] of made.entries()) {
        group[index]!.vector = vector;
        this.#tokens += tokens;
      }
      this.#done += group.length;
      onProgress();
    }
  }

  /**
   * Measures how near nonsense is to each passage: a close passage has to be nearer to the query by `margin`. Runs after `embed`, as
   * nothing waits for it.
   */
  async measureNoise(embedder: Embedder, margin: number, signal: AbortSignal): Promise<void> {
    this.#nonsense ??= await embedder.embed(NONSENSE, { taskType: "retrieval-query", signal });
    signal.throwIfAborted();
    this.#margin = margin;
    for (const passage of this.#passages) {
      const { vector } = passage;
      if (vector) passage.noise ??= Math.max(...this.#nonsense.map((nonsense) => dot(nonsense, vector)));
    }
  }

  /** Returns the `count` nearest passages, best first. Vectors have unit length, so the dot product is the cosine. */
  nearest(query: Float32Array, count: number): Hit[] {
    const hits: Hit[] = [];
    for (const passage of this.#passages.slice(0, this.#done)) {
      const { vector, noise } = passage;
      if (!vector) continue;
      const score = dot(query, vector);
      hits.push({ passage, score, ...(noise !== undefined && { isNear: score > noise + this.#margin }) });
    }
    return hits.sort((a, b) => b.score - a.score).slice(0, count);
  }
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += a[i]! * b[i]!;
  return sum;
}
