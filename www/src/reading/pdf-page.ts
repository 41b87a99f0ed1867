/** Draws pages of a PDF, and says where a text stands on them. */

import type { PDFDocumentProxy, PDFPageProxy } from "pdfjs-dist";
import { MOST_PDF_BYTES } from "./limits.js";
import { partsOf } from "./pdf-boxes.js";
import type { Run } from "./pdf-lines.js";
import { Engine, opened } from "./pdfjs.js";
import { bytesOf, Refused } from "./work.js";

/** A place on a page that is drawn, in CSS pixels from its upper left corner. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A page that has been drawn. */
export interface DrawnPage {
  /** CSS pixels. */
  readonly width: number;
  readonly height: number;
  /** How many pages the document has. */
  readonly pages: number;
  /** Where the text stands that was to be marked; one box for each of its lines, or more. */
  readonly boxes: readonly Box[];
}

export interface DrawOptions {
  /** CSS pixels that the page is wide. */
  readonly width: number;
  /** A text of the page, such as a passage: spaces, hyphens and line ends may differ. */
  readonly highlight?: string;
  readonly signal?: AbortSignal;
}

/** The most pixels of a canvas, which is what phones can do. */
const MOST_PIXELS = 1 << 24;

/** A PDF that is open, for drawing one page after another. */
export class PdfView {
  private constructor(
    readonly engine: Engine,
    readonly document: PDFDocumentProxy,
  ) {}

  /** Opens a file; throws what a reader would say of it, as an error with a `code`. */
  static async open(file: Blob): Promise<PdfView> {
    if (file.size > MOST_PDF_BYTES) throw new Refused("too-large", `the file has ${file.size} bytes`);
    const engine = await Engine.start();
    try {
      const document = await opened(engine, await engine.open(await bytesOf(file), { draw: true }));
      return new PdfView(engine, document);
    } catch (error) {
      engine.end();
      throw error instanceof Refused ? error : new Refused("damaged", String(error));
    }
  }

  /**
   * Draws a page.
   *
   * @param number the first page is 1
   * @param canvas gets the size of the page, in the screen's own pixels
   */
  async render(number: number, canvas: HTMLCanvasElement, options: DrawOptions): Promise<DrawnPage> {
    const { width, highlight = "", signal } = options;
    signal?.throwIfAborted();
    const page = await this.document.getPage(number);
    const whole = page.getViewport({ scale: 1 });
    const viewport = page.getViewport({ scale: width / whole.width });
    const most = Math.sqrt(MOST_PIXELS / (viewport.width * viewport.height));
    const ratio = Math.min(globalThis.devicePixelRatio || 1, most);
    canvas.width = Math.max(1, Math.floor(viewport.width * ratio));
    canvas.height = Math.max(1, Math.floor(viewport.height * ratio));
    canvas.style.width = `${viewport.width}px`;
    canvas.style.height = `${viewport.height}px`;
    const task = page.render({ canvas, viewport, transform: [ratio, 0, 0, ratio, 0, 0] });
    const onAbort = () => task.cancel();
    signal?.addEventListener("abort", onAbort);
    try {
      await Promise.race([task.promise, this.engine.broken]);
      signal?.throwIfAborted();
      const boxes = highlight === "" ? [] : await boxesOf(page, viewport, highlight);
      return { width: viewport.width, height: viewport.height, pages: this.document.numPages, boxes };
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    } finally {
      signal?.removeEventListener("abort", onAbort);
      page.cleanup();
    }
  }

  /** Ends the worker that draws. */
  close(): void {
    this.engine.end();
  }
}

/** Draws one page of a file; {@link PdfView} draws several without opening the file again. */
export async function renderPage(file: Blob, page: number, canvas: HTMLCanvasElement, options: DrawOptions): Promise<DrawnPage> {
  const view = await PdfView.open(file);
  try {
    return await view.render(page, canvas, options);
  } finally {
    view.close();
  }
}

async function boxesOf(page: PDFPageProxy, viewport: ReturnType<PDFPageProxy["getViewport"]>, text: string): Promise<Box[]> {
  const { items } = await page.getTextContent();
  const runs = items.filter((item) => "str" in item) as Run[];
  const boxes = partsOf(runs, text).map(({ run, start, end }) => {
    const { transform, width } = runs[run]!;
    const [a = 1, b = 0, c = 0, d = 1, x = 0, y = 0] = transform;
    const size = Math.hypot(a, b) || 1;
    // `width` is in points, and a letter's height is 1 before it is transformed; letters reach below their line.
    const corner = (place: number, height: number) => {
      const right = (place * width) / size;
      return viewport.convertToViewportPoint(x + a * right + c * height, y + b * right + d * height) as [number, number];
    };
    return boxAround([corner(start, -0.2), corner(end, -0.2), corner(start, 0.9), corner(end, 0.9)]);
  });
  return joinedBoxes(boxes);
}

function boxAround(corners: readonly (readonly [number, number])[]): Box {
  const [xs, ys] = [corners.map(([x]) => x), corners.map(([, y]) => y)];
  const [x, y] = [Math.min(...xs), Math.min(...ys)];
  return { x, y, width: Math.max(...xs) - x, height: Math.max(...ys) - y };
}

/** Joins boxes that are beside one another on a line. */
function joinedBoxes(boxes: readonly Box[]): Box[] {
  const joined: Box[] = [];
  for (const box of boxes) {
    const last = joined.at(-1);
    const isBeside = last && Math.abs(last.y - box.y) < box.height / 4 && Math.abs(last.height - box.height) < box.height / 4;
    if (isBeside && box.x - (last.x + last.width) < box.height && box.x >= last.x) {
      const y = Math.min(last.y, box.y);
      const [right, bottom] = [box.x + box.width, Math.max(last.y + last.height, box.y + box.height)];
      joined[joined.length - 1] = { x: last.x, y, width: Math.max(last.x + last.width, right) - last.x, height: bottom - y };
    } else joined.push(box);
  }
  return joined;
}
