/** felsic for packs on the CPU alone: the same API, without the binaries for GPUs and for checkpoints. */

export * from "./index.js";
