/** Where the choice of a host is kept: twice, since a service worker has no `localStorage`, and the first script cannot wait. */

import { CHOICE_CACHE, CHOICE_ENTRY } from "./protocol.js";

/** What it is stored under in `localStorage`. */
export const STORED = "felsic-host";

/** Returns the stored choice; `null` without one, and where the browser stores nothing. */
export function stored(): string | null {
  try {
    return localStorage.getItem(STORED);
  } catch {
    return null;
  }
}

/** Returns the service worker's copy of the choice; an empty text without one. */
export async function readCopy(): Promise<string> {
  const cache = await globalThis.caches?.open(CHOICE_CACHE);
  return (await (await cache?.match(CHOICE_ENTRY))?.text()) ?? "";
}

/** Removes the service worker's copy. */
export async function removeCopy(): Promise<void> {
  const cache = await globalThis.caches?.open(CHOICE_CACHE);
  await cache?.delete(CHOICE_ENTRY);
}

/** Writes the service worker's copy of the choice. */
export async function writeCopy(origin: string): Promise<void> {
  const cache = await globalThis.caches?.open(CHOICE_CACHE);
  await cache?.put(CHOICE_ENTRY, new Response(origin));
}
