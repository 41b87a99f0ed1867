/**
 * A live collection's segments: each one file, written at once and never changed. Eight bytes of magic, the length of the header (u32,
 * little-endian) and its SHA-256, the header in JSON, then its sections one after another. Everything is checked when it is read.
 */

import { FelsicError } from "../errors.js";
import { isHash, sha256 } from "../store/names.js";
import { joined } from "../store/network.js";
import { parsed } from "./json.js";
import { checkedDocuments, isCount, isObject } from "./stored-check.js";
import type { SegmentDocuments } from "./stored.js";
import type { SearchModule } from "./wasm.js";

const MAGIC = new TextEncoder().encode("felsicS1");
/** Where the header's hash is, and where the header. */
const HASH_AT = MAGIC.length + 4;
const HEADER_AT = HASH_AT + 32;
/** The most bytes of a header. */
const LONGEST_HEADER = 1 << 16;
/** The most bytes of a segment's documents. */
const LONGEST_DOCUMENTS = 1 << 28;
/** The most components of a vector. */
const MOST_DIMENSIONS = 1 << 16;
/** The bytes of a row's scale. */
const SCALE = 4;

/** The sections, in their order. */
const SECTIONS = ["documents", "rows", "fine", "texts"] as const;
/** The name of a section. */
export type SectionName = (typeof SECTIONS)[number];

/** Where a section is, counted from the end of the header. */
export interface Section {
  readonly at: number;
  readonly bytes: number;
  readonly sha256: string;
}

/** What a segment's header says besides where its sections are. */
export interface SegmentHead {
  /** The name of the collection. */
  readonly name: string;
  readonly space: string;
  /** The name of the model. */
  readonly model: string;
  readonly dimensions: number;
  /** The number of passages that have a vector. */
  readonly rows: number;
  /** The number of passages that wait for theirs; not there if there are none. */
  readonly waiting?: number;
  /** Counts how often all vectors have been made anew. */
  readonly generation: number;
  /** Whether its generation takes the place of all earlier ones. Until there is such a segment, its generation is not complete. */
  readonly begins: boolean;
}

/** The header of a segment. */
export interface SegmentHeader extends SegmentHead {
  readonly sections: Readonly<Record<SectionName, Section>>;
}

/** The rows of a segment. */
export interface RowsData {
  readonly scales: Float32Array<ArrayBuffer>;
  readonly coarse: Int8Array<ArrayBuffer>;
  readonly fine: Int8Array<ArrayBuffer>;
}

/** A vector among rows. */
export type VectorAt = readonly [rows: RowsData, row: number];

/** What a segment is made of. */
export interface SegmentContent extends RowsData {
  readonly documents: SegmentDocuments;
  readonly texts: Uint8Array<ArrayBuffer>;
}

/** A segment that is stored. */
export interface SegmentFile {
  readonly header: SegmentHeader;
  /** Where its sections begin in the file. */
  readonly start: number;
  readonly blob: Blob;
}

/** Returns the bytes of a segment. */
export async function encodeSegment(head: SegmentHead, content: SegmentContent): Promise<Uint8Array<ArrayBuffer>> {
  const { scales, coarse, fine, texts } = content;
  const parts: Record<SectionName, Uint8Array<ArrayBuffer>> = {
    documents: new TextEncoder().encode(JSON.stringify(content.documents)),
    rows: joined([bytesOf(scales), bytesOf(coarse)]),
    fine: bytesOf(fine),
    texts,
  };
  const sections: Partial<Record<SectionName, Section>> = {};
  let at = 0;
  for (const name of SECTIONS) {
    const bytes = parts[name];
    sections[name] = { at, bytes: bytes.length, sha256: await sha256(bytes) };
    at += bytes.length;
  }
  const header = new TextEncoder().encode(JSON.stringify({ ...head, sections }));
  if (header.length > LONGEST_HEADER) throw new FelsicError("internal", "a segment's header is too long");
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, header.length, true);
  return joined([MAGIC, length, bytesOfHex(await sha256(header)), header, ...SECTIONS.map((name) => parts[name])]);
}

/** Reads and checks a segment's header. @throws `index-invalid` */
export async function openSegment(blob: Blob): Promise<SegmentFile> {
  const prefix = await slice(blob, 0, HEADER_AT);
  if (!MAGIC.every((byte, at) => prefix[at] === byte)) throw damaged("it does not begin as a segment does");
  const length = new DataView(prefix.buffer, prefix.byteOffset).getUint32(MAGIC.length, true);
  if (length > LONGEST_HEADER) throw damaged("its header is too long");
  const bytes = await slice(blob, HEADER_AT, length);
  const hash = bytesOfHex(await sha256(bytes));
  if (!hash.every((byte, at) => prefix[HASH_AT + at] === byte)) throw damaged("its header does not match its hash");
  const start = HEADER_AT + length;
  return {
    header: checkedHeader(
      parsed(bytes, () => damaged("its header is no JSON")),
      blob.size - start,
    ),
    start,
    blob,
  };
}

/** Reads and checks a segment's documents. @throws `index-invalid` */
export async function readDocuments(segment: SegmentFile): Promise<SegmentDocuments> {
  const { header } = segment;
  if (header.sections.documents.bytes > LONGEST_DOCUMENTS) throw damaged("its documents are too long");
  const json = parsed(await readSection(segment, "documents"), () => damaged("its documents are no JSON"));
  return checkedDocuments(json, { rows: header.rows, waiting: header.waiting ?? 0, texts: header.sections.texts.bytes }, damaged);
}

/** Reads and checks a segment's rows. @throws `index-invalid` */
export async function readRows(segment: SegmentFile): Promise<RowsData> {
  const [rows, fine] = await Promise.all([readSection(segment, "rows"), readSection(segment, "fine")]);
  const count = segment.header.rows;
  const scales = new Float32Array(rows.slice(0, count * SCALE).buffer);
  if (!scales.every((scale) => scale > 0 && Number.isFinite(scale))) throw damaged("a scale is not a positive number");
  return { scales, coarse: new Int8Array(rows.slice(count * SCALE).buffer), fine: new Int8Array(fine.slice().buffer) };
}

/** Reads a whole section and checks its hash. @throws `index-invalid` */
export async function readSection({ header, start, blob }: SegmentFile, name: SectionName): Promise<Uint8Array<ArrayBuffer>> {
  const section = header.sections[name];
  const bytes = await slice(blob, start + section.at, section.bytes);
  if ((await sha256(bytes)) !== section.sha256) throw damaged(`its ${name} do not match their hash`);
  return bytes;
}

/** Reads bytes of the texts, which are not checked. @throws `index-invalid` if the segment is shorter */
export function readTexts({ header, start, blob }: SegmentFile, at: number, bytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const { texts } = header.sections;
  if (at + bytes > texts.bytes) throw damaged("a text is outside it");
  return slice(blob, start + texts.at + at, bytes);
}

async function slice(blob: Blob, at: number, bytes: number): Promise<Uint8Array<ArrayBuffer>> {
  if (at + bytes > blob.size) throw damaged("it is too short");
  return new Uint8Array(await blob.slice(at, at + bytes).arrayBuffer());
}

function checkedHeader(json: unknown, bytes: number): SegmentHeader {
  if (!isObject(json)) throw damaged("its header is no object");
  const { name, space, model, dimensions, rows, waiting, generation, begins, sections } = json;
  if (typeof name !== "string" || typeof space !== "string" || typeof model !== "string")
    throw damaged("its header lacks a name");
  if (!isCount(dimensions) || dimensions < 1 || dimensions > MOST_DIMENSIONS) throw damaged("its dimensions are no number");
  if (!isCount(rows) || !isCount(generation) || typeof begins !== "boolean") throw damaged("its header lacks a number");
  if (waiting !== undefined && !isCount(waiting)) throw damaged("its header lacks the number of passages that wait");
  if (!isObject(sections)) throw damaged("its header lacks the sections");
  const checked: Partial<Record<SectionName, Section>> = {};
  let end = 0;
  for (const section of SECTIONS) {
    const found = sections[section];
    if (!isObject(found) || found.at !== end || !isCount(found.bytes) || !isHash(found.sha256)) {
      throw damaged(`its header is wrong about its ${section}`);
    }
    checked[section] = { at: end, bytes: found.bytes, sha256: found.sha256 as string };
    end += found.bytes;
  }
  if (end !== bytes) throw damaged(`it has ${bytes} bytes behind its header instead of ${end}`);
  const { documents, rows: vectors, fine, texts } = checked as Record<SectionName, Section>;
  if (vectors.bytes !== rows * (SCALE + dimensions) || fine.bytes !== rows * dimensions) {
    throw damaged(`its rows have another length than ${rows} vectors of ${dimensions} components`);
  }
  return {
    ...{ name, space, model, dimensions, rows, generation, begins },
    ...(waiting !== undefined && { waiting }),
    sections: { documents, rows: vectors, fine, texts },
  };
}

function damaged(why: string): FelsicError {
  return new FelsicError("index-invalid", why);
}

/** The bytes of an array; processors that run wasm keep numbers as segments do, in little-endian order. */
function bytesOf({
  buffer,
  byteOffset,
  byteLength,
}: Float32Array<ArrayBuffer> | Int8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Returns vectors in the form of rows; there have to be `count` of them. */
export function rowsOf(
  module: SearchModule,
  vectors: Float32Array<ArrayBuffer>,
  { count, dimensions }: { readonly count: number; readonly dimensions: number },
): RowsData {
  if (vectors.length !== count * dimensions) {
    throw new FelsicError("internal", "the vectors are not those that were asked for");
  }
  const made = new module.Rows(dimensions);
  try {
    made.add(vectors);
    return { scales: made.scales(0, count), coarse: made.coarse(0, count), fine: made.fine(0, count)! };
  } finally {
    made.free();
  }
}

/** Returns rows of several sources as one. */
export function gathered(from: readonly VectorAt[], dimensions: number): RowsData {
  const scales = new Float32Array(from.length);
  const coarse = new Int8Array(from.length * dimensions);
  const fine = new Int8Array(from.length * dimensions);
  for (const [at, [rows, row]] of from.entries()) {
    const [start, end] = [row * dimensions, (row + 1) * dimensions];
    scales[at] = rows.scales[row]!;
    coarse.set(rows.coarse.subarray(start, end), at * dimensions);
    fine.set(rows.fine.subarray(start, end), at * dimensions);
  }
  return { scales, coarse, fine };
}

function bytesOfHex(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(hex.match(/../g) ?? [], (digits) => parseInt(digits, 16));
}
