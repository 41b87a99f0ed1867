/** JSON that comes from elsewhere. */

import type { FelsicError } from "../errors.js";

/** Parses JSON, given as a text or as UTF-8; throws what `wrong` makes if it is none. */
export function parsed(json: string | Uint8Array, wrong: () => FelsicError): unknown {
  try {
    return JSON.parse(typeof json === "string" ? json : new TextDecoder("utf-8", { fatal: true }).decode(json));
  } catch {
    throw wrong();
  }
}

/** Whether a value is JSON of at most so many levels: what is deeper than the stack fails wherever it is written or copied. */
export function isJson(value: unknown, levels: number): boolean {
  if (value === null || typeof value === "string" || typeof value === "boolean") return true;
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object" || levels === 0) return false;
  if (!Array.isArray(value) && Object.getPrototypeOf(value) !== Object.prototype) return false;
  return Object.values(value).every((item) => isJson(item, levels - 1));
}
