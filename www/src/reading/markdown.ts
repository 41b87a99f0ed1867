/** A document's text as it is built: Markdown for what has headings, or plain text. */

import { LONGEST_TEXT, LONGEST_TITLE } from "./limits.js";
import { Refused } from "./work.js";

/** What stands before a block: lists and tables hold together. */
type Shape = "block" | "item" | "row";

/** Lines that a cutter of Markdown would not take for words. */
const MARK = /^(?:#{1,6}(?=\s|$)|=+\s*$|-+\s*$|(?:[-*_][ \t]*){3,}$|[`~]{3}|<!--|\+\+\+\s*$|\|)/;

export class Markdown {
  readonly #parts: string[] = [];
  readonly #pages: number[] = [];
  readonly #isPlain: boolean;
  #length = 0;
  #last: Shape | undefined;
  /** The first heading of the highest level, which is a title if there is no other. */
  #title: { level: number; text: string } | undefined;

  /** @param kind plain text has no headings and needs no escapes */
  constructor(kind: "markdown" | "plain" = "markdown") {
    this.#isPlain = kind === "plain";
  }

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  get title(): string | undefined {
    return this.#title?.text;
  }

  /** Adds a heading; level 0 is the document's title. */
  heading(level: number, text: string): void {
    const words = oneLine(text);
    if (words === "") return;
    if (!this.#title || level < this.#title.level) this.#title = { level, text: words };
    const marks = "#".repeat(Math.min(Math.max(level, 1), 6));
    this.#add("block", this.#isPlain ? words : `${marks} ${escapedHeading(words)}`);
  }

  /** Adds a paragraph; its lines stay lines. */
  paragraph(text: string): void {
    const lines = this.#lines(text);
    if (lines.length > 0) this.#add("block", lines.join("\n"));
  }

  /** Adds an item of a list. */
  item(text: string, depth = 0): void {
    const indent = "  ".repeat(Math.min(depth, 8));
    const [first, ...others] = this.#lines(text);
    if (first !== undefined) this.#add("item", [`${indent}- ${first}`, ...others.map((line) => `${indent}  ${line}`)].join("\n"));
  }

  /** Adds a row of a table. */
  row(cells: readonly string[]): void {
    const words = cells.map(oneLine);
    if (words.some((cell) => cell !== "")) this.#add("row", `| ${words.join(" | ")} |`);
  }

  /** Ends a list or a table: what follows is another one. */
  divide(): void {
    if (this.#last) this.#last = "block";
  }

  /** Begins a page or a slide. */
  page(): void {
    this.#last = "block";
    this.#pages.push(this.#length === 0 ? 0 : this.#length + 2);
  }

  /** Returns the text, and where its pages begin. */
  finish(): { text: string; pages: number[] } {
    const text = this.#parts.join("");
    if (text === "") throw new Refused("empty", "it has no text");
    return { text, pages: this.#pages.map((page) => Math.min(page, text.length)) };
  }

  #add(shape: Shape, text: string): void {
    const between =
      this.#last === undefined || this.#length === 0 ? "" : this.#last === shape && shape !== "block" ? "\n" : "\n\n";
    this.#last = shape;
    this.#length += between.length + text.length;
    if (this.#length > LONGEST_TEXT) throw new Refused("too-large", `it has more than ${LONGEST_TEXT} characters`);
    this.#parts.push(between, text);
  }

  #lines(text: string): string[] {
    const lines = text.split("\n").map((line) => line.replace(/[ \t\u00a0]+/g, " ").trim());
    return lines.filter((line) => line !== "").map((line) => (!this.#isPlain && MARK.test(line) ? `\\${line}` : line));
  }
}

/** Returns text on one line. */
export function oneLine(text: string): string {
  return text.replace(/[\s\u0000-\u001f]+/g, " ").trim();
}

/** Escapes what a heading would lose: in it, a cutter leaves out the marks of Markdown. */
function escapedHeading(text: string): string {
  return text.replace(/[\\`*[\]<]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])|#(?=#*$)|#(?=[^\s{}]*\}$)/gu, "\\$&");
}

/** Titles that programs give by themselves. */
const NO_TITLE =
  /^(?:untitled.*|microsoft (?:word|powerpoint|excel) - .*|powerpoint[- ]pr[aä]sentation|powerpoint presentation|presentation|document\d*|slide \d+|title|.*\.(?:docx?|dvi|indd|pptx?|odt|tex|qxd|pages|rtf|pdf|p65|xlsx?))$/i;

/** Returns a title that says something, on one line. */
export function titleOf(...titles: readonly (string | undefined)[]): string | undefined {
  for (const title of titles) {
    const words = oneLine(title ?? "").replace(/[\u007f-\u009f\ufffd]/g, "");
    if (words !== "" && !NO_TITLE.test(words)) return words.slice(0, LONGEST_TITLE);
  }
  return undefined;
}
