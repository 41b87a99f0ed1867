/** What a map shows: documents on a plane, and their clusters. */

import type { Cluster, Layout } from "felsic/search";
import { Grid } from "./grid.js";
import { coloured, middles } from "./groups.js";
import { COLOURS } from "./theme.js";
import type { Point } from "./view.js";

/** Documents that are alike. */
export interface Group {
  /** What sets them apart, best first; perhaps nothing does. */
  readonly words: readonly string[];
  readonly size: number;
  /** The middle of its densest part. */
  readonly middle: Point;
  /** The number of its colour. */
  readonly colour: number;
}

/** A map. */
export interface Chart extends Layout {
  /** The group of each document. */
  readonly cluster: Uint8Array<ArrayBuffer>;
  readonly groups: readonly Group[];
  /** How many documents the layout was made of; others have come since. */
  readonly arranged: number;
  readonly grid: Grid;
  /** The place of an id in `ids`. */
  readonly at: ReadonlyMap<string, number>;
}

/** The clusters of documents, by ids; for one that is in none, that of its nearest document counts. */
export interface Grouping {
  readonly of: ReadonlyMap<string, number>;
  readonly words: readonly (readonly string[])[];
}

/** Returns clusters by the ids of their documents. */
export function groupingOf(clusters: readonly Cluster[]): Grouping {
  const of = new Map(clusters.flatMap(({ ids }, at) => ids.map((id) => [id, at] as const)));
  return { of, words: clusters.map(({ label }) => label) };
}

/** How far away the nearest document is looked for, wider and wider. */
const WIDTHS = [0.02, 0.1, 0.5, 3];

/** Puts a map together. */
export function chartOf({ ids, x, y }: Layout, { of, words }: Grouping, arranged: number): Chart {
  const grid = new Grid(x, y);
  const at = new Map(ids.map((id, i) => [id, i]));
  const known = ids.flatMap((id, i) => (of.has(id) ? [i] : []));
  const cluster = Uint8Array.from(ids, (id) => of.get(id) ?? 0);
  if (known.length < ids.length && known.length > 0) {
    const pick = (axis: Float32Array) => Float32Array.from(known, (i) => axis[i]!);
    const near = new Grid(pick(x), pick(y));
    for (const [i, id] of ids.entries()) {
      if (of.has(id)) continue;
      const place = { x: x[i]!, y: y[i]! };
      for (const width of WIDTHS) {
        const found = near.nearest(place, width);
        if (found === undefined) continue;
        cluster[i] = cluster[known[found]!]!;
        break;
      }
    }
  }
  const places = middles(x, y, cluster, words.length);
  const colours = coloured(places, COLOURS);
  const sizes = new Uint32Array(words.length);
  for (const own of cluster) sizes[own]! += 1;
  const groups = words.map((own, i) => ({ words: own, size: sizes[i]!, middle: places[i]!, colour: colours[i]! }));
  return { ids, x, y, cluster, groups, arranged, grid, at };
}
