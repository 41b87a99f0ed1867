/** What went wrong without stopping anything. */

/** Codes are stable. */
export type WarningCode = "cache-unavailable" | "cache-busy" | "quota-exceeded" | "cache-corrupt";

/** What a page may want to know of a load that went on nevertheless. The message is for people and may change. */
export interface Warning {
  /**
   * - `cache-unavailable`: this browser keeps no files here, as in some private windows and for pages without HTTPS, or stopped doing so;
   * - `cache-busy`: another tab or worker has been fetching the same without getting on, or the browser does not say that
   *   it has ended: it is fetched here, too, and not stored;
   * - `quota-exceeded`: there is no room for the pack, so that it is fetched anew next time;
   * - `cache-corrupt`: a stored file was not what it should be, and is fetched again.
   */
  readonly code: WarningCode;
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
