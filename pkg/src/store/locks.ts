/** Locks that all tabs and workers of an origin share, by name; where there are none nobody waits. */

import { abortedBy } from "../errors.js";

const PREFIX = "felsic:";

/** Waits for a lock and gives what lets go of it. Rejects at once when the signal aborts. */
export function lock(name: string, signal: AbortSignal): Promise<() => void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(abortedBy(signal));
    const held = () => new Promise<void>((letGo) => resolve(letGo));
    request(name, { signal }, held).catch(() => {
      // Without a lock two tabs may fetch the same file, and that is all.
      if (signal.aborted) reject(abortedBy(signal));
      else resolve(() => {});
    });
  });
}

/** Does something while nobody else has the lock; not if somebody has. */
export async function ifFree(name: string, work: () => Promise<void>): Promise<void> {
  if (!globalThis.navigator?.locks) return work();
  await request(name, { ifAvailable: true }, async (held) => {
    if (held) await work();
  });
}

async function request(name: string, options: LockOptions, work: (held: Lock | null) => Promise<void>): Promise<void> {
  if (!globalThis.navigator?.locks) throw new Error("this browser has no locks");
  await navigator.locks.request(PREFIX + name, options, work);
}
