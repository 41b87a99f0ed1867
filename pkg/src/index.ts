/** felsic: text to embedding vectors in a web page. */

export type { Availability } from "./availability.js";
export { Embedder } from "./embedder.js";
export { ERROR_CODES, FelsicError, type FelsicErrorCode, type FelsicErrorData } from "./errors.js";
export type {
  CacheMode,
  CreateOptions,
  Device,
  Embedding,
  EmbedOptions,
  EmbedProgress,
  ModelOptions,
  Prefetch,
  Priority,
  Simd,
  TaskType,
  TextOptions,
} from "./options.js";
export type { Warning, WarningCode } from "./store/warning.js";
export type { EmbedderInfo, GpuCrossover, GpuInfo, LoadProgress } from "./types.js";
