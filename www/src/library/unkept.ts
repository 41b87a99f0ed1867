/** The files of felsic/search for pages that are no secure context. They are loaded for these alone. */

import wasmUrl from "felsic/felsic_search_bg.wasm?url";
import layoutUrl from "felsic/worker-layout.js?url";
import type { CollectionOptions } from "felsic/search";
import workerUrl from "./unkept-worker.ts?worker&url";

/** Where a collection's worker is that brings its own hashes. */
export const UNKEPT: Pick<CollectionOptions, "workerUrl" | "wasmUrl" | "layoutUrl"> = {
  workerUrl: new URL(workerUrl, import.meta.url),
  wasmUrl: new URL(wasmUrl, import.meta.url),
  layoutUrl: new URL(layoutUrl, import.meta.url),
};
