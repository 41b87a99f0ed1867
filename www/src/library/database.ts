/** The library's database: what is known of sources and files, and what the person has switched, in three stores. */

import { FelsicError } from "felsic";
import { delMany, promisifyRequest, setMany, type UseStore } from "idb-keyval";

const STORES = ["sources", "files", "switches"] as const;
/** Of the database; each has more stores than the one before. */
const VERSION = 2;
type Store = (typeof STORES)[number];
/** Records that are read at once: copying them keeps the page busy. */
const PAGE = 500;

/** IndexedDB, opened when it is needed. A tab that deletes the database is not held up by the connections of others. */
export class Database {
  readonly #name: string | undefined;
  #opening: Promise<IDBDatabase> | undefined;
  #isEnded = false;

  /** Without a name nothing is written, and there is nothing to read. */
  constructor(name: string | undefined) {
    this.#name = name;
  }

  /** Writes records by their keys. */
  async put(store: Store, records: readonly (readonly [key: string, record: unknown])[]): Promise<void> {
    const use = this.#store(store);
    if (use)
      await setMany(
        records.map(([key, record]) => [key, record]),
        use,
      );
  }

  async drop(store: Store, keys: readonly string[]): Promise<void> {
    const use = this.#store(store);
    if (use) await delMany([...keys], use);
  }

  /** Reads all records of a store, a page at a time. */
  async *all<T>(store: Store): AsyncGenerator<T[], void, undefined> {
    const use = this.#store(store);
    let after: IDBValidKey | undefined;
    while (use) {
      const range = after === undefined ? null : IDBKeyRange.lowerBound(after, true);
      const [keys, values] = await use("readonly", (objects) =>
        Promise.all([promisifyRequest(objects.getAllKeys(range, PAGE)), promisifyRequest(objects.getAll(range, PAGE))]),
      );
      yield values as T[];
      if (keys.length < PAGE) return;
      after = keys.at(-1);
    }
  }

  /** Lets calls through again. */
  begin(): void {
    this.#isEnded = false;
  }

  /** Closes the connection; later calls reject, so that none makes a database anew that has just been deleted. */
  end(): void {
    this.#isEnded = true;
    this.#close();
  }

  #close(): void {
    const opening = this.#opening;
    this.#opening = undefined;
    void opening?.then(
      (database) => database.close(),
      () => undefined,
    );
  }

  /** A store as idb-keyval's functions take it; `undefined` where nothing is kept. */
  #store(name: Store): UseStore | undefined {
    const database = this.#name;
    if (database === undefined) return undefined;
    return async (mode, work) => work((await this.#open(database)).transaction(name, mode).objectStore(name));
  }

  #open(database: string): Promise<IDBDatabase> {
    if (this.#isEnded) return Promise.reject(new FelsicError("destroyed", "the library was closed"));
    return (this.#opening ??= this.#connect(database).catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    }));
  }

  async #connect(name: string): Promise<IDBDatabase> {
    const request = indexedDB.open(name, VERSION);
    request.onupgradeneeded = () => {
      const { result } = request;
      for (const store of STORES) if (!result.objectStoreNames.contains(store)) result.createObjectStore(store);
    };
    const database = await promisifyRequest(request);
    database.onversionchange = () => this.#close();
    database.onclose = () => (this.#opening = undefined);
    return database;
  }
}
