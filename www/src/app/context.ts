/** What all views share: the library, the search, the shell around the page, and what has just been said. */

import { signal, type Signal } from "@preact/signals";
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Shell } from "../app-shell/index.js";
import type { Library } from "../library/types.js";
import type { Searching } from "./searching.js";

export interface App {
  readonly library: Library;
  readonly searching: Searching;
  readonly shell: Shell;
  /** The documents that are chosen on the map. */
  readonly selection: Signal<readonly string[] | undefined>;
}

export const AppContext = createContext<App | undefined>(undefined);

export function useApp(): App {
  const app = useContext(AppContext);
  if (!app) throw new Error("a view stands outside of the page");
  return app;
}

/** Something that a person should know now. */
export interface Notice {
  readonly id: number;
  readonly kind: "news" | "bad";
  readonly text: string;
}

export const notices: Signal<readonly Notice[]> = signal([]);
let lastNotice = 0;
/** How long news stay, in milliseconds; what went wrong stays until it is put away. */
const NEWS = 6000;

/** Says something. */
export function say(text: string, kind: Notice["kind"] = "news"): void {
  const id = ++lastNotice;
  notices.value = [...notices.value.filter((notice) => notice.text !== text), { id, kind, text }];
  if (kind === "news") setTimeout(() => putAway(id), NEWS);
}

export function putAway(id: number): void {
  notices.value = notices.value.filter((notice) => notice.id !== id);
}

/** Returns why something failed, in words, with the code for looking it up. */
export function reason(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && "code" in error && typeof error.code === "string" ? ` (${error.code})` : "";
  return `${message}${code}`;
}

/** Whether an error only says that the work was ended. */
export const isAbort = (error: unknown): boolean => error instanceof Error && error.name === "AbortError";

/** Whether the window is too narrow for results and reader side by side. */
export const isNarrow = signal(false);
const narrow = matchMedia("(max-width: 59.99rem)");
isNarrow.value = narrow.matches;
narrow.addEventListener("change", () => (isNarrow.value = narrow.matches));
