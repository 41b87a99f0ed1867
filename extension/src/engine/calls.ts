/** Which calls the engine answers, and what comes with them. The background knows this, and nothing else of the engine. */

import type { Settings } from "../shared/settings.js";

/** What the router knows and the engine cannot ask for: it comes with each call. */
export interface Surroundings {
  readonly settings: Settings;
  /** Whether no window of the browser is in front. */
  readonly isBackground: boolean;
}

export type EngineCall =
  | "memory.recent"
  | "memory.sites"
  | "memory.forget"
  | "memory.forgetAll"
  | "memory.state"
  | "memory.retry"
  | "memory.export"
  | "memory.import"
  | "model.try"
  | "engine.search"
  | "engine.bookmarks"
  | "engine.find"
  | "bridge.use"
  | "engine.connect"
  | "engine.bridge"
  | "engine.wake";

/** The calls that the background passes on as they are. */
export const PASSED_ON: readonly string[] = [
  "memory.recent",
  "memory.sites",
  "memory.forget",
  "memory.forgetAll",
  "memory.state",
  "memory.retry",
  "memory.export",
  "memory.import",
  "model.try",
  "bridge.use",
] satisfies EngineCall[];
