/** The service worker's global scope, with its own types. */

import type { AppFiles } from "../protocol.js";

declare const self: ServiceWorkerGlobalScope;

/** The list of files, which the build puts here (`plugins/app.ts`). */
declare const FELSIC_FILES: AppFiles;

export const scope: ServiceWorkerGlobalScope = self;
export const files: AppFiles = FELSIC_FILES;

/** The folder that the page is in. */
export const base: string = new URL("./", scope.location.href).href;

/** The folder of the documents' site, where it is published beside the page. It has nothing to do with the page. */
const BESIDE = `${base}docs/`;

/** Whether a URL belongs to the page, and not to something beside it. */
export function isOurs(url: string): boolean {
  return url.startsWith(base) && !url.startsWith(BESIDE);
}

/** Milliseconds that a page or worker may take to begin. */
const PATIENCE = 2000;

/**
 * Returns a page or worker; `undefined` if it is gone. The browser answers only when it has begun, and of one that is left meanwhile it
 * may never say so: an event that waits for it would keep this version from giving way to a newer one.
 */
export async function clientOf(id: string): Promise<Client | undefined> {
  const late = new Promise<undefined>((resolve) => setTimeout(resolve, PATIENCE, undefined));
  return Promise.race([scope.clients.get(id), late]);
}
