/** A row of a file: one passage with its document, as it leaves a collection and as it comes in, checked. */

import { FelsicError } from "../errors.js";
import { isJson, parsed } from "./json.js";

/** A value that JSON has. */
type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

/** Kinds of documents. */
const KINDS = ["text", "markdown", "html", "code", "csv", "json"] as const;
/** The most characters of an id. */
const LONGEST_ID = 1024;
/** The most levels of `meta`, as for documents that an app adds. */
const DEEPEST = 32;

/** A passage and its document. The rows of one document stand together, in the order of its passages. */
export interface PassageRow {
  /** The document's. */
  readonly id: string;
  readonly title?: string;
  readonly url?: string;
  readonly tags?: readonly string[];
  readonly meta?: Readonly<Record<string, Json>>;
  readonly kind?: (typeof KINDS)[number];
  /** Where the passage is in the document's text, in UTF-16 units. Without it the row is a whole document. */
  readonly start?: number;
  readonly end?: number;
  /** The headings above it, outermost first. */
  readonly trail?: readonly string[];
  /** What leads to it on the document's page. */
  readonly anchor?: string;
  readonly text: string;
  /** The document's whole text, with its first passage. */
  readonly source?: string;
  /** Of unit length, once it has been checked. */
  readonly vector?: Float32Array<ArrayBuffer>;
  /** Whether it has no vector yet although its file has vectors: it is embedded when it comes in. */
  readonly waits?: true;
}

/** Checks what a file has for a row. Fields with other names are ignored. @throws `input-invalid`, `vectors-disagree` */
export function checkedRow(raw: unknown, where: string, dimensions: number): PassageRow {
  if (typeof raw !== "object" || raw === null || Array.isArray(raw)) throw wrong(where, "it is not an object");
  const fields = raw as Readonly<Record<string, unknown>>;
  const place = checkedPlace(fields, where);
  const optional = {
    title: text(fields, "title", where),
    url: text(fields, "url", where),
    kind: kind(fields, where),
    tags: texts(fields, "tags", where),
    trail: texts(fields, "trail", where),
    anchor: text(fields, "anchor", where),
    source: text(fields, "source", where),
    meta: meta(fields, where),
    vector: vector(fields, where, dimensions),
    waits: waits(fields, where),
  };
  const given = Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined));
  const body = text(fields, "text", where);
  if (body === undefined) throw wrong(where, '"text" is missing');
  return { id: id(fields, where), text: body, ...place, ...given };
}

function id({ id }: Readonly<Record<string, unknown>>, where: string): string {
  // Tables often number their rows.
  const name = typeof id === "bigint" || (typeof id === "number" && Number.isSafeInteger(id)) ? String(id) : id;
  if (typeof name === "string" && name.length >= 1 && name.length <= LONGEST_ID) return name;
  throw wrong(where, `"id" must be a string of 1 to ${LONGEST_ID} characters, or a whole number`);
}

function text(fields: Readonly<Record<string, unknown>>, name: string, where: string): string | undefined {
  const value = fields[name] ?? undefined;
  if (value !== undefined && typeof value !== "string") throw wrong(where, `"${name}" must be a string`);
  return value;
}

function texts(fields: Readonly<Record<string, unknown>>, name: string, where: string): string[] | undefined {
  const value = fields[name] ?? undefined;
  if (value === undefined) return undefined;
  if (!Array.isArray(value) || !value.every((item) => typeof item === "string")) {
    throw wrong(where, `"${name}" must be a list of strings`);
  }
  return value.length === 0 ? undefined : value;
}

function kind({ kind }: Readonly<Record<string, unknown>>, where: string): PassageRow["kind"] {
  if (kind === undefined || kind === null) return undefined;
  const known = KINDS.find((name) => name === kind);
  if (known === undefined) throw wrong(where, `"kind" must be one of ${KINDS.join(", ")}`);
  return known;
}

function waits({ waits }: Readonly<Record<string, unknown>>, where: string): true | undefined {
  if (waits === undefined || waits === null || waits === false) return undefined;
  if (waits === true) return true;
  throw wrong(where, '"waits" must be true or false');
}

function checkedPlace({ start, end }: Readonly<Record<string, unknown>>, where: string): { start?: number; end?: number } {
  if ((start ?? undefined) === undefined && (end ?? undefined) === undefined) return {};
  const [from, to] = [offset(start), offset(end)];
  if (from === undefined || to === undefined || from > to) {
    throw wrong(where, '"start" and "end" must be whole numbers, in this order');
  }
  return { start: from, end: to };
}

/** An offset. Parquet readers give 64-bit numbers as `bigint`. */
function offset(value: unknown): number | undefined {
  const number = typeof value === "bigint" ? Number(value) : value;
  return typeof number === "number" && Number.isSafeInteger(number) && number >= 0 ? number : undefined;
}

/** A document's other fields: an object, or its JSON, as tables have it. */
function meta(fields: Readonly<Record<string, unknown>>, where: string): PassageRow["meta"] {
  const given = fields["meta"] ?? undefined;
  if (given === undefined) return undefined;
  const value: unknown = typeof given === "string" ? parsed(given, () => wrong(where, '"meta" is not JSON')) : given;
  if (typeof value !== "object" || value === null || Array.isArray(value) || !isJson(value, DEEPEST)) {
    throw wrong(where, '"meta" must be an object of JSON values');
  }
  return value as Record<string, Json>;
}

function vector(
  fields: Readonly<Record<string, unknown>>,
  where: string,
  dimensions: number,
): Float32Array<ArrayBuffer> | undefined {
  const given = fields["vector"] ?? fields["embedding"] ?? undefined;
  if (given === undefined) return undefined;
  const isList = Array.isArray(given) || given instanceof Float32Array || given instanceof Float64Array;
  if (!isList) throw wrong(where, '"vector" must be a list of numbers');
  if (given.length !== dimensions) {
    throw new FelsicError(
      "vectors-disagree",
      `${where} has a vector of ${given.length} components; this collection's have ${dimensions}: it is of another model`,
    );
  }
  if (Array.isArray(given) && !given.every((x) => typeof x === "number"))
    throw wrong(where, '"vector" must be a list of numbers');
  return unit(Float32Array.from(given as ArrayLike<number>), where);
}

/** Makes a vector's length 1. */
function unit(vector: Float32Array<ArrayBuffer>, where: string): Float32Array<ArrayBuffer> {
  let squares = 0;
  for (const x of vector) squares += x * x;
  const length = Math.sqrt(squares);
  if (!Number.isFinite(length) || length < 1e-6) throw wrong(where, "its vector is not finite, or is zero");
  // Written by felsic: the same bits come back.
  if (Math.abs(length - 1) < 1e-6) return vector;
  return vector.map((x) => x / length);
}

/** An error about a place in a file. */
export function wrong(where: string, what: string): FelsicError {
  return new FelsicError("input-invalid", `${where} cannot be imported: ${what}`);
}
