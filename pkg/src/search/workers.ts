/** The files of `felsic/search`, in the form that bundlers look for; see ../workers-cpu.ts. */

import { baseOf, packageUrl } from "../base.js";
import { absoluteUrl } from "../options.js";
import type { SearchFiles } from "./protocol.js";
import type { CollectionOptions } from "./types.js";

const script = () => new URL("./worker-search.js", import.meta.url);
const layout = () => new URL("./worker-layout.js", import.meta.url);
const wasm = () => new URL("./felsic_search_bg.wasm", import.meta.url);

/** Returns the files of the search worker: those that the caller names, otherwise the package's. */
export function searchFiles(options: Pick<CollectionOptions, "workerUrl" | "wasmUrl" | "baseUrl">): SearchFiles {
  const { workerUrl, wasmUrl } = options;
  const named = wasmUrl === undefined ? undefined : absoluteUrl(wasmUrl, "wasmUrl").href;
  if (workerUrl !== undefined) {
    const scriptUrl = absoluteUrl(workerUrl, "workerUrl").href;
    return named === undefined ? { scriptUrl } : { scriptUrl, wasmUrl: named };
  }
  const base = baseOf(options);
  return {
    scriptUrl: packageUrl("worker-search.js", script, base),
    wasmUrl: named ?? packageUrl("felsic_search_bg.wasm", wasm, base),
  };
}

/** Returns the URL of the layout worker's script, which is loaded for a layout alone. */
export function layoutScript(options: Pick<CollectionOptions, "workerUrl" | "layoutUrl" | "baseUrl">): string {
  const { workerUrl, layoutUrl } = options;
  if (layoutUrl !== undefined) return absoluteUrl(layoutUrl, "layoutUrl").href;
  if (workerUrl !== undefined) return new URL("worker-layout.js", absoluteUrl(workerUrl, "workerUrl")).href;
  return packageUrl("worker-layout.js", layout, baseOf(options));
}
