/** Arranges documents on a plane so that those that are alike are near each other: principal components, then UMAP. */

import { UMAP } from "umap-js";
import { along, type Axes, axesOf } from "./pca.js";
import type { Points } from "./points.js";
import { seeded } from "./random.js";

const SEED = 3;
/** The components that UMAP sees. */
const COMPONENTS = 50;
/** Up to this many documents the first two components are the picture. */
const FEW = 3;
/** UMAP's neighbours of a document, with itself: more show the whole, fewer the details. */
const NEIGHBOURS = { fewest: 3, most: 15, share: 1 / 4 };
/** UMAP's rounds, as it chooses them itself. */
const EPOCHS = { usual: 500, many: 200, manyDocuments: 2500 };
/** How far the picture extends at first, as UMAP's own beginnings do. */
const EXTENT = 10;
/** The shares of the three parts of the work in its progress. */
const SHARES = { components: 0.1, neighbours: 0.3 };

/** Coordinates, from -1 to 1. */
export interface Arranged {
  readonly x: Float32Array<ArrayBuffer>;
  readonly y: Float32Array<ArrayBuffer>;
}

/** Points that have their places. */
export interface Placed {
  /** The components that UMAP sees. */
  readonly axes: Axes;
  /** The points along them. */
  readonly points: Points;
  readonly places: Arranged;
}

/** Arranges points; `progress` hears the share that is done. */
export function arrange(points: Points, progress: (share: number) => void): Placed {
  const axes = componentsOf(points, (share) => progress(share * SHARES.components));
  const seen = along(points, axes);
  return { axes, points: seen, places: arrangeAlong(seen, progress) };
}

/** Returns the components of points that UMAP sees; `progress` hears the share that is done. */
export function componentsOf(points: Points, progress: (share: number) => void): Axes {
  const wanted = Math.min(COMPONENTS, Math.max(2, points.count - 1));
  return axesOf(points, wanted, (done, total) => progress(done / total));
}

function arrangeAlong(places: Points, progress: (share: number) => void): Arranged {
  const { count } = places;
  const { components, neighbours } = SHARES;
  const flat = plane(places);
  const result =
    count <= FEW
      ? flat
      : umap(places, flat, {
          nearest: (share) => progress(components + share * neighbours),
          moved: (share) => progress(components + neighbours + share * (1 - components - neighbours)),
        });
  progress(1);
  return scaled(result, 1);
}

/** The first two components. */
function plane({ data, count, dimensions }: Points): Arranged {
  const along = (axis: number) =>
    Float32Array.from({ length: count }, (_, i) => (axis < dimensions ? data[i * dimensions + axis]! : 0));
  return { x: along(0), y: along(1) };
}

function umap(places: Points, flat: Arranged, progress: { nearest(share: number): void; moved(share: number): void }): Arranged {
  const { count, data, dimensions } = places;
  const nNeighbors = Math.max(NEIGHBOURS.fewest, Math.min(NEIGHBOURS.most, Math.ceil(count * NEIGHBOURS.share)));
  const nEpochs = count <= EPOCHS.manyDocuments ? EPOCHS.usual : EPOCHS.many;
  const model = new UMAP({ nNeighbors, nEpochs, nComponents: 2, random: seeded(SEED) });
  const { indices, distances } = neighbours(places, nNeighbors, progress.nearest);
  model.setPrecomputedKNN(indices, distances);
  model.initializeFit(Array.from({ length: count }, (_, i) => Array.from(data.subarray(i * dimensions, (i + 1) * dimensions))));
  // It begins with the principal components instead of chance: then what is far apart stays so. These are the points that it moves.
  const moving = model.getEmbedding();
  const start = scaled(flat, EXTENT);
  for (const [i, point] of moving.entries()) [point[0], point[1]] = [start.x[i]!, start.y[i]!];
  for (let epoch = 1; epoch <= nEpochs; epoch += 1) {
    model.step();
    if (epoch % 10 === 0) progress.moved(epoch / nEpochs);
  }
  const ended = model.getEmbedding();
  return { x: Float32Array.from(ended, ([x]) => x!), y: Float32Array.from(ended, ([, y]) => y!) };
}

/** Returns the nearest points of each point, itself first, and their distances: all are compared with all. */
export function neighbours(
  points: Points,
  wanted: number,
  progress: (share: number) => void = () => undefined,
): { readonly indices: number[][]; readonly distances: number[][] } {
  const indices = [];
  const distances = [];
  for (let i = 0; i < points.count; i += 1) {
    const others = nearest(points, points.data, i * points.dimensions, wanted - 1, i);
    indices.push([i, ...others.map(({ j }) => j)]);
    distances.push([0, ...others.map(({ square }) => Math.sqrt(square))]);
    if (i % 128 === 0) progress(i / points.count);
  }
  return { indices, distances };
}

/** A point that is near another. */
export interface Neighbour {
  readonly j: number;
  /** The square of the distance. */
  readonly square: number;
}

/** Returns the `wanted` points nearest to the one in `from`, which begins at `a`; the nearest first, and never the point `itself`. */
export function nearest(
  { data, count, dimensions }: Points,
  from: Float32Array,
  a: number,
  wanted: number,
  itself = -1,
): Neighbour[] {
  const others: Neighbour[] = [];
  let bound = Infinity;
  for (let j = 0; j < count; j += 1) {
    if (j === itself) continue;
    let square = 0;
    const b = j * dimensions;
    // The first components differ most: most points are too far after a few of them.
    for (let d = 0; d < dimensions && square < bound; d += 1) square += (from[a + d]! - data[b + d]!) ** 2;
    if (square >= bound) continue;
    let at = others.length;
    while (at > 0 && others[at - 1]!.square > square) at -= 1;
    others.splice(at, 0, { j, square });
    if (others.length < wanted) continue;
    others.length = wanted;
    bound = others.at(-1)!.square;
  }
  return others;
}

/** Moves a picture's middle to 0 and scales it, both axes alike, so that it extends to -`extent` and `extent`. */
function scaled({ x, y }: Arranged, extent: number): Arranged {
  const [centreX, halfX] = middle(x);
  const [centreY, halfY] = middle(y);
  const half = Math.max(halfX, halfY);
  const scale = half > 0 ? extent / half : 0;
  const clamp = (value: number) => Math.max(-extent, Math.min(extent, value));
  return { x: x.map((value) => clamp((value - centreX) * scale)), y: y.map((value) => clamp((value - centreY) * scale)) };
}

function middle(values: Float32Array): [centre: number, half: number] {
  let [least, most] = [Infinity, -Infinity];
  for (const value of values) [least, most] = [Math.min(least, value), Math.max(most, value)];
  return [(least + most) / 2, (most - least) / 2];
}
