/** The helpers of an engine: started when there is work to share, ended with the engine. */

import { Connection } from "./connection.js";
import { FelsicError } from "./errors.js";
import { threads } from "./platform.js";
import type { Calls } from "./protocol.js";

/** The largest number of workers unless the caller names one: each has its own copy of the layers. */
const MOST_AUTO = 4;

/**
 * Returns how many workers `workers: "auto"` stands for: half of the machine's threads, as two of them often share a core; but both
 * if there are two, which does not slow the page's frames (`docs/figures.md`).
 */
export function autoWorkers(): number {
  const all = threads();
  return Math.max(Math.min(all, 2), Math.min(MOST_AUTO, Math.floor(all / 2)));
}

/** What a helper is made from. */
export type HelperSource = Omit<Calls["help"]["request"], "port">;

/** The helpers of one engine. */
export class Pool {
  readonly #engine: Connection;
  readonly #count: number;
  readonly #source: HelperSource;
  readonly #startWorker: () => Connection;
  readonly #helpers = new Map<number, Connection>();
  #started: Promise<void> | undefined;

  /** Prepares `count` helpers for the engine; none is started yet. */
  constructor(engine: Connection, count: number, source: HelperSource, startWorker: () => Connection) {
    this.#engine = engine;
    this.#count = count;
    this.#source = source;
    this.#startWorker = startWorker;
  }

  /**
   * Starts the helpers, unless they have been started; settles when each is ready or has failed. A
   * helper that fails is not an error: the others, at least the engine, do its share.
   */
  start(): Promise<void> {
    this.#started ??= Promise.all(Array.from({ length: this.#count }, (_, helper) => this.#startHelper(helper))).then();
    return this.#started;
  }

  /** The number of helpers that are ready. */
  get ready(): number {
    return this.#helpers.size;
  }

  /** Bytes of the helpers' wasm memory. */
  async memoryBytes(): Promise<number> {
    const ask = (helper: Connection) => helper.request("memoryBytes", {}).catch(() => 0);
    const bytes = await Promise.all([...this.#helpers.values()].map(ask));
    return bytes.reduce((sum, bytes) => sum + bytes, 0);
  }

  async #startHelper(helper: number): Promise<void> {
    const { port1, port2 } = new MessageChannel();
    let connection: Connection | undefined;
    try {
      connection = this.#startWorker();
      // Comes before the first `await`, so that no helper outlives its engine.
      const started = connection;
      this.#engine.onEnd(() => started.end(new FelsicError("destroyed", "the engine has ended")));
      await connection.request("help", { ...this.#source, port: port1 }, { transfer: [port1] });
      this.#helpers.set(helper, connection);
      this.#engine.send({ type: "helper", helper, port: port2 }, [port2]);
      connection.onEnd(() => {
        this.#helpers.delete(helper);
        this.#engine.send({ type: "helperLost", helper });
      });
    } catch (error) {
      connection?.end(error as FelsicError);
    }
  }
}
