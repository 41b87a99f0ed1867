/** The package's workers, each by its script. */

import type { Binary } from "./simd.js";
import * as cpu from "./workers-cpu.js";

/** Whether there is a binary for GPUs. */
export const withGpu: boolean = true;

/** Starts the worker of a binary. Bundlers look for exactly this form, with nothing in it that has to be computed. */
export function engineWorker(binary: Binary): Worker {
  if (binary !== "gpu") return cpu.engineWorker(binary);
  return new Worker(new URL("./worker-gpu.js", import.meta.url), { type: "module", name: "felsic-gpu" });
}

/** Starts the worker that makes packs of checkpoints. */
export function packerWorker(): Worker {
  return new Worker(new URL("./worker-packer.js", import.meta.url), { type: "module", name: "felsic-packer" });
}
