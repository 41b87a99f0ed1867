/** A cache in the Cache API, for browsers without a private file system. It keeps whole files only. */

import type { Cache as Files, Part, Stored } from "./cache.js";
import { PACKS, PART } from "./names.js";

/** Entries are keyed by requests; this host cannot exist. */
const BASE = "https://felsic.invalid/";
const LENGTH = "content-length";

/** Opens the cache of a folder's name; without `create` it rejects if nothing has been stored there yet. */
export async function openCacheApi({ folder = PACKS, create = true } = {}): Promise<Files> {
  if (!globalThis.caches) throw new Error("this browser does not let this page store files");
  if (!create && !(await caches.has(folder))) throw new Error("nothing is stored");
  return new CacheApi(await caches.open(folder));
}

class CacheApi implements Files {
  readonly #cache: Cache;

  constructor(cache: Cache) {
    this.#cache = cache;
  }

  async names(): Promise<string[]> {
    return (await this.#cache.keys()).map(({ url }) => url.slice(BASE.length));
  }

  async get(name: string): Promise<Stored | undefined> {
    const response = await this.#cache.match(BASE + name);
    if (!response) return undefined;
    const empty = () => new Blob().stream();
    return { bytes: Number(response.headers.get(LENGTH)), stream: () => response.body ?? empty(), blob: () => response.blob() };
  }

  put(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    return this.putBlob(name, new Blob([bytes]));
  }

  async putBlob(name: string, blob: Blob): Promise<void> {
    await this.#cache.put(BASE + name, new Response(blob, { headers: { [LENGTH]: String(blob.size) } }));
  }

  async remove(name: string): Promise<void> {
    // Nothing else is stored in parts here.
    if (!name.endsWith(PART)) await this.#cache.delete(BASE + name);
  }

  async part(name: string): Promise<Part> {
    return new BlobPart((whole) => this.putBlob(name, whole));
  }
}

/** Collects a file outside the page's own memory, where browsers keep blobs. */
class BlobPart implements Part {
  readonly kept = 0;
  #blobs: Blob[] = [];
  readonly #put: (whole: Blob) => Promise<void>;

  constructor(put: (whole: Blob) => Promise<void>) {
    this.#put = put;
  }

  read(): Uint8Array<ArrayBuffer> {
    return new Uint8Array();
  }

  /** Appends a piece; pieces come one after another. */
  write(piece: Uint8Array<ArrayBuffer>): void {
    this.#blobs.push(new Blob([piece]));
  }

  finish(): Promise<void> {
    return this.#put(new Blob(this.#blobs));
  }

  async leave(): Promise<void> {
    this.#blobs = [];
  }

  async drop(): Promise<void> {
    this.#blobs = [];
  }
}
