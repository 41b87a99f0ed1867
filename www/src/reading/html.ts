/** HTML to text with headings, for chapters of books and for mails; it takes what browsers take, and never throws. */

import { unescaped } from "./entities.js";
import type { Markdown } from "./markdown.js";
import { oneLine } from "./markdown.js";

/** Elements whose content is no text. */
const SILENT = new Set(
  "script style template noscript svg math title textarea select iframe object video audio canvas head".split(" "),
);
/** Elements that end a line of text. */
const BLOCKS = new Set(
  "address article aside blockquote body caption center dd details dialog div dl dt fieldset figcaption figure footer form header hr html legend main nav ol p pre section summary table tbody tfoot thead ul".split(
    " ",
  ),
);

interface Tag {
  readonly name: string;
  readonly isEnd: boolean;
  readonly isEmpty: boolean;
  /** Where its attributes are in the text. */
  readonly start: number;
  readonly end: number;
}

/**
 * Adds the text of a page to a document.
 *
 * @param options whether tables are tables, which in mails they hardly ever are
 */
export function addHtml(html: string, document: Markdown, { tables = true } = {}): void {
  new Page(html, document, tables).read();
}

/** Returns the words of a page's title. */
export function htmlTitle(html: string): string | undefined {
  const title = /<title[^>]{0,200}>([^<]{1,2000})<\/title/i.exec(html.slice(0, 1 << 16))?.[1];
  return title === undefined ? undefined : oneLine(unescaped(title));
}

/** Returns a page without the pictures that are in it as text, which may be most of it. */
export function withoutData(html: string): string {
  const parts: string[] = [];
  let from = 0;
  for (let at = html.indexOf(BASE64); at >= 0; at = html.indexOf(BASE64, at + BASE64.length)) {
    const start = at + BASE64.length;
    let end = start;
    while (isBase64(html.charCodeAt(end))) end += 1;
    const begin = html.lastIndexOf("data:", at);
    if (end - start < SHORT_DATA || begin < from || at - begin > 200) continue;
    parts.push(html.slice(from, begin), "data:,");
    from = end;
  }
  return from === 0 ? html : parts.join("") + html.slice(from);
}

const BASE64 = ";base64,";
/** Characters of a picture that may stay. */
const SHORT_DATA = 200;

/** Whether a character is of Base64, or an escape in it: `NaN` behind the end is not. */
function isBase64(code: number): boolean {
  const [isDigit, isLetter] = [code >= 47 && code <= 57, (code | 32) >= 97 && (code | 32) <= 122];
  return isDigit || isLetter || code === 43 || code === 61 || code === 37;
}

class Page {
  #at = 0;
  /** The words of the block that is open. */
  #words: string[] = [];
  #heading = 0;
  #lists = 0;
  #isItem = false;
  #pre = 0;
  /** The cells of the row that is open; a table in a table is a part of its cell. */
  #cells: string[] | undefined;
  #tables = 0;
  /** There is no further mark of this kind: looking again would take its time again. */
  readonly #none = new Set<string>();

  constructor(
    readonly html: string,
    readonly document: Markdown,
    readonly hasTables: boolean,
  ) {}

  read(): void {
    const { html } = this;
    while (this.#at < html.length) {
      const open = html.indexOf("<", this.#at);
      if (open !== this.#at) this.#text(html.slice(this.#at, open < 0 ? html.length : open));
      if (open < 0) break;
      this.#at = open;
      const tag = this.#tag(open);
      if (tag === undefined) {
        this.#text("<");
        this.#at = open + 1;
      } else if (tag !== null) this.#element(tag);
    }
    this.#endRow();
    this.#flush();
  }

  /** Reads a tag; `null` for what is none and has no text, `undefined` for what is text. */
  #tag(open: number): Tag | null | undefined {
    const { html } = this;
    if (html.startsWith("<!--", open)) return this.#skip("-->", open + 4);
    if (html.startsWith("<![CDATA[", open)) {
      const end = this.#find("]]>", open);
      if (end < 0) return undefined;
      this.#text(html.slice(open + 9, end), false);
      this.#at = end + 3;
      return null;
    }
    const next = html.charCodeAt(open + 1);
    if (next === 33 || next === 63) return this.#skip(">", open + 2);
    const isEnd = next === 47;
    const start = open + (isEnd ? 2 : 1);
    NAME.lastIndex = start;
    const name = NAME.exec(html)?.[0];
    if (name === undefined) return undefined;
    let at = start + name.length;
    for (;;) {
      const close = this.#find(">", at);
      if (close < 0) return undefined;
      const quote = this.#quote(at, close);
      if (quote < 0) {
        this.#at = close + 1;
        const isEmpty = html.charCodeAt(close - 1) === 47;
        return { name: name.slice(name.indexOf(":") + 1).toLowerCase(), isEnd, isEmpty, start: start + name.length, end: close };
      }
      at = quote;
    }
  }

  /** Returns where a quoted value that begins before `close` ends, if it ends behind it or reaches it. */
  #quote(from: number, close: number): number {
    const { html } = this;
    for (let at = from; at < close; at += 1) {
      const mark = html[at];
      if ((mark !== '"' && mark !== "'") || !/[=\s]/.test(html[at - 1] ?? "")) continue;
      const end = this.#find(mark, at + 1);
      if (end < 0) return -1;
      if (end > close) return end + 1;
      at = end;
    }
    return -1;
  }

  #find(mark: string, from: number): number {
    if (this.#none.has(mark)) return -1;
    const at = this.html.indexOf(mark, from);
    if (at < 0) this.#none.add(mark);
    return at;
  }

  #skip(mark: string, from: number): null | undefined {
    const end = this.#find(mark, from);
    if (end < 0) return undefined;
    this.#at = end + mark.length;
    return null;
  }

  #element({ name, isEnd, isEmpty, start, end }: Tag): void {
    if (SILENT.has(name)) {
      if (!isEnd && !isEmpty) this.#silence(name);
    } else if (/^h[1-6]$/.test(name)) {
      this.#flush();
      this.#heading = isEnd ? 0 : Number(name[1]);
    } else if (name === "br") this.#words.push("\n");
    else if (name === "li") {
      this.#flush();
      this.#isItem = !isEnd;
    } else if (name === "td" || name === "th" || name === "tr" || name === "table") this.#table(name, isEnd);
    else if (name === "img" && !isEnd) this.#alternative(start, end);
    else if (BLOCKS.has(name)) {
      this.#flush();
      if (name === "ul" || name === "ol") this.#lists = Math.max(0, this.#lists + (isEnd ? -1 : 1));
      if (name === "pre") this.#pre = isEnd ? 0 : 1;
    }
  }

  /** Goes behind an element that has no text; without its end, it has the rest of the page. */
  #silence(name: string): void {
    // Heads without an end are common, and a body begins there.
    const pattern = name === "head" ? /<\/head|<body/gi : new RegExp(`</(?:\\w+:)?${name}`, "gi");
    pattern.lastIndex = this.#at;
    const match = this.#none.has(name) ? null : pattern.exec(this.html);
    if (match) this.#at = match.index;
    else if (name === "script" || name === "style") this.#at = this.html.length;
    else this.#none.add(name);
  }

  #table(name: string, isEnd: boolean): void {
    if (!this.hasTables || (this.#tables > 1 && name !== "table")) {
      if (this.#cells === undefined) this.#flush();
      else this.#words.push(" ");
      return;
    }
    if (name === "table") {
      if (this.#tables === 0 || (this.#tables === 1 && isEnd)) {
        this.#endRow();
        this.document.divide();
      }
      this.#tables = Math.max(0, this.#tables + (isEnd ? -1 : 1));
    } else if (name === "tr") this.#endRow();
    else if (isEnd) this.#endCell();
    else {
      if (this.#cells === undefined) this.#flush();
      else this.#endCell();
      this.#cells ??= [];
    }
  }

  #endCell(): void {
    if (this.#cells === undefined) return this.#flush();
    const words = this.#taken();
    if (words !== "" || this.#cells.length > 0) this.#cells.push(words);
  }

  #endRow(): void {
    if (this.#cells === undefined) return this.#flush();
    const words = this.#taken();
    if (oneLine(words) !== "") this.#cells.push(words);
    const cells = this.#cells;
    this.#cells = undefined;
    this.document.row(cells);
  }

  /** A picture is what stands for it, in a book's titles above all. */
  #alternative(start: number, end: number): void {
    if (this.#heading === 0) return;
    const match = /\salt\s*=\s*(?:"([^"]{0,300})"|'([^']{0,300})')/i.exec(this.html.slice(start, Math.min(end, start + 2000)));
    this.#words.push(" ", unescaped(match?.[1] ?? match?.[2] ?? ""), " ");
  }

  #text(text: string, isEscaped = true): void {
    const words = isEscaped ? unescaped(text) : text;
    const plain = words.replace(/\u00ad/g, "");
    this.#words.push(this.#pre > 0 ? plain : plain.replace(/[ \t\r\n\f]+/g, " "));
  }

  #taken(): string {
    const words = this.#words.join("").trim();
    this.#words = [];
    return words;
  }

  /** Ends the block that is open. */
  #flush(): void {
    if (this.#cells !== undefined) {
      // A cell's paragraphs are on one line.
      if (this.#words.length > 0) this.#words.push(" ");
      return;
    }
    const words = this.#taken();
    if (words === "") return;
    if (this.#heading > 0) this.document.heading(this.#heading, words);
    else if (this.#isItem) this.document.item(words, Math.max(0, this.#lists - 1));
    else this.document.paragraph(words);
    this.#isItem = false;
  }
}

const NAME = /[A-Za-z][\w:-]{0,60}/y;
