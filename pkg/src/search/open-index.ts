/** A static index as a collection in the search worker: documents and words at once, vectors when meaning is searched. */

import { Contents, placed } from "./contents.js";
import { type IndexFiles, type IndexFilesOptions, openIndexFiles } from "./index-files.js";
import type { IndexManifest } from "./index-manifest.js";
import { parsed } from "./json.js";
import { checkedDocuments } from "./stored-check.js";
import type { CollectionInfo, Document } from "./types.js";
import type { Rows, SearchModule } from "./wasm.js";
import { Words } from "./words.js";

/** Segments whose documents are fetched at the same time. */
const AT_ONCE = 4;

/** An index that is open. Nothing in it can change. */
export class OpenIndex {
  readonly contents: Contents;
  readonly #files: IndexFiles;
  /** The vectors of `contents`, as far as they have been read. */
  readonly #rows: Rows;
  #vectors: Promise<void> | undefined;
  readonly #listeners = new Set<(bytes: number) => void>();
  #vectorBytes = 0;

  private constructor(files: IndexFiles, contents: Contents, rows: Rows) {
    this.#files = files;
    this.contents = contents;
    this.#rows = rows;
  }

  /** Opens an index: resolves when its documents are there. Its words follow by themselves. */
  static async open(options: IndexFilesOptions, module: SearchModule): Promise<OpenIndex> {
    const files = await openIndexFiles(options);
    const { dimensions, passages } = files.manifest;
    const rows = new module.Rows(dimensions);
    const contents = new Contents(rows, files, (why) => files.damaged(why));
    contents.calibration = files.manifest.calibration;
    contents.words.take(files.words().then((json) => Words.load(json, passages)));
    const index = new OpenIndex(files, contents, rows);
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
      const damaged = (why: string) => this.#files.damaged(`segment ${at} is none: ${why}`);
      const checked = checkedDocuments(
        parsed(json, () => damaged("its documents are no JSON")),
        { rows, texts: texts.bytes },
        damaged,
      );
      if (checked.removed.length > 0) throw damaged("it removes documents");
      const known = checked.documents.find(({ id }) => this.contents.get(id));
      if (known) throw damaged(`it has ${JSON.stringify(known.id)}, as another segment has`);
      this.contents.apply(at, this.contents.intake(placed(checked.documents)), this.contents.vectorCount);
    }
    if (this.contents.size !== documents)
      throw this.#files.damaged(`it has ${this.contents.size} documents and claims ${documents}`);
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
    let first = 0;
    for (const [at, segment] of this.manifest.segments.entries()) {
      first += segment.rows;
      // Read by an attempt that failed later.
      if (this.#rows.length >= first) continue;
      const { scales, coarse, fine } = await this.#files.rows(at);
      try {
        this.#rows.addRows(scales, coarse, fine);
      } catch (cause) {
        throw this.#files.damaged(`the vectors of segment ${at} are none`, { cause });
      }
      this.#vectorBytes += segment.vectors.bytes + (segment.fine?.bytes ?? 0);
      for (const listener of this.#listeners) listener(this.#vectorBytes);
    }
  }

  /** Returns a document with the text that its passages have; an index keeps no other. */
  async get(id: string): Promise<Document | undefined> {
    const held = this.contents.get(id);
    const text = await this.contents.whole(id);
    if (!held || text === undefined) return undefined;
    const { kind, title, url, tags, meta } = held.stored;
    const optional = { ...(title !== undefined && { title }), ...(url !== undefined && { url }) };
    return { id, text, kind, ...optional, ...(tags && { tags }), ...(meta && { meta }) };
  }

  get info(): CollectionInfo {
    const { space, model, dimensions, documents, passages } = this.manifest;
    const { url: name, bytes } = this.#files;
    const counts = { documents, passages, waiting: 0, bytes };
    return { name, space, model: model.name, dimensions, ...counts, isReadOnly: true, state: "ready" };
  }
}
