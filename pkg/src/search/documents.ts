/** What pages add, checked before anything is done with it. */

import { checkNames, invalid, kind as kindOfValue, type Names } from "../options.js";
import type { CheckedDocument } from "./protocol.js";
import { isId, KINDS, LONGEST_NAME } from "./stored-check.js";
import type { Document, DocumentKind, Json } from "./types.js";

const FIELDS: Names<Document> = { id: true, text: true, kind: true, title: true, url: true, tags: true, meta: true };
const FIELD_WORDS = { what: "a document", name: "field" };

/** The most characters of a text. */
const LONGEST_TEXT = 1 << 24;
/** The most characters of a title and of a URL. */
const LONGEST_FIELD = 8192;
/** The most characters of all tags, and of `meta`, in JSON. */
const LONGEST_JSON = 65_536;
/** How deep `meta` may be. */
const DEEPEST = 32;

/** The kinds by the endings of ids. */
const ENDINGS: Readonly<Record<string, DocumentKind>> = {
  ...kinds("markdown", "md mdx markdown"),
  ...kinds("html", "html htm xhtml"),
  ...kinds("csv", "csv"),
  ...kinds("json", "json jsonl ndjson"),
  ...kinds("code", "js mjs cjs jsx ts mts cts tsx vue svelte py rs go java kt scala c h cc cpp hpp cs swift rb php pl lua r jl"),
  ...kinds("code", "sh bash ps1 sql css scss less toml yaml yml ini xml graphql proto wgsl glsl zig hs ml ex exs erl clj dart"),
};

function kinds(kind: DocumentKind, endings: string): Record<string, DocumentKind> {
  return Object.fromEntries(endings.split(" ").map((ending) => [ending, kind]));
}

/** A document, checked, as an object of its own: what the caller does to theirs later changes nothing. */
export function checkedDocument(value: unknown): CheckedDocument {
  checkNames(value, FIELDS, FIELD_WORDS);
  const { id, text, kind, title, url, tags, meta } = value as { readonly [Name in keyof Document]?: unknown };
  checkId(id);
  const of = `document ${JSON.stringify(id)}`;
  if (typeof text !== "string") throw invalid(`the text of ${of} must be a string, not ${kindOfValue(text)}`);
  if (text.length > LONGEST_TEXT)
    throw invalid(`the text of ${of} has ${text.length} characters; divide it: the most is ${LONGEST_TEXT}`);
  if (kind !== undefined && !(KINDS as readonly unknown[]).includes(kind)) {
    throw invalid(`the kind of ${of} is ${String(kind)}; use one of ${KINDS.join(", ")}`);
  }
  return {
    id,
    text,
    kind: (kind as DocumentKind | undefined) ?? kindById(id),
    ...(title !== undefined && { title: checkedString(title, `the title of ${of}`) }),
    ...(url !== undefined && { url: checkedString(url, `the url of ${of}`) }),
    ...(tags !== undefined && { tags: checkedTags(tags, `the tags of ${of}`) }),
    ...(meta !== undefined && { meta: checkedMeta(meta, `the meta of ${of}`) }),
  };
}

/** Checks an id. */
export function checkId(id: unknown): asserts id is string {
  if (isId(id)) return;
  const what = typeof id === "string" ? `has ${id.length}` : `is ${kindOfValue(id)}`;
  throw invalid(`an id must be a string of 1 to ${LONGEST_NAME} characters; this one ${what}`);
}

function kindById(id: string): DocumentKind {
  const ending = /\.(\w+)(?:[?#].*)?$/.exec(id)?.[1]?.toLowerCase() ?? "";
  return Object.hasOwn(ENDINGS, ending) ? ENDINGS[ending]! : "text";
}

function checkedString(value: unknown, what: string): string {
  if (typeof value !== "string") throw invalid(`${what} must be a string, not ${kindOfValue(value)}`);
  if (value.length > LONGEST_FIELD) throw invalid(`${what} has ${value.length} characters; the most is ${LONGEST_FIELD}`);
  return value;
}

function checkedTags(value: unknown, what: string): string[] {
  if (!Array.isArray(value) || !value.every((tag) => typeof tag === "string")) throw invalid(`${what} must be a list of strings`);
  checkLength(value, what);
  return [...value];
}

function checkedMeta(value: unknown, what: string): Record<string, Json> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw invalid(`${what} must be an object`);
  const meta = checkedJson(value, what, DEEPEST) as Record<string, Json>;
  checkLength(meta, what);
  return meta;
}

function checkLength(value: unknown, what: string): void {
  const { length } = JSON.stringify(value);
  if (length > LONGEST_JSON) throw invalid(`${what} is ${length} characters of JSON; the most is ${LONGEST_JSON}`);
}

/** A copy of what JSON has; like JSON it leaves out what is undefined in an object. */
function checkedJson(value: unknown, what: string, depth: number): Json {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number" && Number.isFinite(value)) return value;
  if (typeof value !== "object") throw invalid(`${what} has ${kindOfValue(value)} in it, which JSON does not have`);
  if (depth === 0) throw invalid(`${what} is deeper than ${DEEPEST} levels, or refers to itself`);
  if (Array.isArray(value)) return value.map((entry) => checkedJson(entry, what, depth - 1));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    throw invalid(`${what} has an object in it that is more than JSON, such as a Date: write it as a string or a number`);
  }
  const entries = Object.entries(value).filter(([, entry]) => entry !== undefined);
  return Object.fromEntries(entries.map(([name, entry]) => [name, checkedJson(entry, what, depth - 1)]));
}
