/** The page's end of any worker: requests by id, aborts, and what happens when the worker ends. */

import { abortedBy, type ErrorMessage, FelsicError, fromMessage } from "./errors.js";
import type { Started } from "./start.js";

/** What a worker can be asked: for each name of a call its request, its result and its progress. */
export type CallTable<Calls> = {
  [Name in keyof Calls]: { readonly request: unknown; readonly result: unknown; readonly progress: unknown };
};

/** What every worker sends. */
export type FromAnyWorker =
  | { readonly type: "started" }
  /** Says that the worker cannot go on. */
  | { readonly type: "failed"; readonly error: ErrorMessage }
  | { readonly type: "progress"; readonly id: number; readonly progress: unknown }
  | { readonly type: "result"; readonly id: number; readonly result: unknown }
  | { readonly type: "error"; readonly id: number; readonly error: ErrorMessage };

interface Pending {
  resolve(result: unknown): void;
  reject(error: FelsicError): void;
  progress(progress: unknown): void;
}

/** What a request may carry besides its content. */
export interface RequestOptions<Progress> {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Objects in the request that move to the worker. */
  readonly transfer?: Transferable[];
}

/** What the caller calls the worker, and what to do when it is lost. */
export interface Wording {
  /** For example `the engine`. */
  readonly worker: string;
  /** For example `create a new embedder`. */
  readonly remedy: string;
}

/** One worker and the requests that it has not answered yet. */
export class Link<Calls extends CallTable<Calls>, News extends { readonly type: string } = never> {
  readonly #worker: Worker;
  readonly #started: Started;
  readonly #hear: (news: News) => void;
  readonly #pending = new Map<number, Pending>();
  #nextId = 0;
  #end: FelsicError | undefined;
  readonly #atEnd: ((error: FelsicError) => void)[] = [];

  /** Takes over a worker that is starting. `hear` gets the messages that belong to no request. */
  constructor(started: Started, { worker: what, remedy }: Wording, hear: (news: News) => void) {
    const { worker } = started;
    this.#worker = worker;
    this.#started = started;
    this.#hear = hear;
    worker.addEventListener("message", ({ data }: MessageEvent<FromAnyWorker | News>) => this.#receive(data));
    worker.addEventListener("messageerror", () => {
      this.end(new FelsicError("internal", `a message from the worker could not be read; ${remedy}`));
    });
    // A script that does not load, or a trap in the wasm.
    started.onFailure(`${what} crashed; ${remedy}`, (error) => this.end(error));
  }

  /** Sends a request; the promise settles with its answer, the signal's abort or the worker's end. */
  request<Name extends keyof Calls>(
    type: Name,
    request: Calls[Name]["request"],
    { signal, onProgress, transfer }: RequestOptions<Calls[Name]["progress"]> = {},
  ): Promise<Calls[Name]["result"]> {
    return new Promise((resolve, reject) => {
      if (this.#end) return reject(this.#end);
      if (signal?.aborted) return reject(abortedBy(signal));
      const id = this.#nextId++;
      const abort = () => {
        this.post({ type: "abort", id });
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
      this.post({ type, id, request }, transfer);
    });
  }

  /** Sends a message as it is. */
  protected post(message: unknown, transfer: Transferable[] = []): void {
    this.#worker.postMessage(message, transfer);
  }

  /** Calls back when the worker has ended, with the reason. */
  onEnd(callback: (error: FelsicError) => void): void {
    if (this.#end) callback(this.#end);
    else this.#atEnd.push(callback);
  }

  /** Ends the worker. Pending and later requests reject with `error`; the first end counts. */
  end(error: FelsicError): void {
    if (this.#end) return;
    this.#end = error;
    this.#started.end();
    for (const pending of this.#pending.values()) pending.reject(error);
    this.#pending.clear();
    for (const callback of this.#atEnd) callback(error);
  }

  #settle(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (this.#pending.size === 0) this.#started.hold(false);
    return pending;
  }

  /** Settles a request. The answer to a request that was aborted meanwhile is dropped. */
  #receive(received: FromAnyWorker | News): void {
    const message = received as FromAnyWorker;
    switch (message.type) {
      case "started":
        break;
      case "failed":
        this.end(fromMessage(message.error));
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
      default:
        this.#hear(received as News);
    }
  }
}
