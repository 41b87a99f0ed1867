/** The page's end of an engine's worker. */

import { makePack } from "./checkpoint/made.js";
import type { PackRequest } from "./checkpoint/protocol.js";
import { describe, FelsicError, knownError } from "./errors.js";
import { Link } from "./link.js";
import type { Calls, EngineNews, ToWorker } from "./protocol.js";
import type { Folders } from "./package.js";
import type { Started } from "./start.js";
import type { Warning } from "./store/warning.js";
import type { LoadProgress } from "./types.js";

/** Messages that a worker sends without a request. */
export interface News {
  readonly loading?: ((progress: LoadProgress) => void) | undefined;
  readonly warning?: ((warning: Warning) => void) | undefined;
}

const unheard = () => undefined;
const WORDING = { worker: "the engine", remedy: "create a new embedder" };

/** An engine's worker and the requests that it has not answered yet. */
export class Connection extends Link<Calls, EngineNews> {
  readonly #folders: Folders;
  readonly #news: News;

  /** Takes over a worker that is starting. */
  constructor(started: Started, folders: Folders, news: News = {}) {
    super(started, WORDING, (message) => this.#hear(message));
    this.#folders = folders;
    this.#news = news;
  }

  /** Sends a message that gets no answer. */
  send(message: ToWorker, transfer: Transferable[] = []): void {
    this.post(message, transfer);
  }

  #hear(message: EngineNews): void {
    switch (message.type) {
      case "loading":
        this.#news.loading?.(message.progress);
        break;
      case "warning":
        this.#news.warning?.(message.warning);
        break;
      case "make":
        void this.#make(message.request);
        break;
      case "alive":
        this.#endWith(message.lock);
        break;
    }
  }

  /** Ends when the worker has: this page gets its lock then, and not before. */
  #endWith(lock: string): void {
    const end = () => this.end(new FelsicError("internal", "the engine's worker has ended; create a new embedder"));
    navigator.locks.request(lock, end).catch(() => undefined);
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
}
