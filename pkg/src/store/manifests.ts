/** The manifests in a cache: which there are, which files they list, and which files none lists any more. */

import { bytesOf, type Cache, hasHash } from "./cache.js";
import { ifFree } from "./locks.js";
import { isHash, manifestHash, manifestName, manifestPrefix, PART, sha256 } from "./names.js";
import type { FileEntry, Pooling } from "./types.js";

/** Which manifest is wanted: that of a model's URL, that of a hash, or any. */
export interface Which {
  readonly prefix?: string | undefined;
  readonly hash?: string | undefined;
}

/**
 * Returns the bytes of a stored manifest, of a complete pack if there is one. A manifest whose bytes do not have the hash in its
 * name is removed and reported to `onCorrupt`.
 */
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
 * Stores the manifest of a model's URL, or of a checkpoint's key, and removes files that no manifest lists any more. An
 * earlier revision stays until this one is complete, so that there is always one to use without a network. Returns whether
 * an earlier one has stayed.
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

/** Whether all files that a stored manifest lists are stored, but for those that are fetched as they are needed. */
export async function isWhole(cache: Cache, name: string): Promise<boolean> {
  const files = await entries(cache, name);
  for (const { bytes, sha256, isExtra } of files ?? []) {
    if (!isExtra && (await cache.get(sha256))?.bytes !== bytes) return false;
  }
  return files !== undefined;
}

/** Sorts several revisions, complete ones first. */
async function wholeFirst(cache: Cache, names: string[]): Promise<string[]> {
  if (names.length < 2) return names;
  const whole = await Promise.all(names.map((name) => isWhole(cache, name)));
  const those = (wanted: boolean) => names.filter((_, index) => whole[index] === wanted);
  return [...those(true), ...those(false)];
}

/** Removes files that no stored manifest lists; with `only`, only those among them. */
export async function evict(cache: Cache, only?: ReadonlySet<string>): Promise<void> {
  const listed = await listedFiles(cache);
  // A manifest that cannot be read may list any file.
  if (!listed) return;
  for (const name of await cache.names()) {
    if (manifestHash(name) !== undefined) continue;
    const file = name.endsWith(PART) ? name.slice(0, -PART.length) : name;
    if (listed.has(file) || (only && !only.has(file))) continue;
    // The holder of the lock is about to write the file. A file that cannot be removed now is removed another time.
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
 * Returns the hashes of all files that stored manifests list; `undefined` if a manifest cannot be read, or is of another version of
 * felsic. A damaged manifest is removed; its files stay this time, so that a load of its pack may restore it.
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

/** A file that a manifest lists. */
export interface Listed extends FileEntry {
  /** Its name beside the manifest, which nothing here has checked. */
  readonly file?: unknown;
  /** Whether it is fetched only if it is needed. */
  readonly isExtra?: boolean;
}

/** Returns the files that a stored manifest lists; `undefined` if it cannot be read, is damaged, or has an unknown form. */
export async function entries(cache: Cache, name: string): Promise<Listed[] | undefined> {
  try {
    const stored = await cache.get(name);
    const bytes = stored && (await bytesOf(stored));
    // A damaged manifest may name other files than before.
    if (!bytes || (await sha256(bytes)) !== manifestHash(name)) return undefined;
    return filesOf(bytes);
  } catch {
    return undefined;
  }
}

/** The `format` of the manifest of a search index. */
export const INDEX_FORMAT = "felsic-index";

/**
 * Returns the files that a manifest lists: of a pack, the tokenizer, then the shards in order; of a search index, what a search
 * needs, then texts. `undefined` if its form is unknown.
 */
export function filesOf(manifest: Uint8Array): Listed[] | undefined {
  try {
    const { format, tokenizer, shards, words, segments } = JSON.parse(new TextDecoder().decode(manifest));
    if (format === INDEX_FORMAT) return [checkedEntry(words), ...segments.flatMap(segmentFiles)];
    return [tokenizer, ...shards].map(checkedEntry);
  } catch {
    return undefined;
  }
}

/** Returns the files of a segment. The texts are stored in blocks, each under its own hash, or whole. */
function segmentFiles({ documents, vectors, fine, texts }: Record<string, FileEntry>): Listed[] {
  const { bytes, block, blocks } = texts as FileEntry & { readonly block: number; readonly blocks: readonly string[] };
  const parts = blocks.map((sha256, index) => ({ bytes: Math.min(block, bytes - index * block), sha256 }));
  const needed = [documents, vectors, ...(fine ? [fine] : [])] as FileEntry[];
  const extra = [texts as FileEntry, ...parts].map((entry) => ({ ...checkedEntry(entry), isExtra: true }));
  return [...needed.map(checkedEntry), ...extra];
}

/** Returns how the model of a manifest pools; `undefined` if it does not say so in a form that is known here. */
export function poolingOf(manifest: Uint8Array): Pooling | undefined {
  try {
    const { pooling } = JSON.parse(new TextDecoder().decode(manifest)).config;
    return pooling === "cls" || pooling === "mean" ? pooling : undefined;
  } catch {
    return undefined;
  }
}

function checkedEntry({ file, bytes, sha256 }: Listed): Listed {
  if (typeof bytes !== "number" || !isHash(sha256)) throw new Error("no entry");
  return { file, bytes, sha256 };
}
