/** Rich text: its words and paragraphs; what describes fonts, pictures and the document is left out. */

import { knownEncoding } from "./encoding.js";
import { Markdown, titleOf } from "./markdown.js";
import type { ReadDocument } from "./types.js";
import { Refused, type Work } from "./work.js";

/** Groups whose text is not the document's. */
const SILENT = new Set(
  "fonttbl colortbl stylesheet info pict object header headerl headerr headerf footer footerl footerr footerf generator themedata colorschememapping datastore latentstyles listtable listoverridetable rsidtbl xmlnstbl fldinst filetbl revtbl mmathPr annotation atnid atnauthor bkmkstart bkmkend".split(
    " ",
  ),
);
/** Words that stand for characters. */
const CHARACTERS = new Map(
  Object.entries({
    line: "\n",
    tab: "\t",
    emdash: "—",
    endash: "–",
    lquote: "‘",
    rquote: "’",
    ldblquote: "“",
    rdblquote: "”",
    bullet: "•",
    emspace: " ",
    enspace: " ",
  }),
);
/** Signs that stand for characters. */
const SIGNS = new Map(Object.entries({ "~": " ", _: "-", "\\": "\\", "{": "{", "}": "}" }));
const MOST_GROUPS = 2000;
/** Pieces of the file that are read until other messages are heard. */
const PIECES = 2000;

/** A control word with its number; a byte; a control sign; a group's beginning or end; line ends, which say nothing; text. */
const PIECE = /\\([a-zA-Z]{1,32})(-?\d{1,10})? ?|\\'([\da-fA-F]{2})|\\([^a-zA-Z])|([{}])|[\r\n]+|[^\\{}\r\n]+/g;

interface Group {
  isSilent: boolean;
  /** Characters that stand for a character of Unicode where it is not known. */
  skip: number;
}

export async function readRtf(bytes: Uint8Array, path: string, work: Work): Promise<ReadDocument> {
  const reader = new RtfReader(new TextDecoder("windows-1252").decode(bytes));
  while (reader.read(PIECES)) await work.breathe();
  const { text } = reader.document.finish();
  // Bytes and numbers may be those of characters that no text has.
  const title = titleOf(reader.document.title);
  const readable = text.replace(/\p{Surrogate}/gu, "\ufffd").replace(/[\0-\x08\x0b-\x1f\x7f]/g, " ");
  if (readable.trim() === "") throw new Refused("empty", "it has no text");
  return { path, kind: "document", text: readable, cut: "markdown", ...(title !== undefined && { title }) };
}

class RtfReader {
  readonly document = new Markdown();
  readonly #groups: Group[] = [{ isSilent: false, skip: 1 }];
  #at = 0;
  #encoding = "windows-1252";
  /** The words of the paragraph or cell that is open, and bytes that follow them. */
  #words: string[] = [];
  #bytes: number[] = [];
  /** Characters that a character of Unicode has made needless. */
  #needless = 0;
  #level = -1;
  #cells: string[] = [];
  #isRow = false;

  constructor(readonly source: string) {}

  /** Reads some pieces; returns whether there are more. */
  read(pieces: number): boolean {
    for (let i = 0; i < pieces; i += 1) {
      PIECE.lastIndex = this.#at;
      const piece = PIECE.exec(this.source);
      if (!piece) {
        this.#end();
        return false;
      }
      this.#at = PIECE.lastIndex;
      this.#piece(piece);
    }
    return true;
  }

  get #group(): Group {
    return this.#groups.at(-1)!;
  }

  #piece([all, word, number, byte, sign, brace]: RegExpExecArray): void {
    if (brace === "{") {
      if (this.#groups.length >= MOST_GROUPS) throw new Refused("damaged", "its groups are too deep");
      this.#groups.push({ ...this.#group });
    } else if (brace === "}") {
      if (this.#groups.length > 1) this.#groups.pop();
    } else if (word !== undefined) this.#word(word, number === undefined ? undefined : Number(number));
    else if (this.#group.isSilent) return;
    else if (sign !== undefined) this.#sign(sign);
    else if (byte !== undefined) {
      if (this.#needless > 0) this.#needless -= 1;
      else this.#bytes.push(parseInt(byte, 16));
    } else if (!/^[\r\n]/.test(all)) {
      const needless = Math.min(this.#needless, all.length);
      this.#needless -= needless;
      this.#text(all.slice(needless));
    }
  }

  #word(word: string, value: number | undefined): void {
    if (word === "bin") this.#at += Math.max(0, value ?? 0);
    else if (SILENT.has(word)) this.#group.isSilent = true;
    else if (word === "uc") this.#group.skip = Math.min(Math.max(value ?? 1, 0), 10);
    else if (word === "ansicpg")
      this.#encoding = knownEncoding(`windows-${value}`) ?? knownEncoding(`cp${value}`) ?? this.#encoding;
    else if (this.#group.isSilent) return;
    else if (word === "u") {
      this.#text(String.fromCharCode((value ?? 63) & 0xffff));
      this.#needless = this.#group.skip;
    } else if (word === "par" || word === "page" || word === "sect") this.#paragraph();
    else if (word === "pard") [this.#level, this.#isRow] = [-1, false];
    else if (word === "outlinelevel") this.#level = value ?? -1;
    else if (word === "intbl") this.#isRow = true;
    else if (word === "cell") this.#cells.push(this.#taken());
    else if (word === "row") {
      this.document.row(this.#cells);
      [this.#cells, this.#isRow] = [[], false];
    } else this.#text(CHARACTERS.get(word) ?? "");
  }

  #sign(sign: string): void {
    if (sign === "*") this.#group.isSilent = true;
    else if (sign === "\n" || sign === "\r") this.#paragraph();
    else this.#text(SIGNS.get(sign) ?? "");
  }

  #text(text: string): void {
    if (text === "") return;
    this.#settle();
    this.#words.push(text);
  }

  /** Makes characters of bytes: in some encodings one has several. */
  #settle(): void {
    if (this.#bytes.length > 0) this.#words.push(new TextDecoder(this.#encoding).decode(Uint8Array.from(this.#bytes)));
    this.#bytes = [];
  }

  #taken(): string {
    this.#settle();
    const words = this.#words.join("");
    this.#words = [];
    return words;
  }

  /** A file that was cut off may end in a row. */
  #end(): void {
    if (this.#isRow || this.#cells.length > 0) this.document.row([...this.#cells, this.#taken()]);
    this.#isRow = false;
    this.#paragraph();
  }

  #paragraph(): void {
    // A cell's paragraphs are on one line.
    if (this.#isRow) return this.#text(" ");
    const words = this.#taken();
    if (this.#level >= 0 && this.#level < 9) this.document.heading(this.#level + 1, words);
    else this.document.paragraph(words);
  }
}
