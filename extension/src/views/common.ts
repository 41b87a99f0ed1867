/** What all views need: the settings and the state of the memory as signals, and the browser's permissions. */

import { effect, signal } from "@preact/signals";
import { ALL_SITES, originsOf } from "../shared/origins.js";
import { dataOf, sentence } from "../shared/errors.js";
import { call, type MemoryState, type News } from "../shared/messages.js";
import { DEFAULTS, type Settings } from "../shared/settings.js";

export const settings = signal<Settings>(DEFAULTS);
export const state = signal<MemoryState | undefined>(undefined);
/** What went wrong last, for people. */
export const problem = signal<string | undefined>(undefined);
/** Counts the changes of the memory. */
export const changes = signal(0);

/** Does something and shows its failure. */
export async function attempt<Value>(work: () => Promise<Value>): Promise<Value | undefined> {
  try {
    problem.value = undefined;
    return await work();
  } catch (error) {
    problem.value = sentence(dataOf(error).message);
    return undefined;
  }
}

/** Changes settings. */
export async function change(part: Partial<Settings>): Promise<void> {
  await attempt(async () => {
    settings.value = await call("settings.set", part);
  });
}

let refreshing = false;

async function refresh(): Promise<void> {
  if (refreshing) return;
  refreshing = true;
  // News come in crowds while pages are indexed.
  await new Promise((resolve) => setTimeout(resolve, 150));
  refreshing = false;
  state.value = await call("memory.state", {}).catch(() => state.value);
  changes.value += 1;
}

/** Reads everything and keeps it up to date. */
export async function begin(): Promise<void> {
  chrome.runtime.onMessage.addListener((message: Partial<News> | undefined) => {
    if (message?.to === "views") void refresh();
    return false;
  });
  chrome.storage.onChanged.addListener(() => void call("settings.get", {}).then((now) => (settings.value = now)));
  await attempt(async () => {
    settings.value = await call("settings.get", {});
    state.value = await call("memory.state", {});
  });
}

/**
 * Asks the browser for permissions. It has to be called at once when the user clicks: browsers ask only then.
 */
export async function allow(wanted: chrome.permissions.Permissions): Promise<boolean> {
  const isGranted = await chrome.permissions.request(wanted);
  if (isGranted) await call("permissions.changed", {});
  return isGranted;
}

/** Asks for all web pages. */
export function allowAll(): Promise<boolean> {
  return allow({ origins: ALL_SITES });
}

/** Asks for a site. */
export function allowSite(site: string): Promise<boolean> {
  return allow({ origins: originsOf(site) });
}

/** Returns a signal of a value that is asked for anew when something has changed. */
export function live<Value>(begins: Value, read: () => Promise<Value>) {
  const value = signal(begins);
  effect(() => {
    void changes.value;
    void read().then(
      (now) => (value.value = now),
      () => {},
    );
  });
  return value;
}

const UNITS = ["bytes", "kB", "MB", "GB"];

/** Returns bytes as people read them. */
export function bytesText(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(bytes) / 3));
  return `${(bytes / 1000 ** power).toLocaleString(undefined, { maximumFractionDigits: power > 1 ? 1 : 0 })} ${UNITS[power]}`;
}

export function countText(count: number, one: string, other: string): string {
  return `${count.toLocaleString()} ${count === 1 ? one : other}`;
}

export function dateText(time: number): string {
  return new Date(time).toLocaleDateString(undefined, { dateStyle: "medium" });
}
