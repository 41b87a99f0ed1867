/** The files of `felsic/cpu`: build.mjs replaces workers.ts with this module there. */

import { FelsicError } from "./errors.js";
import type { GpuScript, PackageUrls, WorkerName } from "./package.js";

/** There is no binary for GPUs. */
export const gpuScript: GpuScript | undefined = undefined;

/**
 * Where bundlers, and hosts that serve the package as it is, have put its files. Bundlers look for exactly this form, in which
 * nothing has to be computed, and copy the files. A URL is made when it is needed: some bundles have no address
 * that it could be relative to, and importing felsic must not fail because of that.
 */
export const urls: PackageUrls = {
  "worker-cpu.js": () => new URL("./worker-cpu.js", import.meta.url),
  "worker-relaxed.js": () => new URL("./worker-relaxed.js", import.meta.url),
  "felsic_cpu_bg.wasm": () => new URL("./felsic_cpu_bg.wasm", import.meta.url),
  "felsic_relaxed_bg.wasm": () => new URL("./felsic_relaxed_bg.wasm", import.meta.url),
};

/** Why there is no such worker. */
export function missing(worker: WorkerName): FelsicError {
  if (worker === "gpu")
    return new FelsicError("device-unavailable", 'felsic/cpu runs on the CPU alone; import "felsic" for WebGPU');
  const instead = 'make a pack of it with `felsic pack`, or import "felsic"';
  return new FelsicError(
    "not-found",
    `model has no manifest.json, and felsic/cpu reads packs alone: if it is a checkpoint, ${instead}`,
  );
}
