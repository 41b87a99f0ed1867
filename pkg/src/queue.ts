/** Whose turn it is: one call at a time computes, and whoever waits for something else lets the others go ahead. */

/** A call's place in the queue. */
interface Waiting {
  readonly urgent: boolean;
  /** Calls are numbered as they come, so that one that has been away keeps its place. */
  readonly number: number;
  readonly go: () => void;
}

/** A call whose turn it is. */
export interface Turn {
  /** Lets calls that are more urgent go first. */
  pause(): Promise<void>;
  /** Lets all others go on until something has settled that takes no computing, such as a request. */
  away<T>(waiting: Promise<T>): Promise<T>;
}

/** Takes calls in the order in which they come, urgent ones first. */
export class Queue {
  #waiting: Waiting[] = [];
  #busy = false;
  #next = 0;

  /** Does some work when it is its turn. */
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
    // Still busy for whoever comes before the next one has woken up.
    if (first) first.go();
    else this.#busy = false;
  }
}

type Place = Pick<Waiting, "urgent" | "number">;

function comesBefore(a: Place, b: Place): boolean {
  return a.urgent === b.urgent ? a.number < b.number : a.urgent;
}
