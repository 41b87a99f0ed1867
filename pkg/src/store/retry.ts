/** When a request is made again, and how long it waits first. */

import { abortedBy } from "../errors.js";

/** Attempts without one new byte after which a download is given up. */
export const ATTEMPTS = 5;
/** Of a manifest: it is asked for first, and a page that is offline should find that out soon. */
export const MANIFEST_ATTEMPTS = 2;
/** A connection that brings nothing for so many milliseconds is taken to be dead, as after a change of network. */
export const SILENCE = 60_000;
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
