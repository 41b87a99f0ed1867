/** When a request is made again, and how long it waits first. */

import { abortedBy } from "../errors.js";

/** Attempts without one new byte after which a download is given up. */
export const ATTEMPTS = 5;
/** The same for a manifest: it is requested first, and a page that is offline should notice soon. */
export const MANIFEST_ATTEMPTS = 2;
/** The same for a part of a file: after that the whole file is requested, which has attempts of its own. */
export const PART_ATTEMPTS = 3;
/** Milliseconds without a byte after which a connection counts as dead, as after a change of network. */
export const SILENCE = 60_000;
/**
 * Bytes a second below which a download counts as silent: a third of what a phone line of 50 kbit/s brings, which
 * two tabs may share.
 */
export const LEAST_RATE = 2 << 10;
/** Milliseconds over which the rate is measured, so that a short dead spot on the way does not count. */
const STRETCH = SILENCE;
/** New bytes after which earlier failures are forgotten; a malicious server sends fewer. */
export const PROGRESS = 16 << 10;
/** Milliseconds that a whole download may take beyond what its bytes take at the least rate. */
const ALLOWANCE = 5 * SILENCE;
/**
 * Milliseconds without progress of a lock's holder after which nothing waits for it any more: long for a user who waits
 * for a first vector meanwhile, and enough for a download to reach its next report.
 */
export const PATIENCE = 20_000;
/** The same after one useless wait: the next one is most likely useless too. */
export const IMPATIENCE = 1_000;
/** The same for a whole checkpoint: making its pack ends with work that reports no progress. */
export const CHECKPOINT_PATIENCE = 60_000;
/** The share of the whole that counts as progress of a lock's holder, which limits the number of such waits. */
export const STEP = 1 / 32;
/** The first wait, in milliseconds; each further one is twice as long. */
const FIRST_WAIT = 250;
const LONGEST_WAIT = 8_000;
/** The longest wait that a server can ask for. */
const LONGEST_RETRY_AFTER = 30_000;

/** Whether a status may change in a moment. */
export function isPassing(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || status >= 500;
}

/** Returns the wait after a number of failures in a row, in milliseconds. Random by a half, so that pages do not retry at once. */
export function backOff(failures: number): number {
  const wait = Math.min(FIRST_WAIT * 2 ** (failures - 1), LONGEST_WAIT);
  return wait * (0.75 + Math.random() / 2);
}

/** Returns the wait that a `Retry-After` asks for, in milliseconds: the header holds seconds or a date. */
export function retryAfter(header: string | null, now = Date.now()): number | undefined {
  if (header === null) return undefined;
  const wait = /^\s*\d+\s*$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isNaN(wait) ? undefined : Math.min(Math.max(wait, 0), LONGEST_RETRY_AFTER);
}

/** The progress of a download: the bytes that it has brought in the time that was spent waiting for it. */
export class Pace {
  #waited = 0;
  #bytes = 0;
  /** The bytes and time of a stretch of one connection. */
  #stretchWaited = 0;
  #stretchBytes = 0;
  /** The new bytes since the last failure. */
  #newBytes = 0;

  /** Counts a wait. A machine that slept has not waited that long. */
  wait(milliseconds: number): void {
    const waited = Math.min(Math.max(milliseconds, 0), SILENCE);
    this.#waited += waited;
    this.#stretchWaited += waited;
  }

  /** Counts bytes that have arrived; returns whether they arrive so slowly that the connection counts as dead. */
  isSlow(bytes: number): boolean {
    this.#stretchBytes += bytes;
    if (this.#stretchWaited < STRETCH) return false;
    const isSlow = this.#stretchBytes < (LEAST_RATE * this.#stretchWaited) / 1000;
    this.reconnect();
    return isSlow;
  }

  /** Counts the new bytes among them; returns whether there have been enough since the last failure to forget it. */
  isProgress(bytes: number): boolean {
    this.#bytes += bytes;
    this.#newBytes += bytes;
    return this.#newBytes >= PROGRESS;
  }

  /** Counts a failure; returns whether the download as a whole has taken too long. */
  fail(): boolean {
    this.#newBytes = 0;
    return this.#waited > ALLOWANCE + (this.#bytes * 1000) / LEAST_RATE;
  }

  /** Begins a new stretch, for a new connection. */
  reconnect(): void {
    this.#stretchWaited = 0;
    this.#stretchBytes = 0;
  }
}

/** Waits; rejects at once when the signal aborts. */
export function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(abortedBy(signal));
    const abort = () => {
      clearTimeout(timer);
      reject(abortedBy(signal));
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", abort);
      resolve();
    }, milliseconds);
    signal.addEventListener("abort", abort, { once: true });
  });
}
