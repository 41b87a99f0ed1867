/**
 * `device: "auto"`: the CPU answers, and batches go to the GPU once it has been shown, on this machine and beside work that the CPU has answered
 * anyway, that its vectors are the CPU's and that it is faster.
 */

import type { Answers, EmbedRequest, Launcher, RunningEngine } from "../engines.js";
import type { FelsicError } from "../errors.js";
import type { RequestOptions } from "../link.js";
import type { EmbedProgress } from "../options.js";
import { threads } from "../platform.js";
import type { EmbedResult } from "../protocol.js";
import type { EmbedderInfo, GpuInfo } from "../types.js";
import { findAdapter } from "./adapter.js";
import { Fault, GpuDevice, type Refusal, REFUSED } from "./device.js";
import { Measures } from "./measures.js";
import { type Memory, remember, remembered } from "./memory.js";
import { inSlices, type Lane, ROOM, type Slice } from "./slices.js";

/** The tokens of a slice: two of the GPU's batches. */
const SLICE = 8192;
/**
 * How much work must have kept the CPU busy before the GPU is started, in milliseconds: with threads to spare, and without. The start may keep a
 * thread busy for a second or two, and must not have slowed that work by a twentieth where it shares the CPU's threads.
 */
const WORK = { spare: 3000, none: 20_000 };
/** Slices that are tried have at least this many tokens. */
const LEAST_TRIAL = 2048;
/** The shares of a slice that are tried one after another; the first, to wake the device, is not measured. */
const SHARES = [1 / 16, 1 / 16, 1 / 4, 1];
/** A GPU that takes so many times as long as the CPU with such a share is not tried with a larger one, which is four times as large. */
const HOPELESS = [Infinity, 8, 3];
/** How long an answer may take, in milliseconds, and how many times as long as the CPU takes. */
const PATIENCE = 10_000;
const PATIENCE_TIMES = 10;
/**
 * The largest distance of two devices' vectors of a text. The CPU rounds activations to 8 bits, which moves vectors by up to 0.02 from those of a
 * GPU, while what a broken one gives (zeros, what was computed before) is as far away as another text. Finer mistakes are the self-test's, to which
 * a GPU is held first, and whose vectors have more bits (`src/embedder/self_test.rs`).
 */
const TOLERANCE = 0.06;
/** The part of a slice that the CPU computes as well, to compare, is at most this; of slices of one or two texts, one of four is checked. */
const CHECK = 1 / 3;
const CHECK_ANYWAY = 4;

/** The version of felsic and the digest of the binary for GPUs, kernels included, which the bundler puts here. */
declare const FELSIC_KERNELS: string;

/** Shares the calls of an embedder between an engine on the CPU and a GPU. */
export class Auto implements Answers {
  readonly #launcher: Launcher;
  readonly #cpu: RunningEngine;
  readonly #gpu: GpuDevice;
  #info: EmbedderInfo;
  #key: readonly string[] | undefined;
  #measures = new Measures();
  #looking: Promise<void> | undefined;
  /** Why the GPU is never used, from now on. */
  #refusal: GpuInfo["reason"] | undefined;
  #isTrying = false;
  #isRemembered = false;
  /** How long the CPU has been busy with batches, in milliseconds. */
  #busy = 0;
  #tokensPerCharacter = 0.3;
  #slices = 0;

  constructor(launcher: Launcher, cpu: RunningEngine) {
    this.#launcher = launcher;
    this.#cpu = cpu;
    this.#info = cpu.info;
    this.#gpu = new GpuDevice(launcher, cpu.pack, {
      lost: () => this.#tell("starting", "measuring"),
      back: () => (this.#measures.isWorth ? this.#tell("used", "faster") : this.#tell("trial", "measuring")),
      gone: (reason, error) => this.#refuse(reason, error.message),
    });
    if (!cpu.isStored) this.#refusal = "not-stored";
    this.#tell("unused", this.#refusal ?? "no-work");
  }

  get info(): EmbedderInfo {
    return this.#info;
  }

  request: Answers["request"] = (type, request, options) => this.#cpu.request(type, request, options);

  warmUp(): Promise<number> {
    return this.#cpu.warmUp();
  }

  async memoryBytes(): Promise<number> {
    const [cpu, gpu = 0] = await Promise.all([this.#cpu.memoryBytes(), this.#gpu.engine?.memoryBytes().catch(() => 0)]);
    return cpu + gpu;
  }

  end(error: FelsicError): void {
    this.#gpu.end(error);
    this.#cpu.end(error);
  }

  embed(request: EmbedRequest, options: RequestOptions<EmbedProgress>): Promise<EmbedResult> {
    if (this.#refusal !== undefined || request.urgent) return this.#cpu.embed(request, options);
    this.#looking ??= this.#look();
    const gpu: Lane = { room: ROOM, takes: (slice) => this.#isForGpu(slice), run: (...given) => this.#onGpu(...given) };
    const cpu: Lane = { room: ROOM, takes: () => true, run: (...given) => this.#onCpu(...given) };
    return inSlices(request, options, [gpu, cpu], SLICE / this.#tokensPerCharacter);
  }

  /** Finds out which GPU there is and what is known about it. */
  async #look(): Promise<void> {
    const adapter = await findAdapter();
    if (!adapter) return this.#settle("no-adapter");
    this.#info = Object.freeze({ ...this.#info, gpu: Object.freeze({ ...this.#info.gpu!, adapter: adapter.name }) });
    if (adapter.isSoftware) return this.#settle("software-adapter");
    const { model, space, kernel } = this.#info;
    const { pack = "" } = this.#cpu;
    const gpu = [FELSIC_KERNELS, adapter.name, ...adapter.abilities];
    const key = [...gpu, model, pack, space, kernel, String(this.#launcher.workers)];
    const memory = await remembered(key);
    this.#key = key;
    if (!memory) return;
    this.#measures = memory.measures;
    this.#isRemembered = true;
    if (memory.refusal) return this.#settle(memory.refusal);
    if (memory.measures.crossovers.length > 0) this.#tell("unused", memory.measures.isWorth ? "faster" : "slower");
  }

  /** Decides that the GPU is not used, without a warning. */
  #settle(reason: GpuInfo["reason"]): void {
    this.#refusal = reason;
    this.#tell("unused", reason);
  }

  /** Gives the GPU up, with a warning, and for later visits too. */
  #refuse(reason: Refusal, message: string): void {
    this.#isRemembered = false;
    this.#settle(reason);
    this.#remember(reason);
    this.#launcher.warn({ code: REFUSED[reason], message: `the CPU computes from now on: ${message}` });
  }

  #remember(refusal?: Memory["refusal"]): void {
    if (this.#key) void remember(this.#key, { measures: this.#measures, refusal });
  }

  #tokens({ characters }: Slice): number {
    return characters * this.#tokensPerCharacter;
  }

  #isForGpu(slice: Slice): boolean {
    if (this.#refusal !== undefined || !this.#gpu.engine) return false;
    const tokens = this.#tokens(slice);
    return tokens >= (this.#measures.crossover(slice.texts.length, tokens) ?? Infinity);
  }

  async #onCpu(slice: Slice, request: EmbedRequest, options: RequestOptions<EmbedProgress>): Promise<EmbedResult> {
    const result = await this.#cpu.embed(request, options);
    this.#busy += result.took;
    const tokens = sum(result.tokens);
    if (slice.characters > 0) this.#tokensPerCharacter += (tokens / slice.characters - this.#tokensPerCharacter) / 4;
    if (tokens >= LEAST_TRIAL) this.#measures.cpu(slice.texts.length, tokens, result.took);
    if (tokens >= LEAST_TRIAL) void this.#consider(request, result, tokens);
    return result;
  }

  /** After a slice that the CPU has computed: starts the GPU if that can gain, or tries it with these texts. */
  async #consider(request: EmbedRequest, result: EmbedResult, tokens: number): Promise<void> {
    await this.#looking;
    if (this.#refusal !== undefined || this.#isTrying) return;
    const crossover = this.#measures.crossover(result.vectors.length, tokens);
    if (crossover === Infinity) return;
    if (!this.#gpu.engine) {
      const isSpare = threads() > this.#launcher.workers;
      // A GPU that has been faster before gains at once.
      if (crossover === undefined && this.#busy < (isSpare ? WORK.spare : WORK.none)) return;
      // Other lengths of texts, for which it may be started again, have to bring work of their own.
      this.#busy = 0;
      if (this.#info.gpu?.state !== "starting") this.#tell("starting", crossover === undefined ? "measuring" : "faster");
      return this.#gpu.start();
    }
    if (crossover === undefined) await this.#try(request, result);
  }

  /** Has the GPU compute texts that the CPU has computed, compares the vectors, and measures. Rejects never. */
  async #try(request: EmbedRequest, { vectors, tokens }: EmbedResult): Promise<void> {
    this.#isTrying = true;
    // The caller may change theirs.
    const expected = vectors.map((vector) => vector.slice());
    const measures: [texts: number, tokens: number, milliseconds: number][] = [];
    try {
      for (const [round, share] of SHARES.entries()) {
        // Every n-th text, so that all have the lengths of the slice.
        const step = Math.max(1, Math.round(1 / share));
        const places = expected.flatMap((_, place) => (place % step === 0 ? [place] : []));
        const size = sum(places.map((place) => tokens[place]!));
        const compute = () => this.#compared(request, expected, places, size);
        let took = await compute();
        if (round === 0) continue;
        // Whatever else the machine does can only have slowed it.
        if (this.#measures.loses(places.length, size, took)) took = Math.min(took, await compute());
        measures.push([places.length, size, took]);
        if (took > (HOPELESS[round] ?? Infinity) * (this.#measures.expected(places.length, size) ?? Infinity)) break;
      }
      for (const measure of measures) this.#measures.gpu(...measure);
      this.#judge();
    } catch {
      // A GPU that has failed, or is wrong, has said so itself.
    } finally {
      this.#isTrying = false;
    }
  }

  /** Has the GPU compute some of the texts and returns how long it took. Rejects if the vectors are not as expected. */
  async #compared(
    request: EmbedRequest,
    expected: readonly Float32Array[],
    places: readonly number[],
    tokens: number,
  ): Promise<number> {
    const texts = places.map((place) => request.texts[place]!);
    const { vectors, took } = await this.#gpu.embed({ ...request, texts }, {}, this.#patience(texts.length, tokens));
    if (places.every((place, at) => isSame(vectors[at], expected[place]!, this.#info.dimensions))) return took;
    this.#wrong();
    throw new Fault("the vectors are wrong");
  }

  /** Says and remembers what the measurements have shown; a GPU that is never faster ends. */
  #judge(): void {
    this.#isRemembered = false;
    this.#remember();
    if (this.#measures.isWorth) return this.#tell("used", "faster");
    this.#tell("unused", "slower");
    this.#gpu.rest();
  }

  /** Computes a slice on the GPU, one text of it on the CPU too, and all of it on the CPU if that is not the same. */
  async #onGpu(slice: Slice, request: EmbedRequest, options: RequestOptions<EmbedProgress>): Promise<EmbedResult> {
    const place = this.#checked(slice);
    // Slices that the CPU has begun must not keep it waiting.
    const text = place === undefined ? undefined : [request.texts[place]!];
    const check = text && this.#cpu.embed({ ...request, texts: text, urgent: true }, { signal: options.signal });
    // Whoever waits for it hears of its failure.
    check?.catch(() => undefined);
    try {
      const result = await this.#gpu.embed(request, options, this.#patience(slice.texts.length, this.#tokens(slice)));
      const checked = await check;
      const [right] = checked?.vectors ?? [];
      if (right && !isSame(result.vectors[place!], right, this.#info.dimensions)) this.#wrong();
      else {
        // A check that takes longer than what it checks counts, too.
        this.#measures.gpu(slice.texts.length, sum(result.tokens), Math.max(result.took, checked?.took ?? 0));
        if (!this.#measures.isWorth) this.#judge();
        return result;
      }
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
    }
    return this.#cpu.embed(request, options);
  }

  /** Returns which text of a slice is computed twice: its shortest, unless that is most of the work. */
  #checked({ texts, characters }: Slice): number | undefined {
    const number = this.#slices++;
    const shortest = texts.reduce((best, text, place) => (text.length < texts[best]!.length ? place : best), 0);
    return number % CHECK_ANYWAY === 0 || texts[shortest]!.length <= CHECK * characters ? shortest : undefined;
  }

  #wrong(): void {
    this.#refuse("wrong", "the GPU's vectors are not those of the CPU");
    this.#gpu.rest();
  }

  #patience(texts: number, tokens: number): number {
    return PATIENCE + PATIENCE_TIMES * (this.#measures.expected(texts, tokens) ?? 0);
  }

  #tell(state: GpuInfo["state"], reason: GpuInfo["reason"]): void {
    const { crossovers } = this.#measures;
    const adapter = this.#info.gpu?.adapter;
    const gpu: GpuInfo = {
      state,
      reason,
      ...(adapter !== undefined && { adapter }),
      ...(crossovers.length > 0 && { crossover: crossovers }),
      ...(this.#isRemembered && { remembered: true }),
    };
    this.#info = Object.freeze({ ...this.#info, gpu: Object.freeze(gpu) });
  }
}

/** Whether two devices have made the same vector; the components of a shorter one have been made larger. */
function isSame(made: Float32Array | undefined, expected: Float32Array, dimensions: number): boolean {
  if (made?.length !== expected.length) return false;
  const most = TOLERANCE ** 2 * (dimensions / Math.max(expected.length, 1));
  return expected.reduce((sum, value, index) => sum + (value - made[index]!) ** 2, 0) <= most;
}

function sum(numbers: ArrayLike<number>): number {
  return Array.from(numbers).reduce((sum, number) => sum + number, 0);
}
