/** The interface of felsic_search, the wasm that cuts documents, keeps rows and scans them. */

import type { DocumentKind, TextRange } from "./types.js";

/** The best rows, and what the cosines of all allowed rows are like. */
export interface Found {
  readonly rows: Uint32Array<ArrayBuffer>;
  /** Cosines, best first, ties by row. */
  readonly scores: Float32Array<ArrayBuffer>;
  readonly mean: number;
  readonly deviation: number;
  /** The number of rows that were allowed. */
  readonly seen: number;
  free(): void;
}

/** Rows in wasm memory. */
export interface Rows {
  /** Adds unit vectors, one after another; returns the number of the first row. */
  add(vectors: Float32Array): number;
  /** Adds rows as they are stored; returns the number of the first one. */
  addRows(scales: Float32Array, coarse: Int8Array, fine?: Int8Array): number;
  scales(from: number, count: number): Float32Array<ArrayBuffer>;
  coarse(from: number, count: number): Int8Array<ArrayBuffer>;
  fine(from: number, count: number): Int8Array<ArrayBuffer> | undefined;
  vector(row: number): Float32Array<ArrayBuffer>;
  readonly length: number;
  clear(): void;
  /** `allowed` has the bit `row % 8` of byte `row >> 3`. */
  top(query: Float32Array, count: number, allowed?: Uint8Array): Found;
  /** Returns the cosines of some rows, given by their numbers, with a query of unit length: bit-for-bit those that `top` returns. */
  cosines(query: Float32Array, rows: Uint32Array): Float32Array<ArrayBuffer>;
  free(): void;
}

/** A passage as the cutter makes it. */
export interface CutPassage extends TextRange {
  readonly text: string;
  readonly trail: readonly string[];
  /** What leads to it on the document's page, behind `#`. */
  readonly anchor?: string;
  /** What is embedded. */
  readonly input: string;
}

/** Cuts one document. */
export interface Cutter {
  /** Returns the texts whose tokens have to be counted next; none when it is done. */
  pieces(): string[];
  counted(tokens: Uint32Array): void;
  passages(): CutPassage[];
  title(): string | undefined;
  free(): void;
}

/** A wasm module: its start function and its classes. */
export interface SearchModule {
  default(input: { module_or_path: Response }): Promise<unknown>;
  readonly Rows: new (dimensions: number) => Rows;
  readonly Cutter: new (kind: DocumentKind, source: string, mostTokens: number, overlapTokens: number, title?: string) => Cutter;
}
