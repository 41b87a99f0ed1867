/** What the engine's wasm modules (CPU, relaxed, GPU) look like from here: all have one interface. */

import type { Hasher } from "./store/names.js";
import type { Files } from "./store/types.js";
import type { EmbedderInfo, EngineOptions, LoadProgress } from "./types.js";

/** The devices that an engine can be made on. */
export type EngineDevice = "cpu" | "webgpu";

/** Result of one `embed`: vectors one after another, and a token count and a flag for each text. */
export interface EngineResult {
  readonly vectors: Float32Array<ArrayBuffer>;
  readonly tokens: Uint32Array<ArrayBuffer>;
  readonly truncated: Uint8Array<ArrayBuffer>;
}

/** A model on a device, in wasm memory. Errors are `Error`s with a `code`. */
export interface Engine {
  info(): EmbedderInfo;
  /** What helpers have to be made of, see `Helper.create`. */
  pack(): string | undefined;
  embed(
    texts: readonly string[],
    options: EngineOptions,
    hooks: EngineHooks | undefined,
    helpers: EngineHelpers | undefined,
  ): Promise<EngineResult>;
  /** Shards of the vocabulary table that are not in memory, in the order of its rows. */
  missing(): Uint32Array;
  /** Loads such a shard, into memory if it is to be kept there. */
  prefetch(shard: number, keep: boolean): Promise<void>;
  /** The name of the group of the table that a shard belongs to. */
  groupOf(shard: number): string | undefined;
  tokenize(text: string, options: EngineOptions): Uint32Array<ArrayBuffer>;
  countTokens(text: string, options: EngineOptions): number;
  memoryBytes(): number;
}

/** What an engine asks of its worker during one call. Without it, a call runs through. */
export interface EngineHooks {
  readonly aborted: boolean;
  progress(done: number, total: number): void;
  /** Lets messages come in, and calls that are more urgent go first. Rejects if the call is aborted. */
  pause(): Promise<void>;
  /** Loads shards of the vocabulary table, while other calls go on. Rejects at once if the call is aborted. */
  need(shards: Uint32Array): Promise<void>;
}

/** What an engine asks of its helpers during one call. Groups are numbers to them. */
export interface EngineHelpers {
  readonly count: number;
  /** Whether a helper should get more work now, while `waiting` groups wait. */
  hasRoom(waiting: number): boolean;
  give(group: number, rows: Float32Array<ArrayBuffer>, lengths: Uint32Array<ArrayBuffer>): void;
  /** What has come back since the last call; without vectors where the helper is gone. */
  take(): [group: number, pooled: Float32Array<ArrayBuffer> | undefined][];
  /** Settles when something has come back, or the call is aborted. */
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
