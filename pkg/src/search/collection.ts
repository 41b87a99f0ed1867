// `Disposable` is not in the library of ES2022, which is all that a page has to be compiled for.
/// <reference lib="esnext.disposable" preserve="true" />

/** The class that pages use. */

import { abortedBy, FelsicError, orAborted } from "../errors.js";
import { Link } from "../link.js";
import { checkNames, invalid, type Names } from "../options.js";
import { requireWorkers, startWorker } from "../start.js";
import { Adding, type SearchLink, wrongVector } from "./adding.js";
import { checkId } from "./documents.js";
import {
  checkCollectionOptions,
  checkKeptOptions,
  checkedAddOptions,
  checkedClusters,
  checkedDirectory,
  checkedComplete,
  checkedEmbedder,
  checkedLayout,
  checkedName,
  checkedPassage,
  checkedPlaces,
  checkedPrepare,
  checkedReindex,
  checkedIndex,
  checkedSearch,
  checkedSimilar,
  checkedWhich,
  isIndex,
} from "./options.js";
import { LazyModel } from "./index-model.js";
import { Layouts, NEAREST_TO_QUERY, placeAmongHits } from "./layouts.js";
import { withSentences } from "./marking.js";
import { Pace } from "./pace.js";
import type { Query, SearchNews } from "./protocol.js";
import { deleteStoredIndex } from "../store/state.js";
import { deleteCollection, storedCollections } from "./stored-collections.js";
import type {
  AddOptions,
  AddResult,
  Cluster,
  ClustersOptions,
  CollectionInfo,
  CollectionOptions,
  CompleteOptions,
  Document,
  DocumentFields,
  DocumentsOptions,
  Hit,
  KeptOptions,
  Layout,
  LayoutOptions,
  LayoutPoint,
  PlaceOptions,
  PrepareOptions,
  ReindexOptions,
  SearchOptions,
  SimilarOptions,
  TextEmbedder,
} from "./types.js";
import {
  type ExportOptions,
  exportPassages,
  type ImportOptions,
  importPassages,
  type ImportResult,
  type TransferFormat,
  type TransferSource,
} from "./transfer.js";
import { sinkOf, sourceOf } from "./transfer-ends.js";
import { layoutScript, searchFiles } from "./workers.js";

const WORDING = { worker: "the search worker", remedy: "open the collection again" };
/** Documents that are listed at once: a page that receives them is busy for a moment only. */
const LISTED = 500;
const EXPORT: Names<ExportOptions> = { signal: true };
const IMPORT: Names<ImportOptions> = { format: true, check: true, signal: true, onProgress: true };
const CHANGES = { text: true, kind: true, title: true, url: true, tags: true, meta: true } as const;

/** What a collection is made of. */
interface Parts {
  readonly link: SearchLink;
  /** An index has a model of its own; a live collection has the page's embedder. */
  readonly model: LazyModel | TextEmbedder;
  readonly pace: Pace;
  readonly layouts: Layouts;
  readonly info: CollectionInfo;
  /** What adds documents; an index has none. */
  readonly adding?: Adding;
}

/**
 * Documents that can be searched by meaning and by words. They are cut into passages, of which each has a vector, and are stored on
 * the user's machine; they never leave it.
 *
 * Every method that returns a promise rejects with a `FelsicError` and with nothing else. The event `change` says that documents have
 * changed, here or in another tab; `info` is then up to date.
 */
export class Collection extends EventTarget {
  readonly #link: SearchLink;
  readonly #model: LazyModel | TextEmbedder;
  readonly #writer: Adding | undefined;
  readonly #pace: Pace;
  readonly #layouts: Layouts;
  #info: CollectionInfo;

  private constructor({ link, model, adding, pace, layouts, info }: Parts) {
    super();
    this.#link = link;
    this.#model = model;
    this.#writer = adding;
    this.#pace = pace;
    this.#layouts = layouts;
    this.#info = Object.freeze(info);
  }

  /**
   * Opens the collection of a name, and creates it if it is not there. A place with a slash in it, or a `URL`, is that of an index,
   * which `felsic index` has made: it can be searched and not changed, and it names its model, which is made when it is needed.
   *
   * Several tabs may have the same collection open: all search, and each sees what the others change.
   */
  static async open(where: string | URL, options: CollectionOptions = {}): Promise<Collection> {
    checkCollectionOptions(options);
    if (isIndex(where)) return Collection.#openIndex(checkedIndex(where), options);
    const name = checkedName(where);
    const embedder = checkedEmbedder(options.embedder);
    const passage = checkedPassage(options.passage);
    const { memory = false, signal, onWarning } = options;
    const files = searchFiles(options);
    const directory = checkedDirectory(options.directory);
    requireWorkers();
    if (signal?.aborted) throw abortedBy(signal);

    let collection: Collection | undefined;
    let latest: CollectionInfo | undefined;
    const hear = (news: SearchNews) => {
      if (news.type === "warning") return onWarning?.(news.warning);
      latest = news.info;
      if (collection) collection.#changed(news.info);
    };
    const link: SearchLink = new Link(startWorker(files.scriptUrl, "felsic-search", directory), WORDING, hear);
    try {
      const { space, model, dimensions } = embedder.info;
      const request = { name, memory, embedder: { space, model, dimensions }, ...files };
      const info = await link.request("open", request, { signal });
      const pace = new Pace();
      const adding = new Adding(link, embedder, passage, pace);
      const layouts = new Layouts(() => layoutScript(options), directory);
      collection = new Collection({ link, model: embedder, adding, pace, layouts, info: latest ?? info });
      return collection;
    } catch (error) {
      link.end(error as FelsicError);
      throw error;
    }
  }

  static async #openIndex(url: string, options: CollectionOptions): Promise<Collection> {
    const { memory = false, signal, onWarning, baseUrl, passage } = options;
    if (passage !== undefined)
      throw invalid("passage is for collections that documents are added to; an index has been cut already");
    const embedder = options.embedder === undefined ? undefined : checkedEmbedder(options.embedder);
    const files = searchFiles(options);
    requireWorkers();
    if (signal?.aborted) throw abortedBy(signal);
    const hear = (news: SearchNews) => {
      if (news.type === "warning") onWarning?.(news.warning);
    };
    const directory = checkedDirectory(options.directory);
    const link: SearchLink = new Link(startWorker(files.scriptUrl, "felsic-search", directory), WORDING, hear);
    try {
      const { info, model } = await link.request("openIndex", { url, memory, ...files }, { signal });
      const lazy = new LazyModel({ model, space: info.space, cache: memory ? "none" : "auto", embedder, baseUrl, onWarning });
      const layouts = new Layouts(() => layoutScript(options), directory);
      return new Collection({ link, model: lazy, pace: new Pace(), layouts, info });
    } catch (error) {
      link.end(error as FelsicError);
      throw error;
    }
  }

  /**
   * Removes a collection that is stored on this machine; where it is open, it is empty from then on. For an index, removes what is stored
   * of it; its model stays, see `Embedder.deleteCache()`.
   */
  static async delete(name: string | URL, options: KeptOptions = {}): Promise<void> {
    checkKeptOptions(options);
    const directory = checkedDirectory(options.directory);
    if (isIndex(name)) return deleteStoredIndex(checkedIndex(name), directory);
    await deleteCollection(checkedName(name), directory);
  }

  /** Returns the names of the collections that are stored on this machine, in order. */
  static async list(options: KeptOptions = {}): Promise<string[]> {
    checkKeptOptions(options);
    return storedCollections(checkedDirectory(options.directory));
  }

  /** What the collection holds, and whether it can be searched by meaning. */
  get info(): CollectionInfo {
    return this.#info;
  }

  /**
   * Adds documents. One with the id of another takes its place; only passages are embedded that no document has yet. Of several with the same
   * id the last one counts.
   *
   * Batches of a few documents are written one after another, each whole or not at all; `onProgress` reports each one. If the call
   * fails, what has been reported stays. A search meanwhile goes first.
   *
   * With `meaning: "later"` nothing is embedded: words find the documents as soon as they are stored, and {@link Collection.complete}
   * makes the vectors. Passages that have not changed keep theirs.
   */
  async add(documents: Iterable<Document>, options: AddOptions = {}): Promise<AddResult> {
    const checked = checkedAddOptions(options);
    const isIterable = typeof documents === "object" && documents !== null && Symbol.iterator in documents;
    if (!isIterable) throw invalid("add() needs an array of documents, or another iterable");
    return this.#adding.add(documents, checked);
  }

  /**
   * Makes the vectors of passages that wait for them, those of the newest documents first. Batches are written one after another, each
   * whole or not at all; whatever ends a call, the next one goes on with what still waits, and so it does after a visit that was cut
   * off. Searches meanwhile go first, and find what has been made. Of several calls, in several tabs too, one follows another.
   */
  async complete(options: CompleteOptions = {}): Promise<void> {
    await this.#adding.complete(checkedComplete(options));
  }

  /** Changes fields of a document; one that is `undefined` is removed. Rejects with `not-found` if there is no such document. */
  async update(id: string, changes: Partial<Omit<Document, "id">>, options: AddOptions = {}): Promise<void> {
    const checked = checkedAddOptions(options);
    checkId(id);
    checkNames(changes, CHANGES, { what: "changes", name: "field" });
    const adding = this.#adding;
    const document = await this.#link.request("get", { id }, { signal: checked.signal });
    if (!document) throw notFound(id);
    await adding.add([{ ...document, ...changes }], checked);
  }

  /** Removes documents by their ids; returns how many were there. */
  async remove(ids: string | readonly string[]): Promise<number> {
    const list: readonly unknown[] = Array.isArray(ids) ? ids : [ids];
    const checked = list.map((id) => (checkId(id), id));
    void this.#adding;
    return checked.length === 0 ? 0 : this.#link.request("remove", { ids: checked });
  }

  /** Returns a document as it was added; `undefined` if there is none with this id. */
  async get(id: string): Promise<Document | undefined> {
    checkId(id);
    return (await this.#link.request("get", { id })) ?? undefined;
  }

  /**
   * Lists the documents without their texts, in the order in which they were added. What changes meanwhile may be listed or not.
   * Rejects with a `FelsicError`.
   */
  async *documents(options: DocumentsOptions = {}): AsyncGenerator<DocumentFields, void, undefined> {
    const { signal, where } = checkedWhich(options);
    const ids = await this.#link.request("ids", { ...(where && { where }) }, { signal });
    for (let at = 0; at < ids.length; at += LISTED) {
      yield* await this.#link.request("fields", { ids: ids.slice(at, at + LISTED) }, { signal });
    }
  }

  /**
   * Returns the documents that fit a query, best first. None is an answer: what scores too low to fit is left out, see
   * {@link SearchOptions.minScore}.
   */
  async search(query: string, options: SearchOptions = {}): Promise<Hit[]> {
    const { signal, sentences, ...checked } = checkedSearch(query, options);
    return this.#pace.searching(async () => {
      const vector = await this.#queryVector(checked, signal);
      const request: Query = { ...checked, ...(vector && { vector }) };
      const hits = await this.#link.request("search", request, { signal });
      return sentences && vector ? withSentences(hits, vector, await this.#embedder(signal), signal) : hits;
    });
  }

  /**
   * Returns the bytes that a search by meaning still has to fetch: for an index, its vectors and its model, as far as they are not
   * stored on this machine; otherwise 0.
   */
  async missingBytes(): Promise<number> {
    const [vectors, model] = await Promise.all([
      this.#link.request("missingBytes", {}),
      this.#model instanceof LazyModel ? this.#model.missingBytes() : 0,
    ]);
    return vectors + model;
  }

  /**
   * Fetches what a search by meaning needs, and makes the model of an index ready. Without this call the first such search does it, and
   * waits; meanwhile `mode: "words"` finds words.
   */
  async prepare(options: PrepareOptions = {}): Promise<void> {
    const { signal, onProgress } = checkedPrepare(options);
    if (!(this.#model instanceof LazyModel)) return;
    const totalBytes = onProgress ? await this.missingBytes() : 0;
    const loaded = { vectors: 0, model: 0 };
    const report = (part: keyof typeof loaded, bytes: number) => {
      loaded[part] = bytes;
      // What was stored already is read again.
      onProgress?.({ loadedBytes: Math.min(loaded.vectors + loaded.model, totalBytes), totalBytes });
    };
    const vectors = this.#link.request("readVectors", {}, { signal, onProgress: (bytes) => report("vectors", bytes) });
    const model = this.#model.embedder(({ loadedBytes }) => report("model", loadedBytes));
    await Promise.all([vectors, signal ? orAborted(model, signal) : model]);
  }

  /**
   * Returns documents that are like a document, best first, without itself. Rejects with `not-found` if there is no such document. A document
   * whose passages all wait for their vectors is like no other yet, and no other is like it.
   */
  async similar(id: string, options: SimilarOptions = {}): Promise<Hit[]> {
    checkId(id);
    const { signal, ...checked } = checkedSimilar(options);
    return this.#pace.searching(() => this.#link.request("similar", { id, ...checked }, { signal }));
  }

  /**
   * Divides the documents into clusters of such as are like each other, the largest first, with words that set each apart. The same
   * documents have the same clusters. Documents without text are in none, nor are those whose passages all wait for their vectors.
   */
  async clusters(options: ClustersOptions = {}): Promise<Cluster[]> {
    const { signal, ...query } = checkedClusters(options);
    return this.#link.request("clusters", query, { signal });
  }

  /**
   * Places the documents on a plane, for a picture: those that are alike are near each other. The same documents have the same places in the
   * same browser. Documents that {@link Collection.clusters} leaves out have none. Of more than 20,000, UMAP places a sample of 10,000, and
   * each of the others goes to its nearest ones among them.
   *
   * The work is done in a worker of its own, whose script is loaded by this method alone.
   */
  async layout(options: LayoutOptions = {}): Promise<Layout> {
    return this.#layouts.make(this.#link, checkedLayout(options));
  }

  /**
   * Returns the place of a text in a layout: the mean of those of the eight documents that are nearest to it by meaning, weighed by their
   * scores. `undefined` if none of them is in the layout, or the text has no word.
   */
  async place(query: string, layout: Layout, options: PlaceOptions = {}): Promise<LayoutPoint | undefined> {
    const checked = checkedWhich(options);
    const among = checkedPlaces(layout, "the layout");
    const hits = await this.search(query, { ...checked, mode: "meaning", minScore: 0, limit: NEAREST_TO_QUERY });
    return placeAmongHits(hits, among);
  }

  /**
   * Makes new vectors for all documents, if the collection's are of another space than the embedder's. The old ones serve until all are
   * there: a search by words, and other tabs with the old embedder. What an interrupted call has made is used by the next one.
   */
  async reindex(options: ReindexOptions = {}): Promise<void> {
    const { signal, onProgress } = checkedReindex(options);
    const cut = await this.#adding.cut(signal);
    let tokens = 0;
    try {
      for (;;) {
        const batch = this.#adding.newBatch();
        const { task, ...progress } = await this.#link.request("reindex", { batch, cut }, { signal });
        onProgress?.({ ...progress, tokens });
        if (!task) return;
        const finish = { signal, isCounted: onProgress !== undefined };
        tokens += (await this.#adding.finish(batch, () => Promise.resolve(task), finish)).tokens;
      }
    } catch (error) {
      void this.#link.request("endReindex", {}).catch(() => undefined);
      throw error;
    }
  }

  /**
   * Returns all passages with their texts, vectors and fields as a file, JSON lines or Parquet, in parts. The stream fails with a
   * `FelsicError`. What changes meanwhile may be in it or not.
   */
  export(format: TransferFormat, options: ExportOptions = {}): ReadableStream<Uint8Array<ArrayBuffer>> {
    checkNames(options, EXPORT);
    return exportPassages(sourceOf(this.#link, this.#info), format, options);
  }

  /**
   * Takes in a file that {@link Collection.export} or another tool has made: JSON lines or Parquet. Everything in it is checked before
   * anything is written. Vectors are taken as they are if a sample of them agrees with those of the embedder, and otherwise refused
   * with `vectors-disagree`; texts without vectors are embedded. Documents with ids that are there are replaced.
   */
  async import(from: TransferSource, options: ImportOptions = {}): Promise<ImportResult> {
    checkNames(options, IMPORT);
    const adding = this.#adding;
    if (this.#info.state === "needs-reindex") throw this.#needsReindex();
    return importPassages(from, sinkOf(this.#link, adding, await this.#embedder(options.signal)), options);
  }

  /** Ends the worker and frees its memory; nothing stored is lost. Pending and later calls reject with the code `destroyed`. */
  close(): void {
    const closed = new FelsicError("destroyed", "this collection was closed; open it again");
    this.#link.end(closed);
    this.#layouts.end(closed);
    if (this.#model instanceof LazyModel) this.#model.destroy();
  }

  /** The vector of a query, unless only words count. */
  async #queryVector({ mode, text }: Query, signal: AbortSignal | undefined): Promise<Float32Array<ArrayBuffer> | undefined> {
    // A text without a word has no vector, and fits nothing.
    if (mode === "words" || text.trim() === "") return undefined;
    if (this.#info.state === "needs-reindex") throw this.#needsReindex();
    const embedder = await this.#embedder(signal);
    const options = { taskType: "retrieval-query", ...(signal && { signal }) } as const;
    const vector = await this.#pace.query(() => embedder.embed(text, options));
    if (vector.length !== embedder.info.dimensions) throw wrongVector(vector, embedder.info.dimensions);
    return vector;
  }

  /** Returns the embedder; that of an index is made now, if it is not there. */
  async #embedder(signal: AbortSignal | undefined): Promise<TextEmbedder> {
    if (!(this.#model instanceof LazyModel)) return this.#model;
    // The vectors come at the same time.
    if (!this.#model.isReady) void this.#link.request("readVectors", {}).catch(() => undefined);
    const making = this.#model.embedder();
    return signal ? orAborted(making, signal) : making;
  }

  /** What adds documents. */
  get #adding(): Adding {
    if (this.#writer) return this.#writer;
    throw invalid(
      `${this.#info.name} is an index, which is read-only: change its documents and make it again with \`felsic index\``,
    );
  }

  #needsReindex(): FelsicError {
    const { name, model } = this.#info;
    const message = `the vectors of the collection ${JSON.stringify(name)} were made by ${model} in another space than the embedder's: call reindex(), or search with mode: "words"`;
    return new FelsicError("needs-reindex", message);
  }

  #changed(info: CollectionInfo): void {
    this.#info = Object.freeze(info);
    this.dispatchEvent(new Event("change"));
  }
}

function notFound(id: string): FelsicError {
  return new FelsicError("not-found", `the collection has no document ${JSON.stringify(id)}`);
}

/** `using docs = await Collection.open(…)` closes it at the end of the block. */
export interface Collection extends Disposable {}

// Not every browser that runs felsic has the symbol yet.
if (Symbol.dispose) {
  Object.defineProperty(Collection.prototype, Symbol.dispose, {
    value: Collection.prototype.close,
    writable: true,
    configurable: true,
  });
}
