/** felsic: text to embedding vectors in a web page. */

export type { Availability } from "./availability.js";
export { Embedder } from "./embedder.js";
export { ERROR_CODES, FelsicError, type FelsicErrorCode, type FelsicErrorData } from "./errors.js";
export type {
  CacheMode,
  CreateOptions,
  Device,
  EmbedderInfo,
  Embedding,
  EmbedOptions,
  EmbedProgress,
  LoadProgress,
  ModelOptions,
  Prefetch,
  Priority,
  Simd,
  TaskType,
  TextOptions,
} from "./options.js";
export type { Warning, WarningCode } from "./store/warning.js";
