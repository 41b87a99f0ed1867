/** Texts with marks in them. They are always text nodes: nothing of a document is ever read as markup. */

import type { VNode } from "preact";

/** A range of a text, in UTF-16 units; `end` is exclusive. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** A part of a text that is short enough to be shown, with its marks. */
export interface Snippet {
  readonly text: string;
  readonly marks: readonly Range[];
}

/** A text with some ranges of it marked. Ranges that overlap count as one. */
export function Marked({ text, marks }: Snippet) {
  const parts: (string | VNode)[] = [];
  let at = 0;
  for (const { start, end } of [...marks].sort((a, b) => a.start - b.start)) {
    const from = Math.max(at, start);
    if (end <= from || from >= text.length) continue;
    parts.push(text.slice(at, from), <mark key={from}>{text.slice(from, end)}</mark>);
    at = Math.min(end, text.length);
  }
  parts.push(text.slice(at));
  return <>{parts}</>;
}

/** Characters that are kept before the first mark. */
const BEFORE = 90;

/** Returns the part of a text that shows its marks, of about `length` characters, cut between words. */
export function snippet(text: string, marks: readonly Range[], length = 420): Snippet {
  const first = marks.reduce((least, { start }) => Math.min(least, start), Infinity);
  let start = 0;
  if (first !== Infinity && first > length / 2) {
    const wanted = first - BEFORE;
    const space = text.slice(wanted, first).search(/\s\S/);
    start = space < 0 ? wanted : wanted + space + 1;
  }
  let end = Math.min(text.length, start + length);
  if (end < text.length) {
    const space = text.lastIndexOf(" ", end);
    if (space > start + length / 2) end = space;
  }
  const before = start > 0 ? "… " : "";
  const moved = before.length - start;
  return {
    text: before + text.slice(start, end) + (end < text.length ? " …" : ""),
    marks: marks.flatMap((mark) =>
      mark.start >= start && mark.start < end ? [{ start: mark.start + moved, end: Math.min(mark.end, end) + moved }] : [],
    ),
  };
}
