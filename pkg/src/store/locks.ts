/**
 * Locks that all tabs and workers of an origin share, by name; where there are none nobody waits. Nobody waits for ever
 * either: a lock may be held by a tab whose server dribbles, and there are browsers that after a reload grant none.
 */

import { abortedBy } from "../errors.js";
import { IMPATIENCE, STEP } from "./retry.js";

const PREFIX = "felsic:";

/** A lock that is held. */
export interface Held {
  /** Tells those who wait for it what share of the work is done. */
  report(share: number): void;
  /** Lets go of it; may be called several times. */
  release(): void;
}

/**
 * Waits for a lock; gives nothing if whoever has it makes no progress for so many milliseconds. Progress is a step further
 * than ever before, so that all waiting comes to an end. Rejects at once when the signal aborts.
 */
export function lock(name: string, signal: AbortSignal, patience: number): Promise<Held | undefined> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(abortedBy(signal));
    const giveUp = new AbortController();
    const channel = openChannel(name);
    let [farthest, checked, isOver] = [0, 0, false];
    const end = (settle: () => void) => {
      isOver = true;
      clearInterval(timer);
      signal.removeEventListener("abort", abort);
      channel?.close();
      settle();
    };
    const abort = () => {
      end(() => reject(abortedBy(signal)));
      giveUp.abort();
    };
    const timer = setInterval(() => {
      if (farthest >= checked + STEP) return void (checked = farthest);
      end(() => resolve(undefined));
      giveUp.abort();
    }, patience);
    signal.addEventListener("abort", abort, { once: true });
    if (channel) channel.onmessage = ({ data }) => (farthest = Math.max(farthest, Number(data)));
    const held = () => {
      // Granted too late, where nothing can be taken back.
      if (isOver) return Promise.resolve();
      return new Promise<void>((letGo) => end(() => resolve(heldLock(name, letGo))));
    };
    // Without a lock two tabs may fetch the same file, and that is all.
    request(name, { signal: giveUp.signal }, held).catch(() => isOver || end(() => resolve(NO_LOCK)));
  });
}

const NO_LOCK: Held = { report: () => undefined, release: () => undefined };

function heldLock(name: string, letGo: () => void): Held {
  const channel = openChannel(name);
  let last = 0;
  return {
    report(share) {
      // Twice in a step, so that none is missed.
      if (share < last + STEP / 2) return;
      last = share;
      channel?.postMessage(share);
    },
    release() {
      channel?.close();
      letGo();
    },
  };
}

/** Where those who wait for a lock hear of its holder. */
function openChannel(name: string): BroadcastChannel | undefined {
  return globalThis.BroadcastChannel && new BroadcastChannel(PREFIX + name);
}

/** Does something while nobody else has the lock; not if somebody has, or it cannot be found out. */
export function ifFree(name: string, work: () => Promise<void>): Promise<void> {
  if (!globalThis.navigator?.locks) return work();
  return new Promise((resolve, reject) => {
    let isOver = false;
    const timer = setTimeout(() => {
      isOver = true;
      resolve();
    }, IMPATIENCE);
    const granted = async (held: Lock | null) => {
      clearTimeout(timer);
      if (held && !isOver) await work();
    };
    request(name, { ifAvailable: true }, granted).then(resolve, reject);
  });
}

async function request(name: string, options: LockOptions, work: (held: Lock | null) => Promise<void>): Promise<void> {
  if (!globalThis.navigator?.locks) throw new Error("this browser has no locks");
  await navigator.locks.request(PREFIX + name, options, work);
}
