/**
 * The collection and the model that serve, and those that are coming: after a change of model the old ones serve until all vectors are made
 * anew.
 */

import { signal } from "@preact/signals";
import { FelsicError } from "felsic";
import { Collection, type CollectionOptions } from "felsic/search";
import { AwaitedEmbedder, type Choice, type Models, type OwnEmbedder } from "./model.js";

/** A collection that is open with its embedder, which may be still on its way. */
interface Open {
  readonly collection: Collection;
  readonly awaited?: AwaitedEmbedder;
  embedder: OwnEmbedder | undefined;
}

/** What the shelf needs. */
export interface ShelfOptions {
  readonly name: string;
  /** Whether documents are stored; otherwise they are in memory, as long as the page is open. */
  readonly keeps: boolean;
  readonly models: Models;
  /** Where felsic's files are, where a bundler does not find them. */
  readonly files: Pick<CollectionOptions, "baseUrl" | "workerUrl" | "wasmUrl">;
  /** Called when documents have changed, in any tab. */
  readonly changed: () => void;
  /** Called when there is something that work can be done with: the model is there, or another collection. */
  readonly ready: () => void;
  readonly failed: (error: unknown) => void;
}

/** The open collections of a library: one, or two after a change of model. */
export class Shelf {
  /** The one that serves. */
  readonly collection = signal<Collection | undefined>(undefined);
  readonly #options: ShelfOptions;
  #serving: Open | undefined;
  #coming: Open | undefined;
  #isClosed = false;

  constructor(options: ShelfOptions) {
    this.#options = options;
  }

  /** The embedder that serves, if it is there. */
  get embedder(): OwnEmbedder | undefined {
    return this.#serving?.embedder;
  }

  /** Whether meaning can be searched now. */
  get hasMeaning(): boolean {
    return this.embedder !== undefined && this.#serving?.collection.info.state === "ready";
  }

  /** The collection that documents can be added to now. */
  get writable(): Collection | undefined {
    return this.hasMeaning ? this.#serving?.collection : undefined;
  }

  /** The collection that lacks vectors, with a model that can make them: the coming one first. */
  get unfinished(): Collection | undefined {
    const open = this.#coming ?? this.#serving;
    return open?.embedder && open.collection;
  }

  /** Opens the collection of the last visit, and loads its model. */
  async begin(choice: Choice): Promise<void> {
    if (choice.info) {
      const awaited = new AwaitedEmbedder(choice.info);
      try {
        const open: Open = { collection: await this.#open(awaited), awaited, embedder: undefined };
        // Models are those of the shelf that has come after this one.
        if (this.#isClosed) return end(open);
        this.#serve(open);
      } catch (error) {
        return this.#options.failed(error);
      }
    }
    await this.choose(choice);
  }

  /** Loads a model. Returns whether it serves, or will. */
  async choose(choice: Choice): Promise<boolean> {
    const { models } = this.#options;
    let embedder: OwnEmbedder;
    try {
      embedder = await models.load(choice);
    } catch (error) {
      if (error instanceof FelsicError && error.code === "aborted") return false;
      this.#serving?.awaited?.fail(error);
      this.#options.failed(error);
      return false;
    }
    if (this.#isClosed) return (embedder.destroy(), false);
    try {
      await this.#take(embedder);
      if (this.#isClosed) return false;
    } catch (error) {
      embedder.destroy();
      this.#options.failed(error);
      return false;
    }
    const { model, device } = choice;
    models.remember({ model, device, info: embedder.info });
    this.#options.ready();
    return true;
  }

  /** Has the coming collection serve as soon as its vectors are there. */
  settle(): void {
    const coming = this.#coming;
    if (coming?.collection.info.state !== "ready") return;
    this.#coming = undefined;
    this.#serve(coming);
    this.#options.ready();
  }

  /** Notes that the engine has ended: words go on. */
  lose(error: unknown): void {
    if (this.#serving) this.#serving.embedder = undefined;
    this.#options.models.fail(error);
  }

  close(): void {
    this.#isClosed = true;
    this.#options.models.end();
    for (const open of [this.#coming, this.#serving]) end(open);
    this.#coming = this.#serving = undefined;
    this.collection.value = undefined;
  }

  async #take(embedder: OwnEmbedder): Promise<void> {
    const serving = this.#serving;
    if (serving?.awaited && !serving.embedder && serving.awaited.info.space === embedder.info.space) {
      serving.awaited.arrive(embedder);
      serving.embedder = embedder;
      return;
    }
    const collection = await this.#open(embedder);
    if (!this.#options.keeps && serving) await copyDocuments(serving.collection, collection);
    if (this.#isClosed) return end({ collection, embedder });
    end(this.#coming);
    this.#coming = undefined;
    const next = { collection, embedder };
    // Without a model that serves, words are all there is; the new collection has them, too.
    if (collection.info.state === "ready" || !this.hasMeaning) this.#serve(next);
    else this.#coming = next;
  }

  async #open(embedder: OwnEmbedder | AwaitedEmbedder): Promise<Collection> {
    const { name, keeps, files, changed } = this.#options;
    const unkept = isSecureContext ? {} : (await import("./unkept.js")).UNKEPT;
    const collection = await Collection.open(name, { memory: !keeps, ...unkept, ...files, embedder });
    collection.addEventListener("change", () => {
      if (collection === this.#serving?.collection) changed();
      this.settle();
    });
    return collection;
  }

  #serve(open: Open): void {
    const before = this.#serving;
    this.#serving = open;
    this.collection.value = open.collection;
    end(before);
    this.#options.changed();
  }
}

/** Takes the documents of a collection over into another one, without vectors, until nothing has changed meanwhile. */
async function copyDocuments(from: Collection, to: Collection): Promise<void> {
  for (let isNews = true; isNews;) {
    isNews = false;
    const ids = new Set<string>();
    for await (const { id } of from.documents()) {
      const document = await from.get(id);
      if (!document) continue;
      ids.add(id);
      const { unchanged } = await to.add([document], { meaning: "later" });
      isNews ||= unchanged === 0;
    }
    const gone: string[] = [];
    for await (const { id } of to.documents()) if (!ids.has(id)) gone.push(id);
    if (gone.length > 0) await to.remove(gone);
  }
}

function end(open: Open | undefined): void {
  open?.collection.close();
  open?.awaited?.fail(new FelsicError("destroyed", "another model has taken this one's place"));
  open?.embedder?.destroy();
}
