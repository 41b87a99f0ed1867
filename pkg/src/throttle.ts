/** Progress now and then. */

import type { LoadProgress } from "./types.js";

/** Progress of a load is passed on at most this often, in milliseconds. */
const PROGRESS_INTERVAL = 30;

/** Passes on every step to another file, the end, and of the steps between one now and then. */
export function throttled(report: (progress: LoadProgress) => void): (progress: LoadProgress) => void {
  let file: string | undefined;
  let due = 0;
  return (progress) => {
    const now = performance.now();
    if (progress.file === file && progress.loadedBytes < progress.totalBytes && now < due) return;
    file = progress.file;
    due = now + PROGRESS_INTERVAL;
    report(progress);
  };
}
