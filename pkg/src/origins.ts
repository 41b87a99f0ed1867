/**
 * Which hosts a worker makes requests to. A worker takes its content security policy from its own response and not from
 * the page, and a static host may not be able to send one with scripts: then the page says at the start what it allows.
 */

import { FelsicError } from "./errors.js";

/** Of the worker that this runs in; without it every host is allowed. */
let allowed: readonly string[] | undefined;
/** Of felsic's scripts. */
let own: string | undefined;

/** From now on only these origins are asked, and those of the page and of felsic's scripts, of which one is at `scriptUrl`. */
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

/** Whether a URL may be asked for. */
export function isAllowed(url: string | URL): boolean {
  if (allowed === undefined) return true;
  const { protocol, hostname, origin } = new URL(url);
  if (origin === globalThis.location?.origin || origin === own) return true;
  return allowed.some((entry) => {
    if (entry === protocol || entry === origin) return true;
    return entry.endsWith(":*") && entry.slice(0, -2) === `${protocol}//${hostname}`;
  });
}

/** `fetch` that refuses what the page does not allow: before the request and, where it was redirected, its answer. */
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
