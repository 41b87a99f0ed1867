/** What an engine asks of the store that its pack comes from. */

/** What a manifest says of a file. */
export interface FileEntry {
  readonly bytes: number;
  /** In lower-case hexadecimal. */
  readonly sha256: string;
}

/** What became of reading a file: all bytes are there and are those of the manifest, or are not, or reading ended early. */
export type ReadOutcome = "verified" | "wrong" | "unfinished";

/** A file that is being read from its start to its end. */
export interface FileReader {
  /** The next piece, good until the next call, or nothing at the end. Rejects with a `FelsicError` where the file cannot be had. */
  read(): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /**
   * Has to be called once, whatever happened before. What is `verified` may be kept. Of what is `wrong`, what has come is
   * thrown away; if it is a whole file that was stored before, only if its bytes are not those of its hash, as a wrong
   * length may also be the manifest's fault. Of what is `unfinished`, what has come is kept for the next attempt to go on from.
   */
  close(outcome: ReadOutcome): Promise<void>;
}

/** The files of one pack. */
export interface Files {
  /** Whether what has been read once is at hand later, too, so that nothing needs to be kept in memory for that. */
  readonly persistent: boolean;
  /** Opens a file; without an entry it is the manifest. `again` after bytes that were wrong: passes over every cache. */
  open(file: string, entry: FileEntry | undefined, again: boolean): Promise<FileReader>;
}

/** The same, from a store that can say what it has. */
export interface StoredFiles extends Files {
  /**
   * Brings a shard of the manifest into memory if all of it is stored, and is what its hash says: opening it next then makes no
   * request, whatever becomes of the store. Says whether it has; never rejects.
   */
  recall(shard: number): Promise<boolean>;
}

/** A pack that has been made of a checkpoint and is stored, as far as there was room. */
export interface Made {
  readonly manifest: Uint8Array<ArrayBuffer>;
  /** The files that are not stored, by their SHA-256. */
  readonly files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
}
