/** What the search box does behind its dialog: opens the collection, searches words, and meaning once its model is there. */

import type { BoxHit, Searchable } from "./searchable.js";

/** Whether meaning can be searched. */
export type Meaning =
  /** Nobody has opened the box yet, or the size is being found out. */
  | { readonly state: "unknown" }
  /** The line is metered, and the user is asked. */
  | { readonly state: "asking"; readonly bytes: number }
  /** The user wants words only. */
  | { readonly state: "off"; readonly bytes: number }
  | { readonly state: "loading"; readonly bytes: number; readonly loaded: number }
  | { readonly state: "ready" }
  | { readonly state: "failed"; readonly reason: string };

/** Results for a query. */
export interface Answer {
  readonly hits: readonly BoxHit[];
  /** Whether these are results of words alone while meaning could be searched as well, so that others follow. */
  readonly isFirst: boolean;
}

/** The milliseconds that results of words wait for those of meaning. */
const PATIENCE = 300;
const CHOICE = "felsic-search-meaning";

/** The search behind one box. */
export class Session {
  readonly #open: () => Promise<Searchable>;
  readonly #isOwn: boolean;
  readonly #changed: () => void;
  readonly #abort = new AbortController();
  #collection: Promise<Searchable> | undefined;
  #meaning: Meaning = { state: "unknown" };

  /** `isOwn` says whether the collection is closed at the end; `changed` is called whenever `meaning` changes. */
  constructor(open: () => Promise<Searchable>, isOwn: boolean, changed: () => void) {
    this.#open = open;
    this.#isOwn = isOwn;
    this.#changed = changed;
  }

  get meaning(): Meaning {
    return this.#meaning;
  }

  /** Opens the collection, unless that has been done; after a failure, once more. */
  start(): Promise<Searchable> {
    if (this.#collection) return this.#collection;
    const opening = this.#open();
    this.#collection = opening;
    opening.then(
      (collection) => void this.#consider(collection),
      () => (this.#collection = undefined),
    );
    return opening;
  }

  /** Decides whether the model is fetched, or the user is asked first. */
  async #consider(collection: Searchable): Promise<void> {
    if (this.#abort.signal.aborted) return;
    try {
      const bytes = await collection.missingBytes();
      const choice = remembered();
      if (bytes === 0 || choice === "yes" || (choice === undefined && !isMetered())) return await this.#load(collection, bytes);
      this.#become({ state: choice === "no" ? "off" : "asking", bytes });
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Notes the user's choice, and acts on it. */
  choose(choice: "yes" | "no"): void {
    remember(choice);
    const meaning = this.#meaning;
    const bytes = "bytes" in meaning ? meaning.bytes : 0;
    if (choice === "no") this.#become({ state: "off", bytes });
    else void this.retry();
  }

  /** Fetches the model, as the user has asked for that. */
  async retry(): Promise<void> {
    try {
      const collection = await this.start();
      await this.#load(collection, await collection.missingBytes());
    } catch (error) {
      this.#fail(error);
    }
  }

  async #load(collection: Searchable, bytes: number): Promise<void> {
    this.#become({ state: "loading", bytes, loaded: 0 });
    const { signal } = this.#abort;
    const onProgress = ({ loadedBytes, totalBytes }: { loadedBytes: number; totalBytes: number }) => {
      if (this.#meaning.state !== "loading" || totalBytes <= 0) return;
      this.#become({ state: "loading", bytes, loaded: loadedBytes / totalBytes });
    };
    try {
      await collection.prepare({ signal, onProgress });
      this.#become({ state: "ready" });
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Yields the results for a query; once more if meaning takes longer than words. */
  async *answers(query: string, limit: number, signal: AbortSignal): AsyncGenerator<Answer> {
    const collection = await this.start();
    const search = (mode: "hybrid" | "words") => collection.search(query, { limit, mode, signal });
    if (this.#meaning.state !== "ready") return yield { hits: await search("words"), isFirst: false };
    const both = search("hybrid").catch((error: unknown) => {
      if (signal.aborted) throw error;
      // Words are searched as long as they can be.
      this.#fail(error);
      return search("words");
    });
    // Nobody waits for it any more once something else has failed.
    both.catch(() => undefined);
    const soon = await Promise.race([both, new Promise<undefined>((resolve) => setTimeout(resolve, PATIENCE))]);
    if (soon) return yield { hits: soon, isFirst: false };
    yield { hits: await search("words"), isFirst: true };
    yield { hits: await both, isFirst: false };
  }

  /** Ends everything. */
  end(): void {
    this.#abort.abort();
    if (!this.#isOwn) return;
    void this.#collection?.then(
      (collection) => collection.close(),
      () => undefined,
    );
  }

  #fail(error: unknown): void {
    this.#become({ state: "failed", reason: reasonOf(error) });
  }

  #become(meaning: Meaning): void {
    if (this.#abort.signal.aborted) return;
    this.#meaning = meaning;
    this.#changed();
  }
}

/** Says why something has failed. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Whether the user has asked for little data, or the line is slow. */
function isMetered(): boolean {
  const { connection } = navigator as { connection?: { saveData?: boolean; effectiveType?: string } };
  return connection?.saveData === true || /^(slow-2g|2g|3g)$/.test(connection?.effectiveType ?? "");
}

function remembered(): "yes" | "no" | undefined {
  try {
    const choice = localStorage.getItem(CHOICE);
    return choice === "yes" || choice === "no" ? choice : undefined;
  } catch {
    // A page that may store nothing.
    return undefined;
  }
}

function remember(choice: "yes" | "no"): void {
  try {
    localStorage.setItem(CHOICE, choice);
  } catch {
    // The choice holds for this page, then.
  }
}
