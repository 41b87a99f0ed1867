/** Hits as the views show them, of all sources together. */

import type { Hit } from "felsic/search";
import { canonical, pageAddress, siteOf } from "../shared/addresses.js";
import { linkOf } from "../shared/links.js";
import type { Found, SourceName } from "../shared/messages.js";

const number = (value: unknown) => (typeof value === "number" ? value : undefined);

/** Returns what is shown of a hit. */
export function found(hit: Hit, source: SourceName): Found {
  const { id, score, passage, highlights, meta } = hit;
  const url = hit.url ?? id;
  const address = pageAddress(url);
  const [last, visits] = [number(meta?.["last"]), number(meta?.["visits"])];
  const tab = source === "tab" ? Number(id.slice(id.indexOf(":") + 1)) : undefined;
  return {
    id,
    source,
    url,
    // A title is not a passage of the page.
    link: source === "page" ? linkOf(url, passage.text, highlights) : url,
    title: hit.title ?? url,
    site: address ? siteOf(address) : "",
    ...(last !== undefined && { last }),
    ...(visits !== undefined && { visits }),
    ...(tab !== undefined && { tab }),
    score,
    passage: passage.text,
    highlights,
  };
}

/** Returns the best hits of several sources. A page that is a bookmark or open as well is found once, by its text, with its tab. */
export function joined(lists: readonly (readonly Found[])[], limit: number): Found[] {
  const byPage = new Map<string, Found>();
  for (const hit of lists.flat()) {
    const address = pageAddress(hit.url);
    const key = address ? canonical(address) : hit.id;
    const other = byPage.get(key);
    const [first, second] = other?.source === "page" || !other ? [other ?? hit, hit] : [hit, other];
    const tab = first.tab ?? second.tab;
    byPage.set(key, { ...first, score: Math.max(first.score, second.score), ...(tab !== undefined && { tab }) });
  }
  return [...byPage.values()].sort((a, b) => b.score - a.score).slice(0, limit);
}
