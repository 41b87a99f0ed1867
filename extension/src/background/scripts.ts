/** Where the content script runs that reads pages: on sites that are chosen and that the browser has granted, and nowhere else. */

import { ALL_SITES, originsOf } from "../shared/origins.js";
import type { Settings } from "../shared/settings.js";

const SCRIPT = "memory";
const FILE = "content/capture.js";

/** Returns the patterns of the pages that the settings want read and the browser has granted. */
async function granted({ mode, sites }: Settings): Promise<string[]> {
  const wanted = mode === "all" ? ALL_SITES : mode === "sites" ? sites.flatMap(originsOf) : [];
  const checked = await Promise.all(wanted.map((origin) => chrome.permissions.contains({ origins: [origin] })));
  return wanted.filter((_, i) => checked[i]);
}

let last: Promise<void> = Promise.resolve();

/** Registers the script for the right pages, also for those that are open. */
export function syncScripts(settings: Settings): Promise<void> {
  last = last.then(
    () => sync(settings),
    () => sync(settings),
  );
  return last;
}

async function sync(settings: Settings): Promise<void> {
  const matches = await granted(settings);
  const [script] = await chrome.scripting.getRegisteredContentScripts({ ids: [SCRIPT] });
  if (matches.length === 0) {
    if (script) await chrome.scripting.unregisterContentScripts({ ids: [SCRIPT] });
    return;
  }
  // The browser gives them back in its own order.
  if (script?.matches?.toSorted().join(" ") === matches.toSorted().join(" ")) return;
  const registered: chrome.scripting.RegisteredContentScript = { id: SCRIPT, matches, js: [FILE], runAt: "document_idle" };
  await (script ? chrome.scripting.updateContentScripts([registered]) : chrome.scripting.registerContentScripts([registered]));
  await readOpenTabs(matches);
}

/** Puts the script into the pages that are open already. */
async function readOpenTabs(matches: string[]): Promise<void> {
  const tabs = await chrome.tabs.query({ url: matches, discarded: false });
  await Promise.all(tabs.map(({ id }) => (id === undefined ? undefined : inject(id).catch(() => {}))));
}

/** Puts the script into a tab's page; a second time changes nothing. */
export async function inject(tab: number): Promise<void> {
  await chrome.scripting.executeScript({ target: { tabId: tab }, files: [FILE] });
}
