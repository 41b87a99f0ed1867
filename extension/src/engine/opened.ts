/** A collection that is opened when it is needed, and opened again if its worker has crashed. */

import type { Collection } from "felsic/search";
import { hasCode } from "../shared/errors.js";

export class Opened {
  readonly #open: () => Promise<Collection>;
  #opened: Promise<Collection> | undefined;

  constructor(open: () => Promise<Collection>) {
    this.#open = open;
  }

  /** Returns the collection; one that could not be opened is tried again by the next call. */
  get(): Promise<Collection> {
    const opened = (this.#opened ??= this.#open());
    opened.catch(() => this.#drop(opened));
    return opened;
  }

  /** Returns the collection if it is open. */
  async peek(): Promise<Collection | undefined> {
    return this.#opened?.catch(() => undefined);
  }

  /** Has the collection do something; one whose worker has crashed is opened again by the next call. */
  async use<Value>(work: (collection: Collection) => Promise<Value>): Promise<Value> {
    const opened = this.get();
    const collection = await opened;
    try {
      return await work(collection);
    } catch (error) {
      if (hasCode(error, "internal", "destroyed", "out-of-memory")) {
        this.#drop(opened);
        collection.close();
      }
      throw error;
    }
  }

  /** Another call may have opened it anew meanwhile. */
  #drop(opened: Promise<Collection>): void {
    if (this.#opened === opened) this.#opened = undefined;
  }

  /** Ends the collection's worker; the next call starts it again. */
  async close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    (await opened?.catch(() => undefined))?.close();
  }
}
