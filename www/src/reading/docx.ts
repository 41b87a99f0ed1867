/** Documents of Word: paragraphs, headings by their styles, lists, tables, notes. */

import { Markdown, titleOf } from "./markdown.js";
import { firstText, mainPart, relations } from "./office.js";
import type { ReadResult, Refusal } from "./types.js";
import { refusalOf, type Work } from "./work.js";
import { attribute, type Handlers, readXml } from "./xml.js";
import type { Zip } from "./zip.js";

/** Elements whose text is not the document's: what was deleted, what stands twice, how fields are made. */
const SILENT = new Set("Fallback del delText moveFrom instrText delInstrText rt pict annotationRef".split(" "));

/** Levels of styles: 1 to 9 of headings, 0 of a document's title. */
type Styles = ReadonlyMap<string, number>;

export async function* readDocx(zip: Zip, path: string, work: Work): AsyncGenerator<ReadResult> {
  const entry = await mainPart(zip, "word/document.xml", work);
  const related = [...(await relations(zip, entry.name, work)).values()];
  const part = (type: string) => related.find((relation) => relation.type === type)?.target;
  const missing: Refusal[] = [];
  const attempt = async <T>(name: string, reading: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await reading();
    } catch (error) {
      work.signal.throwIfAborted();
      if (work.budget.isSpent) throw error;
      missing.push({ path: `${path}/${name}`, ...refusalOf(error) });
      return undefined;
    }
  };
  const styles = await attempt("styles", () => readStyles(zip, part("styles") ?? "word/styles.xml", work));
  const document = new Markdown();
  await readXml(zip, entry, work, body(document, styles ?? new Map()));
  for (const type of ["footnotes", "endnotes"]) {
    const notes = zip.find(part(type) ?? "");
    if (notes) await attempt(type, () => readXml(zip, notes, work, body(document, new Map())));
  }
  const { text } = document.finish();
  const title = titleOf(await firstText(zip, "docProps/core.xml", "title", work), document.title);
  yield { path, kind: "document", text, cut: "markdown", ...(title !== undefined && { title }) };
  yield* missing;
}

/** Reads which styles are headings: by the level of their outline, their name, or the style that they are based on. */
async function readStyles(zip: Zip, part: string, work: Work): Promise<Styles> {
  const levels = new Map<string, number>();
  const bases = new Map<string, string>();
  let id: string | undefined;
  const entry = zip.find(part);
  if (!entry) return levels;
  await readXml(zip, entry, work, {
    open(name, attributes) {
      const value = attribute(attributes, "val") ?? "";
      if (name === "style") id = attribute(attributes, "type") === "paragraph" ? attribute(attributes, "styleId") : undefined;
      else if (id === undefined) return;
      else if (name === "name" && styleLevel(value) !== undefined) levels.set(id, styleLevel(value)!);
      else if (name === "outlineLvl" && /^[0-8]$/.test(value)) levels.set(id, Number(value) + 1);
      else if (name === "basedOn") bases.set(id, value);
    },
  });
  for (const style of bases.keys()) {
    let base: string | undefined = style;
    for (let i = 0; i < 10 && base !== undefined && !levels.has(base); i += 1) base = bases.get(base);
    const level = base === undefined ? undefined : levels.get(base);
    if (level !== undefined) levels.set(style, level);
  }
  return levels;
}

/** Word's own names are English in its files, whatever language it speaks. */
function styleLevel(name: string): number | undefined {
  const level = /^heading ([1-9])$/i.exec(name)?.[1];
  return level !== undefined ? Number(level) : /^title$/i.test(name) ? 0 : undefined;
}

interface Paragraph {
  words: string[];
  level: number | undefined;
  /** How deep in lists; `undefined` outside of them. */
  depth: number | undefined;
}

/** A table has a row that is open, with the paragraphs of its cells. */
interface Table {
  cells: string[][];
}

function body(document: Markdown, styles: Styles): Handlers {
  // Text boxes and notes have paragraphs within paragraphs.
  const open: Paragraph[] = [];
  const tables: Table[] = [];
  let silent = 0;
  let isText = false;
  let isProperties = false;
  return {
    open(name, attributes) {
      if (silent > 0 || SILENT.has(name)) return void (silent += 1);
      const paragraph = open.at(-1);
      const value = attribute(attributes, "val") ?? "";
      if (name === "p") open.push({ words: [], level: undefined, depth: undefined });
      else if (name === "t") isText = true;
      else if (name === "tbl") tables.push({ cells: [] });
      else if (name === "tr" && tables.length > 0) tables.at(-1)!.cells = [];
      else if (name === "tc") tables.at(-1)?.cells.push([]);
      else if (!paragraph) return;
      else if (name === "pPr") isProperties = true;
      else if (name === "pStyle") paragraph.level = styles.get(value) ?? styleLevel(value.replace(/(?<=heading)(?=\d)/i, " "));
      else if (name === "outlineLvl" && isProperties) paragraph.level = /^[0-8]$/.test(value) ? Number(value) + 1 : undefined;
      else if (name === "ilvl") paragraph.depth = Math.min(Number(value) || 0, 8);
      else if (name === "numId") paragraph.depth = value === "0" ? undefined : (paragraph.depth ?? 0);
      else if (name === "tab" && !isProperties) paragraph.words.push("\t");
      else if (name === "br" || name === "cr") paragraph.words.push("\n");
      else if (name === "noBreakHyphen") paragraph.words.push("-");
    },
    text(text) {
      if (silent === 0 && isText) open.at(-1)?.words.push(text);
    },
    close(name) {
      if (silent > 0) return void (silent -= 1);
      if (name === "t") isText = false;
      else if (name === "pPr") isProperties = false;
      else if (name === "p") {
        const paragraph = open.pop();
        if (paragraph) add(paragraph, document, tables);
      } else if (name === "tr") {
        const cells = tables.at(-1)?.cells.map((paragraphs) => paragraphs.join(" ")) ?? [];
        const outer = tables.at(-2)?.cells.at(-1);
        // A table in a cell is a part of its text.
        if (outer) outer.push(cells.join(" "));
        else document.row(cells);
        if (tables.length > 0) tables.at(-1)!.cells = [];
      } else if (name === "tbl") {
        tables.pop();
        document.divide();
      }
    },
  };
}

function add({ words, level, depth }: Paragraph, document: Markdown, tables: readonly Table[]): void {
  const text = words.join("").replace(/\u00ad/g, "");
  const cell = tables.at(-1)?.cells.at(-1);
  if (cell) cell.push(text);
  else if (level !== undefined) document.heading(level, text);
  else if (depth !== undefined) document.item(text, depth);
  else document.paragraph(text);
}
