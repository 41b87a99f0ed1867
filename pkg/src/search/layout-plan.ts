/** Which documents of a layout are arranged, and which are placed among them. */

import { sampled, seeded } from "./random.js";
import type { Layout, LayoutPoint } from "./types.js";

/** Up to so many documents, all are arranged: each is compared with all others. */
const MOST = 20_000;
/** Of more, so many are. It also bounds those that further ones are compared with. */
const SAMPLE = 10_000;
const SEED = 5;

/** What is arranged first, and what is placed among it. */
export interface Plan {
  readonly first: readonly string[];
  readonly others: readonly string[];
  /** Documents that have places already, the first among them: those are not arranged. */
  readonly from?: ReadonlyMap<string, LayoutPoint>;
}

/** Returns the plan of a layout of documents. */
export function planOf(ids: readonly string[]): Plan {
  return ids.length > MOST ? divided(ids) : { first: ids, others: [] };
}

/** Returns a plan in which the documents that have places keep them. */
export function planAround(ids: readonly string[], from: ReadonlyMap<string, LayoutPoint>): Plan {
  const kept = [...from.keys()];
  const { first } = kept.length > SAMPLE ? divided(kept) : { first: kept };
  return { first, others: ids.filter((id) => !from.has(id)), from };
}

/** Divides documents into a sample and the others. */
function divided(ids: readonly string[]): Plan {
  const sample = new Set(sampled(ids.length, SAMPLE, seeded(SEED)));
  return { first: ids.filter((_, at) => sample.has(at)), others: ids.filter((_, at) => !sample.has(at)) };
}

/** Returns the places that documents have in a layout, as far as they are in it. */
export function placesOf({ ids, x, y }: Layout, wanted: readonly string[]): Map<string, LayoutPoint> {
  const names = new Set(wanted);
  const places = new Map<string, LayoutPoint>();
  for (const [at, id] of ids.entries()) if (names.has(id)) places.set(id, { x: x[at]!, y: y[at]! });
  return places;
}
