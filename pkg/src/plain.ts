/**
 * Text that is safe to show anywhere: on one line, without anything that a terminal or a console obeys, and short. Messages
 * quote URLs, servers' answers and strings of untrusted files. `src/error/plain.rs` has the same rules.
 */

/** The largest number of characters of a text. */
const MOST = 400;
/** The number of characters that are kept of the start of a longer text. */
const HEAD = 250;
/** The number of characters that are kept of its end, where messages say what to do and URLs name their file. */
const TAIL = 100;

/** Control characters, lone surrogates, line and paragraph separators, and characters that change the reading direction. */
const UNSAFE = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;
const SHORT: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** Returns a text with unsafe characters escaped and its middle left out if it is long. A plain text stays unchanged. */
export function plain(text: string): string {
  if (text.length <= 2 * MOST) {
    const shown = escaped(text);
    if (count(shown) <= MOST) return shown;
  }
  const head = fitting(text, HEAD);
  const tail = fitting(text, TAIL, -1);
  const leftOut = count(text.slice(head.length, text.length - tail.length));
  return `${escaped(head)}… (${leftOut} characters left out) …${escaped(tail)}`;
}

function escaped(text: string): string {
  return text.replace(UNSAFE, (character) => SHORT[character] ?? `\\u{${character.codePointAt(0)!.toString(16)}}`);
}

/** Counts whole characters, not units of UTF-16. */
function count(text: string): number {
  let characters = 0;
  for (const _ of text) characters += 1;
  return characters;
}

/** Returns as much of a text's start, or of its end, as fits into `room`. */
function fitting(text: string, room: number, step: 1 | -1 = 1): string {
  let at = step === 1 ? 0 : text.length;
  for (;;) {
    const next = at + step * units(text, at, step);
    const character = step === 1 ? text.slice(at, next) : text.slice(next, at);
    room -= count(escaped(character));
    if (room < 0 || character === "") return step === 1 ? text.slice(0, at) : text.slice(at);
    at = next;
  }
}

/** Returns the number of UTF-16 units of the character after `at`, or before it: two for a surrogate pair. */
function units(text: string, at: number, step: 1 | -1): 1 | 2 {
  const first = step === 1 ? at : at - 2;
  return first >= 0 && (text.codePointAt(first) ?? 0) > 0xffff ? 2 : 1;
}
