/** The package's workers and their binaries in Node, each by its URL: see ../workers.ts. `felsic/cpu` has the same. */

import { FelsicError } from "../errors.js";
import type { GpuScript, PackageUrls } from "../package.js";

/** There is no binary for GPUs. */
export const gpuScript: GpuScript | undefined = undefined;

/** In the form that bundlers, and tools that collect what a server needs, look for. */
export const urls: PackageUrls = {
  "worker-cpu.js": () => new URL("./worker-cpu.js", import.meta.url),
  "worker-relaxed.js": () => new URL("./worker-relaxed.js", import.meta.url),
  "worker-packer.js": () => new URL("./worker-packer.js", import.meta.url),
  "felsic_cpu_bg.wasm": () => new URL("./felsic_cpu_bg.wasm", import.meta.url),
  "felsic_relaxed_bg.wasm": () => new URL("./felsic_relaxed_bg.wasm", import.meta.url),
  "felsic_packer_bg.wasm": () => new URL("./felsic_packer_bg.wasm", import.meta.url),
};

/** Why there is no such worker: only that for GPUs is missing. */
export function missing(): FelsicError {
  return new FelsicError("device-unavailable", 'Node has no WebGPU: leave device out, or give "cpu"');
}
