/**
 * Copies of files that the page could not get again: a view shows pages of them. They are in the page's own file system, in a folder of the
 * library, and take up a bounded part of the room.
 */

import { sha256OfText } from "./hash.js";

const FOLDER = "felsic-originals";
/** The most bytes of one copy and of all. */
const MOST_BYTES = 100 << 20;
const MOST_BYTES_OF_ALL = 2 ** 30;
/** The most that all copies may take of the room that the browser grants. */
const MOST_SHARE = 0.25;

/** The copies of one library. */
export class Originals {
  /** Keeps a copy, if there is room; returns whether there is one. */
  async keep(path: string, file: File, signal: AbortSignal): Promise<boolean> {
    try {
      signal.throwIfAborted();
      if (file.size > MOST_BYTES || !(await this.#hasRoom(file.size))) return false;
      const handle = await (await folder(true)).getFileHandle(await nameOf(path), { create: true });
      const writable = await handle.createWritable();
      await file.stream().pipeTo(writable, { signal });
      return true;
    } catch {
      signal.throwIfAborted();
      // Without a copy, its text is shown.
      return false;
    }
  }

  /** Returns a copy as the file that it was. */
  async get(path: string, modified: number): Promise<File | undefined> {
    try {
      const copy = await (await (await folder(false)).getFileHandle(await nameOf(path))).getFile();
      return new File([copy], path.slice(path.lastIndexOf("/") + 1), { lastModified: modified });
    } catch {
      return undefined;
    }
  }

  async remove(path: string): Promise<void> {
    try {
      await (await folder(false)).removeEntry(await nameOf(path));
    } catch {
      // It is not there.
    }
  }

  /** Removes the copies of all other files: a visit that was cut off may have left one that is noted nowhere. */
  async sweep(paths: readonly string[]): Promise<void> {
    try {
      const copies = await folder(false);
      const names = new Set<string>();
      for await (const name of copies.keys()) names.add(name);
      if (names.size === 0) return;
      for (const path of paths) names.delete(await nameOf(path));
      for (const name of names) await copies.removeEntry(name);
    } catch {
      // There are none, or one is in use: the next visit looks again.
    }
  }

  async #hasRoom(bytes: number): Promise<boolean> {
    const { quota = 0, usage = 0 } = await navigator.storage.estimate();
    let kept = 0;
    for await (const entry of (await folder(true)).values()) {
      if (entry.kind === "file") kept += (await entry.getFile()).size;
    }
    return kept + bytes <= Math.min(MOST_BYTES_OF_ALL, quota * MOST_SHARE) && usage + bytes * 2 <= quota;
  }
}

async function folder(create: boolean): Promise<FileSystemDirectoryHandle> {
  return (await navigator.storage.getDirectory()).getDirectoryHandle(FOLDER, { create });
}

/** Paths have characters that names of files must not have. */
async function nameOf(path: string): Promise<string> {
  return sha256OfText(path);
}
