/** Slides of PowerPoint, in their order, with their titles and notes. */

import { MOST_TOLD } from "./limits.js";
import { Markdown, titleOf } from "./markdown.js";
import { firstText, mainPart, type Relation, relations } from "./office.js";
import type { ReadResult, Refusal } from "./types.js";
import { Refused, refusalOf, type Work } from "./work.js";
import { attribute, prefixed, readXml } from "./xml.js";
import type { Zip } from "./zip.js";

/** Elements whose text is not a slide's own: numbers and dates, and what stands twice. */
const SILENT = new Set(["Fallback", "fld"]);

interface Shape {
  /** What the shape is to its layout: `title`, `ctrTitle`, `body`, `sldNum`, … */
  place: string;
  paragraphs: { text: string; depth: number }[];
  rows: string[][];
}

export async function* readPptx(zip: Zip, path: string, work: Work): AsyncGenerator<ReadResult> {
  const entry = await mainPart(zip, "ppt/presentation.xml", work);
  const related = await relations(zip, entry.name, work);
  const slides: string[] = [];
  await readXml(zip, entry, work, {
    open(name, attributes) {
      const target = name === "sldId" ? related.get(prefixed(attributes, "id") ?? "")?.target : undefined;
      if (target !== undefined) slides.push(target);
    },
  });
  const document = new Markdown();
  const missing: Refusal[] = [];
  for (const [i, slide] of slides.entries()) {
    document.page();
    try {
      await addSlide(zip, slide, document, work);
    } catch (error) {
      work.signal.throwIfAborted();
      if (work.budget.isSpent) throw error;
      missing.push({ path: `${path}/slide ${i + 1}`, ...refusalOf(error) });
    }
  }
  if (document.isEmpty && missing[0]) throw new Refused(missing[0].code, missing[0].detail ?? "");
  const { text, pages } = document.finish();
  const title = titleOf(await firstText(zip, "docProps/core.xml", "title", work), document.title);
  yield { path, kind: "slides", text, cut: "markdown", pages, ...(title !== undefined && { title }) };
  yield* missing.slice(0, MOST_TOLD);
}

async function addSlide(zip: Zip, part: string, document: Markdown, work: Work): Promise<void> {
  const shapes = await readShapes(zip, part, work);
  const isTitle = ({ place }: Shape) => place === "title" || place === "ctrTitle";
  for (const shape of shapes.filter(isTitle)) document.heading(1, shape.paragraphs.map(({ text }) => text).join(" "));
  for (const shape of shapes.filter((shape) => !isTitle(shape))) addShape(shape, document);
  const related: Relation[] = [...(await relations(zip, part, work)).values()];
  const notes = related.find(({ type }) => type === "notesSlide")?.target;
  if (notes === undefined || !zip.find(notes)) return;
  // Besides its text, a page of notes has the picture of its slide, and numbers.
  for (const shape of await readShapes(zip, notes, work))
    if (shape.place === "body") addShape({ ...shape, place: "notes" }, document);
}

function addShape({ place, paragraphs, rows }: Shape, document: Markdown): void {
  const isList = place === "body" || place === "obj" || place === "";
  const words = paragraphs.filter(({ text }) => text.trim() !== "");
  for (const { text, depth } of words) {
    if (isList && words.length > 1) document.item(text, depth);
    else document.paragraph(text);
  }
  for (const row of rows) document.row(row);
}

async function readShapes(zip: Zip, part: string, work: Work): Promise<Shape[]> {
  const entry = zip.find(part);
  if (!entry) throw new Refused("damaged", `it has no ${part}`);
  const shapes: Shape[] = [];
  let shape: Shape | undefined;
  let words: string[] = [];
  let depth = 0;
  let cell: string[] | undefined;
  let [silent, isText] = [0, false];
  await readXml(zip, entry, work, {
    open(name, attributes) {
      if (silent > 0 || SILENT.has(name)) return void (silent += 1);
      if (name === "sp" || name === "graphicFrame") shapes.push((shape = { place: "other", paragraphs: [], rows: [] }));
      else if (name === "ph" && shape) shape.place = attribute(attributes, "type") ?? "";
      else if (name === "p") [words, depth] = [[], 0];
      else if (name === "pPr") depth = Math.min(Number(attribute(attributes, "lvl")) || 0, 8);
      else if (name === "t") isText = true;
      else if (name === "br") words.push("\n");
      else if (name === "tr") shape?.rows.push([]);
      else if (name === "tc") cell = [];
    },
    text: (text) => void (silent === 0 && isText && words.push(text)),
    close(name) {
      if (silent > 0) return void (silent -= 1);
      if (name === "t") isText = false;
      else if (name === "p") {
        const text = words.join("");
        if (cell) cell.push(text);
        else shape?.paragraphs.push({ text, depth });
        words = [];
      } else if (name === "tc") {
        shape?.rows.at(-1)?.push(cell?.join(" ") ?? "");
        cell = undefined;
      }
    },
  });
  return shapes.filter(({ place }) => !["sldNum", "dt", "ftr", "hdr", "sldImg"].includes(place));
}
