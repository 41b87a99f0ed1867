/** Bookmarks and open tabs: what is known of them is a title and an address. */

import { get, set } from "idb-keyval";
import { Collection, type Hit } from "felsic/search";
import type { TitledItem } from "../shared/messages.js";
import { FELSIC, type Model } from "./model.js";
import { Opened } from "./opened.js";

export class Titles {
  readonly #name: string;
  readonly #model: Model;
  readonly #isStored: boolean;
  readonly #opened = new Opened(() => this.#open());
  #ids: Promise<ReadonlySet<string>> | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  /** What is stored has its vectors at the next start; open tabs are not the same then. */
  constructor(name: string, model: Model, isStored: boolean) {
    this.#name = name;
    this.#model = model;
    this.#isStored = isStored;
  }

  async #open(): Promise<Collection> {
    const options = { embedder: await this.#model.textEmbedder(), baseUrl: FELSIC, memory: !this.#isStored };
    const collection = await Collection.open(this.#name, options);
    try {
      // An update of the extension may bring another model. Titles are few.
      if (collection.info.state === "needs-reindex") await collection.reindex();
      return collection;
    } catch (error) {
      collection.close();
      throw error;
    }
  }

  async #known(): Promise<ReadonlySet<string>> {
    this.#ids ??= this.#isStored ? get<string[]>(this.#key).then((ids) => new Set(ids)) : Promise.resolve(new Set<string>());
    return this.#ids;
  }

  get #key(): string {
    return `titles ${this.#name}`;
  }

  /** Makes what is kept the same as a list. */
  sync(items: readonly TitledItem[]): Promise<void> {
    const mine = this.#turn.then(() => this.#sync(items));
    this.#turn = mine.catch(() => {});
    return mine;
  }

  async #sync(items: readonly TitledItem[]): Promise<void> {
    const known = await this.#known();
    const now = new Set(items.map(({ id }) => id));
    const gone = [...known].filter((id) => !now.has(id));
    if (items.length === 0 && gone.length === 0) return;
    // Ids are noted before their documents are there, so that none is ever left behind.
    await this.#note(new Set([...known, ...now]));
    const documents = items.map(({ id, title, url, words }) => {
      return { id, text: [title, words].filter(Boolean).join("\n"), kind: "text", url, title } as const;
    });
    await this.#opened.use(async (collection) => {
      await collection.add(documents);
      if (gone.length > 0) await collection.remove(gone);
    });
    await this.#note(now);
  }

  async #note(ids: ReadonlySet<string>): Promise<void> {
    if (this.#isStored) await set(this.#key, [...ids]);
    this.#ids = Promise.resolve(ids);
  }

  async search(query: string, limit: number, mode: "hybrid" | "meaning" | "words"): Promise<Hit[]> {
    if ((await this.#known()).size === 0) return [];
    return this.#opened.use((collection) => collection.search(query, { limit, mode }));
  }

  /** Ends the collection's worker. */
  async end(): Promise<void> {
    if (!this.#isStored) this.#ids = undefined;
    await this.#opened.close();
  }
}
