/** Types that the page, the workers and the engine share. */

/** Options that reach the engine. */
export interface EngineOptions {
  readonly dimensions?: number;
  readonly strip?: boolean;
  readonly prompt?: string;
}

/**
 * Progress of a load. Bytes never go back; the total comes from the pack's manifest. While a pack is made from a checkpoint, the
 * bytes are those of the checkpoint, and no progress is reported while the finished pack is loaded.
 */
export interface LoadProgress {
  /** What is being loaded; `checkpoint` while a pack is made from one. */
  readonly phase: "manifest" | "tokenizer" | "weights" | "checkpoint";
  /** Name of the file. */
  readonly file: string;
  /** Bytes of all files that have arrived. */
  readonly loadedBytes: number;
  /** Bytes of all files; 0 while that is not known. */
  readonly totalBytes: number;
}

/** Describes an embedder. */
export interface EmbedderInfo {
  /** Name of the model. */
  readonly model: string;
  /** Revision of the model's checkpoint, if the pack states it. */
  readonly revision?: string;
  /** Components of a full vector. */
  readonly dimensions: number;
  /** The longest text that is read whole, in tokens, special tokens included. */
  readonly maxTokens: number;
  /** Where the model runs. */
  readonly device: "cpu" | "webgpu";
  /** Name of the kernels that run: `simd`, `relaxed` or `wgsl`. */
  readonly kernel: string;
  /** Weight format of the pack. */
  readonly format: string;
  /** Vectors are comparable only within one space. Store it beside them. */
  readonly space: string;
  /** Names of the pack's prompts. */
  readonly prompts: readonly string[];
  /** How the model makes one vector of the vectors of a text's tokens: takes that of the first, or the mean of all. */
  readonly pooling?: "cls" | "mean";
}
