/** Long work in the search worker, in slices: searches and aborts meanwhile are answered. */

import { abortedBy } from "../errors.js";
import { nextTask } from "../turn.js";

/** How long it works before it lets others go ahead, in milliseconds. */
const SLICE = 8;

/** The slices of one piece of work. */
export class Slices {
  readonly #signal: AbortSignal | undefined;
  #end = performance.now() + SLICE;

  constructor(signal?: AbortSignal) {
    this.#signal = signal;
  }

  /** Whether it is time for {@link Slices.next}: to be asked every few thousand multiplications. */
  get isOver(): boolean {
    return performance.now() >= this.#end;
  }

  /** Lets others go ahead. @throws `aborted` */
  async next(): Promise<void> {
    await nextTask();
    if (this.#signal?.aborted) throw abortedBy(this.#signal);
    this.#end = performance.now() + SLICE;
  }
}
