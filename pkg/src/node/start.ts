/** Starts workers as threads of Node, and says why one does not start: see ../start.ts. */

import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Worker as Thread } from "node:worker_threads";
import { describe, FelsicError } from "../errors.js";
import type { Started } from "../start.js";
import { locksOf } from "./kept.js";
import { cacheFolder, located } from "./platform.js";
import type { Setting } from "./worker.js";

/** The script that every thread begins with. */
const FIRST = "worker-node.js";
const ELSEWHERE =
  "leave felsic out of the server's bundle (serverExternalPackages in Next.js, external elsewhere), or name the folder of its files with baseUrl";

/** Threads of engines, by name, which have few objects at a time; those of a collection make many. */
const ENGINES = ["felsic-cpu", "felsic-relaxed"];
/** Megabytes for the new objects of such a thread. V8 takes up to 48 in the first 20,000 calls, which it never gives back. */
const YOUNG = 8;

/** Whether workers can be started here. */
export function canStartWorkers(): boolean {
  return true;
}

/** Throws if no workers can be started here. */
export function requireWorkers(): void {}

/** Starts a worker, whose script is a file of this machine; packs are kept in `cache`. */
export function startWorker(url: string, name: string, cache: string = cacheFolder(undefined)): Started {
  if (!url.startsWith("file:")) {
    throw new FelsicError("input-invalid", `in Node, scripts of workers come from the disk alone, not from ${url}`);
  }
  const worker = new NodeWorker(firstScript(url), { script: url, cache }, name);
  let hasStarted = false;
  worker.addEventListener("message", () => (hasStarted = true), { once: true });
  return {
    worker: worker as unknown as Worker,
    end: () => void worker.terminate(),
    hold: (isAwaited) => worker.hold(isAwaited),
    onFailure(crash, callback) {
      worker.addEventListener("error", (event) => {
        const { error } = event as Event & { error: unknown };
        callback(hasStarted ? crashed(crash, error) : notStarted(url, error));
      });
    },
  };
}

/** Returns the URL of a thread's first script: of the package, or beside the worker's script. */
function firstScript(script: string): URL {
  const own = located(FIRST, () => new URL("./worker-node.js", import.meta.url));
  if (existsSync(own)) return own;
  const beside = new URL(FIRST, script);
  if (existsSync(beside)) return beside;
  throw new FelsicError("not-found", `felsic's ${FIRST} is not where this bundle says: ${ELSEWHERE}`);
}

function crashed(crash: string, error: unknown): FelsicError {
  const isMemory = (error as { code?: unknown }).code === "ERR_WORKER_OUT_OF_MEMORY";
  if (isMemory)
    return new FelsicError("out-of-memory", "the worker has run out of memory; create a new embedder", {
      cause: describe(error),
    });
  return new FelsicError("internal", crash, { cause: describe(error) });
}

function notStarted(url: string, error: unknown): FelsicError {
  const script = `the worker's script at ${url}`;
  if (!existsSync(fileURLToPath(url))) return new FelsicError("not-found", `${script} does not exist: ${ELSEWHERE}`);
  return new FelsicError("io", `${script} does not run: it is not felsic's, or cannot be read`, { cause: describe(error) });
}

/** A thread with the interface of a browser's worker, as far as it is used. */
class NodeWorker extends EventTarget {
  readonly #thread: Thread;
  /** Settles when the thread has read its scripts, or has ended without. */
  readonly #hasRead: Promise<unknown>;
  #hasEnded = false;

  constructor(first: URL, setting: Setting, name: string) {
    super();
    this.#thread = started(first, setting, name);
    const { threadId } = this.#thread;
    this.#hasRead = new Promise((resolve) => {
      // The first one says so, see worker.ts.
      this.#thread.once("message", () => {
        this.#thread.on("message", (data: unknown) => this.#pass(data));
        resolve(undefined);
      });
      this.#thread.once("exit", resolve);
    });
    this.#thread.on("messageerror", () => this.dispatchEvent(new Event("messageerror")));
    this.#thread.on("error", (error) => this.#fail(error));
    this.#thread.on("exit", (code) => {
      // It cannot release them any more.
      locksOf(setting.cache).releaseAllOf(threadId);
      this.#fail(new Error(`the worker has ended by itself, with code ${code}`));
    });
  }

  postMessage(message: unknown, transfer: Transferable[] = []): void {
    this.#thread.postMessage(message, transfer as never);
  }

  /** Says whether the thread keeps the process running. */
  hold(isAwaited: boolean): void {
    if (this.#hasEnded) return;
    if (isAwaited) this.#thread.ref();
    else this.#thread.unref();
  }

  /** Ends the thread, but not while Node reads its scripts: the file would stay open. */
  async terminate(): Promise<void> {
    this.#hasEnded = true;
    await this.#hasRead;
    await this.#thread.terminate();
  }

  #pass(data: unknown): void {
    if (!this.#hasEnded) this.dispatchEvent(new MessageEvent("message", { data }));
  }

  #fail(error: unknown): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.dispatchEvent(Object.assign(new Event("error"), { error, message: describe(error) }));
  }
}

function started(first: URL, setting: Setting, name: string): Thread {
  try {
    const limits = ENGINES.includes(name) ? { resourceLimits: { maxYoungGenerationSizeMb: YOUNG } } : {};
    // Without the process's own flags: a loader of scripts, or --input-type, is not for felsic's threads.
    return new Thread(first, { name, workerData: setting, execArgv: [], ...limits });
  } catch (cause) {
    throw new FelsicError("device-unavailable", `Node does not let felsic start a thread: ${describe(cause)}`, { cause });
  }
}
