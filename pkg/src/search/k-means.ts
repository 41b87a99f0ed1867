/**
 * Spherical k-means: centres of groups of unit vectors, by cosine. It begins with k-means++ in its greedy form, from a fixed seed: the same
 * vectors in the same order have the same centres.
 */

import { dot, normalize, type Points } from "./points.js";
import { sampled, seeded } from "./random.js";
import type { Slices } from "./slices.js";

const SEED = 1;
const MOST_ROUNDS = 40;
/** It ends when at most this share of the points has changed its centre. */
const SETTLED = 1 / 2000;
/** How often it begins anew, and takes the best; of many points, with as many as these. */
const TRIES = 4;
const FEW = 2000;
/** A distance (1 - cosine) that is only rounding. */
const ROUNDING = 1e-6;

/** Points by their nearest centres. */
interface Assigned {
  /** The nearest centre of each point. */
  readonly nearest: Int32Array<ArrayBuffer>;
  /** The sum of the points' distances to it. */
  readonly cost: number;
  readonly changed: number;
}

/** Returns at most `count` centres; fewer only if there are fewer different points. */
export async function kMeans(points: Points, count: number, slices: Slices): Promise<Points> {
  const random = seeded(SEED);
  const few = thinned(points, FEW, random);
  let best: { readonly centres: Points; readonly cost: number } | undefined;
  for (let tried = 0; tried < TRIES; tried += 1) {
    const centres = await firstCentres(few, Math.min(count, few.count), random, slices);
    const cost = await settle(few, centres, slices);
    if (!best || cost < best.cost) best = { centres, cost };
  }
  if (few !== points) await settle(points, best!.centres, slices);
  return best!.centres;
}

/** Returns at most `most` of the points. */
function thinned(points: Points, most: number, random: () => number): Points {
  const { data, count, dimensions } = points;
  if (count <= most) return points;
  const some = new Float32Array(most * dimensions);
  for (const [i, point] of sampled(count, most, random).entries()) {
    some.set(data.subarray(point * dimensions, (point + 1) * dimensions), i * dimensions);
  }
  return { data: some, count: most, dimensions };
}

/** Returns the centre that a unit vector is nearest to, and their cosine. */
export function nearestCentre(
  data: Float32Array,
  at: number,
  { data: centres, count, dimensions }: Points,
): { readonly centre: number; readonly cosine: number } {
  let centre = 0;
  let cosine = -Infinity;
  for (let other = 0; other < count; other += 1) {
    const found = dot(data, at, centres, other * dimensions, dimensions);
    if (found > cosine) [centre, cosine] = [other, found];
  }
  return { centre, cosine };
}

/** k-means++: each centre is a point that lies far from those before it; of a few that chance names, the one that helps most. */
async function firstCentres(
  { data, count: n, dimensions }: Points,
  count: number,
  random: () => number,
  slices: Slices,
): Promise<Points> {
  const centres = new Float32Array(count * dimensions);
  const candidates = 2 + Math.floor(2 * Math.log(count));
  let distances = new Float64Array(n).fill(Infinity);
  let total = Infinity;
  let made = 0;
  while (made < count && total > 0) {
    let best: { readonly point: number; readonly distances: Float64Array<ArrayBuffer>; readonly total: number } | undefined;
    for (let tried = 0; tried < (made === 0 ? 1 : candidates); tried += 1) {
      const point = made === 0 ? Math.floor(random() * n) : drawn(distances, random());
      const nearer = new Float64Array(n);
      let sum = 0;
      for (let i = 0; i < n; i += 1) {
        const distance = 1 - dot(data, i * dimensions, data, point * dimensions, dimensions);
        nearer[i] = Math.min(distances[i]!, distance < ROUNDING ? 0 : distance);
        sum += nearer[i]!;
        if ((i & 63) === 0 && slices.isOver) await slices.next();
      }
      if (!best || sum < best.total) best = { point, distances: nearer, total: sum };
    }
    const at = best!.point * dimensions;
    centres.set(data.subarray(at, at + dimensions), made * dimensions);
    ({ distances, total } = best!);
    made += 1;
  }
  return { data: centres.slice(0, made * dimensions), count: made, dimensions };
}

/**
 * Returns a point that `chance` names, from 0 to below 1: each has the weight of its distance, squared. Groups of vectors are wide, and
 * without the square most points would be of groups that have a centre already.
 */
function drawn(distances: Float64Array, chance: number): number {
  const target = chance * distances.reduce((sum, distance) => sum + distance * distance, 0);
  let sum = 0;
  let last = 0;
  for (const [i, distance] of distances.entries()) {
    if (distance === 0) continue;
    sum += distance * distance;
    last = i;
    if (sum > target) break;
  }
  return last;
}

/** Moves the centres to the middle of their points until the points keep to them; returns the cost. */
async function settle(points: Points, centres: Points, slices: Slices): Promise<number> {
  let nearest = new Int32Array(points.count).fill(-1);
  for (let round = 1; ; round += 1) {
    const assigned = await assign(points, centres, nearest, slices);
    if (assigned.changed <= points.count * SETTLED || round === MOST_ROUNDS) return assigned.cost;
    ({ nearest } = assigned);
    moveToMiddle(points, centres, nearest);
  }
}

async function assign(
  { data, count, dimensions }: Points,
  centres: Points,
  before: Int32Array,
  slices: Slices,
): Promise<Assigned> {
  const nearest = new Int32Array(count);
  let [cost, changed] = [0, 0];
  for (let i = 0; i < count; i += 1) {
    const { centre, cosine } = nearestCentre(data, i * dimensions, centres);
    nearest[i] = centre;
    cost += 1 - cosine;
    if (before[i] !== centre) changed += 1;
    if ((i & 15) === 0 && slices.isOver) await slices.next();
  }
  return { nearest, cost, changed };
}

/** A centre without points, or whose points have no common direction, stays where it is. */
function moveToMiddle({ data, count, dimensions }: Points, centres: Points, nearest: Int32Array): void {
  const sums = new Float32Array(centres.data.length);
  for (let i = 0; i < count; i += 1) {
    const [from, to] = [i * dimensions, nearest[i]! * dimensions];
    for (let d = 0; d < dimensions; d += 1) sums[to + d]! += data[from + d]!;
  }
  for (let centre = 0; centre < centres.count; centre += 1) {
    const at = centre * dimensions;
    if (normalize(sums, at, dimensions)) centres.data.set(sums.subarray(at, at + dimensions), at);
  }
}
