/** `device: "webgpu"`: the GPU computes everything, and the CPU what the GPU has failed at. */

import type { Answers, EmbedRequest, Launcher, RunningEngine } from "../engines.js";
import type { FelsicError } from "../errors.js";
import type { RequestOptions } from "../link.js";
import type { EmbedProgress } from "../options.js";
import type { EmbedResult } from "../protocol.js";
import type { EmbedderInfo, GpuInfo } from "../types.js";
import { Fault, GpuDevice, REFUSED } from "./device.js";
import { inSlices, ROOM } from "./slices.js";

/** The characters of a slice: several of an engine's batches. */
const SLICE = 1 << 17;

/** How long the GPU may say nothing, in milliseconds: as long as the slowest, which are software, may need for one of an engine's batches. */
const PATIENCE = 60_000;
const PATIENCE_PER_CHARACTER = 60;
/** The most characters of a batch, unless a text is longer. */
const BATCH = 1 << 14;

/** Starts an engine on the GPU. Rejects if there is none here that passes the self-test. */
export async function requested(launcher: Launcher, signal: AbortSignal | undefined): Promise<Answers> {
  return new Requested(launcher, await launcher.start("webgpu", { signal }));
}

class Requested implements Answers {
  readonly #launcher: Launcher;
  readonly #pack: string | undefined;
  readonly #gpu: GpuDevice;
  #info: EmbedderInfo;
  #cpu: Promise<RunningEngine> | undefined;
  #ended: FelsicError | undefined;

  constructor(launcher: Launcher, engine: RunningEngine) {
    this.#launcher = launcher;
    this.#pack = engine.pack;
    this.#info = engine.info;
    this.#gpu = new GpuDevice(launcher, engine.pack, {
      lost: () => this.#tell("starting", "requested"),
      back: ({ info }) => this.#tell("used", "requested", info),
      gone: (reason, error) => {
        void this.#computeOnCpu(reason);
        const message = `the CPU computes from now on, since the GPU has failed: ${error.message}`;
        launcher.warn({ code: REFUSED[reason], message });
      },
    });
    this.#gpu.adopt(engine);
  }

  get info(): EmbedderInfo {
    return this.#info;
  }

  request: Answers["request"] = async (type, request, options) => {
    try {
      return await this.#gpu.request(type, request, options);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      return (await this.#other()).request(type, request, options);
    }
  };

  embed(request: EmbedRequest, options: RequestOptions<EmbedProgress>): Promise<EmbedResult> {
    const lane = {
      room: ROOM,
      takes: () => true,
      run: (...[{ texts }, ...given]: Parameters<Run>) => this.#run(patience(texts), ...given),
    };
    return inSlices(request, options, [lane], SLICE);
  }

  async #run(patience: number, request: EmbedRequest, options: RequestOptions<EmbedProgress>): Promise<EmbedResult> {
    try {
      return await this.#gpu.embed(request, options, patience);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      return (await this.#other()).embed(request, options);
    }
  }

  /** Returns the engine on the CPU, or the GPU's new one if the CPU's does not start. */
  async #other(): Promise<RunningEngine> {
    if (this.#ended) throw this.#ended;
    this.#cpu ??= this.#startCpu();
    try {
      return await this.#cpu;
    } catch (error) {
      this.#cpu = undefined;
      await this.#gpu.settled();
      if (this.#gpu.engine && !this.#ended) return this.#gpu.engine;
      throw error;
    }
  }

  async #startCpu(): Promise<RunningEngine> {
    const engine = await this.#launcher.start("cpu", { pack: this.#pack });
    if (this.#ended) engine.end(this.#ended);
    return engine;
  }

  /** Notes that the CPU computes from now on, and starts its engine, so that the next call need not wait for it. */
  async #computeOnCpu(reason: GpuInfo["reason"]): Promise<void> {
    this.#tell("unused", reason);
    const engine = await this.#other().catch(() => undefined);
    if (engine) this.#tell("unused", reason, engine.info);
  }

  async warmUp(): Promise<number> {
    await this.request("memoryBytes", {});
    return 1;
  }

  async memoryBytes(): Promise<number> {
    const running = [this.#gpu.engine, await this.#cpu?.catch(() => undefined)];
    if (!running.some(Boolean)) return this.request("memoryBytes", {});
    const bytes = await Promise.all(running.map((engine) => engine?.memoryBytes() ?? 0));
    return bytes.reduce((sum, bytes) => sum + bytes, 0);
  }

  end(error: FelsicError): void {
    this.#ended ??= error;
    this.#gpu.end(error);
    void this.#cpu?.then((engine) => engine.end(error)).catch(() => undefined);
  }

  /** Notes what the GPU does; `info` is that of the engine that computes now. */
  #tell(state: GpuInfo["state"], reason: GpuInfo["reason"], info: EmbedderInfo = this.#info): void {
    this.#info = Object.freeze({ ...info, gpu: Object.freeze({ state, reason }) });
  }
}

function patience(texts: readonly string[]): number {
  const characters = texts.reduce((sum, { length }) => sum + length, 0);
  const longest = texts.reduce((most, { length }) => Math.max(most, length), BATCH);
  return PATIENCE + PATIENCE_PER_CHARACTER * Math.min(characters, longest);
}

type Run = Parameters<typeof inSlices>[2][number]["run"];
