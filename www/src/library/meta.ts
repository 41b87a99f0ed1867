/** What the library keeps with each document, and how filters ask for it. */

import type { DocumentFields, Json, Where } from "felsic/search";
import type { FileKind } from "../reading/types.js";
import type { Filters } from "./types.js";

/** A document's `meta`. */
export interface Meta {
  /** The name of the source. */
  readonly source: string;
  /** The folders that the file is in, outermost first: the filter of any of them finds it. */
  readonly folder: readonly string[];
  /** The path of the file. */
  readonly file: string;
  readonly kind: FileKind;
  /** Milliseconds since 1970. */
  readonly modified: number;
  readonly bytes: number;
  readonly sha256: string;
  /** Where pages begin in the text. */
  readonly pages?: readonly number[];
}

/** The most characters that the places of pages may take up in JSON. */
const LONGEST_PAGES = 50_000;

/** Returns the fields of a document's `meta` as JSON has them. */
export function metaJson({ pages, ...meta }: Meta): Readonly<Record<string, Json>> {
  // Without them a PDF is shown as a text.
  const fits = pages !== undefined && JSON.stringify(pages).length <= LONGEST_PAGES;
  return { ...meta, ...(fits && { pages }) };
}

/** Reads a document's `meta`; an imported document may have none. */
export function metaOf({ id, meta = {} }: Pick<DocumentFields, "id" | "meta">): Meta {
  const text = (name: string, otherwise: string) => (typeof meta[name] === "string" ? meta[name] : otherwise);
  const number = (name: string) => (typeof meta[name] === "number" ? meta[name] : 0);
  const file = text("file", id);
  return {
    source: text("source", file.includes("/") ? file.slice(0, file.indexOf("/")) : IMPORTED),
    folder: foldersOf(file),
    file,
    kind: text("kind", "text") as FileKind,
    modified: number("modified"),
    bytes: number("bytes"),
    sha256: text("sha256", ""),
  };
}

/** The source of documents that say nothing of where they come from. */
const IMPORTED = "imported";

/** Returns the paths of the folders that a path is in, outermost first. */
export function foldersOf(path: string): string[] {
  const names = path.split("/").slice(0, -1);
  return names.map((_, at) => names.slice(0, at + 1).join("/"));
}

/** Returns the filter of the collection; `undefined` if everything is searched. */
export function whereOf({ folder, path, kinds, since, until, ids }: Filters): Where | undefined {
  const modified = { ...(since !== undefined && { gte: since }), ...(until !== undefined && { lte: until }) };
  const where: Where = {
    ...(folder !== undefined && { folder }),
    ...(path !== undefined && { file: path }),
    ...(kinds !== undefined && kinds.length > 0 && { kind: [...kinds] }),
    ...(Object.keys(modified).length > 0 && { modified }),
    ...(ids !== undefined && { id: [...ids] }),
  };
  return Object.keys(where).length > 0 ? where : undefined;
}
