/** An engine's helpers, seen from its worker: who has room, what is where, what came back. */

import type { EngineHelpers } from "./engine.js";
import type { FromHelper, ToHelper } from "./protocol.js";
import type { Turn } from "./queue.js";

/** The number of batches that wait at a helper behind the current one, so that it need not wait for a busy engine. */
const AHEAD = 1;

interface Task {
  readonly helper: number;
  readonly group: number;
  readonly call: Call;
}

/** The helpers that are ready, and the tasks that they have. */
export class Helpers {
  readonly #ports = new Map<number, MessagePort>();
  readonly #tasks = new Map<number, Task>();
  #nextTask = 0;

  /** Adds a helper that has become ready. */
  add(helper: number, port: MessagePort): void {
    this.#ports.set(helper, port);
    port.onmessage = ({ data }: MessageEvent<FromHelper>) => this.#receive(helper, data);
  }

  /** Removes a helper that is gone; its batches come back to be computed elsewhere. */
  lose(helper: number): void {
    this.#ports.get(helper)?.close();
    this.#ports.delete(helper);
    for (const [id, task] of this.#tasks) {
      if (task.helper === helper) this.#finish(id, undefined);
    }
  }

  /** Returns the helpers for one call, if there are any. Helpers that become ready later help the next call. */
  forCall(signal: AbortSignal, turn: Turn): EngineHelpers | undefined {
    return this.#ports.size > 0 ? new Call(this, signal, turn) : undefined;
  }

  get count(): number {
    return this.#ports.size;
  }

  /** The number of open tasks of the helper that has the fewest. */
  get fewest(): number {
    return Math.min(...[...this.#ports.keys()].map((helper) => this.#load(helper)));
  }

  /** Sends a batch to the helper that has the fewest. */
  give(call: Call, group: number, rows: ToHelper["rows"], lengths: ToHelper["lengths"]): void {
    const [helper] = [...this.#ports.keys()].sort((a, b) => this.#load(a) - this.#load(b));
    const port = this.#ports.get(helper!)!;
    const task = this.#nextTask++;
    this.#tasks.set(task, { helper: helper!, group, call });
    port.postMessage({ task, rows, lengths } satisfies ToHelper, [rows.buffer, lengths.buffer]);
  }

  #load(helper: number): number {
    return [...this.#tasks.values()].filter((task) => task.helper === helper).length;
  }

  /** Handles a helper's answer. A helper that fails once gets no more work: others compute its batches. */
  #receive(helper: number, { task, pooled }: FromHelper): void {
    if (pooled) this.#finish(task, pooled);
    else this.lose(helper);
  }

  #finish(id: number, pooled: FromHelper["pooled"]): void {
    const task = this.#tasks.get(id);
    this.#tasks.delete(id);
    task?.call.finish(task.group, pooled);
  }
}

/** One call's view of the helpers. Results of an aborted call are dropped. */
class Call implements EngineHelpers {
  readonly #helpers: Helpers;
  readonly #signal: AbortSignal;
  readonly #turn: Turn;
  #done: [number, Float32Array<ArrayBuffer> | undefined][] = [];
  #wake: (() => void) | undefined;

  constructor(helpers: Helpers, signal: AbortSignal, turn: Turn) {
    this.#helpers = helpers;
    this.#signal = signal;
    this.#turn = turn;
    signal.addEventListener("abort", () => this.#wake?.(), { once: true });
  }

  get count(): number {
    return this.#helpers.count;
  }

  hasRoom(waiting: number): boolean {
    const { count, fewest } = this.#helpers;
    // A batch does not wait here if it can start elsewhere at once.
    return count > 0 && (fewest === 0 || (fewest <= AHEAD && waiting > count + 1));
  }

  give(group: number, rows: Float32Array<ArrayBuffer>, lengths: Uint32Array<ArrayBuffer>): void {
    this.#helpers.give(this, group, rows, lengths);
  }

  take(): [number, Float32Array<ArrayBuffer> | undefined][] {
    const done = this.#done;
    this.#done = [];
    return done;
  }

  wait(): Promise<void> {
    if (this.#done.length > 0 || this.#signal.aborted) return Promise.resolve();
    // Other calls may use the engine meanwhile.
    return this.#turn.away(new Promise((resolve) => (this.#wake = resolve)));
  }

  /** Notes that a batch of this call has come back. */
  finish(group: number, pooled: Float32Array<ArrayBuffer> | undefined): void {
    this.#done.push([group, pooled]);
    this.#wake?.();
  }
}
