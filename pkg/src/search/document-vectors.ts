/**
 * The vectors of whole documents: each is the direction in which the vectors of its passages lie together. Passages that wait for theirs
 * count for nothing.
 */

import type { Contents, Held } from "./contents.js";
import { normalize, type Points } from "./points.js";
import type { DocumentPoints } from "./protocol.js";
import { Slices } from "./slices.js";
import type { Where } from "./types.js";
import { matcher } from "./where.js";

/** Documents with their vectors, in the same order. */
export interface DocumentVectors {
  readonly documents: readonly Held[];
  readonly points: Points;
}

/** Returns the documents that have a vector and fit, by their ids: the order must not depend on when they were added. */
export function documentsOf(contents: Contents, where: Where | undefined): Held[] {
  const fits = where && matcher(where);
  const hasVector = ({ stored, row }: Held) => stored.passages.some((_, at) => contents.hasVector(row + at));
  const documents = Array.from(contents.all()).filter((held) => hasVector(held) && (!fits || fits(held.stored)));
  return documents.sort((a, b) => (a.stored.id < b.stored.id ? -1 : 1));
}

/** Returns the vectors of documents; one whose passages have no common direction is left out. */
export async function vectorsOf(
  contents: Contents,
  documents: readonly Held[],
  dimensions: number,
  slices: Slices,
): Promise<DocumentVectors> {
  const data = new Float32Array(documents.length * dimensions);
  const kept: Held[] = [];
  for (const held of documents) {
    const start = kept.length * dimensions;
    data.fill(0, start, start + dimensions);
    for (const at of held.stored.passages.keys()) {
      const vector = contents.vector(held.row + at);
      if (!vector) continue;
      for (let d = 0; d < dimensions; d += 1) data[start + d]! += vector[d]!;
      if (slices.isOver) await slices.next();
    }
    if (normalize(data, start, dimensions)) kept.push(held);
  }
  return { documents: kept, points: { data: data.subarray(0, kept.length * dimensions), count: kept.length, dimensions } };
}

/** Returns the vectors of documents, by ids; of those that are not there (any more), none. */
export async function pointsOf(
  contents: Contents,
  ids: readonly string[],
  dimensions: number,
  signal: AbortSignal,
): Promise<DocumentPoints> {
  await contents.vectors;
  const there = ids.map((id) => contents.get(id)).filter((held) => held !== undefined);
  const { documents, points } = await vectorsOf(contents, there, dimensions, new Slices(signal));
  return { ids: documents.map(({ stored }) => stored.id), ...points };
}
