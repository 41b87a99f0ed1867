/** Addresses of pages: which ones can be remembered, under which name, and whether a list names them. */

/** The most characters of an id of a document. */
const ID = 1_000;

/** The most characters of a path that are compared with a pattern. */
const PATH = 2_000;

/** What tells only where a reader came from. */
const TRACKING =
  /^(?:utm_\w+|fbclid|gclid|dclid|gbraid|wbraid|msclkid|mc_cid|mc_eid|igshid|yclid|_hsenc|_hsmi|vero_id|oly_enc_id|oly_anon_id)$/;

/** Names and numbers of the machine and the network at home. */
const LOCAL =
  /^(?:localhost|.*\.(?:localhost|local|internal|lan|home|test)|127\..*|0\.0\.0\.0|10\..*|192\.168\..*|169\.254\..*|172\.(?:1[6-9]|2\d|3[01])\..*|\[.*\])$/;

/** Returns the address of a web page; `undefined` for anything else, also for pages of this machine and the network at home. */
export function pageAddress(address: unknown): URL | undefined {
  if (typeof address !== "string" || !URL.canParse(address)) return undefined;
  const url = new URL(address);
  const isWeb = url.protocol === "https:" || url.protocol === "http:";
  return isWeb && !LOCAL.test(url.hostname) ? url : undefined;
}

/** Returns the name that a page is remembered under: its address without what does not choose the page. */
export function canonical(address: URL): string {
  const url = new URL(address);
  url.username = url.password = "";
  for (const name of [...url.searchParams.keys()]) if (TRACKING.test(name)) url.searchParams.delete(name);
  // A hash like a path is one: that of an application.
  if (!/^#!?\//.test(url.hash)) url.hash = "";
  return url.href.slice(0, ID);
}

/** Returns the site of an address: its host without `www.`. */
export function siteOf(address: URL): string {
  return address.hostname.replace(/^www\./, "");
}

/** Returns whether a host is that of a site, or below it. */
export function isWithin(host: string, site: string): boolean {
  return host === site || host.endsWith(`.${site}`);
}

/** Returns whether a text is a pattern of addresses. */
export function isPattern(text: string): boolean {
  return text.length <= 253 && /^[^\s/]+(?:\/\S*)?$/.test(text);
}

/**
 * Returns whether a pattern names an address: a host with all below it, or a host and a path; a star stands for any characters. The
 * host of a pattern that begins with a star matches as a whole.
 */
export function matches(pattern: string, address: URL): boolean {
  const slash = pattern.indexOf("/");
  const host = slash < 0 ? pattern : pattern.slice(0, slash);
  const path = slash < 0 ? undefined : pattern.slice(slash);
  const isHost = glob(host).test(address.hostname) || glob(`*.${host}`).test(address.hostname);
  return isHost && (path === undefined || glob(path).test(address.pathname.slice(0, PATH)));
}

const globs = new Map<string, RegExp>();

function glob(pattern: string): RegExp {
  const made = globs.get(pattern);
  if (made) return made;
  const source = pattern
    .toLowerCase()
    .split("*")
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  // Stars side by side would have the expression try each way to divide the text between them.
  const expression = new RegExp(`^${source.join(".*").replace(/(?:\.\*)+/g, ".*")}$`, "is");
  if (globs.size > 2_000) globs.clear();
  globs.set(pattern, expression);
  return expression;
}
