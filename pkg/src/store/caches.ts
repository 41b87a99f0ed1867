/** The caches of a page: which of the two kinds a browser has. */

import type { Cache } from "./cache.js";
import { openCacheApi } from "./cache-api.js";
import { openOpfs } from "./opfs.js";

/** Opens the best cache that a worker can use here; rejects if there is none, as in some private windows and without HTTPS. */
export async function openCache(): Promise<Cache> {
  if (globalThis.isSecureContext === false) {
    throw new Error("browsers keep files only for pages that come by HTTPS or from the machine itself (a secure context)");
  }
  const file = (globalThis as { FileSystemFileHandle?: { prototype: object } }).FileSystemFileHandle?.prototype;
  if (file && "createSyncAccessHandle" in file && "move" in file) {
    const opfs = await openOpfs().catch(() => undefined);
    if (opfs) return opfs;
  }
  return openCacheApi();
}

/** Opens all caches in which workers of this origin may have stored something; creates none. */
export async function existingCaches(): Promise<Cache[]> {
  const opened = await Promise.allSettled([openOpfs({ create: false }), openCacheApi({ create: false })]);
  return opened.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
}
