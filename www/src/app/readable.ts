/** Turns a document's text into what a person reads, and finds places of the text in it. */

import type { Range } from "felsic-ui";
import type { FileKind } from "../reading/types.js";

/** A part of a document: a paragraph, a heading, lines of code, rows of a table. */
export interface Block {
  readonly kind: "text" | "heading" | "code" | "row";
  /** Where its text starts in {@link Readable.text}. */
  readonly start: number;
  readonly text: string;
  /** Of a heading, from 1; of a row, 0 if it names the columns. */
  readonly level?: number;
}

export interface Readable {
  readonly text: string;
  readonly blocks: readonly Block[];
  /** Whether the text was taken out of markup; then offsets of the source say nothing about it. */
  readonly isExtracted: boolean;
}

/** A block is cut if it is longer, so that only what is seen needs to be laid out. */
const LONGEST = 4000;

export function readable(source: string, kind: FileKind): Readable {
  if (kind === "page" || /^\s*<(!doctype|html|head|body|\?xml)\b/i.test(source)) return fromHtml(source);
  if (kind === "code" || kind === "data") return { text: source, blocks: lines(source, "code"), isExtracted: false };
  if (kind === "table") return { text: source, blocks: lines(source, "row", 1), isExtracted: false };
  const isMarkdown = kind !== "text" && kind !== "pdf";
  return { text: source, blocks: paragraphs(source, isMarkdown), isExtracted: false };
}

/** Groups of lines of at most `most` lines. */
function lines(source: string, kind: "code" | "row", most = 40): Block[] {
  const blocks: Block[] = [];
  let start = 0;
  let count = 0;
  for (let at = 0; at < source.length;) {
    const end = source.indexOf("\n", at);
    const next = end < 0 ? source.length : end + 1;
    count += 1;
    if (count === most || next - start > LONGEST || next === source.length) {
      blocks.push({
        kind,
        start,
        text: source.slice(start, end < 0 ? next : end),
        ...(kind === "row" && { level: blocks.length }),
      });
      start = next;
      count = 0;
    }
    at = next;
  }
  return blocks;
}

function paragraphs(source: string, isMarkdown: boolean): Block[] {
  const blocks: Block[] = [];
  // Code between fences may have blank lines; otherwise they end a paragraph.
  const pattern = isMarkdown
    ? /(^|\n)(```|~~~)[\s\S]*?(?:\n\2[^\n]*|$)|\S[\s\S]*?(?=\n[^\S\n]*\n|\n#{1,6} |\n```|\n~~~|$)/g
    : /\S[\s\S]*?(?=\n[^\S\n]*\n|$)/g;
  for (const { 0: found, index } of source.matchAll(pattern)) {
    const text = found.replace(/^\n/, "");
    const start = index + found.length - text.length;
    if (isMarkdown && /^(```|~~~)/.test(text)) blocks.push({ kind: "code", start, text });
    else if (isMarkdown && /^#{1,6} /.test(text)) heading(blocks, start, text);
    else cut(blocks, start, text);
  }
  return blocks;
}

/** A line that is a heading, and the text right below it. */
function heading(blocks: Block[], start: number, text: string): void {
  const end = text.includes("\n") ? text.indexOf("\n") : text.length;
  const signs = /^#+\s*/.exec(text)?.[0] ?? "";
  blocks.push({ kind: "heading", start: start + signs.length, text: text.slice(signs.length, end), level: signs.trim().length });
  if (end < text.length && text.slice(end).trim() !== "") cut(blocks, start + end + 1, text.slice(end + 1));
}

function cut(blocks: Block[], start: number, text: string): void {
  for (let at = 0; at < text.length;) {
    let end = Math.min(text.length, at + LONGEST);
    const space = end < text.length ? text.lastIndexOf(" ", end) : -1;
    if (space > at) end = space + 1;
    blocks.push({ kind: "text", start: start + at, text: text.slice(at, end) });
    at = end;
  }
}

const UNREAD = "script, style, template, noscript, svg, textarea, select, button, nav, [hidden]";
const BLOCKS = "p, li, pre, td, th, dt, dd, h1, h2, h3, h4, h5, h6, blockquote, div, section, article, figcaption, tr, body";

/** Takes the texts out of a page. It is parsed by the browser as a document of its own, in which nothing runs or is fetched. */
function fromHtml(source: string): Readable {
  const page = new DOMParser().parseFromString(source, "text/html");
  for (const element of page.querySelectorAll(UNREAD)) element.remove();
  const root = page.querySelector("main, [role=main]") ?? page.querySelector("article") ?? page.body;
  const blocks: Block[] = [];
  let text = "";
  let piece = "";
  let holder: Element | undefined;
  const flush = () => {
    const isCode = holder?.closest("pre") !== undefined && holder?.closest("pre") !== null;
    const clean = isCode ? piece.replace(/^\n|\s+$/g, "") : piece.replace(/\s+/g, " ").trim();
    piece = "";
    if (clean === "") return;
    const level = Number(/^H([1-6])$/.exec(holder?.tagName ?? "")?.[1] ?? 0);
    if (level > 0) blocks.push({ kind: "heading", start: text.length, text: clean, level });
    else if (isCode) blocks.push({ kind: "code", start: text.length, text: clean });
    else cut(blocks, text.length, clean);
    text += `${clean}\n`;
  };
  const walker = page.createTreeWalker(root, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
  for (let node: Node | null = walker.currentNode; node; node = walker.nextNode()) {
    if (node instanceof Element || node.nodeType === Node.ELEMENT_NODE) {
      if ((node as Element).tagName === "BR") piece += "\n";
      continue;
    }
    const near = node.parentElement?.closest(BLOCKS) ?? root;
    if (near !== holder) {
      flush();
      holder = near;
    }
    piece += node.nodeValue ?? "";
  }
  flush();
  return { text, blocks, isExtracted: true };
}

/** Returns where a passage is in what is shown. */
export function passageRange(readable: Readable, source: string, start: number, end: number): Range | undefined {
  if (!readable.isExtracted)
    return start < end && start < source.length ? { start, end: Math.min(end, source.length) } : undefined;
  const fragment = new DOMParser().parseFromString(source.slice(start, end), "text/html").body.textContent ?? "";
  return find(readable.text, fragment);
}

const IGNORED = /[\s|]/;

/** A text without spaces and bars, and where each of its characters was. */
function squeezed(text: string): { readonly text: string; readonly at: readonly number[] } {
  const at: number[] = [];
  let kept = "";
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charAt(i);
    if (IGNORED.test(unit)) continue;
    kept += unit;
    at.push(i);
  }
  return { text: kept, at };
}

/** Finds a piece in a text, whatever spaces are between its words. */
export function find(text: string, piece: string): Range | undefined {
  const [all, part] = [squeezed(text), squeezed(piece)];
  if (part.text === "") return undefined;
  const found = all.text.indexOf(part.text);
  const [start, last] = [all.at[found], all.at[found + part.text.length - 1]];
  return found < 0 || start === undefined || last === undefined ? undefined : { start, end: last + 1 };
}

/** Returns the marks of a passage in what is shown: `range` is where the passage is, `text` what was found, `marks` what is marked in it. */
export function marksIn(readable: Readable, range: Range, text: string, marks: readonly Range[]): Range[] {
  const isSame = readable.text.startsWith(text, range.start);
  if (isSame) return marks.map(({ start, end }) => ({ start: start + range.start, end: end + range.start }));
  const shown = squeezed(readable.text.slice(range.start, range.end));
  const found = squeezed(text);
  const offset = found.text.indexOf(shown.text.slice(0, 200));
  if (shown.text === "" || offset < 0) return [];
  return marks.flatMap(({ start, end }) => {
    const first = found.at.findIndex((at) => at >= start);
    const after = found.at.findIndex((at) => at >= end);
    const from = shown.at[first - offset];
    const to = shown.at[(after < 0 ? found.at.length : after) - 1 - offset];
    return from === undefined || to === undefined ? [] : [{ start: from + range.start, end: to + 1 + range.start }];
  });
}

/** Cuts a row of a table into its cells (RFC 4180). */
export function cells(row: string, separator: string): { readonly start: number; readonly text: string }[] {
  const made: { start: number; text: string }[] = [];
  let start = 0;
  let isQuoted = false;
  for (let at = 0; at <= row.length; at += 1) {
    const unit = row.charAt(at);
    if (unit === '"') isQuoted = !isQuoted;
    if (at === row.length || (unit === separator && !isQuoted)) {
      made.push({ start, text: row.slice(start, at) });
      start = at + 1;
    }
  }
  return made;
}

/** Returns what separates the cells of a table, by its first row. */
export function separatorOf(row: string): string {
  const counts = [",", ";", "\t"].map((one) => [one, row.split(one).length] as const);
  return counts.reduce((best, one) => (one[1] > best[1] ? one : best))[0];
}
