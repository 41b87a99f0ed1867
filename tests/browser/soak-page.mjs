/** What a page does in a soak; imported there. */

import { random } from "./random.mjs";
import { round, textsOf } from "./soak-calls.mjs";

/** @typedef {Awaited<ReturnType<typeof begin>>} Soak */

/**
 * Returns what a soak goes on with: an embedder, texts of one word to some 200, and their vectors, each computed alone.
 *
 * @param {{ workers: number, seed: number }} options
 */
export async function begin({ workers, seed }) {
  const next = random(seed);
  const texts = textsOf(next, 64);
  const embedder = await felsic.Embedder.create({ workers, device: "cpu" });
  const bits = (/** @type {Float32Array} */ vector) => new Uint32Array(vector.slice().buffer).join();
  /** @type {string[]} */
  const wanted = [];
  for (const text of texts) wanted.push(bits(await embedder.embed(text)));
  return { embedder, round: () => round({ embedder, texts, wanted, bits, next, FelsicError: felsic.FelsicError }) };
}

/**
 * Embeds for a while.
 *
 * @param {Soak} soak
 * @param {number} embeds
 */
export async function goOn(soak, embeds) {
  const counts = { whole: 0, aborted: 0, wrong: /** @type {string[]} */ ([]) };
  while (counts.whole + counts.aborted < embeds) {
    const { whole, aborted, wrong } = await soak.round();
    counts.whole += whole;
    counts.aborted += aborted;
    counts.wrong.push(...wrong);
  }
  return counts;
}
