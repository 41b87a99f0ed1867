/** The body of the engine's workers (CPU, relaxed, GPU): passes requests to an engine, which computes one at a time. */

import { CheckpointFiles } from "./checkpoint/files.js";
import type { PackRequest } from "./checkpoint/protocol.js";
import type { Engine, EngineHooks, EngineModule, Helper } from "./engine.js";
import { abortedBy, describe, type ErrorMessage, fromMessage, knownError, orAborted } from "./errors.js";
import { Helpers } from "./helpers.js";
import { allowOnly, isLocal, isOwn } from "./origins.js";
import type { Watch } from "./gpu/watch.js";
import type { EngineFiles } from "./package.js";
import type {
  CallName,
  Calls,
  EmbedAnswer,
  FromHelper,
  FromWorker,
  MadeMessage,
  Request,
  ToHelper,
  ToWorker,
} from "./protocol.js";
import { Queue, type Turn } from "./queue.js";
import { release } from "./release.js";
import { openPack } from "./store/given.js";
import { hashWith, integrityOf } from "./store/names.js";
import type { Made } from "./store/types.js";
import type { Warning } from "./store/warning.js";
import { TableLoader } from "./table.js";
import { throttled } from "./throttle.js";
import { nextTask } from "./turn.js";
import { startWasm } from "./wasm.js";

/** The part of a worker's global scope that is used here. */
interface Scope {
  addEventListener(type: "message", listener: (event: MessageEvent<ToWorker>) => void): void;
  postMessage(message: FromWorker, options?: StructuredSerializeOptions): void;
}

/** Answers the messages of `scope` with the engine of `module`, whose wasm is called `wasm`, and whose device `watch` watches. */
export function serve(scope: Scope, module: EngineModule, wasm: string, watch?: Watch): void {
  const server = new Server(scope, module, wasm, watch);
  const open = new Map<number, AbortController>();
  const queue = new Queue();
  scope.addEventListener("message", ({ data }) => {
    switch (data.type) {
      case "abort":
        return open.get(data.id)?.abort();
      case "helper":
        return server.helpers.add(data.helper, data.port);
      case "helperLost":
        return server.helpers.lose(data.helper);
      case "made":
        return server.made(data);
    }
    const abort = new AbortController();
    open.set(data.id, abort);
    const answer = (turn: Turn) => server.answer(data, abort.signal, turn);
    void queue.run(isUrgent(data), answer).finally(() => open.delete(data.id));
  });
  scope.postMessage({ type: "started" });
}

class Server {
  readonly helpers = new Helpers();
  readonly #scope: Scope;
  readonly #module: EngineModule;
  readonly #wasm: string;
  readonly #watch: Watch | undefined;
  /** The request that waits for a pack. */
  #making: { resolve(made: Made): void; reject(error: Error): void } | undefined;
  #engine: Engine | undefined;
  #table: TableLoader | undefined;
  #helper: Helper | undefined;
  /** When the last `embed` that was not urgent was done. */
  #done = -Infinity;

  constructor(scope: Scope, module: EngineModule, wasm: string, watch: Watch | undefined) {
    this.#scope = scope;
    this.#module = module;
    this.#wasm = wasm;
    this.#watch = watch;
    watch?.onFault((fault) => scope.postMessage({ type: "failed", error: gpuFailed(fault) }));
  }

  /** Ends the wait for a pack, with the pack or with the reason why there is none. */
  made({ made, error }: MadeMessage): void {
    if (made) this.#making?.resolve(made);
    else if (error) this.#making?.reject(fromMessage(error));
  }

  /** Asks the page for a pack: it can start the worker that makes one, wherever this worker runs. */
  #askToMake(request: PackRequest): Promise<Made> {
    return new Promise((resolve, reject) => {
      this.#making = { resolve, reject };
      this.#scope.postMessage({ type: "make", request });
    });
  }

  /** Runs one request to its end; never throws. */
  async answer(request: Request, signal: AbortSignal, turn: Turn): Promise<void> {
    // Aborted while it waited: nothing listens for an answer.
    if (signal.aborted) return;
    const { id } = request;
    try {
      const result = await this.#run(request, signal, turn);
      const transfer = request.type === "embed" ? (result as EmbedAnswer).vectors.map(({ buffer }) => buffer) : [];
      this.#scope.postMessage({ type: "result", id, result }, { transfer });
    } catch (error) {
      const known = knownError(error);
      // An error without a code is not a refusal but a trap or a defect, after which wasm memory cannot be trusted.
      this.#scope.postMessage(known ? { type: "error", id, error: known } : { type: "failed", error: defect(error) });
    }
  }

  #run(call: Request, signal: AbortSignal, turn: Turn): Promise<Calls[CallName]["result"]> | Calls[CallName]["result"] {
    switch (call.type) {
      case "create":
        return this.#create(call.request, signal);
      case "help":
        return this.#help(call.request, signal);
      case "embed":
        return this.#embed(call.id, call.request, signal, turn);
      case "tokenize":
        return this.#ready().tokenize(call.request.text, call.request.options);
      case "countTokens":
        return call.request.texts.map((text) => this.#ready().countTokens(text, call.request.options));
      case "memoryBytes":
        return (this.#helper ?? this.#ready()).memoryBytes();
    }
  }

  async #create(request: Calls["create"]["request"], signal: AbortSignal) {
    const { model, urls, files: given, device, scriptUrl, integrity, cache = "auto", access, prefetch, allowedOrigins } = request;
    allowOnly(allowedOrigins, scriptUrl);
    const warn = (warning: Warning) => this.#scope.postMessage({ type: "warning", warning });
    let report = throttled((progress) => this.#scope.postMessage({ type: "loading", progress }));
    const make = async () => {
      // Checks before anything is fetched for the pack.
      await new CheckpointFiles(model, signal, access).check();
      // The load then reads the finished pack, for which no progress is reported.
      report = () => undefined;
      // A checkpoint on this machine may change at any time: what is made of it is not kept.
      return this.#askToMake({ model, cache: isLocal(model) ? "none" : cache, access, allowedOrigins });
    };
    const [files] = await Promise.all([
      openPack({ model, urls, files: given, integrity, cache, access, signal, warn, make }),
      this.#start(request),
    ]);
    const engine = await this.#trusted(this.#module.Engine.create(model, device, files, (progress) => report(progress), signal));
    this.#engine = engine;
    const isForeign = !given && [model, ...Object.values(urls ?? {})].some((url) => !isOwn(url));
    const table = new TableLoader(engine, files, {
      ordered: prefetch === "background" && isForeign,
      languages: navigator.languages,
    });
    this.#table = table;
    if (prefetch === "all") await table.all();
    else if (prefetch === "background") void table.background();
    const { pooling } = files;
    return { info: { ...engine.info(), ...(pooling && { pooling }) }, pack: engine.pack(), isStored: files.persistent };
  }

  /** Returns what a device has made, unless anything has failed on it so far: then it is not what it should be. */
  async #trusted<T>(work: Promise<T>): Promise<T> {
    await Promise.allSettled([work]);
    await this.#watch?.settle();
    const fault = this.#watch?.fault;
    if (fault !== undefined) throw fromMessage(gpuFailed(fault));
    return work;
  }

  /**
   * Starts the wasm that the page names, otherwise the one beside the script. The wasm also hashes for the store if the browser
   * does not.
   */
  #start({ scriptUrl, wasmUrl }: EngineFiles): Promise<void> {
    const started = startWasm(this.#module, wasmUrl ?? new URL(this.#wasm, scriptUrl));
    hashWith(async () => (await started, new this.#module.Hasher()));
    return started;
  }

  async #help(request: Calls["help"]["request"], signal: AbortSignal) {
    const { model, urls, files: given, pack, port, scriptUrl, cache = "auto", access, allowedOrigins } = request;
    allowOnly(allowedOrigins, scriptUrl);
    const [files] = await Promise.all([
      openPack({ model, urls, files: given, cache, access, signal, warn: () => undefined, integrity: integrityOf(pack) }),
      this.#start(request),
    ]);
    this.#helper = await this.#module.Helper.create(model, pack, files, undefined, signal);
    this.#answerGroups(this.#helper, port);
    return {};
  }

  /** Computes the batches that come through the port, one after another. */
  #answerGroups(helper: Helper, port: MessagePort): void {
    const answer = async ({ task, rows, lengths }: ToHelper) => {
      try {
        const work = helper.pooled(rows, lengths);
        // It has copied the rows.
        release(rows.buffer);
        const pooled = await work;
        port.postMessage({ task, pooled } satisfies FromHelper, [pooled.buffer]);
      } catch (error) {
        // The engine computes the batch itself, and meets the reason itself if the batch is at fault.
        if (!knownError(error)) this.#scope.postMessage({ type: "failed", error: defect(error) });
        else port.postMessage({ task } satisfies FromHelper);
      }
    };
    let last = Promise.resolve();
    port.onmessage = ({ data }: MessageEvent<ToHelper>) => (last = last.then(() => answer(data)));
  }

  async #embed(id: number, request: Calls["embed"]["request"], signal: AbortSignal, turn: Turn): Promise<EmbedAnswer> {
    const { texts, options, urgent } = request;
    const begun = performance.now();
    const hooks = this.#hooks(id, signal, turn);
    const work = this.#ready().embed(texts, options, hooks, this.helpers.forCall(signal, turn));
    const { vectors, tokens, truncated } = await this.#trusted(work);
    const now = performance.now();
    // What helpers compute of the call before may still be under way when this one begins.
    const took = now - Math.max(begun, this.#done);
    if (!urgent) this.#done = now;
    const width = texts.length === 0 ? 0 : vectors.length / texts.length;
    return {
      vectors: texts.map((_, index) => vectors.slice(index * width, (index + 1) * width)),
      tokens,
      truncated,
      took,
    };
  }

  #hooks(id: number, signal: AbortSignal, turn: Turn): EngineHooks {
    return {
      get aborted() {
        return signal.aborted;
      },
      progress: (done, total) => this.#scope.postMessage({ type: "progress", id, progress: { done, total } }),
      pause: async () => {
        await nextTask();
        if (!signal.aborted) await turn.pause();
        if (signal.aborted) throw abortedBy(signal);
      },
      need: (shards) => turn.away(orAborted(this.#table!.need(shards), signal)),
    };
  }

  #ready(): Engine {
    if (!this.#engine) throw new Error("no engine has been created");
    return this.#engine;
  }
}

/** Whether a request goes first: a query goes before the texts of a call with many, and so do requests that take no time. */
function isUrgent(call: Request): boolean {
  switch (call.type) {
    case "embed":
      return call.request.urgent;
    case "countTokens":
      return call.request.texts.length <= 1;
    default:
      return call.type !== "create" && call.type !== "help";
  }
}

function gpuFailed(fault: string): ErrorMessage {
  return { code: "device-unavailable", message: `the GPU has failed (${fault}); create a new embedder, or use the CPU` };
}

function defect(error: unknown): ErrorMessage {
  return {
    code: "internal",
    message: "the engine crashed; create a new embedder",
    cause: describe(error),
  };
}
