/** What a page can see in the store, and remove from it, without a worker. */

import type { Cache } from "./cache.js";
import { existingCaches } from "./caches.js";
import { ifFree } from "./locks.js";
import { entries, evict, isWhole, manifestNames } from "./manifests.js";
import { checkpointKey, GPU_MEASURES, indexKey, manifestPrefix, PACKS, PART } from "./names.js";

/** How much of a pack is stored. */
export type StoredState = "complete" | "partial" | "none";

/** Returns how much of the pack at a URL is stored; never rejects. Node keeps packs in `directory`. */
export async function storedState(model: string, directory?: string): Promise<StoredState> {
  try {
    const prefixes = await prefixesOf(model);
    const caches = await existingCaches(PACKS, directory);
    const looked = caches.flatMap((cache) => prefixes.map((prefix) => stateIn(cache, prefix)));
    const states = await Promise.all(looked.map((state) => state.catch(() => "none" as const)));
    return (["complete", "partial"] as const).find((state) => states.includes(state)) ?? "none";
  } catch {
    return "none";
  }
}

/** Returns the prefixes of a URL's manifests: it may be the URL of a pack, or of a checkpoint whose pack was made here. */
function prefixesOf(model: string): Promise<string[]> {
  return Promise.all([model, checkpointKey(model)].map(manifestPrefix));
}

/** Returns how much is stored of the pack whose manifest's name has this prefix. */
export async function stateIn(cache: Cache, prefix: string): Promise<StoredState> {
  const names = await manifestNames(cache, { prefix });
  for (const name of names) if (await isWhole(cache, name)) return "complete";
  return names.length > 0 ? "partial" : "none";
}

/** Removes all stored files, or those that belong only to one model's pack; never rejects. */
export async function deleteStored(model?: string, directory?: string): Promise<void> {
  // What has been measured of GPUs (`gpu/memory.ts`) goes with everything.
  if (model === undefined) await globalThis.caches?.delete(GPU_MEASURES).catch(() => false);
  for (const cache of await existingCaches(PACKS, directory)) {
    const prefixes = model === undefined ? undefined : await prefixesOf(model);
    await (prefixes ? deleteListed(cache, prefixes) : deleteAll(cache)).catch(() => {});
  }
}

/** Removes what is stored of the search index at a URL; never rejects. */
export async function deleteStoredIndex(url: string, directory?: string): Promise<void> {
  for (const cache of await existingCaches(PACKS, directory)) {
    await manifestPrefix(indexKey(url))
      .then((prefix) => deleteListed(cache, [prefix]))
      .catch(() => {});
  }
}

async function deleteAll(cache: Cache): Promise<void> {
  const remove = async (name: string) => {
    // A file that is being fetched at the moment stays.
    const file = name.endsWith(PART) ? name.slice(0, -PART.length) : name;
    await ifFree(file, () => cache.remove(name)).catch(() => {});
  };
  await Promise.all((await cache.names()).map(remove));
}

/** Removes the manifests whose names have one of these prefixes, and the files that only they list. */
async function deleteListed(cache: Cache, prefixes: readonly string[]): Promise<void> {
  const named = prefixes.map((prefix) => manifestNames(cache, { prefix }));
  const names = (await Promise.all(named)).flat();
  const files = (await Promise.all(names.map(async (name) => (await entries(cache, name)) ?? []))).flat();
  for (const name of names) await cache.remove(name);
  await evict(cache, new Set(files.map(({ sha256 }) => sha256)));
}
