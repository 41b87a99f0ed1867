/** What all readers share while one file is read: whether it is still wanted, and what it may cost. */

import { LEAST_UNPACKED, MOST_PARTS, MOST_RATIO, MOST_UNPACKED } from "./limits.js";
import type { RefusalCode } from "./types.js";

/** Milliseconds of work until other messages are heard. */
const BREATH = 30;
/** Bytes of a file that is read at once. */
const SMALL = 1 << 23;

/** The reason why a file, or a part of one, is not taken up. */
export class Refused extends Error {
  override readonly name = "Refused";

  constructor(
    readonly code: RefusalCode,
    detail: string,
  ) {
    super(detail);
  }
}

/** What a file may unpack to, with all that is in it. */
export class Budget {
  #bytes: number;
  #parts: number;

  /** Creates the budget of a file with so many bytes. */
  constructor(
    bytes: number,
    readonly mostParts = MOST_PARTS,
  ) {
    this.#parts = mostParts;
    this.#bytes = Math.min(MOST_UNPACKED, LEAST_UNPACKED + MOST_RATIO * bytes);
  }

  /** Nothing more can be unpacked. */
  get isSpent(): boolean {
    return this.#bytes < 0 || this.#parts < 0;
  }

  unpacked(bytes: number): void {
    this.#bytes -= bytes;
    if (this.#bytes < 0) throw new Refused("too-large", "it unpacks to far more than it is");
  }

  part(): void {
    this.#parts -= 1;
    if (this.#parts < 0) throw new Refused("too-many", `it has more than ${this.mostParts} parts`);
  }
}

/** The one part of a file that is looked for: nothing else is read. */
export class Search {
  found: Source | undefined;

  constructor(readonly path: string) {}

  /** Whether a path is that of the part, or of an archive or a message that it is in. */
  leadsTo(path: string): boolean {
    return this.found === undefined && (path === this.path || this.path.startsWith(`${path}/`));
  }
}

/** The reading of one file. */
export class Work {
  #last = performance.now();

  constructor(
    readonly signal: AbortSignal,
    readonly budget: Budget,
    readonly search?: Search,
    /** How many archives the file is in. */
    readonly depth = 0,
  ) {}

  /** The reading of what is in an archive or a message. */
  within(): Work {
    return new Work(this.signal, this.budget, this.search, this.depth + 1);
  }

  /** Whether what has this path is to be read. */
  wants(path: string): boolean {
    return this.search === undefined || this.search.leadsTo(path);
  }

  /** Lets messages in from time to time, and ends the work if it is no longer wanted. */
  async breathe(): Promise<void> {
    if (performance.now() - this.#last > BREATH) {
      await new Promise((resolve) => setTimeout(resolve));
      this.#last = performance.now();
    }
    this.signal.throwIfAborted();
  }
}

/** Where bytes come from: a file, or memory. */
export interface Source {
  readonly size: number;
  slice(start: number, end: number): Source;
  arrayBuffer(): Promise<ArrayBuffer>;
}

/** Bytes that have been read or unpacked already: what is small is not asked for piece by piece. */
export class Memory implements Source {
  constructor(readonly bytes: Uint8Array<ArrayBuffer>) {}

  get size(): number {
    return this.bytes.length;
  }

  slice(start: number, end: number): Memory {
    return new Memory(this.bytes.subarray(start, end));
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return this.bytes.slice().buffer;
  }
}

/** Returns a source that answers at once, if it is small. */
export async function nearby(source: Source): Promise<Source> {
  return source instanceof Memory || source.size > SMALL ? source : new Memory(await bytesOf(source));
}

/** Returns a part of a file's bytes, for the caller alone. */
export async function bytesOf(blob: Source, start = 0, end = blob.size): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await blob.slice(start, end).arrayBuffer());
  } catch (error) {
    throw new Refused("unreadable", String(error));
  }
}

/** The code of whatever a reader or a library threw. */
export function refusalOf(error: unknown): { code: RefusalCode; detail: string } {
  if (error instanceof Refused) return { code: error.code, detail: error.message };
  const detail = String(error).slice(0, 300);
  // What an engine says of strings and buffers that it cannot make.
  const isTooLarge = error instanceof RangeError && /length|alloc|size|memory/i.test(error.message);
  return { code: isTooLarge ? "too-large" : "damaged", detail };
}
