/** Places points among others that have their places already: each at the mean of those of its nearest ones. */

import { type Arranged, nearest, type Placed } from "./arrange.js";
import { along } from "./pca.js";
import type { Points } from "./points.js";

/** How many of the nearest decide, and the rounds in which the width of their weights is found. */
const NEAREST = 8;
const ROUNDS = 24;

/** Returns the places of further points. */
export function placeAmong({ axes, points: known, places }: Placed, points: Points): Arranged {
  const { data, count, dimensions } = along(points, axes);
  const x = new Float32Array(count);
  const y = new Float32Array(count);
  for (let i = 0; i < count; i += 1) {
    const near = nearest(known, data, i * dimensions, Math.min(NEAREST, known.count));
    for (const [at, weight] of weights(near.map(({ square }) => Math.sqrt(square))).entries()) {
      x[i]! += weight * places.x[near[at]!.j]!;
      y[i]! += weight * places.y[near[at]!.j]!;
    }
  }
  return { x, y };
}

/**
 * The weights that UMAP gives to distances, which rise: `exp(-(distance - the least one) / width)` with the width at which the weights
 * sum up to the binary logarithm of their number; then divided by their sum. So a point lies beside its nearest one where the others are
 * far, and amid all where none is nearer than the others.
 */
export function weights(distances: readonly number[]): number[] {
  const beyond = distances.map((distance) => distance - distances[0]!);
  const furthest = beyond.at(-1) ?? 0;
  if (!(furthest > 0)) return distances.map(() => 1 / distances.length);
  const at = (width: number) => beyond.map((distance) => Math.exp(-distance / width));
  const wanted = Math.log2(distances.length);
  // The sum rises with the width, from the number of the nearest to that of all.
  let [low, high] = [furthest * 1e-3, furthest * 1e3];
  for (let round = 0; round < ROUNDS; round += 1) {
    const width = Math.sqrt(low * high);
    if (sum(at(width)) < wanted) low = width;
    else high = width;
  }
  const found = at(Math.sqrt(low * high));
  const total = sum(found);
  return found.map((weight) => weight / total);
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
