/** The batches that the page is working on, from their texts to a segment. */

import { abortedBy, FelsicError } from "../errors.js";
import { Batch, type BatchSource } from "./batch.js";
import type { LiveCollection } from "./live.js";
import type { CheckedDocument, Committed, Manner, Task } from "./protocol.js";

/** A batch that is not written. */
export interface OpenBatch {
  /** Goes on when its numbers of tokens are known. */
  counted(tokens: Uint32Array<ArrayBuffer>): Promise<Task>;
  /** Writes it, with the vectors that the last task has asked for. */
  commit(vectors: Float32Array<ArrayBuffer>): Promise<Committed>;
  /** Frees what it holds in wasm memory. */
  free(): void;
}

/** The batches that have begun and are not written. */
export class Batches {
  readonly #live: LiveCollection;
  readonly #open = new Map<number, OpenBatch>();

  constructor(live: LiveCollection) {
    this.#live = live;
  }

  /** Notes a batch that has begun. */
  open(id: number, batch: OpenBatch): void {
    this.#open.set(id, batch);
  }

  /** Begins a batch of documents. With a generation, its vectors are all made anew, and it does not count until its generation begins. */
  async prepare(
    id: number,
    documents: readonly CheckedDocument[],
    manner: Manner,
    { signal, generation }: { readonly signal: AbortSignal; readonly generation?: number },
  ): Promise<Task> {
    const live = this.#live;
    const isAnew = generation !== undefined;
    if (!isAnew && live.isOther) throw live.needsReindex();
    const source: BatchSource = {
      module: live.module,
      dimensions: live.embedder.dimensions,
      get: (id) => (isAnew ? undefined : live.contents.get(id)),
      known: async (texts) => (isAnew ? new Map() : live.known(texts)),
    };
    const batch = await Batch.begin(source, documents, manner);
    if (signal.aborted) {
      // The page has said already that it is to be forgotten.
      batch.free();
      throw abortedBy(signal);
    }
    this.open(id, {
      counted: (tokens) => (batch.counted(tokens), batch.task()),
      commit: (vectors) => this.#write(batch, vectors, generation),
      free: () => batch.free(),
    });
    return batch.task();
  }

  /** Goes on with a batch when its numbers of tokens are known. */
  counted(id: number, tokens: Uint32Array<ArrayBuffer>): Promise<Task> {
    return this.#batch(id).counted(tokens);
  }

  /** Writes a batch. */
  commit(id: number, vectors: Float32Array<ArrayBuffer>): Promise<Committed> {
    const batch = this.#batch(id);
    this.forget(id);
    return batch.commit(vectors);
  }

  /** Forgets a batch, if it is there. */
  forget(id: number): void {
    this.#open.get(id)?.free();
    this.#open.delete(id);
  }

  async #write(batch: Batch, vectors: Float32Array<ArrayBuffer>, generation: number | undefined): Promise<Committed> {
    const live = this.#live;
    const { unchanged, ids } = batch;
    if (batch.isEmpty) return { added: 0, updated: 0, unchanged, passages: 0 };
    const content = await batch.content(vectors);
    let updated = 0;
    await live.write(async () => {
      if (generation !== undefined) return { content, generation, begins: false, space: live.embedder };
      if (live.isOther) throw live.needsReindex();
      updated = ids.filter((id) => live.contents.get(id)).length;
      return live.writing(content);
    });
    return { added: ids.length - updated, updated, unchanged, passages: batch.passages };
  }

  #batch(id: number): OpenBatch {
    const open = this.#open.get(id);
    if (!open) throw new FelsicError("internal", `there is no batch ${id}`);
    return open;
  }
}
