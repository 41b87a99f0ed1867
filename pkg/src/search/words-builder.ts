/** Fills the words index in the background, so that searches by meaning need not wait for it. */

import type { Contents, Held } from "./contents.js";
import type { TextSource } from "./stored.js";
import { nextTask } from "../turn.js";
import { Words } from "./words.js";

/** How long it works before it lets others go ahead, in milliseconds. */
const SLICE = 8;
/** The most bytes that are read at once. */
const READ = 256 << 10;

/** The words of a collection's documents. */
export class WordsBuilder {
  readonly #contents: Contents;
  readonly #texts: TextSource;
  #words = new Words();
  /** Documents whose words are not in the index yet, by their first row. */
  readonly #waiting = new Map<number, Held>();
  #work: Promise<void> | undefined;
  #given: Promise<void> | undefined;

  constructor(contents: Contents, texts: TextSource) {
    this.#contents = contents;
    this.#texts = texts;
  }

  /** Takes an index that has been made elsewhere; it has all documents, now and until the promise settles. */
  take(index: Promise<Words>): void {
    this.#waiting.clear();
    this.#given = index.then((words) => void (this.#words = words));
    this.#given.catch(() => undefined);
  }

  add(held: Held): void {
    if (!this.#given && held.stored.passages.length > 0) this.#waiting.set(held.row, held);
  }

  move(from: Held, to: Held): void {
    if (this.#waiting.has(from.row)) this.#waiting.set(to.row, to);
  }

  remove({ stored, row }: Held): void {
    if (this.#waiting.delete(row)) return;
    for (const at of stored.passages.keys()) this.#words.remove(row + at);
  }

  /** Returns the index once it has the words of all documents that are there now. */
  async ready(): Promise<Words> {
    await this.#given;
    while (this.#waiting.size > 0) {
      this.start();
      await this.#work;
    }
    return this.#words;
  }

  /** Begins to fill the index; a failure is reported by the next `ready()`. */
  start(): void {
    if (this.#work || this.#waiting.size === 0) return;
    this.#work = this.#run().finally(() => (this.#work = undefined));
    this.#work.catch(() => undefined);
  }

  async #run(): Promise<void> {
    while (this.#waiting.size > 0) {
      const documents = this.#next();
      const first = documents[0]!;
      const [start, end] = rangeOf(documents);
      let bytes;
      try {
        bytes = await this.#texts.read(first.segment, start, end - start);
      } catch (error) {
        if (this.#waiting.get(first.row) === first) throw error;
        continue;
      }
      let due = performance.now() + SLICE;
      for (const held of documents) {
        const passages = await this.#passagesOf(held, bytes, start);
        // Removed or moved meanwhile: what has moved waits for another turn.
        if (this.#waiting.get(held.row) !== held) continue;
        this.#waiting.delete(held.row);
        for (const [at, passage] of passages.entries()) this.#words.add(held.row + at, passage);
        if (performance.now() < due) continue;
        await nextTask();
        due = performance.now() + SLICE;
      }
      await nextTask();
    }
  }

  /** The next documents of one segment whose texts are read together. */
  #next(): Held[] {
    const documents: Held[] = [];
    for (const held of this.#waiting.values()) {
      if (documents.length > 0) {
        const [start, end] = rangeOf([...documents.slice(0, 1), held]);
        if (held.segment !== documents[0]!.segment || end - start > READ) break;
      }
      documents.push(held);
    }
    return documents;
  }

  #passagesOf(held: Held, bytes: Uint8Array<ArrayBuffer>, start: number): Promise<{ title: string; text: string }[]> {
    const { title, passages } = held.stored;
    return Promise.all(
      passages.map(async (passage) => {
        const from = passage.at - start;
        const text = await this.#contents.checkedText({ document: held, passage }, bytes.subarray(from, from + passage.bytes));
        return { title: [...(title ? [title] : []), ...(passage.trail ?? [])].join(" › "), text };
      }),
    );
  }
}

/** Where the passages of documents are in their segment's texts. */
function rangeOf(documents: readonly Held[]): [start: number, end: number] {
  let [start, end] = [Infinity, 0];
  for (const { stored } of documents) {
    for (const { at, bytes } of stored.passages) {
      start = Math.min(start, at);
      end = Math.max(end, at + bytes);
    }
  }
  return [start, end];
}
