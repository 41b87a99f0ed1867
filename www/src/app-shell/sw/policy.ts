/** Puts the policy of the chosen host on what has one of its own: pages and workers. */

import { headers, policyFor } from "../../policy.js";
import { hostsOfPage } from "../host.js";
import { CHOICE_CACHE, CHOICE_ENTRY } from "../protocol.js";
import { base, clientOf, scope } from "./scope.js";

/** Whether an answer to a request decides what its receiver may ask for. */
export function needsPolicy({ destination, mode }: Request): boolean {
  return mode === "navigate" || destination === "worker" || destination === "sharedworker";
}

/** Returns an answer with the policy that its receiver must have. */
export async function withPolicy(event: FetchEvent, response: Response): Promise<Response> {
  const { request, clientId } = event;
  // A worker has the policy of the page that starts it, whose URL may name a model.
  const page = request.mode === "navigate" ? request.url : ((await clientOf(clientId))?.url ?? base);
  const policy = policyFor(hostsOfPage(page, await stored()));
  const { status, statusText } = response;
  const all = new Headers(response.headers);
  for (const [name, value] of Object.entries(headers(policy))) all.set(name, value);
  return new Response(response.body, { status, statusText, headers: all });
}

async function stored(): Promise<string | undefined> {
  const cache = await scope.caches.open(CHOICE_CACHE);
  return (await cache.match(new URL(CHOICE_ENTRY, base).href))?.text();
}
