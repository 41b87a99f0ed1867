/** How fast the work goes, measured over the last seconds. */

/** Milliseconds that are measured over. */
const SPAN = 15_000;
/** Nothing is told before this. */
const SHORTEST = 1500;

interface Sample {
  readonly at: number;
  readonly tokens: number;
  readonly passages: number;
}

/** A rate of tokens and of passages. */
export class Speed {
  #samples: Sample[] = [];

  /** Notes how much has been done since the work began. */
  note(tokens: number, passages: number, at = performance.now()): void {
    this.#samples = [...this.#samples.filter((sample) => at - sample.at <= SPAN), { at, tokens, passages }];
  }

  /** Forgets everything: what comes now is other work, or comes after a pause. */
  reset(): void {
    this.#samples = [];
  }

  /** Tokens a second. */
  get tokens(): number | undefined {
    return this.#rate("tokens");
  }

  /** Seconds that so many passages take. */
  left(passages: number): number | undefined {
    const rate = this.#rate("passages");
    return rate === undefined || rate === 0 ? undefined : passages / rate;
  }

  #rate(what: "tokens" | "passages"): number | undefined {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    if (!first || !last || last.at - first.at < SHORTEST) return undefined;
    return ((last[what] - first[what]) / (last.at - first.at)) * 1000;
  }
}
