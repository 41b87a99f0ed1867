/** The manifests in a cache: which there are, which files they list, and what nobody lists any more. */

import { bytesOf, type Cache, hasHash } from "./cache.js";
import { ifFree } from "./locks.js";
import { isHash, manifestHash, manifestName, manifestPrefix, PART, sha256 } from "./names.js";
import type { FileEntry } from "./types.js";

/** Which manifest is looked for: of a model's URL, or of a hash, or just any. */
export interface Which {
  readonly prefix?: string | undefined;
  readonly hash?: string | undefined;
}

/** The bytes of a stored manifest, of a pack that is whole if there is one; `onCorrupt` is told of one that is not what its name says and is removed. */
export async function findManifest(
  cache: Cache,
  which: Which,
  onCorrupt: () => void,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
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
  const hash = await sha256(bytes);
  const name = manifestName(prefix, hash);
  const names = await manifestNames(cache, { prefix });
  const stored = await cache.get(name);
  const isStored = stored !== undefined && (await hasHash(stored, hash));
  if (isStored && names.length === 1) return false;
  if (!isStored) await cache.put(name, bytes);
  const earlier = await wholeFirst(
    cache,
    names.filter((other) => other !== name),
  );
  const staying = (await isWhole(cache, name)) ? 0 : 1;
  for (const other of earlier.slice(staying)) await cache.remove(other);
  await evict(cache);
  return Math.min(earlier.length, staying) > 0;
}

/** Whether all files that a stored manifest lists are stored. */
export async function isWhole(cache: Cache, name: string): Promise<boolean> {
  const files = await entries(cache, name);
  for (const { bytes, sha256 } of files ?? []) {
    if ((await cache.get(sha256))?.bytes !== bytes) return false;
  }
  return files !== undefined;
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
  const listed = await listedFiles(cache);
  // Any file may be one of those that are listed where nothing can be read.
  if (!listed) return;
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

/**
 * The hashes of all files that stored manifests list; nothing if one of these cannot be read, or is of another version of
 * felsic. A manifest that is damaged is removed; its files stay this time, so that a load of its pack may bring it back.
 */
async function listedFiles(cache: Cache): Promise<Set<string> | undefined> {
  const listed = new Set<string>();
  let isKnown = true;
  for (const name of await manifestNames(cache, {})) {
    const files = await entries(cache, name);
    if (!files) {
      isKnown = false;
      const stored = await cache.get(name);
      if (stored && !(await hasHash(stored, manifestHash(name)!))) await cache.remove(name);
    }
    for (const { sha256 } of files ?? []) listed.add(sha256);
  }
  return isKnown ? listed : undefined;
}

/** The files that a stored manifest lists; nothing if it cannot be read, is damaged, or is none that is known here. */
export async function entries(cache: Cache, name: string): Promise<FileEntry[] | undefined> {
  try {
    const stored = await cache.get(name);
    const bytes = stored && (await bytesOf(stored));
    // A damaged one may name other files than it did.
    if (!bytes || (await sha256(bytes)) !== manifestHash(name)) return undefined;
    return filesOf(bytes);
  } catch {
    return undefined;
  }
}

/** The files that a manifest lists: the tokenizer, then the shards in their order; nothing if it is none that is known here. */
export function filesOf(manifest: Uint8Array): FileEntry[] | undefined {
  try {
    const { tokenizer, shards } = JSON.parse(new TextDecoder().decode(manifest));
    return [tokenizer, ...shards].map(checkedEntry);
  } catch {
    return undefined;
  }
}

function checkedEntry({ bytes, sha256 }: FileEntry): FileEntry {
  if (typeof bytes !== "number" || !isHash(sha256)) throw new Error("not an entry that is known here");
  return { bytes, sha256 };
}
