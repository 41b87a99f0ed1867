/** Limits how often progress is reported. */

import type { LoadProgress } from "./types.js";

/** The shortest time between two reports of a load, in milliseconds. */
const PROGRESS_INTERVAL = 30;

/** Passes on every step to another file, the end, and some of the steps between them. */
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
