/** What went wrong without stopping anything. */

/** Codes are stable. */
export type WarningCode = "cache-unavailable" | "quota-exceeded" | "cache-corrupt";

/** What a page may want to know of a load that went on nevertheless. The message is for people and may change. */
export interface Warning {
  /**
   * - `cache-unavailable`: this browser keeps no files here, as in some private windows, or stopped doing so;
   * - `quota-exceeded`: there is no room for the pack, so that it is fetched anew next time;
   * - `cache-corrupt`: a stored file was not what it should be, and is fetched again.
   */
  readonly code: WarningCode;
  readonly message: string;
}

/** The warning of a cache that has become of no more use to write to. */
export function cacheWarning(error: unknown): Warning {
  const reason = error instanceof Error ? error.message : String(error);
  const isFull = (error as { name?: unknown } | undefined)?.name === "QuotaExceededError";
  return isFull
    ? { code: "quota-exceeded", message: `there is no room to store the pack: ${reason}` }
    : { code: "cache-unavailable", message: `the pack is not stored: ${reason}` };
}
