/** The workers of `felsic/cpu`: build.mjs puts this in the place of workers.ts there. */

import { FelsicError } from "./errors.js";
import type { Binary } from "./simd.js";

/** Whether there is a binary for GPUs. */
export const withGpu: boolean = false;

/** Starts the worker of a binary. Bundlers look for exactly this form, with nothing in it that has to be computed. */
export function engineWorker(binary: Binary): Worker {
  switch (binary) {
    case "cpu":
      return new Worker(new URL("./worker-cpu.js", import.meta.url), { type: "module", name: "felsic-cpu" });
    case "relaxed":
      return new Worker(new URL("./worker-relaxed.js", import.meta.url), { type: "module", name: "felsic-relaxed" });
    case "gpu":
      throw new FelsicError("device-unavailable", 'felsic/cpu runs on the CPU alone; import "felsic" for WebGPU');
  }
}

/** Starts the worker that makes packs of checkpoints. */
export function packerWorker(): Worker {
  const instead = 'make a pack of it with `felsic pack`, or import "felsic"';
  throw new FelsicError("not-found", `model has no manifest.json, and felsic/cpu reads packs alone: if it is a checkpoint, ${instead}`);
}
