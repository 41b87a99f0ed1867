/** What Node has in place of a page: see ../platform.ts. */

import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism, homedir } from "node:os";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { FelsicError } from "../errors.js";
import { channelsOf, locksOf } from "./kept.js";

/** The protocols of URLs; any other string is a path, such as one that begins with a Windows drive's letter. */
const URLS = /^(https?|file|data|blob):/i;

/** Makes a URL absolute; a string may be a path, relative to the working directory. Throws if it is neither. */
export function absolute(value: string | URL): URL {
  if (value instanceof URL) return value;
  if (URLS.test(value)) return new URL(value);
  const url = pathToFileURL(resolve(value));
  // A path's last slash says that it is a folder's.
  if (/[\\/]$/.test(value) && !url.pathname.endsWith("/")) url.pathname += "/";
  return url;
}

/**
 * Returns the URL of a file of the package. A bundler for servers may have put it where nothing reads files from, or have lost it:
 * then it is that of the installed package, if there is one.
 */
export function located(name: string, made: () => URL): URL {
  const url = tried(made);
  if (url && existsSync(url)) return url;
  for (const folder of folders()) {
    const file = join(folder, name);
    if (existsSync(file)) return pathToFileURL(file);
  }
  if (url) return url;
  throw new Error("neither this bundle nor a node_modules folder has it");
}

/** Returns the folders where the package's files may be: beside this module, and in the packages of the program that runs. */
function* folders(): Iterable<string> {
  const here = tried(() => new URL(".", import.meta.url));
  if (here?.protocol === "file:") yield fileURLToPath(here);
  for (const from of [process.argv[1] ?? "", join(process.cwd(), "index.js")]) {
    try {
      yield join(dirname(createRequire(resolve(from)).resolve("felsic/package.json")), "dist");
    } catch {
      // It is not installed there.
    }
  }
}

function tried(made: () => URL): URL | undefined {
  try {
    const url = new URL(String(made()));
    return url.protocol === "file:" ? url : undefined;
  } catch {
    return undefined;
  }
}

/** Returns the path of the folder that packs are kept in. */
export function cacheFolder(wanted: string | URL | undefined): string {
  if (wanted !== undefined && wanted !== "") return folder(wanted, "cacheDirectory");
  return join(ofUser("XDG_CACHE_HOME", ".cache", "Library/Caches"), "felsic");
}

/** Returns the path of the folder that collections are kept in: unlike packs, they cannot be fetched again. */
export function collectionFolder(wanted: string | URL | undefined): string {
  if (wanted !== undefined && wanted !== "") return folder(wanted, "directory");
  return join(ofUser("XDG_DATA_HOME", ".local/share", "Library/Application Support"), "felsic");
}

function folder(wanted: string | URL, name: string): string {
  const url = absolute(wanted);
  if (url.protocol === "file:") return fileURLToPath(url);
  throw new FelsicError("input-invalid", `${name} must be a path or a file: URL, not ${url.href}`);
}

/** Returns a folder of the user, as the conventions of the system have it. */
function ofUser(variable: string, elsewhere: string, onMac: string): string {
  const named = process.env[variable];
  // The convention wants a path that is not absolute to be ignored.
  if (named && isAbsolute(named)) return named;
  if (process.platform === "win32") return process.env["LOCALAPPDATA"] || join(homedir(), "AppData", "Local");
  return join(homedir(), process.platform === "darwin" ? onMac : elsewhere);
}

/** The locks that all have in common who keep collections in a folder. */
export function sharedLocks(directory: string = collectionFolder(undefined)): LockManager {
  return locksOf(directory) as unknown as LockManager;
}

/** Opens a channel that they all hear. */
export function sharedChannel(name: string, directory: string = collectionFolder(undefined)): BroadcastChannel {
  return new (channelsOf(directory))(name) as unknown as BroadcastChannel;
}

/** The number of threads that the process may use. */
export function threads(): number {
  return availableParallelism();
}

/** Makes an event of the browsers' proposal about a load; Node has no class for it. */
export function downloadProgress(loaded: number): Event {
  return Object.assign(new Event("downloadprogress"), { lengthComputable: true, loaded, total: 1 });
}
