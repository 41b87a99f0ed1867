/** Adding documents, seen from the page: batch after batch is cut in the worker, counted and embedded by the embedder, and written. */

import { abortedBy, type FelsicError } from "../errors.js";
import type { Link } from "../link.js";
import { invalid } from "../options.js";
import { checkedDocument } from "./documents.js";
import type { Pace } from "./pace.js";
import type { CheckedDocument, Committed, CutOptions, SearchCalls, SearchNews, Task } from "./protocol.js";
import type { AddOptions, AddResult, CompleteOptions, PassageOptions, TextEmbedder } from "./types.js";

/** The most documents of a batch, and the characters after which it is full. */
const MOST_DOCUMENTS = 32;
const MOST_CHARACTERS = 64_000;
/** How many passages that wait are a batch: at first, at most, and how long the vectors of one should take, in milliseconds. */
const WAITING = { first: 16, most: 256, time: 2000 };
/** The characters of texts whose tokens are counted at once: while they are counted, no query is embedded. */
const COUNTED = 8_000;

/** The search worker of a collection. */
export type SearchLink = Link<SearchCalls, SearchNews>;

/** What the embedder has done for a batch, and what the worker has. */
interface Finished extends Committed {
  readonly embedded: number;
  /** The tokens that were embedded; 0 if they were not to be counted. */
  readonly tokens: number;
}

/** Adds documents to one collection. */
export class Adding {
  readonly #link: SearchLink;
  readonly #embedder: TextEmbedder;
  readonly #passage: Required<PassageOptions>;
  readonly #pace: Pace;
  #cut: Promise<CutOptions> | undefined;
  /** The tokens that every text has besides its own. */
  #special = 0;
  #batches = 0;

  constructor(link: SearchLink, embedder: TextEmbedder, passage: Required<PassageOptions>, pace: Pace) {
    this.#link = link;
    this.#embedder = embedder;
    this.#passage = passage;
    this.#pace = pace;
  }

  /** Adds documents. Those of an array are all checked before the first is added. */
  async add(documents: Iterable<unknown>, { signal, onProgress, meaning }: AddOptions): Promise<AddResult> {
    const whole = Array.isArray(documents) ? documents.map(checkedDocument) : undefined;
    const cut = await this.cut(signal);
    const result = { added: 0, updated: 0, unchanged: 0, passages: 0, embedded: 0 };
    const manner = { cut, later: meaning === "later" };
    let [done, tokens] = [0, 0];
    for (const documentsOfBatch of batchesOf(whole ?? checkedEach(documents))) {
      const batch = this.newBatch();
      const begin = () => this.#link.request("prepare", { batch, documents: documentsOfBatch, ...manner }, { signal });
      const finished = await this.finish(batch, begin, { signal, isCounted: onProgress !== undefined });
      for (const name of ["added", "updated", "unchanged", "passages", "embedded"] as const) result[name] += finished[name];
      done += documentsOfBatch.length;
      tokens += finished.tokens;
      onProgress?.({ done, total: whole?.length ?? done, passages: result.passages, tokens });
    }
    return result;
  }

  /** Makes the vectors of the passages that wait. */
  async complete({ signal, onProgress }: CompleteOptions): Promise<void> {
    const call = this.newBatch();
    const isCounted = onProgress !== undefined;
    let [done, tokens, most]: [number, number, number] = [0, 0, WAITING.first];
    try {
      // The tokens that every text has are measured there.
      await this.cut(signal);
      for (;;) {
        const batch = this.newBatch();
        const { task, waiting, documents } = await this.#link.request("complete", { call, batch, most }, { signal });
        onProgress?.({ done, total: done + waiting, documents, tokens });
        if (!task) return;
        const start = performance.now();
        const finished = await this.finish(batch, () => Promise.resolve(task), { signal, isCounted });
        done += finished.passages;
        tokens += finished.tokens;
        const share = WAITING.time / Math.max(performance.now() - start, 1);
        most = Math.max(1, Math.min(WAITING.most, Math.round(most * Math.min(2, Math.max(0.5, share)))));
      }
    } catch (error) {
      void this.#link.request("endComplete", { call }).catch(() => undefined);
      throw error;
    }
  }

  /** A number for the next batch. */
  newBatch(): number {
    return this.#batches++;
  }

  /** Takes a batch from its beginning to its end; if anything fails, nothing of it is there. */
  async finish(
    batch: number,
    begin: () => Promise<Task>,
    { signal, isCounted }: { readonly signal: AbortSignal | undefined; readonly isCounted: boolean },
  ): Promise<Finished> {
    try {
      let task = await begin();
      while ("count" in task) {
        const tokens = await this.#count(task.count, signal);
        task = await this.#link.request("counted", { batch, tokens }, { signal });
      }
      const tokens = isCounted ? await this.#tokensOf(task.embed, signal) : 0;
      const vectors = await this.#embed(task.embed, signal);
      const transfer = [vectors.buffer];
      const committed = await this.#link.request("commit", { batch, vectors }, { signal, transfer });
      return { ...committed, embedded: task.embed.length, tokens };
    } catch (error) {
      void this.#link.request("forget", { batch }).catch(() => undefined);
      throw error;
    }
  }

  /** How documents are cut, in tokens without those that every text has. */
  cut(signal: AbortSignal | undefined): Promise<CutOptions> {
    const measure = async () => {
      [this.#special = 0] = await this.#embedder.countTokens([""], { taskType: TASK });
      const room = this.#embedder.info.maxTokens - this.#special;
      if (room < 1) throw invalid("the embedder reads no text: its maxTokens are too few");
      const tokens = Math.min(this.#passage.tokens, room);
      return { tokens, overlap: Math.min(this.#passage.overlap, tokens >> 1) };
    };
    if (signal?.aborted) return Promise.reject(abortedBy(signal));
    this.#cut ??= measure().catch((error: unknown) => {
      this.#cut = undefined;
      throw error;
    });
    return this.#cut;
  }

  /** Makes the vectors of texts that are to be found, while queries go first. */
  async vectors(texts: readonly string[], signal: AbortSignal | undefined): Promise<Float32Array<ArrayBuffer>[]> {
    const { dimensions } = this.#embedder.info;
    const whole = await this.#embed(texts, signal);
    return texts.map((_, at) => whole.subarray(at * dimensions, (at + 1) * dimensions));
  }

  /** The number of tokens that embedding texts takes. */
  async #tokensOf(texts: readonly string[], signal: AbortSignal | undefined): Promise<number> {
    const counts = await this.#count(texts, signal);
    return counts.reduce((sum, count) => sum + count, 0) + counts.length * this.#special;
  }

  async #count(texts: readonly string[], signal: AbortSignal | undefined): Promise<Uint32Array<ArrayBuffer>> {
    const counts: number[] = [];
    for (const slice of slicesOf(texts)) {
      await this.#pace.turn();
      counts.push(...(await this.#embedder.countTokens(slice, { taskType: TASK, ...(signal && { signal }) })));
    }
    return Uint32Array.from(counts, (count) => Math.max(0, count - this.#special));
  }

  async #embed(texts: readonly string[], signal: AbortSignal | undefined): Promise<Float32Array<ArrayBuffer>> {
    const { dimensions } = this.#embedder.info;
    const embed = (slice: readonly string[]) => this.#embedder.embed(slice, { taskType: TASK, ...(signal && { signal }) });
    const vectors = await this.#pace.slices(texts, embed);
    const whole = new Float32Array(texts.length * dimensions);
    if (vectors.length !== texts.length)
      throw invalid(`the embedder returned ${vectors.length} vectors for ${texts.length} texts`);
    for (const [at, vector] of vectors.entries()) {
      if (vector.length !== dimensions) throw wrongVector(vector, dimensions);
      whole.set(vector, at * dimensions);
    }
    return whole;
  }
}

const TASK = "retrieval-document";

/** The error of a vector that is not one of the embedder's space. */
export function wrongVector(vector: { readonly length: number }, dimensions: number): FelsicError {
  return invalid(`the embedder returned a vector of ${vector.length} components; its info says ${dimensions}`);
}

function* checkedEach(documents: Iterable<unknown>): Iterable<CheckedDocument> {
  for (const document of documents) yield checkedDocument(document);
}

/** Divides documents into batches: each is written at once. */
function* batchesOf(documents: Iterable<CheckedDocument>): Iterable<CheckedDocument[]> {
  let batch: CheckedDocument[] = [];
  let characters = 0;
  for (const document of documents) {
    batch.push(document);
    characters += document.text.length;
    if (batch.length < MOST_DOCUMENTS && characters < MOST_CHARACTERS) continue;
    yield batch;
    [batch, characters] = [[], 0];
  }
  if (batch.length > 0) yield batch;
}

/** Divides texts into lists of a few characters each. */
function* slicesOf(texts: readonly string[]): Iterable<string[]> {
  let slice: string[] = [];
  let characters = 0;
  for (const text of texts) {
    slice.push(text);
    characters += text.length;
    if (characters < COUNTED) continue;
    yield slice;
    [slice, characters] = [[], 0];
  }
  if (slice.length > 0) yield slice;
}
