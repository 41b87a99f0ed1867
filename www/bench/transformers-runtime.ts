/** The WebAssembly of transformers.js. */

import { env } from "@huggingface/transformers";
// The build that transformers.js takes by itself in this browser, from the release that it depends on.
import loaderUrl from "transformers-ort/ort-wasm-simd-threaded.asyncify.mjs?url";
import wasmUrl from "transformers-ort/ort-wasm-simd-threaded.asyncify.wasm?url";

/** Has it run with so many threads, and come from this page's own files. */
export function useOwnRuntime(threads: number): void {
  // From a cache it would run as a blob, which the page's policy refuses.
  env.useWasmCache = false;
  const wasm = env.backends.onnx.wasm;
  if (!wasm) throw new Error("this build of transformers.js has no wasm backend");
  wasm.numThreads = threads;
  wasm.wasmPaths = { mjs: new URL(loaderUrl, import.meta.url).href, wasm: new URL(wasmUrl, import.meta.url).href };
}
