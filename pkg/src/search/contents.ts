/**
 * What a collection holds, in the worker's memory: its documents without their texts, the rows of their passages, and the words index.
 * Live collections and indexes fill it segment by segment, and are searched through it.
 */

import type { FelsicError } from "../errors.js";
import { hasBit } from "./bits.js";
import type { Calibration } from "./score.js";
import { gathered, type RowsData } from "./segments.js";
import { type StoredDocument, type StoredPassage, type TextPlace, type TextSource, waitingOf, waits } from "./stored.js";
import { decode, shortHash } from "./texts.js";
import type { DocumentFields, Where } from "./types.js";
import type { Found, Rows } from "./wasm.js";
import { matcher } from "./where.js";
import { WordsBuilder } from "./words-builder.js";

/** A document that is there. */
export interface Held {
  readonly stored: StoredDocument;
  /** The number of the segment that has it. */
  readonly segment: number;
  /** The first of its passages' rows within that segment, which has rows only of passages that do not wait. */
  readonly first: number;
  /** The first of its passages' rows in memory, where each passage has one. */
  readonly row: number;
}

/** A document of a segment, and the first of its passages' rows within that segment. */
export type Placed = Pick<Held, "stored" | "first">;

/** Returns where the documents of a segment are among its rows. */
export function placed(documents: readonly StoredDocument[]): Placed[] {
  let first = 0;
  return documents.map((stored) => {
    const place = { stored, first };
    first += stored.passages.length - waitingOf(stored);
    return place;
  });
}

/** Whether two documents have the same passages; one may have vectors that the other waits for. */
export function isSamePassages(a: StoredDocument, b: StoredDocument): boolean {
  if (a.hash !== b.hash || a.passages.length !== b.passages.length) return false;
  return a.passages.every(({ hash }, at) => hash === b.passages[at]!.hash);
}

/** What is taken in of a segment. */
export interface Intake {
  readonly documents: readonly {
    readonly place: Placed;
    /** The document that it is: only its place in the store changes, and what it has waited for. */
    readonly held: Held | undefined;
  }[];
  readonly removed: readonly string[];
  /** The rows of the segment whose vectors have to be added to those in memory, in this order. */
  readonly rows: readonly number[];
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

/** A row that has no vector, and a vector that has no row. */
const NONE = -1;
/** Stands for all rows. */
const EVERYTHING = new Uint8Array();

/** A collection's documents, rows and words. */
export class Contents {
  /** The vectors. As a passage may wait for its own, their numbers are not those of rows. */
  readonly #vectors: Rows;
  readonly words: WordsBuilder;
  readonly #texts: TextSource;
  readonly #damaged: (why: string) => FelsicError;
  readonly #documents = new Map<string, Held>();
  /** The document of each row; `undefined` for a row that is no longer used. */
  readonly #owners: (Held | undefined)[] = [];
  /** The number of each row's vector. */
  readonly #vectorOf: number[] = [];
  /** The row of each vector. */
  readonly #rowOf: number[] = [];
  /** Whether each row has the vector of its own number. */
  #isAligned = true;
  /** The last row of each hash of what is embedded, of the first `#hashed` rows: only what adds documents needs it. */
  readonly #rowByHash = new Map<string, number>();
  #hashed = 0;
  #passages = 0;
  #waiting = 0;
  /** Rows that filters allow, by the filters' JSON, until something changes. */
  readonly #allowed = new Map<string, Uint8Array<ArrayBuffer>>();
  /** The vectors of such rows. */
  #allowedVectors = new WeakMap<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>();
  /** What the cosines of its passages are like, where an index says that; otherwise it is measured. */
  calibration: Calibration | undefined;
  /** Settles when the vectors of all documents are there. An index loads them after its documents. */
  vectors: Promise<void> = Promise.resolve();

  /** `damaged` makes the error of a text that is not what it was. */
  constructor(rows: Rows, texts: TextSource, damaged: (why: string) => FelsicError) {
    this.#vectors = rows;
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

  /** The number of passages that have no vector yet. */
  get waiting(): number {
    return this.#waiting;
  }

  /** The number of rows, of which some may no longer be used. */
  get rowCount(): number {
    return this.#owners.length;
  }

  /** The number of vectors in memory, of which some may no longer be used. */
  get vectorCount(): number {
    return this.#rowOf.length;
  }

  /** Whether vectors have their fine components in memory. */
  get hasFine(): boolean {
    return this.#vectors.fine(0, 0) !== undefined;
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

  /** Returns a row that has the vector of what has a hash; `undefined` if none is known. */
  rowWith(hash: string): number | undefined {
    for (; this.#hashed < this.rowCount; this.#hashed += 1) {
      const held = this.at(this.#hashed);
      if (held) this.#rowByHash.set(held.passage.hash, this.#hashed);
    }
    const row = this.#rowByHash.get(hash);
    return row !== undefined && this.#owners[row] && this.hasVector(row) ? row : undefined;
  }

  /** Says what is to be taken in of a segment. Documents that are here already, the same, keep their rows, words and vectors. */
  intake(placed: readonly Placed[], removed: readonly string[] = []): Intake {
    const gone = new Set(removed);
    const rows: number[] = [];
    const documents = placed.map((place) => {
      const { stored, first } = place;
      const known = gone.has(stored.id) ? undefined : this.#documents.get(stored.id);
      const held = known && this.#isIn(known, stored) ? known : undefined;
      let row = first;
      for (const [at, passage] of stored.passages.entries()) {
        if (waits(passage)) continue;
        if (!held || !this.hasVector(held.row + at)) rows.push(row);
        row += 1;
      }
      return { place, held };
    });
    return { documents, removed, rows };
  }

  /** Whether a document is the same as one that is here, with all vectors that are here. */
  #isIn({ stored, row }: Held, other: StoredDocument): boolean {
    const isSame = isSamePassages(stored, other) && fieldsOf(stored) === fieldsOf(other);
    return isSame && other.passages.every((passage, at) => !waits(passage) || !this.hasVector(row + at));
  }

  /** Adds vectors as they are stored; returns the number of the first one. */
  addVectors({ scales, coarse, fine }: RowsData, hasFine: boolean): number {
    return this.#vectors.addRows(scales, coarse, hasFine ? fine : undefined);
  }

  /** Takes in a segment. The vectors of its rows have the numbers from `first` on: they are there, or will be before `vectors` settles. */
  apply(segment: number, { documents, removed, rows }: Intake, first: number): void {
    let vector = first;
    for (const id of removed) this.#remove(id);
    for (const { place, held } of documents) {
      const { stored } = place;
      if (!held) this.#remove(stored.id);
      const next: Held = { ...place, segment, row: held?.row ?? this.#owners.length };
      this.#documents.set(stored.id, next);
      if (held) this.#move(held, next);
      else this.#append(next);
      for (const [at, passage] of stored.passages.entries()) {
        if (!waits(passage) && !this.hasVector(next.row + at)) this.#give(next.row + at, vector++);
      }
    }
    if (vector !== first + rows.length) throw new Error("rows and documents disagree");
    this.#allowed.clear();
    this.#allowedVectors = new WeakMap();
  }

  #append(held: Held): void {
    for (const _ of held.stored.passages) {
      this.#owners.push(held);
      this.#vectorOf.push(NONE);
    }
    this.#passages += held.stored.passages.length;
    this.#waiting += held.stored.passages.length;
    this.words.add(held);
  }

  #move(from: Held, to: Held): void {
    this.#owners.fill(to, from.row, from.row + from.stored.passages.length);
    this.words.move(from, to);
  }

  /** Notes the vector of a row that has none. */
  #give(row: number, vector: number): void {
    this.#vectorOf[row] = vector;
    // What an earlier failure has left in between belongs to no row.
    while (this.#rowOf.length < vector) this.#rowOf.push(NONE);
    this.#rowOf[vector] = row;
    this.#isAligned &&= vector === row;
    this.#waiting -= 1;
  }

  #remove(id: string): void {
    const held = this.#documents.get(id);
    if (!held) return;
    this.#documents.delete(id);
    const end = held.row + held.stored.passages.length;
    this.#owners.fill(undefined, held.row, end);
    this.#passages -= held.stored.passages.length;
    this.#waiting -= waitingOf(held.stored);
    this.words.remove(held);
  }

  /** Whether a row has a vector. */
  hasVector(row: number): boolean {
    return this.#vectorOf[row]! !== NONE;
  }

  /** Returns the vector of a row; `undefined` if its passage waits for it. Vectors have to be there. */
  vector(row: number): Float32Array<ArrayBuffer> | undefined {
    return this.hasVector(row) ? this.#vectors.vector(this.#vectorOf[row]!) : undefined;
  }

  /** Returns the cosines of a query with the vectors of rows, which must have some: those that {@link Contents.nearest} finds. */
  cosines(query: Float32Array<ArrayBuffer>, rows: readonly number[]): Float32Array<ArrayBuffer> {
    return this.#vectors.cosines(
      query,
      Uint32Array.from(rows, (row) => this.#vectorOf[row]!),
    );
  }

  /** Returns the vectors of a document as they are stored, without passages that wait; `undefined` if memory has no fine components. */
  rowsOf({ stored, row }: Held): RowsData | undefined {
    const vectors = stored.passages.map((_, at) => this.#vectorOf[row + at]!).filter((vector) => vector !== NONE);
    const [first = 0] = vectors;
    if (vectors.every((vector, at) => vector === first + at)) return this.#stored(first, vectors.length);
    const parts = vectors.map((vector) => this.#stored(vector, 1));
    if (parts.includes(undefined)) return undefined;
    const from = parts.map((part) => [part!, 0] as const);
    return gathered(from, parts[0]!.coarse.length);
  }

  #stored(from: number, count: number): RowsData | undefined {
    const fine = this.#vectors.fine(from, count);
    return fine && { scales: this.#vectors.scales(from, count), coarse: this.#vectors.coarse(from, count), fine };
  }

  /** Scans for the passages that are nearest to a query, among those that have vectors. */
  nearest(query: Float32Array<ArrayBuffer>, count: number, allowed: Uint8Array<ArrayBuffer> | undefined): Omit<Found, "free"> {
    const found = this.#vectors.top(query, count, this.#vectorsOf(allowed));
    const { rows, scores, mean, deviation, seen } = found;
    found.free();
    return { rows: this.#isAligned ? rows : rows.map((vector) => this.#rowOf[vector]!), scores, mean, deviation, seen };
  }

  /** Returns the vectors of rows, both as bits; `undefined` if it is all. */
  #vectorsOf(allowed: Uint8Array<ArrayBuffer> | undefined): Uint8Array<ArrayBuffer> | undefined {
    const isAll = allowed === undefined && this.#rowOf.length === this.#passages - this.#waiting;
    if (this.#isAligned || isAll) return allowed;
    const all = allowed ?? EVERYTHING;
    let bits = this.#allowedVectors.get(all);
    if (!bits) {
      bits = new Uint8Array((this.#rowOf.length + 7) >> 3);
      for (let vector = 0; vector < this.#rowOf.length; vector += 1) {
        const row = this.#rowOf[vector]!;
        if (row !== NONE && this.#owners[row] && hasBit(allowed, row)) bits[vector >> 3]! |= 1 << (vector & 7);
      }
      this.#allowedVectors.set(all, bits);
    }
    return bits;
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
