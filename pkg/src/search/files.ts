/** The names that segments have where they are stored, and the names of collections in them. */

import { type Cache, storedBlob } from "../store/cache.js";
import { PART, sha256 } from "../store/names.js";
import { openSegment } from "./segments.js";

/** The folder of collections. */
export const COLLECTIONS = "felsic-search";

const SEGMENT = /^(.+)-(\d{12})\.segment$/;
/** The longest name that stands in names of files as it is. */
const LONGEST = 120;

/** Returns how the names of a collection's files begin. */
export async function prefixOf(name: string): Promise<string> {
  const encoded = encodeName(name);
  return encoded.length <= LONGEST ? encoded : `~${(await sha256(new TextEncoder().encode(name))).slice(0, 32)}`;
}

/** Escapes everything but small letters and digits: some file systems take capitals for small letters. */
function encodeName(name: string): string {
  const bytes = new TextEncoder().encode(name);
  return Array.from(bytes, (byte) => {
    const character = String.fromCharCode(byte);
    return /[a-z0-9_]/.test(character) ? character : `%${byte.toString(16).padStart(2, "0")}`;
  }).join("");
}

function decodeName(prefix: string): string | undefined {
  try {
    return decodeURIComponent(prefix);
  } catch {
    return undefined;
  }
}

/** Returns the name of a collection's lock, and of the channel on which its tabs tell each other of changes. */
export function lockOf(prefix: string): string {
  return `felsic-search:${prefix}`;
}

/** Returns the name of a segment's file. */
export function segmentName(prefix: string, number: number): string {
  return `${prefix}-${String(number).padStart(12, "0")}.segment`;
}

/** Returns the number of a segment by the name of its file; `undefined` if the file is none of the collection's segments. */
export function segmentNumber(prefix: string, file: string): number | undefined {
  const [, found, number] = SEGMENT.exec(file) ?? [];
  return found === prefix ? Number(number) : undefined;
}

/** Returns the number of the next segment, after all that there are and all that there have been. */
export function nextNumber(last: number): number {
  return Math.max(last + 1, Math.floor(Date.now() / 10));
}

/** Whether a file is a collection's: one of its segments, or a part of one. */
export function belongsTo(prefix: string, file: string): boolean {
  return segmentNumber(prefix, file.endsWith(PART) ? file.slice(0, -PART.length) : file) !== undefined;
}

/** Returns the names of the collections that have segments in a cache. */
export async function collectionsIn(cache: Cache): Promise<string[]> {
  const files = new Map<string, string>();
  for (const file of await cache.names()) {
    const prefix = SEGMENT.exec(file)?.[1];
    if (prefix !== undefined) files.set(prefix, file);
  }
  const names = await Promise.all([...files].map(([prefix, file]) => nameIn(cache, prefix, file)));
  return names.filter((name) => name !== undefined);
}

/** A long name is not in the names of the files, but in the files. */
async function nameIn(cache: Cache, prefix: string, file: string): Promise<string | undefined> {
  if (!prefix.startsWith("~")) return decodeName(prefix);
  try {
    const stored = await cache.get(file);
    return stored && (await openSegment(await stored.blob())).header.name;
  } catch {
    return undefined;
  }
}

/** A cache that keeps files in memory. */
export class MemoryCache implements Cache {
  readonly #files = new Map<string, Blob>();

  async names(): Promise<string[]> {
    return [...this.#files.keys()];
  }

  async get(name: string) {
    const blob = this.#files.get(name);
    return blob && storedBlob(blob);
  }

  async put(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    this.#files.set(name, new Blob([bytes]));
  }

  async remove(name: string): Promise<void> {
    this.#files.delete(name);
  }

  part(): Promise<never> {
    return Promise.reject(new Error("memory keeps whole files only"));
  }
}
