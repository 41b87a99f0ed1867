/**
 * What is known of each remembered page, beside the collection: a collection is searched, and does not list its documents. A record is
 * written before its document and removed after it, so there is no document without a record, and whatever forgets goes by records.
 */

import { clear, createStore, delMany, entries, get, set, setMany } from "idb-keyval";
import type { PageRecord, Selection } from "../shared/messages.js";

const records = createStore("felsic-pages", "pages");

/** The most times of visits that are kept. */
const VISITS = 20;

/** Returns the record of a page. */
export function recordOf(id: string): Promise<PageRecord | undefined> {
  return get<PageRecord>(id, records);
}

/** Returns a record with a further visit; one that is known already changes nothing. */
export function visited(
  record: PageRecord | undefined,
  page: Pick<PageRecord, "id" | "url" | "title" | "site">,
  time: number,
): PageRecord {
  const times = [...new Set([...(record?.visits ?? []), time])].sort((a, b) => a - b);
  return {
    ...page,
    first: Math.min(record?.first ?? time, time),
    last: Math.max(record?.last ?? time, time),
    visits: times.slice(-VISITS),
    bytes: record?.bytes ?? 0,
  };
}

/** Writes a record. */
export function keep(record: PageRecord): Promise<void> {
  return set(record.id, record, records);
}

/** Writes records. */
export function keepAll(all: readonly PageRecord[]): Promise<void> {
  return setMany(
    all.map((record) => [record.id, record]),
    records,
  );
}

/** Returns the records that are selected, the latest first. */
export async function select(selection: Selection): Promise<PageRecord[]> {
  const fits = fitting(selection);
  const all = (await entries<string, PageRecord>(records)).map(([, record]) => record);
  return all.filter(fits).sort((a, b) => b.last - a.last);
}

/** Returns whether a page is selected. */
export function fitting({ ids, site, from, to }: Selection): (page: Pick<PageRecord, "id" | "site" | "last">) => boolean {
  const named = ids && new Set(ids);
  return (page) =>
    (!named || named.has(page.id)) &&
    (site === undefined || page.site === site) &&
    (from === undefined || page.last >= from) &&
    (to === undefined || page.last < to);
}

/** Removes records. */
export function drop(ids: readonly string[]): Promise<void> {
  return delMany([...ids], records);
}

/** Removes all records. */
export function dropAll(): Promise<void> {
  return clear(records);
}
