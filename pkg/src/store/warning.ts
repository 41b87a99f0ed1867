/** Failures that stop nothing. */

/** The kind of a {@link Warning}, as a name that never changes. */
export type WarningCode =
  "cache-unavailable" | "cache-busy" | "quota-exceeded" | "cache-corrupt" | "gpu-lost" | "gpu-wrong" | "gpu-unavailable";

/** A failure that did not stop the load, or a call. */
export interface Warning {
  /**
   * The kind of the warning:
   *
   * - `cache-unavailable`: the browser stores no files for this page, as in some private windows and for pages without HTTPS, or has
   *   stopped doing so;
   * - `cache-busy`: another tab or worker is fetching the same file and makes no progress, or the browser does not tell that it has
   *   ended: the file is fetched here as well, and not stored;
   * - `quota-exceeded`: there is not enough room for the pack, so the next visit fetches it again;
   * - `cache-corrupt`: a stored file was damaged and is fetched again;
   * - `gpu-lost`: the GPU has failed while the embedder was in use. The CPU answers what was under way, and the GPU is started once more;
   * - `gpu-wrong`: the GPU does not compute what the CPU computes. None of its vectors is returned, and the CPU computes from now on;
   * - `gpu-unavailable`: the GPU could not be started, or has failed again: the CPU computes from now on.
   */
  readonly code: WarningCode;
  /** What happened, for people; may change. */
  readonly message: string;
}

/** Why something is not stored that nobody waits for any more. */
export class BusyError extends Error {
  override readonly name = "BusyError";

  constructor() {
    super("another tab or worker is fetching the same files and makes no progress");
  }
}

/** The warning of a cache that has become of no more use to write to. */
export function cacheWarning(error: unknown): Warning {
  const reason = error instanceof Error ? error.message : String(error);
  if (error instanceof BusyError) return { code: "cache-busy", message: `the pack, or a part of it, is not stored: ${reason}` };
  const isFull = (error as { name?: unknown } | undefined)?.name === "QuotaExceededError";
  return isFull
    ? { code: "quota-exceeded", message: `there is not enough room to store the pack: ${reason}` }
    : { code: "cache-unavailable", message: `the pack is not stored: ${reason}` };
}
