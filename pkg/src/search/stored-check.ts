/** The checks of a segment's documents, which may come from a damaged disk or from any server. */

import type { FelsicError } from "../errors.js";
import { isJson } from "./json.js";
import { type SegmentDocuments, type StoredDocument, type StoredPassage, type TextPlace, waitingOf, waits } from "./stored.js";
import type { DocumentKind } from "./types.js";

/** The longest id and the longest name of a collection, in UTF-16 units. */
export const LONGEST_NAME = 1024;
/** The most levels of `meta`: those that `felsic index` writes. */
const DEEPEST = 128;
/** The kinds of documents. */
export const KINDS: readonly DocumentKind[] = ["text", "markdown", "html", "code", "csv", "json"];

/** The sizes that a segment's documents have to agree with. */
export interface SegmentSizes {
  /** The number of passages that have a vector. */
  readonly rows: number;
  /** The number of those that have none. Default 0. */
  readonly waiting?: number;
  /** The bytes of its texts. */
  readonly texts: number;
}

/** Whether a value is an object of JSON. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether a value is a whole number from 0 on that computes exactly. */
export function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

/** Whether a value can be an id. */
export function isId(value: unknown): value is string {
  return typeof value === "string" && value.length >= 1 && value.length <= LONGEST_NAME;
}

const isStrings = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((entry) => typeof entry === "string");
const isOptional = (value: unknown, isRight: (value: unknown) => boolean) => value === undefined || isRight(value);
const isString = (value: unknown): value is string => typeof value === "string";
const isShortHash = (value: unknown): value is string => typeof value === "string" && /^[0-9a-f]{16}$/.test(value);

/** Checks a segment's documents, parsed; throws what `damaged` makes of a reason. */
export function checkedDocuments(json: unknown, sizes: SegmentSizes, damaged: (why: string) => FelsicError): SegmentDocuments {
  if (!isObject(json)) throw damaged("its documents are no object");
  const { documents, removed = [], replaces = [] } = json;
  if (!Array.isArray(documents) || !isStrings(removed) || !isStrings(replaces)) throw damaged("its documents are no lists");
  const ids = new Set<string>();
  let [rows, waiting] = [0, 0];
  for (const document of documents as readonly unknown[]) {
    if (!isDocument(document, sizes)) throw damaged(`document ${ids.size} is not one`);
    if (ids.has(document.id)) throw damaged(`it has ${JSON.stringify(document.id)} twice`);
    ids.add(document.id);
    const without = waitingOf(document);
    rows += document.passages.length - without;
    waiting += without;
  }
  if (rows !== sizes.rows) throw damaged(`its documents have ${rows} passages instead of ${sizes.rows}`);
  const { waiting: stated = 0 } = sizes;
  if (waiting !== stated) throw damaged(`its documents have ${waiting} passages without a vector instead of ${stated}`);
  return { documents: documents as StoredDocument[], removed, replaces };
}

function isDocument(value: unknown, sizes: SegmentSizes): value is StoredDocument {
  if (!isObject(value)) return false;
  const { id, title, url, tags, meta, kind, hash, foundTitle, source, since, passages } = value;
  return (
    isId(id) &&
    [title, url].every((text) => isOptional(text, isString)) &&
    isOptional(tags, isStrings) &&
    isOptional(meta, (fields) => isObject(fields) && isJson(fields, DEEPEST)) &&
    (KINDS as readonly unknown[]).includes(kind) &&
    isShortHash(hash) &&
    isOptional(foundTitle, (found) => found === true) &&
    isOptional(source, (place) => isPlace(place, sizes)) &&
    isOptional(since, isCount) &&
    Array.isArray(passages) &&
    passages.every((passage) => isPassage(passage, sizes)) &&
    (since !== undefined) === passages.some(waits)
  );
}

function isPassage(value: unknown, sizes: SegmentSizes): value is StoredPassage {
  if (!isPlace(value, sizes)) return false;
  const { start, end, trail, anchor, hash, textHash, above } = value as Partial<Record<keyof StoredPassage, unknown>>;
  const isRange = isCount(start) && isCount(end) && start <= end;
  const isHashed = isShortHash(hash) && isOptional(textHash, isShortHash);
  return isRange && isHashed && isOptional(trail, isStrings) && [anchor, above].every((text) => isOptional(text, isString));
}

function isPlace(value: unknown, { texts }: SegmentSizes): value is TextPlace {
  return isObject(value) && isCount(value.at) && isCount(value.bytes) && value.at + value.bytes <= texts;
}
