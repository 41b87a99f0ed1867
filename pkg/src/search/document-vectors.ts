/**
 * The vectors of whole documents: each is the direction in which the vectors of its passages lie together. Passages that wait for theirs
 * count for nothing.
 */

import { FelsicError } from "../errors.js";
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

/** The most documents of a layout: each is compared with all others. */
const MOST_PLACED = 20_000;

/** Returns what a layout needs of the documents that fit. @throws `input-invalid` if they are too many */
export async function pointsForLayout(
  contents: Contents,
  where: Where | undefined,
  dimensions: number,
  signal: AbortSignal,
): Promise<DocumentPoints> {
  const fitting = documentsOf(contents, where);
  if (fitting.length > MOST_PLACED) {
    const message = `layout() places at most ${MOST_PLACED} documents; these are ${fitting.length}: choose some of them with where`;
    throw new FelsicError("input-invalid", message);
  }
  await contents.vectors;
  const { documents, points } = await vectorsOf(contents, fitting, dimensions, new Slices(signal));
  return { ids: documents.map(({ stored }) => stored.id), ...points };
}
