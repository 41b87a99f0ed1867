/**
 * How fast CPU and GPU are with batches of texts, and from which size on the GPU wins. Texts of different lengths are measured apart: what holds
 * for sentences need not hold for chapters. Nothing is extrapolated: the GPU wins from the smallest size on at which it has been seen to win.
 */

import type { GpuCrossover } from "../types.js";

/** The longest texts of each class, in tokens a text; the last class has the rest. */
const CLASSES: readonly number[] = [64, 256, 1024, Infinity];
/** The number of measurements that count: the latest. */
const LATEST = 5;
/** The share of the CPU's time that a GPU may take at most; nothing is moved for less. */
const WORTH = 0.9;

interface Class {
  /** Milliseconds a token of the CPU with all its workers; the least counts, as other work can only slow it. */
  cpu: number[];
  /** Milliseconds a token of the GPU, by the size of the batch: the exponent of its tokens, to the base of 2. */
  gpu: Map<number, number[]>;
}

/** Measurements of one machine and model. */
export class Measures {
  readonly #classes: Class[] = CLASSES.map(() => ({ cpu: [], gpu: new Map() }));

  /** Notes a batch that the CPU has computed. */
  cpu(texts: number, tokens: number, milliseconds: number): void {
    if (tokens > 0) note(this.#of(texts, tokens).cpu, milliseconds / tokens);
  }

  /** Notes a batch that the GPU has computed. */
  gpu(texts: number, tokens: number, milliseconds: number): void {
    if (tokens <= 0) return;
    const { gpu } = this.#of(texts, tokens);
    const rates = gpu.get(size(tokens)) ?? [];
    gpu.set(size(tokens), rates);
    note(rates, milliseconds / tokens);
  }

  /** Returns how long the CPU takes, in milliseconds; `undefined` if that is not known. */
  expected(texts: number, tokens: number): number | undefined {
    const { cpu } = this.#of(texts, tokens);
    return cpu.length > 0 ? Math.min(...cpu) * tokens : undefined;
  }

  /** Whether a GPU that took so long has lost to the CPU. */
  loses(texts: number, tokens: number, milliseconds: number): boolean {
    return !(milliseconds < WORTH * (this.expected(texts, tokens) ?? Infinity));
  }

  /**
   * Returns the fewest tokens from which on the GPU is faster with texts of such a length; `Infinity` if it is not, `undefined` if that is not
   * known.
   */
  crossover(texts: number, tokens: number): number | undefined {
    return crossoverOf(this.#of(texts, tokens));
  }

  /** The results of all classes that have one. */
  get crossovers(): GpuCrossover[] {
    return this.#classes.flatMap((each, index) => {
      const tokens = crossoverOf(each);
      return tokens === undefined ? [] : [{ tokensPerText: finite(CLASSES[index]!), tokens: finite(tokens) }];
    });
  }

  /** Whether the GPU wins with anything. */
  get isWorth(): boolean {
    return this.crossovers.some(({ tokens }) => tokens !== null);
  }

  #of(texts: number, tokens: number): Class {
    const mean = tokens / Math.max(texts, 1);
    return this.#classes[CLASSES.findIndex((most) => mean <= most)] ?? this.#classes.at(-1)!;
  }

  /** Returns them in a form that can be stored. */
  toJSON(): unknown {
    return this.#classes.map(({ cpu, gpu }) => ({ cpu, gpu: [...gpu] }));
  }

  /** Reads what {@link toJSON} has made, perhaps damaged; `undefined` if it is anything else. */
  static from(value: unknown): Measures | undefined {
    if (!Array.isArray(value) || value.length !== CLASSES.length) return undefined;
    const measures = new Measures();
    for (const [index, each] of (value as Partial<{ cpu: unknown; gpu: unknown }>[]).entries()) {
      if (!areRates(each?.cpu) || !Array.isArray(each.gpu)) return undefined;
      measures.#classes[index]!.cpu = [...each.cpu];
      for (const pair of each.gpu as unknown[]) {
        if (!Array.isArray(pair) || !Number.isInteger(pair[0]) || !areRates(pair[1])) return undefined;
        measures.#classes[index]!.gpu.set(pair[0] as number, [...pair[1]]);
      }
    }
    return measures;
  }
}

function size(tokens: number): number {
  return Math.floor(Math.log2(tokens));
}

function note(rates: number[], rate: number): void {
  rates.push(rate);
  if (rates.length > LATEST) rates.shift();
}

function areRates(value: unknown): value is number[] {
  return (
    Array.isArray(value) && value.length <= LATEST && value.every((rate) => typeof rate === "number" && rate > 0 && rate < 1e6)
  );
}

function crossoverOf({ cpu, gpu }: Class): number | undefined {
  if (cpu.length === 0 || gpu.size === 0) return undefined;
  const most = WORTH * Math.min(...cpu);
  let fewest = Infinity;
  for (const [size, rates] of [...gpu].sort(([a], [b]) => b - a)) {
    if (!(median(rates) < most)) break;
    fewest = 2 ** size;
  }
  return fewest;
}

/** Of an even number the lower one, so that of two measurements one may have been held up. */
function median(rates: readonly number[]): number {
  return [...rates].sort((a, b) => a - b)[(rates.length - 1) >> 1] ?? Infinity;
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
