/** Whose turn it is: one call at a time computes, and a call that waits for something else lets the others go ahead. */

/** A call's place in the queue. */
interface Waiting {
  readonly urgent: boolean;
  /** The call's number, in order of arrival, so that a call that has waited elsewhere keeps its place. */
  readonly number: number;
  readonly go: () => void;
}

/** A call whose turn it is. */
export interface Turn {
  /** Lets more urgent calls go first. */
  pause(): Promise<void>;
  /** Lets all other calls go on until a promise settles that needs no computing, such as a request. */
  away<T>(waiting: Promise<T>): Promise<T>;
}

/** Takes calls in the order of their arrival, urgent ones first. */
export class Queue {
  #waiting: Waiting[] = [];
  #busy = false;
  #next = 0;

  /** Runs some work when its turn comes. */
  async run<T>(urgent: boolean, work: (turn: Turn) => Promise<T>): Promise<T> {
    const number = this.#next++;
    const take = () => this.#take(urgent, number);
    await take();
    try {
      return await work({
        pause: async () => {
          if (!this.#waiting.some((other) => comesBefore(other, { urgent, number }))) return;
          this.#letGo();
          await take();
        },
        away: async (waiting) => {
          this.#letGo();
          try {
            return await waiting;
          } finally {
            await take();
          }
        },
      });
    } finally {
      this.#letGo();
    }
  }

  async #take(urgent: boolean, number: number): Promise<void> {
    if (this.#busy) await new Promise<void>((go) => this.#waiting.push({ urgent, number, go }));
    this.#busy = true;
  }

  #letGo(): void {
    const [first, ...others] = this.#waiting.toSorted((a, b) => (comesBefore(a, b) ? -1 : 1));
    this.#waiting = others;
    // Stays busy for calls that arrive before the next one has woken up.
    if (first) first.go();
    else this.#busy = false;
  }
}

type Place = Pick<Waiting, "urgent" | "number">;

function comesBefore(a: Place, b: Place): boolean {
  return a.urgent === b.urgent ? a.number < b.number : a.urgent;
}
