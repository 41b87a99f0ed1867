/** A cache in the origin's private file system. */

import { type Cache, type Part, type Scratch, type Stored, storedBlob } from "./cache.js";
import { PACKS, PART } from "./names.js";

/** The number of bytes that are read at a time. */
const PIECE = 1 << 20;
/** The number of bytes after which a file in progress is flushed to the disk. */
const FLUSH = 8 << 20;

/** Access to a file that workers have and windows lack, and so do TypeScript's types of windows. */
interface WorkerFile extends FileSystemFileHandle {
  createSyncAccessHandle(): Promise<AccessHandle>;
  move(name: string): Promise<void>;
}

/** Some methods were asynchronous in browsers' first versions. */
interface AccessHandle {
  read(buffer: Uint8Array, options: { at: number }): number;
  write(buffer: Uint8Array, options: { at: number }): number;
  truncate(size: number): void | Promise<void>;
  getSize(): number | Promise<number>;
  flush(): void | Promise<void>;
  close(): void | Promise<void>;
}

/** Which folder is opened, and how. */
interface Opening {
  readonly folder?: string;
  /** Whether it is created; otherwise opening rejects if nothing has been stored there yet. Default `true`. */
  readonly create?: boolean;
  /** The folder that it is in. Default: the origin's private file system. */
  readonly root?: FileSystemDirectoryHandle;
}

/** Opens a folder. */
export async function openOpfs({ folder = PACKS, create = true, root }: Opening = {}): Promise<Cache> {
  root ??= await navigator.storage.getDirectory();
  return new Opfs(await root.getDirectoryHandle(folder, { create }));
}

class Opfs implements Cache {
  readonly #folder: FileSystemDirectoryHandle;

  constructor(folder: FileSystemDirectoryHandle) {
    this.#folder = folder;
  }

  async names(): Promise<string[]> {
    const names: string[] = [];
    for await (const name of this.#folder.keys()) names.push(name);
    return names;
  }

  async get(name: string): Promise<Stored | undefined> {
    const handle = await this.#folder.getFileHandle(name).catch(ignoreMissing);
    const file = await handle?.getFile();
    return file && storedBlob(file);
  }

  async put(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const part = await this.part(name);
    try {
      part.write(bytes, 0);
    } catch (error) {
      await part.drop();
      throw error;
    }
    await part.finish();
  }

  async remove(name: string): Promise<void> {
    await this.#folder.removeEntry(name).catch(ignoreMissing);
  }

  async part(name: string): Promise<Part> {
    const handle = (await this.#folder.getFileHandle(name + PART, { create: true })) as WorkerFile;
    const access = await handle.createSyncAccessHandle();
    return new OpfsPart(this.#folder, handle, access, await access.getSize(), name);
  }

  async scratch(): Promise<Scratch> {
    // Whatever happens to this worker, the next eviction removes it: no manifest lists it.
    const name = crypto.randomUUID() + PART;
    const handle = (await this.#folder.getFileHandle(name, { create: true })) as WorkerFile;
    const access = await handle.createSyncAccessHandle();
    return {
      write: (piece, offset) => writeAll(access, piece, offset),
      read: (bytes) => readSome(access, bytes, 0),
      drop: async () => {
        await access.close();
        await this.#folder.removeEntry(name);
      },
    };
  }
}

/** Chromium's error number for a full disk. */
const NO_SPACE = -8;

function writeAll(access: AccessHandle, piece: Uint8Array, offset: number): void {
  const written = access.write(piece, { at: offset });
  if (written === piece.length) return;
  // Chromium's private windows do not throw if there is no space.
  if (written >= 0 && written < piece.length) throw new DOMException("a file could not be written whole", "QuotaExceededError");
  throw failure(written);
}

/** Reads bytes from an offset on, up to a largest number. */
function readSome(access: AccessHandle, bytes: number, offset: number): Uint8Array<ArrayBuffer> {
  const piece = new Uint8Array(bytes);
  const read = access.read(piece, { at: offset });
  if (!(read >= 0 && read <= bytes)) throw failure(read);
  return piece.subarray(0, read);
}

/** Returns the error for an impossible count. Chromium's private windows return a negative error number as an unsigned one. */
function failure(count: number): DOMException {
  if ((count | 0) === NO_SPACE) return new DOMException("there is no room for a file", "QuotaExceededError");
  return new DOMException("a file that was being written is gone, as when a user clears a site's data", "NotFoundError");
}

class OpfsPart implements Part {
  readonly kept: number;
  readonly #folder: FileSystemDirectoryHandle;
  readonly #handle: WorkerFile;
  readonly #access: AccessHandle;
  readonly #name: string;
  #end: number;
  #flushed = 0;

  constructor(folder: FileSystemDirectoryHandle, handle: WorkerFile, access: AccessHandle, kept: number, name: string) {
    this.#folder = folder;
    this.#handle = handle;
    this.#access = access;
    this.kept = kept;
    this.#end = kept;
    this.#name = name;
  }

  read(offset: number): Uint8Array<ArrayBuffer> {
    return readSome(this.#access, Math.min(PIECE, Math.max(this.kept - offset, 0)), offset);
  }

  write(piece: Uint8Array<ArrayBuffer>, offset: number): void {
    writeAll(this.#access, piece, offset);
    this.#end = offset + piece.length;
    if (this.#end - this.#flushed < FLUSH) return;
    this.#flushed = this.#end;
    void this.#access.flush();
  }

  async finish(): Promise<void> {
    await this.#close();
    await this.#handle.move(this.#name);
  }

  leave(): Promise<void> {
    return this.#close();
  }

  async drop(): Promise<void> {
    await this.#access.close();
    await this.#folder.removeEntry(this.#name + PART);
  }

  async #close(): Promise<void> {
    try {
      await this.#access.truncate(this.#end);
      await this.#access.flush();
    } finally {
      await this.#access.close();
    }
  }
}

function ignoreMissing(error: unknown): undefined {
  if ((error as { name?: unknown }).name !== "NotFoundError") throw error;
}
