/**
 * Folders of the disk with the interface of a browser's private file system, as far as the store uses it: so packs are kept in Node by
 * the code that keeps them in a page, under the same names and with the same checks.
 */

import { closeSync, fsyncSync, ftruncateSync, fstatSync, openSync, read, readSync, renameSync, writeSync } from "node:fs";
import { mkdir, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { LockFiles } from "./lock-files.js";

/** The number of bytes that are read at a time. */
const PIECE = 1 << 18;

const readPiece = promisify(read);

/** A folder. */
export class Folder {
  readonly #path: string;
  readonly #locks: LockFiles;

  constructor(path: string, locks: LockFiles) {
    this.#path = path;
    this.#locks = locks;
  }

  async getDirectoryHandle(name: string, { create = false } = {}): Promise<Folder> {
    const path = this.#inside(name);
    if (create) await known(mkdir(path, { recursive: true }));
    else if (!(await known(stat(path))).isDirectory()) throw new DOMException(`${path} is no folder`, "TypeMismatchError");
    return new Folder(path, this.#locks);
  }

  async getFileHandle(name: string, { create = false } = {}): Promise<File> {
    const path = this.#inside(name);
    if (create) attempt(() => closeSync(openSync(path, "a")));
    else if (!(await known(stat(path))).isFile()) throw new DOMException(`${path} is no file`, "TypeMismatchError");
    return new File(this.#path, name, this.#locks);
  }

  async *keys(): AsyncIterable<string> {
    yield* await known(readdir(this.#path));
  }

  /** Removes a file, or a folder if it is empty or `recursive`; fails for a file that is open for writing. */
  async removeEntry(name: string, { recursive = false } = {}): Promise<void> {
    const path = this.#inside(name);
    const release = this.#locks.take(path);
    if (!release) throw inUse(path);
    try {
      const { isFolder } = await known(stat(path).then((found) => ({ isFolder: found.isDirectory() })));
      await known(rm(path, { recursive: isFolder && recursive }));
    } finally {
      release();
    }
  }

  #inside(name: string): string {
    if (name === "" || name === "." || name === ".." || /[\\/\0]/.test(name)) throw new TypeError(`${name} is no name of a file`);
    return join(this.#path, name);
  }
}

/** A file. In the workers it stands for the browsers' `FileSystemFileHandle`, by whose methods the store knows what it can do. */
export class File {
  readonly #folder: string;
  readonly #locks: LockFiles;
  #name: string;

  constructor(folder: string, name: string, locks: LockFiles) {
    this.#folder = folder;
    this.#name = name;
    this.#locks = locks;
  }

  get name(): string {
    return this.#name;
  }

  /** Returns what is in the file now; a file that is read is never written, only replaced. */
  async getFile(): Promise<Content> {
    return new Content(this.#path, 0, (await known(stat(this.#path))).size);
  }

  /** Opens the file for reading and writing, for one at a time. */
  async createSyncAccessHandle(): Promise<Access> {
    const release = this.#locks.take(this.#path);
    if (!release) throw inUse(this.#path);
    try {
      return new Access(
        attempt(() => openSync(this.#path, "r+")),
        release,
      );
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Gives the file another name, in one step; a file of that name is replaced. */
  async move(name: string): Promise<void> {
    attempt(() => renameSync(this.#path, join(this.#folder, name)));
    this.#name = name;
  }

  get #path(): string {
    return join(this.#folder, this.#name);
  }
}

/** The content of a file, or a part of it, with the interface of a blob; it is read when it is asked for. */
class Content {
  readonly type = "";
  readonly size: number;
  readonly #path: string;
  readonly #start: number;

  constructor(path: string, start: number, size: number) {
    this.#path = path;
    this.#start = start;
    this.size = size;
  }

  stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return streamOf(this.#path, this.#start, this.size);
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return new Response(this.stream()).arrayBuffer();
  }

  async text(): Promise<string> {
    return new TextDecoder().decode(await this.arrayBuffer());
  }

  slice(start = 0, end = this.size): Content {
    const within = (at: number) => Math.min(Math.max(at < 0 ? this.size + at : at, 0), this.size);
    return new Content(this.#path, this.#start + within(start), Math.max(within(end) - within(start), 0));
  }
}

/**
 * Reads bytes of a file. Every piece has memory of its own, which whoever reads may free.
 *
 * The file is open under its number: Node closes it with the thread, which may end at any time. A `FileHandle` that is being opened or
 * read then stays open.
 */
export function streamOf(path: string, start: number, bytes: number): ReadableStream<Uint8Array<ArrayBuffer>> {
  let at = start;
  let file: number | undefined;
  let reading: Promise<unknown> | undefined;
  const close = async () => {
    // Not while it is read: its number may soon stand for another file.
    await reading?.catch(() => undefined);
    if (file !== undefined) closeSync(file);
    file = undefined;
  };
  return new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      async pull(controller) {
        try {
          file ??= openSync(path, "r");
          const piece = new Uint8Array(Math.min(PIECE, start + bytes - at));
          const read = readPiece(file, piece, 0, piece.length, at);
          reading = read;
          const { bytesRead } = await read;
          at += bytesRead;
          if (bytesRead > 0) controller.enqueue(piece.subarray(0, bytesRead));
          if (bytesRead > 0 && at < start + bytes) return;
          await close();
          controller.close();
        } catch (error) {
          await close();
          throw translated(error);
        }
      },
      cancel: close,
    },
    { highWaterMark: 0 },
  );
}

/** A file that is open for reading and writing. */
class Access {
  #file: number | undefined;
  readonly #release: () => void;

  constructor(file: number, release: () => void) {
    this.#file = file;
    this.#release = release;
  }

  read(buffer: Uint8Array, { at = 0 } = {}): number {
    return attempt(() => readSync(this.#open, buffer, 0, buffer.length, at));
  }

  write(buffer: Uint8Array, { at = 0 } = {}): number {
    let written = 0;
    while (written < buffer.length) {
      written += attempt(() => writeSync(this.#open, buffer, written, buffer.length - written, at + written));
    }
    return written;
  }

  truncate(size: number): void {
    attempt(() => ftruncateSync(this.#open, size));
  }

  getSize(): number {
    return attempt(() => fstatSync(this.#open)).size;
  }

  flush(): void {
    attempt(() => fsyncSync(this.#open));
  }

  close(): void {
    if (this.#file === undefined) return;
    const file = this.#file;
    this.#file = undefined;
    try {
      closeSync(file);
    } finally {
      this.#release();
    }
  }

  get #open(): number {
    if (this.#file === undefined) throw new DOMException("the file is closed", "InvalidStateError");
    return this.#file;
  }
}

function inUse(path: string): DOMException {
  return new DOMException(`${path} is being written`, "NoModificationAllowedError");
}

/** The browsers' names of what may go wrong. */
const NAMES: Readonly<Record<string, string>> = {
  ENOENT: "NotFoundError",
  ENOSPC: "QuotaExceededError",
  EDQUOT: "QuotaExceededError",
  EFBIG: "QuotaExceededError",
  EACCES: "NotAllowedError",
  EPERM: "NotAllowedError",
  EROFS: "NotAllowedError",
};

function translated(error: unknown): unknown {
  const { code, message } = error as { code?: unknown; message?: unknown };
  const name = typeof code === "string" ? NAMES[code] : undefined;
  return name === undefined ? error : new DOMException(String(message), name);
}

function attempt<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw translated(error);
  }
}

function known<T>(work: Promise<T>): Promise<T> {
  return work.catch((error: unknown) => {
    throw translated(error);
  });
}
