/**
 * Parquet: a row for each passage, in row groups, with the space of the vectors in the file's metadata. This is a chunk of its own, which
 * only pages load that write or read such a file.
 */

/*!
 * Contains hyparquet and hyparquet-writer.
 *
 * The MIT License (MIT)
 *
 * Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
 * documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
 * rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
 * persons to whom the Software is furnished to do so, subject to the following conditions:
 *
 * The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
 * Software.
 *
 * THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
 * WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
 * COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
 * OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
 */

import { type FileMetaData, parquetMetadataAsync, parquetReadObjects, type SchemaElement } from "hyparquet";
import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import { FelsicError } from "../errors.js";
import { checkedRow, type PassageRow, wrong } from "./transfer-rows.js";

/** The key of felsic's own metadata in a file. */
const KEY = "felsic";
/** The most bytes that a row group may have, uncompressed: it is read at once, and takes several times that much memory. */
const LARGEST_GROUP = 1 << 27;
/** The most rows that it may have. */
const MOST_ROWS = 1 << 20;
/** The most bytes of a file's metadata. */
const LARGEST_FOOTER = 1 << 26;

/** The columns that are read. */
const COLUMNS = [
  "id",
  "title",
  "url",
  "tags",
  "meta",
  "kind",
  "start",
  "end",
  "trail",
  "anchor",
  "text",
  "source",
  "vector",
  "embedding",
  "waits",
];

const required = { repetition_type: "REQUIRED" } as const;
const optional = { repetition_type: "OPTIONAL" } as const;
const utf8 = { type: "BYTE_ARRAY", converted_type: "UTF8" } as const;

/** A column that holds lists, in the three levels that the format prescribes. */
const listOf = (name: string, element: Omit<SchemaElement, "name">): SchemaElement[] => [
  { name, ...optional, converted_type: "LIST", num_children: 1 },
  { name: "list", repetition_type: "REPEATED", num_children: 1 },
  { name: "element", ...required, ...element },
];

const SCHEMA: SchemaElement[] = [
  { name: "passages", num_children: 14 },
  { name: "id", ...required, ...utf8 },
  { name: "title", ...optional, ...utf8 },
  { name: "url", ...optional, ...utf8 },
  ...listOf("tags", utf8),
  { name: "meta", ...optional, ...utf8 },
  { name: "kind", ...optional, ...utf8 },
  { name: "start", ...optional, type: "INT32" },
  { name: "end", ...optional, type: "INT32" },
  ...listOf("trail", utf8),
  { name: "anchor", ...optional, ...utf8 },
  { name: "text", ...required, ...utf8 },
  { name: "source", ...optional, ...utf8 },
  ...listOf("vector", { type: "FLOAT" }),
  { name: "waits", ...optional, type: "BOOLEAN" },
];

/** What a file says of the vectors in it. */
export interface SpaceOf {
  readonly space: string;
  readonly model: string;
  readonly dimensions: number;
}

/** Writes passages; each call makes a row group. */
export function parquetWriter({ space, model, dimensions }: SpaceOf): {
  rows(rows: readonly PassageRow[]): Uint8Array<ArrayBuffer>;
  end(): Uint8Array<ArrayBuffer>;
} {
  const bytes = new ByteWriter();
  const value = JSON.stringify({ version: 1, space, model, dimensions });
  const writer = new ParquetWriter({ writer: bytes, schema: SCHEMA, kvMetadata: [{ key: KEY, value }], createdBy: "felsic" });
  const taken = () => {
    const written = new Uint8Array(bytes.getBytes());
    // Its `offset` goes on counting, as in the library's own writer of files.
    bytes.index = 0;
    return written;
  };
  const column = (rows: readonly PassageRow[], name: keyof PassageRow) => ({ name, data: rows.map((row) => row[name] ?? null) });
  return {
    rows(rows) {
      const columnData = [
        column(rows, "id"),
        column(rows, "title"),
        column(rows, "url"),
        column(rows, "tags"),
        { name: "meta", data: rows.map(({ meta }) => (meta ? JSON.stringify(meta) : null)) },
        column(rows, "kind"),
        column(rows, "start"),
        column(rows, "end"),
        column(rows, "trail"),
        column(rows, "anchor"),
        column(rows, "text"),
        column(rows, "source"),
        {
          name: "vector",
          data: rows.map(({ vector }) => (vector ? Array.from(vector) : null)),
          // Neither a dictionary nor compression makes vectors smaller.
          encoding: "PLAIN" as const,
          codec: "UNCOMPRESSED" as const,
          statistics: false,
        },
        column(rows, "waits"),
      ];
      void writer.write({ columnData, rowGroupSize: rows.length });
      return taken();
    },
    end() {
      void writer.finish();
      return taken();
    },
  };
}

/** Reads and checks the rows of a file, a row group at a time. @throws `input-invalid`, `vectors-disagree` */
export async function* readParquet(file: Blob, dimensions: number): AsyncGenerator<PassageRow[]> {
  const slice = (start: number, end = file.size) => {
    const bytes = part(file, start, end);
    // The library asks for several parts, and looks at no other once one has failed.
    bytes.catch(() => undefined);
    return bytes;
  };
  const buffer = { byteLength: file.size, slice };
  const metadata = await checkedMetadata(file, buffer);
  const names = new Set(metadata.schema.map(({ name }) => name));
  const columns = COLUMNS.filter((name) => names.has(name));
  let first = 0;
  for (const { num_rows } of metadata.row_groups) {
    const end = first + Number(num_rows);
    const rows = await parquetReadObjects({ file: buffer, metadata, columns, rowStart: first, rowEnd: end }).catch(refused);
    if (rows.length !== end - first) throw wrong("the file", `rows ${first + 1} to ${end} are not all there`);
    yield rows.map((row, at) => checkedRow(row, `row ${first + at + 1}`, dimensions));
    first = end;
  }
}

/** Reads a part of a file, if it is there. */
async function part(file: Blob, start: number, end: number): Promise<ArrayBuffer> {
  const isThere = Number.isSafeInteger(start) && Number.isSafeInteger(end) && 0 <= start && start <= end && end <= file.size;
  if (!isThere) throw wrong("the file", "it says that a part of it is where there is none");
  return file.slice(start, end).arrayBuffer();
}

/** Reads a file's metadata, and checks what a reader would otherwise believe. */
async function checkedMetadata(file: Blob, buffer: Parameters<typeof parquetMetadataAsync>[0]): Promise<FileMetaData> {
  const footer = file.size < 12 ? 0 : new DataView(await file.slice(-8).arrayBuffer()).getUint32(0, true);
  if (footer === 0 || footer > Math.min(file.size - 12, LARGEST_FOOTER))
    throw wrong("the file", "its end is not that of Parquet");
  const metadata = await parquetMetadataAsync(buffer, { geoparquet: false }).catch(refused);
  let rows = 0n;
  for (const { columns, num_rows } of metadata.row_groups) {
    let bytes = 0n;
    for (const { meta_data } of columns) bytes += counted(meta_data?.total_uncompressed_size ?? 0n);
    if (bytes < 0n || num_rows < 0n || bytes > LARGEST_GROUP || num_rows > MOST_ROWS) {
      throw wrong("the file", `a row group has ${num_rows} rows and ${bytes} bytes; write it in row groups of about 1,000 rows`);
    }
    rows += counted(num_rows);
  }
  if (rows !== metadata.num_rows) throw wrong("the file", "its numbers of rows contradict each other");
  return metadata;
}

/** A number of a damaged file may be of another type than the library declares. */
function counted(value: unknown): bigint {
  if (typeof value === "bigint") return value;
  throw wrong("the file", "a number in its metadata is none");
}

/** What the library throws for a damaged file may be anything. */
function refused(cause: unknown): never {
  if (cause instanceof FelsicError) throw cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  const hint = /codec|compress/i.test(reason) ? "; write it with snappy or without compression" : "";
  throw new FelsicError("input-invalid", `the Parquet file cannot be read: ${reason}${hint}`, { cause });
}
