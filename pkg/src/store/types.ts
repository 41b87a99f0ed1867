/** What an engine asks of the store that its pack comes from. */

/** What a manifest says of a file. */
export interface FileEntry {
  readonly bytes: number;
  /** In lower-case hexadecimal. */
  readonly sha256: string;
}

/** A file that is being read from its start to its end. */
export interface FileReader {
  /**
   * Whether its bytes may come from a cache, the browser's own and those on the way included: if they turn out to be
   * wrong, another `open` may give the right ones.
   */
  readonly cached: boolean;
  /** The next piece, good until the next call, or nothing at the end. Rejects with a `FelsicError` where the file cannot be had. */
  read(): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /**
   * Has to be called once, whatever happened before. `verified`: all bytes were read and are those of the manifest, so
   * that they may be kept. Otherwise what has come of the file is thrown away if the bytes were wrong, and kept for the
   * next attempt to go on from if reading just ended early (`wrong` is false). A whole file that was stored before is
   * forgotten only if its bytes are not those of its hash: a wrong length may also be the manifest's fault.
   */
  close(verified: boolean, wrong: boolean): Promise<void>;
}

/** The files of one pack. */
export interface Files {
  /** Whether what has been read once is at hand later, too, so that nothing needs to be kept in memory for that. */
  readonly persistent: boolean;
  /** Opens a file; without an entry it is the manifest. `again` after bytes that were wrong: passes over every cache. */
  open(file: string, entry: FileEntry | undefined, again: boolean): Promise<FileReader>;
}

/** A pack that has been made of a checkpoint and is stored, as far as there was room. */
export interface Made {
  readonly manifest: Uint8Array<ArrayBuffer>;
  /** The files that are not stored, by their SHA-256. */
  readonly files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
}
