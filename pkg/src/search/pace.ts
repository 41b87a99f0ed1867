/** Queries first: adding waits while somebody searches, and does only so much at once. */

/** How long after a search adding goes on, in milliseconds: people type several queries in a row. */
const QUIET = 200;
/** How long adding waits at most, so that it goes on even if searching never stops. */
const LONGEST_WAIT = 1000;
/** How often it looks whether it may go on. */
const STEP = 20;
/** How long after a search another one is likely, in milliseconds: until then a search waits for little. */
const ATTENTION = 10_000;
/** The time that the texts of one call to the embedder may take, in milliseconds; while another search is likely, that of a query. */
const SLICE = 40;
const SHORTEST_SLICE = 4;
/** The number of queries whose time is remembered: the shortest is that of an idle embedder. */
const REMEMBERED = 8;
/** The most texts of one call. */
const MOST_TEXTS = 64;

/** The traffic of one collection. */
export class Pace {
  #searches = 0;
  #lastSearch = -Infinity;
  /** The number of texts of a call, for each of the two lengths of a slice. */
  readonly #texts = { short: 1, long: 4 };
  #queries: number[] = [];

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

  /** Embeds a query, and notes how long it takes. */
  async query<T>(embed: () => Promise<T>): Promise<T> {
    const start = performance.now();
    const vector = await embed();
    this.#queries = [...this.#queries, performance.now() - start].slice(-REMEMBERED);
    return vector;
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
      const start = performance.now();
      const length = start - this.#lastSearch < ATTENTION ? "short" : "long";
      const slice = texts.slice(at, at + this.#texts[length]);
      results.push(...(await work(slice)));
      const share = this.#longest(length) / Math.max(performance.now() - start, 1);
      // A last slice that is shorter than it might be tells nothing of longer ones.
      if (slice.length === this.#texts[length] || share < 1) this.#texts[length] = scaled(this.#texts[length], share);
      at += slice.length;
    }
    return results;
  }

  /** How long the texts of one call may take. */
  #longest(length: "short" | "long"): number {
    return length === "long" ? SLICE : Math.max(SHORTEST_SLICE, Math.min(SLICE, ...this.#queries));
  }
}

/** Fewer texts or more, but no leaps. */
function scaled(texts: number, share: number): number {
  return Math.max(1, Math.min(MOST_TEXTS, Math.round(texts * Math.min(2, Math.max(0.5, share)))));
}
