/**
 * The page's service worker. It answers with the files of one version, kept on this machine; lets nothing it does not know be changed;
 * notes what is asked for; and gives workers the policy of the chosen host. Requests to other hosts it never answers: they go out
 * under the policy of the page or worker that sends them, which binds redirects too.
 */

import type { ToWorker } from "../protocol.js";
import { activate, install, kept, keptPage } from "./kept.js";
import { bytesOf, note, sender, tellSince } from "./log.js";
import { needsPolicy, withPolicy } from "./policy.js";
import { isOurs, scope } from "./scope.js";
import { isShare, takeShare } from "./share.js";

scope.addEventListener("install", (event) => event.waitUntil(install(event)));

scope.addEventListener("activate", (event) => event.waitUntil(activate(event).then(() => scope.clients.claim())));

scope.addEventListener("message", (event) => {
  const message = event.data as ToWorker | undefined;
  if (message?.type === "log" && event.source instanceof Client) tellSince(event.source, message.since);
  if (message?.type === "claim") event.waitUntil(scope.clients.claim());
  if (message?.type === "replace") event.waitUntil(scope.skipWaiting());
});

scope.addEventListener("fetch", (event) => {
  const { request } = event;
  if (isShare(request)) event.respondWith(takeShare(request));
  else if (request.method === "GET" && isOurs(request.url)) event.respondWith(answer(event));
  else event.waitUntil(observe(event));
});

/** Notes a request that goes its own way. */
async function observe(event: FetchEvent): Promise<void> {
  const when = Date.now();
  // What is not sent anywhere is no request.
  if (!/^https?:/.test(event.request.url)) return;
  const by = await sender(event);
  if (by) await note({ url: event.request.url, by, from: "network", when });
}

async function answer(event: FetchEvent): Promise<Response> {
  const when = Date.now();
  const by = sender(event);
  const found = (await kept(event).catch(() => undefined)) ?? { response: await fromNetwork(event), from: "network" };
  const { from, response } = found;
  const milliseconds = Date.now() - when;
  event.waitUntil(
    by.then(
      (by) =>
        by &&
        note({
          url: event.request.url,
          by,
          from,
          when,
          milliseconds,
          ...(from === "network" ? bytesOf(response) : { bytes: 0 }),
        }),
    ),
  );
  return needsPolicy(event.request) && response.ok ? withPolicy(event, response) : response;
}

async function fromNetwork(event: FetchEvent): Promise<Response> {
  const isPage = event.request.mode === "navigate";
  try {
    return await fetch(event.request);
  } catch (error) {
    const page = isPage ? await keptPage(event) : undefined;
    if (page) return page;
    throw error;
  }
}
