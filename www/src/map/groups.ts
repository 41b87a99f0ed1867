/** Clusters on the plane: where each has its name, and its colour. */

import type { Point } from "./view.js";

/** The cells of a side in which the densest part of a cluster is looked for. */
const SIDE = 24;

/** Returns for each cluster the middle of its densest part: a cluster may be in two parts, and its mean where nothing is. */
export function middles(x: Float32Array, y: Float32Array, cluster: ArrayLike<number>, count: number): Point[] {
  const cells = Array.from({ length: count }, () => new Uint32Array(SIDE * SIDE));
  const cellOf = (i: number) => {
    const part = (value: number) => Math.max(0, Math.min(SIDE - 1, Math.floor(((value + 1) / 2) * SIDE)));
    return part(y[i]!) * SIDE + part(x[i]!);
  };
  for (let i = 0; i < x.length; i += 1) {
    const counts = cells[cluster[i]!];
    if (counts) counts[cellOf(i)]! += 1;
  }
  const densest = cells.map((counts) => counts.indexOf(Math.max(...counts)));
  const sums = Array.from({ length: count }, () => ({ x: 0, y: 0, count: 0 }));
  for (let i = 0; i < x.length; i += 1) {
    const own = cluster[i]!;
    const sum = sums[own];
    if (!sum || !isBeside(cellOf(i), densest[own]!)) continue;
    sum.x += x[i]!;
    sum.y += y[i]!;
    sum.count += 1;
  }
  return sums.map(({ x, y, count }) => ({ x: x / Math.max(1, count), y: y / Math.max(1, count) }));
}

/** Whether a cell is another, or touches it. */
function isBeside(a: number, b: number): boolean {
  const rows = Math.abs(Math.floor(a / SIDE) - Math.floor(b / SIDE));
  return rows <= 1 && Math.abs((a % SIDE) - (b % SIDE)) <= 1;
}

/**
 * Returns a colour for each cluster, a number below `colours`: those that are near each other on the plane have different ones, as far as there
 * are enough, since nobody can tell thirty colours apart.
 */
export function coloured(places: readonly Point[], colours: number): number[] {
  const chosen: number[] = [];
  for (const [i, { x, y }] of places.entries()) {
    const before = places
      .slice(0, i)
      .map((other, at) => ({ colour: chosen[at]!, away: (other.x - x) ** 2 + (other.y - y) ** 2 }));
    const nearest = (colour: number) => Math.min(...before.filter((other) => other.colour === colour).map(({ away }) => away));
    let best = 0;
    // The colour whose nearest cluster is furthest away; unused ones are infinitely far.
    for (let colour = 1; colour < colours; colour += 1) if (nearest(colour) > nearest(best)) best = colour;
    chosen.push(best);
  }
  return chosen;
}
