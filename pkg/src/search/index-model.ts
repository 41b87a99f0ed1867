/** The model of a static index, in the page: made when meaning is searched for the first time, unless the page gives its own. */

import { FelsicError } from "../errors.js";
import type { Embedder } from "../embedder.js";
import type { CacheMode } from "../options.js";
import type { Warning } from "../store/warning.js";
import type { IndexModel } from "./index-manifest.js";
import type { TextEmbedder } from "./types.js";

/** What a model is made with. */
export interface ModelSource {
  readonly model: IndexModel;
  readonly space: string;
  readonly cache: CacheMode;
  /** An embedder of the page, which stays the page's. */
  readonly embedder?: TextEmbedder | undefined;
  readonly baseUrl?: string | URL | undefined;
  readonly onWarning?: ((warning: Warning) => void) | undefined;
}

/** How much of a model's files has arrived. */
export interface ModelProgress {
  readonly loadedBytes: number;
  readonly totalBytes: number;
}

/** Makes the embedder of an index, and ends it. */
export class LazyModel {
  readonly #source: ModelSource;
  readonly #abort = new AbortController();
  readonly #listeners = new Set<(progress: ModelProgress) => void>();
  #making: Promise<TextEmbedder> | undefined;
  #own: Embedder | undefined;

  /** @throws `needs-reindex` if the page's embedder is of another space */
  constructor(source: ModelSource) {
    this.#source = source;
    if (source.embedder) this.#making = Promise.resolve(this.#checked(source.embedder));
  }

  /** Whether the embedder is there. */
  get isReady(): boolean {
    return this.#own !== undefined || this.#source.embedder !== undefined;
  }

  /** Returns the bytes that making the embedder will fetch; 0 if its pack is stored. */
  async missingBytes(): Promise<number> {
    if (this.isReady) return 0;
    const { Embedder } = await import("../index.js");
    return Embedder.missingBytes(this.#place());
  }

  /** Returns the embedder, making it if that has not been done; after a failure, once more. */
  embedder(onProgress?: (progress: ModelProgress) => void): Promise<TextEmbedder> {
    if (onProgress) this.#listeners.add(onProgress);
    this.#making ??= this.#make().catch((error: unknown) => {
      this.#making = undefined;
      throw error;
    });
    const done = () => void (onProgress && this.#listeners.delete(onProgress));
    this.#making.then(done, done);
    return this.#making;
  }

  async #make(): Promise<TextEmbedder> {
    const { Embedder } = await import("../index.js");
    const { onWarning, model } = this.#source;
    const embedder = await Embedder.create({
      ...this.#place(),
      cache: this.#source.cache,
      ...(model.integrity !== undefined && model.url !== undefined && { integrity: model.integrity }),
      ...(onWarning && { onWarning }),
      // Queries alone are embedded.
      workers: 1,
      signal: this.#abort.signal,
      onProgress: (progress) => {
        for (const listener of this.#listeners) listener(progress);
      },
    });
    try {
      this.#checked(embedder);
    } catch (error) {
      embedder.destroy();
      throw error;
    }
    this.#own = embedder;
    return embedder;
  }

  /** Ends the embedder, if it is not the page's. */
  destroy(): void {
    this.#abort.abort();
    this.#own?.destroy();
  }

  /** Where the model is. */
  #place() {
    const { model, baseUrl } = this.#source;
    return { ...(model.url !== undefined && { model: model.url }), ...(baseUrl !== undefined && { baseUrl }) };
  }

  #checked(embedder: TextEmbedder): TextEmbedder {
    const { space, model } = this.#source;
    if (embedder.info.space === space) return embedder;
    const todo = `open it with an embedder of ${model.name}, or make it again with \`felsic index --model\``;
    throw new FelsicError("needs-reindex", `the index is of the space ${space}, the embedder of ${embedder.info.space}; ${todo}`);
  }
}
