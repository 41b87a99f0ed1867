/** Two rankings made one. */

import { hybridScore } from "./score.js";

/** A passage in one of the rankings, which are sorted best first. */
export interface Ranked {
  readonly row: number;
  /** From 0 to 1. */
  readonly score: number;
}

/** A passage in the common ranking. */
export interface Fused {
  readonly row: number;
  /** From 0 to 1, in the order of the hits. */
  readonly score: number;
  /** The place and the score in each ranking that it is in; places begin with 1. */
  readonly meaning?: { readonly rank: number; readonly score: number };
  readonly words?: { readonly rank: number; readonly score: number };
}

/** Options of {@link fuse}. */
export interface FuseOptions {
  /** The most hits. */
  readonly limit?: number;
  /** Hits with a lower score are left out. */
  readonly minScore?: number;
  /** The score by meaning of a passage that the ranking by meaning lacks. Default: that of its last one. */
  readonly unknown?: number;
  /** The least score by meaning of a passage that has words. */
  readonly least?: number;
}

/**
 * Returns the passages of both rankings, best first; of equal ones the first row comes first. A passage that the words lack has none
 * of them; for one that the ranking by meaning lacks, see {@link FuseOptions.unknown}. Without that, and without any ranking by meaning,
 * since the model has not arrived, the words' score stands alone.
 */
export function fuse(
  meaning: readonly Ranked[],
  words: readonly Ranked[],
  { limit = Infinity, minScore = 0, unknown, least }: FuseOptions = {},
): Fused[] {
  const lacking = unknown ?? meaning.at(-1)?.score;
  const byMeaning = placed(meaning);
  const byWords = placed(words);
  const hits: Fused[] = [];
  for (const row of new Set([...byMeaning.keys(), ...byWords.keys()])) {
    const [one, other] = [byMeaning.get(row), byWords.get(row)];
    const meant = one?.score ?? lacking;
    const score = meant === undefined ? other!.score : hybridScore(meant, other?.score ?? 0, least);
    if (score >= minScore) hits.push({ row, score, ...(one && { meaning: one }), ...(other && { words: other }) });
  }
  return hits.sort((a, b) => b.score - a.score || a.row - b.row).slice(0, limit);
}

const placed = (ranking: readonly Ranked[]) => new Map(ranking.map(({ row, score }, i) => [row, { rank: i + 1, score }]));
