/** The package's workers and their binaries, each by its URL. */

import type { GpuScript, PackageUrls } from "./package.js";
import * as cpu from "./workers-cpu.js";

export { missing } from "./workers-cpu.js";

/** The script that knows what to do with a GPU, if there is a binary for GPUs. */
export const gpuScript: GpuScript | undefined = () => import("./gpu.js");

/** See workers-cpu.ts. */
export const urls: PackageUrls = {
  ...cpu.urls,
  "worker-gpu.js": () => new URL("./worker-gpu.js", import.meta.url),
  "worker-packer.js": () => new URL("./worker-packer.js", import.meta.url),
  "felsic_gpu_bg.wasm": () => new URL("./felsic_gpu_bg.wasm", import.meta.url),
  "felsic_packer_bg.wasm": () => new URL("./felsic_packer_bg.wasm", import.meta.url),
};
