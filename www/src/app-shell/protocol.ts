/** What the page and its service worker say to each other. */

/** A request that the browser was asked for. */
export interface Asked {
  /** Tells a request from another of the same file. */
  readonly id: string;
  readonly url: string;
  /** Who asked: the page (a window), one of its workers, or the service worker, which keeps the page's files for use without a network. */
  readonly by: "page" | "worker" | "app";
  /** Where the answer came from. `cache`: no request left this machine. */
  readonly from: "network" | "cache";
  /** When, in milliseconds since 1970. */
  readonly when: number;
  /** The bytes that came over the network, if they are known: other hosts are asked directly, and nobody counts there. */
  readonly bytes?: number;
  /** Milliseconds until the answer began, if it is known. */
  readonly milliseconds?: number;
}

/** To the service worker. */
export type ToWorker =
  /** A page asks for what has been noted since it began, and to be told what comes. */
  | { readonly type: "log"; readonly since: number }
  /** Take control of the pages that are open. */
  | { readonly type: "claim" }
  /** Take the place of the version before. */
  | { readonly type: "replace" };

/** From the service worker. */
export type FromWorker = { readonly type: "asked"; readonly asked: readonly Asked[] };

/** The cache, and the entry in it beside the page, with a copy of the choice of a host (`chosen.ts`). */
export const CHOICE_CACHE = "felsic-choice";
export const CHOICE_ENTRY = "felsic-chosen-host";

/** Something that another app has shared with this one. */
export interface Shared {
  readonly title?: string;
  readonly text?: string;
  readonly url?: string;
  readonly files: readonly File[];
}

/** The database and its store that shared things wait in. */
export const SHARED_DATABASE = "felsic-shared";
export const SHARED_STORE = "things";
/** The key of the list of shared things. */
export const SHARED_KEY = "waiting";

/** The page's query after something was shared: whether it waits, or could not be kept. */
export const SHARE_WAITS = "shared";
export const SHARE_LOST = "share-lost";

/** The names of the caches with the page's files begin so; the page's folder follows. */
export const FILES_CACHES = ["felsic-app ", "felsic-app-later "] as const;

/** Where other apps send what they share, below the page's folder. */
export const SHARE_PATH = "share";

/** A file of the page, as the service worker's list has it. */
export interface AppFile {
  /** Relative to the service worker's script. */
  readonly url: string;
  /** Part of the hash of its content; `null` if the name has one already. */
  readonly revision: string | null;
  /** `sha256-` and the hash of its content. */
  readonly integrity: string;
}

/** The files of the page. */
export interface AppFiles {
  /** Those that are kept from the start. */
  readonly first: readonly AppFile[];
  /** Those that are kept when they have been used. */
  readonly later: readonly AppFile[];
}
