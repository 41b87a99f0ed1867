/** What a page can do with stored collections without a worker: list them, delete them. */

import { FelsicError } from "../errors.js";
import { existingCaches } from "../store/caches.js";
import { belongsTo, COLLECTIONS, collectionsIn, lockOf, prefixOf } from "./files.js";
import { exclusive, listen } from "./guard.js";

/** Returns the names of all stored collections, in order. */
export async function storedCollections(directory?: string): Promise<string[]> {
  const names = await Promise.all((await existing(directory)).map((cache) => collectionsIn(cache).catch(failed)));
  return [...new Set(names.flat())].sort();
}

/** Removes a collection, after what is being written, and tells whoever has it open. */
export async function deleteCollection(name: string, directory?: string): Promise<void> {
  const prefix = await prefixOf(name);
  const work = async () => {
    for (const cache of await existing(directory)) {
      const files = (await cache.names().catch(failed)).filter((file) => belongsTo(prefix, file));
      // The last one first, so that what an interruption leaves is an earlier state.
      for (const file of files.sort().reverse()) await cache.remove(file).catch(failed);
    }
  };
  await exclusive(lockOf(prefix), work, { directory });
  const news = listen(lockOf(prefix), () => undefined, directory);
  news.tell();
  news.close();
}

async function existing(directory: string | undefined) {
  return globalThis.isSecureContext === false ? [] : existingCaches(COLLECTIONS, directory);
}

function failed(cause: unknown): never {
  throw new FelsicError("io", "the browser does not read or remove the stored collections; try again", { cause });
}
