/** Texts, their bytes and their hashes. */

import { sha256 } from "../store/names.js";

/** Decodes UTF-8; returns `undefined` if it is not. */
export function decode(bytes: Uint8Array<ArrayBuffer>): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Returns the first 16 hexadecimal digits of a text's SHA-256. */
export async function shortHash(text: string): Promise<string> {
  return (await sha256(new TextEncoder().encode(text))).slice(0, 16);
}
