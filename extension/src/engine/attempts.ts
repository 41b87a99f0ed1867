/**
 * How often the job at the head of the queue has been begun. It is written before the work begins, so that a page that ends the whole
 * document, as a lack of memory does, is not begun for ever.
 */

import type { JobKey } from "../shared/queue.js";

const KEY = "attempt";

/** Notes that a job is begun; returns how often that has happened. */
export function beginAttempt(key: JobKey): number {
  const name = JSON.stringify(key);
  const [last, count] = (localStorage.getItem(KEY) ?? "").split("\n");
  const attempts = last === name ? Number(count) + 1 : 1;
  localStorage.setItem(KEY, `${name}\n${attempts}`);
  return attempts;
}

/** Notes that the job has ended, one way or another. */
export function endAttempt(): void {
  localStorage.removeItem(KEY);
}
