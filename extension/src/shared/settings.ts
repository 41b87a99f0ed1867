/** What the user has chosen. It is kept in `chrome.storage.local`; whatever is there is checked when it is read. */

import { isPattern } from "./addresses.js";
import { DENIED } from "./denied.js";
import { isPackName } from "./packs.js";

/** Which pages are remembered: none, those that the user clicks for, those of chosen sites, or all. */
export type Mode = "off" | "click" | "sites" | "all";

export interface Settings {
  readonly mode: Mode;
  /** Hosts, with all below them, for the mode `sites`. */
  readonly sites: readonly string[];
  /** Hosts, with all below them, whose pages may use the embedder. */
  readonly bridged: readonly string[];
  /** Patterns of addresses that are never remembered. */
  readonly denied: readonly string[];
  /** For how many seconds a page has to be visible before it counts as read. */
  readonly readSeconds: number;
  /** How many days a page is remembered after it was read last; 0: for ever. */
  readonly keepDays: number;
  /** How many megabytes the memory may take up; the oldest pages go first. */
  readonly keepMegabytes: number;
  /** The most megabytes of the engine before it is started anew. */
  readonly engineMegabytes: number;
  /** After how many minutes without work the engine ends. */
  readonly idleMinutes: number;
  /** Whether the user has paused indexing. */
  readonly isPaused: boolean;
  readonly pauseOnBattery: boolean;
  /** Whether indexing waits while no window of the browser is in front. */
  readonly pauseInBackground: boolean;
  /** The pack of the model that the user has taken in; empty: the built-in model. */
  readonly pack: string;
  readonly bookmarks: boolean;
  readonly tabs: boolean;
  /** Whether the first-run page has been closed with a choice. */
  readonly isWelcomed: boolean;
}

export const DEFAULTS: Settings = {
  mode: "off",
  sites: [],
  bridged: [],
  denied: DENIED,
  readSeconds: 5,
  keepDays: 365,
  keepMegabytes: 500,
  engineMegabytes: 400,
  idleMinutes: 5,
  isPaused: false,
  pauseOnBattery: true,
  pauseInBackground: true,
  pack: "",
  bookmarks: false,
  tabs: false,
  isWelcomed: false,
};

const MODES: readonly unknown[] = ["off", "click", "sites", "all"] satisfies Mode[];

/** The lowest and the highest value of each number. */
const LIMITS = {
  readSeconds: [0, 600],
  keepDays: [0, 36_500],
  keepMegabytes: [0.01, 100_000],
  engineMegabytes: [1, 4_096],
  idleMinutes: [1, 1_440],
} as const;

/** The most entries of a list. */
const MOST = 10_000;

const HOST = /^[^\s/:*@?#]+$/;

const isHost = (text: string) => HOST.test(text) && text.length <= 253;

/** Returns settings: what is right of a value, and the defaults for the rest. */
export function settingsFrom(value: unknown): Settings {
  const given = (typeof value === "object" && value !== null ? value : {}) as { readonly [Name in keyof Settings]?: unknown };
  const list = (name: "sites" | "bridged" | "denied", fits: (text: string) => boolean) => {
    const items: unknown = given[name];
    if (!Array.isArray(items)) return DEFAULTS[name];
    const texts = items.filter((item): item is string => typeof item === "string" && fits(item));
    return [...new Set(texts)].slice(0, MOST);
  };
  const number = (name: keyof typeof LIMITS) => {
    const [least, most] = LIMITS[name];
    const item: unknown = given[name];
    return typeof item === "number" && Number.isFinite(item) ? Math.min(most, Math.max(least, item)) : DEFAULTS[name];
  };
  const flag = (name: "isPaused" | "pauseOnBattery" | "pauseInBackground" | "bookmarks" | "tabs" | "isWelcomed") => {
    const item: unknown = given[name];
    return typeof item === "boolean" ? item : DEFAULTS[name];
  };
  return {
    mode: MODES.includes(given.mode) ? (given.mode as Mode) : DEFAULTS.mode,
    sites: list("sites", isHost),
    bridged: list("bridged", isHost),
    denied: list("denied", isPattern),
    readSeconds: number("readSeconds"),
    keepDays: number("keepDays"),
    keepMegabytes: number("keepMegabytes"),
    engineMegabytes: number("engineMegabytes"),
    idleMinutes: number("idleMinutes"),
    isPaused: flag("isPaused"),
    pauseOnBattery: flag("pauseOnBattery"),
    pauseInBackground: flag("pauseInBackground"),
    pack: isPackName(given.pack) ? given.pack : DEFAULTS.pack,
    bookmarks: flag("bookmarks"),
    tabs: flag("tabs"),
    isWelcomed: flag("isWelcomed"),
  };
}

const KEY = "settings";

/** Reads the settings. The offscreen document cannot: it gets them with messages. */
export async function readSettings(): Promise<Settings> {
  return settingsFrom((await chrome.storage.local.get(KEY))[KEY]);
}

/** Changes settings and returns all of them. */
export async function writeSettings(changes: Partial<Settings>): Promise<Settings> {
  const settings = settingsFrom({ ...(await readSettings()), ...changes });
  await chrome.storage.local.set({ [KEY]: settings });
  return settings;
}
