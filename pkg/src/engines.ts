/** The engines behind an embedder, seen from the page, and how they are started. */

import { Connection, type News } from "./connection.js";
import { FelsicError } from "./errors.js";
import type { EngineDevice } from "./engine.js";
import type { Link, RequestOptions } from "./link.js";
import type { CreateOptions, Delivery, EmbedProgress, Prefetch, Simd } from "./options.js";
import { type EngineFiles, engineFiles, type Folders } from "./package.js";
import { autoWorkers, Pool } from "./pool.js";
import type { Calls, Created, EmbedAnswer, EmbedResult } from "./protocol.js";
import { cpuBinary } from "./simd.js";
import { startWorker } from "./start.js";
import { integrityOf } from "./store/names.js";
import type { EmbedderInfo } from "./types.js";

/** Texts to embed, and how. */
export type EmbedRequest = Calls["embed"]["request"];

/** What answers an embedder's calls: one engine, or several that share them. */
export interface Answers {
  readonly info: EmbedderInfo;
  /** Sends a request to an engine, as {@link Link.request} does. */
  readonly request: Link<Calls>["request"];
  embed(request: EmbedRequest, options: RequestOptions<EmbedProgress>): Promise<EmbedResult>;
  /** Starts all workers and returns their number. */
  warmUp(): Promise<number>;
  memoryBytes(): Promise<number>;
  /** Ends all workers; pending and later calls reject with `error`. */
  end(error: FelsicError): void;
}

/** An engine that runs in a worker, with its helpers. */
export class RunningEngine implements Answers {
  info: EmbedderInfo;
  /** What another engine has to be made from to give the same vectors. */
  readonly pack: string | undefined;
  /** Whether the pack is kept on this machine. */
  readonly isStored: boolean;
  readonly #connection: Connection;
  readonly #pool: Pool | undefined;

  constructor(connection: Connection, { info, pack, isStored }: Created, pool?: Pool) {
    this.#connection = connection;
    this.info = frozen(info);
    this.pack = pack;
    this.isStored = isStored;
    this.#pool = pool;
  }

  request: Link<Calls>["request"] = (type, request, options) => this.#connection.request(type, request, options);

  embed(request: EmbedRequest, options: RequestOptions<EmbedProgress>): Promise<EmbedAnswer> {
    if (request.texts.length > 1) void this.#pool?.start();
    return this.#connection.request("embed", request, options);
  }

  async warmUp(): Promise<number> {
    // A request like any other, so that an engine that has ended says so.
    await this.#connection.request("memoryBytes", {});
    await this.#pool?.start();
    return this.workers;
  }

  /** The number of workers that are ready. */
  get workers(): number {
    return 1 + (this.#pool?.ready ?? 0);
  }

  async memoryBytes(): Promise<number> {
    const [engine, helpers = 0] = await Promise.all([this.#connection.request("memoryBytes", {}), this.#pool?.memoryBytes()]);
    return engine + helpers;
  }

  end(error: FelsicError): void {
    this.#connection.end(error);
  }

  /** Calls back when its worker has ended, for whatever reason. */
  onEnd(callback: (error: FelsicError) => void): void {
    this.#connection.onEnd(callback);
  }
}

/** What is the same for all engines of an embedder. */
export interface Settings extends Delivery, Pick<CreateOptions, "workerUrl" | "wasmUrl" | "baseUrl"> {
  readonly model: string;
  /** The device that the caller asked for; `workerUrl` and `wasmUrl` are for its engine alone. */
  readonly device: EngineDevice;
  readonly prefetch: Prefetch;
  readonly workers: number | "auto";
  readonly simd: Simd;
}

/** Settings of one start. */
export interface StartOptions {
  readonly signal?: AbortSignal | undefined;
  /** The pack that the engine has to be made from: that of the engine that it stands beside. */
  readonly pack?: string | undefined;
}

/** Starts the engines of an embedder. */
export class Launcher {
  readonly #settings: Settings;
  readonly #folders: Folders;
  readonly #news: News;
  /** The files of the engine that the caller asked for; throws what `create()` has to. */
  readonly files: EngineFiles;

  constructor(settings: Settings, folders: Folders, news: News) {
    this.#settings = settings;
    this.#folders = folders;
    this.#news = news;
    this.files = this.#files(settings.device).files;
  }

  /** The number of workers of the engine on the CPU, once all are ready. */
  get workers(): number {
    const { workers } = this.#settings;
    return workers === "auto" ? autoWorkers() : workers;
  }

  /** Reports what went wrong and stopped nothing. */
  get warn(): NonNullable<News["warning"]> {
    return (warning) => this.#news.warning?.(warning);
  }

  /** The request for the engine that the caller asked for. */
  get request(): Calls["create"]["request"] {
    const { device, prefetch } = this.#settings;
    return { device, prefetch, ...this.#delivery, ...this.files };
  }

  /** Starts an engine. If anything fails, no worker is left behind. */
  async start(device: EngineDevice, { signal, pack }: StartOptions = {}): Promise<RunningEngine> {
    const { files, name } = this.#files(device);
    const isFirst = device === this.#settings.device && pack === undefined;
    const start = (news?: News) => new Connection(startWorker(files.scriptUrl, name, this.#folders.cache), this.#folders, news);
    const connection = start(isFirst ? this.#news : { warning: this.#news.warning });
    try {
      const request = isFirst ? this.request : this.#further(device, files, pack);
      const created = await connection.request("create", request, { signal });
      return new RunningEngine(connection, created, device === "cpu" ? this.#pool(connection, created, files, start) : undefined);
    } catch (error) {
      connection.end(error as FelsicError);
      throw error;
    }
  }

  /** A further engine must not load anything but what the first one has, nor keep anybody waiting for the whole table. */
  #further(device: EngineDevice, files: EngineFiles, pack: string | undefined): Calls["create"]["request"] {
    const { prefetch } = this.#settings;
    return {
      device,
      prefetch: prefetch === "all" ? "background" : prefetch,
      ...this.#delivery,
      ...(pack !== undefined && { integrity: integrityOf(pack) }),
      ...files,
    };
  }

  #pool(connection: Connection, { pack }: Created, files: EngineFiles, start: () => Connection): Pool | undefined {
    const helpers = this.workers - 1;
    return pack !== undefined && helpers > 0
      ? new Pool(connection, helpers, { ...this.#delivery, pack, ...files }, start)
      : undefined;
  }

  get #delivery(): Delivery & { readonly model: string } {
    const { model, urls, files, integrity, cache, access, allowedOrigins } = this.#settings;
    return {
      model,
      cache,
      access,
      ...(urls && { urls }),
      ...(files && { files }),
      ...(integrity !== undefined && { integrity }),
      ...(allowedOrigins && { allowedOrigins }),
    };
  }

  #files(device: EngineDevice): { files: EngineFiles; name: string } {
    const { simd, device: asked, workerUrl: _, wasmUrl: __, ...others } = this.#settings;
    const given = device === asked ? this.#settings : others;
    const binary = device === "webgpu" ? "gpu" : cpuBinary(simd, "wasmUrl" in given);
    return { files: engineFiles(binary, given), name: `felsic-${binary}` };
  }
}

function frozen(info: EmbedderInfo): EmbedderInfo {
  return Object.freeze({ ...info, prompts: Object.freeze([...info.prompts]) });
}
