/**
 * Takes up the files that wait: reads each, hashes it, and adds its documents to the collection, a few files at once. A file counts as taken
 * up when all of its documents are stored; until then it waits, and is read again after an interruption.
 */

import { FelsicError } from "felsic";
import type { Collection, Document } from "felsic/search";
import { LONGEST_TEXT } from "../reading/limits.js";
import type { FileKind, ReadDocument, ReadResult, Refusal } from "../reading/types.js";
import { addDocuments } from "./adding.js";
import { sha256 } from "./hash.js";
import type { FileRecord, Ledger } from "./ledger.js";
import { foldersOf, metaJson, metaOf } from "./meta.js";
import type { Originals } from "./originals.js";
import { fileAt } from "./walk.js";

/** The most bytes of a file. */
export const MOST_BYTES = 256 << 20;
/** Documents that are added at once, and the characters after which they are enough. */
const MOST_DOCUMENTS = 64;
const MOST_CHARACTERS = 128_000;
/** The most refused parts of one file that are listed. */
const MOST_REFUSALS = 500;
/** What a collection takes of an id, a title. */
const LONGEST_ID = 1024;
const LONGEST_TITLE = 8192;
/** Kinds of which a view shows the file itself. */
const SHOWN: ReadonlySet<FileKind> = new Set(["pdf"]);

/** What reads files. The work takes place in a worker. */
export interface FileReading {
  read(file: File, path: string, options?: { readonly signal?: AbortSignal }): AsyncIterable<ReadResult>;
  close(): void;
}

/** What the intake needs of the library. */
export interface IntakeOptions {
  readonly ledger: Ledger;
  readonly originals: Originals;
  readonly reader: () => FileReading;
  /** Resolves to a collection that documents can be added to. */
  readonly writable: (signal: AbortSignal) => Promise<Collection>;
  /** Told the file that is being read, and when files are taken up. */
  readonly report: (news: { readonly path?: string; readonly taken?: number }) => void;
}

/** A file that has been read, as far as it has been read. */
interface ReadFile {
  readonly record: FileRecord;
  readonly ids: Set<string>;
  readonly refusals: Refusal[];
  kind: FileKind | undefined;
  sha256: string | undefined;
  /** Whether there is a copy of it; `undefined` if none was needed yet. */
  copied: boolean | undefined;
  /** Whether the person has taken the permission back. */
  isForbidden: boolean;
}

/** Documents to add, and the files that are complete with them. */
class Batch {
  readonly documents: { readonly file: ReadFile; readonly document: Document }[] = [];
  readonly files: ReadFile[] = [];
  characters = 0;

  add(file: ReadFile, document: Document): void {
    this.documents.push({ file, document });
    file.ids.add(document.id);
    this.characters += document.text.length;
  }

  get isFull(): boolean {
    return (
      this.documents.length >= MOST_DOCUMENTS || this.characters >= MOST_CHARACTERS || this.files.length >= MOST_DOCUMENTS * 4
    );
  }
}

/** Takes up files. */
export class Intake {
  readonly #options: IntakeOptions;
  /** Files that the page has at hand. */
  readonly #near = new Map<string, File>();

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** Notes a file that the page has at hand. */
  give(path: string, file: File): void {
    this.#near.set(path, file);
  }

  /** Forgets a file that the page has at hand. */
  forget(path: string): void {
    this.#near.delete(path);
  }

  /** Returns a file that is known; rejects or gives none if the browser does not give it. */
  async file(record: FileRecord): Promise<File | undefined> {
    const { ledger, originals } = this.#options;
    const near = this.#near.get(record.path);
    if (near) return near;
    const source = ledger.sources.get(record.source);
    if (source?.handle) return fileAt(source.handle, record.path.slice(source.name.length + 1));
    return record.copied ? originals.get(record.path, record.modified) : undefined;
  }

  /** Takes up everything that waits, also what comes meanwhile. */
  async run(signal: AbortSignal): Promise<void> {
    const { ledger } = this.#options;
    while (ledger.waiting.size > 0) {
      let batch = new Batch();
      // While one batch is written, the next one is read.
      let writing: Promise<void> = Promise.resolve();
      const flush = async () => {
        await writing;
        writing = this.#write(batch, signal);
        writing.catch(() => undefined);
        batch = new Batch();
      };
      // Of what is added while it runs, this loop sees everything.
      for (const path of ledger.waiting) {
        signal.throwIfAborted();
        const record = ledger.files.get(path);
        if (!record) continue;
        const read = newFile(record);
        for await (const document of this.#read(read, signal)) {
          batch.add(read, document);
          if (batch.isFull) await flush();
        }
        if (read.isForbidden) ledger.park(record.source, true);
        else batch.files.push(read);
        if (batch.isFull) await flush();
      }
      await flush();
      await writing;
    }
  }

  /** Reads a file; what it gives no documents for is in its refusals. */
  async *#read(read: ReadFile, signal: AbortSignal): AsyncGenerator<Document, void, undefined> {
    const { record, refusals } = read;
    const { path } = record;
    this.#options.report({ path });
    try {
      const file = await this.file(record);
      if (!file) return void refusals.push({ path, code: "unreadable", detail: "the page does not have the file any more" });
      if (file.size > MOST_BYTES) return void refusals.push({ path, code: "too-large", detail: `${file.size} bytes` });
      const held = this.#options.ledger.held(path);
      if (held?.sha256 !== undefined && (read.sha256 = await sha256(file)) === held.sha256) {
        return yield* this.#unchanged(read, held.ids, file, signal);
      }
      for await (const result of this.#options.reader().read(file, path, { signal })) {
        if ("code" in result) refusals.push(result);
        else yield* await this.#document(read, result, file, signal);
      }
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof FelsicError) throw error;
      if (error instanceof DOMException && error.name === "NotAllowedError") read.isForbidden = true;
      refusals.push({ path, code: "unreadable", detail: String(error) });
    }
  }

  async #document(read: ReadFile, result: ReadDocument, file: File, signal: AbortSignal): Promise<Document[]> {
    const { record, refusals } = read;
    const { path, kind, text, cut, title, pages, date } = result;
    if (path.length > LONGEST_ID) {
      refusals.push({ path, code: "too-large", detail: `its path is longer than ${LONGEST_ID} characters` });
      return [];
    }
    if (text.length > LONGEST_TEXT) {
      refusals.push({ path, code: "too-large", detail: `${text.length} characters` });
      return [];
    }
    read.kind ??= kind;
    if (SHOWN.has(kind)) read.copied ??= await this.#copy(record, file, signal);
    const meta = metaJson({
      source: this.#options.ledger.sources.get(record.source)?.name ?? record.source,
      folder: foldersOf(record.path),
      file: record.path,
      kind,
      modified: date ?? file.lastModified,
      bytes: file.size,
      sha256: (read.sha256 ??= await sha256(file)),
      ...(pages && { pages }),
    });
    return [{ id: path, text, kind: cut, meta, ...(title !== undefined && { title: title.slice(0, LONGEST_TITLE) }) }];
  }

  /** Keeps a copy of a file that the page could not get again; returns whether there is one. */
  async #copy({ path, source, copied }: FileRecord, file: File, signal: AbortSignal): Promise<boolean> {
    const { ledger, originals } = this.#options;
    if (ledger.sources.get(source)?.handle) return false;
    // Without the file at hand, its copy is what was read.
    if (copied && !this.#near.has(path)) return true;
    const isKept = await originals.keep(path, file, signal);
    // The copy of what the file was before would show something else.
    if (copied && !isKept) await originals.remove(path);
    return isKept;
  }

  /** The file's date has changed and nothing else: its documents get the new date. */
  async *#unchanged(read: ReadFile, ids: readonly string[], file: File, signal: AbortSignal): AsyncGenerator<Document, void> {
    const { record } = read;
    const collection = await this.#options.writable(signal);
    for (const id of ids) {
      const document = await collection.get(id);
      if (!document) continue;
      read.kind ??= metaOf(document).kind;
      // A document that has a date of its own keeps it.
      const isDated = metaOf(document).modified !== record.modified && read.kind === "mail";
      yield { ...document, meta: { ...document.meta, ...(!isDated && { modified: file.lastModified }) } };
    }
    read.copied = record.copied ?? false;
    read.refusals.push(...(record.refusals ?? []));
  }

  /** Writes a batch, and notes the files that are complete. */
  async #write({ documents, files }: Batch, signal: AbortSignal): Promise<void> {
    const { ledger, report } = this.#options;
    if (documents.length > 0) await this.#add(documents, signal);
    const done: FileRecord[] = [];
    const stale: string[] = [];
    for (const read of files) {
      const { record, ids } = read;
      const { path } = record;
      const isGone = !ledger.files.has(path);
      for (const id of ledger.held(path)?.ids ?? []) if (isGone || !ids.has(id)) stale.push(id);
      if (isGone) stale.push(...ids);
      // If it has changed again meanwhile, it still waits.
      else if (ledger.files.get(path) === record) done.push(recordOf(read));
    }
    if (stale.length > 0) await (await this.#options.writable(signal)).remove(stale);
    for (const { record, ids, sha256 } of files) {
      if (ledger.files.has(record.path)) ledger.hold(record.path, { ids: [...ids], sha256 });
    }
    for (const { path, state } of done) if (state === "refused") this.forget(path);
    await ledger.put(done);
    report({ taken: done.length });
  }

  async #add(documents: Batch["documents"], signal: AbortSignal): Promise<void> {
    const { ledger } = this.#options;
    // A file that is in part in the collection has to be found there if it is removed.
    for (const file of new Set(documents.map(({ file }) => file))) {
      const { path } = file.record;
      ledger.hold(path, { ids: [...new Set([...(ledger.held(path)?.ids ?? []), ...file.ids])], sha256: undefined });
    }
    const add = async (list: Batch["documents"]) => {
      const collection = await this.#options.writable(signal);
      await addDocuments(
        collection,
        list.map(({ document }) => document),
        signal,
      );
    };
    try {
      await add(documents);
    } catch (error) {
      if (!(error instanceof FelsicError)) throw error;
      // Another model has come meanwhile.
      if (error.code === "needs-reindex") return this.#add(documents, signal);
      if (error.code !== "input-invalid") throw error;
      for (const one of documents) await add([one]).catch((error: unknown) => refuse(one, error));
    }
  }
}

function newFile(record: FileRecord): ReadFile {
  return { record, ids: new Set(), refusals: [], kind: undefined, sha256: undefined, copied: undefined, isForbidden: false };
}

/** Notes that the collection does not take a document. */
function refuse({ file, document }: Batch["documents"][number], error: unknown): void {
  if (!(error instanceof FelsicError) || error.code !== "input-invalid") throw error;
  file.ids.delete(document.id);
  file.refusals.push({ path: document.id, code: "damaged", detail: error.message });
}

function recordOf({ record, ids, refusals, kind, sha256, copied }: ReadFile): FileRecord {
  const { path, source, bytes, modified } = record;
  return {
    path,
    source,
    bytes,
    modified,
    state: ids.size > 0 ? "held" : "refused",
    ...(kind && { kind }),
    ...(sha256 !== undefined && { sha256 }),
    // A file without text and without a reason is empty.
    ...(refusals.length > 0
      ? { refusals: refusals.slice(0, MOST_REFUSALS) }
      : ids.size === 0 && { refusals: [{ path, code: "empty" as const }] }),
    ...(copied && { copied }),
  };
}
