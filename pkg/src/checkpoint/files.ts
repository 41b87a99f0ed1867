/** The files of a checkpoint, from its server. */

import { FelsicError } from "../errors.js";
import { Download, isPage, joined, mayBeMissing } from "../store/network.js";
import { type Access, Requests } from "../store/requests.js";
import { sleep } from "../store/retry.js";
import { atCommit, commitOf, parted } from "./address.js";

/** The files that every checkpoint has. */
const CONFIG = "config.json";
/** The weights if they are in one file, and the list of their files if they are in several. */
const WEIGHTS = "model.safetensors";
const INDEX = "model.safetensors.index.json";
/** The largest size of a file that is read at once, in bytes; the largest tokenizer.json known has 33 MB. */
const MOST_WHOLE = 256 << 20;
/** Milliseconds after which a file's length counts as unknown. */
const LONGEST_LOOK = 10_000;

/** The part of the packer's wasm that is used here. */
export interface Settings {
  nextSettings(files: ReadonlyMap<string, Uint8Array | undefined>): string | undefined;
  indexedFiles(index: Uint8Array): string[];
}

/** A checkpoint's folder, or that of a GGUF file. */
export class CheckpointFiles {
  /** The name of the GGUF file, if the checkpoint is one. */
  readonly gguf: string | undefined;
  #folder: string;
  readonly #signal: AbortSignal;
  readonly #requests: Requests;
  readonly #lengths = new Map<string, ReturnType<CheckpointFiles["length"]>>();

  constructor(model: string, signal: AbortSignal, access: Access) {
    const { folder, file } = parted(model);
    this.gguf = file;
    this.#folder = folder;
    this.#signal = signal;
    this.#requests = new Requests(folder, access);
  }

  /** The commit of the files, if it is known. */
  get revision(): string | undefined {
    return commitOf(this.#folder);
  }

  /** Rejects if the folder is not that of a checkpoint, or there is no such file. */
  async check(): Promise<void> {
    if (this.gguf !== undefined) {
      if ((await this.length(this.gguf)) !== "missing") return;
      throw new FelsicError("not-found", `${this.#url(this.gguf)} does not exist`);
    }
    const length = await this.length(CONFIG);
    const isThere = length === "unclear" ? (await this.#optional(CONFIG)) !== undefined : length !== "missing";
    if (isThere) return;
    throw new FelsicError("not-found", `${this.#folder} has neither a manifest.json (a pack) nor a config.json (a checkpoint)`);
  }

  /** Fetches the files with its settings, by their names; files that do not exist have no bytes. */
  async settings(packer: Settings): Promise<Map<string, Uint8Array | undefined>> {
    const files = new Map<string, Uint8Array | undefined>();
    for (let next = packer.nextSettings(files); next !== undefined; next = packer.nextSettings(files)) {
      files.set(next, await this.#optional(next));
    }
    return files;
  }

  /** Returns the names of the files with its weights. */
  async weights(packer: Settings): Promise<string[]> {
    const length = await this.length(WEIGHTS);
    if (length !== "missing" && length !== "unclear") return [WEIGHTS];
    const index = await this.#optional(INDEX);
    return index ? packer.indexedFiles(index) : [WEIGHTS];
  }

  /**
   * Returns the length of a file, if the server reports it; `unclear` if it refuses, or answers with a page: then only a request
   * for the file tells. It may be the length of the file's compressed bytes, so it serves only for progress.
   */
  length(file: string): Promise<number | undefined | "missing" | "unclear"> {
    const length = this.#lengths.get(file) ?? this.#askLength(file);
    this.#lengths.set(file, length);
    return length;
  }

  async #askLength(file: string): Promise<number | undefined | "missing" | "unclear"> {
    try {
      const look = this.#requests.fetch(this.#url(file), { method: "HEAD", signal: this.#signal });
      const response = await Promise.race([look, sleep(LONGEST_LOOK, this.#signal)]);
      if (response?.status === 404) return "missing";
      if (response && (response.status === 401 || response.status === 403 || isPage(response))) return "unclear";
      const length = response?.headers.get("content-length") ?? undefined;
      return response?.ok && !response.headers.has("content-encoding") && length !== undefined ? Number(length) : undefined;
    } catch {
      // The request for the file itself meets the same failure.
      return undefined;
    }
  }

  /** Fetches a file, piece by piece. */
  open(file: string): Download {
    return new Download({
      url: this.#url(file),
      requests: this.#requests,
      at: 0,
      bytes: "told",
      signal: this.#signal,
      mode: "default",
    });
  }

  /** Fetches a whole file; `onBytes` receives the number of bytes that have arrived. */
  async read(file: string, onBytes?: (bytes: number) => void): Promise<Uint8Array<ArrayBuffer>> {
    const download = this.open(file);
    const pieces: Uint8Array<ArrayBuffer>[] = [];
    let length = 0;
    for (let piece = await download.read(); piece; piece = await download.read()) {
      pieces.push(piece);
      length += piece.length;
      if (length > MOST_WHOLE) {
        await download.cancel();
        throw new FelsicError("network", `${this.#url(file)} is longer than ${MOST_WHOLE} bytes`);
      }
      onBytes?.(length);
    }
    // From here on everything comes from the revision of the first file.
    this.#folder = atCommit(this.#folder, download.headers.get("x-repo-commit"));
    return joined(pieces);
  }

  async #optional(file: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    try {
      return await this.read(file);
    } catch (error) {
      // If a file that every checkpoint has is missing, the error says why.
      if (mayBeMissing(error) && (file !== CONFIG || (error as FelsicError).code === "not-found")) return undefined;
      throw error;
    }
  }

  #url(file: string): string {
    return this.#folder + file.split("/").map(encodeURIComponent).join("/");
  }
}
