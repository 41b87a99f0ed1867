/** Notes every request that the page, its workers and this service worker send, and tells the pages. */

import type { Asked, FromWorker } from "../protocol.js";
import { clientOf, isOurs, scope } from "./scope.js";

/** The most that are remembered: pages that have just begun ask for those since their beginning. */
const MOST = 1000;

const log: Asked[] = [];

/** A service worker ends and starts anew as the browser likes; its requests differ from those of the one before. */
const start = crypto.randomUUID();
let count = 0;

/** Notes a request. */
export async function note(request: Omit<Asked, "id">): Promise<void> {
  const asked = { ...request, id: `${start} ${count++}` };
  log.push(asked);
  if (log.length > MOST) log.shift();
  const windows = await scope.clients.matchAll({ type: "window", includeUncontrolled: true });
  for (const window of windows) if (isOurs(window.url)) tell(window, [asked]);
}

/** Tells a page what has been noted since a time. */
export function tellSince(client: Client, since: number): void {
  tell(
    client,
    log.filter(({ when }) => when >= since),
  );
}

function tell(client: Client, asked: readonly Asked[]): void {
  client.postMessage({ type: "asked", asked } satisfies FromWorker);
}

/** Returns who sent a request; `undefined` if it was somebody beside the page. */
export async function sender({ clientId, request }: FetchEvent): Promise<"page" | "worker" | undefined> {
  if (request.mode === "navigate") return isOurs(request.url) ? "page" : undefined;
  const client = await clientOf(clientId);
  if (!client) return "worker";
  if (!isOurs(client.url)) return undefined;
  return client.type === "window" ? "page" : "worker";
}

/** Returns the bytes that an answer has brought over the network, as far as its head tells them. */
export function bytesOf({ headers }: Response): { bytes?: number } {
  const length = headers.get("content-length");
  return length !== null && /^\d+$/.test(length) ? { bytes: Number(length) } : {};
}

/** Returns what the browser has measured of a request of this service worker that has ended. */
export function measured(url: string): Pick<Asked, "from" | "bytes"> | undefined {
  const entry = performance.getEntriesByName(url, "resource").at(-1) as PerformanceResourceTiming | undefined;
  if (!entry || entry.encodedBodySize === 0) return undefined;
  return { from: entry.transferSize === 0 ? "cache" : "network", bytes: entry.transferSize };
}
