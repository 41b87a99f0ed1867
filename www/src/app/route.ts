/** What the address says after its `#`: the query and what is open, so that links, reloads and the back button work. */

import { signal } from "@preact/signals";
import type { SearchMode } from "felsic/search";
import type { Filters } from "../library/types.js";
import type { FileKind } from "../reading/types.js";

const VIEWS = ["library", "map", "privacy", "settings"] as const;
/** What lies beside the results. */
export type View = (typeof VIEWS)[number] | "reader";

/** How old what is searched may be. */
export const SPANS = ["any", "week", "month", "year", "older"] as const;
export type Span = (typeof SPANS)[number];

export interface Route {
  readonly query: string;
  readonly mode: SearchMode;
  readonly folder: string;
  /** The path of the one file that is searched. */
  readonly file: string;
  readonly kind: FileKind | "";
  readonly span: Span;
  /** The document that others should be like. */
  readonly like: string;
  readonly view?: View | undefined;
  /** The document that is open, and the place in it. */
  readonly open?: string | undefined;
  readonly start?: number | undefined;
  readonly end?: number | undefined;
}

const PLAIN: Route = { query: "", mode: "hybrid", folder: "", file: "", kind: "", span: "any", like: "" };
const KINDS = ["text", "markdown", "page", "table", "data", "code", "pdf", "document", "slides", "book", "mail"] as const;
export const FILE_KINDS: readonly FileKind[] = KINDS;
/** A longer query, such as a text that was dropped, is not kept in the address. */
const LONGEST_QUERY = 2000;

function isOneOf<Value extends string>(values: readonly Value[], value: string | null): value is Value {
  return (values as readonly (string | null)[]).includes(value);
}

/** Reads the address; what it does not understand counts as not there. */
export function parse(hash: string): Route {
  const values = new URLSearchParams(hash.replace(/^#/, ""));
  const text = (name: string) => values.get(name) ?? "";
  const place = (name: string) => {
    const value = Number(values.get(name) ?? NaN);
    return Number.isSafeInteger(value) && value >= 0 ? value : undefined;
  };
  const mode = values.get("by");
  const kind = values.get("kind");
  const span = values.get("date");
  const view = values.get("view");
  const open = values.get("open") ?? undefined;
  return {
    query: text("q"),
    mode: isOneOf(["hybrid", "meaning", "words"], mode) ? mode : PLAIN.mode,
    folder: text("folder"),
    file: text("file"),
    kind: isOneOf(KINDS, kind) ? kind : "",
    span: isOneOf(SPANS, span) ? span : "any",
    like: text("like"),
    view: isOneOf(VIEWS, view) ? view : open === undefined ? undefined : "reader",
    open,
    start: place("start"),
    end: place("end"),
  };
}

/** Returns the address of a route. */
export function hashOf(route: Route): string {
  const values = new URLSearchParams();
  const set = (name: string, value: string | number | undefined, usual: string = "") => {
    if (value !== undefined && value !== usual) values.set(name, String(value));
  };
  if (route.query.length <= LONGEST_QUERY) set("q", route.query);
  set("by", route.mode, PLAIN.mode);
  set("folder", route.folder);
  set("file", route.file);
  set("kind", route.kind);
  set("date", route.span, PLAIN.span);
  set("like", route.like);
  if (route.view !== "reader") set("view", route.view);
  set("open", route.open);
  set("start", route.start);
  set("end", route.end);
  return `#${values}`;
}

export const route = signal<Route>(parse(location.hash));

/** Goes to a place that differs in some parts. `replace` makes no step for the back button. */
export function go(change: Partial<Route>, { replace = false }: { readonly replace?: boolean } = {}): void {
  const next = { ...route.value, ...change };
  const hash = hashOf(next);
  if (hash !== hashOf(route.value)) {
    const address = hash === "#" ? location.pathname + location.search : hash;
    if (replace) history.replaceState(null, "", address);
    else history.pushState(null, "", address);
  }
  route.value = next;
}

/** Returns what changes when a view lies beside the results, or a document from its beginning; without either, nothing does. */
export function beside(view?: View, open?: string): Partial<Route> {
  return { view, open, start: undefined, end: undefined };
}

/** Closes what lies beside the results. */
export function closePane(): void {
  go(beside());
}

/** Takes away all filters. */
export function resetFilters(): void {
  go({ folder: "", file: "", kind: "", span: "any", like: "" });
}

/** Follows the back button and addresses that are typed. */
export function followAddress(): void {
  addEventListener("popstate", () => {
    route.value = parse(location.hash);
  });
}

const DAY = 86_400_000;
const DAYS: Readonly<Record<Span, number>> = { any: 0, week: 7, month: 31, year: 366, older: 366 };

/** Returns the filters of a route, as the library takes them. */
export function filtersOf({ folder, file, kind, span }: Route, ids: readonly string[] | undefined): Filters {
  const edge = Date.now() - DAYS[span] * DAY;
  return {
    ...(folder !== "" && { folder }),
    ...(file !== "" && { path: file }),
    ...(kind !== "" && { kinds: [kind] }),
    ...(span === "older" ? { until: edge } : span !== "any" && { since: edge }),
    ...(ids !== undefined && { ids }),
  };
}
