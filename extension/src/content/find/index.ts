/** Finds by meaning on a page. The script is put into a page when the user asks for it, and does nothing until it is told to open the bar. */

import { answerOf, dataOf, hasCode, sentence } from "../../shared/errors.js";
import type { FindAnswer, FindHit, FindRequest } from "../../shared/find.js";
import { call } from "../../shared/messages.js";
import { Bar, NAME } from "./bar.js";
import { collect, type PageText } from "./collect.js";
import { Marks, reveal } from "./marks.js";
import { Watch } from "./watch.js";

/** How long to wait for the next letter, and between two looks at how far the engine is; milliseconds. */
const TYPING = 200;
const LOOK = 300;

class Finder {
  /** Names this page to the engine, among the pages of its tab. */
  readonly #document = `${performance.timeOrigin}-${Math.random()}`;
  readonly #marks = new Marks();
  readonly #watch = new Watch(() => this.#show());
  readonly #bar: Bar;
  readonly #closed: () => void;
  #page: PageText | undefined;
  #answer: FindAnswer | undefined;
  /** In the order that the user has chosen. */
  #hits: readonly FindHit[] = [];
  #current = 0;
  /** Whether the user has gone from passage to passage since the query changed. */
  #hasStepped = false;
  #problem: string | undefined;
  #asked = 0;
  #typing: ReturnType<typeof setTimeout> | undefined;
  #reading: Promise<void> | undefined;
  #looking = false;
  #isClosed = false;

  /** `closed` is called when the bar is closed. */
  constructor(closed: () => void) {
    this.#closed = closed;
    for (const left of document.querySelectorAll(NAME)) left.remove();
    this.#bar = new Bar({
      search: () => this.#type(),
      step: (by) => this.#step(by),
      order: () => this.#arrange(),
      again: () => void this.#searchAgain(),
      close: () => this.close(),
    });
    addEventListener("pagehide", this.close);
    void this.#attempt(() => this.#read());
  }

  get isGone(): boolean {
    return this.#bar.isGone;
  }

  /** Goes to the bar, with a query if there is one. */
  open(query: string): void {
    if (query) this.#bar.query = query;
    this.#bar.focus();
    if (query) this.#type(0);
  }

  readonly close = (): void => {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#typing);
    removeEventListener("pagehide", this.close);
    this.#watch.end();
    this.#marks.clear();
    this.#bar.close();
    this.#page = undefined;
    void this.#ask({ do: "close", document: this.#document }).catch(() => {});
    this.#closed();
  };

  #ask(request: FindRequest): Promise<FindAnswer> {
    return call("find.ask", request);
  }

  /** Does something and shows its failure. */
  async #attempt(work: () => Promise<void>): Promise<void> {
    try {
      this.#problem = undefined;
      await work();
    } catch (error) {
      // An extension that was updated leaves its scripts in the pages.
      this.#problem = chrome.runtime?.id ? sentence(dataOf(error).message) : "felsic was updated. Load the page again.";
    }
    this.#show();
  }

  /** Has the engine read the page, unless it has and nothing has changed. */
  #read(): Promise<void> {
    this.#reading ??= this.#readNow().finally(() => (this.#reading = undefined));
    return this.#reading;
  }

  async #readNow(): Promise<void> {
    if (this.#page && !this.#watch.hasChanged) return;
    const page = collect(document);
    this.#watch.begin(page.roots);
    const isSame = this.#page?.text === page.text;
    this.#page = page;
    if (isSame) return;
    this.#answer = undefined;
    this.#show();
    try {
      this.#answer = await this.#ask({ do: "read", document: this.#document, text: page.text });
    } catch (error) {
      this.#page = undefined;
      throw error;
    }
    void this.#look();
  }

  #type(wait = TYPING): void {
    this.#hasStepped = false;
    clearTimeout(this.#typing);
    this.#typing = setTimeout(() => void this.#attempt(() => this.#search()), wait);
  }

  async #searchAgain(): Promise<void> {
    await this.#attempt(() => this.#search());
    this.#bar.focus();
  }

  /** Searches for what stands in the field; of several searches the last one counts. */
  async #search(): Promise<void> {
    this.#asked += 1;
    const mine = this.#asked;
    const { query, mode } = this.#bar;
    await this.#read();
    const request = { do: "search", document: this.#document, query, mode } as const;
    let answer: FindAnswer;
    try {
      answer = await this.#ask(request);
    } catch (error) {
      if (!hasCode(error, "not-read") || this.#isClosed) throw error;
      this.#page = undefined;
      await this.#read();
      answer = await this.#ask(request);
    }
    if (mine !== this.#asked || this.#isClosed) return;
    this.#answer = answer;
    this.#arrange();
  }

  /** Brings the hits into the order that is chosen; the passage that the user has gone to stays. */
  #arrange(): void {
    const at = this.#hasStepped ? this.#hits[this.#current]?.start : undefined;
    const before = this.#hits[this.#current];
    const hits = [...(this.#answer?.hits ?? [])];
    this.#hits = this.#bar.order === "page" ? hits.sort((a, b) => a.start - b.start) : hits;
    this.#current = Math.max(
      0,
      this.#hits.findIndex(({ start }) => start === at),
    );
    const now = this.#hits[this.#current];
    this.#light(now !== undefined && now.start !== before?.start);
  }

  #step(by: 1 | -1): void {
    if (this.#hits.length === 0) return;
    this.#hasStepped = true;
    this.#current = (this.#current + by + this.#hits.length) % this.#hits.length;
    this.#light(true);
  }

  /** Lights up the hits, and goes to the current one. */
  #light(goes: boolean): void {
    const page = this.#page;
    const current = this.#hits[this.#current];
    if (!page || this.#isClosed) return;
    this.#marks.show({
      all: this.#hits.flatMap((hit) => (hit === current ? [] : page.parts(hit))),
      current: current ? page.parts(current) : [],
      words: this.#hits.flatMap(({ words }) => words.flatMap((range) => page.parts(range))),
    });
    const [first] = current ? page.parts(current) : [];
    if (goes && first) reveal(first);
    this.#show();
  }

  /** Whether passages are to get their meaning yet. */
  get #isWaiting(): boolean {
    if (this.#isClosed) return false;
    return this.#reading !== undefined || (this.#answer !== undefined && this.#answer.waiting > 0 && !this.#answer.problem);
  }

  /** Looks how far the engine is, until all passages have their meaning. */
  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    const failure = await this.#lookOn().then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
    this.#looking = false;
    if (!failure || this.#isClosed) return;
    // A page in the background has time: the next search has it read again, where there are more pages than the engine keeps.
    if (hasCode(failure.error, "not-read") && document.visibilityState === "hidden") return;
    await this.#attempt(() => {
      // The engine was ended meanwhile, or has another model now: the page is read again.
      if (!hasCode(failure.error, "not-read")) throw failure.error;
      this.#page = undefined;
      return this.#search();
    });
  }

  /** Searches again when all passages have their meaning. */
  async #lookOn(): Promise<void> {
    while (this.#isWaiting) {
      await new Promise((resolve) => setTimeout(resolve, LOOK));
      // A search may have told it meanwhile.
      if (!this.#isWaiting || this.#reading) continue;
      const state = await this.#ask({ do: "state", document: this.#document });
      if (this.#answer) this.#answer = { ...state, hits: this.#answer.hits };
      if (this.#isWaiting || this.#bar.query.trim() === "") this.#show();
      else await this.#attempt(() => this.#search());
    }
  }

  #show(): void {
    if (this.#isClosed) return;
    const count = this.#hits.length;
    const isAsked = this.#bar.query.trim() !== "" && this.#answer !== undefined;
    const hasChanged = this.#page !== undefined && this.#watch.hasChanged;
    const problem = this.#problem ?? (this.#answer?.problem && sentence(this.#answer.problem.message));
    this.#bar.show({
      count: count > 0 ? `${this.#current + 1} of ${count}` : isAsked ? "None" : "",
      canStep: count > 0,
      status: problem ?? (hasChanged ? "The page has changed." : this.#progress()),
      isProblem: problem !== undefined,
      offersAgain: hasChanged || problem !== undefined,
    });
  }

  #progress(): string {
    if (!this.#answer) return "The page is being read.";
    const { passages, waiting } = this.#answer;
    if (passages === 0) return "The page has no text.";
    if (waiting > 0) return `Words now, meaning in a moment: ${Math.floor((100 * (passages - waiting)) / passages)} %`;
    return "";
  }
}

let finder: Finder | undefined;

function open(query: unknown): "open" | "pdf" {
  if (document.contentType === "application/pdf") return "pdf";
  if (finder?.isGone) finder.close();
  finder ??= new Finder(() => (finder = undefined));
  finder.open(typeof query === "string" ? query : "");
  return "open";
}

// The script may be put into a page twice.
const world = globalThis as { felsicFind?: true };
if (!world.felsicFind) {
  world.felsicFind = true;
  chrome.runtime.onMessage.addListener((message, _sender, respond) => {
    if (message?.to !== "find" || message.name !== "open") return false;
    void answerOf(() => open(message.query)).then(respond);
    return true;
  });
}
