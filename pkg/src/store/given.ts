/** The files of a pack that the page itself has given: nothing is fetched, and nothing is stored. */

import { FelsicError } from "../errors.js";
import type { Delivery } from "../options.js";
import { filesOf, poolingOf } from "./manifests.js";
import { pinnedHash, sha256 } from "./names.js";
import { openStore, type StoreOptions } from "./index.js";
import { BytesReader } from "./reader.js";
import type { FileEntry, FileReader, Pooling, StoredFiles } from "./types.js";

/** More than any manifest has: a file of this size is something else, and is not read into memory. */
const MOST_MANIFEST = 64 << 20;

/** Opens the files of a pack: those that the page has given, or the store. */
export async function openPack({
  files,
  ...options
}: StoreOptions & { readonly files?: Delivery["files"] | undefined }): Promise<StoredFiles> {
  return files ? new GivenFiles(files, options.integrity) : openStore(options);
}

/** A pack in blobs, by the files' names. */
class GivenFiles implements StoredFiles {
  readonly persistent = true;
  readonly #files: Readonly<Record<string, Blob>>;
  readonly #pin: string | undefined;
  #pooling: Pooling | undefined;

  /** `integrity` is the hash that the manifest must have, if the caller knows it, in the form of a script's `integrity`. */
  constructor(files: Readonly<Record<string, Blob>>, integrity: string | undefined) {
    this.#files = files;
    this.#pin = integrity === undefined ? undefined : pinnedHash(integrity);
  }

  get pooling(): Pooling | undefined {
    return this.#pooling;
  }

  async open(file: string, entry: FileEntry | undefined, again: boolean): Promise<FileReader> {
    const blob = this.#find(file);
    if (!entry) return this.#manifest(file, blob);
    const { from, bytes } = entry;
    const isThere = from === undefined ? blob.size === bytes : blob.size >= from + bytes;
    if (!isThere)
      throw new FelsicError("file-length", `${file} has ${blob.size} bytes; the manifest states ${(from ?? 0) + bytes}`);
    // There is no other copy that could be read instead.
    if (again) throw new FelsicError("file-integrity", `${file} does not have the hash that the manifest states`);
    return new BlobReader(file, from === undefined ? blob : blob.slice(from, from + bytes));
  }

  /** What is here need not be read ahead. */
  async recall(): Promise<boolean> {
    return false;
  }

  async has(): Promise<boolean> {
    return true;
  }

  #find(file: string): Blob {
    const blob = Object.hasOwn(this.#files, file) ? this.#files[file] : undefined;
    if (blob) return blob;
    throw new FelsicError("not-found", `files has no ${file}; give all files of the pack's folder, by their names there`);
  }

  async #manifest(file: string, blob: Blob): Promise<FileReader> {
    if (blob.size > MOST_MANIFEST) throw new FelsicError("manifest-invalid", `${file} has ${blob.size} bytes and is no manifest`);
    const bytes = await readable(file, async () => new Uint8Array(await blob.arrayBuffer()));
    if (this.#pin !== undefined && (await sha256(bytes)) !== this.#pin) {
      throw new FelsicError("file-integrity", `${file} does not match the hash in integrity`);
    }
    this.#pooling = poolingOf(bytes);
    // A folder of which a part is missing is a common mistake, which must not show only when a text needs that part.
    for (const { file } of filesOf(bytes) ?? []) this.#find(String(file));
    return new BytesReader(bytes, async () => {});
  }
}

/** Reads a blob piece by piece. */
class BlobReader implements FileReader {
  readonly #file: string;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;

  constructor(file: string, blob: Blob) {
    this.#file = file;
    this.#reader = blob.stream().getReader();
  }

  async read(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return readable(this.#file, async () => (await this.#reader.read()).value);
  }

  async close(): Promise<void> {
    await this.#reader.cancel().catch(() => {});
  }
}

/** Reads something of a file, which may have been changed, moved or removed since it was chosen. */
async function readable<Value>(file: string, read: () => Promise<Value>): Promise<Value> {
  try {
    return await read();
  } catch (cause) {
    const message = `${file} could not be read: it may have been changed or removed since it was chosen`;
    throw new FelsicError("io", message, { cause });
  }
}
