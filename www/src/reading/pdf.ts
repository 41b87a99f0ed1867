/** PDF: its text by pages. */

import type { PDFDocumentLoadingTask, PDFDocumentProxy } from "pdfjs-dist";
import { LONGEST_TEXT, MOST_PDF_BYTES, MOST_TOLD } from "./limits.js";
import { titleOf } from "./markdown.js";
import { isGarbled, largestLine, type Line, linesOf, type Run, textOf } from "./pdf-lines.js";
import { Broken, Engine, opened } from "./pdfjs.js";
import type { ReadResult, Refusal } from "./types.js";
import { bytesOf, refusalOf, Refused, type Source, type Work } from "./work.js";

/**
 * Milliseconds after which a page, or the beginning, is given up: first soon, since a worker that says nothing may have failed by
 * itself, so that another one gets a try; then late, since the document may be slow.
 */
const PATIENCE = [15_000, 60_000] as const;
/** Milliseconds that pdf.js has to put a document away. */
const FAREWELL = 2000;
/** The most pages; no one has read more. */
const MOST_PAGES = 50_000;
/** After so many broken pages at the beginning the others are broken, too. */
const MOST_BROKEN = 200;

/** The engine is kept for the next file. */
let engine: Engine | undefined;

export async function* readPdf(blob: Source, path: string, work: Work): AsyncGenerator<ReadResult> {
  if (blob.size > MOST_PDF_BYTES) throw new Refused("too-large", `the file has ${blob.size} bytes`);
  const [soon, late] = PATIENCE;
  let results: ReadResult[];
  try {
    results = await readDocument(blob, path, work, soon);
  } catch (error) {
    if (!(error instanceof Stuck)) throw error;
    work.signal.throwIfAborted();
    results = await readDocument(blob, path, work, late).catch((error: unknown) => {
      throw error instanceof Stuck ? new Refused("damaged", error.message) : error;
    });
  }
  yield* results;
}

/** Reads a document whose every step takes no longer than `patience` milliseconds. An engine that fails is none for the next. */
async function readDocument(blob: Source, path: string, work: Work, patience: number): Promise<ReadResult[]> {
  try {
    return await resultsOf(await begun(blob, patience), path, work, patience);
  } catch (error) {
    if (error instanceof Stuck || error instanceof Broken) endEngine();
    throw error;
  }
}

/** A document that is open, and what it is open in. */
interface Begun {
  readonly own: Engine;
  readonly task: PDFDocumentLoadingTask;
  readonly document: PDFDocumentProxy;
}

async function begun(blob: Source, patience: number): Promise<Begun> {
  const own = (engine ??= await Engine.start());
  const data = await bytesOf(blob);
  let task: PDFDocumentLoadingTask | undefined;
  const open = async () => {
    task = await own.open(data, { draw: false });
    return { own, task, document: await opened(own, task) };
  };
  try {
    return await inTime(open(), patience);
  } catch (error) {
    if (task && !(error instanceof Stuck)) await putAway(task);
    throw error;
  }
}

async function resultsOf({ own, task, document }: Begun, path: string, work: Work, patience: number): Promise<ReadResult[]> {
  const onAbort = () => void task.destroy().catch(() => {});
  work.signal.addEventListener("abort", onAbort);
  try {
    const { lines, broken, failed } = await readPages(document, own, path, work, patience);
    const { text, pages } = textOf(lines);
    if (text.trim() === "") {
      if (failed > 0) throw new Refused("damaged", broken[0]?.detail ?? "its pages cannot be read");
      throw new Refused("empty", "its pages have no text: they may be pictures of pages");
    }
    if (isGarbled(text)) throw new Refused("encoding", "its fonts do not say which letters they show");
    const title = titleOf(await inTime(titleFrom(document), patience), largestLine(lines[0] ?? []));
    return [{ path, kind: "pdf", text, cut: "text", pages, ...(title !== undefined && { title }) }, ...broken];
  } finally {
    work.signal.removeEventListener("abort", onAbort);
    await putAway(task);
  }
}

/** Puts a document away; a worker that does not manage that is none for the next file. */
async function putAway(task: PDFDocumentLoadingTask): Promise<void> {
  await inTime(task.destroy(), FAREWELL).catch(endEngine);
}

/** Reads all pages; one that is broken keeps no other out. */
async function readPages(document: PDFDocumentProxy, own: Engine, path: string, work: Work, patience: number) {
  if (document.numPages > MOST_PAGES) throw new Refused("too-large", `it has ${document.numPages} pages`);
  const lines: Line[][] = [];
  const broken: Refusal[] = [];
  let [length, failed] = [0, 0];
  for (let number = 1; number <= document.numPages; number += 1) {
    work.signal.throwIfAborted();
    let page: Line[] = [];
    try {
      page = await inTime(Promise.race([linesOfPage(document, number, LONGEST_TEXT - length), own.broken]), patience);
    } catch (error) {
      work.signal.throwIfAborted();
      if (error instanceof Stuck || error instanceof Refused) throw error;
      failed += 1;
      if (broken.length < MOST_TOLD)
        broken.push({ path: `${path}/page ${number}`, code: "damaged", detail: refusalOf(error).detail });
      if (failed === number && failed > MOST_BROKEN) throw error;
    }
    lines.push(page);
    length = page.reduce((sum, { text }) => sum + text.length + 2, length);
    if (length > LONGEST_TEXT) throw new Refused("too-large", `it has more than ${LONGEST_TEXT} characters`);
    await work.breathe();
  }
  return { lines, broken, failed };
}

async function linesOfPage(document: PDFDocumentProxy, number: number, most: number): Promise<Line[]> {
  const page = await document.getPage(number);
  const reader = page.streamTextContent().getReader() as ReadableStreamDefaultReader<{ items: (Run | { type: string })[] }>;
  const runs: Run[] = [];
  let length = 0;
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    for (const item of value.items) {
      if (!("str" in item)) continue;
      length += item.str.length;
      runs.push(item);
    }
    if (length > most) {
      await reader.cancel(new Error("enough"));
      throw new Refused("too-large", `it has more than ${LONGEST_TEXT} characters`);
    }
  }
  page.cleanup();
  return linesOf(runs);
}

async function titleFrom(document: PDFDocumentProxy): Promise<string | undefined> {
  const metadata = await document.getMetadata().catch(() => undefined);
  const { Title: title } = (metadata?.info ?? {}) as { Title?: unknown };
  const other: unknown = metadata?.metadata?.get("dc:title");
  return titleOf(typeof title === "string" ? title : undefined, typeof other === "string" ? other : undefined);
}

/** The work on a page does not end. */
class Stuck extends Error {}

async function inTime<T>(work: Promise<T>, patience: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Stuck(`a page takes more than ${patience / 1000} seconds`)), patience);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function endEngine(): void {
  engine?.end();
  engine = undefined;
}
