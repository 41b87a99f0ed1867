/** What the two wasm modules look like from here. Both have the same interface. */

import type { EmbedderInfo, LoadProgress } from "./options.js";

/** The devices that an engine can be made on. */
export type EngineDevice = "cpu" | "webgpu";

/** Options that reach the engine. */
export interface EngineOptions {
  readonly dimensions?: number;
  readonly strip?: boolean;
  readonly prompt?: string;
}

/** Result of one `embed`: vectors one after another, and a token count and a flag for each text. */
export interface EngineResult {
  readonly vectors: Float32Array<ArrayBuffer>;
  readonly tokens: Uint32Array<ArrayBuffer>;
  readonly truncated: Uint8Array<ArrayBuffer>;
}

/** A model on a device, in wasm memory. Errors are `Error`s with a `code`. */
export interface Engine {
  info(): EmbedderInfo;
  embed(
    texts: readonly string[],
    options: EngineOptions,
    onProgress: ((done: number, total: number) => void) | undefined,
    signal: AbortSignal | undefined,
  ): Promise<EngineResult>;
  tokenize(text: string, options: EngineOptions): Uint32Array<ArrayBuffer>;
  countTokens(text: string, options: EngineOptions): number;
  memoryBytes(): number;
}

/** A wasm module: its start function and its class. */
export interface EngineModule {
  default(input: { module_or_path: Response }): Promise<unknown>;
  readonly Engine: {
    create(
      modelUrl: string,
      device: EngineDevice,
      onProgress: ((progress: LoadProgress) => void) | undefined,
      signal: AbortSignal | undefined,
    ): Promise<Engine>;
  };
}
