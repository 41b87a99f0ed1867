/**
 * Locks that all tabs and workers of an origin share, by name; without locks nothing waits. No wait lasts for ever
 * either: a tab whose server dribbles may hold a lock, and some browsers grant none after a reload.
 */

import { abortedBy } from "../errors.js";
import { IMPATIENCE, STEP } from "./retry.js";

const PREFIX = "felsic:";

/** A lock that is held. */
export interface Held {
  /** Reports to waiting loads what share of the work is done. */
  report(share: number): void;
  /** Releases the lock; may be called several times. */
  release(): void;
}

/**
 * Acquires a lock; resolves to `undefined` if its holder makes no progress for a number of milliseconds. Progress is a step further
 * than ever before, so that every wait ends. Rejects at once when the signal aborts.
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
      // Granted too late; a request for a lock cannot be taken back here.
      if (isOver) return Promise.resolve();
      return new Promise<void>((letGo) => end(() => resolve(heldLock(name, letGo))));
    };
    // Without a lock two tabs may fetch the same file; nothing worse happens.
    request(name, { signal: giveUp.signal }, held).catch(() => isOver || end(() => resolve(NO_LOCK)));
  });
}

const NO_LOCK: Held = { report: () => undefined, release: () => undefined };

function heldLock(name: string, letGo: () => void): Held {
  const channel = openChannel(name);
  let last = 0;
  return {
    report(share) {
      // Reports twice in each step, so that no step is missed.
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

/** The channel on which waiting loads receive the reports of a lock's holder. */
function openChannel(name: string): BroadcastChannel | undefined {
  return globalThis.BroadcastChannel && new BroadcastChannel(PREFIX + name);
}

/** Runs something under the lock of a file; does not run it if the lock is held, or if that cannot be found out. */
export function ifFree(name: string, work: () => Promise<void>): Promise<void> {
  return ifLockFree(PREFIX + name, work);
}

/** The same for a lock of any kind, by its whole name. */
export function ifLockFree(name: string, work: () => Promise<void>): Promise<void> {
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
    navigator.locks.request(name, { ifAvailable: true }, granted).then(resolve, reject);
  });
}

async function request(name: string, options: LockOptions, work: (held: Lock | null) => Promise<void>): Promise<void> {
  if (!globalThis.navigator?.locks) throw new Error("this browser has no locks");
  await navigator.locks.request(PREFIX + name, options, work);
}
