/** Spreadsheets of Excel and LibreOffice: each sheet becomes a table of comma-separated values. */

import { LONGEST_TEXT } from "./limits.js";
import { oneLine } from "./markdown.js";
import { checkEncryption, repeated } from "./odf.js";
import { mainPart, relations } from "./office.js";
import { Names } from "./names.js";
import type { ReadDocument, ReadResult } from "./types.js";
import { Refused, refusalOf, type Work } from "./work.js";
import { attribute, prefixed, readXml } from "./xml.js";
import type { Zip } from "./zip.js";

/** The most columns: what is to the right of them is hardly read by anyone. */
const MOST_COLUMNS = 1000;

/** The rows of a sheet as they come. */
class Sheet {
  readonly #rows: string[] = [];
  #length = 0;

  row(cells: readonly string[]): void {
    let last = cells.length;
    while (last > 0 && (cells[last - 1] ?? "") === "") last -= 1;
    if (last === 0) return;
    const row = Array.from({ length: last }, (_, i) => quoted(oneLine(cells[i] ?? ""))).join(",");
    this.#length += row.length + 1;
    if (this.#length > LONGEST_TEXT) throw new Refused("too-large", `it has more than ${LONGEST_TEXT} characters`);
    this.#rows.push(row);
  }

  get isEmpty(): boolean {
    return this.#rows.length === 0;
  }

  document(path: string, title: string): ReadDocument {
    return { path, kind: "table", text: `${this.#rows.join("\n")}\n`, cut: "csv", title };
  }
}

function quoted(cell: string): string {
  return /[",;\t]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

export async function* readXlsx(zip: Zip, path: string, work: Work): AsyncGenerator<ReadResult> {
  const entry = await mainPart(zip, "xl/workbook.xml", work);
  const related = await relations(zip, entry.name, work);
  const sheets: { name: string; part: string }[] = [];
  await readXml(zip, entry, work, {
    open(name, attributes) {
      const part = name === "sheet" ? related.get(prefixed(attributes, "id") ?? "")?.target : undefined;
      if (part !== undefined) sheets.push({ name: attribute(attributes, "name") ?? "", part });
    },
  });
  const strings = [...related.values()].find(({ type }) => type === "sharedStrings")?.target;
  const shared = await sharedStrings(zip, strings, work);
  const names = new Names(path);
  let isEmpty = true;
  for (const { name, part } of sheets) {
    const own = names.of(name);
    try {
      const sheet = await xlsxSheet(zip, part, shared, work);
      if (sheet.isEmpty) continue;
      yield sheet.document(own, name);
    } catch (error) {
      work.signal.throwIfAborted();
      yield { path: own, ...refusalOf(error) };
    }
    isEmpty = false;
  }
  // Workbooks have empty sheets by themselves.
  if (isEmpty) throw new Refused("empty", "its sheets have no cells");
}

/** The texts that all sheets share. */
async function sharedStrings(zip: Zip, part: string | undefined, work: Work): Promise<string[]> {
  const shared: string[] = [];
  const entry = part === undefined ? undefined : zip.find(part);
  if (!entry) return shared;
  let [words, length, isText, silent] = ["", 0, false, false];
  await readXml(zip, entry, work, {
    open(name) {
      if (name === "si") words = "";
      else if (name === "rPh") silent = true;
      isText = name === "t" && !silent;
    },
    text: (text) => void (isText && (words += text)),
    close(name) {
      isText = false;
      if (name === "rPh") silent = false;
      if (name !== "si") return;
      length += words.length;
      if (length > 4 * LONGEST_TEXT) throw new Refused("too-large", "its texts are too long");
      shared.push(words);
    },
  });
  return shared;
}

async function xlsxSheet(zip: Zip, part: string, shared: readonly string[], work: Work): Promise<Sheet> {
  const entry = zip.find(part);
  if (!entry) throw new Refused("damaged", `it has no ${part}`);
  const sheet = new Sheet();
  let cells: string[] = [];
  let [column, type, value, isValue] = [0, "", "", false];
  await readXml(zip, entry, work, {
    open(name, attributes) {
      if (name === "row") [cells, column] = [[], 0];
      else if (name === "c") {
        column = columnOf(attributes["r"]) ?? column;
        [type, value] = [attributes["t"] ?? "", ""];
      }
      isValue = name === "v" || name === "t";
    },
    text: (text) => void (isValue && (value += text)),
    close(name) {
      isValue = false;
      if (name === "c") {
        if (column < MOST_COLUMNS) while (cells.length < column) cells.push("");
        if (column < MOST_COLUMNS) cells[column] = type === "s" ? (shared[Number(value)] ?? "") : type === "e" ? "" : value;
        column += 1;
      } else if (name === "row") sheet.row(cells);
    },
  });
  return sheet;
}

/** The number of a column, from 0, of a place such as `AB12`. */
function columnOf(place: string | undefined): number | undefined {
  const letters = /^[A-Z]{1,3}/.exec(place ?? "")?.[0];
  if (letters === undefined) return undefined;
  return [...letters].reduce((column, letter) => column * 26 + letter.charCodeAt(0) - 64, 0) - 1;
}

export async function* readOds(zip: Zip, path: string, work: Work): AsyncGenerator<ReadResult> {
  await checkEncryption(zip, work);
  const entry = zip.find("content.xml");
  if (!entry) throw new Refused("damaged", "it has no content.xml");
  const sheets: ReadDocument[] = [];
  const names = new Names(path);
  let title = "";
  let sheet = new Sheet();
  let cells: string[] = [];
  let words: string[] = [];
  let [times, isText, isCell, silent] = [1, 0, false, 0];
  await readXml(zip, entry, work, {
    open(name, attributes) {
      if (name === "annotation" || silent > 0) silent += 1;
      else if (name === "table") [sheet, title] = [new Sheet(), attribute(attributes, "name") ?? ""];
      else if (name === "table-row") cells = [];
      else if (name === "table-cell" || name === "covered-table-cell") {
        [words, times, isCell] = [[], repeated(attributes, "number-columns-repeated"), true];
      } else if (name === "p" && isCell) {
        isText += 1;
        if (words.length > 0) words.push(" ");
      } else if (name === "s" && isText > 0) words.push(" ");
    },
    text: (text) => void (isText > 0 && silent === 0 && words.push(text)),
    close(name) {
      if (silent > 0) return void (silent -= 1);
      if (name === "p" && isCell) isText -= 1;
      else if (name === "table-cell" || name === "covered-table-cell") {
        const cell = words.join("");
        isCell = false;
        for (let i = 0; i < times && cells.length < MOST_COLUMNS; i += 1) cells.push(cell);
      } else if (name === "table-row") sheet.row(cells);
      else if (name === "table" && !sheet.isEmpty) sheets.push(sheet.document(names.of(title), title));
    },
  });
  if (sheets.length === 0) throw new Refused("empty", "its sheets have no cells");
  yield* sheets;
}
