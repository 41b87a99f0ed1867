/** A search: the engine has the pages and bookmarks, the browser the open tabs. */

import type { Found, SearchRequest, TitledItem } from "../shared/messages.js";
import { readSettings } from "../shared/settings.js";
import { engine } from "./engine.js";

export async function search(request: SearchRequest): Promise<Found[]> {
  const tabs = await openTabs(request);
  return (await engine({ to: "engine", name: "engine.search", input: { ...request, ...(tabs && { tabs }) } })) as Found[];
}

/** Returns the tabs that are open, if they are to be searched and the browser tells. */
async function openTabs({ sources }: SearchRequest): Promise<TitledItem[] | undefined> {
  const { tabs: isWanted } = await readSettings();
  if (!isWanted || sources?.includes("tab") === false) return undefined;
  if (!(await chrome.permissions.contains({ permissions: ["tabs"] }))) return undefined;
  const tabs = await chrome.tabs.query({});
  return tabs.flatMap(({ id, title, url, incognito }) =>
    id !== undefined && title && url && !incognito && /^https?:/.test(url) ? [{ id: `tab:${id}`, title, url }] : [],
  );
}
