/** What a soak embeds, and a round of its calls: for Node, and for pages, which import it too. */

/** Texts of one word to some 200. @param {() => number} next @param {number} count */
export function textsOf(next, count) {
  const words = ["stone", "river", "the", "of", "granite", "Äpfel", "漢字", "don't", "12,345", "light"];
  const word = () => words[Math.floor(next() * words.length)];
  return Array.from({ length: count }, (_, i) => [i, ...Array.from({ length: Math.floor(200 ** next()) }, word)].join(" "));
}

/**
 * Makes up to four calls at a time, each with some texts; one in five is aborted at some time or before.
 *
 * @param {object} soak
 * @param {Pick<import("felsic").Embedder, "embed">} soak.embedder
 * @param {string[]} soak.texts
 * @param {string[]} soak.wanted the vectors' bits, computed one by one
 * @param {(vector: Float32Array) => string} soak.bits
 * @param {() => number} soak.next
 * @param {typeof import("felsic").FelsicError} soak.FelsicError
 * @returns what was embedded, what was aborted, and whatever went otherwise
 */
export async function round({ embedder, texts, wanted, bits, next, FelsicError }) {
  const counts = { whole: 0, aborted: 0, wrong: /** @type {string[]} */ ([]) };
  const calls = Array.from({ length: 1 + Math.floor(next() * 4) }, async () => {
    const which = Array.from({ length: 1 + Math.floor(next() * 12) }, () => Math.floor(next() * texts.length));
    const controller = next() < 0.2 ? new AbortController() : undefined;
    if (controller) setTimeout(() => controller.abort(), next() * 20);
    const signal = controller ? { signal: controller.signal } : {};
    try {
      const vectors = await embedder.embed(
        which.map((i) => texts[i] ?? ""),
        signal,
      );
      counts.whole += which.length;
      const others = which.filter((i, at) => bits(/** @type {Float32Array} */ (vectors[at])) !== wanted[i]);
      counts.wrong.push(...others.map((i) => `other bits of text ${i}`));
    } catch (error) {
      counts.aborted += which.length;
      const isAborted = error instanceof FelsicError && error.code === "aborted" && controller !== undefined;
      if (!isAborted) counts.wrong.push(String(error));
    }
  });
  await Promise.all(calls);
  return counts;
}
