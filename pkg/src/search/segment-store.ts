/** Where a collection's segments are stored: a folder that all collections share. */

import { FelsicError } from "../errors.js";
import type { Cache } from "../store/cache.js";
import { openCache } from "../store/caches.js";
import { PART } from "../store/names.js";
import { belongsTo, COLLECTIONS, MemoryCache, prefixOf, segmentName, segmentNumber } from "./files.js";
import {
  encodeSegment,
  openSegment,
  readDocuments,
  readRows,
  readSection,
  readTexts,
  type RowsData,
  type SegmentContent,
  type SegmentFile,
  type SegmentHead,
} from "./segments.js";
import type { SegmentDocuments } from "./stored.js";

/** A segment with its documents. */
export interface Arrived {
  readonly number: number;
  readonly file: SegmentFile;
  readonly documents: SegmentDocuments;
}

/** The segments of one collection. What is damaged is an error that says what to do. */
export class SegmentStore {
  readonly name: string;
  /** How the names of its files begin, and those of its locks. */
  readonly prefix: string;
  readonly #cache: Cache;

  private constructor(name: string, prefix: string, cache: Cache) {
    this.name = name;
    this.prefix = prefix;
    this.#cache = cache;
  }

  /** Opens the segments of a collection; `memory` keeps them in memory. */
  static async open(name: string, memory: boolean): Promise<SegmentStore> {
    const cache = memory ? new MemoryCache() : await openCache(COLLECTIONS).catch(notStored);
    return new SegmentStore(name, await prefixOf(name), cache);
  }

  /** The numbers of all segments, in their order. */
  async numbers(): Promise<number[]> {
    const names = await this.#try(() => this.#cache.names());
    const numbers = names.map((name) => segmentNumber(this.prefix, name));
    return numbers.filter((number) => number !== undefined).sort((a, b) => a - b);
  }

  /** The numbers of segments by the names of their files. */
  numbersOf(names: readonly string[]): number[] {
    return names.map((name) => segmentNumber(this.prefix, name)).filter((number) => number !== undefined);
  }

  nameOf(number: number): string {
    return segmentName(this.prefix, number);
  }

  /** Opens a segment; `undefined` if it is no longer there. */
  open(number: number): Promise<Arrived | undefined> {
    return this.#unlessGone(number, async () => {
      const stored = await this.#cache.get(this.nameOf(number));
      if (!stored) return undefined;
      const file = await openSegment(await stored.blob());
      if (file.header.name !== this.name) throw new FelsicError("index-invalid", "it is another collection's");
      return { number, file, documents: await readDocuments(file) };
    });
  }

  /** Reads the rows of a segment; `undefined` if it is no longer there. */
  rows({ number, file }: Pick<Arrived, "number" | "file">): Promise<RowsData | undefined> {
    return this.#unlessGone(number, () => readRows(file));
  }

  /** Reads all texts of a segment; `undefined` if it is no longer there. */
  texts({ number, file }: Pick<Arrived, "number" | "file">): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return this.#unlessGone(number, () => readSection(file, "texts"));
  }

  /** Reads some of the texts of a segment; `undefined` if it is no longer there. */
  someTexts(
    { number, file }: Pick<Arrived, "number" | "file">,
    at: number,
    bytes: number,
  ): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return this.#unlessGone(number, () => readTexts(file, at, bytes));
  }

  /** Writes a segment, whole or not at all. */
  async put(number: number, head: SegmentHead, content: SegmentContent): Promise<SegmentFile> {
    const name = this.nameOf(number);
    const bytes = await encodeSegment(head, content);
    try {
      await this.#cache.put(name, bytes);
    } catch (error) {
      await this.#cache.remove(name + PART).catch(() => {});
      throw this.#failed(error);
    }
    const stored = await this.#try(() => this.#cache.get(name));
    if (!stored) throw new FelsicError("io", `a file of the collection ${this.#quoted} is gone as soon as it is written`);
    return openSegment(await stored.blob());
  }

  /** Removes the segments, and parts of segments, that a test picks; one that cannot be removed stays. */
  async tidy(isUseless: (number: number, isPart: boolean) => boolean): Promise<void> {
    for (const file of await this.#cache.names()) {
      if (!belongsTo(this.prefix, file)) continue;
      const isPart = file.endsWith(PART);
      const number = segmentNumber(this.prefix, isPart ? file.slice(0, -PART.length) : file)!;
      if (isUseless(number, isPart)) await this.#cache.remove(file).catch(() => {});
    }
  }

  /** The error of a damaged segment. */
  damaged(why: string, options?: ErrorOptions): FelsicError {
    const remedy = `delete it with Collection.delete(${this.#quoted}) and add its documents again`;
    return new FelsicError("index-invalid", `the collection ${this.#quoted} is damaged: ${why}; ${remedy}`, options);
  }

  get #quoted(): string {
    return JSON.stringify(this.name);
  }

  /** Runs something that reads a segment; another tab may remove it meanwhile. */
  async #unlessGone<T>(number: number, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof FelsicError && error.code === "index-invalid") {
        throw this.damaged(`segment ${number}: ${error.message}`);
      }
      const isGone = !(await this.numbers()).includes(number);
      if (isGone) return undefined;
      throw this.#failed(error);
    }
  }

  async #try<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw this.#failed(error);
    }
  }

  #failed(cause: unknown): FelsicError {
    if (cause instanceof FelsicError) return cause;
    if ((cause as { name?: unknown }).name === "QuotaExceededError") {
      const message = `there is no room to store this in the collection ${this.#quoted}: nothing of it was stored, and what was there before is intact; remove documents or free space`;
      return new FelsicError("quota-exceeded", message, { cause });
    }
    return new FelsicError("io", `the browser does not read or write the collection ${this.#quoted}; open it again`, { cause });
  }
}

function notStored(cause: unknown): never {
  const message = "the browser stores no files for this page; open the collection with memory: true to keep it in memory alone";
  throw new FelsicError("io", message, { cause });
}
