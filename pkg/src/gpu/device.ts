/** The GPU of an embedder: its engine, what happens when it fails, and its one new start. */

import type { Answers, EmbedRequest, Launcher, RunningEngine } from "../engines.js";
import { FelsicError, type FelsicErrorCode } from "../errors.js";
import type { RequestOptions } from "../link.js";
import type { EmbedProgress } from "../options.js";
import type { EmbedAnswer } from "../protocol.js";
import type { WarningCode } from "../store/warning.js";

/** Codes of errors that come from the device, or from what it did to the engine, and not from the call. */
const FAULTS: readonly FelsicErrorCode[] = ["device-unavailable", "internal", "out-of-memory", "self-test-failed"];

/** The time in which a GPU is started anew only once, in milliseconds. A machine that sleeps may lose its GPU every night. */
const HOUR = 3_600_000;

/** Says that the GPU has failed, and not the call: another device can answer it. */
export class Fault extends Error {
  override readonly name = "Fault";
}

/** What is told about the GPU. */
export interface DeviceNews {
  /** The GPU has failed; it is being started anew, and the caller has been warned. */
  lost(): void;
  /** The GPU works: its engine has passed the self-test. */
  back(engine: RunningEngine): void;
  /** The GPU has failed, or could not be started, for good, and why. */
  gone(reason: Refusal, error: FelsicError): void;
}

/** Why a GPU is given up: its vectors are not those of the CPU, or it does not work. */
export type Refusal = "wrong" | "failed";

/** The kind of the warning that says so. */
export const REFUSED = { wrong: "gpu-wrong", failed: "gpu-unavailable" } as const satisfies Record<Refusal, WarningCode>;

/** One GPU. */
export class GpuDevice {
  readonly #launcher: Launcher;
  readonly #pack: string | undefined;
  readonly #news: DeviceNews;
  #engine: RunningEngine | undefined;
  #starting: Promise<void> | undefined;
  /** When it was started anew. */
  #restarted = -Infinity;
  /** When it last answered, or told of progress. */
  #heard = -Infinity;
  #ended: FelsicError | undefined;

  /** `pack` is what its engines are made from, which includes the self-test. */
  constructor(launcher: Launcher, pack: string | undefined, news: DeviceNews) {
    this.#launcher = launcher;
    this.#pack = pack;
    this.#news = news;
  }

  /** The engine, while there is one that has not failed. */
  get engine(): RunningEngine | undefined {
    return this.#engine;
  }

  /** Settles when no start is under way. */
  async settled(): Promise<void> {
    await this.#starting;
  }

  /** Takes over an engine that has just been started. */
  adopt(engine: RunningEngine): void {
    if (this.#ended) return engine.end(this.#ended);
    this.#engine = engine;
    this.#news.back(engine);
    engine.onEnd((error) => {
      if (this.#engine !== engine) return;
      this.#engine = undefined;
      if (!this.#ended) this.#failed(error);
    });
  }

  /** Starts it; never rejects. */
  async start(): Promise<void> {
    this.#starting ??= this.#begin().finally(() => (this.#starting = undefined));
    await this.#starting;
  }

  async #begin(): Promise<void> {
    try {
      this.adopt(await this.#launcher.start("webgpu", { pack: this.#pack }));
    } catch (error) {
      if (!this.#ended) this.#gone(error as FelsicError);
    }
  }

  #failed(error: FelsicError): void {
    const now = performance.now();
    if (now - this.#restarted < HOUR) return this.#gone(error);
    this.#restarted = now;
    this.#news.lost();
    const message = `the GPU has failed, the CPU answers, and the GPU is started anew: ${error.message}`;
    this.#launcher.warn({ code: "gpu-lost", message });
    void this.start();
  }

  #gone(error: FelsicError): void {
    this.#ended = error;
    this.#news.gone(error.code === "self-test-failed" ? "wrong" : "failed", error);
  }

  /** Sends a request to the engine. Rejects with a {@link Fault} if there is none, or if it fails. */
  request: Answers["request"] = async (type, request, options) => {
    const engine = this.#engine;
    if (!engine) throw new Fault("there is no engine");
    try {
      return await engine.request(type, request, options);
    } catch (error) {
      throw this.#judged(engine, error as FelsicError);
    }
  };

  /**
   * Embeds texts, as {@link request}. An engine counts as failed that says nothing for `patience` milliseconds, not even that it makes progress,
   * here or with another call.
   */
  async embed(request: EmbedRequest, options: RequestOptions<EmbedProgress>, patience: number): Promise<EmbedAnswer> {
    const engine = this.#engine;
    const begun = performance.now();
    const look = () => {
      const rest = patience - (performance.now() - Math.max(begun, this.#heard));
      if (rest > 0) return void (timer = setTimeout(look, rest));
      const seconds = Math.round(patience / 1000);
      engine?.end(new FelsicError("device-unavailable", `the GPU has not answered for ${seconds} seconds`));
    };
    let timer = setTimeout(look, patience);
    const onProgress = (progress: EmbedProgress) => {
      this.#heard = performance.now();
      options.onProgress?.(progress);
    };
    try {
      const result = await this.request("embed", request, { ...options, onProgress });
      this.#heard = performance.now();
      return result;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Tells a failure of the GPU from one of the call. After the former nothing that the engine says can be trusted. */
  #judged(engine: RunningEngine, error: FelsicError): Error {
    if (this.#engine === engine) {
      if (!FAULTS.includes(error.code)) return error;
      engine.end(error);
    }
    return this.#ended?.code === "destroyed" ? this.#ended : new Fault(error.message, { cause: error });
  }

  /** Ends the engine, which is not a failure; {@link start} makes another one. */
  rest(): void {
    const engine = this.#engine;
    this.#engine = undefined;
    engine?.end(new FelsicError("device-unavailable", "the GPU is not used"));
  }

  /** Ends it for good, without a word. */
  end(error: FelsicError): void {
    this.#ended ??= error;
    this.#engine?.end(error);
  }
}
