/** The model of a static index, in the page: made when meaning is searched for the first time, unless the page gives its own. */

import { FelsicError } from "../errors.js";
import type { Embedder } from "../embedder.js";
import { fetchAllowed } from "../origins.js";
import type { Warning } from "../store/warning.js";
import type { IndexModel } from "./index-manifest.js";
import type { TextEmbedder } from "./types.js";

/** What a model is made with. */
export interface ModelSource {
  readonly model: IndexModel;
  readonly space: string;
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

  /** Returns the bytes that making the embedder will fetch, by the manifest of its pack; 0 if its pack is stored. */
  async missingBytes(signal?: AbortSignal): Promise<number> {
    if (this.isReady) return 0;
    const { Embedder } = await import("../index.js");
    if ((await Embedder.availability(this.#options())) === "available") return 0;
    const { placeOf } = await import("../place.js");
    const { model, urls } = placeOf(this.#options());
    const url = urls?.["manifest.json"] ?? `${model}manifest.json`;
    const response = await fetchAllowed(url, { cache: "no-cache", credentials: "omit", ...(signal && { signal }) }).catch(
      (cause: unknown) => {
        throw new FelsicError("network", `${url} could not be fetched`, { cause });
      },
    );
    if (!response.ok) {
      const code = response.status === 404 || response.status === 410 ? "not-found" : "network";
      throw new FelsicError(code, `${url} answered with HTTP status ${response.status}`);
    }
    return bytesOf(await response.json().catch(() => undefined), url);
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
      ...this.#options(),
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

  #options() {
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

/** Returns the bytes of the files that a pack's manifest lists. */
function bytesOf(manifest: unknown, url: string): number {
  const { tokenizer, shards } = (manifest ?? {}) as { tokenizer?: unknown; shards?: unknown };
  const files = [tokenizer, ...(Array.isArray(shards) ? (shards as unknown[]) : [])];
  const bytes = files.map((file) => (file as { bytes?: unknown } | undefined)?.bytes);
  if (bytes.every((count) => typeof count === "number" && Number.isSafeInteger(count) && count >= 0)) {
    return (bytes as number[]).reduce((sum, count) => sum + count, 0);
  }
  throw new FelsicError("manifest-invalid", `${url} is not the manifest of a pack`);
}
