/**
 * The ledger: what is known of each source and of each file, in memory and on disk. It says what has yet to be read, and why a file is not
 * taken up. Which documents there are, the collection knows best; `reconcile` has the ledger follow it.
 */

import type { DocumentFields } from "felsic/search";
import type { FileKind, Refusal } from "../reading/types.js";
import type { Database } from "./database.js";
import { metaOf } from "./meta.js";

/** A source as it is stored. */
export interface SourceRecord {
  readonly id: string;
  readonly name: string;
  readonly kind: "folder" | "files";
  /** The folder itself, where the browser gives it. */
  readonly handle?: FileSystemDirectoryHandle;
  /** Whether its work was ended by the person: it is read again only if they ask. */
  readonly halted?: boolean;
}

/** A file as it is stored. */
export interface FileRecord {
  readonly path: string;
  /** The id of its source. */
  readonly source: string;
  readonly bytes: number;
  readonly modified: number;
  /** `held`: its documents are in the collection, apart from what `refusals` names. */
  readonly state: "waiting" | "held" | "refused";
  readonly kind?: FileKind;
  readonly sha256?: string;
  readonly refusals?: readonly Refusal[];
  /** Whether there is a copy of it in the page's own file system. */
  readonly copied?: boolean;
}

/** Whether the work waits until the person says so, and whether it was ended. */
export interface Switches {
  readonly paused: boolean;
  readonly halted: boolean;
}

/** What the collection has of a file. */
export interface Held {
  readonly ids: readonly string[];
  /** `undefined` if its documents are not all of one state of the file. */
  readonly sha256: string | undefined;
}

/** Records that are written at once. */
const WRITTEN = 500;

/** All sources and files. */
export class Ledger {
  readonly #database: Database;
  readonly #changed: () => void;
  readonly #sources = new Map<string, SourceRecord>();
  readonly #files = new Map<string, FileRecord>();
  readonly #waiting = new Set<string>();
  /** Sources whose files the browser does not give now. */
  readonly #parked = new Set<string>();
  readonly #held = new Map<string, Held>();

  /** `changed` is called after each change. */
  constructor(database: Database, changed: () => void) {
    this.#database = database;
    this.#changed = changed;
  }

  get sources(): ReadonlyMap<string, SourceRecord> {
    return this.#sources;
  }

  get files(): ReadonlyMap<string, FileRecord> {
    return this.#files;
  }

  /** The paths of files that have yet to be read, in the order in which they came. */
  get waiting(): ReadonlySet<string> {
    return this.#waiting;
  }

  /** Whether the files of a source can be read: those of others do not wait for it. */
  park(source: string, isParked: boolean): void {
    if (this.#parked.has(source) === isParked) return;
    if (isParked) this.#parked.add(source);
    else this.#parked.delete(source);
    for (const file of this.filesOf(source)) this.#note(file);
    this.#changed();
  }

  held(path: string): Held | undefined {
    return this.#held.get(path);
  }

  filesOf(source: string): FileRecord[] {
    return [...this.#files.values()].filter((file) => file.source === source);
  }

  /** Reads everything anew. */
  async load(): Promise<void> {
    const sources: SourceRecord[] = [];
    const files: FileRecord[] = [];
    for await (const page of this.#database.all<SourceRecord>("sources")) sources.push(...page);
    for await (const page of this.#database.all<FileRecord>("files")) files.push(...page);
    this.#sources.clear();
    this.#files.clear();
    this.#waiting.clear();
    for (const source of sources) this.#sources.set(source.id, source);
    for (const file of files) this.#note(file);
    this.#changed();
  }

  /** Reads what the person has switched. The tab that works may be another one than when it was switched. */
  async switches(): Promise<Switches> {
    let switches: Switches = { paused: false, halted: false };
    for await (const [stored] of this.#database.all<Switches>("switches")) switches = stored ?? switches;
    return switches;
  }

  /** Resolves when it is on the disk: a tab that ends right after it has answered loses nothing. */
  putSwitches(switches: Switches): Promise<void> {
    return this.#database.put("switches", [["work", switches]]);
  }

  async putSource(source: SourceRecord): Promise<void> {
    this.#sources.set(source.id, source);
    this.#changed();
    await this.#database.put("sources", [[source.id, source]]);
  }

  async dropSource(id: string): Promise<void> {
    await this.#database.drop("sources", [id]);
    this.#sources.delete(id);
    this.#changed();
  }

  async put(files: readonly FileRecord[]): Promise<void> {
    for (const file of files) this.#note(file);
    this.#changed();
    for (const part of parts(files))
      await this.#database.put(
        "files",
        part.map((file) => [file.path, file]),
      );
  }

  async drop(paths: readonly string[]): Promise<void> {
    for (const part of parts(paths)) await this.#database.drop("files", part);
    for (const path of paths) {
      this.#files.delete(path);
      this.#waiting.delete(path);
      this.#held.delete(path);
    }
    this.#changed();
  }

  /** Notes what the collection has of a file from now on. */
  hold(path: string, held: Held): void {
    if (held.ids.length > 0) this.#held.set(path, held);
    else this.#held.delete(path);
  }

  /** Reads the sources anew: another tab may have added one. */
  async loadSources(): Promise<void> {
    for await (const page of this.#database.all<SourceRecord>("sources")) {
      for (const source of page) this.#sources.set(source.id, source);
    }
    this.#changed();
  }

  /** Forgets everything in memory; on disk it stays. */
  forget(): void {
    for (const records of [this.#sources, this.#files, this.#held, this.#waiting, this.#parked]) records.clear();
  }

  /** Follows the collection: a file is held as its documents say, and one whose documents are missing waits again. */
  async reconcile(documents: AsyncIterable<DocumentFields>): Promise<void> {
    const found = new Map<string, { ids: string[]; hashes: Set<string>; first: DocumentFields }>();
    for await (const document of documents) {
      const { file, sha256 } = metaOf(document);
      const entry = found.get(file) ?? { ids: [], hashes: new Set<string>(), first: document };
      entry.ids.push(document.id);
      entry.hashes.add(sha256);
      found.set(file, entry);
    }
    this.#held.clear();
    const changed: FileRecord[] = [];
    for (const [path, { ids, hashes, first }] of found) {
      const sha256 = hashes.size === 1 ? first.meta?.["sha256"] : undefined;
      const held = { ids, sha256: typeof sha256 === "string" ? sha256 : undefined };
      this.#held.set(path, held);
      const known = this.#files.get(path);
      if (known?.state === "waiting" || (known?.state === "held" && known.sha256 === held.sha256)) continue;
      if (known?.state === "held" && held.sha256 === undefined) changed.push({ ...known, state: "waiting" });
      else changed.push(await this.#fromCollection(path, first, held.sha256));
    }
    for (const file of this.#files.values()) {
      if (file.state === "held" && !found.has(file.path)) changed.push({ ...file, state: "waiting" });
    }
    if (changed.length > 0) await this.put(changed);
  }

  /** The record of a file that the collection alone knows: it was imported, or the page ended before it was noted. */
  async #fromCollection(path: string, document: DocumentFields, sha256: string | undefined): Promise<FileRecord> {
    const { source, kind, modified, bytes } = metaOf(document);
    const known = [...this.#sources.values()].find(({ id, name }) => name === source || id === source);
    if (!known) await this.putSource({ id: source, name: source, kind: "files" });
    const record: FileRecord = { path, source: known?.id ?? source, bytes, modified, state: "held", kind };
    return sha256 === undefined ? record : { ...record, sha256 };
  }

  #note(file: FileRecord): void {
    this.#files.set(file.path, file);
    if (file.state === "waiting" && !this.#parked.has(file.source)) this.#waiting.add(file.path);
    else this.#waiting.delete(file.path);
  }
}

function* parts<T>(items: readonly T[]): Iterable<readonly T[]> {
  for (let at = 0; at < items.length; at += WRITTEN) yield items.slice(at, at + WRITTEN);
}
