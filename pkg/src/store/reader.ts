/** One file as an engine reads it: first the stored part, then the rest from the server. */

import { abortedBy } from "../errors.js";
import type { Part, Stored } from "./cache.js";
import type { Held } from "./locks.js";
import { Download, type Wanted } from "./network.js";
import type { Requests } from "./requests.js";
import type { FileEntry, FileReader, ReadOutcome } from "./types.js";

/** What a reader is made from. */
export interface Reading {
  readonly url: string;
  readonly entry: FileEntry;
  readonly again: boolean;
  readonly requests: Requests;
  readonly signal: AbortSignal;
  /** The whole file, if it is stored. */
  readonly stored?: Stored;
  /** The part that is being stored. */
  readonly part?: Part | undefined;
  /** Forgets the stored file if its bytes are not those of its hash. */
  forget(): Promise<unknown>;
  /** Called when the file has been stored. */
  done(): Promise<void>;
  /** Receives the reason why storing has stopped. */
  failed(error: unknown): void;
  /** The lock that other loads wait for; there is none if nothing is stored. */
  readonly held?: Held | undefined;
}

/** Reads a stored file, or downloads one and stores it. */
export class StoreReader implements FileReader {
  readonly #reading: Reading;
  #part: Part | undefined;
  /** Reads the stored bytes, and none after them. */
  #kept: (() => Promise<Uint8Array<ArrayBuffer> | undefined>) | undefined;
  #download: Download | undefined;
  #at = 0;
  #anyKept = false;
  /** The piece that was returned last. */
  #given: Uint8Array<ArrayBuffer> | undefined;

  constructor(reading: Reading) {
    this.#reading = reading;
    this.#part = reading.part;
    if (reading.stored) this.#kept = streamed(reading.stored);
    else if (reading.part && !reading.again && reading.part.kept <= reading.entry.bytes) {
      const { part } = reading;
      this.#kept = async () => (this.#at < part.kept ? part.read(this.#at) : undefined);
    }
  }

  /** Returns the next piece, which is valid until the next call. */
  async read(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (this.#given) release(this.#given);
    this.#given = await this.#next();
    return this.#given;
  }

  async #next(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const { signal, url, entry, again, requests } = this.#reading;
    if (signal.aborted) throw abortedBy(signal);
    const kept = await this.#readKept();
    if (kept) return kept;
    const mode = again ? "reload" : "default";
    this.#download ??= new Download({ url, ...this.#wanted(entry), requests, signal, mode });
    const piece = await this.#download.read();
    if (piece) {
      await this.#store(piece);
      this.#at += piece.length;
    }
    return piece;
  }

  /** Returns which bytes of the file are still wanted. */
  #wanted({ bytes, from }: FileEntry): Pick<Wanted, "at" | "bytes" | "isPart"> {
    if (from === undefined) return { at: this.#at, bytes };
    return { at: from + this.#at, bytes: from + bytes, isPart: true };
  }

  async close(outcome: ReadOutcome): Promise<void> {
    const { stored, forget, held } = this.#reading;
    await this.#download?.cancel();
    try {
      if (outcome === "verified" && this.#part) {
        await this.#part.finish();
        await this.#reading.done();
      }
      if (outcome === "unfinished") await this.#part?.leave();
      if (outcome === "wrong") {
        await this.#part?.drop();
        if (stored || this.#anyKept) await forget();
      }
    } catch (error) {
      this.#reading.failed(error);
    } finally {
      held?.release();
    }
  }

  /** Reads stored bytes; if they cannot be read after all, they are fetched. */
  async #readKept(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const piece = await this.#kept?.().catch(() => undefined);
    if (piece === undefined || piece.length === 0) {
      this.#kept = undefined;
      return undefined;
    }
    this.#anyKept = true;
    this.#at += piece.length;
    return piece;
  }

  async #store(piece: Uint8Array<ArrayBuffer>): Promise<void> {
    try {
      this.#part?.write(piece, this.#at);
      this.#reading.held?.report((this.#at + piece.length) / this.#reading.entry.bytes);
    } catch (error) {
      const part = this.#part;
      this.#part = undefined;
      await part?.drop().catch(() => {});
      this.#reading.failed(error);
      // The loads that wait will find nothing.
      this.#reading.held?.release();
    }
  }
}

/**
 * Frees a piece's memory at once. Otherwise all pieces of a pack would wait for a garbage collection, which comes
 * late if little else is allocated: tens of megabytes more for the whole page.
 */
function release({ buffer }: Uint8Array<ArrayBuffer>): void {
  // Not every browser that runs felsic has this method.
  (buffer as { transfer?(length: number): ArrayBuffer }).transfer?.(0);
}

function streamed(stored: Stored): () => Promise<Uint8Array<ArrayBuffer> | undefined> {
  const reader = stored.stream().getReader();
  return async () => (await reader.read()).value;
}

/** Reads a manifest, which is small and comes at once. */
export class BytesReader implements FileReader {
  readonly #closed: FileReader["close"];
  #bytes: Uint8Array<ArrayBuffer> | undefined;

  constructor(bytes: Uint8Array<ArrayBuffer>, closed: FileReader["close"]) {
    this.#bytes = bytes;
    this.#closed = closed;
  }

  async read(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const bytes = this.#bytes;
    this.#bytes = undefined;
    return bytes?.length ? bytes : undefined;
  }

  close(outcome: ReadOutcome): Promise<void> {
    return this.#closed(outcome);
  }
}
