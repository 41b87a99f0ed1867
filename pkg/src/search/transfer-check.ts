/** Whether vectors that were made elsewhere are those that this model makes: a sample of their texts is embedded here. */

import { FelsicError } from "../errors.js";
import { cosineOf } from "./points.js";
import { seeded } from "./random.js";
import type { PassageRow } from "./transfer-rows.js";

/** The lowest cosines between vectors of one model: the mean of a sample, and each of it. */
export interface Bounds {
  readonly mean: number;
  readonly lowest: number;
}

/**
 * The bounds for a weight format. With f32, int8 weights give a cosine of at least 0.9992 (998 texts, the built-in model), int4 weights
 * 0.88, and another tool may round the weights in its own way. A prompt that was left out, another pooling or another revision gives less.
 */
export function boundsOf(format: string): Bounds {
  return format.startsWith("int4") ? { mean: 0.9, lowest: 0.75 } : { mean: 0.995, lowest: 0.98 };
}

/** What a check has found: the cosines of the file's vectors with those that were made here. */
export interface Agreement {
  /** The number of passages that were compared. */
  readonly passages: number;
  /** The mean of the cosines. */
  readonly mean: number;
  /** The lowest of them. */
  readonly lowest: number;
  /** What was embedded: the text below a line of title and headings, as a collection does it, or the text alone. */
  readonly of: "headed" | "bare";
}

/** Characters of a heading line up to which the cutter surely leaves it whole. */
const SHORT_LINE = 160;

/** Draws a fixed number of rows from a stream, each with equal probability; the seed decides which. */
export class Sample {
  readonly #size: number;
  readonly #random: () => number;
  #rows: PassageRow[] = [];
  #seen = 0;
  /** Whether a row without a long heading has been seen. */
  #hasShort = false;

  constructor(size: number, seed: number) {
    this.#size = size;
    this.#random = seeded(seed);
  }

  /** Considers a row. Rows with long headings, which may have been embedded shortened, are considered only while there are no others. */
  add(row: PassageRow): void {
    if (!row.vector || row.text === "") return;
    const isShort = lineOf(row).length <= SHORT_LINE;
    if (isShort && !this.#hasShort) [this.#rows, this.#seen, this.#hasShort] = [[], 0, true];
    if (!isShort && this.#hasShort) return;
    this.#seen += 1;
    const place = this.#rows.length < this.#size ? this.#rows.length : Math.floor(this.#random() * this.#seen);
    if (place < this.#size) this.#rows[place] = row;
  }

  get rows(): readonly PassageRow[] {
    return this.#rows;
  }
}

/** The line of title and headings that a collection puts before a passage. */
function lineOf({ title, trail = [] }: PassageRow): string {
  const parts = [...(title === undefined ? [] : [title]), ...trail].map((part) => part.split(/\s+/).filter(Boolean).join(" "));
  return parts.filter(Boolean).join(" › ");
}

/**
 * Returns what is embedded for a passage. With title and headings before it, as a collection does it; tools that know nothing of these
 * embed the text alone.
 */
export function inputsOf(row: PassageRow): { readonly headed: string; readonly bare: string } {
  const line = lineOf(row);
  return { headed: line === "" ? row.text : `${line}\n${row.text}`, bare: row.text };
}

/**
 * Embeds the sample's texts and compares. @throws `vectors-disagree`, with the figures, if the vectors are not within the bounds
 *
 * @param embed makes the vectors of documents, of unit length
 */
export async function checkSample(
  sample: readonly PassageRow[],
  bounds: Bounds,
  model: string,
  embed: (texts: readonly string[]) => Promise<readonly Float32Array[]>,
): Promise<Agreement> {
  const inputs = sample.map(inputsOf);
  const texts = [...new Set(inputs.flatMap(({ headed, bare }) => [headed, bare]))];
  const vectors = await embed(texts);
  const made = new Map(texts.map((text, at) => [text, vectors[at]!]));
  const of = (form: "headed" | "bare"): Agreement => {
    const cosines = sample.map(({ vector }, at) => cosineOf(vector!, made.get(inputs[at]![form])!));
    const mean = cosines.reduce((sum, cosine) => sum + cosine, 0) / cosines.length;
    return { passages: sample.length, mean, lowest: Math.min(...cosines), of: form };
  };
  const [headed, bare] = [of("headed"), of("bare")];
  const best = bare.mean > headed.mean ? bare : headed;
  const { mean, lowest } = best;
  if (lowest >= bounds.lowest && mean >= bounds.mean) return best;
  throw new FelsicError(
    "vectors-disagree",
    `the file's vectors are not those of ${model}: of ${sample.length} texts that were embedded here, the mean cosine is ${figure(mean)} (at least ${bounds.mean} is needed) and the lowest ${figure(lowest)} (${bounds.lowest}). Nothing was imported; make the vectors with the same model, or leave them out of the file`,
  );
}

const figure = (cosine: number) => cosine.toFixed(4);
