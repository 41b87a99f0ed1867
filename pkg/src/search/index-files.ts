/** The files of a static index, read in a worker: through the store, so that each is fetched once, resumed and verified. */

import { FelsicError } from "../errors.js";
import { openStore } from "../store/index.js";
import { indexKey, sha256 } from "../store/names.js";
import { joined, NoRangesError } from "../store/network.js";
import type { Access } from "../store/requests.js";
import type { FileEntry, StoredFiles } from "../store/types.js";
import type { Warning } from "../store/warning.js";
import { BLOCK, checkedManifest, type IndexFile, type IndexManifest, type IndexTexts } from "./index-manifest.js";

/** What an index is opened with. */
export interface IndexFilesOptions {
  /** The absolute URL of the index's folder, ending in `/`. */
  readonly url: string;
  readonly cache: "auto" | "none";
  readonly access: Access;
  /** Ends everything at once. */
  readonly signal: AbortSignal;
  readonly warn: (warning: Warning) => void;
}

/** The vectors of a segment, as they are in its files. */
export interface SegmentRows {
  readonly scales: Float32Array<ArrayBuffer>;
  readonly coarse: Int8Array<ArrayBuffer>;
  readonly fine?: Int8Array<ArrayBuffer>;
}

/** The most bytes that a file in gzip may have unpacked: about a hundred times what a large site's needs. */
const MOST_UNPACKED = 256 << 20;
/** The blocks of texts that stay in memory. */
const MOST_BLOCKS = 256;
const MANIFEST = "index.json";

/** Opens the index at a URL: fetches `index.json`, or takes the stored one if there is no network. */
export async function openIndexFiles(options: IndexFilesOptions): Promise<IndexFiles> {
  const { url, cache, access, signal, warn } = options;
  const store = await openStore({ model: url, key: indexKey(url), cache, access, signal, warn });
  return new IndexFiles(store, options, await readManifest(store, url));
}

/** Reads `index.json`; a stored one that is damaged is fetched again. */
async function readManifest(store: StoredFiles, url: string): Promise<IndexManifest> {
  for (let again = false; ; again = true) {
    const reader = await store.open(MANIFEST, undefined, again);
    try {
      const manifest = checkedManifest((await reader.read()) ?? new Uint8Array(), url + MANIFEST);
      await reader.close("verified");
      return manifest;
    } catch (error) {
      await reader.close(isInvalid(error) ? "wrong" : "unfinished");
      if (again || !isInvalid(error)) throw error;
    }
  }
}

function isInvalid(error: unknown): boolean {
  return error instanceof FelsicError && error.code === "index-invalid";
}

/** The files of one index. Every method rejects with a `FelsicError`; bytes are checked against the manifest before they are used. */
export class IndexFiles {
  readonly manifest: IndexManifest;
  readonly #store: StoredFiles;
  readonly #options: IndexFilesOptions;
  /** Blocks that were read last, the latest at the end, by their hash. */
  readonly #blocks = new Map<string, Promise<Uint8Array>>();
  /** Whole files of texts, from a server that sends no parts. */
  readonly #whole = new Map<string, Promise<Uint8Array>>();
  #hasRanges = true;

  constructor(store: StoredFiles, options: IndexFilesOptions, manifest: IndexManifest) {
    this.#store = store;
    this.#options = options;
    this.manifest = manifest;
  }

  /** The URL of the index's folder. */
  get url(): string {
    return this.#options.url;
  }

  /** The bytes of all its files. */
  get bytes(): number {
    const { segments, words } = this.manifest;
    return segments.reduce((sum, { documents, texts }) => sum + documents.bytes + texts.bytes, this.vectorBytes + words.bytes);
  }

  /** Returns the bytes of all files of vectors that are not stored on this machine. */
  async missingVectorBytes(): Promise<number> {
    const files = this.manifest.segments.flatMap(({ vectors, fine }) => (fine ? [vectors, fine] : [vectors]));
    const stored = await Promise.all(files.map((file) => this.#store.has(file)));
    return files.reduce((sum, { bytes }, at) => sum + (stored[at] ? 0 : bytes), 0);
  }

  /** The bytes of all files of vectors. */
  get vectorBytes(): number {
    return this.manifest.segments.reduce((sum, { vectors, fine }) => sum + vectors.bytes + (fine?.bytes ?? 0), 0);
  }

  /** Reads the index of words, as JSON. */
  async words(): Promise<string> {
    return this.#text(this.manifest.words);
  }

  /** Reads the documents of a segment, as JSON. */
  async documents(segment: number): Promise<string> {
    return this.#text(this.#segment(segment).documents);
  }

  /** Reads the vectors of a segment. */
  async rows(segment: number): Promise<SegmentRows> {
    const { rows, vectors, fine } = this.#segment(segment);
    const [bytes, fineBytes] = await Promise.all([this.#read(vectors), fine && this.#read(fine)]);
    const scales = new Float32Array(bytes.slice(0, 4 * rows).buffer);
    const coarse = new Int8Array(bytes.buffer, bytes.byteOffset + 4 * rows);
    return { scales, coarse, ...(fineBytes && { fine: new Int8Array(fineBytes.buffer, fineBytes.byteOffset) }) };
  }

  /** Reads bytes of a segment's texts: only the blocks that they are in, if the server sends parts of files. */
  async read(segment: number, at: number, bytes: number): Promise<Uint8Array<ArrayBuffer>> {
    const { texts } = this.#segment(segment);
    if (!(Number.isInteger(at) && Number.isInteger(bytes) && at >= 0 && bytes >= 0 && at + bytes <= texts.bytes)) {
      throw this.damaged(`${texts.file} has ${texts.bytes} bytes, and a passage is to be in ${bytes} bytes from ${at}`);
    }
    if (bytes === 0) return joined([]);
    const [first, last] = [Math.floor(at / BLOCK), Math.floor((at + bytes - 1) / BLOCK)];
    const blocks = Array.from({ length: last - first + 1 }, (_, index) => this.#block(texts, first + index));
    const from = at - first * BLOCK;
    return joined(await Promise.all(blocks)).slice(from, from + bytes);
  }

  /** Reads a block of texts; the latest ones stay in memory. */
  #block(texts: IndexTexts, block: number): Promise<Uint8Array> {
    const hash = texts.blocks[block]!;
    const known = this.#blocks.get(hash);
    this.#blocks.delete(hash);
    const reading = known ?? this.#readBlock(texts, block);
    this.#blocks.set(hash, reading);
    // What has failed is tried again the next time.
    if (!known) reading.catch(() => this.#blocks.delete(hash));
    for (const oldest of this.#blocks.keys()) {
      if (this.#blocks.size <= MOST_BLOCKS) break;
      this.#blocks.delete(oldest);
    }
    return reading;
  }

  async #readBlock(texts: IndexTexts, block: number): Promise<Uint8Array> {
    const from = block * BLOCK;
    const bytes = Math.min(BLOCK, texts.bytes - from);
    if (this.#hasRanges) {
      try {
        return await this.#read({ file: texts.file, bytes, sha256: texts.blocks[block]!, from });
      } catch (error) {
        if (!(error instanceof NoRangesError)) throw error;
      }
    }
    const whole = await this.#wholeTexts(texts);
    // Only now is it certain: without a connection there are no parts either.
    this.#hasRanges = false;
    const piece = whole.slice(from, from + bytes);
    if ((await sha256(piece)) === texts.blocks[block]) return piece;
    throw this.damaged(`block ${block} of ${texts.file} does not have the hash that the index states`);
  }

  #wholeTexts(texts: IndexTexts): Promise<Uint8Array> {
    const reading = this.#whole.get(texts.sha256) ?? this.#read(texts);
    this.#whole.set(texts.sha256, reading);
    reading.catch(() => this.#whole.delete(texts.sha256));
    return reading;
  }

  async #text(file: IndexFile): Promise<string> {
    return this.#decoded(await this.#unpacked(await this.#read(file), file), file);
  }

  /** Reads a file, or a block of one, and checks it; wrong bytes are requested once more. */
  async #read(file: IndexFile): Promise<Uint8Array<ArrayBuffer>> {
    for (let again = false; ; again = true) {
      const wrong = await this.#readOnce(file, again);
      if (wrong instanceof Uint8Array) return wrong;
      if (again) throw wrong;
    }
  }

  /** Returns a file's bytes, or how they differ from what the manifest states. */
  async #readOnce(file: IndexFile, again: boolean): Promise<Uint8Array<ArrayBuffer> | FelsicError> {
    const reader = await this.#store.open(file.file, file, again);
    try {
      // Memory grows with what arrives, not with what the manifest claims.
      const pieces: Uint8Array[] = [];
      let length = 0;
      for (let piece; length <= file.bytes && (piece = await reader.read());) {
        pieces.push(piece.slice());
        length += piece.length;
      }
      const bytes = joined(pieces);
      const wrong = length === file.bytes ? await this.#wrongHash(bytes, file) : this.#wrongLength(length, file);
      await reader.close(wrong ? "wrong" : "verified");
      return wrong ?? bytes;
    } catch (error) {
      // Nothing of the file has arrived that a later attempt could use.
      await reader.close(error instanceof NoRangesError ? "wrong" : "unfinished");
      throw error;
    }
  }

  async #wrongHash(bytes: Uint8Array<ArrayBuffer>, { file, sha256: hash }: IndexFile): Promise<FelsicError | undefined> {
    if ((await sha256(bytes)) === hash) return undefined;
    const todo = "its server may be showing files of two versions; try again later, or publish the index again";
    return new FelsicError("file-integrity", `${this.#options.url}${file} does not have the hash that its index states; ${todo}`);
  }

  #wrongLength(found: number, { file, bytes }: FileEntry & IndexFile): FelsicError {
    const length = found > bytes ? `more than ${bytes} bytes` : `${found} bytes`;
    return new FelsicError("file-length", `${this.#options.url}${file} has ${length}; its index states ${bytes}`);
  }

  async #unpacked(packed: Uint8Array<ArrayBuffer>, { file }: IndexFile): Promise<Uint8Array> {
    const pieces: Uint8Array[] = [];
    let length = 0;
    try {
      const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip")).getReader();
      for (let read; !(read = await unpacked.read()).done;) {
        pieces.push(read.value);
        length += read.value.length;
        if (length <= MOST_UNPACKED) continue;
        void unpacked.cancel().catch(() => {});
        throw this.damaged(`${file} unpacks to more than ${MOST_UNPACKED >> 20} MiB`);
      }
    } catch (cause) {
      if (cause instanceof FelsicError) throw cause;
      throw this.damaged(`${file} is not whole gzip`, { cause });
    }
    return joined(pieces);
  }

  #decoded(bytes: Uint8Array, { file }: IndexFile): string {
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      throw this.damaged(`${file} has a text that is not UTF-8`);
    }
  }

  #segment(index: number) {
    const segment = this.manifest.segments[index];
    if (!segment) throw new FelsicError("internal", `the index has no segment ${index}`);
    return segment;
  }

  /** Makes the error of an index whose content is not sound. */
  damaged(what: string, options?: ErrorOptions): FelsicError {
    const todo = "make the index again with `felsic index`";
    return new FelsicError("index-invalid", `the index at ${this.#options.url} is damaged: ${what}; ${todo}`, options);
  }
}
