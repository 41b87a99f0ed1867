/** Locks and news among the tabs that have one collection open. */

import { abortedBy, FelsicError } from "../errors.js";
import { sharedChannel, sharedLocks } from "../platform.js";

/** How long a commit waits for another tab's, in milliseconds; a commit itself takes a fraction of a second. */
const PATIENCE = 30_000;

/** Runs something while no other tab writes the same; the lock is let go when it settles. */
export async function exclusive<T>(
  name: string,
  work: () => Promise<T>,
  { patience = PATIENCE, directory }: { patience?: number; directory?: string | undefined } = {},
): Promise<T> {
  const locks = sharedLocks(directory);
  if (!locks) return work();
  const giveUp = new AbortController();
  const timer = setTimeout(() => giveUp.abort(), patience);
  let result: { value: T } | undefined;
  const held = async () => {
    clearTimeout(timer);
    result = { value: await work() };
  };
  try {
    await locks.request(name, { signal: giveUp.signal }, held);
  } catch (error) {
    if (!giveUp.signal.aborted) throw error;
    throw new FelsicError(
      "io",
      "another tab or process is writing this collection and does not finish; close the others and try again",
    );
  } finally {
    clearTimeout(timer);
  }
  return result!.value;
}

/** Takes a lock and keeps it; resolves to what lets it go. Waits for whoever has it. */
export function keep(name: string, signal: AbortSignal): Promise<() => void> {
  if (!globalThis.navigator?.locks) return Promise.resolve(() => undefined);
  return new Promise((resolve, reject) => {
    navigator.locks
      .request(name, { signal }, () => new Promise<void>((letGo) => resolve(letGo)))
      .catch((error: unknown) => reject(signal.aborted ? abortedBy(signal) : error));
  });
}

/** What tabs tell each other of a collection. */
export interface News {
  /** Tells the others that there is something new. */
  tell(): void;
  close(): void;
}

/** Listens to the other tabs, if there can be any; `hear` is called when one of them has changed the collection. */
export function listen(name: string | undefined, hear: () => void, directory?: string): News {
  const channel = name === undefined ? undefined : openChannel(name, directory);
  if (channel) channel.onmessage = hear;
  return { tell: () => channel?.postMessage(null), close: () => channel?.close() };
}

function openChannel(name: string, directory: string | undefined): ReturnType<typeof sharedChannel> | undefined {
  try {
    return sharedChannel(name, directory);
  } catch {
    return undefined;
  }
}
