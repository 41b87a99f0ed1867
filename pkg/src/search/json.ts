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
