/**
 * The work of a library, which one tab does for all: reading folders again, taking up files, making vectors. Everything it needs is on disk,
 * so that it goes on where another tab, or the last visit, has stopped.
 */

import { FelsicError } from "felsic";
import type { Collection } from "felsic/search";
import { makeVectors } from "./adding.js";
import { type FileReading, Intake, MOST_BYTES } from "./intake.js";
import type { Given, GivenFile } from "./items.js";
import type { FileRecord, Ledger, SourceRecord, Switches } from "./ledger.js";
import { Originals } from "./originals.js";
import type { Shelf } from "./shelf.js";
import { Speed } from "./speed.js";
import type { Progress } from "./types.js";
import { mayRead, MOST_FILES, walk } from "./walk.js";

/** The most files of all sources together. */
const MOST_OF_ALL = 100_000;
/** Ids that are removed at once. */
const REMOVED = 1000;

/** What the work needs of the library. */
export interface WorksOptions {
  readonly ledger: Ledger;
  readonly shelf: Shelf;
  readonly reader: () => FileReading;
  /** Called when the progress has changed. */
  readonly progressed: () => void;
  /** Called when documents are stored. */
  readonly stored: () => void;
  /** Called with what stops the work. */
  readonly failed: (error: unknown) => void;
  readonly noted: (problem: "missing" | "too-many" | "lost", source: string, count: number) => void;
}

/** Counts of the work since there was none. */
interface Counts {
  files: number;
  passages: number;
  tokens: number;
}

/** The work of the tab that does it. */
export class Works {
  readonly originals = new Originals();
  readonly intake: Intake;
  readonly #options: WorksOptions;
  readonly #speed = new Speed();
  readonly #counts: Counts = { files: 0, passages: 0, tokens: 0 };
  readonly #ended = new AbortController();
  /** What runs: reading, and making vectors. */
  readonly #running = { reading: false, embedding: false };
  #work = new AbortController();
  #waitingForWritable: (() => void)[] = [];
  /** Settles when it is known what the collection has: before, nothing is removed and nothing is read. */
  readonly #known: Promise<void>;
  #isKnown = false;
  /** Files that are gone, while a file of the same size waits that may be the same under another name: their vectors serve it. */
  readonly #leaving = new Map<string, FileRecord>();
  /** Sources are read one after another. */
  #turn: Promise<void> = Promise.resolve();
  #isPaused: boolean;
  /** Whether the person has ended the work: what lacks vectors waits until they add something, or go on. */
  #isHalted: boolean;
  #path: string | undefined;
  /** Ends the reading of folders. */
  #walk = new AbortController();
  /** The source whose folder is being read. */
  #walking: string | undefined;
  #importing: { readonly path: string; readonly done: number; readonly total: number } | undefined;
  /** Passages that have got vectors of another model. */
  #reindexed = 0;

  /** `opened` resolves to the collection; without one nothing is known of its documents. */
  constructor(options: WorksOptions, { paused, halted }: Switches, opened: Promise<Collection | undefined>) {
    this.#options = options;
    this.#known = opened.then((collection) => collection && this.#lookThrough(collection)).then(() => this.#begin());
    this.#known.catch((error: unknown) => options.failed(error));
    this.#isPaused = paused;
    this.#isHalted = halted;
    const { ledger, reader } = options;
    this.intake = new Intake({
      ledger,
      originals: this.originals,
      reader,
      writable: (signal) => this.#writable(signal),
      report: ({ path, taken = 0 }) => {
        if (path !== undefined) this.#path = path;
        this.#counts.files += taken;
        if (taken > 0) {
          options.stored();
          if (this.#leaving.size > 0) this.#inTurn(() => this.#dropGone([])).catch(options.failed);
        }
        options.progressed();
      },
    });
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  get isHalted(): boolean {
    return this.#isHalted;
  }

  /** Where the work stands; `undefined` if there is none. */
  get progress(): Progress | undefined {
    const { files, passages } = this.#counts;
    const waitingFiles = this.#options.ledger.waiting.size;
    const waiting = this.#waitingPassages();
    if (this.#importing) {
      const { path, done, total } = this.#importing;
      return { step: "embedding", files: { done: 0, total: 1 }, passages: { done, total }, path };
    }
    if (waitingFiles === 0 && (waiting === 0 || this.#isHalted) && !this.#running.reading) return undefined;
    const speed = this.#speed.tokens;
    // How many passages the files will have is not known before they are read.
    const left = waitingFiles > 0 || this.#isPaused ? undefined : this.#speed.left(waiting);
    return {
      step: waitingFiles > 0 ? "reading" : "embedding",
      files: { done: files, total: files + waitingFiles },
      passages: { done: passages, total: passages + waiting },
      ...(speed !== undefined && { speed }),
      ...(left !== undefined && { left }),
      ...(waitingFiles > 0 && this.#path !== undefined && { path: this.#path }),
    };
  }

  #begin(): void {
    this.#isKnown = true;
    this.kick();
  }

  /** Goes on with whatever there is to do. */
  kick(): void {
    for (const resolve of this.#waitingForWritable.splice(0)) resolve();
    this.#options.progressed();
    if (!this.#isKnown || this.#isPaused || this.#ended.signal.aborted) return;
    if (!this.#running.reading && this.#options.ledger.waiting.size > 0) void this.#run("reading");
    if (!this.#running.embedding && !this.#isHalted && this.#waitingPassages() > 0) void this.#run("embedding");
  }

  pause(): void {
    this.#isPaused = true;
    this.#stop();
  }

  resume(): void {
    this.#isPaused = this.#isHalted = false;
    this.kick();
  }

  /** Ends the work: files that are not taken up are forgotten, and their folders are read again only on request. */
  async cancel(): Promise<void> {
    const { ledger } = this.#options;
    this.#isHalted = true;
    this.#isPaused = false;
    const walking = this.#walking === undefined ? undefined : [this.#walking];
    this.#walk.abort();
    this.#walk = new AbortController();
    this.#stop();
    await this.#known;
    const waiting = [...ledger.waiting].map((path) => ledger.files.get(path)!);
    for (const id of new Set([...waiting.map(({ source }) => source), ...(walking ?? [])])) {
      const source = ledger.sources.get(id);
      if (source?.handle) await ledger.putSource({ ...source, halted: true });
    }
    // Of a file that has changed, what was taken up before stays.
    const kept = waiting.filter(({ path }) => ledger.held(path));
    await ledger.put(kept.map((file) => ({ ...file, state: "held" as const, modified: 0 })));
    await ledger.drop(waiting.filter((file) => !kept.includes(file)).map(({ path }) => path));
    await this.#inTurn(() => this.#dropGone([]));
    this.#reset();
    this.#options.progressed();
  }

  /** Takes up files that the page was given. */
  async take(given: Exclude<Given, { readonly kind: "handle" }>): Promise<void> {
    this.#isHalted = false;
    const source = await this.#sourceOf(given);
    await this.#inTurn(async () => {
      const files = given.kind === "folder" ? given.files : apart(given.files);
      const paths = new Set<string>();
      for (const { path } of files) paths.add(`${source.name}/${path}`);
      await this.#note(source, files);
      // A folder that is picked again replaces what was picked before.
      if (given.kind === "folder")
        await this.#dropGone(this.#options.ledger.filesOf(source.id).filter(({ path }) => !paths.has(path)));
    });
    this.kick();
  }

  /** Reads folders again; those whose work was ended only if they are `asked` for. */
  async refresh(ids: readonly string[], asked: boolean): Promise<void> {
    const gone: FileRecord[] = [];
    for (const id of ids) await this.#inTurn(async () => void gone.push(...(await this.#refresh(id, asked))));
    await this.#inTurn(() => this.#dropGone(gone));
    this.kick();
  }

  /** Removes a source with its files and documents. */
  async removeSource(id: string): Promise<void> {
    await this.#inTurn(async () => {
      await this.#drop(this.#options.ledger.filesOf(id));
      await this.#options.ledger.dropSource(id);
    });
    this.kick();
  }

  /** Takes in what a library has exported. */
  async import(collection: Collection, file: File): Promise<void> {
    try {
      const onProgress = ({ done, total }: { readonly done: number; readonly total: number }) => {
        this.#importing = { path: file.name, done, total };
        this.#options.progressed();
      };
      onProgress({ done: 0, total: 0 });
      await collection.import(file, { signal: this.#walk.signal, onProgress });
    } finally {
      this.#importing = undefined;
      await this.#inTurn(() => this.reconcile(collection));
    }
    this.kick();
  }

  /** Has the ledger follow the collection, and lists the files that the page can no longer get. */
  async reconcile(collection: Collection): Promise<void> {
    const { ledger, noted } = this.#options;
    await ledger.reconcile(collection.documents({ signal: this.#ended.signal }));
    for (const { id, handle } of ledger.sources.values()) if (handle) ledger.park(id, !(await mayRead(handle, false)));
    const lost: FileRecord[] = [];
    for (const path of ledger.waiting) {
      const record = ledger.files.get(path)!;
      if (ledger.sources.get(record.source)?.handle || (await this.intake.file(record))) continue;
      const detail = "the page was closed before the file was read; add it again";
      lost.push({ ...record, state: ledger.held(path) ? "held" : "refused", refusals: [{ path, code: "unreadable", detail }] });
    }
    if (lost.length === 0) return;
    await ledger.put(lost);
    noted("lost", "", lost.length);
  }

  end(): void {
    this.#ended.abort();
    this.#walk.abort();
    this.#stop();
  }

  async #run(what: "reading" | "embedding"): Promise<void> {
    const { signal } = this.#work;
    this.#running[what] = true;
    try {
      if (what === "reading") await this.intake.run(signal);
      else await this.#makeVectors(signal);
    } catch (error) {
      if (!signal.aborted) {
        // Trying again at once would fail again.
        this.#isPaused = true;
        this.#stop();
        this.#options.failed(error);
      }
    } finally {
      this.#running[what] = false;
      const isDone = !this.#running.reading && !this.#running.embedding && this.progress === undefined;
      if (isDone) this.#reset();
      this.#options.progressed();
    }
    // What has come while it ended.
    if (!this.#isPaused) this.kick();
  }

  async #makeVectors(signal: AbortSignal): Promise<void> {
    const { shelf, progressed } = this.#options;
    this.#speed.reset();
    for (let waiting = this.#waitingPassages(); waiting > 0; waiting = this.#waitingPassages()) {
      const collection = shelf.unfinished;
      if (!collection) return;
      const isAnew = collection.info.state === "needs-reindex";
      const { passages, tokens } = this.#counts;
      try {
        await makeVectors(collection, signal, (made) => {
          // What was made anew before an interruption counts, too.
          this.#counts.passages = isAnew ? made.passages : passages + made.passages;
          this.#counts.tokens = tokens + made.tokens;
          if (isAnew) this.#reindexed = made.passages;
          this.#speed.note(this.#counts.tokens, this.#counts.passages);
          progressed();
        });
      } finally {
        this.#reindexed = 0;
      }
      shelf.settle();
      if (isAnew) this.#counts.passages = 0;
      else if (this.#waitingPassages() >= waiting) return;
    }
  }

  /** Passages that lack vectors, of the model that was chosen last. */
  #waitingPassages(): number {
    const collection = this.#options.shelf.unfinished;
    if (!collection) return 0;
    const { state, passages, waiting } = collection.info;
    return state === "ready" ? waiting : Math.max(1, passages - this.#reindexed);
  }

  async #writable(signal: AbortSignal): Promise<Collection> {
    for (;;) {
      signal.throwIfAborted();
      const collection = this.#options.shelf.writable;
      if (collection) return collection;
      await new Promise<void>((resolve) => {
        this.#waitingForWritable.push(resolve);
        signal.addEventListener("abort", () => resolve(), { once: true });
      });
    }
  }

  #stop(): void {
    this.#work.abort(new FelsicError("aborted", "the work was stopped"));
    this.#work = new AbortController();
    this.#speed.reset();
    this.#options.progressed();
  }

  #reset(): void {
    Object.assign(this.#counts, { files: 0, passages: 0, tokens: 0 });
    this.#path = undefined;
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async #sourceOf(given: Exclude<Given, { readonly kind: "handle" }>): Promise<SourceRecord> {
    const { ledger } = this.#options;
    if (given.kind === "files") {
      const source = ledger.sources.get(FILES) ?? { id: FILES, name: FILES, kind: "files" };
      if (!ledger.sources.has(FILES)) await ledger.putSource(source);
      return source;
    }
    const isSame = ({ name, kind, handle }: SourceRecord) => name === given.name && kind === "folder" && !handle;
    const known = [...ledger.sources.values()].find(isSame);
    if (known) return known;
    const name = freeName(given.name, ledger);
    const source: SourceRecord = { id: name, name, kind: "folder" };
    await ledger.putSource(source);
    return source;
  }

  /** Reads a folder again; returns its files that are gone. */
  async #refresh(id: string, asked: boolean): Promise<FileRecord[]> {
    const { ledger, noted } = this.#options;
    const source = ledger.sources.get(id);
    if (!source?.handle || (source.halted && !asked)) return [];
    const isAllowed = await mayRead(source.handle, false);
    ledger.park(id, !isAllowed);
    if (!isAllowed) return [];
    if (source.halted) {
      const { halted: _, ...going } = source;
      await ledger.putSource(going);
      this.#isHalted = false;
    }
    const seen = new Set<string>();
    const give = async (found: readonly GivenFile[]) => {
      for (const { path } of found) seen.add(`${source.name}/${path}`);
      await this.#note(source, found);
      this.kick();
    };
    const { signal } = this.#walk;
    this.#walking = id;
    try {
      const { unread, tooMany } = await walk(source.handle, give, signal);
      if (tooMany) noted("too-many", source.name, MOST_FILES);
      const isUnread = (path: string) => unread.some((at) => `${path}/`.startsWith(`${source.name}/${at}/`));
      return ledger.filesOf(id).filter(({ path }) => !seen.has(path) && !isUnread(path));
    } catch (error) {
      // A disk that is not there now may come again: its documents stay.
      if (!signal.aborted) noted("missing", source.name, 0);
      return [];
    } finally {
      this.#walking = undefined;
    }
  }

  /** Notes files that are new or have changed. */
  async #note(source: SourceRecord, files: readonly GivenFile[]): Promise<void> {
    const { ledger } = this.#options;
    const changed: FileRecord[] = [];
    let room = MOST_OF_ALL - ledger.files.size;
    for (const { path: inside, file } of files) {
      const path = `${source.name}/${inside}`;
      this.#leaving.delete(path);
      const known = ledger.files.get(path);
      if (!known && (room -= 1) < 0) {
        this.#options.noted("too-many", source.name, MOST_OF_ALL);
        break;
      }
      const isSame = known?.bytes === file.size && known.modified === file.lastModified;
      const isRetried = known?.refusals?.some(({ code }) => code === "unreadable");
      if (!source.handle || !isSame) this.intake.give(path, file);
      if (isSame && known.state !== "waiting" && !isRetried && source.handle) continue;
      if (isSame && known.state === "waiting") continue;
      const { size: bytes, lastModified: modified } = file;
      const record = { path, source: source.id, bytes, modified, ...(known?.kind && { kind: known.kind }) };
      if (bytes > MOST_BYTES && !ledger.held(path)) {
        const refusals = [{ path, code: "too-large" as const, detail: `${bytes} bytes` }];
        changed.push({ ...record, state: "refused", refusals });
      } else changed.push({ ...record, state: "waiting", ...(known?.copied && { copied: true }) });
    }
    if (changed.length > 0) await ledger.put(changed);
  }

  /** What is done once, when the collection is there. */
  async #lookThrough(collection: Collection): Promise<void> {
    await this.reconcile(collection);
    const copied = [...this.#options.ledger.files.values()].filter(({ copied }) => copied);
    await this.originals.sweep(copied.map(({ path }) => path));
  }

  /**
   * Removes files that are gone, and those that were gone before, with their documents. As long as a file of the same size waits, a file
   * stays: if it has only another name now, its passages and vectors are taken over when it is taken up.
   */
  async #dropGone(files: readonly FileRecord[]): Promise<void> {
    const { ledger } = this.#options;
    await this.#known;
    for (const file of files) this.#leaving.set(file.path, file);
    const sizes = new Set<number>();
    for (const path of ledger.waiting) sizes.add(ledger.files.get(path)!.bytes);
    const isLast = ({ path, bytes }: FileRecord) => !ledger.held(path) || !sizes.has(bytes);
    const gone = [...this.#leaving.values()].filter(isLast);
    for (const { path } of gone) this.#leaving.delete(path);
    await this.#drop(gone.filter(({ path }) => ledger.files.has(path)));
  }

  /** Removes files with their documents. */
  async #drop(files: readonly FileRecord[]): Promise<void> {
    if (files.length === 0) return;
    const { ledger, shelf } = this.#options;
    await this.#known;
    const ids = files.flatMap(({ path }) => ledger.held(path)?.ids ?? []);
    // What is being read of them is removed when it is written.
    const collection = shelf.collection.peek();
    for (let at = 0; at < ids.length; at += REMOVED) await collection?.remove(ids.slice(at, at + REMOVED));
    for (const { path, copied } of files) {
      this.intake.forget(path);
      if (copied) await this.originals.remove(path);
    }
    await ledger.drop(files.map(({ path }) => path));
  }
}

/** The source of files that were given one by one. */
export const FILES = "files";

/** Gives files of one name, given together, names of their own. */
function apart(files: readonly GivenFile[]): GivenFile[] {
  const names = new Set<string>();
  return files.map(({ path, file }) => {
    let name = path;
    for (let count = 2; names.has(name); count += 1) name = path.replace(/(?=\.[^.]*$)|$/, ` (${count})`);
    names.add(name);
    return { path: name, file };
  });
}

/** Returns a name for a source that no other one has. */
export function freeName(wanted: string, ledger: Ledger): string {
  const taken = new Set([FILES, ...Array.from(ledger.sources.values(), ({ name }) => name)]);
  const plain = wanted.replaceAll("/", " ").trim() || "folder";
  for (let count = 1; ; count += 1) {
    const name = count === 1 ? plain : `${plain} (${count})`;
    if (!taken.has(name)) return name;
  }
}
