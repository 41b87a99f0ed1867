/** What the views see of the library: state as signals, and what can be done. */

import type { ReadonlySignal } from "@preact/signals";
import type { Collection, Hit, SearchMode } from "felsic/search";
import type { FileKind, Refusal } from "../reading/types.js";

/** Where files come from: a folder that can be read again, or files that were dropped or shared once. */
export interface Source {
  readonly id: string;
  readonly name: string;
  readonly kind: "folder" | "files";
  /** Whether the folder is read again on return; `ask`: the browser wants a click first. */
  readonly watched: "yes" | "ask" | "no";
  readonly files: number;
}

/** A file that is known, by its path (`source name/path in it`). */
export interface LibraryFile {
  /** The ids of its documents begin with this path. */
  readonly path: string;
  readonly source: string;
  readonly kind: FileKind;
  readonly bytes: number;
  /** Milliseconds since 1970. */
  readonly modified: number;
}

/** Work that goes on. */
export interface Progress {
  readonly step: "reading" | "embedding";
  readonly files: { readonly done: number; readonly total: number };
  readonly passages: { readonly done: number; readonly total: number };
  /** Tokens a second, of the last seconds. */
  readonly speed?: number;
  /** Seconds that are left, if they can be told. */
  readonly left?: number;
  /** The file that is being read. */
  readonly path?: string;
}

export interface ModelState {
  readonly state: "loading" | "ready" | "failed" | "none";
  readonly loadedBytes: number;
  readonly totalBytes: number;
  readonly problem?: string;
}

/** A problem that a person should see, until it is mended or put away. */
export interface Problem {
  readonly id: string;
  /** A key of the message table, and its values. */
  readonly message: string;
  readonly values?: Readonly<Record<string, string | number>>;
  readonly code?: string;
}

/** Which documents are searched. */
export interface Filters {
  readonly folder?: string;
  readonly path?: string;
  readonly kinds?: readonly FileKind[];
  /** Milliseconds since 1970. */
  readonly since?: number;
  readonly until?: number;
  /** Ids that a lasso on the map has chosen. */
  readonly ids?: readonly string[];
}

export interface Ask {
  readonly text: string;
  readonly mode: SearchMode;
  readonly filters: Filters;
  /** Instead of a text: documents that are like this one. */
  readonly like?: string;
  readonly limit?: number;
}

/** A place to open: a document and a range of its text. */
export interface Place {
  readonly id: string;
  readonly start: number;
  readonly end: number;
}

/** The library of one person on one machine. */
export interface Library {
  readonly sources: ReadonlySignal<readonly Source[]>;
  readonly files: ReadonlySignal<readonly LibraryFile[]>;
  readonly refused: ReadonlySignal<readonly Refusal[]>;
  /** `undefined` if there is nothing to do. */
  readonly progress: ReadonlySignal<Progress | undefined>;
  readonly paused: ReadonlySignal<boolean>;
  readonly model: ReadonlySignal<ModelState>;
  readonly problems: ReadonlySignal<readonly Problem[]>;
  /** The collection, as soon as it is open: for the map, for export. */
  readonly collection: ReadonlySignal<Collection | undefined>;
  /** Rises with each change of documents, in any tab. */
  readonly version: ReadonlySignal<number>;
  /** Whether what is added is stored; otherwise it is there as long as the page is open. */
  readonly keeps: boolean;

  /** Lets the person pick a folder (File System Access API where there is one). */
  pickFolder(): Promise<void>;
  /** Takes up what was dropped, picked or shared; folders within are watched if the browser gives handles. */
  addItems(items: DataTransfer | FileList | readonly File[]): Promise<void>;
  addText(text: string, name: string): Promise<void>;
  /** Reads watched folders again: added, changed and deleted files. With `ask`, in a click, permission is asked for. */
  refresh(options?: { readonly ask?: boolean }): Promise<void>;
  removeSource(id: string): Promise<void>;
  pause(): void;
  resume(): void;
  /** Ends the work; what has been taken up stays, what has not is forgotten. */
  cancel(): Promise<void>;

  search(ask: Ask, signal: AbortSignal): Promise<readonly Hit[]>;
  /** The original file of a document, for showing a page of it; `undefined` if the browser cannot give it any more. */
  original(id: string): Promise<File | undefined>;
  text(id: string): Promise<string | undefined>;

  /** Loads another model: a pack's or checkpoint's address, empty for the built-in one. */
  useModel(model: string, device: "auto" | "cpu" | "webgpu"): Promise<void>;
  /** Megabytes, kernel, device and the rest, for the panel. */
  facts(): Promise<Readonly<Record<string, string | number>>>;
  export(format: "jsonl" | "parquet"): ReadableStream<Uint8Array<ArrayBuffer>>;
  import(file: File): Promise<void>;
  /** Deletes documents, files, settings and models from this machine. */
  deleteEverything(): Promise<void>;
  dismiss(problem: string): void;
  close(): void;
}
