/** The model of the library: which one is chosen, how far it is loaded, and an embedder that can wait for it. */

import { signal } from "@preact/signals";
import { type CreateOptions, Embedder, type EmbedderInfo, FelsicError } from "felsic";
import type { TextEmbedder } from "felsic/search";
import type { ModelState } from "./types.js";

export type Device = "auto" | "cpu" | "webgpu";

/** A model that was chosen: a pack's or checkpoint's address, empty for the built-in one. */
export interface Choice {
  readonly model: string;
  readonly device: Device;
  /** What the embedder said of itself when it was loaded last: with it, the collection opens before the model is there. */
  readonly info?: EmbedderInfo;
}

/** An embedder that the library has made, and can end. */
export type OwnEmbedder = TextEmbedder & Pick<Embedder, "destroy" | "memoryBytes">;

/** Makes embedders; `Embedder.create` by default. */
export type CreateEmbedder = (options: CreateOptions) => Promise<OwnEmbedder>;

const DEVICES: readonly unknown[] = ["auto", "cpu", "webgpu"];
const NONE: ModelState = { state: "none", loadedBytes: 0, totalBytes: 0 };

/** Loads models, one at a time. */
export class Models {
  readonly state = signal<ModelState>(NONE);
  readonly #key: string;
  readonly #create: CreateEmbedder;
  readonly #options: CreateOptions;
  readonly #serves: () => boolean;
  #loading = new AbortController();

  /** `key` is where the choice is kept in `localStorage`; `options` are those of every load; `serves` says whether a model is there. */
  constructor(key: string, create: CreateEmbedder | undefined, options: CreateOptions, serves: () => boolean) {
    this.#key = key;
    this.#serves = serves;
    this.#create = create ?? ((all) => Embedder.create(all));
    this.#options = options;
  }

  /** The choice of the last visit. */
  get choice(): Choice {
    const builtIn: Choice = { model: "", device: "auto" };
    try {
      const stored: unknown = JSON.parse(localStorage.getItem(this.#key) ?? "null");
      return isChoice(stored) ? stored : builtIn;
    } catch {
      return builtIn;
    }
  }

  remember(choice: Choice): void {
    try {
      localStorage.setItem(this.#key, JSON.stringify(choice));
    } catch {
      // Without storage the next visit begins with the built-in model.
    }
  }

  /** Loads a model; a load that is under way ends. Rejects with a `FelsicError`, `aborted` if another load has begun. */
  async load({ model, device }: Choice): Promise<OwnEmbedder> {
    this.#loading.abort();
    const { signal } = (this.#loading = new AbortController());
    this.state.value = { state: "loading", loadedBytes: 0, totalBytes: 0 };
    try {
      const embedder = await this.#create({
        ...this.#options,
        ...(model !== "" && { model }),
        device,
        signal,
        onProgress: ({ loadedBytes, totalBytes }) => {
          if (!signal.aborted) this.state.value = { ...this.state.peek(), loadedBytes, totalBytes };
        },
      });
      if (signal.aborted) {
        embedder.destroy();
        throw new FelsicError("aborted", "another model was chosen");
      }
      this.state.value = { ...this.state.peek(), state: "ready" };
      return embedder;
    } catch (error) {
      if (!signal.aborted) this.fail(error);
      throw error;
    }
  }

  /** Notes that a model cannot be used, or not any more; the one before may still serve. */
  fail(error: unknown): void {
    const problem = error instanceof FelsicError ? `${error.message} (${error.code})` : String(error);
    this.state.value = { ...NONE, state: this.#serves() ? "ready" : "failed", problem };
  }

  end(): void {
    this.#loading.abort();
    this.state.value = NONE;
  }
}

function isChoice(value: unknown): value is Choice {
  if (typeof value !== "object" || value === null) return false;
  const { model, device, info } = value as Partial<Record<keyof Choice, unknown>>;
  return typeof model === "string" && DEVICES.includes(device) && (info === undefined || isInfo(info));
}

function isInfo(value: unknown): value is EmbedderInfo {
  if (typeof value !== "object" || value === null) return false;
  const { space, model, dimensions, maxTokens } = value as Partial<Record<keyof EmbedderInfo, unknown>>;
  return typeof space === "string" && typeof model === "string" && Number(dimensions) > 0 && Number(maxTokens) > 0;
}

/** Stands for an embedder that is still being loaded: calls wait until it is there. */
export class AwaitedEmbedder implements TextEmbedder {
  readonly info: EmbedderInfo;
  readonly #embedder: Promise<TextEmbedder>;
  #resolve!: (embedder: TextEmbedder) => void;
  #reject!: (error: unknown) => void;

  constructor(info: EmbedderInfo) {
    this.info = info;
    this.#embedder = new Promise((resolve, reject) => ([this.#resolve, this.#reject] = [resolve, reject]));
    this.#embedder.catch(() => undefined);
  }

  arrive(embedder: TextEmbedder): void {
    this.#resolve(embedder);
  }

  fail(error: unknown): void {
    this.#reject(error);
  }

  readonly embed: TextEmbedder["embed"] = async (...call: [never, never]) =>
    (await this.#embedder).embed(...call) as Promise<never>;

  readonly countTokens: TextEmbedder["countTokens"] = async (...call) => (await this.#embedder).countTokens(...call);
}
