/** A live list of what the page and its workers have asked the network for. */

import { computed, type ReadonlySignal, signal } from "@preact/signals";
import type { ModelState } from "../library/types.js";
import type { Asked, FromWorker, ToWorker } from "./protocol.js";

/** A request, as the trust panel shows it. */
export interface NetworkRequest extends Asked {
  /** Whether it was sent before the model was there. Later ones would have to be explained: there should be none. */
  readonly beforeModel: boolean;
}

/**
 * What the list covers. `all`: the page, its workers, and other tabs of the page, as the service worker sees them. `later`: the same, but of
 * the page alone before the service worker was there. `page`: the page alone, as the browser records it.
 */
export type Watched = "all" | "later" | "page";

/** The most that are kept; the oldest are left out first. */
const MOST = 2000;

/** What the list is made of. */
export interface Requests {
  readonly list: ReadonlySignal<readonly NetworkRequest[]>;
  readonly watched: ReadonlySignal<Watched>;
  readonly sinceModel: ReadonlySignal<number | undefined>;
  noteModel(model: Pick<ModelState, "state" | "loadedBytes" | "totalBytes">): void;
}

export function watchRequests(): Requests {
  /**
   * In the order in which they were noted. Browsers ask for the icon at each change of the address: what comes from this device is
   * listed once.
   */
  let known = new Map<string, Asked>();
  const asked = signal<readonly Asked[]>([]);
  /** When the model was there; `undefined` as long as it is not. */
  const readyAt = signal<number | undefined>(undefined);
  const add = (more: readonly Asked[]) => {
    const before = known.size;
    for (const one of more) {
      const key = one.from === "network" ? one.id : one.url;
      if (!known.has(key)) known.set(key, one);
    }
    if (known.size === before) return;
    if (known.size > MOST) known = new Map([...known].slice(-MOST));
    asked.value = [...known.values()];
  };

  const container = navigator.serviceWorker as ServiceWorkerContainer | undefined;
  const watched = signal<Watched>(container?.controller ? "all" : "page");
  container?.addEventListener("message", ({ data }: MessageEvent<FromWorker | undefined>) => {
    if (data?.type !== "asked") return;
    // While the browser's own record of the page is shown, only what it lacks is taken from the service worker.
    add(watched.value === "page" ? data.asked.filter(({ by }) => by === "app") : data.asked);
  });
  container?.startMessages();
  container?.controller?.postMessage({ type: "log", since: performance.timeOrigin } satisfies ToWorker);

  const stop = watched.value === "page" ? watchPage(add) : undefined;
  container?.addEventListener("controllerchange", () => {
    if (watched.value !== "page" || !container.controller) return;
    stop?.();
    watched.value = "later";
  });

  const list = computed(() => {
    const ready = readyAt.value;
    return asked.value.map((one) => ({ ...one, beforeModel: ready === undefined || one.when < ready }));
  });
  return {
    list,
    watched,
    sinceModel: computed(() => {
      if (readyAt.value === undefined) return undefined;
      return list.value.filter((one) => !one.beforeModel && one.from === "network" && one.by !== "app" && !isOwnFile(one.url))
        .length;
    }),
    noteModel({ state, loadedBytes, totalBytes }) {
      const isThere = state === "ready" && loadedBytes >= totalBytes;
      if (!isThere) readyAt.value = undefined;
      else readyAt.value ??= Date.now();
    },
  };
}

/** Where the page's files are, with the hashes of their contents in their names. */
const ASSETS = new URL("assets/", document.baseURI).href;
/** The page's icon, which browsers may fetch again at each change of the address. */
const ICON = new URL("favicon.svg", document.baseURI).href;

/**
 * Whether a request is for a file of the page itself, such as its icon or the script of a further worker: its address is the same for everybody, so it
 * carries nothing of what the page holds.
 */
function isOwnFile(url: string): boolean {
  return url === ICON || (url.startsWith(ASSETS) && !/[?#]/.test(url));
}

/** Reports what the browser has recorded of the page itself, which excludes what its workers ask for; returns what ends it. */
function watchPage(add: (more: readonly Asked[]) => void): () => void {
  const observer = new PerformanceObserver((entries) => add((entries.getEntries() as PerformanceResourceTiming[]).map(recorded)));
  for (const type of ["navigation", "resource"]) observer.observe({ type, buffered: true });
  return () => {
    add((observer.takeRecords() as PerformanceResourceTiming[]).map(recorded));
    observer.disconnect();
  };
}

function recorded(entry: PerformanceResourceTiming): Asked {
  const { name: url, startTime, responseStart, transferSize, encodedBodySize } = entry;
  const when = performance.timeOrigin + startTime;
  const isOther = new URL(url).origin !== location.origin;
  const isKept = transferSize === 0 && encodedBodySize > 0;
  return {
    id: `${entry.entryType} ${startTime} ${url}`,
    url,
    by: "page",
    from: isKept ? "cache" : "network",
    when,
    // Browsers keep the sizes of other hosts' answers to themselves.
    ...(!isOther && { bytes: transferSize }),
    ...(responseStart > 0 && { milliseconds: Math.round(responseStart - startTime) }),
  };
}
