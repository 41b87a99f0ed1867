/** pdf.js, loaded when the first PDF comes, with its worker as a file of its own; it never makes code from text. */

import type { PDFDocumentLoadingTask, PDFDocumentProxy, PDFWorker } from "pdfjs-dist";
import { Refused } from "./work.js";

/** What pdf.js reads for some files only: tables of characters of Asian fonts, fonts that files need not have, decoders. */
const DATA = "pdf/";

/** The worker of pdf.js does not run any more: a file broke it, or it never started. */
export class Broken extends Refused {
  constructor(hasStarted: boolean, message = "its script cannot be loaded") {
    super(hasStarted ? "damaged" : "unreadable", `the reader of PDF does not run: ${message}`);
  }
}

/** pdf.js with a worker of its own, until {@link Engine.end}. */
export class Engine {
  readonly #thread: Worker;
  /** What pdf.js knows the worker as, as soon as the worker listens: what a module is sent before may be lost. */
  readonly #worker: Promise<PDFWorker>;
  /** Rejects if the worker cannot be started, or breaks down. */
  readonly broken: Promise<never>;

  private constructor(
    readonly pdfjs: typeof import("pdfjs-dist"),
    thread: Worker,
  ) {
    this.#thread = thread;
    let hasSpoken = false;
    // The first thing that it says is that it is ready. Told of a `port`, pdf.js does not wait for that.
    this.#worker = new Promise((resolve) => {
      const onReady = () => {
        hasSpoken = true;
        resolve(new pdfjs.PDFWorker({ port: thread as unknown as null, verbosity: 0 }));
      };
      thread.addEventListener("message", onReady, { once: true });
    });
    this.broken = new Promise((_, reject) => {
      thread.addEventListener("error", (event) => {
        event.preventDefault();
        reject(new Broken(hasSpoken, event.message));
      });
    });
    this.broken.catch(() => {});
  }

  static async start(): Promise<Engine> {
    // The other build needs what browsers have had for months at most: Chrome 145, Firefox 144.
    const pdfjs = await import("pdfjs-dist/legacy/build/pdf.mjs").catch((error: unknown) => {
      throw new Refused("unreadable", `the reader of PDF cannot be loaded: ${String(error)}`);
    });
    return new Engine(pdfjs, new Worker(new URL("./pdf-worker.ts", import.meta.url), { type: "module", name: "pdf.js" }));
  }

  /** Begins to open a document, when the worker is ready. @param options what only drawing needs */
  async open(data: Uint8Array, options: { readonly draw: boolean }): Promise<PDFDocumentLoadingTask> {
    const worker = await Promise.race([this.#worker, this.broken]);
    const base = new URL(/* @vite-ignore */ DATA, import.meta.url).href;
    return this.pdfjs.getDocument({
      data,
      worker,
      verbosity: 0,
      isEvalSupported: false,
      enableXfa: false,
      // Without drawing, a font's own letters matter as little as those of the fonts that every reader has.
      useSystemFonts: !options.draw,
      disableFontFace: !options.draw,
      useWorkerFetch: true,
      cMapUrl: `${base}cmaps/`,
      standardFontDataUrl: `${base}standard_fonts/`,
      wasmUrl: `${base}wasm/`,
    });
  }

  /** Ends the worker and all that it does. */
  end(): void {
    void this.#worker.then((worker) => worker.destroy());
    this.#thread.terminate();
  }
}

/** Returns the document, or why there is none. */
export async function opened(engine: Engine, task: PDFDocumentLoadingTask): Promise<PDFDocumentProxy> {
  try {
    return await Promise.race([task.promise, engine.broken]);
  } catch (error) {
    if (error instanceof Error && error.name === "PasswordException") throw new Refused("encrypted", "it needs a password");
    throw error;
  }
}
