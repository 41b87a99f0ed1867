/** Where the package's own files are: the workers' scripts, their binaries, the built-in model. */

import { baseOf, packageUrl } from "./base.js";
import { absoluteUrl, type CreateOptions } from "./options.js";
import type { Binary } from "./simd.js";
import { missing, urls } from "./workers.js";

/** The workers, by the names in their files. */
export type WorkerName = Binary | "packer";

/** The URLs of the package's files, as bundlers have rewritten them. */
export type PackageUrls = { readonly [Name in `worker-${WorkerName}.js` | `felsic_${WorkerName}_bg.wasm`]?: () => URL };

/** Loads the script for GPUs, which a page without batches does not need. */
export type GpuScript = () => Promise<typeof import("./gpu.js")>;

/** The files of an engine's worker. */
export interface EngineFiles {
  /** The worker's script. If another script imports it, the worker cannot find out its own URL. */
  readonly scriptUrl: string;
  /** Its binary, if it is not beside the script. */
  readonly wasmUrl?: string;
}

/** The files of the worker that makes packs. */
export interface PackerFiles {
  readonly scriptUrl: string;
  readonly engineUrl: string;
  readonly packerUrl: string;
}

/** The folders that the caller names. */
export interface Folders {
  /** Where the package's files are served from. */
  readonly base: URL | undefined;
  /** Where packs are kept. */
  readonly cache: string | undefined;
}

/** Returns the files of an engine's worker: those that the caller names, otherwise the package's. */
export function engineFiles(binary: Binary, options: Pick<CreateOptions, "workerUrl" | "wasmUrl" | "baseUrl">): EngineFiles {
  const { workerUrl, wasmUrl } = options;
  const wasm = wasmUrl === undefined ? undefined : absoluteUrl(wasmUrl, "wasmUrl").href;
  if (workerUrl !== undefined) {
    const scriptUrl = absoluteUrl(workerUrl, "workerUrl").href;
    // Only that script knows which binary it takes.
    return wasm === undefined ? { scriptUrl } : { scriptUrl, wasmUrl: wasm };
  }
  const base = baseOf(options);
  return { scriptUrl: scriptOf(binary, base), wasmUrl: wasm ?? wasmOf(binary, base) };
}

/** Returns the files of the worker that makes packs. */
export function packerFiles(base: URL | undefined): PackerFiles {
  return { scriptUrl: scriptOf("packer", base), engineUrl: wasmOf("cpu", base), packerUrl: wasmOf("packer", base) };
}

function scriptOf(worker: WorkerName, base: URL | undefined): string {
  return named(worker, `worker-${worker}.js`, base);
}

function wasmOf(worker: WorkerName, base: URL | undefined): string {
  return named(worker, `felsic_${worker}_bg.wasm`, base);
}

function named(worker: WorkerName, name: keyof PackageUrls, base: URL | undefined): string {
  const made = urls[name];
  if (!made) throw missing(worker);
  return packageUrl(name, made, base);
}
