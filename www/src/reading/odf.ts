/** Documents and slides of LibreOffice and its relatives: OpenDocument. */

import { Markdown, titleOf } from "./markdown.js";
import { firstText } from "./office.js";
import type { FileKind, ReadDocument } from "./types.js";
import { Refused, type Work } from "./work.js";
import { type Attributes, attribute, type Handlers, readXml } from "./xml.js";
import type { Zip } from "./zip.js";

/** Elements whose text is not the document's: comments, what was deleted, shapes' descriptions, how things look. */
const SILENT = new Set(
  "annotation tracked-changes scripts font-face-decls automatic-styles master-styles settings desc ruby-text note-citation forms event-listeners index-title-template sequence-decls variable-decls".split(
    " ",
  ),
);
/** The most spaces of one mark of spaces, and the most repeated cells: sheets have a million empty ones. */
const MOST_SPACES = 100;
const MOST_REPEATED = 1000;

export async function readOdf(zip: Zip, path: string, kind: FileKind, work: Work): Promise<ReadDocument> {
  await checkEncryption(zip, work);
  const entry = zip.find("content.xml");
  if (!entry) throw new Refused("damaged", "it has no content.xml");
  const document = new Markdown();
  await readXml(zip, entry, work, new Content(document));
  const { text, pages } = document.finish();
  const title = titleOf(await firstText(zip, "meta.xml", "title", work), document.title);
  const hasPages = kind === "slides" && pages.length > 0;
  return { path, kind, text, cut: "markdown", ...(hasPages && { pages }), ...(title !== undefined && { title }) };
}

/** Refuses a document with a password: its parts are packed as if they were not encrypted. */
export async function checkEncryption(zip: Zip, work: Work): Promise<void> {
  const entry = zip.find("META-INF/manifest.xml");
  if (!entry) return;
  let isEncrypted = false;
  await readXml(zip, entry, work, { open: (name) => void (isEncrypted ||= name === "encryption-data") });
  if (isEncrypted) throw new Refused("encrypted", "it needs a password");
}

/** Returns how often a cell or a row stands here. */
export function repeated(attributes: Attributes, name: string): number {
  const count = Number(attribute(attributes, name) ?? 1);
  return Number.isInteger(count) ? Math.min(Math.max(count, 1), MOST_REPEATED) : 1;
}

interface Paragraph {
  words: string[];
  level: number | undefined;
}

class Content implements Handlers {
  /** Notes and text boxes have paragraphs within paragraphs. */
  readonly #open: Paragraph[] = [];
  /** The cells of the row that is open in each table. */
  readonly #tables: string[][][] = [];
  readonly #frames: string[] = [];
  /** The text of notes, which follows the paragraph that they are in. */
  readonly #held: string[] = [];
  #silent = 0;
  #lists = 0;
  #notes = 0;
  /** The next paragraph is the first one of its item. */
  #isItem = false;

  constructor(readonly document: Markdown) {}

  open(name: string, attributes: Attributes): void {
    if (this.#silent > 0 || SILENT.has(name)) return void (this.#silent += 1);
    const words = this.#open.at(-1)?.words;
    switch (name) {
      case "h":
        return void this.#open.push({ words: [], level: Math.min(Number(attribute(attributes, "outline-level")) || 1, 9) });
      case "p":
        return void this.#open.push({ words: [], level: this.#level(attributes) });
      case "s":
        return void words?.push(" ".repeat(Math.min(Number(attribute(attributes, "c") ?? 1) || 1, MOST_SPACES)));
      case "tab":
        return void words?.push("\t");
      case "line-break":
        return void words?.push("\n");
      case "list":
        return void (this.#lists += 1);
      case "list-item":
      case "list-header":
        return void (this.#isItem = true);
      case "table":
        return void this.#tables.push([]);
      case "table-row":
        return void this.#tables.splice(-1, 1, []);
      case "table-cell":
      case "covered-table-cell":
        return void this.#tables.at(-1)?.push([]);
      case "page":
        return this.document.page();
      case "notes":
        return void (this.#notes += 1);
      case "frame":
        return void this.#frames.push(attribute(attributes, "class") ?? "");
    }
  }

  text(text: string): void {
    if (this.#silent === 0) this.#open.at(-1)?.words.push(text.replace(/[ \t\r\n]+/g, " "));
  }

  close(name: string): void {
    if (this.#silent > 0) return void (this.#silent -= 1);
    if (name === "h" || name === "p") this.#add(this.#open.pop());
    else if (name === "list") this.#lists = Math.max(0, this.#lists - 1);
    else if (name === "table-row") this.#row();
    else if (name === "table") {
      this.#tables.pop();
      this.document.divide();
    } else if (name === "notes") this.#notes -= 1;
    else if (name === "frame") this.#frames.pop();
  }

  /** The level that a paragraph's style gives it: a slide's title is a heading, and so is a document's. */
  #level(attributes: Attributes): number | undefined {
    if (this.#notes === 0 && this.#frames.at(-1) === "title") return 1;
    return attribute(attributes, "style-name") === "Title" ? 0 : undefined;
  }

  #row(): void {
    const cells = (this.#tables.at(-1) ?? []).map((paragraphs) => paragraphs.join(" "));
    const outer = this.#tables.at(-2)?.at(-1);
    if (outer) outer.push(cells.join(" "));
    else this.document.row(cells);
    if (this.#tables.length > 0) this.#tables[this.#tables.length - 1] = [];
  }

  #add(paragraph: Paragraph | undefined): void {
    if (!paragraph) return;
    const text = paragraph.words.join("").replace(/\u00ad/g, "");
    const cell = this.#tables.at(-1)?.at(-1);
    if (this.#open.length > 0) return void this.#held.push(text);
    if (cell) cell.push(text, ...this.#held.splice(0));
    else if (paragraph.level !== undefined) this.document.heading(paragraph.level, text);
    else if (this.#isItem && this.#lists > 0) this.document.item(text, this.#lists - 1);
    else this.document.paragraph(text);
    if (text.trim() !== "") this.#isItem = false;
    for (const note of this.#held.splice(0)) this.document.paragraph(note);
  }
}
