/** What stands where on the pages of a PDF, to a text with paragraphs. */

import { LONGEST_TITLE } from "./limits.js";

/** A run of text on a page, as pdf.js gives it; places in points, upwards. */
export interface Run {
  readonly str: string;
  /** Where its first letter is and how large: a, b, c, d, x, y. */
  readonly transform: readonly number[];
  readonly width: number;
  /** `rtl`: it is read from right to left. */
  readonly dir?: string;
}

/** A line of text, in the direction in which it is read. */
export interface Line {
  text: string;
  x: number;
  right: number;
  readonly y: number;
  /** Points of its letters. */
  size: number;
  /** Degrees by which it is turned. */
  readonly angle: number;
}

/** How far the next line may be down, in lines, until it begins a paragraph. */
const GAP = 1.35;
/** Lines at the top and at the bottom of pages that may be the same on all. */
const RUNNING = 2;
/** On how many pages a line stands that is a running head. */
const RUNNING_PAGES = 3;

const LETTER = /\p{L}$/u;
const SMALL = /^\p{Ll}/u;
const HYPHEN = /[\p{L}\p{N}](?:-|\u2010|\u00ad)$/u;
/** Where a sentence ends; a line that ends so may end a paragraph. */
const STOP = /[.!?:;…。！？][\u0022')\]»”’]*$/;
const WIDE = /[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef]/;
const BULLET = /^(?:[•▪◦‣·●■–-]\s|\(?\d{1,2}[.)]\s|\(?[a-z]\)\s)/;

/** Bullets of the fonts Symbol and Wingdings, which have no characters of Unicode. */
const SYMBOL_BULLET = /[\uf06c\uf06e\uf076\uf0a7\uf0a8\uf0b7\uf0d8\uf0fc]/g;

/** Whether a text is mostly signs that only its fonts know: these do not say which letters they show. */
export function isGarbled(text: string): boolean {
  const signs = text.match(/[\p{Co}\p{Cn}\p{Cc}\ufffd]/gu)?.length ?? 0;
  const breaks = text.match(/\n/g)?.length ?? 0;
  return signs - breaks > (text.length - breaks) / 5;
}

/** Returns the lines of a page, in the order in which the page draws them: columns one after another. */
export function linesOf(runs: Iterable<Run>): Line[] {
  const lines: Line[] = [];
  let line: Line | undefined;
  for (const { str, transform, width, dir } of runs) {
    const [a = 1, b = 0, c = 0, d = 1, left = 0, up = 0] = transform;
    if (str === "" || ![a, b, c, d, left, up, width].every(Number.isFinite)) continue;
    const turn = Math.atan2(b, a);
    const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
    const [x, y] = [left * cos + up * sin, up * cos - left * sin];
    const [size, angle] = [Math.hypot(c, d) || 1, Math.round((turn * 180) / Math.PI)];
    if (
      line &&
      line.angle === angle &&
      Math.abs(line.y - y) < Math.max(line.size, size) / 2 &&
      (x > line.x - size || dir === "rtl")
    ) {
      const isApart = x - line.right > size / 5 || line.x - (x + width) > size / 5;
      if (isApart && !/\s$/.test(line.text) && !/^\s/.test(str)) line.text += " ";
      line.text += str;
      line.x = Math.min(line.x, x);
      line.right = Math.max(line.right, x + width);
      line.size = Math.max(line.size, size);
    } else if (str.trim() !== "") {
      line = { text: str, x, right: x + width, y, size, angle };
      lines.push(line);
    }
  }
  for (const line of lines)
    line.text = line.text
      .replace(SYMBOL_BULLET, "•")
      .replace(/[\s\u0000-\u001f]+/g, " ")
      .trim();
  return lines.filter(({ text }) => text !== "");
}

/** Returns the text of pages, and where each begins in it. */
export function textOf(pages: readonly (readonly Line[])[]): { text: string; pages: number[] } {
  const isRunning = runningLines(pages);
  const starts: number[] = [];
  const parts: string[] = [];
  let length = 0;
  let last: Line | undefined;
  const add = (part: string) => {
    parts.push(part);
    length += part.length;
  };
  for (const [number, lines] of pages.entries()) {
    const own = lines.filter((_, i) => !isRunning(number, i));
    const leading = leadingOf(own);
    const rights = rightsOf(own);
    let isFirst = true;
    for (const [i, line] of own.entries()) {
      if (last) {
        const between = isFirst ? (goesOn(last, line) ? "" : "\n\n") : joint(last, line, leading, rights[i - 1] ?? 0);
        // A word that the line's end divides becomes whole again.
        if (between === "" && HYPHEN.test(last.text) && isDivided(last.text, line.text)) {
          const end = parts.pop() ?? "";
          length -= end.length;
          add(end.slice(0, -1));
        } else if (between !== "") add(between);
        else if (!(WIDE.test(last.text.at(-1) ?? "") && WIDE.test(line.text[0] ?? "")) && !isCompound(last.text, line.text))
          add(" ");
      }
      if (isFirst) starts.push(length);
      isFirst = false;
      add(line.text);
      last = line;
    }
    if (isFirst) starts.push(length);
  }
  const text = parts.join("").replace(/\u00ad/g, " ");
  if (starts.length > 0) starts[0] = 0;
  return { text, pages: starts };
}

/** What stands between two lines of a page; nothing if they are of one paragraph. */
function joint(last: Line, line: Line, leading: number, right: number): "" | "\n" | "\n\n" {
  const down = last.y - line.y;
  const size = Math.max(last.size, line.size);
  if (last.angle !== line.angle || Math.min(last.size, line.size) < size * 0.87) return "\n\n";
  // Further up, or far to the side, is another column.
  if (isElsewhere(last, line)) return goesOn(last, line) ? "" : "\n\n";
  if (down > GAP * Math.max(leading, size)) return "\n\n";
  if (BULLET.test(line.text) && !HYPHEN.test(last.text)) return "\n";
  if (STOP.test(last.text)) {
    const isIndented = line.x > last.x + size * 0.8 && line.x < last.x + size * 6;
    const isShort = last.right < right - (right - last.x) * 0.12;
    if (isIndented || isShort) return "\n\n";
  }
  // The line ends where its writer wanted: the next word had its place.
  const letter = (last.right - last.x) / last.text.length;
  const word = (line.text.split(" ", 1)[0]!.length + 3) * letter;
  const isWanted = last.right + Math.max(word, (right - last.x) * 0.15) < right;
  return isWanted && !HYPHEN.test(last.text) ? "\n" : "";
}

/** Whether a line is further up than the last one, or far to its side: in another column. */
function isElsewhere(last: Line, line: Line): boolean {
  const size = Math.max(last.size, line.size);
  return last.y - line.y < -size / 2 || line.x > last.right + size || line.right < last.x - size;
}

/** How far to the right the column of each line reaches; a few lines may reach further. */
function rightsOf(lines: readonly Line[]): number[] {
  const rights: number[] = [];
  for (let start = 0; start < lines.length;) {
    let end = start + 1;
    while (end < lines.length && !isElsewhere(lines[end - 1]!, lines[end]!)) end += 1;
    const sorted = lines
      .slice(start, end)
      .map(({ right }) => right)
      .sort((a, b) => a - b);
    const right = sorted[Math.ceil(sorted.length * 0.9) - 1]!;
    while (start < end) start = rights.push(right);
  }
  return rights;
}

/** Returns what stands on a first page in by far the largest letters: a document's title. */
export function largestLine(lines: readonly Line[]): string | undefined {
  const sizes = lines.map(({ size }) => size).sort((a, b) => a - b);
  const [usual, largest] = [sizes[sizes.length >> 1] ?? 0, sizes.at(-1) ?? 0];
  const first = lines.findIndex(({ size, text }) => size > largest * 0.97 && text.length > 2);
  if (first < 0 || largest < usual * 1.25) return undefined;
  let last = first;
  while (last + 1 < lines.length && lines[last + 1]!.size > largest * 0.97) last += 1;
  const title = lines
    .slice(first, last + 1)
    .map(({ text }) => text)
    .join(" ");
  return title.length < LONGEST_TITLE ? title : undefined;
}

/** Whether a sentence goes on in another column or on the next page. */
function goesOn(last: Line, line: Line): boolean {
  return !STOP.test(last.text) && SMALL.test(line.text) && Math.abs(last.size - line.size) < line.size * 0.13;
}

/** Whether a hyphen is there because the line ends; before `und` and its like it stands for a word. */
function isDivided(last: string, next: string): boolean {
  return SMALL.test(next) && LETTER.test(last.slice(0, -1)) && !/^(?:und|oder|bzw|and|or|et|y|bis|to)\b/.test(next);
}

/** Whether a hyphen at a line's end belongs to its word: `Baden-Württemberg`. */
function isCompound(last: string, next: string): boolean {
  return HYPHEN.test(last) && !SMALL.test(next);
}

/** How far apart most lines of a page are. */
function leadingOf(lines: readonly Line[]): number {
  const gaps: number[] = [];
  for (const [i, line] of lines.entries()) {
    const gap = (lines[i - 1]?.y ?? NaN) - line.y;
    if (gap > line.size * 0.8 && gap < line.size * 2.5) gaps.push(gap);
  }
  gaps.sort((a, b) => a - b);
  return gaps[gaps.length >> 1] ?? 0;
}

/** Finds what stands at the edges of pages again and again, such as a chapter's title and the pages' numbers; the first stays. */
function runningLines(pages: readonly (readonly Line[])[]): (page: number, line: number) => boolean {
  const counts = new Map<string, number>();
  const edges = pages.map((lines) => new Map(edgesOf(lines).map((i) => [i, keyOf(lines[i]!)])));
  for (const page of edges) for (const key of new Set(page.values())) counts.set(key, (counts.get(key) ?? 0) + 1);
  const least = Math.max(RUNNING_PAGES, pages.length * 0.4);
  /** The last page that each stands on: left and right pages may differ. */
  const seen = new Map<string, number>();
  const running = edges.map((page, number) => {
    const dropped = new Set<number>();
    for (const [i, key] of page) {
      const [count, before] = [counts.get(key) ?? 0, seen.get(key)];
      const isNumber = /^[\s#]*$/.test(key);
      const isNear = before !== undefined && number - before <= 2;
      if (count >= least ? isNumber || before !== undefined : count >= RUNNING_PAGES && isNear && !isNumber) dropped.add(i);
      seen.set(key, number);
    }
    return dropped;
  });
  return (page, line) => running[page]?.has(line) === true;
}

function edgesOf(lines: readonly Line[]): number[] {
  const all = [...lines.keys()];
  return [...new Set([...all.slice(0, RUNNING), ...all.slice(-RUNNING)])];
}

/** Pages differ in their numbers. */
function keyOf({ text }: Line): string {
  return text.slice(0, 200).replace(/\d+/g, "#");
}
