/** Where a text stands on a page of a PDF, whatever hyphens, spaces and line ends are between its letters. */

import type { Run } from "./pdf-lines.js";

/** The letters of a page or of a text, and where each comes from. */
interface Letters {
  readonly text: string;
  /** For each letter, the run and the character in it. */
  readonly from: readonly { readonly run: number; readonly at: number }[];
}

/** A part of a run, from 0 to 1 along it. */
export interface Part {
  readonly run: number;
  readonly start: number;
  readonly end: number;
}

/** Letters that are looked for together where the whole text is not on the page. */
const WINDOW = 24;
/** The most letters of a text that is looked for. */
const LONGEST = 20_000;

/** Returns the parts of runs that a text covers, in the runs' order; of a text that is only partly there, that part. */
export function partsOf(runs: readonly Run[], wanted: string): Part[] {
  const page = lettersOf(runs.map(({ str }) => str));
  const { text } = lettersOf([wanted.slice(0, LONGEST)]);
  if (text === "") return [];
  const marked = new Uint8Array(page.text.length);
  const whole = page.text.indexOf(text);
  if (whole >= 0) marked.fill(1, whole, whole + text.length);
  else markWindows(page.text, text, marked);
  const parts: Part[] = [];
  for (const [i, { run, at }] of page.from.entries()) {
    if (marked[i] === 0) continue;
    const length = runs[run]!.str.length;
    const last = parts.at(-1);
    const end = (at + 1) / length;
    // Spaces between marked letters are marked with them.
    if (last?.run === run && marked[i - 1] === 1) parts[parts.length - 1] = { ...last, end };
    else parts.push({ run, start: at / length, end });
  }
  return parts;
}

/** Marks all of a text that is on the page, in pieces of some length: what is on its other pages is not here. */
function markWindows(page: string, text: string, marked: Uint8Array): void {
  let near = 0;
  for (let start = 0; start + WINDOW <= text.length;) {
    const window = text.slice(start, start + WINDOW);
    const after = page.indexOf(window, near);
    const at = after >= 0 ? after : page.indexOf(window);
    if (at < 0) {
      start += WINDOW / 4;
      continue;
    }
    let [before, length] = [0, WINDOW];
    while (before < Math.min(at, start) && page[at - before - 1] === text[start - before - 1]) before += 1;
    while (at + length < page.length && page[at + length] === text[start + length]) length += 1;
    marked.fill(1, at - before, at + length);
    near = at + length;
    start += length;
  }
}

function lettersOf(runs: readonly string[]): Letters {
  const letters: string[] = [];
  const from: { run: number; at: number }[] = [];
  for (const [run, str] of runs.entries()) {
    let at = 0;
    for (const character of str) {
      if (/[\p{L}\p{N}]/u.test(character)) {
        for (const letter of character.normalize("NFKC").toLowerCase()) {
          for (let unit = 0; unit < letter.length; unit += 1) {
            letters.push(letter[unit]!);
            from.push({ run, at });
          }
        }
      }
      at += character.length;
    }
  }
  return { text: letters.join(""), from };
}
