/**
 * New vectors for all documents, in a generation of its own: the old one serves until the last document has its new vectors. What other
 * tabs change meanwhile is made anew before the end, and what was made before an interruption is not made again.
 */

import type { Batches } from "./batches.js";
import { fieldsOf, type Held } from "./contents.js";
import { keep } from "./guard.js";
import { type LiveCollection, NO_ROWS } from "./live.js";
import type { CheckedDocument, CutOptions, ReindexStep } from "./protocol.js";
import type { Arrived } from "./segment-store.js";
import type { StoredDocument } from "./stored.js";

/** The most documents of a batch, and the characters after which it is full. */
const MOST_DOCUMENTS = 32;
const MOST_CHARACTERS = 64_000;

/** A reindexing that has begun. */
interface Progress {
  readonly generation: number;
  /** The version of each document that has its new vectors. */
  readonly done: Map<string, string>;
  /** The ids of all documents in the new generation. */
  readonly ids: Set<string>;
  passages: number;
  readonly letGo: () => void;
}

/** The reindexing of one collection. */
export class Reindex {
  readonly #live: LiveCollection;
  readonly #batches: Batches;
  #progress: Progress | undefined;

  constructor(live: LiveCollection, batches: Batches) {
    this.#live = live;
    this.#batches = batches;
  }

  /** Takes up the next batch; the one before it has been committed. Without one, the new vectors have taken the old ones' place. */
  async step(batch: number, cut: CutOptions, signal: AbortSignal): Promise<ReindexStep> {
    const live = this.#live;
    for (;;) {
      await live.refresh();
      if (!live.isOther) return this.#over();
      const progress = (this.#progress ??= await this.#begin(signal));
      // Another tab may have done it while this one waited.
      if (!live.isOther) return this.#over();
      const documents = await this.#next(progress);
      if (documents.length > 0) {
        const { generation } = progress;
        const task = await this.#batches.prepare(batch, documents, { cut, later: false }, { signal, generation });
        const done = progress.done.size - documents.length;
        return { done, total: Math.max(live.contents.size, done), passages: progress.passages, task };
      }
      await this.#switch(progress);
    }
  }

  /** Notes how many passages have been committed. */
  committed(passages: number): void {
    if (this.#progress) this.#progress.passages += passages;
  }

  /** Ends it; what it has written stays for the next time. */
  end(): void {
    this.#progress?.letGo();
    this.#progress = undefined;
  }

  #over(): ReindexStep {
    this.end();
    const { size, passages } = this.#live.contents;
    return { done: size, total: size, passages };
  }

  async #begin(signal: AbortSignal): Promise<Progress> {
    const live = this.#live;
    const letGo = await keep(live.reindexLock, signal);
    try {
      await live.refresh();
      const pending = await live.pending();
      const { space, dimensions } = live.embedder;
      const usable = pending.filter(({ file }) => file.header.space === space && file.header.dimensions === dimensions);
      const useless = pending.filter((segment) => !usable.includes(segment));
      await live.drop(useless.map(({ number }) => number));
      const generation = Math.max(live.generation + 1, ...usable.map(({ file }) => file.header.generation));
      const progress: Progress = { generation, done: new Map(), ids: new Set(), passages: 0, letGo };
      for (const segment of usable) this.#takeUp(progress, segment);
      return progress;
    } catch (error) {
      letGo();
      throw error;
    }
  }

  /** Counts what an interrupted reindexing has done, if the document is still the same and would be cut in the same way. */
  #takeUp(progress: Progress, { file, documents }: Arrived): void {
    if (file.header.generation !== progress.generation) return;
    for (const stored of documents.documents) {
      progress.ids.add(stored.id);
      const held = this.#live.contents.get(stored.id);
      if (held && versionOf(held.stored) === versionOf(stored)) progress.done.set(stored.id, versionOf(held.stored));
    }
    progress.passages += file.header.rows;
  }

  async #next({ done, ids }: Progress): Promise<CheckedDocument[]> {
    const documents: CheckedDocument[] = [];
    let characters = 0;
    for (const held of this.#missing(done)) {
      const document = await this.#live.get(held.stored.id);
      if (!document) continue;
      documents.push(document);
      done.set(document.id, versionOf(held.stored));
      ids.add(document.id);
      characters += document.text.length;
      if (documents.length >= MOST_DOCUMENTS || characters >= MOST_CHARACTERS) break;
    }
    return documents;
  }

  #missing(done: ReadonlyMap<string, string>): Held[] {
    return [...this.#live.contents.all()].filter(({ stored }) => done.get(stored.id) !== versionOf(stored));
  }

  /** Has the new generation begin, unless documents have changed at the last moment. */
  async #switch({ generation, done, ids }: Progress): Promise<void> {
    const live = this.#live;
    await live.write(async () => {
      if (this.#missing(done).length > 0 || !live.isOther) return undefined;
      const removed = [...ids].filter((id) => !live.contents.get(id));
      const content = { ...NO_ROWS, documents: { documents: [], removed, replaces: [] } };
      return { content, generation, begins: true, space: live.embedder };
    });
  }
}

/** Stands for everything that a document is made of: its text, how it is cut, and its fields. */
function versionOf(stored: StoredDocument): string {
  return `${stored.hash} ${fieldsOf(stored)}`;
}
