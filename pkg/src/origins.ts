/**
 * The hosts that a worker sends requests to. A worker takes its content security policy from its own response and not from
 * the page, and a static host may not be able to send one with scripts: then the page names the allowed hosts at the start.
 */

import { FelsicError } from "./errors.js";

/** The origins allowed in this worker; without them every host is allowed. */
let allowed: readonly string[] | undefined;
/** The origin of felsic's scripts. */
let own: string | undefined;

/** Allows requests only to these origins, the page's, and that of felsic's scripts (`scriptUrl` is one of them). */
export function allowOnly(origins: readonly string[] | undefined, scriptUrl: string): void {
  allowed = origins;
  own = new URL(scriptUrl).origin;
}

/** Whether a value is an origin of {@link CreateOptions.allowedOrigins}. */
export function isOrigin(value: unknown): value is string {
  if (typeof value !== "string") return false;
  if (/^https?:$/.test(value)) return true;
  const origin = value.replace(/:\*$/, "");
  return /^https?:\/\//.test(origin) && URL.canParse(origin) && new URL(origin).origin === origin;
}

/** Whether a URL's host also serves the page's or felsic's own scripts, and so learns nothing from requests. */
export function isOwn(url: string | URL): boolean {
  const { origin } = new URL(url);
  return origin === globalThis.location?.origin || origin === own;
}

/** Whether a URL is that of a file on this machine, as only Node reads: it is not stored a second time. */
export function isLocal(url: string): boolean {
  return url.startsWith("file:");
}

/** Whether a URL may be requested. */
export function isAllowed(url: string | URL): boolean {
  if (allowed === undefined) return true;
  if (isOwn(url)) return true;
  const { protocol, hostname, origin } = new URL(url);
  return allowed.some((entry) => {
    if (entry === protocol || entry === origin) return true;
    return entry.endsWith(":*") && entry.slice(0, -2) === `${protocol}//${hostname}`;
  });
}

/** Calls `fetch`, but refuses what the page does not allow: the request and, after a redirect, its answer. */
export async function fetchAllowed(url: string | URL, init?: RequestInit): Promise<Response> {
  if (!isAllowed(url)) throw refused(url);
  const response = await fetch(url, init);
  if (!response.redirected || isAllowed(response.url)) return response;
  await response.body?.cancel().catch(() => {});
  throw refused(response.url);
}

function refused(url: string | URL): FelsicError {
  return new FelsicError("input-invalid", `this page does not allow requests to ${new URL(url).origin} (allowedOrigins)`);
}
