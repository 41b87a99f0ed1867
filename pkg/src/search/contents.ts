/**
 * What a collection holds, in the worker's memory: its documents without their texts, the rows of their passages, and the words index.
 * Live collections and indexes fill it segment by segment, and are searched through it.
 */

import type { FelsicError } from "../errors.js";
import type { Calibration } from "./score.js";
import type { StoredDocument, StoredPassage, TextPlace, TextSource } from "./stored.js";
import { decode, shortHash } from "./texts.js";
import type { DocumentFields, Where } from "./types.js";
import type { Rows } from "./wasm.js";
import { matcher } from "./where.js";
import { WordsBuilder } from "./words-builder.js";

/** A document that is there. */
export interface Held {
  readonly stored: StoredDocument;
  /** The number of the segment that has it. */
  readonly segment: number;
  /** The first of its passages' rows within that segment. */
  readonly first: number;
  /** The first of its passages' rows in memory. */
  readonly row: number;
}

/** A document of a segment, and the first of its passages' rows within that segment. */
export type Placed = Pick<Held, "stored" | "first">;

/** Returns where the documents of a segment are among its rows. */
export function placed(documents: readonly StoredDocument[]): Placed[] {
  let first = 0;
  return documents.map((stored) => {
    const place = { stored, first };
    first += stored.passages.length;
    return place;
  });
}

/** Whether two documents have the same vectors, in the same order. */
function isSame(a: StoredDocument, b: StoredDocument): boolean {
  return a.hash === b.hash && a.passages.length === b.passages.length && fieldsOf(a) === fieldsOf(b);
}

/** Returns the fields of a document that decide nothing about its vectors, as a text. */
export function fieldsOf({ url, tags, meta }: Partial<Fields>): string {
  return JSON.stringify([url ?? null, tags ?? null, meta ?? null]);
}

type Fields = { readonly [Name in "url" | "tags" | "meta"]: StoredDocument[Name] | undefined };

/** A passage by its row. */
export interface HeldPassage {
  readonly document: Held;
  readonly passage: StoredPassage;
}

/** The largest number of filters whose rows are remembered. */
const REMEMBERED = 8;

/** A collection's documents, rows and words. */
export class Contents {
  readonly rows: Rows;
  readonly words: WordsBuilder;
  readonly #texts: TextSource;
  readonly #damaged: (why: string) => FelsicError;
  readonly #documents = new Map<string, Held>();
  /** The document of each row; `undefined` for a row that is no longer used. */
  readonly #owners: (Held | undefined)[] = [];
  #passages = 0;
  /** Rows that filters allow, by the filters' JSON, until something changes. */
  readonly #allowed = new Map<string, Uint8Array<ArrayBuffer>>();
  /** What the cosines of its passages are like, where an index says that; otherwise it is measured. */
  calibration: Calibration | undefined;
  /** Settles when the vectors of all documents are in `rows`. An index loads them after its documents. */
  vectors: Promise<void> = Promise.resolve();

  /** `damaged` makes the error of a text that is not what it was. */
  constructor(rows: Rows, texts: TextSource, damaged: (why: string) => FelsicError) {
    this.rows = rows;
    this.#texts = texts;
    this.#damaged = damaged;
    this.words = new WordsBuilder(this, texts);
  }

  /** The number of documents. */
  get size(): number {
    return this.#documents.size;
  }

  /** The number of passages. */
  get passages(): number {
    return this.#passages;
  }

  /** The number of rows, of which some may no longer be used. */
  get rowCount(): number {
    return this.#owners.length;
  }

  /** Whether rows have their fine components in memory. */
  get hasFine(): boolean {
    return this.rows.fine(0, 0) !== undefined;
  }

  get(id: string): Held | undefined {
    return this.#documents.get(id);
  }

  /** All documents, in the order in which they were added. */
  all(): IterableIterator<Held> {
    return this.#documents.values();
  }

  /** The ids of the documents that fit, in the order in which they were added. */
  ids(where?: Where): string[] {
    const fits = where && matcher(where);
    const documents = Array.from(this.#documents.values(), ({ stored }) => stored);
    return (fits ? documents.filter(fits) : documents).map(({ id }) => id);
  }

  /** What is known of documents besides their texts, without those that are not there. */
  fields(ids: readonly string[]): DocumentFields[] {
    return ids.flatMap((name) => {
      const stored = this.#documents.get(name)?.stored;
      if (!stored) return [];
      const { id, kind, title, url, tags, meta, passages } = stored;
      const given = { ...(title !== undefined && { title }), ...(url !== undefined && { url }) };
      return [{ id, kind, passages: passages.length, ...given, ...(tags && { tags }), ...(meta && { meta }) }];
    });
  }

  /** The passage of a row, if the row is used. */
  at(row: number): HeldPassage | undefined {
    const document = this.#owners[row];
    return document && { document, passage: document.stored.passages[row - document.row]! };
  }

  /**
   * Takes in documents of a segment, after what it removes. Their vectors have to be added to `rows` in the same order: at once, or before
   * `vectors` settles. Returns the number of the first row.
   */
  apply(segment: number, placed: readonly Placed[], removed: readonly string[] = []): number {
    for (const id of removed) this.#remove(id);
    const firstRow = this.#owners.length;
    for (const { stored, first } of placed) {
      this.#remove(stored.id);
      const held: Held = { stored, segment, first, row: this.#owners.length };
      this.#documents.set(stored.id, held);
      for (const _ of stored.passages) this.#owners.push(held);
      this.#passages += stored.passages.length;
      this.words.add(held);
    }
    this.#allowed.clear();
    return firstRow;
  }

  /** Notes that documents have moved to another segment, with their rows; returns those that are not here in this state. */
  move(segment: number, placed: readonly Placed[]): Placed[] {
    return placed.filter(({ stored, first }) => {
      const held = this.#documents.get(stored.id);
      if (!held || !isSame(held.stored, stored)) return true;
      const moved: Held = { stored, segment, first, row: held.row };
      this.#documents.set(stored.id, moved);
      this.#owners.fill(moved, held.row, held.row + stored.passages.length);
      this.words.move(held, moved);
      return false;
    });
  }

  #remove(id: string): void {
    const held = this.#documents.get(id);
    if (!held) return;
    this.#documents.delete(id);
    const end = held.row + held.stored.passages.length;
    this.#owners.fill(undefined, held.row, end);
    this.#passages -= held.stored.passages.length;
    this.words.remove(held);
  }

  /** Returns the rows that may be found, as bits; `undefined` if all may. */
  allowed(where: Where | undefined): Uint8Array<ArrayBuffer> | undefined {
    if (where === undefined && this.#passages === this.#owners.length) return undefined;
    const key = JSON.stringify(where) ?? "";
    const known = this.#allowed.get(key);
    if (known) return known;
    const bits = new Uint8Array((this.#owners.length + 7) >> 3);
    const fits = where && matcher(where);
    for (const { stored, row } of this.#documents.values()) {
      if (fits && !fits(stored)) continue;
      for (let at = row; at < row + stored.passages.length; at += 1) bits[at >> 3]! |= 1 << (at & 7);
    }
    if (this.#allowed.size >= REMEMBERED) this.#allowed.delete(this.#allowed.keys().next().value!);
    this.#allowed.set(key, bits);
    return bits;
  }

  /** Reads the text of a row's passage, and checks it; `undefined` if the row is no longer used. */
  async text(row: number): Promise<string | undefined> {
    const held = this.at(row);
    if (!held) return undefined;
    const { document, passage } = held;
    const bytes = await this.#read(document, passage);
    if (!bytes) return this.text(row);
    return this.checkedText(held, bytes);
  }

  /** Decodes a passage's bytes. @throws `index-invalid` if they are not those that were written */
  async checkedText({ document, passage }: HeldPassage, bytes: Uint8Array<ArrayBuffer>): Promise<string> {
    const text = decode(bytes);
    const { textHash } = passage;
    if (text !== undefined && (textHash === undefined || (await shortHash(text)) === textHash)) return text;
    throw this.#damagedText(document.stored.id);
  }

  /** Reads bytes of a document's texts; `undefined` if the document has moved meanwhile, or is gone. */
  async #read(held: Held, { at, bytes }: TextPlace): Promise<Uint8Array<ArrayBuffer> | undefined> {
    try {
      return await this.#texts.read(held.segment, at, bytes);
    } catch (error) {
      if (this.#documents.get(held.stored.id) === held) throw error;
      return undefined;
    }
  }

  /** Reads a document's whole text. An index has none: it is put together from the passages, as far as they have it. */
  async whole(id: string): Promise<string | undefined> {
    const held = this.#documents.get(id);
    if (!held) return undefined;
    const { source } = held.stored;
    if (!source) return this.#joined(held);
    const bytes = await this.#read(held, source);
    if (!bytes) return this.whole(id);
    const text = decode(bytes);
    if (text === undefined) throw this.#damagedText(id);
    return text;
  }

  async #joined({ stored, row }: Held): Promise<string> {
    const texts = await Promise.all(stored.passages.map((_, at) => this.text(row + at)));
    let whole = "";
    let end = 0;
    for (const [at, passage] of stored.passages.entries()) {
      const text = texts[at] ?? "";
      // A slice of the document may repeat the end of the passage before it; extracted text does not tell where it came from.
      const isSlice = passage.end - passage.start === text.length;
      if (passage.start > end) whole += "\n\n";
      whole += isSlice && passage.start < end ? text.slice(end - passage.start) : text;
      end = Math.max(end, passage.end);
    }
    return whole;
  }

  #damagedText(id: string): FelsicError {
    return this.#damaged(`a text of the document ${JSON.stringify(id)} does not match its hash`);
  }
}
