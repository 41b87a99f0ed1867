/** Reads files in a worker of its own, one after another. */

import type { Request, Response } from "./messages.js";
import type { ReadResult } from "./types.js";

export { ACCEPT, ENDINGS, isArchive, kindOf } from "./endings.js";
export type { FileKind, ReadDocument, ReadResult, Refusal, RefusalCode } from "./types.js";

/** Milliseconds between two looks at the worker. */
const LOOK = 5000;
/** Looks without a sign of life until it counts as hung. */
const MOST_LOOKS = 12;
/** How many times longer it may take to start. */
const STARTING = 4;
/** Milliseconds that a worker has to leave what is not wanted any more. */
const FAREWELL = 2000;

/** A file to be read, or a part of it. */
interface Wanted {
  readonly file: Blob;
  readonly path: string;
  readonly part?: string;
}

interface Thread {
  readonly worker: Worker;
  isReady: boolean;
}

export class Reader {
  readonly #options: { readonly look: number };
  #thread: Thread | undefined;
  #last = 0;
  #isClosed = false;
  /** Settles when the reading before this one is over. */
  #before: Promise<void> = Promise.resolve();

  /** @param options `look`: milliseconds between two looks at the worker, 12 of which without a sign end it */
  constructor(options: { readonly look?: number } = {}) {
    this.#options = { look: options.look ?? LOOK };
  }

  /**
   * Reads a file: yields its documents, and what is not taken up with its reason. Nothing is thrown but the reason of the
   * signal. The next file begins when this one has been read to its end, or left.
   */
  async *read(file: Blob, path: string, options: { readonly signal?: AbortSignal } = {}): AsyncGenerator<ReadResult, void> {
    for await (const result of this.#inTurn({ file, path }, options.signal)) if (!(result instanceof Blob)) yield result;
  }

  /**
   * Returns the bytes of a part of an archive, a mailbox or a message, by the path that reading the file gave it: for showing
   * a PDF that is in an archive. `undefined` if the file has no such part; the file itself for its own path. It waits for its
   * turn, too: who does not want to wait for a file that is being read uses another reader.
   */
  async part(file: Blob, path: string, part: string, options: { readonly signal?: AbortSignal } = {}): Promise<Blob | undefined> {
    if (part === path) return file;
    for await (const result of this.#inTurn({ file, path, part }, options.signal)) if (result instanceof Blob) return result;
    return undefined;
  }

  async *#inTurn(wanted: Wanted, signal: AbortSignal | undefined): AsyncGenerator<ReadResult | Blob, void> {
    const before = this.#before;
    let release = () => {};
    this.#before = new Promise((resolve) => (release = resolve));
    try {
      await before;
      signal?.throwIfAborted();
      if (this.#isClosed) throw new DOMException("the reader is closed", "AbortError");
      yield* this.#read(wanted, signal);
    } finally {
      release();
    }
  }

  /** Ends the worker; what is being read ends with it. */
  close(): void {
    this.#isClosed = true;
    this.#end();
  }

  async *#read(wanted: Wanted, signal: AbortSignal | undefined): AsyncGenerator<ReadResult | Blob, void> {
    const thread = (this.#thread ??= start());
    const { worker } = thread;
    const id = ++this.#last;
    const inbox = new Inbox(thread, id, this.#options.look);
    const onAbort = () => inbox.put("aborted");
    signal?.addEventListener("abort", onAbort);
    let isOver = false;
    try {
      send(worker, { type: "read", id, ...wanted });
      for (;;) {
        const message = await inbox.next();
        signal?.throwIfAborted();
        if (message === "aborted") continue;
        if (message === "broken" || message === "hung") {
          isOver = true;
          this.#end();
          if (this.#isClosed) throw new DOMException("the reader is closed", "AbortError");
          yield lost(wanted.path, thread, message);
          return;
        }
        if (message.type === "done") {
          isOver = true;
          return;
        }
        if (message.type !== "result") continue;
        yield message.result;
        signal?.throwIfAborted();
        send(worker, { type: "next", id });
      }
    } finally {
      signal?.removeEventListener("abort", onAbort);
      // A worker that does not leave its work is replaced.
      if (!isOver && this.#thread === thread && !(await left(inbox, worker, id))) this.#end();
      inbox.close();
    }
  }

  #end(): void {
    this.#thread?.worker.terminate();
    // Whoever waits for it hears that it has ended.
    this.#thread?.worker.dispatchEvent(new Event("error"));
    this.#thread = undefined;
  }
}

function start(): Thread {
  const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name: "reader" });
  return { worker, isReady: false };
}

function send(worker: Worker, request: Request): void {
  worker.postMessage(request);
}

function lost(path: string, { isReady }: Thread, how: "broken" | "hung"): ReadResult {
  if (!isReady && how === "broken") return { path, code: "unreadable", detail: "the reader's script cannot be loaded" };
  return { path, code: "damaged", detail: how === "hung" ? "reading does not end" : "reading breaks down" };
}

/** Asks the worker to leave its work; returns whether it has. */
async function left(inbox: Inbox, worker: Worker, id: number): Promise<boolean> {
  send(worker, { type: "cancel", id });
  const timer = setTimeout(() => inbox.put("hung"), FAREWELL);
  try {
    for (;;) {
      const message = await inbox.next();
      if (message === "hung" || message === "broken") return false;
      if (message !== "aborted" && message.type === "done") return true;
    }
  } finally {
    clearTimeout(timer);
  }
}

type Message = Exclude<Response, { type: "ready" | "beat" }> | "aborted" | "broken" | "hung";

/** What comes from the worker, in order. */
class Inbox {
  readonly #messages: Message[] = [];
  readonly #closing = new AbortController();
  readonly #timer: ReturnType<typeof setInterval>;
  #wake = () => {};
  #silence = 0;

  constructor(thread: Thread, id: number, look: number) {
    const { worker } = thread;
    const { signal } = this.#closing;
    const onMessage = ({ data }: MessageEvent<Response>) => {
      this.#silence = 0;
      if (data.type === "ready") thread.isReady = true;
      else if (data.type !== "beat" && data.id === id) this.put(data);
    };
    worker.addEventListener("message", onMessage, { signal });
    worker.addEventListener("error", () => this.put("broken"), { signal });
    worker.addEventListener("messageerror", () => this.put("broken"), { signal });
    // Looks are counted, not time: a machine that slept has not looked.
    this.#timer = setInterval(() => {
      this.#silence += 1;
      if (this.#silence > MOST_LOOKS * (thread.isReady ? 1 : STARTING)) this.put("hung");
    }, look);
  }

  put(message: Message): void {
    this.#messages.push(message);
    this.#wake();
  }

  async next(): Promise<Message> {
    while (this.#messages.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
    return this.#messages.shift()!;
  }

  close(): void {
    this.#closing.abort();
    clearInterval(this.#timer);
  }
}
