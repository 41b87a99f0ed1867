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
  /** Where the model runs: where queries are computed. With `device: "auto"`, `gpu` says whether batches are computed elsewhere. */
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
  /** What the GPU does, and why, unless the CPU was asked for or there is nothing for GPUs (`felsic/cpu`, Node). The embedder's `info` is another object whenever this has changed. */
  readonly gpu?: GpuInfo;
}

/** What the GPU does for an embedder, and why. */
export interface GpuInfo {
  /**
   * - `unused`: the CPU computes everything;
   * - `starting`: the GPU's binary is fetched and its engine is made; meanwhile the CPU computes everything;
   * - `trial`: the GPU computes texts that the CPU has computed, to be compared with it;
   * - `used`: the GPU computes; with `device: "auto"`, only batches of at least `crossover` tokens.
   */
  readonly state: "unused" | "starting" | "trial" | "used";
  /**
   * Why:
   *
   * - `requested`: `device` is `"webgpu"`;
   * - `no-work`: nothing has been embedded yet that could gain from a GPU: batches that keep the CPU busy for seconds;
   * - `measuring`: enough work is there, and nothing is known about this GPU yet;
   * - `faster`, `slower`: than the CPU with all its workers, on this machine, with this model;
   * - `no-adapter`: the browser has no WebGPU, or offers no GPU;
   * - `software-adapter`: what the browser offers is the CPU in disguise;
   * - `not-stored`: the pack is not kept on this machine, so a second engine would have to fetch it again;
   * - `wrong`: the GPU's vectors are not those of the CPU;
   * - `failed`: the GPU could not be started, or was lost twice within an hour.
   */
  readonly reason:
    | "requested"
    | "no-work"
    | "measuring"
    | "faster"
    | "slower"
    | "no-adapter"
    | "software-adapter"
    | "not-stored"
    | "wrong"
    | "failed";
  /** The GPU in the browser's words, which may be few or none. */
  readonly adapter?: string;
  /** With `device: "auto"`, the fewest tokens of a batch that the GPU computes, by the length of its texts. */
  readonly crossover?: readonly GpuCrossover[];
  /** Whether the result comes from an earlier visit. */
  readonly remembered?: boolean;
}

/** From which size on the GPU is faster than the CPU. */
export interface GpuCrossover {
  /** The texts of the batch have up to this many tokens on average; `null` for the longest. */
  readonly tokensPerText: number | null;
  /** The fewest tokens of a batch that the GPU computes; `null` if it was slower with all sizes. */
  readonly tokens: number | null;
}
