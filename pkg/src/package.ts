/** Where the package's own files are: the workers' scripts, their binaries, the built-in model. */

import { FelsicError } from "./errors.js";
import { absoluteUrl, type CreateOptions } from "./options.js";
import type { Binary } from "./simd.js";
import { missing, urls } from "./workers.js";

/** The workers, by the names in their files. */
export type WorkerName = Binary | "packer";

/** What bundlers have made of the package's files. */
export type PackageUrls = { readonly [Name in `worker-${WorkerName}.js` | `felsic_${WorkerName}_bg.wasm`]?: () => URL };

/** What an engine's worker is made of. */
export interface EngineFiles {
  /** The worker's script. A worker may be started by another, which imports it, and then cannot tell. */
  readonly scriptUrl: string;
  /** Its binary, where it is not beside the script. */
  readonly wasmUrl?: string;
}

/** What the worker that makes packs is made of. */
export interface PackerFiles {
  readonly scriptUrl: string;
  readonly engineUrl: string;
  readonly packerUrl: string;
}

/** The folder that the caller serves the package's files from, if there is one. */
export function baseOf({ baseUrl }: Pick<CreateOptions, "baseUrl">): URL | undefined {
  if (baseUrl === undefined) return undefined;
  const url = absoluteUrl(baseUrl, "baseUrl");
  if (!url.pathname.endsWith("/")) url.pathname += "/";
  return url;
}

/** The absolute URL of a file of the package; `made` is what bundlers have made of it. */
export function packageUrl(name: string, made: () => URL, base: URL | undefined): string {
  if (base) return new URL(name, base).href;
  try {
    // Some bundlers give an object that is no URL and has a path alone.
    return new URL(String(made()), globalThis.location?.href).href;
  } catch (cause) {
    const message = `this bundle does not tell where felsic's ${name} is: serve the package's dist folder and name it with baseUrl`;
    throw new FelsicError("not-found", message, { cause });
  }
}

/** The files of an engine's worker: those that the caller names, otherwise the package's. */
export function engineFiles(binary: Binary, options: Pick<CreateOptions, "workerUrl" | "wasmUrl" | "baseUrl">): EngineFiles {
  const { workerUrl, wasmUrl } = options;
  const wasm = wasmUrl === undefined ? undefined : absoluteUrl(wasmUrl, "wasmUrl").href;
  if (workerUrl !== undefined) {
    const scriptUrl = absoluteUrl(workerUrl, "workerUrl").href;
    // Which binary it takes is known to itself alone.
    return wasm === undefined ? { scriptUrl } : { scriptUrl, wasmUrl: wasm };
  }
  const base = baseOf(options);
  return { scriptUrl: scriptOf(binary, base), wasmUrl: wasm ?? wasmOf(binary, base) };
}

/** The files of the worker that makes packs. */
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
