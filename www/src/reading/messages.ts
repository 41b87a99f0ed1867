/** What the page and the worker that reads tell each other. */

import type { ReadResult } from "./types.js";

/** To the worker: one file at a time, one result at a time. With `part`, the bytes of that part are all that is wanted. */
export type Request =
  | { readonly type: "read"; readonly id: number; readonly file: Blob; readonly path: string; readonly part?: string }
  /** The last result has been taken. */
  | { readonly type: "next"; readonly id: number }
  | { readonly type: "cancel"; readonly id: number };

/** From the worker. */
export type Response =
  /** It has started. */
  | { readonly type: "ready" }
  /** It is at work; who hears nothing for long may take it for hung. */
  | { readonly type: "beat" }
  | { readonly type: "result"; readonly id: number; readonly result: ReadResult | Blob }
  /** There is no more, or what there is was not wanted. */
  | { readonly type: "done"; readonly id: number };
