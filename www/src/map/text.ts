/** The words of the map, in the page's language. */

import { de, en } from "../app/messages-map.js";

const TABLES: Readonly<Record<string, Readonly<Record<string, string>>>> = { en, de };

/** A key of the message table. */
export type Key = keyof typeof en;

/** The language of the page. */
export function language(): string {
  return document.documentElement.lang || "en";
}

/** Returns a message with its values; numbers are written as the language writes them. */
export function text(key: Key, values: Readonly<Record<string, string | number>> = {}): string {
  const table = TABLES[language().split("-")[0]!] ?? en;
  return (table[key] ?? en[key]).replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    return typeof value === "number" ? value.toLocaleString(language()) : (value ?? whole);
  });
}

/** Returns a message about a number of things: `key.one` for one of them, otherwise `key.other`. */
export function counted<Name extends string>(key: Name & (`${Name}.one` extends Key ? Name : never), count: number): string {
  return text(`${key}.${count === 1 ? "one" : "other"}` as Key, { count });
}
