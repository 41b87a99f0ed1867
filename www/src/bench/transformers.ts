/** transformers.js as an engine of the benchmark, in a worker of its own. */

import { hostOf } from "../app-shell/host.js";
import type { Runner } from "./measure.js";
import type { Answer, Embedded, Loaded, Place, Request } from "./transformers-protocol.js";

/** Where the files of the model are kept during a measurement, so that it can be loaded again from this machine as felsic's is. */
const CACHE = "felsic-bench-transformers";

interface Call {
  resolve(value: Loaded | Embedded | number): void;
  reject(error: unknown): void;
}

type Rest<T> = T extends Request ? Omit<T, "id"> : never;

/** A loaded model. */
export class Transformers implements Runner {
  readonly #worker = new Worker(new URL("../../bench/transformers-row.worker.ts", import.meta.url), { type: "module" });
  readonly #waiting = new Map<number, Call>();
  readonly #model: string;
  #loaded: Loaded = { device: "wasm", kernel: "", format: "" };
  #calls = 0;

  private constructor(model: string) {
    this.#model = model;
    this.#worker.onmessage = ({ data }: MessageEvent<Answer>) => {
      const call = this.#waiting.get(data.id);
      this.#waiting.delete(data.id);
      if ("error" in data) call?.reject(new Error(data.error));
      else call?.resolve(data.value);
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#fail(new Error(event.message || "the worker of transformers.js could not be loaded"));
    };
  }

  /**
   * Loads a model.
   *
   * @param address of a folder or `owner/name` of a hub
   * @param options `fresh`: what was kept of a measurement before is deleted
   */
  static async load(
    address: string,
    { signal, fresh }: { readonly signal: AbortSignal; readonly fresh: boolean },
  ): Promise<Transformers> {
    const place = placeOf(address);
    if (fresh) await forget();
    const made = new Transformers(address.replace(/\/+$/, "").replace(/^.*:\/\/.*\//, ""));
    try {
      made.#loaded = (await made.#ask({ name: "load", place, cache: CACHE }, signal)) as Loaded;
    } catch (error) {
      made.destroy();
      throw error;
    }
    return made;
  }

  get info(): Runner["info"] {
    return { ...this.#loaded, model: this.#model };
  }

  first(text: string, signal: AbortSignal): Promise<Float32Array> {
    return this.query(text, signal);
  }

  async query(text: string, signal: AbortSignal): Promise<Float32Array> {
    return (await this.#embed([text], signal))[0]!;
  }

  warmUp(): Promise<number> {
    return Promise.resolve(1);
  }

  async passages(texts: readonly string[], signal: AbortSignal) {
    const vectors = await this.#embed(texts, signal);
    // Counted apart: felsic's engine counts as it works, and this must not cost the other one time.
    return { vectors, tokens: async () => (await this.#ask({ name: "count", texts }, signal)) as number };
  }

  async #embed(texts: readonly string[], signal: AbortSignal): Promise<readonly Float32Array[]> {
    const { vectors } = (await this.#ask({ name: "embed", texts }, signal)) as Embedded;
    if (vectors.length !== texts.length) throw new Error(`${vectors.length} vectors for ${texts.length} texts`);
    return vectors;
  }

  async memoryBytes(): Promise<number> {
    return (await this.#ask({ name: "memory" })) as number;
  }

  destroy(): void {
    this.#worker.terminate();
    this.#fail(new Error("transformers.js was stopped"));
  }

  #fail(error: unknown): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  #ask(request: Rest<Request>, signal?: AbortSignal): Promise<Loaded | Embedded | number> {
    signal?.throwIfAborted();
    const id = (this.#calls += 1);
    const stop = () => this.#waiting.get(id)?.reject(signal?.reason);
    signal?.addEventListener("abort", stop);
    return new Promise<Loaded | Embedded | number>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, ...request });
    }).finally(() => {
      this.#waiting.delete(id);
      signal?.removeEventListener("abort", stop);
    });
  }
}

/** Deletes what a measurement has kept. */
export async function forget(): Promise<void> {
  await globalThis.caches?.delete(CACHE);
}

function placeOf(address: string): Place {
  const hub = URL.canParse(address) ? undefined : hostOf(address, location.href);
  if (hub !== undefined) {
    const [name = "", revision = "main"] = address.split("@");
    return { host: `${hub}/`, folder: `${name}/resolve/${encodeURIComponent(revision)}` };
  }
  if (!URL.canParse(address, location.href)) throw new Error(`${address} is no address of a folder`);
  const { origin, pathname } = new URL(address, location.href);
  return { host: `${origin}/`, folder: pathname.replace(/^\/+|\/+$/g, "") };
}
