/**
 * A live collection: segments in a store, applied in the order of their numbers.
 *
 * A segment is written whole under a number of its own, while a lock keeps other tabs from writing: whatever happens, it is there or it
 * is not. Whoever has the collection open reads the segments that are new. When there are many small ones, one takes their place.
 * Vectors of another space are a new generation of segments, which counts as soon as one of its segments says that it begins.
 */

import { FelsicError } from "../errors.js";
import { ifLockFree } from "../store/locks.js";
import { extentOf, merged, usesOf, worthMerging } from "./compact.js";
import { Contents, type Held, type Intake, placed } from "./contents.js";
import { lockOf, nextNumber } from "./files.js";
import { exclusive, listen, type News } from "./guard.js";
import type { CheckedDocument, SpaceInfo } from "./protocol.js";
import { type Arrived, SegmentStore } from "./segment-store.js";
import { gathered, type RowsData, type SegmentContent, type SegmentFile, type VectorAt } from "./segments.js";
import { type TextSource, waitingOf, waits } from "./stored.js";
import type { CollectionInfo } from "./types.js";
import type { SearchModule } from "./wasm.js";

/** The most passages whose fine components are kept in memory. */
const MOST_FINE = 200_000;
/** Rows that are no longer used are given up when there are more of them than of the others, and more than this. */
const MOST_UNUSED = 10_000;
/** How often reading starts again because other tabs replace what is being read. */
const MOST_ATTEMPTS = 20;
/** How often what another tab has told of is read again where reading fails, and the first wait; each further one is twice as long. */
const MOST_FAILURES = 6;
const FIRST_WAIT = 250;

/** What is written at once. */
export interface Writing {
  readonly content: SegmentContent;
  readonly generation: number;
  /** Whether its generation takes the place of all earlier ones. */
  readonly begins: boolean;
  readonly space: SpaceInfo;
}

/** The text of a passage, and the document that it is to be a part of. */
export interface PassageText {
  readonly id: string;
  readonly text: string;
}

/** Content without rows and texts, for what is said about other documents. */
export const NO_ROWS: Omit<SegmentContent, "documents"> = {
  scales: new Float32Array(),
  coarse: new Int8Array(),
  fine: new Int8Array(),
  texts: new Uint8Array(),
};

/** What has been read of a collection. */
interface State {
  readonly generation: number;
  readonly dimensions: number;
  readonly contents: Contents;
  readonly segments: Map<number, SegmentFile>;
  /** Segments of a generation that has not begun, and others that do not count. */
  readonly ignored: Set<number>;
  /** Segments whose texts have been found to match their hash. */
  readonly sound: Set<number>;
}

/** What a collection is opened with. */
export interface LiveOptions {
  readonly name: string;
  readonly memory: boolean;
  readonly embedder: SpaceInfo;
  readonly module: SearchModule;
  /** Called when documents have changed, here or in another tab. */
  readonly changed: () => void;
}

/** A collection that is stored on this machine, or in memory alone. */
export class LiveCollection implements TextSource {
  readonly module: SearchModule;
  readonly embedder: SpaceInfo;
  readonly store: SegmentStore;
  readonly #memory: boolean;
  readonly #changed: () => void;
  readonly #news: News;
  #state: State;
  /** The number of the last news; each is read for until the next. */
  #heard = 0;
  /** The last work that reads or writes segments; one follows another. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor({ memory, embedder, module, changed }: LiveOptions, store: SegmentStore) {
    this.module = module;
    this.embedder = embedder;
    this.store = store;
    this.#memory = memory;
    this.#changed = changed;
    this.#state = this.#empty(0, embedder.dimensions);
    this.#news = listen(memory ? undefined : this.#lock, () => this.#hear());
  }

  /** Opens a collection, and creates it if it is not there. */
  static async open(options: LiveOptions): Promise<LiveCollection> {
    const store = await SegmentStore.open(options.name, options.memory);
    const live = new LiveCollection(options, store);
    await live.refresh();
    void live.#tidy().catch(() => undefined);
    return live;
  }

  get contents(): Contents {
    return this.#state.contents;
  }

  get generation(): number {
    return this.#state.generation;
  }

  get info(): CollectionInfo {
    const { space, model, dimensions } = this.space;
    let bytes = 0;
    for (const { blob } of this.#state.segments.values()) bytes += blob.size;
    const state = this.isOther ? "needs-reindex" : "ready";
    const { size: documents, passages, waiting } = this.contents;
    return { name: this.store.name, space, model, dimensions, documents, passages, waiting, bytes, isReadOnly: false, state };
  }

  /** The space of the vectors that are there. */
  get space(): SpaceInfo {
    if (this.contents.size === 0) return this.embedder;
    let last: SegmentFile | undefined;
    for (const file of this.#state.segments.values()) if (file.header.rows > 0) last = file;
    return last?.header ?? this.embedder;
  }

  /** Whether the vectors are of another space than the embedder's. */
  get isOther(): boolean {
    return this.space.space !== this.embedder.space || this.space.dimensions !== this.embedder.dimensions;
  }

  /** The error of what needs vectors of the embedder's space. */
  needsReindex(): FelsicError {
    const message = `the vectors of the collection ${JSON.stringify(this.store.name)} were made by ${this.space.model} in the space ${this.space.space}; the embedder's space is ${this.embedder.space}: call reindex(), or open it with the embedder of before`;
    return new FelsicError("needs-reindex", message);
  }

  close(): void {
    this.#heard = Infinity;
    this.#news.close();
  }

  get #lock(): string {
    return lockOf(this.store.prefix);
  }

  /** The lock of a reindexing, which lasts. */
  get reindexLock(): string {
    return `${this.#lock}:reindex`;
  }

  /** The lock of the tab that makes the vectors of passages that wait; a collection in memory has no other tabs. */
  get completeLock(): string | undefined {
    return this.#memory ? undefined : `${this.#lock}:complete`;
  }

  async read(segment: number, at: number, bytes: number): Promise<Uint8Array<ArrayBuffer>> {
    const file = this.#state.segments.get(segment);
    const texts = file && (await this.store.someTexts({ number: segment, file }, at, bytes));
    if (texts) return texts;
    // Another segment has taken its place.
    await this.refresh();
    throw changed();
  }

  /** Takes in what other tabs have written. */
  refresh(): Promise<void> {
    return this.#alone(() => this.#sync());
  }

  /**
   * Takes in what another tab has told of. What cannot be read now may be readable in a moment, and nothing says so; what cannot be read in 16
   * seconds waits for the next news, or the next call.
   */
  #hear(failures = 0): void {
    const news = ++this.#heard;
    const again = () => news === this.#heard && failures < MOST_FAILURES && this.#hear(failures + 1);
    this.refresh().catch(() => setTimeout(again, FIRST_WAIT * 2 ** failures));
  }

  /**
   * Writes a segment, if there is something to write: `make` decides that when nobody else can write, and everything is known that
   * others have written.
   */
  async write(make: () => Promise<Writing | undefined>): Promise<void> {
    const hasWritten = await this.#alone(() =>
      this.#exclusively(async () => {
        await this.#sync();
        const writing = await make();
        if (writing) await this.#put(writing);
        return writing !== undefined;
      }),
    );
    if (!hasWritten) return;
    this.#news.tell();
    void this.#compact().catch(() => undefined);
  }

  /** Returns how documents of the embedder's space are written. */
  writing(content: SegmentContent): Writing {
    const { generation, segments } = this.#state;
    // Vectors of another space that are no longer used make room for a new generation.
    const begins = [...segments.values()].some(({ header }) => header.rows > 0 && header.space !== this.embedder.space);
    return { content, generation: begins ? generation + 1 : generation, begins, space: this.embedder };
  }

  /** Removes documents; returns how many were there. */
  async remove(ids: readonly string[]): Promise<number> {
    let removed: string[] = [];
    await this.write(async () => {
      removed = [...new Set(ids)].filter((id) => this.contents.get(id));
      if (removed.length === 0) return undefined;
      const content = { ...NO_ROWS, documents: { documents: [], removed, replaces: [] } };
      return { content, generation: this.generation, begins: false, space: this.space };
    });
    return removed.length;
  }

  /** Returns a document as it was added. */
  async get(id: string): Promise<CheckedDocument | undefined> {
    const text = await this.contents.whole(id);
    const stored = this.contents.get(id)?.stored;
    if (text === undefined || !stored) return undefined;
    const { title, foundTitle, url, tags, meta, kind } = stored;
    return {
      id,
      text,
      kind,
      ...(title !== undefined && !foundTitle && { title }),
      ...(url !== undefined && { url }),
      ...(tags !== undefined && { tags }),
      ...(meta !== undefined && { meta }),
    };
  }

  /** Returns the rows of a document, those of its passages that do not wait. */
  async rowsOf(held: Held): Promise<RowsData> {
    const rows = this.contents.rowsOf(held);
    if (rows) return rows;
    const { stored, segment, first } = held;
    const file = this.#state.segments.get(segment);
    const data = file && (await this.store.rows({ number: segment, file }));
    if (!data) throw changed();
    const from = stored.passages.filter((passage) => !waits(passage)).map((_, at) => [data, first + at] as const);
    return gathered(from, this.#state.dimensions);
  }

  /** Returns the vector of each passage of a document; `undefined` where it waits. */
  async vectorsOf(held: Held): Promise<(VectorAt | undefined)[]> {
    const rows = await this.rowsOf(held);
    let row = 0;
    return held.stored.passages.map((passage) => (waits(passage) ? undefined : [rows, row++]));
  }

  /**
   * Finds vectors that are there already, of passages with the same text, by the hashes of what is embedded: a file that was renamed, or one
   * whose other parts have changed, needs no new ones. What cannot be read is not found.
   */
  async known(texts: ReadonlyMap<string, PassageText>): Promise<Map<string, VectorAt>> {
    const { contents } = this;
    const found = new Map<string, VectorAt>();
    const vectors = new Map<Held, Promise<(VectorAt | undefined)[]>>();
    const look = async ([hash, { id, text }]: readonly [hash: string, passage: PassageText]) => {
      const row = contents.rowWith(hash);
      const held = row === undefined ? undefined : contents.at(row)?.document;
      // A hash is short: what another document has is compared as it is.
      if (!held || (held.stored.id !== id && (await contents.text(row!)) !== text)) return;
      if (!vectors.has(held)) vectors.set(held, this.vectorsOf(held));
      const vector = (await vectors.get(held))![row! - held.row];
      if (vector) found.set(hash, vector);
    };
    await Promise.allSettled([...texts].map(look));
    return found;
  }

  /** Returns the bytes of a document's texts, which have been found to match their hash. `at` is where they are in its segment. */
  async textsOf(held: Held): Promise<{ readonly at: number; readonly bytes: Uint8Array<ArrayBuffer> }> {
    const { segments, sound } = this.#state;
    const { segment: number } = held;
    const file = segments.get(number);
    const [start, end] = extentOf(held);
    if (!file) throw changed();
    if (!sound.has(number)) {
      if (!(await this.store.texts({ number, file }))) throw changed();
      sound.add(number);
    }
    const bytes = await this.store.someTexts({ number, file }, start, end - start);
    if (!bytes) throw changed();
    return { at: start, bytes };
  }

  /** Segments of generations that have not begun, as far as they are there. */
  async pending(): Promise<Arrived[]> {
    const opened = await Promise.all([...this.#state.ignored].map((number) => this.store.open(number)));
    return opened.filter((segment) => segment !== undefined && segment.file.header.generation > this.generation) as Arrived[];
  }

  /** Removes segments that do not count, by their numbers. */
  async drop(numbers: readonly number[]): Promise<void> {
    await this.store.tidy((number, isPart) => !isPart && numbers.includes(number) && this.#state.ignored.has(number));
    for (const number of numbers) this.#state.ignored.delete(number);
  }

  async #put({ content, generation, begins, space }: Writing): Promise<void> {
    const numbers = await this.store.numbers();
    const number = nextNumber(numbers.at(-1) ?? 0);
    const { name } = this.store;
    const waiting = content.documents.documents.reduce((sum, document) => sum + waitingOf(document), 0);
    // Of a space only these: it may be another segment's header, with numbers of its own.
    const { space: spaceName, model, dimensions } = space;
    const made = { name, space: spaceName, model, dimensions, rows: content.scales.length };
    const file = await this.store.put(number, { ...made, ...(waiting > 0 && { waiting }), generation, begins }, content);
    const arrived = { number, file, documents: content.documents };
    if (begins) await this.#sync();
    else if (generation === this.generation) await this.#take(this.#state, [arrived], content);
    else this.#state.ignored.add(number);
  }

  #empty(generation: number, dimensions: number): State {
    const contents = new Contents(new this.module.Rows(dimensions), this, (why) => this.store.damaged(why));
    return { generation, dimensions, contents, segments: new Map(), ignored: new Set(), sound: new Set() };
  }

  /** Reads what is new, as often as others change it meanwhile. */
  async #sync(): Promise<void> {
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) if (await this.#trySync()) return;
    throw new FelsicError("io", "other tabs or processes keep changing the collection; try again");
  }

  /** Returns false if a segment went away before it was read. */
  async #trySync(): Promise<boolean> {
    const { generation, segments, ignored, dimensions } = this.#state;
    const numbers = await this.store.numbers();
    const there = new Set(numbers);
    for (const number of ignored) if (!there.has(number)) ignored.delete(number);
    const arrived = await this.#arrived(numbers.filter((number) => !segments.has(number) && !ignored.has(number)));
    if (!arrived) return false;
    const gone = [...segments.keys()].filter((number) => !there.has(number));
    if (arrived.length === 0 && gone.length === 0) return true;
    const begun = arrived.filter(({ file }) => file.header.begins).map(({ file }) => file.header.generation);
    const current = Math.max(generation, ...begun);
    const replaced = new Set(arrived.flatMap(({ documents }) => this.store.numbersOf(documents.replaces)));
    const last = Math.max(0, ...segments.keys());
    const goesOn =
      current === generation &&
      gone.every((number) => replaced.has(number)) &&
      arrived.every(({ number, file: { header } }) => number > last && (header.rows === 0 || header.dimensions === dimensions));
    if (goesOn) return this.#take(this.#state, arrived);
    // A new generation, or a collection that was deleted: everything is read anew, and what is there serves until then.
    const all = arrived.length === numbers.length ? arrived : await this.#arrived(numbers);
    if (!all) return false;
    const counted = all.filter(({ file }) => file.header.generation === current && file.header.rows > 0);
    const state = this.#empty(current, counted[0]?.file.header.dimensions ?? this.embedder.dimensions);
    if (!(await this.#take(state, all))) return false;
    this.#state = state;
    return true;
  }

  /** Opens segments; `undefined` if one is no longer there. */
  async #arrived(numbers: readonly number[]): Promise<Arrived[] | undefined> {
    const arrived: Arrived[] = [];
    for (const number of numbers) {
      const segment = await this.store.open(number);
      if (!segment) return undefined;
      arrived.push(segment);
    }
    return arrived;
  }

  /** Applies segments; returns false if one went away before it was read. `rows` are those of the only one. */
  async #take(state: State, arrived: readonly Arrived[], rows?: RowsData): Promise<boolean> {
    const current = arrived.filter(({ file }) => file.header.generation === state.generation);
    const replaced = new Set(current.flatMap(({ documents }) => this.store.numbersOf(documents.replaces)));
    const taken = current.filter(({ number }) => !replaced.has(number));
    for (const { number } of arrived) if (!taken.some((other) => other.number === number)) state.ignored.add(number);
    const vectors = taken.reduce((sum, { file }) => sum + file.header.rows, 0);
    for (const segment of taken) {
      const { number, file, documents } = segment;
      this.#checkSpace(state, segment);
      const intake = state.contents.intake(placed(documents.documents), documents.removed);
      const data = rows ?? (intake.rows.length > 0 ? await this.store.rows(segment) : NO_ROWS);
      if (!data) return false;
      // First what can fail for want of memory.
      const first = this.#addVectors(state, intake, data, vectors + state.contents.waiting <= MOST_FINE);
      state.contents.apply(number, intake, first);
      state.segments.set(number, file);
    }
    for (const number of replaced) {
      if (state.segments.delete(number)) state.ignored.add(number);
    }
    return true;
  }

  /** Adds the vectors of what is taken in; returns the number of the first one. The first of all decide whether there are fine components. */
  #addVectors({ contents, dimensions }: State, { rows }: Intake, data: RowsData, hasRoom: boolean): number {
    const { vectorCount } = contents;
    if (rows.length === 0) return vectorCount;
    const isWhole = rows.length === data.scales.length;
    const from = rows.map((row) => [data, row] as const);
    return contents.addVectors(isWhole ? data : gathered(from, dimensions), vectorCount > 0 ? contents.hasFine : hasRoom);
  }

  #checkSpace({ segments, dimensions }: State, { number, file: { header } }: Arrived): void {
    if (header.rows === 0) return;
    const other = [...segments.values()].find((file) => file.header.rows > 0)?.header;
    if (header.dimensions === dimensions && (other?.space ?? header.space) === header.space) return;
    throw this.store.damaged(`segment ${number} has vectors of another space than the others`);
  }

  /** Puts small segments together, and gives rows up that are no longer used. */
  async #compact(): Promise<void> {
    await this.#alone(() =>
      this.#exclusively(async () => {
        await this.#sync();
        const { contents, segments, generation, dimensions } = this.#state;
        const numbers = worthMerging(usesOf(contents, segments));
        if (numbers.length > 0) {
          const isAll = numbers.length === segments.size;
          const content = await merged(this.store, contents, numbers, { isAll, dimensions });
          if (!content) return;
          const begins = numbers.some((number) => segments.get(number)?.header.begins);
          await this.#put({ content, generation, begins, space: this.space });
          await this.store.tidy((number) => numbers.includes(number));
          this.#news.tell();
        }
        const unused = contents.rowCount - contents.passages;
        if (unused > MOST_UNUSED && unused > contents.passages) await this.#reload();
      }),
    );
  }

  /** Reads everything anew, so that memory holds only what is in use. */
  async #reload(): Promise<void> {
    const { generation, dimensions, segments } = this.#state;
    const all = await this.#arrived([...segments.keys()].sort((a, b) => a - b));
    const state = this.#empty(generation, dimensions);
    if (all && (await this.#take(state, all))) this.#state = state;
  }

  /** Removes what is left of replaced segments, of earlier generations and of writes that were cut off. */
  async #tidy(): Promise<void> {
    if (this.#memory) return;
    await ifLockFree(this.reindexLock, () =>
      this.#alone(() =>
        this.#exclusively(async () => {
          await this.#sync();
          const { segments, ignored } = this.#state;
          const kept = new Set(this.isOther ? (await this.pending()).map(({ number }) => number) : []);
          await this.store.tidy((number, isPart) => isPart || (!segments.has(number) && !kept.has(number)));
          for (const number of ignored) if (!kept.has(number)) ignored.delete(number);
        }),
      ),
    );
  }

  /** Runs work that reads or writes segments after all that has begun before. */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(() => this.#telling(work));
    this.#turn = result.catch(() => undefined);
    return result;
  }

  /** Runs work, and tells of what has changed by it: whatever reads may be the first to read what another tab has written. */
  async #telling<T>(work: () => Promise<T>): Promise<T> {
    const { segments } = this.#state;
    const known = [...segments.keys()].join();
    try {
      return await work();
    } finally {
      if (this.#state.segments !== segments || [...segments.keys()].join() !== known) this.#changed();
      this.contents.words.start();
    }
  }

  /** Runs work while no other tab writes. */
  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    return this.#memory ? work() : exclusive(this.#lock, work);
  }
}

function changed(): FelsicError {
  return new FelsicError("io", "the documents have changed while they were read; try again");
}
