/** Where what is kept lies on the disk. */

import { join } from "node:path";
import { channelsIn } from "./channels.js";
import { Folder } from "./folders.js";
import { LockFiles } from "./lock-files.js";

/** The locks of a folder that packs are kept in. */
export function locksOf(folder: string): LockFiles {
  return new LockFiles(join(folder, "locks"));
}

/** The class of channels that all who use a folder hear. */
export function channelsOf(folder: string) {
  return channelsIn(join(folder, "locks"));
}

/** What is kept in a folder, with the interface of a browser's private file system. */
export function keptIn(folder: string): Folder {
  return new Folder(folder, locksOf(folder));
}
