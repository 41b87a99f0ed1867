/** Markdown without its marks, as a person reads it on a page. Nothing is added or moved, so that what is marked in a text is marked in what stays. */

import type { TextRange } from "./types.js";

/** A text without marks, and ranges in it. */
export interface PlainText {
  /** What a person reads. */
  readonly text: string;
  /** The ranges that were given, as far as something of them is left. */
  readonly ranges: readonly TextRange[];
}

// Of a line, without the white space at its end, each of these takes linear time.

/** A line that begins or ends code. */
const FENCE = /^[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*(`{3,}(?!`|.*`)|~{3,})/;
/** Lines that are not shown: those under headings and under the heads of tables, rules, and where links lead. */
const UNSHOWN = /^ {0,3}(?:=+|-{2,}|(?:[*_-][ \t]*){3,}|\[[^\]]+\]:[ \t].*|(?=[^|]*\|)(?=[^-]*-)[|: \t-]+)$/;
/** What a line begins with: quotes, marks of headings, the first bar of a row. */
const START = /^(?:[ \t]*>[ \t]?)*(?: {0,3}#{1,6}[ \t]+|[ \t]*\|[ \t]*)?/;
/** What it ends with. */
const END = /(?<![ \t])(?:[ \t]+#+|[ \t]*\|)?$/;
/** What may have to go inside of a paragraph. */
const INLINE = /`+|\\[!-/:-@[-`{-~]|<|!?\[|\]|\*+|_+|~~/g;
const TICKS = /`+/g;
const TAG = /<(?:!--[^]{0,2000}?-->|\/?[a-z][^<>]{0,1000}>)/iy;
const AUTOLINK = /<((?:[a-z][a-z\d+.-]{1,31}:|[^\s<>@]{1,200}@)[^\s<>]{1,1000})>/iy;
/** Where a link leads, behind its text. */
const TARGET = /\](?:\((?:\\.|[^()\\\n]|\([^()\n]*\)){0,2000}\)|\[[^\]\n]{0,200}\])/y;
/** The most marks that wait for their other half. */
const MOST_OPEN = 100;

/**
 * Returns Markdown as a person reads it: without the marks of headings, emphasis, quotes, code and tables, and of links their text. It may be a
 * part of a document, such as the text of a {@link HitPassage}.
 *
 * @param ranges ranges in `markdown`, such as the `highlights` of a {@link Hit}: they are returned as ranges of the text without marks
 */
export function plainMarkdown(markdown: string, ranges: readonly TextRange[] = []): PlainText {
  const left = new Deletions(markdown);
  let [fence, paragraph] = ["", 0];
  const close = (end: number) => {
    inline(markdown.slice(paragraph, end), paragraph, left);
    paragraph = end;
  };
  for (const { 0: whole, index: start } of markdown.matchAll(/.*\n|.+$/g)) {
    const [end, line] = [start + whole.length, whole.trimEnd()];
    const mark = FENCE.exec(line)?.[1] ?? "";
    if (fence === "" ? mark !== "" : mark.startsWith(fence)) {
      if (fence === "") close(start);
      fence = fence === "" ? mark : "";
      left.add(start, end);
      paragraph = end;
    } else if (fence !== "") {
      paragraph = end;
    } else if (line === "" || UNSHOWN.test(line)) {
      close(start);
      if (line !== "") left.add(start, end);
      paragraph = end;
    } else {
      const from = START.exec(line)![0].length;
      left.add(start, start + from);
      const to = END.exec(line.slice(from))!.index + from;
      left.add(start + to, start + line.length);
    }
  }
  close(markdown.length);
  const plain = left.kept();
  // Of what is nothing but marks, these are the text.
  return plain.text.trim() === "" ? { text: markdown, ranges } : { text: plain.text, ranges: plain.moved(ranges) };
}

/** Parts of a text that go. */
class Deletions {
  readonly #text: string;
  readonly #parts: TextRange[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  add(start: number, end: number): void {
    if (start < end) this.#parts.push({ start, end });
  }

  /** Returns the text without them, and what moves ranges accordingly. */
  kept(): { text: string; moved(ranges: readonly TextRange[]): TextRange[] } {
    const parts = this.#parts.sort((a, b) => a.start - b.start);
    const kept: { readonly start: number; readonly end: number; readonly at: number }[] = [];
    let [text, from] = ["", 0];
    for (const { start, end } of [...parts, { start: this.#text.length, end: this.#text.length }]) {
      if (from < start) {
        kept.push({ start: from, end: start, at: text.length });
        text += this.#text.slice(from, start);
      }
      from = Math.max(from, end);
    }
    const offset = (of: number) => {
      const part = kept.findLast(({ start }) => start <= of);
      return part ? part.at + Math.min(of, part.end) - part.start : 0;
    };
    const moved = (ranges: readonly TextRange[]) =>
      ranges.map(({ start, end }) => ({ start: offset(start), end: offset(end) })).filter(({ start, end }) => start < end);
    return { text, moved };
  }
}

/** A mark that waits for its other half. */
interface Open {
  readonly mark: string;
  start: number;
  end: number;
}

/** Notes what goes inside of a paragraph that starts at `base`. */
function inline(text: string, base: number, left: Deletions): void {
  const remove = (start: number, end: number) => left.add(base + start, base + end);
  const at = (pattern: RegExp, index: number) => ((pattern.lastIndex = index), pattern.exec(text));
  let open: Open[] = [];
  INLINE.lastIndex = 0;
  for (let found = INLINE.exec(text); found; found = INLINE.exec(text)) {
    const [mark] = found;
    const start = found.index;
    const end = start + mark.length;
    if (mark[0] === "`") {
      let behind = at(TICKS, end);
      while (behind && behind[0] !== mark) behind = TICKS.exec(text);
      if (!behind) continue;
      remove(start, end);
      remove(behind.index, behind.index + mark.length);
      INLINE.lastIndex = behind.index + mark.length;
    } else if (mark[0] === "\\") {
      remove(start, start + 1);
    } else if (mark === "<") {
      const [link, tag] = [at(AUTOLINK, start), at(TAG, start)];
      if (link) {
        remove(start, start + 1);
        remove(start + link[0].length - 1, start + link[0].length);
      } else if (tag) {
        remove(start, start + tag[0].length);
      }
      INLINE.lastIndex = start + (link ?? tag ?? mark)[0]!.length;
    } else if (mark.endsWith("[")) {
      if (open.length < MOST_OPEN) open.push({ mark: "[", start, end });
    } else if (mark === "]") {
      const opening = open.findLastIndex(({ mark }) => mark === "[");
      if (opening < 0) continue;
      const target = at(TARGET, start);
      if (target) {
        remove(open[opening]!.start, open[opening]!.end);
        remove(start, start + target[0].length);
        INLINE.lastIndex = start + target[0].length;
      }
      open = open.slice(0, opening);
    } else {
      emphasis(text, { mark: mark[0]!, start, end }, open, remove);
    }
  }
}

/** Pairs marks of emphasis with those that are open, and keeps what may still open one. */
function emphasis(text: string, run: Open, open: Open[], remove: (start: number, end: number) => void): void {
  const [before, after] = [text[run.start - 1] ?? " ", text[run.end] ?? " "];
  const isWord = (c: string) => run.mark === "_" && /[\p{L}\p{N}]/u.test(c);
  const opens = /\S/.test(after) && !isWord(before);
  const closes = /\S/.test(before) && !isWord(after);
  while (closes && run.start < run.end) {
    const opening = open.findLastIndex(({ mark }) => mark === run.mark || mark === "[");
    const other = open[opening];
    if (other?.mark !== run.mark) break;
    const length = Math.min(run.end - run.start, other.end - other.start);
    remove(other.end - length, other.end);
    remove(run.start, run.start + length);
    other.end -= length;
    run.start += length;
    open.length = other.start < other.end ? opening + 1 : opening;
  }
  if (opens && run.start < run.end && open.length < MOST_OPEN) open.push(run);
}
