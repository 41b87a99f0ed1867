/**
 * Vectors for passages that wait for them: batch by batch, the newest documents first. A batch is written as a segment with the whole
 * documents, which take the place of those that wait: it is there or it is not, and whoever goes on later finds what still waits.
 */

import { abortedBy, FelsicError, orAborted } from "../errors.js";
import { joined } from "../store/network.js";
import type { Batches, OpenBatch } from "./batches.js";
import { shifted } from "./compact.js";
import { type Held, isSamePassages } from "./contents.js";
import { keep } from "./guard.js";
import type { LiveCollection, PassageText } from "./live.js";
import type { Committed, CompleteStep } from "./protocol.js";
import { gathered, type RowsData, rowsOf, type SegmentContent, type VectorAt } from "./segments.js";
import { type StoredDocument, type StoredPassage, waitingOf, waits } from "./stored.js";
import { shortHash } from "./texts.js";

/** A document is written at most this often until all its passages have their vectors. */
const MOST_PARTS = 64;

/** A call that goes on. */
interface Call {
  /** Documents that are complete. */
  documents: number;
  readonly letGo: () => void;
}

/** Passages of one document that get their vectors. */
interface Part {
  readonly stored: StoredDocument;
  /** For each passage, by its place in the document, the number of the vector that is made for it, or one that is there already. */
  readonly vectors: ReadonlyMap<number, number | VectorAt>;
}

/** Makes the vectors of one collection's passages that wait. */
export class Completion {
  readonly #live: LiveCollection;
  readonly #batches: Batches;
  readonly #calls = new Map<number, Call>();
  /** Settles when the call before has ended. */
  #last: Promise<void> = Promise.resolve();

  constructor(live: LiveCollection, batches: Batches) {
    this.#live = live;
    this.#batches = batches;
  }

  /** Takes up the next batch, of about `most` passages; the one before it has been committed. */
  async step(id: number, batch: number, most: number, signal: AbortSignal): Promise<CompleteStep> {
    const live = this.#live;
    const call = this.#calls.get(id) ?? (await this.#begin(id, signal));
    if (live.isOther) throw live.needsReindex();
    const { waiting } = live.contents;
    const { documents } = call;
    const next = waiting > 0 ? await this.#next(call, most) : undefined;
    if (signal.aborted) throw abortedBy(signal);
    if (!next) {
      this.end(id);
      return { waiting, documents };
    }
    this.#batches.open(batch, next);
    return { waiting, documents, task: { embed: next.inputs, unchanged: 0 } };
  }

  /** Ends a call; what it has written stays. */
  end(id: number): void {
    this.#calls.get(id)?.letGo();
    this.#calls.delete(id);
  }

  /** Waits until no other call goes on, here and in other tabs: they would embed the same. */
  async #begin(id: number, signal: AbortSignal): Promise<Call> {
    const live = this.#live;
    const before = this.#last;
    let ended = () => undefined as void;
    const end = new Promise<void>((resolve) => (ended = resolve));
    this.#last = before.then(() => end);
    let unlock = () => undefined as void;
    try {
      await orAborted(before, signal);
      if (live.completeLock !== undefined) unlock = await keep(live.completeLock, signal);
      await live.refresh();
      if (signal.aborted) throw abortedBy(signal);
    } catch (error) {
      unlock();
      ended();
      throw error;
    }
    const letGo = () => (unlock(), ended());
    const call: Call = { documents: 0, letGo };
    this.#calls.set(id, call);
    return call;
  }

  /** The next batch. */
  async #next(call: Call, most: number): Promise<CompletingBatch> {
    const chosen = chosenFrom(newest(this.#live.contents.all()), most);
    const inputs = await Promise.all(chosen.map(({ held, places }) => this.#inputsOf(held, places)));
    const texts = new Map<string, PassageText>();
    for (const [at, { held, places }] of chosen.entries()) {
      for (const [i, place] of places.entries()) {
        const { hash, above } = held.stored.passages[place]!;
        const input = inputs[at]?.[i];
        if (input !== undefined) texts.set(hash, { id: held.stored.id, text: input.slice(above!.length) });
      }
    }
    const vectors = new Map<string, number | VectorAt>(await this.#live.known(texts));
    const embedded: string[] = [];
    const parts = chosen.flatMap(({ held: { stored }, places }, at): Part[] => {
      const own = inputs[at];
      if (!own) return [];
      const vectorOf = (place: number, i: number): [number, number | VectorAt] => {
        const { hash } = stored.passages[place]!;
        const vector = vectors.get(hash) ?? embedded.push(own[i]!) - 1;
        vectors.set(hash, vector);
        return [place, vector];
      };
      return [{ stored, vectors: new Map(places.map(vectorOf)) }];
    });
    return new CompletingBatch(this.#live, embedded, parts, (documents) => (call.documents += documents));
  }

  /**
   * Returns what is embedded for passages of a document that wait; `undefined` if the document is no longer there.
   *
   * @throws `index-invalid` if it is not what was to be embedded
   */
  async #inputsOf(held: Held, places: readonly number[]): Promise<string[] | undefined> {
    const { contents, store } = this.#live;
    const { stored, row } = held;
    const texts = await Promise.all(places.map((place) => contents.text(row + place)));
    const isThere = this.#live.contents === contents && contents.get(stored.id)?.stored === stored;
    if (!isThere || texts.includes(undefined)) return undefined;
    const inputs = places.map((place, i) => stored.passages[place]!.above! + texts[i]!);
    for (const [i, input] of inputs.entries()) {
      if ((await shortHash(input)) === stored.passages[places[i]!]!.hash) continue;
      throw store.damaged(`what is to be embedded of ${JSON.stringify(stored.id)} does not match its hash`);
    }
    return inputs;
  }
}

/** Chooses passages that wait, about `most`. */
function chosenFrom(documents: readonly Held[], most: number): { readonly held: Held; readonly places: readonly number[] }[] {
  const chosen = [];
  let passages = 0;
  for (const held of documents) {
    if (passages >= most) break;
    const all = held.stored.passages;
    const room = Math.max(most - passages, Math.ceil(all.length / MOST_PARTS));
    const places = [...all.keys()].filter((place) => waits(all[place]!)).slice(0, room);
    passages += places.length;
    chosen.push({ held, places });
  }
  return chosen;
}

/** Returns the documents that wait, the newest first. */
function newest(all: Iterable<Held>): Held[] {
  const waiting = Array.from(all).filter(({ stored }) => stored.since !== undefined);
  return waiting.sort((a, b) => b.stored.since! - a.stored.since! || b.row - a.row);
}

/** Passages that are being embedded. */
class CompletingBatch implements OpenBatch {
  readonly inputs: readonly string[];
  readonly #live: LiveCollection;
  readonly #parts: readonly Part[];
  readonly #completed: (documents: number) => void;

  constructor(live: LiveCollection, inputs: readonly string[], parts: readonly Part[], completed: (documents: number) => void) {
    this.#live = live;
    this.inputs = inputs;
    this.#parts = parts;
    this.#completed = completed;
  }

  counted(): never {
    throw new FelsicError("internal", "no numbers of tokens were asked for");
  }

  free(): void {
    // It holds nothing in wasm memory.
  }

  /** Writes the documents with their vectors, as far as they are there, the same, and still wait. */
  async commit(vectors: Float32Array<ArrayBuffer>): Promise<Committed> {
    const live = this.#live;
    const fresh = rowsOf(live.module, vectors, { count: this.inputs.length, dimensions: live.embedder.dimensions });
    let [passages, documents] = [0, 0];
    await live.write(async () => {
      if (live.isOther) throw live.needsReindex();
      const written = await this.#content(fresh);
      ({ passages } = written);
      if (passages === 0) return undefined;
      documents = written.content.documents.documents.filter((document) => waitingOf(document) === 0).length;
      return live.writing(written.content);
    });
    this.#completed(documents);
    return { added: 0, updated: 0, unchanged: 0, passages };
  }

  async #content(fresh: RowsData): Promise<{ readonly content: SegmentContent; readonly passages: number }> {
    const live = this.#live;
    const documents: StoredDocument[] = [];
    const texts: Uint8Array[] = [];
    const rows: VectorAt[] = [];
    let [length, passages] = [0, 0];
    for (const { stored, vectors } of this.#parts) {
      const held = live.contents.get(stored.id);
      if (!held || !isSamePassages(held.stored, stored)) continue;
      const known = await live.vectorsOf(held);
      const completed = held.stored.passages.map((passage, at): StoredPassage => {
        const [own, vector] = [known[at], vectors.get(at)];
        if (own) rows.push(own);
        if (own || vector === undefined) return passage;
        rows.push(typeof vector === "number" ? [fresh, vector] : vector);
        passages += 1;
        const { above: _, ...rest } = passage;
        return rest;
      });
      const { at, bytes } = await live.textsOf(held);
      const { since, ...rest } = held.stored;
      const waiting = completed.some(waits);
      const document = { ...rest, ...(waiting && since !== undefined && { since }), passages: completed };
      documents.push(shifted(document, length - at));
      texts.push(bytes);
      length += bytes.length;
    }
    const content = { documents: { documents, removed: [], replaces: [] }, texts: joined(texts) };
    return { content: { ...content, ...gathered(rows, live.embedder.dimensions) }, passages };
  }
}
