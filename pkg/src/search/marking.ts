/** Marks of hits that were found by meaning alone: the sentence that fits best. */

import { bestSentence, sentences } from "./highlight.js";
import { cosineOf } from "./points.js";
import type { Hit, TextEmbedder } from "./types.js";

/** Returns hits of which those without a mark have the sentence marked that is nearest to the query's vector. */
export async function withSentences(
  hits: readonly Hit[],
  query: Float32Array,
  embedder: TextEmbedder,
  signal: AbortSignal | undefined,
): Promise<Hit[]> {
  const divided = hits.map(({ passage, highlights }) => (highlights.length > 0 ? [] : sentences(passage.text)));
  // A passage of one sentence needs no vector to choose it.
  const texts = divided.flatMap((ranges, at) =>
    ranges.length > 1 ? ranges.map(({ start, end }) => hits[at]!.passage.text.slice(start, end)) : [],
  );
  const options = { taskType: "retrieval-document", ...(signal && { signal }) } as const;
  const vectors = texts.length > 0 ? await embedder.embed(texts, options) : [];
  let next = 0;
  return hits.map((hit, at) => {
    const ranges = divided[at]!;
    const cosines = ranges.length > 1 ? ranges.map(() => cosineOf(vectors[next++]!, query)) : [];
    const best = bestSentence(ranges, cosines);
    return best ? { ...hit, highlights: [best] } : hit;
  });
}
