/** What keeps files on this machine: one flat folder of named files. */

import { sha256 } from "./names.js";

/** A whole file. */
export interface Stored {
  readonly bytes: number;
  /** The content; fails if the file is removed meanwhile. */
  stream(): ReadableStream<Uint8Array<ArrayBuffer>>;
}

/** A file in progress, which nobody else has open. Each method may fail; one of the last three is called once. */
export interface Part {
  /** Bytes that an earlier attempt left. */
  readonly kept: number;
  /** Of the kept bytes, those from an offset on, as many as are handy. */
  read(offset: number): Uint8Array<ArrayBuffer>;
  /** Puts bytes at an offset; what was behind them is worthless from then on. */
  write(piece: Uint8Array<ArrayBuffer>, offset: number): void;
  /** Makes it a whole file. */
  finish(): Promise<void>;
  /** Leaves it for a later attempt, as far as it has come. */
  leave(): Promise<void>;
  /** Removes it. */
  drop(): Promise<void>;
}

/** A nameless file that is written in any order, and never kept. */
export interface Scratch {
  write(piece: Uint8Array<ArrayBuffer>, offset: number): void;
  /** Bytes from its start, as far as it goes. Throws if what was written is there no more. */
  read(bytes: number): Uint8Array<ArrayBuffer>;
  drop(): Promise<void>;
}

/** A place for files. Everything may fail at any time. */
export interface Cache {
  names(): Promise<string[]>;
  get(name: string): Promise<Stored | undefined>;
  /** Stores a small file at once. Not in a window. */
  put(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Also of what is not there. Fails for a part that somebody has open. */
  remove(name: string): Promise<void>;
  /** Opens the part of a file, or begins one. Not in a window. */
  part(name: string): Promise<Part>;
  /** Not in a window, and not where files cannot be written in parts. */
  scratch?(): Promise<Scratch>;
}

/** The bytes of a small file. */
export async function bytesOf(stored: Stored): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await new Response(stored.stream()).arrayBuffer());
}

/** Whether a file's bytes are those of a hash. Holds the file in memory: for manifests, and where there is a doubt. */
export async function hasHash(stored: Stored, hash: string): Promise<boolean> {
  return (await sha256(await bytesOf(stored))) === hash;
}
