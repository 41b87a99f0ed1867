/** Many small segments to one, so that a collection opens fast and removed documents take up no room. */

import { joined } from "../store/network.js";
import type { Contents, Held } from "./contents.js";
import { gathered, type RowsData, type SegmentContent } from "./segments.js";
import type { Arrived, SegmentStore } from "./segment-store.js";
import { type StoredDocument, type TextPlace, waitingOf } from "./stored.js";

/** Segments of up to so many passages are of one size; larger ones stay as they are. */
const SIZES = [64, 512, 2048];
/** The number of segments of one size that become one. */
const MANY = 8;
/** The most passages of a segment that is made of others. */
const MOST_PASSAGES = 8192;
/** The fewest passages that are worth giving up. */
const MOST_UNUSED = 256;

/** A segment, and how many of its passages are in use. */
interface Use {
  readonly number: number;
  readonly passages: number;
  readonly used: number;
}

/** Returns the numbers of segments that should become one; none if it is not worth it. */
export function worthMerging(segments: readonly Use[]): number[] {
  const small = SIZES.map((most) => segments.filter(({ passages }) => passages <= most)).find((alike) => alike.length >= MANY);
  if (small) return fitting(small);
  const unused = segments.filter(({ passages, used }) => passages - used > passages / 2);
  const many = unused.reduce((sum, { passages, used }) => sum + passages - used, 0);
  return many > MOST_UNUSED ? fitting(unused) : [];
}

/** The first segments whose passages fit into one. */
function fitting(segments: readonly Use[]): number[] {
  let passages = 0;
  return segments.filter(({ used }) => (passages += used) <= MOST_PASSAGES).map(({ number }) => number);
}

/** How many passages of each segment are in use. */
export function usesOf(contents: Contents, segments: ReadonlyMap<number, Arrived["file"]>): Use[] {
  const used = new Map<number, number>();
  for (const { segment, stored } of contents.all()) used.set(segment, (used.get(segment) ?? 0) + stored.passages.length);
  return [...segments].map(([number, { header }]) => ({
    number,
    passages: header.rows + (header.waiting ?? 0),
    used: used.get(number) ?? 0,
  }));
}

/**
 * Puts the documents of segments into one. What they say about removed documents stays, unless there is no other segment left that could
 * have such a document. `undefined` if a segment is no longer there.
 */
export async function merged(
  store: SegmentStore,
  contents: Contents,
  numbers: readonly number[],
  { isAll, dimensions }: { readonly isAll: boolean; readonly dimensions: number },
): Promise<SegmentContent | undefined> {
  const documents: StoredDocument[] = [];
  const removed = new Set<string>();
  const texts: Uint8Array[] = [];
  const rows: [RowsData, number][] = [];
  let length = 0;
  for (const number of numbers) {
    const segment = await store.open(number);
    const [data, text] = segment ? await Promise.all([store.rows(segment), store.texts(segment)]) : [];
    if (!segment || !data || !text) return undefined;
    for (const id of segment.documents.removed) if (!isAll && !contents.get(id)) removed.add(id);
    for (const held of contents.all()) {
      if (held.segment !== number) continue;
      const [start, end] = extentOf(held);
      texts.push(text.subarray(start, end));
      documents.push(shifted(held.stored, length - start));
      const count = held.stored.passages.length - waitingOf(held.stored);
      for (let at = 0; at < count; at += 1) rows.push([data, held.first + at]);
      length += end - start;
    }
  }
  const replaces = numbers.map((number) => store.nameOf(number));
  return {
    documents: { documents, removed: [...removed], replaces },
    texts: joined(texts),
    ...gathered(rows, dimensions),
  };
}

/** Where a document's texts are in its segment. */
export function extentOf({ stored: { source, passages } }: Held): [start: number, end: number] {
  const places = source ? [source, ...passages] : passages;
  if (places.length === 0) return [0, 0];
  const [starts, ends] = [places.map(({ at }) => at), places.map(({ at, bytes }) => at + bytes)];
  return [starts.reduce((a, b) => Math.min(a, b)), ends.reduce((a, b) => Math.max(a, b))];
}

/** Returns a document whose texts are elsewhere in a segment. */
export function shifted(stored: StoredDocument, by: number): StoredDocument {
  const move = <T extends TextPlace>(place: T): T => ({ ...place, at: place.at + by });
  return { ...stored, ...(stored.source && { source: move(stored.source) }), passages: stored.passages.map(move) };
}
