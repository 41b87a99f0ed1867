/** Zip archives, by their central directory: any part, in pieces, and never more than was allowed. */

import { Gunzip, Inflate } from "fflate";
import { knownEncoding } from "./encoding.js";
import { MOST_DIRECTORY_BYTES, MOST_PARTS } from "./limits.js";
import { bytesOf, Refused, type Source, type Work } from "./work.js";

/** Bytes that are read from the file at once. */
const PIECE = 1 << 16;
/** Bytes that are inflated at once: 1,032 times as many may come out. */
const BITE = 1 << 13;

const END = 0x06054b50;
const END_64 = 0x06064b50;
const LOCATOR_64 = 0x07064b50;
const ENTRY = 0x02014b50;
const LOCAL = 0x04034b50;

/** A file in an archive. */
export interface Entry {
  /** The name as the archive has it: it may be anything. */
  readonly name: string;
  readonly isEncrypted: boolean;
  readonly method: number;
  readonly crc: number;
  readonly packed: number;
  readonly size: number;
  /** Where its local header is. */
  readonly at: number;
}

export class Zip {
  #byName: Map<string, Entry> | undefined;

  private constructor(
    readonly blob: Source,
    readonly entries: readonly Entry[],
  ) {}

  /** Reads the list of parts. */
  static async open(blob: Source): Promise<Zip> {
    const { at, size, count, shift } = await directory(blob);
    if (count > MOST_PARTS * 5) throw new Refused("too-many", `it has ${count} parts`);
    if (size > MOST_DIRECTORY_BYTES) throw new Refused("too-many", `its list of parts has ${size} bytes`);
    return new Zip(blob, entriesOf(await bytesOf(blob, at, at + size), shift));
  }

  /** Returns the part of a name; if there are several, the first. */
  find(name: string): Entry | undefined {
    if (!this.#byName) {
      this.#byName = new Map();
      for (const entry of this.entries) if (!this.#byName.has(entry.name)) this.#byName.set(entry.name, entry);
    }
    return this.#byName.get(name);
  }

  /** Returns the bytes of a part. */
  async bytes(entry: Entry, work: Work, most: number): Promise<Uint8Array<ArrayBuffer>> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of this.chunks(entry, work, most)) chunks.push(chunk);
    return joined(chunks);
  }

  /** Yields the bytes of a part in pieces. */
  async *chunks(entry: Entry, work: Work, most: number): AsyncGenerator<Uint8Array> {
    if (entry.isEncrypted) throw new Refused("encrypted", "it needs a password");
    if (entry.method !== 0 && entry.method !== 8)
      throw new Refused("binary", `its method of compression, ${entry.method}, is not read`);
    if (entry.size > most) throw new Refused("too-large", `it has ${entry.size} bytes`);
    const header = new DataView((await bytesOf(this.blob, entry.at, entry.at + 30)).buffer);
    if (header.byteLength < 30 || header.getUint32(0, true) !== LOCAL)
      throw new Refused("damaged", "a part is not where it should be");
    const start = entry.at + 30 + header.getUint16(26, true) + header.getUint16(28, true);
    const packed = this.blob.slice(start, start + entry.packed);
    if (packed.size !== entry.packed) throw new Refused("damaged", "the archive ends within a part");
    const sum = new Crc();
    const pieces = entry.method === 0 ? stored(packed, work) : inflated(new Inflate(), packed, work);
    let size = 0;
    for await (const piece of pieces) {
      size += piece.length;
      if (size > most) throw new Refused("too-large", `it has more than ${most} bytes`);
      sum.add(piece);
      yield piece;
    }
    if (sum.value !== entry.crc) throw new Refused("damaged", "its bytes are not those that were packed");
  }
}

/** Yields what gzip has packed. */
export async function* gunzipped(blob: Source, work: Work, most: number): AsyncGenerator<Uint8Array> {
  const tail = new DataView((await bytesOf(blob, Math.max(0, blob.size - 8))).buffer);
  if (blob.size < 18) throw new Refused("damaged", "the file ends within its first bytes");
  const sum = new Crc();
  const gunzip = new Gunzip();
  let [members, size] = [1, 0];
  gunzip.onmember = () => (members += 1);
  for await (const piece of inflated(gunzip, blob, work)) {
    size += piece.length;
    if (size > most) throw new Refused("too-large", `it has more than ${most} bytes`);
    sum.add(piece);
    yield piece;
  }
  // Each member has a sum of its own; files with several are rare.
  if (members === 1 && tail.getUint32(0, true) !== sum.value)
    throw new Refused("damaged", "its bytes are not those that were packed");
}

/** Joins pieces. */
export function joined(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

async function* stored(blob: Source, work: Work): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < blob.size; at += PIECE) {
    const piece = await bytesOf(blob, at, Math.min(at + PIECE, blob.size));
    work.budget.unpacked(piece.length);
    await work.breathe();
    yield piece;
  }
}

async function* inflated(inflate: Inflate | Gunzip, blob: Source, work: Work): AsyncGenerator<Uint8Array> {
  let out: Uint8Array[] = [];
  let isOver = false;
  inflate.ondata = (bytes: Uint8Array, final: boolean) => {
    work.budget.unpacked(bytes.length);
    if (bytes.length > 0) out.push(bytes);
    isOver ||= final;
  };
  for (let at = 0; at < blob.size; at += PIECE) {
    const piece = await bytesOf(blob, at, Math.min(at + PIECE, blob.size));
    for (let bite = 0; bite < piece.length && !isOver; bite += BITE) {
      inflate.push(piece.subarray(bite, bite + BITE), at + bite + BITE >= blob.size);
      yield* out;
      out = [];
      await work.breathe();
    }
  }
  if (!isOver) throw new Refused("damaged", "its packed bytes do not end");
}

/** Finds the list of parts. */
async function directory(blob: Source): Promise<{ at: number; size: number; count: number; shift: number }> {
  const tailAt = Math.max(0, blob.size - 22 - 65_535);
  const tail = await bytesOf(blob, tailAt);
  const view = new DataView(tail.buffer);
  let end = tail.length - 22;
  while (end >= 0 && view.getUint32(end, true) !== END) end -= 1;
  if (end < 0) throw new Refused("damaged", "the archive has no list of parts: it was cut off");
  let count = view.getUint16(end + 10, true);
  let size = view.getUint32(end + 12, true);
  let offset = view.getUint32(end + 16, true);
  let behind = tailAt + end;
  if (count === 0xffff || size === 0xffffffff || offset === 0xffffffff) {
    const large = await directory64(blob, tailAt + end);
    if (large) ({ count, size, offset, behind } = large);
  }
  // What stands before the archive, such as the program that unpacks it, moves everything.
  const shift = behind - size - offset;
  if (shift < 0) throw new Refused("damaged", "the archive's list of parts is not where it should be");
  return { at: offset + shift, size, count, shift };
}

/** The list of parts of an archive of more than 4 GB, or 65,535 parts. */
async function directory64(blob: Source, end: number) {
  if (end < 20) return undefined;
  const locator = new DataView((await bytesOf(blob, end - 20, end)).buffer);
  if (locator.getUint32(0, true) !== LOCATOR_64) return undefined;
  const behind = Number(locator.getBigUint64(8, true));
  const view = new DataView((await bytesOf(blob, behind, behind + 56)).buffer);
  if (view.byteLength < 56 || view.getUint32(0, true) !== END_64)
    throw new Refused("damaged", "the archive has no list of parts");
  const number = (at: number) => Number(view.getBigUint64(at, true));
  return { count: number(32), size: number(40), offset: number(48), behind };
}

function entriesOf(bytes: Uint8Array<ArrayBuffer>, shift: number): Entry[] {
  const view = new DataView(bytes.buffer);
  const entries: Entry[] = [];
  let at = 0;
  while (at + 46 <= bytes.length && view.getUint32(at, true) === ENTRY) {
    const flags = view.getUint16(at + 8, true);
    const nameEnd = at + 46 + view.getUint16(at + 28, true);
    const extraEnd = nameEnd + view.getUint16(at + 30, true);
    const name = nameOf(bytes.subarray(at + 46, nameEnd), (flags & 0x800) !== 0);
    let [packed, size, header] = [view.getUint32(at + 20, true), view.getUint32(at + 24, true), view.getUint32(at + 42, true)];
    if (packed === 0xffffffff || size === 0xffffffff || header === 0xffffffff) {
      [size, packed, header] = larger(view, nameEnd, Math.min(extraEnd, bytes.length), [size, packed, header]);
    }
    const [method, crc] = [view.getUint16(at + 10, true), view.getUint32(at + 16, true)];
    entries.push({ name, isEncrypted: (flags & 1) !== 0, method, crc, packed, size, at: header + shift });
    at = extraEnd + view.getUint16(at + 32, true);
  }
  if (at !== bytes.length && entries.length === 0) throw new Refused("damaged", "the archive's list of parts cannot be read");
  return entries;
}

/** The numbers that do not fit into 32 bits, from the extra field. */
function larger(view: DataView, start: number, end: number, numbers: [number, number, number]): [number, number, number] {
  for (let at = start; at + 4 <= end; at += 4 + view.getUint16(at + 2, true)) {
    if (view.getUint16(at, true) !== 1) continue;
    let field = at + 4;
    const fieldEnd = Math.min(end, field + view.getUint16(at + 2, true));
    return numbers.map((number) => {
      if (number !== 0xffffffff || field + 8 > fieldEnd) return number;
      field += 8;
      return Number(view.getBigUint64(field - 8, true));
    }) as [number, number, number];
  }
  return numbers;
}

function nameOf(bytes: Uint8Array, isUtf8: boolean): string {
  try {
    return new TextDecoder("utf-8", { fatal: !isUtf8 }).decode(bytes);
  } catch {
    // Older programs write the encoding of their system and do not say which it is.
    return new TextDecoder(knownEncoding("ibm437") ?? "windows-1252").decode(bytes);
  }
}

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte;
  for (let bit = 0; bit < 8; bit += 1) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  return sum >>> 0;
});

/** The check sum of zip. */
class Crc {
  #sum = 0xffffffff;

  get value(): number {
    return (this.#sum ^ 0xffffffff) >>> 0;
  }

  add(bytes: Uint8Array): void {
    let sum = this.#sum;
    for (let i = 0; i < bytes.length; i += 1) sum = (sum >>> 8) ^ TABLE[(sum ^ bytes[i]!) & 255]!;
    this.#sum = sum;
  }
}
