// `Disposable` is not in the library of ES2022, which is all that a page has to be compiled for.
/// <reference lib="esnext.disposable" preserve="true" />

/** The class that pages use. */

import { availability, type Availability, forgetLoaded, missingBytes, whileLoading } from "./availability.js";
import { baseOf } from "./base.js";
import { Connection } from "./connection.js";
import type { EngineDevice } from "./engine.js";
import { type Answers, Launcher, RunningEngine, type Settings } from "./engines.js";
import { abortedBy, FelsicError } from "./errors.js";
import {
  checkCreateOptions,
  checkedCacheFolder,
  checkedDelivery,
  checkedDevice,
  checkedPrefetch,
  checkedPriority,
  checkedProvider,
  checkedSimd,
  checkedText,
  checkedTexts,
  checkedWorkers,
  type CreateOptions,
  type Embedding,
  type EmbedOptions,
  engineOptions,
  invalid,
  type ModelOptions,
  type Priority,
  type TextOptions,
} from "./options.js";
import type { Folders } from "./package.js";
import { placeOf, placeToLoad } from "./place.js";
import { downloadProgress } from "./platform.js";
import type { Calls, EmbedResult } from "./protocol.js";
import { requireWorkers } from "./start.js";
import { deleteStored } from "./store/state.js";
import type { EmbedderInfo, LoadProgress } from "./types.js";
import { gpuScript } from "./workers.js";

/**
 * Turns texts into vectors with a model that runs in a worker of its own.
 *
 * Every method that returns a promise rejects with a {@link FelsicError} and with nothing else.
 * Calls are computed one after another: those with high priority first (see {@link EmbedOptions.priority}), otherwise in
 * the order in which they were made. A call that waits for a part of the model to arrive lets the others go ahead.
 *
 * A lone surrogate in a string is read as U+FFFD, as the platform does wherever a string becomes bytes.
 */
export class Embedder {
  #answers: Answers;
  /** Puts a GPU beside the engine, when there is work for one. */
  #addGpu: AddGpu | undefined;

  private constructor(answers: Answers, addGpu?: AddGpu) {
    this.#answers = answers;
    this.#addGpu = addGpu;
  }

  /** Model, dimensions, device, space and more. */
  get info(): EmbedderInfo {
    return this.#answers.info;
  }

  /** Reports whether this browser can run an embedder, and whether `create()` would have to fetch the model. */
  static availability(options?: ModelOptions & Pick<CreateOptions, "device">): Promise<Availability> {
    return availability(options);
  }

  /**
   * Returns the bytes that `create()`, and the background after it, would fetch of a pack: what its manifest lists, or 0 if the model is
   * available. For a page that says how much it downloads before it does.
   */
  static async missingBytes(options: ModelOptions = {}): Promise<number> {
    return missingBytes(options);
  }

  /**
   * Removes the stored files of a model's pack from this machine, or those of all packs of this origin. Files that another
   * model's pack needs as well stay, and so does a file that is being fetched. Embedders go on working.
   */
  static async deleteCache(options: ModelOptions = {}): Promise<void> {
    checkCreateOptions(options);
    const model = options.model === undefined ? undefined : placeOf(options).model;
    await deleteStored(model, checkedCacheFolder(options.cacheDirectory));
    forgetLoaded(model);
  }

  /** Starts a worker and loads a model there. If anything fails, no worker is left behind. */
  static async create(options: CreateOptions = {}): Promise<Embedder> {
    checkCreateOptions(options);
    requireWorkers();
    const { signal } = options;
    const place = placeToLoad(options);
    const wanted = checkedDevice(options.device);
    const settings: Settings = {
      ...place,
      ...checkedDelivery(options),
      device: engineDevice(wanted),
      prefetch: checkedPrefetch(options.prefetch),
      workers: checkedWorkers(options.workers),
      simd: checkedSimd(options.simd),
      ...filesGiven(options),
    };
    const folders: Folders = { base: baseOf(options), cache: checkedCacheFolder(options.cacheDirectory) };
    const launcher = new Launcher(settings, folders, { loading: loadReporter(options), warning: options.onWarning });
    const isShared = checkedProvider(options) === "extension";
    if (signal?.aborted) throw abortedBy(signal);

    const shared = isShared ? await Embedder.#ofExtension(launcher.request, folders, signal) : undefined;
    if (shared) return shared;
    if (wanted === "webgpu" && gpuScript) {
      const { requested } = await gpuScript();
      return new Embedder(await whileLoading(place.model, requested(launcher, signal)));
    }
    const engine = await whileLoading(place.model, launcher.start(settings.device, { signal }));
    // Whose worker or binary is the caller's own gets no other.
    if (wanted !== "auto" || !gpuScript || options.workerUrl !== undefined || options.wasmUrl !== undefined)
      return new Embedder(engine);
    engine.info = Object.freeze({ ...engine.info, gpu: Object.freeze({ state: "unused", reason: "no-work" } as const) });
    const script = gpuScript;
    return new Embedder(engine, async () => new (await script()).Auto(launcher, engine));
  }

  /** Returns the embedder of felsic's extension; `undefined` if this page cannot have it. */
  static async #ofExtension(
    request: Calls["create"]["request"],
    folders: Folders,
    signal: AbortSignal | undefined,
  ): Promise<Embedder | undefined> {
    const { extensionWorker } = await import("./extension.js");
    const started = await extensionWorker(request.integrity, signal);
    if (!started) return undefined;
    const connection = new Connection(started, folders);
    try {
      return new Embedder(new RunningEngine(connection, await connection.request("create", request, { signal })));
    } catch (error) {
      connection.end(error as FelsicError);
      if (signal?.aborted) throw error;
      return undefined;
    }
  }

  /** Returns the vector of a text, of unit length. */
  embed(text: string, options?: EmbedOptions): Promise<Float32Array<ArrayBuffer>>;
  /** Returns the vectors of texts, in the order of the texts. */
  embed(texts: readonly string[], options?: EmbedOptions): Promise<Float32Array<ArrayBuffer>[]>;
  /** Returns a vector for a text and an array of vectors for an array of texts. */
  embed(
    input: string | readonly string[],
    options?: EmbedOptions,
  ): Promise<Float32Array<ArrayBuffer> | Float32Array<ArrayBuffer>[]>;
  async embed(
    input: string | readonly string[],
    options: EmbedOptions = {},
  ): Promise<Float32Array<ArrayBuffer> | Float32Array<ArrayBuffer>[]> {
    if (Array.isArray(input)) return [...(await this.#embed(checkedTexts(input), options)).vectors];
    const { vectors } = await this.#embed([checkedText(input)], options, "high");
    return vectors[0]!;
  }

  /** Embeds texts as `embed` does, and returns for each its number of tokens and whether its end was cut off, too. */
  async embedDetailed(texts: readonly string[], options: EmbedOptions = {}): Promise<Embedding[]> {
    if (!Array.isArray(texts)) throw invalid("embedDetailed() needs an array of texts");
    const { vectors, tokens, truncated } = await this.#embed(checkedTexts(texts), options);
    return vectors.map((vector, index) => ({
      vector,
      tokens: tokens[index]!,
      truncated: truncated[index] === 1,
    }));
  }

  /** Returns the token ids that the model reads for a text, special tokens included, after truncation. */
  async tokenize(text: string, options: TextOptions = {}): Promise<Uint32Array<ArrayBuffer>> {
    const request = { text: checkedText(text), options: engineOptions(options, this.info.prompts) };
    return this.#answers.request("tokenize", request, { signal: options.signal });
  }

  /** Returns the number of tokens of a text before truncation, special tokens included; compare it with `info.maxTokens`. */
  countTokens(text: string, options?: TextOptions): Promise<number>;
  /** Returns the numbers of tokens of texts, in the order of the texts. */
  countTokens(texts: readonly string[], options?: TextOptions): Promise<number[]>;
  async countTokens(input: string | readonly string[], options: TextOptions = {}): Promise<number | number[]> {
    const texts = Array.isArray(input) ? checkedTexts(input) : [checkedText(input)];
    const request = { texts, options: engineOptions(options, this.info.prompts) };
    const counts = await this.#answers.request("countTokens", request, { signal: options.signal });
    return Array.isArray(input) ? counts : counts[0]!;
  }

  /**
   * Starts all workers (see {@link CreateOptions.workers}) and returns their number once they are ready. A worker that cannot be
   * started is left out. Earlier calls are answered by the workers that are ready.
   */
  warmUp(): Promise<number> {
    return this.#answers.warmUp();
  }

  /** Returns the bytes of wasm memory that the engines and their helpers hold, which never shrink before `destroy()`. */
  memoryBytes(): Promise<number> {
    return this.#answers.memoryBytes();
  }

  /** Ends the workers and frees their memory. Pending and later calls reject with the code `destroyed`. */
  destroy(): void {
    this.#answers.end(new FelsicError("destroyed", "this embedder was destroyed; create a new one"));
  }

  /** Has the calls from now on shared with a GPU. Without the script for that, all stays as it is. */
  async #withGpu(add: AddGpu): Promise<void> {
    this.#addGpu = undefined;
    const added = await add().catch(() => undefined);
    if (added) this.#answers = added;
  }

  async #embed(texts: string[], options: EmbedOptions, priority: Priority = "normal"): Promise<EmbedResult> {
    const checked = engineOptions(options, this.info.prompts);
    const request = { texts, options: checked, urgent: checkedPriority(options.priority ?? priority) === "high" };
    const { signal, onProgress } = options;
    if (this.#addGpu && !request.urgent && hasMuch(texts)) await this.#withGpu(this.#addGpu);
    return this.#answers.embed(request, { signal, onProgress });
  }
}

/** Makes answers with a GPU of the engine's. */
type AddGpu = () => Promise<Answers>;

/** `using embedder = await Embedder.create(…)` destroys it at the end of the block. */
export interface Embedder extends Disposable {}

// Not every browser that runs felsic has the symbol yet.
if (Symbol.dispose) {
  Object.defineProperty(Embedder.prototype, Symbol.dispose, {
    value: Embedder.prototype.destroy,
    writable: true,
    configurable: true,
  });
}

/** The fewest characters of a call that a GPU could gain anything from: about a thousand tokens. */
const MUCH = 4096;

function hasMuch(texts: readonly string[]): boolean {
  let characters = 0;
  return texts.length > 1 && texts.some(({ length }) => (characters += length) >= MUCH);
}

/** The device of the engine that is made first: `auto` answers on the CPU at once. */
function engineDevice(device: "auto" | EngineDevice): EngineDevice {
  return device === "webgpu" ? "webgpu" : "cpu";
}

/** The addresses of the package's files that the caller has given. */
function filesGiven({ workerUrl, wasmUrl, baseUrl }: CreateOptions): Pick<CreateOptions, "workerUrl" | "wasmUrl" | "baseUrl"> {
  return {
    ...(workerUrl !== undefined && { workerUrl }),
    ...(wasmUrl !== undefined && { wasmUrl }),
    ...(baseUrl !== undefined && { baseUrl }),
  };
}

/** One callback for both ways of hearing about a load. */
function loadReporter({ onProgress, monitor }: CreateOptions): ((progress: LoadProgress) => void) | undefined {
  if (!monitor) return onProgress;
  const target = new EventTarget();
  monitor(target);
  return (progress) => {
    onProgress?.(progress);
    const loaded = progress.totalBytes > 0 ? progress.loadedBytes / progress.totalBytes : 0;
    target.dispatchEvent(downloadProgress(loaded));
  };
}
