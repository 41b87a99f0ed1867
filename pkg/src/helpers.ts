/** An engine's helpers, seen from its worker: who has room, what is where, what came back. */

import type { EngineHelpers } from "./engine.js";
import type { FromHelper, ToHelper } from "./protocol.js";
import type { Turn } from "./queue.js";

/** Groups that wait at a helper behind the one in work, so that it need not wait for an engine that computes. */
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

  /** A helper has become ready. */
  add(helper: number, port: MessagePort): void {
    this.#ports.set(helper, port);
    port.onmessage = ({ data }: MessageEvent<FromHelper>) => this.#receive(helper, data);
  }

  /** A helper is gone; what it had comes back to be computed elsewhere. */
  lose(helper: number): void {
    this.#ports.get(helper)?.close();
    this.#ports.delete(helper);
    for (const [id, task] of this.#tasks) {
      if (task.helper === helper) this.#finish(id, undefined);
    }
  }

  /** The helpers for one call; none if there are none. What comes in later helps the next call. */
  forCall(signal: AbortSignal, turn: Turn): EngineHelpers | undefined {
    return this.#ports.size > 0 ? new Call(this, signal, turn) : undefined;
  }

  get count(): number {
    return this.#ports.size;
  }

  /** Open tasks of the helper that has the fewest. */
  get fewest(): number {
    return Math.min(...[...this.#ports.keys()].map((helper) => this.#load(helper)));
  }

  /** Sends a group to the helper that has the fewest. */
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

  /** One that fails once is not asked again: its groups are computed by others, and the reason with them. */
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

/** One call's view of the helpers. Results of a call that has been aborted find nobody and are dropped. */
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
    // Nothing is stored up where it could instead be begun elsewhere at once.
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
    // Others may have the engine meanwhile.
    return this.#turn.away(new Promise((resolve) => (this.#wake = resolve)));
  }

  /** A group of this call has come back. */
  finish(group: number, pooled: Float32Array<ArrayBuffer> | undefined): void {
    this.#done.push([group, pooled]);
    this.#wake?.();
  }
}
