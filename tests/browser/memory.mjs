/** The memory of processes, for tests that see that it stays flat. */

import { readFileSync } from "node:fs";

/** Memory of a process in bytes, where the system says it. @param {number} id */
export function residentOf(id) {
  try {
    return Number(/^Rss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${id}/smaps_rollup`, "utf8"))?.[1]) * 1024;
  } catch {
    // Another system than Linux, one that hides it, or a process that has just ended.
    return undefined;
  }
}

/** Megabytes as they are read. @param {number} bytes */
export const mb = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
