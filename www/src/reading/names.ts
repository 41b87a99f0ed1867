/** Names of what is in archives, mailboxes and workbooks: whatever they were, they become parts of paths. */

import { LONGEST_PATH } from "./limits.js";

/** The longest name of a part that keeps all its characters. */
const LONGEST_NAME = 400;

/** Makes the paths of a file's parts: none leads out of it, and none stands for two of them. */
export class Names {
  readonly #taken = new Map<string, number>();

  constructor(readonly path: string) {}

  /** Returns the path of a part. */
  of(name: string): string {
    const most = Math.max(20, Math.min(LONGEST_NAME, LONGEST_PATH - this.path.length - 20));
    let safe = safeName(name) || "part";
    // The end says which format it has.
    if (safe.length > most) safe = `…${safe.slice(-most).replace(/^[\udc00-\udfff]/, "")}`;
    const times = this.#taken.get(safe) ?? 0;
    this.#taken.set(safe, times + 1);
    if (times === 0) return `${this.path}/${safe}`;
    const dot = safe.lastIndexOf(".") > safe.lastIndexOf("/") + 1 ? safe.lastIndexOf(".") : safe.length;
    return this.of(`${safe.slice(0, dot)} (${times + 1})${safe.slice(dot)}`);
  }
}

/** A name without what leads elsewhere, and without what cannot be shown. */
function safeName(name: string): string {
  const shown = name.replace(/[\p{Surrogate}\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, "");
  const names = shown.split(/[/\\]/).map((name) => name.trim());
  return names.filter((name) => name !== "" && name !== "." && name !== "..").join("/");
}
