/** What an engine asks of the store that provides its pack. */

/** A manifest's entry for a file. */
export interface FileEntry {
  readonly bytes: number;
  /** The hash in lower-case hexadecimal. */
  readonly sha256: string;
  /** The offset of the entry's bytes, if they are a part of the file that has a hash of its own. */
  readonly from?: number;
}

/** The result of reading a file: all bytes are there and match the manifest, or do not match, or reading ended early. */
export type ReadOutcome = "verified" | "wrong" | "unfinished";

/** A file that is being read from start to end. */
export interface FileReader {
  /** Returns the next piece, valid until the next call; `undefined` at the end. Rejects with a `FelsicError` if it fails. */
  read(): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /**
   * Ends the reading; has to be called once, whatever happened before. A `verified` file may be kept. The bytes of a `wrong` file are
   * discarded; a whole file that was stored before, only if its bytes do not have its hash, as a wrong
   * length may also be the manifest's fault. The bytes of an `unfinished` file are kept, and the next attempt continues from there.
   */
  close(outcome: ReadOutcome): Promise<void>;
}

/** The files of one pack. */
export interface Files {
  /** Whether a file that was read once is available later too, so that it need not be kept in memory. */
  readonly persistent: boolean;
  /** Opens a file; without an entry, the manifest. `again`, after wrong bytes, bypasses every cache. */
  open(file: string, entry: FileEntry | undefined, again: boolean): Promise<FileReader>;
}

/** The same, from a store that knows what it has. */
export interface StoredFiles extends Files {
  /**
   * Reads a shard of the manifest into memory if all of it is stored and has its hash: opening it next then sends no
   * request, whatever happens to the store. Returns whether it has done so; never rejects.
   */
  recall(shard: number): Promise<boolean>;
  /** Whether a file is stored, judged by its name and its length alone; never rejects. */
  has(entry: FileEntry): Promise<boolean>;
  /** How the model pools, by the manifest that was opened last. An engine that was made from it has checked it. */
  readonly pooling?: Pooling | undefined;
}

/** How a model makes one vector of the vectors of a text's tokens. */
export type Pooling = "cls" | "mean";

/** A pack that has been made from a checkpoint and is stored, as far as there was space. */
export interface Made {
  readonly manifest: Uint8Array<ArrayBuffer>;
  /** The files that are not stored, by their SHA-256. */
  readonly files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
}
