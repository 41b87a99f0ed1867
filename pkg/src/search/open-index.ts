/** A static index as a collection in the search worker: documents and words at once, vectors when meaning is searched. */

import { FelsicError } from "../errors.js";
import { Contents } from "./contents.js";
import { type IndexFiles, type IndexFilesOptions, openIndexFiles } from "./index-files.js";
import type { IndexManifest } from "./index-manifest.js";
import { checkedDocuments } from "./stored-check.js";
import type { SearchModule } from "./wasm.js";
import { Words } from "./words.js";

/** Segments whose documents are fetched at the same time. */
const AT_ONCE = 4;

/** An index that is open. Nothing in it can change. */
export class OpenIndex {
  readonly contents: Contents;
  readonly #files: IndexFiles;
  #vectors: Promise<void> | undefined;
  readonly #listeners = new Set<(bytes: number) => void>();
  #vectorBytes = 0;

  private constructor(files: IndexFiles, contents: Contents) {
    this.#files = files;
    this.contents = contents;
  }

  /** Opens an index: resolves when its documents are there. Its words follow by themselves. */
  static async open(options: IndexFilesOptions, module: SearchModule): Promise<OpenIndex> {
    const files = await openIndexFiles(options);
    const { dimensions, passages } = files.manifest;
    const contents = new Contents(new module.Rows(dimensions), files);
    contents.words.take(files.words().then((json) => Words.load(json, passages)));
    const index = new OpenIndex(files, contents);
    await index.#readDocuments();
    return index;
  }

  get manifest(): IndexManifest {
    return this.#files.manifest;
  }

  /** The bytes of all vectors. */
  get vectorBytes(): number {
    return this.#files.vectorBytes;
  }

  /** Returns the bytes of the vectors that are still on the server. */
  async missingBytes(): Promise<number> {
    return this.#vectorBytes === this.vectorBytes ? 0 : this.#files.missingVectorBytes();
  }

  async #readDocuments(): Promise<void> {
    const { segments, documents } = this.manifest;
    const read = (at: number) => this.#files.documents(at);
    const reading = segments.slice(0, AT_ONCE).map((_, at) => read(at));
    for (const [at, { rows, texts }] of segments.entries()) {
      const json = await reading[at]!;
      if (at + AT_ONCE < segments.length) reading.push(read(at + AT_ONCE));
      const damaged = (why: string) => this.#damaged(`segment ${at} is none: ${why}`);
      const checked = checkedDocuments(parsed(json, damaged), { rows, texts: texts.bytes }, damaged);
      if (checked.removed.length > 0) throw damaged("it removes documents");
      const known = checked.documents.find(({ id }) => this.contents.get(id));
      if (known) throw damaged(`it has ${JSON.stringify(known.id)}, as another segment has`);
      this.contents.apply(at, checked);
    }
    if (this.contents.size !== documents) throw this.#damaged(`it has ${this.contents.size} documents and claims ${documents}`);
  }

  /** Reads the vectors; a later call waits for the same, and after a failure begins again where it stopped. */
  readVectors(onBytes?: (bytes: number) => void): Promise<void> {
    if (onBytes) this.#listeners.add(onBytes);
    this.#vectors ??= this.#readVectors().catch((error: unknown) => {
      this.#vectors = undefined;
      throw error;
    });
    this.contents.vectors = this.#vectors;
    const done = () => void (onBytes && this.#listeners.delete(onBytes));
    this.#vectors.then(done, done);
    return this.#vectors;
  }

  async #readVectors(): Promise<void> {
    const { rows } = this.contents;
    let first = 0;
    for (const [at, segment] of this.manifest.segments.entries()) {
      first += segment.rows;
      // Read by an attempt that failed later.
      if (rows.length >= first) continue;
      const { scales, coarse, fine } = await this.#files.rows(at);
      try {
        rows.addRows(scales, coarse, fine);
      } catch (cause) {
        throw this.#damaged(`the vectors of segment ${at} are none`, { cause });
      }
      this.#vectorBytes += segment.vectors.bytes + (segment.fine?.bytes ?? 0);
      for (const listener of this.#listeners) listener(this.#vectorBytes);
    }
  }

  #damaged(why: string, options?: ErrorOptions): FelsicError {
    return new FelsicError("index-invalid", `the index at ${this.#files.url} is damaged: ${why}; make it again`, options);
  }
}

function parsed(json: string, damaged: (why: string) => FelsicError): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw damaged("its documents are no JSON");
  }
}
