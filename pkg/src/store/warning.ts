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
