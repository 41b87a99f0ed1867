/** What a page can see of the store, and remove from it, without a worker. */

import { type Cache, existingCaches } from "./cache.js";
import { ifFree } from "./locks.js";
import { entries, evict, manifestNames } from "./manifests.js";
import { manifestPrefix, PART } from "./names.js";

/** How much of a pack is stored. */
export type StoredState = "complete" | "partial" | "none";

/** How much of the pack at a URL is stored; never rejects. */
export async function storedState(model: string): Promise<StoredState> {
  try {
    const prefix = await manifestPrefix(model);
    const caches = await existingCaches();
    const states = await Promise.all(caches.map((cache) => stateIn(cache, prefix).catch(() => "none" as const)));
    return (["complete", "partial"] as const).find((state) => states.includes(state)) ?? "none";
  } catch {
    return "none";
  }
}

async function stateIn(cache: Cache, prefix: string): Promise<StoredState> {
  const [manifest] = await manifestNames(cache, { prefix });
  if (manifest === undefined) return "none";
  const files = await entries(cache, manifest);
  for (const { bytes, sha256 } of files) {
    if ((await cache.get(sha256))?.bytes !== bytes) return "partial";
  }
  return files.length > 0 ? "complete" : "partial";
}

/** Removes everything that is stored, or what belongs to one model's pack alone; never rejects. */
export async function deleteStored(model?: string): Promise<void> {
  for (const cache of await existingCaches()) {
    await (model === undefined ? deleteAll(cache) : deletePack(cache, model)).catch(() => {});
  }
}

async function deleteAll(cache: Cache): Promise<void> {
  for (const name of await cache.names()) {
    // A file that is being fetched right now stays.
    const file = name.endsWith(PART) ? name.slice(0, -PART.length) : name;
    await ifFree(file, () => cache.remove(name)).catch(() => {});
  }
}

async function deletePack(cache: Cache, model: string): Promise<void> {
  const names = await manifestNames(cache, { prefix: await manifestPrefix(model) });
  const files = (await Promise.all(names.map((name) => entries(cache, name)))).flat();
  for (const name of names) await cache.remove(name);
  await evict(cache, new Set(files.map(({ sha256 }) => sha256)));
}
