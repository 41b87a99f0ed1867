/** Queries first: adding waits while somebody searches, and does only so much at once. */

/** How long after a search adding goes on, in milliseconds: people type several queries in a row. */
const QUIET = 200;
/** How long adding waits at most, so that it goes on even if searching never stops. */
const LONGEST_WAIT = 1000;
/** How often it looks whether it may go on. */
const STEP = 20;
/** The time that the texts of one call to the embedder should take, in milliseconds. */
const SLICE = 50;
/** The most texts of one call. */
const MOST_TEXTS = 64;

/** The traffic of one collection. */
export class Pace {
  #searches = 0;
  #lastSearch = -Infinity;
  #texts = 4;

  /** Notes that a search is under way. */
  async searching<T>(search: () => Promise<T>): Promise<T> {
    this.#searches += 1;
    try {
      return await search();
    } finally {
      this.#searches -= 1;
      this.#lastSearch = performance.now();
    }
  }

  /** Waits until adding may go on. */
  async turn(): Promise<void> {
    const end = performance.now() + LONGEST_WAIT;
    while (performance.now() < end) {
      const rest = this.#searches > 0 ? STEP : this.#lastSearch + QUIET - performance.now();
      if (rest <= 0) return;
      await new Promise((resolve) => setTimeout(resolve, rest));
    }
  }

  /** Divides texts into calls that take about as long as they may, and runs them one after another. */
  async slices<T>(texts: readonly string[], work: (texts: readonly string[]) => Promise<readonly T[]>): Promise<T[]> {
    const results: T[] = [];
    for (let at = 0; at < texts.length;) {
      await this.turn();
      const slice = texts.slice(at, at + this.#texts);
      const start = performance.now();
      results.push(...(await work(slice)));
      const share = SLICE / Math.max(performance.now() - start, 1);
      if (slice.length === this.#texts || share < 1) this.#texts = this.#scaled(share);
      at += slice.length;
    }
    return results;
  }

  /** Fewer texts or more, but no leaps. */
  #scaled(share: number): number {
    return Math.max(1, Math.min(MOST_TEXTS, Math.round(this.#texts * Math.min(2, Math.max(0.5, share)))));
  }
}
