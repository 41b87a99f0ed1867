/** Whether pages are to be embedded anew, on the disk: the engine may end in between, and the background asks without it. */

import { del, get, set } from "idb-keyval";

const KEY = "stale";

/** Returns whether pages have vectors of another model than the one that is used. */
export async function isStale(): Promise<boolean> {
  return (await get<boolean>(KEY)) === true;
}

/** Notes that they have, or that all are of the model that is used. */
export function noteStale(isStale: boolean): Promise<void> {
  return isStale ? set(KEY, true) : del(KEY);
}
