/** The manifests in a cache: which there are, which files they list, and what nobody lists any more. */

import { bytesOf, type Cache } from "./cache.js";
import { ifFree } from "./locks.js";
import { manifestHash, manifestName, manifestPrefix, PART, sha256 } from "./names.js";
import type { FileEntry } from "./types.js";

/** Which manifest is looked for: of a model's URL, or of a hash, or just any. */
export interface Which {
  readonly prefix?: string | undefined;
  readonly hash?: string | undefined;
}

/** The bytes of a stored manifest, of a pack that is whole if there is one; `onCorrupt` is told of one that is not what its name says and is removed. */
export async function findManifest(cache: Cache, which: Which, onCorrupt: () => void): Promise<Uint8Array<ArrayBuffer> | undefined> {
  for (const name of await wholeFirst(cache, await manifestNames(cache, which))) {
    const stored = await cache.get(name);
    if (!stored) continue;
    const bytes = await bytesOf(stored);
    if ((await sha256(bytes)) === manifestHash(name)) return bytes;
    onCorrupt();
    await cache.remove(name);
  }
  return undefined;
}

/**
 * Stores the manifest of a model's URL, or of a checkpoint's key, and removes files that nobody lists any more. An
 * earlier revision stays until this one is whole, so that there is always one to be used without a network. Says whether
 * one has stayed.
 */
export async function keepManifest(cache: Cache, model: string, bytes: Uint8Array<ArrayBuffer>): Promise<boolean> {
  const prefix = await manifestPrefix(model);
  const name = manifestName(prefix, await sha256(bytes));
  const names = await manifestNames(cache, { prefix });
  if (names.length === 1 && names[0] === name) return false;
  if (!names.includes(name)) await cache.put(name, bytes);
  const earlier = await wholeFirst(cache, names.filter((other) => other !== name));
  const staying = (await isWhole(cache, name)) ? 0 : 1;
  for (const other of earlier.slice(staying)) await cache.remove(other);
  await evict(cache);
  return Math.min(earlier.length, staying) > 0;
}

/** Whether all files that a stored manifest lists are stored. */
export async function isWhole(cache: Cache, name: string): Promise<boolean> {
  const files = await entries(cache, name);
  for (const { bytes, sha256 } of files) {
    if ((await cache.get(sha256))?.bytes !== bytes) return false;
  }
  return files.length > 0;
}

/** Of several revisions those first that are whole. */
async function wholeFirst(cache: Cache, names: string[]): Promise<string[]> {
  if (names.length < 2) return names;
  const whole = await Promise.all(names.map((name) => isWhole(cache, name)));
  const those = (wanted: boolean) => names.filter((_, index) => whole[index] === wanted);
  return [...those(true), ...those(false)];
}

/** Removes what no stored manifest lists; with `only`, no other files than those. */
export async function evict(cache: Cache, only?: ReadonlySet<string>): Promise<void> {
  const listed = new Set<string>();
  for (const name of await manifestNames(cache, {})) {
    for (const { sha256 } of await entries(cache, name)) listed.add(sha256);
  }
  for (const name of await cache.names()) {
    if (manifestHash(name) !== undefined) continue;
    const file = name.endsWith(PART) ? name.slice(0, -PART.length) : name;
    if (listed.has(file) || (only && !only.has(file))) continue;
    // Whoever has the lock is about to write the file. What cannot be removed now is removed another time.
    await ifFree(file, () => cache.remove(name)).catch(() => {});
  }
}

export async function manifestNames(cache: Cache, { prefix = "", hash }: Which): Promise<string[]> {
  return (await cache.names()).filter((name) => {
    const own = manifestHash(name);
    return own !== undefined && name.startsWith(prefix) && (hash === undefined || own === hash);
  });
}

/** The files that a stored manifest lists; none if it cannot be read. */
export async function entries(cache: Cache, name: string): Promise<FileEntry[]> {
  try {
    const stored = await cache.get(name);
    const { tokenizer, shards } = JSON.parse(stored ? new TextDecoder().decode(await bytesOf(stored)) : "");
    return [tokenizer, ...shards].map(({ bytes, sha256 }: FileEntry) => ({ bytes, sha256 }));
  } catch {
    return [];
  }
}
