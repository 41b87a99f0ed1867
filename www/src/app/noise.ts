/**
 * Tells what is near to a query from what is near to everything: a document in a language that a small model does not know is near
 * by chance to queries that mean nothing, and would be found by all that have no better answer.
 */

import { signal } from "@preact/signals";
import type { Collection, Hit } from "felsic/search";

/** Queries that mean nothing. */
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

/** So many documents are looked at that are nearest to each of them: those that come up too often. */
const NEAREST = 200;

/** For each document that is near to nonsense, the highest cosine that nonsense has with it. */
export type Noise = ReadonlyMap<string, number>;

export const noise = signal<Noise>(new Map());
let measured = "";

/** Measures it, unless that has been done for this model and about so many documents. */
export async function measureNoise(collection: Collection, signal: AbortSignal): Promise<void> {
  const { space, documents } = collection.info;
  const about = `${space} ${Math.round(Math.log2(documents + 1) * 4)}`;
  if (documents === 0 || about === measured) return;
  const levels = new Map<string, number>();
  for (const text of NONSENSE) {
    const hits = await collection.search(text, { mode: "meaning", minScore: 0, limit: NEAREST, signal });
    for (const { id, why } of hits) levels.set(id, Math.max(levels.get(id) ?? -1, why.meaning?.cosine ?? -1));
  }
  measured = about;
  noise.value = levels;
}

/**
 * Whether a hit is nearer to its query than to nonsense, by a margin. What has the query's words, or is not near to nonsense at all, is.
 */
export function isNear({ id, why }: Hit, levels: Noise, margin: number): boolean {
  const level = levels.get(id);
  return why.words !== undefined || level === undefined || why.meaning === undefined || why.meaning.cosine >= level + margin;
}
