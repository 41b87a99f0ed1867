/** The package's workers and their binaries, each by its URL. */

import type { PackageUrls } from "./package.js";
import * as cpu from "./workers-cpu.js";

export { missing } from "./workers-cpu.js";

/** Whether there is a binary for GPUs. */
export const withGpu: boolean = true;

/** See workers-cpu.ts. */
export const urls: PackageUrls = {
  ...cpu.urls,
  "worker-gpu.js": () => new URL("./worker-gpu.js", import.meta.url),
  "worker-packer.js": () => new URL("./worker-packer.js", import.meta.url),
  "felsic_gpu_bg.wasm": () => new URL("./felsic_gpu_bg.wasm", import.meta.url),
  "felsic_packer_bg.wasm": () => new URL("./felsic_packer_bg.wasm", import.meta.url),
};
