/** The page's end of a worker: requests by id, aborts, and what happens when the worker ends. */

import { makePack } from "./checkpoint/made.js";
import type { PackRequest } from "./checkpoint/protocol.js";
import { abortedBy, describe, FelsicError, fromMessage, knownError } from "./errors.js";
import type { Folders } from "./package.js";
import type { CallName, Calls, FromWorker, ToWorker } from "./protocol.js";
import type { Started } from "./start.js";
import type { Warning } from "./store/warning.js";
import type { LoadProgress } from "./types.js";

interface Pending {
  resolve(result: unknown): void;
  reject(error: FelsicError): void;
  progress(progress: unknown): void;
}

/** What a request may carry besides its content. */
export interface RequestOptions<Name extends CallName> {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Calls[Name]["progress"]) => void) | undefined;
  /** Objects in the request that move to the worker. */
  readonly transfer?: Transferable[];
}

/** Messages that a worker sends without a request. */
export interface News {
  readonly loading?: ((progress: LoadProgress) => void) | undefined;
  readonly warning?: ((warning: Warning) => void) | undefined;
}

const unheard = () => undefined;

/** One worker and the requests that it has not answered yet. */
export class Connection {
  readonly #worker: Worker;
  readonly #started: Started;
  readonly #folders: Folders;
  readonly #news: News;
  readonly #pending = new Map<number, Pending>();
  #nextId = 0;
  #end: FelsicError | undefined;
  readonly #atEnd: (() => void)[] = [];

  /** Takes over a worker that is starting. */
  constructor(started: Started, folders: Folders, news: News = {}) {
    const { worker } = started;
    this.#worker = worker;
    this.#started = started;
    this.#folders = folders;
    this.#news = news;
    worker.addEventListener("message", ({ data }: MessageEvent<FromWorker>) => this.#receive(data));
    worker.addEventListener("messageerror", () => {
      this.end(new FelsicError("internal", "a message from the worker could not be read; create a new embedder"));
    });
    // A script that does not load, or a trap in the wasm.
    started.onFailure("the engine crashed; create a new embedder", (error) => this.end(error));
  }

  /** Sends a request; the promise settles with its answer, the signal's abort or the worker's end. */
  request<Name extends CallName>(
    type: Name,
    request: Calls[Name]["request"],
    { signal, onProgress, transfer }: RequestOptions<Name> = {},
  ): Promise<Calls[Name]["result"]> {
    return new Promise((resolve, reject) => {
      if (this.#end) return reject(this.#end);
      if (signal?.aborted) return reject(abortedBy(signal));
      const id = this.#nextId++;
      const abort = () => {
        this.send({ type: "abort", id });
        this.#settle(id)?.reject(abortedBy(signal!));
      };
      const settled = () => signal?.removeEventListener("abort", abort);
      this.#pending.set(id, {
        resolve: (result) => (settled(), resolve(result as Calls[Name]["result"])),
        reject: (error) => (settled(), reject(error)),
        progress: (progress) => onProgress?.(progress as Calls[Name]["progress"]),
      });
      signal?.addEventListener("abort", abort, { once: true });
      this.#started.hold(true);
      this.send({ type, id, request } as ToWorker, transfer);
    });
  }

  /** Sends a message that gets no answer. */
  send(message: ToWorker, transfer: Transferable[] = []): void {
    this.#worker.postMessage(message, transfer);
  }

  /** Calls back when the worker has ended, for whatever reason. */
  onEnd(callback: () => void): void {
    if (this.#end) callback();
    else this.#atEnd.push(callback);
  }

  /** Ends the worker. Pending and later requests reject with `error`; the first end counts. */
  end(error: FelsicError): void {
    if (this.#end) return;
    this.#end = error;
    this.#started.end();
    for (const pending of this.#pending.values()) pending.reject(error);
    this.#pending.clear();
    for (const callback of this.#atEnd) callback();
  }

  /** Starts making a pack for the worker; both end together. */
  async #make(request: PackRequest): Promise<void> {
    const { loading: progress = unheard, warning: warn = unheard } = this.#news;
    try {
      const made = await makePack(request, this.#folders, { progress, warn, onEnd: (callback) => this.onEnd(callback) });
      this.send(
        { type: "made", made },
        [...made.files.values()].map(({ buffer }) => buffer),
      );
    } catch (error) {
      const known = knownError(error) ?? { code: "internal", message: "the pack could not be made", cause: describe(error) };
      this.send({ type: "made", error: known });
    }
  }

  #settle(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (this.#pending.size === 0) this.#started.hold(false);
    return pending;
  }

  /** Settles a request. The answer to a request that was aborted meanwhile is dropped. */
  #receive(message: FromWorker): void {
    switch (message.type) {
      case "failed":
        this.end(fromMessage(message.error));
        break;
      case "loading":
        this.#news.loading?.(message.progress);
        break;
      case "warning":
        this.#news.warning?.(message.warning);
        break;
      case "make":
        void this.#make(message.request);
        break;
      case "progress":
        this.#pending.get(message.id)?.progress(message.progress);
        break;
      case "result":
        this.#settle(message.id)?.resolve(message.result);
        break;
      case "error":
        this.#settle(message.id)?.reject(fromMessage(message.error));
        break;
    }
  }
}
