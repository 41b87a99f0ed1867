/** What the browser has to grant for pages to be read. */

/** All web pages, as the browser grants them. */
export const ALL_SITES = ["http://*/*", "https://*/*"];

/** Returns what the browser has to grant for a site. */
export function originsOf(site: string): string[] {
  return [`http://${site}/*`, `https://${site}/*`, `http://*.${site}/*`, `https://*.${site}/*`];
}
