/** Browsers tell nobody that a worker has ended, and an answer from it never comes. A lock does: the browser frees it when its holder is gone. */

import type { EngineNews } from "../protocol.js";

/** Holds a lock for as long as this worker lives, and tells the page which. Without locks the page only sees that no answer comes. */
export function holdLock(scope: { postMessage(message: EngineNews): void }): void {
  const { locks } = navigator as { locks?: LockManager };
  if (!locks) return;
  const lock = `felsic-gpu-${crypto.randomUUID()}`;
  const held = locks.request(lock, () => {
    scope.postMessage({ type: "alive", lock });
    return new Promise(() => undefined);
  });
  held.catch(() => undefined);
}
