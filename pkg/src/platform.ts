/** What a page has and Node has not, or has otherwise: for Node, build.mjs replaces this module with node/platform.ts. */

/** Makes a URL absolute, against the page; throws if it is none. */
export function absolute(value: string | URL): URL {
  return new URL(value, globalThis.document?.baseURI ?? globalThis.location?.href);
}

/** Returns the URL of the package's file `_name`, from the one that bundlers have made; throws if that is none. */
export function located(_name: string, made: () => URL): URL {
  // Some bundlers provide an object that is not a URL and has only a path.
  return new URL(String(made()), globalThis.location?.href);
}

/** Returns the folder that packs are kept in, if a caller can choose it: browsers choose it themselves. */
export function cacheFolder(_wanted: string | URL | undefined): string | undefined {
  return undefined;
}

/** Returns the folder that collections are kept in, if a caller can choose it: browsers choose it themselves. */
export function collectionFolder(_wanted: string | URL | undefined): string | undefined {
  return undefined;
}

/** The locks that all have in common who keep something in the same place; in Node, `_directory`. */
export function sharedLocks(_directory?: string): LockManager | undefined {
  return globalThis.navigator?.locks;
}

/** Opens a channel that they all hear; throws if there is none here. */
export function sharedChannel(name: string, _directory?: string): Pick<BroadcastChannel, "onmessage" | "postMessage" | "close"> {
  return new BroadcastChannel(name);
}

/** The number of the machine's threads. */
export function threads(): number {
  return globalThis.navigator?.hardwareConcurrency || 1;
}

/** Makes an event of the browsers' proposal about a load, whose `loaded` goes from 0 to 1. */
export function downloadProgress(loaded: number): Event {
  return new ProgressEvent("downloadprogress", { lengthComputable: true, loaded, total: 1 });
}
