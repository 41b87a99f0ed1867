/** The caches of a page: which of the two kinds of them a browser has. */

import type { Cache } from "./cache.js";
import { openCacheApi } from "./cache-api.js";
import { openOpfs } from "./opfs.js";

/** The best cache that a worker can have here; rejects if there is none, as in some private windows and without HTTPS. */
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

/** All caches in which workers of this origin may have stored something; none of them is made if it is not there. */
export async function existingCaches(): Promise<Cache[]> {
  const opened = await Promise.allSettled([openOpfs({ create: false }), openCacheApi({ create: false })]);
  return opened.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
}
