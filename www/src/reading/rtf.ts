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
const WORDS: Readonly<Record<string, string>> = {
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
};
const MOST_GROUPS = 2000;

interface Group {
  isSilent: boolean;
  /** Characters that stand for a character of Unicode where it is not known. */
  skip: number;
}

export async function readRtf(bytes: Uint8Array, path: string, work: Work): Promise<ReadDocument> {
  const source = new TextDecoder("windows-1252").decode(bytes);
  const document = new Markdown();
  const groups: Group[] = [{ isSilent: false, skip: 1 }];
  let group = groups[0]!;
  let encoding = "windows-1252";
  let [level, skipped, words] = [-1, 0, ""];
  let raw: number[] = [];
  let [cells, isRow] = [[] as string[], false];
  const settle = () => {
    if (raw.length > 0) words += new TextDecoder(encoding).decode(Uint8Array.from(raw));
    raw = [];
  };
  const paragraph = () => {
    settle();
    if (isRow) words += " ";
    else if (level >= 0 && level < 9) document.heading(level + 1, words);
    else document.paragraph(words);
    if (!isRow) words = "";
  };
  // The marks of windows-1252 between 128 and 159 are no marks of RTF: whatever stands there is text.
  const token = /\\([a-zA-Z]{1,32})(-?\d{1,10})? ?|\\'([\da-fA-F]{2})|\\([^a-zA-Z])|([{}])|[\r\n]+|[^\\{}\r\n]+/g;
  for (let match = token.exec(source); match; match = token.exec(source)) {
    const [all, word, number, hex, symbol, brace] = match;
    if (token.lastIndex % 512 < all.length) await work.breathe();
    if (brace === "{") {
      if (groups.length >= MOST_GROUPS) throw new Refused("damaged", "its groups are too deep");
      groups.push((group = { ...group }));
    } else if (brace === "}") {
      if (groups.length > 1) groups.pop();
      group = groups.at(-1)!;
    } else if (word !== undefined) {
      const value = number === undefined ? undefined : Number(number);
      if (word === "bin") token.lastIndex += Math.max(0, value ?? 0);
      else if (SILENT.has(word)) group.isSilent = true;
      else if (word === "uc") group.skip = Math.min(value ?? 1, 10);
      else if (word === "ansicpg") encoding = knownEncoding(`windows-${value}`) ?? knownEncoding(`cp${value}`) ?? encoding;
      else if (group.isSilent) continue;
      else if (word === "u") {
        settle();
        words += String.fromCharCode((value ?? 63) & 0xffff);
        skipped = group.skip;
      } else if (word === "par" || word === "page" || word === "sect") paragraph();
      else if (word === "pard") [level, isRow] = [-1, false];
      else if (word === "intbl") isRow = true;
      else if (word === "outlinelevel") level = value ?? -1;
      else if (word === "cell") {
        settle();
        cells.push(words);
        words = "";
      } else if (word === "row") {
        document.row(cells);
        [cells, isRow] = [[], false];
      } else if (WORDS[word] !== undefined) {
        settle();
        words += WORDS[word];
      }
    } else if (group.isSilent) continue;
    else if (symbol !== undefined) {
      if (symbol === "*") group.isSilent = true;
      else if (symbol === "\n" || symbol === "\r") paragraph();
      else {
        settle();
        words += symbol === "~" ? " " : symbol === "_" ? "-" : "\\{}".includes(symbol) ? symbol : "";
      }
    } else if (hex !== undefined) {
      if (skipped > 0) skipped -= 1;
      else raw.push(parseInt(hex, 16));
    } else if (all[0] !== "\r" && all[0] !== "\n") {
      settle();
      const kept = all.slice(Math.min(skipped, all.length));
      skipped = Math.max(0, skipped - all.length);
      words += kept;
    }
  }
  paragraph();
  const { text } = document.finish();
  const title = titleOf(document.title);
  return {
    path,
    kind: "document",
    text: text.replace(/\p{Surrogate}/gu, "\ufffd"),
    cut: "markdown",
    ...(title !== undefined && { title }),
  };
}
