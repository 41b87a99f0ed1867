/** Where the content scripts run: on sites that are chosen and that the browser has granted, and nowhere else. */

import { ALL_SITES, originsOf } from "../shared/origins.js";
import { readSettings, type Settings } from "../shared/settings.js";

/** A script, and the pages that it is for. */
interface Script {
  readonly id: string;
  readonly file: string;
  readonly runAt: "document_start" | "document_idle";
  readonly wanted: readonly string[];
}

/** The script that reads a page to remember it. */
export const CAPTURE = "content/capture.js";

/** Returns the scripts with the pages that the settings name. */
function scriptsFor({ mode, sites, bridged }: Settings): Script[] {
  const read = mode === "all" ? ALL_SITES : mode === "sites" ? sites.flatMap(originsOf) : [];
  return [
    { id: "memory", file: CAPTURE, runAt: "document_idle", wanted: read },
    // Before the page's own scripts, which may ask at once.
    { id: "bridge", file: "content/bridge.js", runAt: "document_start", wanted: bridged.flatMap(originsOf) },
  ];
}

/** Returns those of the patterns that the browser has granted. */
async function granted(wanted: readonly string[]): Promise<string[]> {
  const checked = await Promise.all(wanted.map((origin) => chrome.permissions.contains({ origins: [origin] })));
  return wanted.filter((_, i) => checked[i]);
}

let last: Promise<void> = Promise.resolve();

/** Registers the scripts for the pages that the settings name, also for those that are open. */
export function syncScripts(): Promise<void> {
  last = last.then(sync, sync);
  return last;
}

async function sync(): Promise<void> {
  for (const script of scriptsFor(await readSettings())) await register(script);
}

async function register({ id, file, runAt, wanted }: Script): Promise<void> {
  const matches = await granted(wanted);
  const [script] = await chrome.scripting.getRegisteredContentScripts({ ids: [id] });
  if (matches.length === 0) {
    if (script) await chrome.scripting.unregisterContentScripts({ ids: [id] });
    return;
  }
  // The browser gives them back in its own order.
  if (script?.matches?.toSorted().join(" ") === matches.toSorted().join(" ")) return;
  const registered: chrome.scripting.RegisteredContentScript = { id, matches, js: [file], runAt };
  await (script ? chrome.scripting.updateContentScripts([registered]) : chrome.scripting.registerContentScripts([registered]));
  // A tab that the browser has frozen, or that still loads, answers much later.
  void injectInto(matches, file).catch(() => {});
}

/** Puts a script into the pages that are open already. */
async function injectInto(matches: string[], file: string): Promise<void> {
  const tabs = await chrome.tabs.query({ url: matches, discarded: false });
  await Promise.all(tabs.map(({ id }) => (id === undefined ? undefined : put(id, file).catch(() => {}))));
}

/** Puts a script into a tab's page; each of them takes care that a second time changes nothing. */
export async function put(tab: number, file: string): Promise<void> {
  await chrome.scripting.executeScript({ target: { tabId: tab }, files: [file] });
}
