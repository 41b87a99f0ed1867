/** The interface of what keeps files on this machine: one flat folder of named files. */

import { sha256 } from "./names.js";

/** A whole file. */
export interface Stored {
  readonly bytes: number;
  /** Reads the content; fails if the file is removed meanwhile. */
  stream(): ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Returns the content, of which parts can be read without the rest; reading fails if the file is removed meanwhile. */
  blob(): Promise<Blob>;
}

/** Returns a whole file that is a blob. */
export function storedBlob(blob: Blob): Stored {
  return { bytes: blob.size, stream: () => blob.stream(), blob: async () => blob };
}

/** A file in progress, which only one load has open. Each method may fail; one of the last three is called once. */
export interface Part {
  /** The number of bytes that an earlier attempt left. */
  readonly kept: number;
  /** Reads kept bytes from an offset on, as many as suit one read. */
  read(offset: number): Uint8Array<ArrayBuffer>;
  /** Writes bytes at an offset; any bytes behind them are invalid from then on. */
  write(piece: Uint8Array<ArrayBuffer>, offset: number): void;
  /** Turns it into a whole file. */
  finish(): Promise<void>;
  /** Leaves the part that has arrived for a later attempt. */
  leave(): Promise<void>;
  /** Removes the file. */
  drop(): Promise<void>;
}

/** A nameless file that is written in any order and never kept. */
export interface Scratch {
  write(piece: Uint8Array<ArrayBuffer>, offset: number): void;
  /** Returns bytes from its start, up to its end. Throws if written bytes are gone. */
  read(bytes: number): Uint8Array<ArrayBuffer>;
  drop(): Promise<void>;
}

/** A place for files. Every method may fail at any time. */
export interface Cache {
  names(): Promise<string[]>;
  get(name: string): Promise<Stored | undefined>;
  /** Stores a small file at once. Not available in a window. */
  put(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Removes a file; succeeds if it does not exist. Fails for a part that another load has open. */
  remove(name: string): Promise<void>;
  /** Opens the part of a file, or begins one. Not available in a window. */
  part(name: string): Promise<Part>;
  /** Creates a nameless file. Not available in a window, nor if files cannot be written in parts. */
  scratch?(): Promise<Scratch>;
}

/** Reads the bytes of a small file. */
export async function bytesOf(stored: Stored): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await new Response(stored.stream()).arrayBuffer());
}

/** Whether a file's bytes have a hash. Holds the file in memory: for manifests, and for files in doubt. */
export async function hasHash(stored: Stored, hash: string): Promise<boolean> {
  return (await sha256(await bytesOf(stored))) === hash;
}
