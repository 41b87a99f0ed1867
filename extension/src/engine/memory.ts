/** The memory: pages that were read, in a collection. Words: a job is a page that waits, a record is what is known of a page. */

import { Collection, type Where } from "felsic/search";
import { dataOf, hasCode } from "../shared/errors.js";
import type { Found, Input, MemoryState, PageRecord, SearchRequest, Selection, SiteCount } from "../shared/messages.js";
import { clearJobs, counts, done, fail, nextJob, removeJobs, retryFailed, type Job } from "../shared/queue.js";
import type { Settings } from "../shared/settings.js";
import { isStale, noteStale } from "../shared/stale.js";
import { beginAttempt, endAttempt } from "./attempts.js";
import type { Gate } from "./gate.js";
import { found } from "./found.js";
import { FELSIC, type Model } from "./model.js";
import { Opened } from "./opened.js";
import { drop, dropAll, fitting, keep, keepAll, recordOf, select, visited } from "./records.js";
import { copyFile, dropCopies, pagesIn } from "./copies.js";

const NAME = "memory";
/** Jobs between two clean-ups, and the longest time between two, in milliseconds. */
const CLEAN_JOBS = 50;
const CLEAN_TIME = 3_600_000;
/** How often a job is begun before it is put aside: something about it ends the engine. */
const ATTEMPTS = 8;
/** A vector's scale and a passage's place, beside its components. */
const PASSAGE_BYTES = 64;
const DAY = 86_400_000;
/** Failures that say nothing about the page: its job waits on. */
const PASSING = ["engine-unavailable", "needs-reindex", "quota-exceeded", "io", "network", "aborted"];
/** Failures that the page may be the reason of: its job waits on, too, but is not begun for ever. */
const ENDING = ["destroyed", "out-of-memory", "internal"];

export class Memory {
  readonly #model: Model;
  readonly #gate: Gate;
  readonly #settings: () => Settings;
  readonly #changed: () => void;
  readonly #opened = new Opened(() => this.#open());
  /** What writes does so one after another. */
  #turn: Promise<unknown> = Promise.resolve();
  /** How many want to write, or do. */
  #turns = 0;
  #draining: Promise<void> | undefined;
  #isWoken = false;
  #problem: unknown;
  #reindexing: MemoryState["reindexing"];
  #sinceClean = Infinity;
  #cleaned = 0;

  constructor(model: Model, gate: Gate, settings: () => Settings, changed: () => void) {
    this.#model = model;
    this.#gate = gate;
    this.#settings = settings;
    this.#changed = changed;
  }

  async #open(): Promise<Collection> {
    const collection = await Collection.open(NAME, { embedder: await this.#model.textEmbedder(), baseUrl: FELSIC });
    // The user may have changed the model, or an update of the extension brings another one. Words are found meanwhile.
    if (collection.info.state === "needs-reindex") {
      await noteStale(true);
      this.wake();
    }
    return collection;
  }

  /** Embeds pages anew, until all are done, indexing is paused, or something else is to be written. What is done is not done again. */
  async #reindex(collection: Collection): Promise<void> {
    const leaving = new AbortController();
    const onProgress = ({ done, total }: { done: number; total: number }) => {
      this.#reindexing = { done, total };
      this.#changed();
      if (this.#gate.pauses.length > 0 || this.#turns > 1) leaving.abort();
    };
    try {
      await collection.reindex({ onProgress, signal: leaving.signal });
    } catch (error) {
      if (!leaving.signal.aborted) throw error;
    } finally {
      if (!leaving.signal.aborted) this.#reindexing = undefined;
      this.#changed();
    }
  }

  /** Has the pages embedded anew that there are, since the model is another one. */
  async renew(): Promise<void> {
    await noteStale((await select({})).length > 0);
    this.wake();
  }

  #inTurn<Value>(work: () => Promise<Value>): Promise<Value> {
    this.#turns += 1;
    const mine = this.#turn.then(work, work).finally(() => (this.#turns -= 1));
    this.#turn = mine.catch(() => {});
    return mine;
  }

  /** Whether there is work under way. */
  get isBusy(): boolean {
    return this.#draining !== undefined;
  }

  /** Whether the last attempt to do the jobs that wait has failed. */
  get hasFailed(): boolean {
    return this.#problem !== undefined;
  }

  /** Does the jobs that wait, unless indexing is paused; returns at once. */
  wake(): void {
    this.#isWoken = true;
    this.#draining ??= this.#drain().finally(() => {
      this.#draining = undefined;
      // Somebody may have called between the last look at the queue and now.
      if (this.#isWoken && !this.#problem) this.wake();
    });
  }

  async #drain(): Promise<void> {
    this.#problem = undefined;
    try {
      while (this.#isWoken) {
        this.#isWoken = false;
        while (this.#gate.pauses.length === 0 && (await this.#inTurn(() => this.#doNext()))) {
          this.#changed();
          await this.#model.endsAbove(this.#settings().engineMegabytes * 1e6);
        }
      }
      await this.#cleanIfDue();
    } catch (error) {
      this.#problem = error;
      this.#changed();
    }
  }

  /** Does what is next: embeds pages anew, or does the job that has waited longest; returns whether there was any. */
  async #doNext(): Promise<boolean> {
    const [next, isOld] = await Promise.all([nextJob(), isStale()]);
    if (!next && !isOld) return false;
    // What ends the engine before it is ready has nothing to do with a page.
    const collection = await this.#opened.get();
    if (collection.info.state === "needs-reindex") {
      await this.#opened.use((collection) => this.#reindex(collection));
      return true;
    }
    this.#reindexing = undefined;
    if (isOld) await noteStale(false);
    if (!next) return true;
    const { key, job } = next;
    if (beginAttempt(key) > ATTEMPTS) {
      const message = "the engine ended each time when it came to this page";
      await fail(key, { job, code: "interrupted", message });
    } else {
      try {
        await this.#add(job);
        await done(key);
      } catch (error) {
        if (hasCode(error, ...PASSING)) endAttempt();
        if (hasCode(error, ...PASSING, ...ENDING)) throw error;
        await fail(key, { job, ...dataOf(error) });
      }
    }
    endAttempt();
    this.#sinceClean += 1;
    return true;
  }

  /** Puts a page into the collection. Doing it again changes nothing. */
  async #add({ id, url, title, site, html, time }: Job): Promise<void> {
    const record = visited(await recordOf(id), { id, url, title, site }, time);
    await keep(record);
    const { first, last, visits } = record;
    const collection = await this.#opened.get();
    const meta = { source: "page", site, first, last, visits: visits.length };
    const document = { id, text: html, kind: "html", title, url, meta } as const;
    const { passages } = await this.#opened.use((collection) => collection.add([document]));
    const bytes = html.length + passages * (2 * collection.info.dimensions + PASSAGE_BYTES);
    // A page that has not changed has no passages to count.
    if (passages > 0 || record.bytes === 0) await keep({ ...record, bytes });
  }

  /** Returns the pages that fit a query, best first. */
  async search({ query, limit = 20, mode = "hybrid", site, from, to }: SearchRequest): Promise<Found[]> {
    const collection = await this.#opened.get();
    const range = { ...(from !== undefined && { gte: from }), ...(to !== undefined && { lt: to }) };
    const where: Where = { ...(site !== undefined && { site }), ...(Object.keys(range).length > 0 && { last: range }) };
    const possible = collection.info.state === "ready" ? mode : "words";
    const hits = await this.#opened.use((collection) => collection.search(query, { limit, mode: possible, where }));
    return hits.map((hit) => found(hit, "page"));
  }

  /** Returns the pages that were seen last. */
  async recent({ limit = 50, ...selection }: Input<"memory.recent">): Promise<PageRecord[]> {
    return (await select(selection)).slice(0, limit);
  }

  /** Returns the sites that pages are remembered of, those with most pages first. */
  async sites(): Promise<SiteCount[]> {
    const pages = new Map<string, number>();
    for (const { site } of await select({})) pages.set(site, (pages.get(site) ?? 0) + 1);
    return [...pages].map(([site, pages]) => ({ site, pages })).sort((a, b) => b.pages - a.pages);
  }

  /** Forgets pages, also those that wait; returns how many. It is done when nothing of them is stored any more. */
  forget(selection: Selection): Promise<number> {
    return this.#inTurn(async () => {
      const fits = fitting(selection);
      const waiting = await removeJobs((job) => fits({ id: job.id, site: job.site, last: job.time }));
      const remembered = (await select(selection)).map(({ id }) => id);
      await this.#remove(remembered);
      await dropCopies();
      this.#changed();
      return new Set([...waiting, ...remembered]).size;
    });
  }

  async #remove(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    await this.#opened.use((collection) => collection.remove(ids));
    await drop(ids);
  }

  /** Forgets everything, also what is damaged. */
  forgetAll(): Promise<undefined> {
    return this.#inTurn(async () => {
      await clearJobs();
      await this.#opened.close();
      await Collection.delete(NAME);
      await dropAll();
      await dropCopies();
      await noteStale(false);
      this.#reindexing = undefined;
      this.#problem = undefined;
      this.#changed();
      return undefined;
    });
  }

  async #cleanIfDue(): Promise<void> {
    if (this.#sinceClean < CLEAN_JOBS && Date.now() - this.#cleaned < CLEAN_TIME) return;
    this.#sinceClean = 0;
    this.#cleaned = Date.now();
    await this.clean();
  }

  /** Forgets what is too old, and the oldest of what is too much; returns how many pages. */
  clean(): Promise<number> {
    return this.#inTurn(async () => {
      const { keepDays, keepMegabytes } = this.#settings();
      const oldest = keepDays > 0 ? Date.now() - keepDays * DAY : -Infinity;
      let bytes = 0;
      const leaving: string[] = [];
      for (const page of await select({})) {
        bytes += page.bytes;
        if (page.last < oldest || bytes > keepMegabytes * 1e6) leaving.push(page.id);
      }
      await this.#remove(leaving);
      await dropCopies();
      if (leaving.length > 0) this.#changed();
      return leaving.length;
    });
  }

  /** Tries again what could not be done. */
  async retry(): Promise<undefined> {
    await retryFailed();
    this.wake();
    return undefined;
  }

  /** Writes a copy into the extension's private files. */
  async export(): Promise<{ file: string }> {
    const collection = await this.#opened.get();
    const { name, handle } = await copyFile();
    await collection.export("jsonl").pipeTo(await handle.createWritable());
    return { file: name };
  }

  /** Takes in a copy. Its pages are kept as they were, with their times. */
  import(file: string): Promise<{ pages: number }> {
    return this.#inTurn(async () => {
      const collection = await this.#opened.get();
      const { handle } = await copyFile(file);
      const blob = await handle.getFile();
      // First everything is checked, then the records are written, then the documents: see records.ts.
      const pages = await pagesIn(blob);
      const known = new Map((await select({})).map((record) => [record.id, record]));
      await keepAll(pages.map((page) => ({ ...page, bytes: known.get(page.id)?.bytes ?? page.bytes })));
      await collection.import(blob);
      this.#changed();
      return { pages: pages.length };
    });
  }

  /** Tells how things are. It starts nothing. */
  async state(): Promise<MemoryState> {
    const [queue, isOld, pages, info] = await Promise.all([counts(), isStale(), select({}), this.#model.info()]);
    const [engineBytes, collection] = await Promise.all([this.#model.bytes(), this.#opened.peek()]);
    const reindexing = this.#reindexing ?? (isOld ? { done: 0, total: pages.length } : undefined);
    return {
      engine: this.#problem ? "failed" : info ? "ready" : "stopped",
      ...(this.#problem !== undefined && { problem: dataOf(this.#problem) }),
      pages: pages.length,
      passages: collection?.info.passages ?? 0,
      bytes: pages.reduce((sum, { bytes }) => sum + bytes, 0),
      ...queue,
      pauses: this.#gate.pauses,
      engineBytes,
      restarts: this.#model.restarts,
      ...(reindexing && { reindexing }),
      ...(info && { model: info.model, kernel: info.kernel }),
    };
  }

  /** Ends the collection's worker; the next call starts it again. */
  end(): Promise<void> {
    return this.#inTurn(() => this.#opened.close());
  }
}
