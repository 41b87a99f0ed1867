/** A batch of documents on its way into a collection: hashed, cut, and put together as a segment. */

import { FelsicError } from "../errors.js";
import { joined } from "../store/network.js";
import { fieldsOf, type Held } from "./contents.js";
import type { PassageText } from "./live.js";
import type { CheckedDocument, Manner, Task } from "./protocol.js";
import { gathered, rowsOf, type SegmentContent, type VectorAt } from "./segments.js";
import { type StoredDocument, type StoredPassage, type TextPlace, waitingOf } from "./stored.js";
import { shortHash } from "./texts.js";
import type { CutPassage, Cutter, SearchModule } from "./wasm.js";

/** What a batch needs to know of the collection. */
export interface BatchSource {
  readonly module: SearchModule;
  readonly dimensions: number;
  /** The document that a new one takes the place of. */
  get(id: string): Held | undefined;
  /** Vectors that are there already, by the hashes of what is embedded; the texts of passages are given by the same. */
  known(texts: ReadonlyMap<string, PassageText>): Promise<ReadonlyMap<string, VectorAt>>;
}

/** One document of a batch. */
interface Item {
  readonly document: CheckedDocument;
  readonly hash: string;
  /** What cuts it, until it is cut. */
  cutter: Cutter | undefined;
  title: string | undefined;
  passages: CutPassage[];
  /** Of what is embedded of each passage. */
  hashes: string[];
}

/**
 * Where the vector of a passage comes from: a text to embed, or the collection. One that is to wait has what stands above its text in what
 * will be embedded.
 */
type VectorFrom = { readonly embed: number } | { readonly known: VectorAt } | { readonly above: string };

/** Documents that are added together. */
export class Batch {
  readonly #source: BatchSource;
  /** Whether passages without a vector wait. */
  readonly #isLater: boolean;
  readonly #items: Item[] = [];
  readonly #inputs: string[] = [];
  /** For each item, the vectors of its passages. */
  #vectors: (readonly VectorFrom[])[] = [];
  #unchanged = 0;
  /** The items whose tokens are being counted, and how many texts of each. */
  #counting: [Cutter, number][] = [];

  private constructor(source: BatchSource, isLater: boolean) {
    this.#source = source;
    this.#isLater = isLater;
  }

  /** Begins a batch. Of documents with the same id the last one counts. */
  static async begin(source: BatchSource, documents: readonly CheckedDocument[], { cut, later }: Manner): Promise<Batch> {
    const batch = new Batch(source, later);
    try {
      for (const document of new Map(documents.map((document) => [document.id, document])).values())
        await batch.#add(document, cut);
    } catch (error) {
      batch.free();
      throw error;
    }
    return batch;
  }

  async #add(document: CheckedDocument, { tokens, overlap }: Manner["cut"]): Promise<void> {
    const { id, kind, title, text } = document;
    const hash = await shortHash(JSON.stringify([kind, title ?? null, text, tokens, overlap]));
    const held = this.#source.get(id);
    const isSettled = held !== undefined && (this.#isLater || waitingOf(held.stored) === 0);
    if (isSettled && held.stored.hash === hash && describesAlike(held.stored, document)) {
      this.#unchanged += 1;
      return;
    }
    const cutter = new this.#source.module.Cutter(kind, text, tokens, overlap, title);
    this.#items.push({ document, hash, cutter, title, passages: [], hashes: [] });
  }

  /** Whether there is nothing to write. */
  get isEmpty(): boolean {
    return this.#items.length === 0;
  }

  /** Documents that were there already, the same. */
  get unchanged(): number {
    return this.#unchanged;
  }

  /** The number of passages. */
  get passages(): number {
    return this.#items.reduce((sum, { passages }) => sum + passages.length, 0);
  }

  get ids(): readonly string[] {
    return this.#items.map(({ document }) => document.id);
  }

  /** Returns what has to be done next. */
  async task(): Promise<Task> {
    const texts: string[] = [];
    this.#counting = [];
    for (const { cutter } of this.#items) {
      const pieces = cutter?.pieces() ?? [];
      if (pieces.length === 0) continue;
      this.#counting.push([cutter!, pieces.length]);
      texts.push(...pieces);
    }
    if (texts.length > 0) return { count: texts };
    await this.#plan();
    return { embed: this.#inputs, unchanged: this.#unchanged };
  }

  /** Takes the numbers of tokens of the texts that the last task named. */
  counted(tokens: Uint32Array<ArrayBuffer>): void {
    if (tokens.length !== this.#counting.reduce((sum, [, pieces]) => sum + pieces, 0)) {
      throw new FelsicError("internal", "the numbers of tokens are not those that were asked for");
    }
    let at = 0;
    for (const [cutter, pieces] of this.#counting) cutter.counted(tokens.subarray(at, (at += pieces)));
    this.#counting = [];
  }

  /** Decides where each vector comes from. */
  async #plan(): Promise<void> {
    const texts = new Map<string, PassageText>();
    for (const item of this.#items) {
      item.passages = item.cutter?.passages() ?? [];
      item.title = item.document.title ?? item.cutter?.title();
      this.#free(item);
      item.hashes = await Promise.all(item.passages.map(({ input }) => shortHash(input)));
      for (const [at, { text }] of item.passages.entries()) texts.set(item.hashes[at]!, { id: item.document.id, text });
    }
    const found = await this.#source.known(texts);
    const inputs = new Map<string, number>();
    const from = (hash: string, passage: CutPassage): VectorFrom => {
      const known = found.get(hash);
      if (known) return { known };
      if (this.#isLater) return { above: aboveOf(passage) };
      const embed = inputs.get(hash) ?? this.#inputs.push(passage.input) - 1;
      inputs.set(hash, embed);
      return { embed };
    };
    this.#vectors = this.#items.map(({ passages, hashes }) => passages.map((passage, at) => from(hashes[at]!, passage)));
  }

  /** Puts the segment together, with the vectors of the texts that the last task named. */
  async content(vectors: Float32Array<ArrayBuffer>): Promise<SegmentContent> {
    const { dimensions, module } = this.#source;
    const fresh = rowsOf(module, vectors, { count: this.#inputs.length, dimensions });
    const rows = this.#vectors.flat().flatMap((from): VectorAt[] => {
      if ("above" in from) return [];
      return ["embed" in from ? [fresh, from.embed] : from.known];
    });
    return { ...gathered(rows, dimensions), ...(await this.#documents()) };
  }

  async #documents(): Promise<Pick<SegmentContent, "documents" | "texts">> {
    const texts = new Texts();
    const documents: StoredDocument[] = [];
    for (const [at, { document, hash, title, passages, hashes }] of this.#items.entries()) {
      const { id, kind, url, tags, meta, text } = document;
      const source = texts.add(text);
      const places = texts.addSlices(source, text, passages);
      const from = this.#vectors[at]!;
      const stored = passages.map(async (passage, i): Promise<StoredPassage> => {
        const vector = from[i]!;
        const one = await storedPassage(passage, places[i]!, hashes[i]!);
        return "above" in vector ? { ...one, above: vector.above } : one;
      });
      documents.push({
        id,
        ...(title !== undefined && { title }),
        ...(url !== undefined && { url }),
        ...(tags !== undefined && { tags }),
        ...(meta !== undefined && { meta }),
        kind,
        hash,
        ...(title !== undefined && document.title === undefined && { foundTitle: true }),
        source,
        ...(from.some((vector) => "above" in vector) && { since: Date.now() }),
        passages: await Promise.all(stored),
      });
    }
    return { documents: { documents, removed: [], replaces: [] }, texts: texts.bytes() };
  }

  /** Frees what the batch holds in wasm memory. */
  free(): void {
    for (const item of this.#items) this.#free(item);
  }

  #free(item: Item): void {
    item.cutter?.free();
    item.cutter = undefined;
  }
}

/** Returns a passage as it is stored, with the hash of what is embedded of it. */
export async function storedPassage(
  { start, end, trail, anchor, text }: Omit<CutPassage, "input">,
  place: TextPlace,
  hash: string,
): Promise<StoredPassage> {
  return {
    start,
    end,
    ...place,
    ...(trail.length > 0 && { trail }),
    ...(anchor !== undefined && { anchor }),
    hash,
    textHash: await shortHash(text),
  };
}

/** Whether a document has the fields that the collection has of it; the title is in its hash. */
function describesAlike(stored: StoredDocument, { url, tags, meta }: CheckedDocument): boolean {
  return fieldsOf(stored) === fieldsOf({ url, tags, meta });
}

/** Returns what stands above a passage's text in what is embedded. */
function aboveOf({ input, text }: CutPassage): string {
  if (!input.endsWith(text)) throw new FelsicError("internal", "what is embedded of a passage does not end with its text");
  return input.slice(0, input.length - text.length);
}

/** The texts of a segment. Slices of a text that is there already need no bytes of their own. */
export class Texts {
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  add(text: string): { at: number; bytes: number } {
    const bytes = new TextEncoder().encode(text);
    this.#parts.push(bytes);
    const at = this.#length;
    this.#length += bytes.length;
    return { at, bytes: bytes.length };
  }

  /** Returns where passages are; one that is no slice of the source is added. */
  addSlices(
    source: { at: number },
    whole: string,
    passages: readonly Pick<CutPassage, "start" | "end" | "text">[],
  ): { at: number; bytes: number }[] {
    const isSlice = passages.map(({ start, end, text }) => whole.slice(start, end) === text);
    const offsets = byteOffsets(
      whole,
      passages.flatMap(({ start, end }, at) => (isSlice[at] ? [start, end] : [])),
    );
    return passages.map(({ start, end, text }, at) => {
      if (!isSlice[at]) return this.add(text);
      const first = offsets.get(start)!;
      return { at: source.at + first, bytes: offsets.get(end)! - first };
    });
  }

  bytes(): Uint8Array<ArrayBuffer> {
    return joined(this.#parts);
  }
}

/** Returns where offsets in a text, in UTF-16 units, are among its bytes in UTF-8. */
function byteOffsets(text: string, offsets: readonly number[]): Map<number, number> {
  const encoder = new TextEncoder();
  const found = new Map<number, number>();
  let [at, bytes] = [0, 0];
  for (const offset of [...new Set(offsets)].sort((a, b) => a - b)) {
    bytes += encoder.encode(text.slice(at, offset)).length;
    at = offset;
    found.set(offset, bytes);
  }
  return found;
}
