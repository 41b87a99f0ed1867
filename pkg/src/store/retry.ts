/** When a request is made again, and how long it waits first. */

import { abortedBy } from "../errors.js";

/** Attempts without one new byte after which a download is given up. */
export const ATTEMPTS = 5;
/** Of a manifest: it is asked for first, and a page that is offline should find that out soon. */
export const MANIFEST_ATTEMPTS = 2;
/** A connection that brings nothing for so many milliseconds is taken to be dead, as after a change of network. */
export const SILENCE = 60_000;
/**
 * Bytes a second below which a download is as good as silent: a third of what a phone line of 50 kbit/s brings, which
 * two tabs may share.
 */
export const LEAST_RATE = 2 << 10;
/** Milliseconds over which that is measured, so that a dead spot on the way is none. */
const STRETCH = SILENCE;
/** New bytes after which the failures before them are forgotten; fewer are what a server sends that means no good. */
export const PROGRESS = 16 << 10;
/** Milliseconds that a whole download may take beyond what its bytes take at the least rate. */
const ALLOWANCE = 5 * SILENCE;
/**
 * Milliseconds without progress of whoever has a lock, after which nobody waits for them any more: to a user who waits
 * with them for a first vector it is long, and to a download as far as the next report it is enough.
 */
export const PATIENCE = 20_000;
/** The same once a wait has been in vain: the next one most likely is, too. */
export const IMPATIENCE = 1_000;
/** The same of a whole checkpoint, whose making ends with work that reports nothing. */
export const CHECKPOINT_PATIENCE = 60_000;
/** What counts as progress of whoever has a lock: a share of the whole, so that there are not too many such waits. */
export const STEP = 1 / 32;
/** The first wait, in milliseconds; each further one is twice as long. */
const FIRST_WAIT = 250;
const LONGEST_WAIT = 8_000;
/** A server that asks for more than this does not get it. */
const LONGEST_RETRY_AFTER = 30_000;

/** Whether a status may be another one in a moment. */
export function isPassing(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || status >= 500;
}

/** Milliseconds to wait after so many failures in a row. Random by a half, so that pages do not all come back at once. */
export function backOff(failures: number): number {
  const wait = Math.min(FIRST_WAIT * 2 ** (failures - 1), LONGEST_WAIT);
  return wait * (0.75 + Math.random() / 2);
}

/** What a `Retry-After` asks for, in milliseconds: it holds seconds or a date. */
export function retryAfter(header: string | null, now = Date.now()): number | undefined {
  if (header === null) return undefined;
  const wait = /^\s*\d+\s*$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isNaN(wait) ? undefined : Math.min(Math.max(wait, 0), LONGEST_RETRY_AFTER);
}

/** How a download gets on: what it has brought for the time that it was waited for. */
export class Pace {
  #waited = 0;
  #bytes = 0;
  /** Of a stretch of one connection. */
  #stretchWaited = 0;
  #stretchBytes = 0;
  /** Since the last failure. */
  #newBytes = 0;

  /** Counts a wait. A machine that slept through it has not waited so long. */
  wait(milliseconds: number): void {
    const waited = Math.min(Math.max(milliseconds, 0), SILENCE);
    this.#waited += waited;
    this.#stretchWaited += waited;
  }

  /** Counts bytes that have come; says whether they come so slowly that the connection is as good as dead. */
  isSlow(bytes: number): boolean {
    this.#stretchBytes += bytes;
    if (this.#stretchWaited < STRETCH) return false;
    const isSlow = this.#stretchBytes < (LEAST_RATE * this.#stretchWaited) / 1000;
    this.reconnect();
    return isSlow;
  }

  /** Counts those of them that are new; says whether there have been enough since the last failure to forget it. */
  isProgress(bytes: number): boolean {
    this.#bytes += bytes;
    this.#newBytes += bytes;
    return this.#newBytes >= PROGRESS;
  }

  /** Counts a failure; says whether the download has taken too long as a whole. */
  fail(): boolean {
    this.#newBytes = 0;
    return this.#waited > ALLOWANCE + (this.#bytes * 1000) / LEAST_RATE;
  }

  /** A new connection begins with a new stretch. */
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
