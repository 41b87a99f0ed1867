/** The cache of Node, as the thread sees it that has created an embedder: see ../store/caches.ts. */

import { existsSync } from "node:fs";
import { isGguf } from "../checkpoint/address.js";
import type { Cache } from "../store/cache.js";
import { PACKS } from "../store/names.js";
import { openOpfs } from "../store/opfs.js";
import { keptIn } from "./kept.js";
import { cacheFolder } from "./platform.js";

/** Opens a folder of the cache, if there is one. */
export async function existingCaches(folder = PACKS, directory: string = cacheFolder(undefined)): Promise<Cache[]> {
  const root = keptIn(directory) as unknown as FileSystemDirectoryHandle;
  return openOpfs({ folder, create: false, root }).then(
    (cache) => [cache],
    () => [],
  );
}

/** Whether a model is on this machine: the folder of a pack or a checkpoint, or a GGUF file. */
export function isOnDisk(model: string): boolean {
  if (!model.startsWith("file:")) return false;
  if (isGguf(model)) return existsSync(new URL(model));
  return ["manifest.json", "config.json"].some((name) => existsSync(new URL(name, model)));
}
