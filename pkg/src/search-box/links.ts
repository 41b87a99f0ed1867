/** Where a result leads, and what is shown of it. Everything in a result is untrusted. */

import { plainMarkdown, type PlainText } from "../search/plain.js";
import type { BoxHit, Range } from "./searchable.js";

/** A piece of a text; marked if it is what was found. */
export interface Piece {
  readonly text: string;
  readonly isMarked: boolean;
}

/** The characters of a passage that are shown. */
const SHOWN = 220;
/** The characters that are shown before the first mark. */
const BEFORE = 60;
/** The words of a passage that a text fragment names. */
const FRAGMENT_WORDS = 6;
/** Marks of Markdown, which a page does not show: a text fragment must not contain any. */
const MARKUP = /[*_`#|<>[\](){}~\\!]/;

/** Returns what a person reads of a result's passage, and what is marked in it. */
export function shownOf({ kind, passage, highlights }: BoxHit): PlainText {
  return kind === "markdown" ? plainMarkdown(passage.text, highlights) : { text: passage.text, ranges: highlights };
}

/**
 * Returns the address of a result, absolute, with what leads to its heading and to the words that are `shown`, of which a browser takes what
 * it knows; `undefined` if it is none that a page may open.
 */
export function linkOf(hit: BoxHit, base: string, shown = shownOf(hit)): string | undefined {
  const { url, passage } = hit;
  if (url === undefined || !URL.canParse(url, base)) return undefined;
  const link = new URL(url, base);
  if (link.protocol !== "https:" && link.protocol !== "http:") return undefined;
  // Half a character cannot be encoded.
  const { anchor = "" } = passage;
  if (link.hash === "" && anchor !== "" && !/\p{Cs}/u.test(anchor)) link.hash = encodeURIComponent(anchor);
  const fragment = fragmentOf(shown.text, shown.ranges[0]?.start ?? 0);
  if (fragment) link.hash = `${link.hash}:~:text=${fragment}`;
  return link.href;
}

/** Returns the words that a browser may look for on the page, encoded: the first ones of the sentence with the first mark. */
function fragmentOf(text: string, at: number): string {
  const before = text.slice(0, at);
  const start = Math.max(before.lastIndexOf("\n"), before.lastIndexOf(". ") + 1, 0);
  const sentence = text.slice(start, at + 400).trimStart();
  const end = sentence.search(/\n/);
  const line = (end < 0 ? sentence : sentence.slice(0, end)).slice(0, 200);
  const markup = line.search(MARKUP);
  const words = (markup < 0 ? line : line.slice(0, markup)).trim().split(/\s+/).slice(0, FRAGMENT_WORDS);
  // A mark may stand in the middle of a word.
  if (markup > 0 && words.length < FRAGMENT_WORDS && /\S/.test(line[markup - 1]!)) words.pop();
  const phrase = words.join(" ");
  // Half a character cannot be encoded.
  const isWhole = !/\p{Cs}/u.test(phrase);
  return isWhole && words.length >= 2 ? encodeURIComponent(phrase).replaceAll("-", "%2D") : "";
}

/** Returns what is shown of a passage: around the first mark, in pieces. */
export function piecesOf(text: string, highlights: readonly Range[]): Piece[] {
  const marks = highlights
    .filter(
      ({ start, end }) => Number.isInteger(start) && Number.isInteger(end) && start >= 0 && start < end && end <= text.length,
    )
    .sort((a, b) => a.start - b.start);
  const first = marks[0]?.start ?? 0;
  const from = first <= BEFORE ? 0 : wordAfter(text, first - BEFORE, first);
  const to = from + SHOWN >= text.length ? text.length : wordBefore(text, from + SHOWN, from);
  const pieces: Piece[] = [];
  const add = (text: string, isMarked: boolean) => {
    const shown = text.replace(/\s+/g, " ");
    if (shown) pieces.push({ text: shown, isMarked });
  };
  if (from > 0) add("… ", false);
  let at = from;
  for (const { start, end } of marks) {
    if (end <= at || start >= to) continue;
    add(text.slice(at, Math.max(start, at)), false);
    add(text.slice(Math.max(start, at), Math.min(end, to)), true);
    at = Math.min(end, to);
  }
  add(text.slice(at, to), false);
  if (to < text.length) add(" …", false);
  return pieces;
}

/** Returns the start of the first word from `at` on, before `most`. */
function wordAfter(text: string, at: number, most: number): number {
  const space = text.slice(at, most).search(/\s/);
  return whole(text, space < 0 ? at : at + space + 1);
}

/** Returns the end of the last word that ends before `at`, after `least`. */
function wordBefore(text: string, at: number, least: number): number {
  const space = text.slice(least, at).search(/\s\S*$/);
  return whole(text, space <= SHOWN / 2 ? at : least + space);
}

/** Moves an offset out of the middle of a character. */
function whole(text: string, at: number): number {
  return /[\udc00-\udfff]/.test(text[at] ?? "") ? at - 1 : at;
}
