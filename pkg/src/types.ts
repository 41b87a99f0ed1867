/** What the page, the workers and the engine all speak of. */

/** Options that reach the engine. */
export interface EngineOptions {
  readonly dimensions?: number;
  readonly strip?: boolean;
  readonly prompt?: string;
}

/**
 * How far loading a pack is. Bytes never go back; the total comes from the pack's manifest. While a pack is made of a
 * checkpoint they are those of the checkpoint, and loading what has been made is not told of.
 */
export interface LoadProgress {
  readonly phase: "manifest" | "tokenizer" | "weights" | "checkpoint";
  readonly file: string;
  readonly loadedBytes: number;
  readonly totalBytes: number;
}

/** What an embedder is. */
export interface EmbedderInfo {
  readonly model: string;
  readonly revision?: string;
  /** Components of a full vector. */
  readonly dimensions: number;
  /** The longest text that is read whole, in tokens, special tokens included. */
  readonly maxTokens: number;
  readonly device: "cpu" | "webgpu";
  /** Which implementation of the hot operations runs. */
  readonly kernel: string;
  /** Weight format of the pack. */
  readonly format: string;
  /** Vectors are comparable only within one space. Store it beside them. */
  readonly space: string;
  /** Names of the pack's prompts. */
  readonly prompts: readonly string[];
}
