/** The files of the page that are kept on this machine: those of one version, and only with the content that the build gave them. */

import { PrecacheController } from "workbox-precaching";
import { type AppFile, FILES_CACHES } from "../protocol.js";
import { bytesOf, measured, note } from "./log.js";
import { base, files, scope } from "./scope.js";

/** The caches are this page's own: other pages of the same host, in other folders, may be the same app. */
const [FIRST, LATER] = [FILES_CACHES[0] + base, FILES_CACHES[1] + base];
/** The folder of the private file system in which felsic keeps the files of models, by their hashes (docs/store.md). */
const PACKS = "felsic";

const TYPES: Readonly<Record<string, string>> = { bin: "application/octet-stream", safetensors: "application/octet-stream" };

const first = new PrecacheController({
  cacheName: FIRST,
  fallbackToNetwork: false,
  plugins: [
    {
      handlerWillStart: async ({ state }) => {
        if (state) state["when"] = Date.now();
      },
      fetchDidSucceed: async ({ request, response, state }) => {
        const when = Number(state?.["when"] ?? Date.now());
        // What the browser has measured is known when the whole file is there.
        void response
          .clone()
          .arrayBuffer()
          .then(({ byteLength }) => {
            const milliseconds = Date.now() - when;
            return note({
              url: request.url,
              by: "app",
              from: "network",
              bytes: byteLength,
              when,
              milliseconds,
              ...measured(request.url),
            });
          });
        return response;
      },
    },
  ],
});
first.addToCacheList([...files.first]);

const later = new Map(files.later.map((file) => [new URL(file.url, base).href, file]));

/** Keeps all files of this version; a single one that is missing or different, and nothing has changed. */
export async function install(event: ExtendableEvent): Promise<void> {
  await takeModel();
  await first.install(event);
}

/** Forgets the files of other versions. */
export async function activate(event: ExtendableEvent): Promise<void> {
  await first.activate(event);
  const cache = await scope.caches.open(LATER);
  const wanted = new Set(files.later.map(keyOf));
  for (const { url } of await cache.keys()) if (!wanted.has(url)) await cache.delete(url);
}

/**
 * Copies the files of the built-in model that the page has loaded, checked and stored already. Where this fails, they are fetched;
 * the browser's own cache may have them still.
 */
async function takeModel(): Promise<void> {
  try {
    const root = await navigator.storage.getDirectory();
    const folder = await root.getDirectoryHandle(PACKS);
    const cache = await scope.caches.open(FIRST);
    for (const { url, revision, integrity } of files.first) {
      const type = TYPES[url.slice(url.lastIndexOf(".") + 1)];
      const href = new URL(url, base).href;
      if (type === undefined || revision !== null || (await cache.match(href))) continue;
      const handle = await folder.getFileHandle(hexOf(integrity)).catch(() => undefined);
      const bytes = await (await handle?.getFile())?.arrayBuffer();
      if (!bytes || (await integrityOf(bytes)) !== integrity) continue;
      const headers = { "content-type": type, "content-length": String(bytes.byteLength) };
      await cache.put(href, new Response(bytes, { headers }));
    }
  } catch {
    // There is no private file system, or nothing in it.
  }
}

/** What an answer is, and whether it needed the network. */
export interface Answer {
  readonly response: Response;
  readonly from: "network" | "cache";
}

/** Returns the kept file at a URL, or keeps it now; `undefined` if it is none of the page's, or not to be had as it should be. */
export async function kept(event: FetchEvent): Promise<Answer | undefined> {
  const { request } = event;
  const href = withoutQuery(request.url);
  const isPage = request.mode === "navigate";
  // A page whose files are not all there is left to the network, which has them all, perhaps of a newer version.
  if (first.getCacheKeyForURL(href) && !(isPage && !(await isWhole()))) {
    const response = await first.matchPrecache(href);
    if (response) return { response, from: "cache" };
    whole = Promise.resolve(false);
  }
  if (first.getCacheKeyForURL(href)) {
    // Only when a page is opened: a service worker that has been removed is not asked for pages any more, and must keep nothing anew.
    if (isPage) event.waitUntil(mend());
    return undefined;
  }
  const file = later.get(href);
  return file && !request.headers.has("range") ? keptLater(event, file) : undefined;
}

/** Returns the page itself, from this machine, even if not all of its files are there. */
export async function keptPage(event: FetchEvent): Promise<Response | undefined> {
  return first.matchPrecache(withoutQuery(event.request.url));
}

async function keptLater(event: FetchEvent, file: AppFile): Promise<Answer | undefined> {
  const cache = await scope.caches.open(LATER);
  const key = keyOf(file);
  const stored = await cache.match(key);
  if (stored) return { response: stored, from: "cache" };
  const mode = file.revision === null ? "default" : "no-cache";
  const response = await fetch(event.request.url, { integrity: file.integrity, cache: mode, signal: event.request.signal }).catch(
    () => undefined,
  );
  if (!response?.ok) return undefined;
  const copy = response.clone();
  // Without space for it, the file is fetched again the next time.
  event.waitUntil(cache.put(key, copy).catch(() => undefined));
  return { response, from: "network" };
}

let whole: Promise<boolean> | undefined;

/** Whether all files of this version are kept. */
function isWhole(): Promise<boolean> {
  whole ??= scope.caches
    .open(FIRST)
    .then((cache) => cache.keys())
    .then((keys) => {
      const there = new Set(keys.map(({ url }) => url));
      return [...first.getURLsToCacheKeys().values()].every((key) => there.has(key));
    })
    .catch(() => false);
  return whole;
}

let mending: Promise<void> | undefined;

/** Fetches what is missing, while the page runs on what the network gives it. */
function mend(): Promise<void> {
  mending ??= fetchMissing().finally(() => {
    mending = undefined;
    whole = undefined;
  });
  return mending;
}

async function fetchMissing(): Promise<void> {
  const cache = await scope.caches.open(FIRST);
  for (const [url, key] of first.getURLsToCacheKeys()) {
    if (await cache.match(key)) continue;
    const integrity = first.getIntegrityForCacheKey(key) ?? "";
    const when = Date.now();
    const response = await fetch(url, { integrity, cache: "no-cache" }).catch(() => undefined);
    if (!response?.ok) continue;
    await cache.put(key, response).catch(() => undefined);
    await note({ url, by: "app", from: "network", when, ...bytesOf(response), ...measured(url) });
  }
}

/** The URL of a file of the page: its query and its hash are the page's own business, and a folder is its page. */
function withoutQuery(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + (pathname.endsWith("/") ? `${pathname}index.html` : pathname);
}

function keyOf({ url, revision }: AppFile): string {
  const key = new URL(url, base);
  if (revision !== null) key.searchParams.set("revision", revision);
  return key.href;
}

/** Returns the hash of an `integrity` in hexadecimal. */
function hexOf(integrity: string): string {
  const bytes = Uint8Array.from(atob(integrity.slice("sha256-".length)), (letter) => letter.charCodeAt(0));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function integrityOf(bytes: ArrayBuffer): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return `sha256-${btoa(String.fromCharCode(...hash))}`;
}
