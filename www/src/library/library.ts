/** The library of one person: its state as signals, and what can be done with it. */

import { batch, computed, type ReadonlySignal, signal } from "@preact/signals";
import { type CreateOptions, FelsicError } from "felsic";
import type { Collection, CollectionOptions, Hit } from "felsic/search";
import type { Refusal } from "../reading/types.js";
import { Database } from "./database.js";
import { factsOf } from "./facts.js";
import { forgetEverything } from "./forget.js";
import { type Given, givenOf } from "./items.js";
import { newId } from "./id.js";
import { Ledger, type SourceRecord, type Switches } from "./ledger.js";
import { metaOf, whereOf } from "./meta.js";
import { type Choice, type CreateEmbedder, type Device, Models } from "./model.js";
import { later } from "./later.js";
import { pickFolder } from "./pick.js";
import type { FileReading } from "./intake.js";
import { problemOf } from "./problems.js";
import { Shelf } from "./shelf.js";
import { Tabs } from "./tabs.js";
import type { Ask, Library, LibraryFile, Problem, Progress, Source } from "./types.js";
import { mayRead } from "./walk.js";
import { Watch } from "./watch.js";
import { freeName, Works } from "./works.js";

/** How a library is opened. */
export interface LibraryOptions {
  /** The name of its collection. Default `library`. */
  readonly name?: string;
  /** What reads files. */
  readonly reader: () => FileReading;
  /** Options of every model, such as `allowedOrigins` and `baseUrl`. */
  readonly embedder?: CreateOptions;
  /** Where felsic's search is, where a bundler does not find it. */
  readonly search?: Pick<CollectionOptions, "baseUrl" | "workerUrl" | "wasmUrl">;
  /** The model to begin with. Default: that of the last visit. */
  readonly choice?: Pick<Choice, "model" | "device">;
  /** Makes embedders. Default `Embedder.create`. */
  readonly createEmbedder?: CreateEmbedder;
  /** Whether what is added is stored. Default: if the page is a secure context; browsers store files for these alone. */
  readonly keeps?: boolean;
}

/** What the tab that works tells the others. */
interface State {
  readonly progress: Progress | undefined;
  readonly paused: boolean;
  readonly problems: readonly Problem[];
}

/** What tabs say to each other without being asked. */
type News =
  | { readonly type: "state"; readonly state: State }
  /** The ledger on disk has changed. */
  | { readonly type: "ledger" }
  /** Asks for the state. */
  | { readonly type: "hello" }
  | { readonly type: "model"; readonly choice: Choice }
  /** Everything is about to be deleted. */
  | { readonly type: "forget" };

/** Milliseconds between two reports of the same thing. */
const OFTEN = 150;
const SELDOM = 500;
const HITS = 20;
/** Passages that are shown of a document. */
const PASSAGES = 3;
/** How often the library begins anew after a crash, before it says that something is wrong. */
const MOST_RESTARTS = 3;

/** A library that is open in this tab. */
export class PrivateLibrary implements Library {
  readonly sources = signal<readonly Source[]>([]);
  readonly files = signal<readonly LibraryFile[]>([]);
  readonly refused = signal<readonly Refusal[]>([]);
  readonly progress = signal<Progress | undefined>(undefined);
  readonly paused = signal(false);
  readonly version = signal(0);
  readonly keeps: boolean;
  readonly problems: ReadonlySignal<readonly Problem[]>;

  readonly #options: LibraryOptions;
  readonly #name: string;
  readonly #key: string;
  readonly #database: Database;
  readonly #ledger: Ledger;
  readonly #models: Models;
  readonly #shelf = signal<Shelf | undefined>(undefined);
  readonly #ownProblems = signal<readonly Problem[]>([]);
  readonly #sharedProblems = signal<readonly Problem[]>([]);
  readonly #permitted = new Map<string, boolean>();
  readonly #watch: Watch;
  readonly #collection = computed(() => this.#shelf.value?.collection.value);
  #tabs: Tabs<News> | undefined;
  #works: Works | undefined;
  #reader: FileReading | undefined;
  #isPersistent = false;
  /** Tokens a second, when it was measured last. */
  #speed: number | undefined;
  #restarts = 0;

  constructor(options: LibraryOptions) {
    this.#options = options;
    this.#name = options.name ?? "library";
    this.#key = `felsic-${this.#name}`;
    this.keeps = options.keeps ?? isSecureContext;
    this.#database = new Database(this.keeps ? this.#key : undefined);
    this.#ledger = new Ledger(this.#database, () => this.#ledgerChanged());
    const serves = () => this.#shelf.peek()?.embedder !== undefined;
    this.#models = new Models(`${this.#key}-model`, options.createEmbedder, options.embedder ?? {}, serves);
    this.problems = computed(() => [...this.#ownProblems.value, ...this.#sharedProblems.value]);
    this.#watch = new Watch(() => void this.refresh());
    this.#begin();
  }

  get model() {
    return this.#models.state;
  }

  get collection(): ReadonlySignal<Collection | undefined> {
    return this.#collection;
  }

  async pickFolder(): Promise<void> {
    const picked = await pickFolder();
    if (!picked) return;
    if ("kind" in picked) await this.#take([{ kind: "handle", handle: picked }]);
    else await this.addItems(picked);
  }

  async addItems(items: DataTransfer | FileList | readonly File[]): Promise<void> {
    await this.#take(await givenOf(items));
  }

  async addText(text: string, name: string): Promise<void> {
    const title = name.trim().replaceAll("/", " ") || "text";
    const path = /\.[a-z0-9]{1,8}$/i.test(title) ? title : `${title}.txt`;
    await this.#take([{ kind: "files", files: [{ path, file: new File([text], path) }] }]);
  }

  async refresh({ ask = false }: { readonly ask?: boolean } = {}): Promise<void> {
    const folders = [...this.#ledger.sources.values()].filter(({ handle }) => handle);
    if (folders.length === 0) return;
    // Questions of the browser come before anything else is waited for, while the click still counts.
    for (const { id, handle } of folders) this.#permitted.set(id, await mayRead(handle!, ask).catch(() => false));
    this.#publishLedger();
    await this.#call(
      "refresh",
      folders.map(({ id }) => id).filter((id) => this.#permitted.get(id)),
      ask,
    );
  }

  async removeSource(id: string): Promise<void> {
    await this.#call("removeSource", id);
  }

  pause(): void {
    this.paused.value = true;
    void this.#call("pause");
  }

  resume(): void {
    this.paused.value = false;
    void this.#call("resume");
  }

  async cancel(): Promise<void> {
    await this.#call("cancel");
  }

  async search(ask: Ask, signal: AbortSignal): Promise<readonly Hit[]> {
    const collection = this.#collection.peek();
    if (!collection) return [];
    const { text, mode, filters, like, limit = HITS } = ask;
    const where = whereOf(filters);
    const options = { limit, signal, ...(where && { where }) };
    try {
      if (like !== undefined) return await collection.similar(like, options);
      const possible = this.#shelf.peek()?.hasMeaning ? mode : "words";
      return await collection.search(text, { ...options, mode: possible, passages: PASSAGES });
    } catch (error) {
      signal.throwIfAborted();
      // Another model has taken this one's place meanwhile.
      if (collection !== this.#collection.peek()) return this.search(ask, signal);
      this.#heed(error);
      throw error;
    }
  }

  async original(id: string): Promise<File | undefined> {
    const document = await this.#collection.peek()?.get(id);
    const record = document && this.#ledger.files.get(metaOf(document).file);
    // A file that is gone is shown as the text that it had.
    return (
      record &&
      this.#worksHere()
        .intake.file(record)
        .catch(() => undefined)
    );
  }

  async text(id: string): Promise<string | undefined> {
    return (await this.#collection.peek()?.get(id))?.text;
  }

  async useModel(model: string, device: Device): Promise<void> {
    this.#begin();
    const choice = { model, device };
    this.#put("model", undefined);
    if (await this.#shelf.peek()?.choose(choice)) this.#tabs?.tell({ type: "model", choice });
  }

  async facts(): Promise<Readonly<Record<string, string | number>>> {
    return factsOf(this.#shelf.peek(), this.#models.choice, { speed: this.#speed, keeps: this.keeps });
  }

  export(format: "jsonl" | "parquet"): ReadableStream<Uint8Array<ArrayBuffer>> {
    const collection = this.#collection.peek();
    if (!collection) throw new FelsicError("not-found", "the library is not open yet");
    return collection.export(format);
  }

  async import(file: File): Promise<void> {
    this.#put("import", undefined);
    try {
      await this.#ask("import", file);
    } catch (error) {
      this.#heed(error, "import");
    }
  }

  async deleteEverything(): Promise<void> {
    this.#tabs?.tell({ type: "forget" });
    await this.#end();
    await forgetEverything();
  }

  dismiss(problem: string): void {
    this.#put(problem, undefined);
    if (this.#sharedProblems.peek().some(({ id }) => id === problem)) void this.#call("dismiss", problem);
  }

  close(): void {
    void this.#end();
  }

  /** Opens the library in this tab, if it is not open. */
  #begin(): void {
    if (this.#tabs) return;
    this.#database.begin();
    const shelf = new Shelf({
      name: this.#name,
      keeps: this.keeps,
      models: this.#models,
      files: this.#options.search ?? {},
      changed: () => this.#documentsChanged(),
      ready: () => this.#works?.kick(),
      failed: (error) => this.#heed(error, "model"),
    });
    this.#shelf.value = shelf;
    const loaded = this.#ledger.load().catch((error: unknown) => this.#heed(error));
    void shelf.begin(this.#firstChoice());
    this.#tabs = new Tabs<News>(this.#key, !this.keeps, {
      lead: async () => {
        await loaded;
        await this.#lead(shelf);
      },
      work: (method, values) => this.#work(method, values),
      hear: (news) => this.#hear(news),
    });
    this.#tabs.tell({ type: "hello" });
    void loaded.then(() => this.refresh());
    this.#watch.start();
  }

  /** The model to begin with; what is known of it since the last visit counts only for the same one. */
  #firstChoice(): Choice {
    const last = this.#models.choice;
    const { choice = last } = this.#options;
    return choice.model === last.model && choice.device === last.device ? last : choice;
  }

  /** Ends everything in this tab; `addItems()` and the like begin anew. */
  async #end(): Promise<void> {
    this.#watch.stop();
    this.#works?.end();
    this.#reader?.close();
    this.#tabs?.close();
    this.#shelf.peek()?.close();
    this.#works = this.#reader = this.#tabs = undefined;
    this.#shelf.value = undefined;
    this.#database.end();
    this.#ledger.forget();
    batch(() => {
      for (const list of [this.#ownProblems, this.#sharedProblems]) list.value = [];
      this.progress.value = undefined;
      this.paused.value = false;
    });
    this.#publishLedger();
  }

  /** Begins anew after a worker has crashed: what is stored is intact. */
  async #restart(): Promise<void> {
    await this.#end();
    this.#begin();
  }

  /** Begins the work, in the tab that does it. */
  async #lead(shelf: Shelf): Promise<void> {
    await this.#ledger.load();
    const switches = await this.#ledger.switches();
    // The collection may take a while, and questions of other tabs do not wait for it.
    this.#works = this.#newWorks(shelf, switches, this.#opened(shelf));
    this.#publishState();
  }

  #newWorks(shelf: Shelf, switches: Switches, opened: Promise<Collection | undefined>): Works {
    return new Works(
      {
        ledger: this.#ledger,
        shelf,
        reader: () => (this.#reader ??= this.#options.reader()),
        progressed: () => this.#publishState(),
        stored: () => void this.#persist(),
        failed: (error) => this.#heed(error),
        noted: (what, source, count) =>
          this.#say({ id: `${what}:${source}`, message: MESSAGES[what], values: { source, count } }),
      },
      switches,
      opened,
    );
  }

  /** What asks for files works in every tab; where no work is done, this one only finds them. */
  #worksHere(): Works {
    return this.#works ?? this.#newWorks(this.#shelf.peek()!, { paused: true, halted: true }, Promise.resolve(undefined));
  }

  /** Resolves when the collection is open; `undefined` if the library ends before. */
  #opened(shelf: Shelf): Promise<Collection | undefined> {
    return new Promise((resolve) => {
      const stop = this.#shelf.subscribe((now) => now !== shelf && queueMicrotask(() => done(undefined)));
      const stopToo = shelf.collection.subscribe((collection) => collection && queueMicrotask(() => done(collection)));
      const done = (collection: Collection | undefined) => {
        stop();
        stopToo();
        resolve(collection);
      };
    });
  }

  /** Has the tab that works do something; the library begins anew if it has ended. */
  async #call(method: string, ...values: readonly unknown[]): Promise<void> {
    try {
      await this.#ask(method, ...values);
    } catch (error) {
      this.#heed(error);
    }
  }

  async #ask(method: string, ...values: readonly unknown[]): Promise<void> {
    this.#begin();
    await this.#tabs!.call(method, ...values);
  }

  /** Takes up what was given; folders that can be read again are noted here, since their handles are this tab's. */
  async #take(given: readonly Given[]): Promise<void> {
    this.#begin();
    for (const one of given) {
      if (one.kind !== "handle") await this.#call("take", one);
      else {
        const { id } = await this.#sourceOf(one.handle);
        this.#permitted.set(id, await mayRead(one.handle, true));
        await this.#call("refresh", [id], true);
      }
    }
  }

  async #sourceOf(handle: FileSystemDirectoryHandle): Promise<SourceRecord> {
    for (const source of this.#ledger.sources.values()) {
      if (await source.handle?.isSameEntry(handle)) return source;
    }
    const name = freeName(handle.name, this.#ledger);
    const source: SourceRecord = { id: newId(), name, kind: "folder", handle };
    await this.#ledger.putSource(source);
    return source;
  }

  /** Does what a tab has asked for, in the tab that works. */
  async #work(method: string, values: readonly unknown[]): Promise<void> {
    const works = this.#works;
    if (!works) return;
    const [first, second] = values;
    switch (method) {
      case "take":
        return works.take(first as Exclude<Given, { readonly kind: "handle" }>);
      case "refresh":
        await this.#ledger.loadSources();
        return works.refresh(first as string[], second === true);
      case "removeSource":
        return works.removeSource(first as string);
      case "pause":
        works.pause();
        return this.#settled(works);
      case "full":
        // The next visit tries again.
        works.pause();
        return this.#publishState();
      case "resume":
        for (const id of ["quota", "work"]) this.#put(id, undefined);
        works.resume();
        return this.#settled(works);
      case "cancel":
        await works.cancel();
        return this.#settled(works);
      case "import":
        return this.#import(works, first as File);
      case "dismiss":
        return this.#put(first as string, undefined);
    }
  }

  async #import(works: Works, file: File): Promise<void> {
    const collection = await this.#opened(this.#shelf.peek()!);
    if (!collection) return;
    await works.import(collection, file);
    await this.#persist();
  }

  #hear(news: News): void {
    switch (news.type) {
      case "state":
        return this.#show(news.state);
      case "ledger":
        return this.#readLedger();
      case "hello":
        return this.#works && this.#publishState();
      case "model":
        return void this.#shelf.peek()?.choose(news.choice);
      case "forget":
        return void this.#end();
    }
  }

  /** What another tab has written. */
  readonly #readLedger = later(SELDOM, () => {
    if (this.#tabs && !this.#works) void this.#ledger.load().catch((error: unknown) => this.#heed(error));
  });

  #show({ progress, paused, problems }: State): void {
    this.#speed = progress?.speed ?? this.#speed;
    batch(() => {
      this.progress.value = progress;
      this.paused.value = paused;
      this.#sharedProblems.value = problems;
    });
  }

  readonly #publishState = later(OFTEN, () => {
    const works = this.#works;
    if (!works) return;
    this.#speed = works.progress?.speed ?? this.#speed;
    const state = { progress: works.progress, paused: works.isPaused, problems: this.#ownProblems.peek() };
    this.progress.value = state.progress;
    this.paused.value = state.paused;
    this.#tabs?.tell({ type: "state", state });
  });

  #ledgerChanged(): void {
    this.#publishLedger();
    if (this.#works) this.#tellLedger();
  }

  readonly #tellLedger = later(SELDOM, () => this.#tabs?.tell({ type: "ledger" }));

  readonly #publishLedger = later(OFTEN, () => {
    const files: LibraryFile[] = [];
    const refused: Refusal[] = [];
    const counts = new Map<string, number>();
    for (const { path, source, bytes, modified, kind, state, refusals } of this.#ledger.files.values()) {
      if (refusals && state !== "waiting") refused.push(...refusals);
      if (state === "refused" || !kind) continue;
      files.push({ path, source, kind, bytes, modified });
      counts.set(source, (counts.get(source) ?? 0) + 1);
    }
    const sources = Array.from(this.#ledger.sources.values(), ({ id, name, kind, handle, halted }): Source => {
      const watched = !handle ? "no" : this.#permitted.get(id) === false || halted ? "ask" : "yes";
      return { id, name, kind, watched, files: counts.get(id) ?? 0 };
    });
    this.#watch.observe([...this.#ledger.sources.values()].flatMap(({ handle }) => handle ?? []));
    batch(() => ([this.files.value, this.refused.value, this.sources.value] = [files, refused, sources]));
  });

  readonly #documentsChanged = later(OFTEN, () => {
    this.version.value += 1;
    this.#works?.kick();
  });

  /** Has a person know what went wrong. */
  #heed(error: unknown, about: "work" | "model" | "import" = "work"): void {
    if (about === "work" && error instanceof FelsicError && error.code === "internal") {
      // What is in memory alone would be lost.
      if (this.keeps && ++this.#restarts <= MOST_RESTARTS) return void this.#restart();
      this.#shelf.peek()?.lose(error);
    }
    const problem = problemOf(error, about);
    this.#say(problem);
    // Whatever was written: the work would fail next.
    if (problem?.id === "quota") void this.#ask("full").catch(() => undefined);
    this.#publishState();
  }

  #say(problem: Problem | undefined): void {
    if (problem) this.#put(problem.id, problem);
  }

  /** Puts a problem in the place of the one with the same id, or takes that away. */
  #put(id: string, problem: Problem | undefined): void {
    const others = this.#ownProblems.peek().filter((one) => one.id !== id);
    this.#ownProblems.value = problem ? [...others, problem] : others;
    if (this.#works) this.#publishState();
  }

  /** Asks the browser to keep what is stored, when there is something to keep. */
  async #persist(): Promise<void> {
    if (this.#isPersistent) return;
    this.#isPersistent = true;
    if (!this.keeps) return;
    const { storage } = navigator;
    if (!(await storage?.persisted?.())) await storage?.persist?.();
  }

  #settled(works: Works): Promise<void> {
    this.#publishState();
    return this.#ledger.putSwitches({ paused: works.isPaused, halted: works.isHalted });
  }
}

const MESSAGES = {
  missing: "library.problem.missing",
  "too-many": "library.problem.tooMany",
  lost: "library.problem.lost",
} as const;
