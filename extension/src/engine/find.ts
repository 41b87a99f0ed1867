/** Finds passages of pages that are open: one collection in memory for each tab whose find bar is open. Nothing of it is stored. */

import { telling } from "felsic-ui/telling";
import { Collection } from "felsic/search";
import { dataOf, ExtensionError, hasCode } from "../shared/errors.js";
import { LONGEST_QUERY, LONGEST_TEXT, type FindAnswer, type FindHit, type FindMode } from "../shared/find.js";
import type { Input } from "../shared/messages.js";
import { FELSIC, type Model } from "./model.js";

/** A passage that is lit up fits a screen, and says one thing. */
const PASSAGE = { tokens: 80, overlap: 0 };
/** The most passages that a search returns. */
const HITS = 20;
/** The most pages at a time; whose bar was used longest ago goes first, and is read again when it is used. */
const PAGES = 6;
const ID = "page";
const MODES: readonly unknown[] = ["hybrid", "meaning", "words"] satisfies FindMode[];

interface Page {
  readonly document: string;
  readonly collection: Promise<Collection>;
  readonly ending: AbortController;
  /** Calls of `complete()` that have not ended. */
  completing: number;
  problem: unknown;
}

export class PageFinder {
  readonly #model: Model;
  /** By tab, the one that was used last at the end. */
  readonly #pages = new Map<number, Page>();
  #made = 0;

  constructor(model: Model) {
    this.#model = model;
  }

  /** Whether passages are being embedded. */
  get isBusy(): boolean {
    return [...this.#pages.values()].some(({ completing }) => completing > 0);
  }

  /** Answers a find bar. */
  async ask({ tab, request }: Input<"engine.find">): Promise<FindAnswer> {
    if (request.do === "close") return this.#close(tab, request.document);
    if (typeof request.document !== "string") throw invalid("a page has a name");
    if (request.do === "read") return this.#read(tab, request.document, request.text);
    const page = this.#pages.get(tab);
    // The engine was ended meanwhile, or the page was one too many. The bar reads the page again.
    if (page?.document !== request.document) throw new ExtensionError("not-read", "the page has to be read again");
    this.#pages.delete(tab);
    this.#pages.set(tab, page);
    // As it was before the search: what came since, the search may have missed.
    const state = await stateOf(page);
    return request.do === "search" ? { ...state, hits: await this.#search(page, request.query, request.mode) } : state;
  }

  async #read(tab: number, document: string, text: unknown): Promise<FindAnswer> {
    if (typeof text !== "string" || text.length > LONGEST_TEXT) throw invalid(`a text has at most ${LONGEST_TEXT} characters`);
    let page = this.#pages.get(tab);
    if (page?.document !== document) {
      await this.#close(tab);
      page = this.#open(document);
      this.#pages.set(tab, page);
      const [oldest] = this.#pages.keys();
      if (this.#pages.size > PAGES && oldest !== undefined) await this.#close(oldest);
    }
    page.problem = undefined;
    try {
      // Of a page that has changed, only what is new is embedded.
      await (await page.collection).add([{ id: ID, text, kind: "text" }], { meaning: "later", signal: page.ending.signal });
    } catch (error) {
      await this.#close(tab, document);
      throw error;
    }
    void this.#complete(page);
    return stateOf(page);
  }

  #open(document: string): Page {
    this.#made += 1;
    const name = `find-${this.#made}`;
    const open = async () =>
      Collection.open(name, {
        embedder: await this.#model.textEmbedder(),
        baseUrl: FELSIC,
        memory: true,
        passage: PASSAGE,
      });
    return { document, collection: open(), ending: new AbortController(), completing: 0, problem: undefined };
  }

  async #complete(page: Page): Promise<void> {
    page.completing += 1;
    try {
      await (await page.collection).complete({ signal: page.ending.signal });
    } catch (error) {
      if (!page.ending.signal.aborted) page.problem = error;
    } finally {
      page.completing -= 1;
    }
  }

  async #search(page: Page, query: unknown, mode: unknown): Promise<FindHit[]> {
    if (typeof query !== "string" || !MODES.includes(mode)) throw invalid("a search has a query and a mode");
    const text = query.slice(0, LONGEST_QUERY).trim();
    if (text === "") return [];
    const collection = await page.collection;
    const [hit] = await collection.search(text, { limit: 1, passages: HITS, mode: mode as FindMode, signal: page.ending.signal });
    if (!hit) return [];
    return [hit, ...(hit.more ?? [])].map(({ passage: { text: passage, start, end }, highlights, score }) => ({
      start,
      end,
      score,
      words: telling(passage, highlights, text).map((range) => ({ start: start + range.start, end: start + range.end })),
    }));
  }

  async #close(tab: number, document?: string): Promise<FindAnswer> {
    const page = this.#pages.get(tab);
    if (page && (document === undefined || page.document === document)) {
      this.#pages.delete(tab);
      page.ending.abort();
      (await page.collection.catch(() => undefined))?.close();
    }
    return { passages: 0, waiting: 0, hits: [] };
  }

  /** Drops all pages; bars that are open have theirs read again. */
  async end(): Promise<void> {
    await Promise.all([...this.#pages.keys()].map((tab) => this.#close(tab)));
  }
}

async function stateOf({ collection, problem }: Page): Promise<FindAnswer> {
  const { passages, waiting } = (await collection).info;
  const isOver = problem !== undefined && !hasCode(problem, "aborted");
  return { passages, waiting, ...(isOver && { problem: dataOf(problem) }), hits: [] };
}

function invalid(message: string): ExtensionError {
  return new ExtensionError("input-invalid", message);
}
