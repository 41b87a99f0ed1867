/** The caches of a page: which of the two kinds a browser has. For Node, build.mjs replaces this module with node/caches.ts. */

import type { Cache } from "./cache.js";
import { openCacheApi } from "./cache-api.js";
import { PACKS } from "./names.js";
import { openOpfs } from "./opfs.js";

/** Opens a folder of the best cache that a worker can use here; rejects if there is none, as in some private windows and without HTTPS. */
export async function openCache(folder = PACKS): Promise<Cache> {
  if (globalThis.isSecureContext === false) {
    throw new Error("browsers keep files only for pages that come by HTTPS or from the machine itself (a secure context)");
  }
  const file = (globalThis as { FileSystemFileHandle?: { prototype: object } }).FileSystemFileHandle?.prototype;
  if (file && "createSyncAccessHandle" in file && "move" in file) {
    const opfs = await openOpfs({ folder }).catch((error: unknown) => {
      // Node has no other kind.
      if (!globalThis.caches) throw error;
    });
    if (opfs) return opfs;
  }
  return openCacheApi({ folder });
}

/** Opens a folder of all caches in which workers of this origin may have stored something; creates none. Node's are in `_directory`. */
export async function existingCaches(folder = PACKS, _directory?: string): Promise<Cache[]> {
  const opened = await Promise.allSettled([openOpfs({ folder, create: false }), openCacheApi({ folder, create: false })]);
  return opened.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
}

/** Whether a model is in a folder of this machine, so that nothing has to be fetched; a page reaches no such folder. */
export function isOnDisk(_model: string): boolean {
  return false;
}
