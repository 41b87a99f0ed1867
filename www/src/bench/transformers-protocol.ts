/** What the page and the worker of transformers.js say to each other. */

/** Where an ONNX export lies, as transformers.js wants it. */
export interface Place {
  /** The origin, with `/` at its end. */
  readonly host: string;
  /** The path of the folder on that host. */
  readonly folder: string;
}

export type Request =
  | { readonly id: number; readonly name: "load"; readonly place: Place; readonly cache: string }
  | { readonly id: number; readonly name: "embed" | "count"; readonly texts: readonly string[] }
  | { readonly id: number; readonly name: "memory" };

/** What the worker has loaded. */
export interface Loaded {
  readonly device: string;
  readonly kernel: string;
  readonly format: string;
}

/** The vectors of texts. */
export interface Embedded {
  readonly vectors: readonly Float32Array[];
}

export type Answer =
  { readonly id: number; readonly value: Loaded | Embedded | number } | { readonly id: number; readonly error: string };
