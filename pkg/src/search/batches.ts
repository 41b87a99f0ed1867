/** The batches of documents that the page is adding, from their texts to a segment. */

import { FelsicError } from "../errors.js";
import { Batch, type BatchSource } from "./batch.js";
import type { LiveCollection } from "./live.js";
import type { CheckedDocument, Committed, CutOptions, Task } from "./protocol.js";

/** A batch, and the generation that it is for if that has not begun. */
interface Open {
  readonly batch: Batch;
  readonly generation: number | undefined;
}

/** The batches that have begun and are not written. */
export class Batches {
  readonly #live: LiveCollection;
  readonly #open = new Map<number, Open>();

  constructor(live: LiveCollection) {
    this.#live = live;
  }

  /** Begins a batch. With a generation, its vectors are all made anew, and it does not count until its generation begins. */
  async prepare(id: number, documents: readonly CheckedDocument[], cut: CutOptions, generation?: number): Promise<Task> {
    const live = this.#live;
    const isAnew = generation !== undefined;
    if (!isAnew && live.isOther) throw live.needsReindex();
    const source: BatchSource = {
      module: live.module,
      dimensions: live.embedder.dimensions,
      get: (id) => (isAnew ? undefined : live.contents.get(id)),
      rowsOf: (held) => live.rowsOf(held),
    };
    const batch = await Batch.begin(source, documents, cut);
    this.#open.set(id, { batch, generation });
    return batch.task();
  }

  /** Goes on with a batch when its numbers of tokens are known. */
  counted(id: number, tokens: Uint32Array<ArrayBuffer>): Promise<Task> {
    const { batch } = this.#batch(id);
    batch.counted(tokens);
    return batch.task();
  }

  /** Writes a batch. */
  async commit(id: number, vectors: Float32Array<ArrayBuffer>): Promise<Committed> {
    const live = this.#live;
    const { batch, generation } = this.#batch(id);
    this.forget(id);
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
    return { added: ids.length - updated, updated, unchanged, passages: content.scales.length };
  }

  /** Forgets a batch, if it is there. */
  forget(id: number): void {
    this.#open.get(id)?.batch.free();
    this.#open.delete(id);
  }

  #batch(id: number): Open {
    const open = this.#open.get(id);
    if (!open) throw new FelsicError("internal", `there is no batch ${id}`);
    return open;
  }
}
