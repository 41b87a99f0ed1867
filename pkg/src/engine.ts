/** The interface that all of the engine's wasm modules (CPU, relaxed, GPU) have. */

import type { Hasher } from "./store/names.js";
import type { Files } from "./store/types.js";
import type { EmbedderInfo, EngineOptions, LoadProgress } from "./types.js";

/** The devices that an engine can be made on. */
export type EngineDevice = "cpu" | "webgpu";

/** The result of one `embed`: the vectors one after another, and a token count and a flag for each text. */
export interface EngineResult {
  readonly vectors: Float32Array<ArrayBuffer>;
  readonly tokens: Uint32Array<ArrayBuffer>;
  readonly truncated: Uint8Array<ArrayBuffer>;
}

/** A model on a device, in wasm memory. Errors are `Error`s with a `code`. */
export interface Engine {
  info(): EmbedderInfo;
  /** What helpers are made from, see `Helper.create`. */
  pack(): string | undefined;
  embed(
    texts: readonly string[],
    options: EngineOptions,
    hooks: EngineHooks | undefined,
    helpers: EngineHelpers | undefined,
  ): Promise<EngineResult>;
  /** Returns the vectors of a pack's self-test, one after another. */
  testVectors(texts: readonly string[]): Promise<Float32Array<ArrayBuffer>>;
  /** Shards of the vocabulary table that are not in memory, in the order of its rows. */
  missing(): Uint32Array;
  /** Loads such a shard; `keep` says whether it stays in memory. */
  prefetch(shard: number, keep: boolean): Promise<void>;
  /** Returns the name of the table group that a shard belongs to. */
  groupOf(shard: number): string | undefined;
  tokenize(text: string, options: EngineOptions): Uint32Array<ArrayBuffer>;
  countTokens(text: string, options: EngineOptions): number;
  memoryBytes(): number;
}

/** What an engine asks of its worker during one call. Without it, a call runs without a pause. */
export interface EngineHooks {
  readonly aborted: boolean;
  progress(done: number, total: number): void;
  /** Lets messages arrive, and more urgent calls go first. Rejects if the call is aborted. */
  pause(): Promise<void>;
  /** Loads shards of the vocabulary table, while other calls go on. Rejects at once if the call is aborted. */
  need(shards: Uint32Array): Promise<void>;
}

/** What an engine asks of its helpers during one call. A number (`group`) stands for each batch. */
export interface EngineHelpers {
  readonly count: number;
  /** Whether a helper should get more work now, while `waiting` batches wait. */
  hasRoom(waiting: number): boolean;
  give(group: number, rows: Float32Array<ArrayBuffer>, lengths: Uint32Array<ArrayBuffer>): void;
  /** Returns the batches that have come back since the last call; without vectors if the helper is gone. */
  take(): [group: number, pooled: Float32Array<ArrayBuffer> | undefined][];
  /** Settles when a batch has come back, or the call is aborted. */
  wait(): Promise<void>;
}

/** The layers of a pack alone, in wasm memory. */
export interface Helper {
  pooled(rows: Float32Array<ArrayBuffer>, lengths: Uint32Array<ArrayBuffer>): Promise<Float32Array<ArrayBuffer>>;
  memoryBytes(): number;
}

/** A wasm module: its start function and its classes. */
export interface EngineModule {
  default(input: { module_or_path: Response }): Promise<unknown>;
  readonly Engine: {
    create(
      modelUrl: string,
      device: EngineDevice,
      files: Files,
      onProgress: ((progress: LoadProgress) => void) | undefined,
      signal: AbortSignal | undefined,
    ): Promise<Engine>;
  };
  readonly Hasher: new () => Hasher;
  readonly Helper: {
    create(
      modelUrl: string,
      pack: string,
      files: Files,
      onProgress: ((progress: LoadProgress) => void) | undefined,
      signal: AbortSignal | undefined,
    ): Promise<Helper>;
  };
}
