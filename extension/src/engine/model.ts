/** The embedder: made when it is needed, ended when it has rested or holds too much memory. */

import { Embedder } from "felsic/cpu";
import type { TextEmbedder } from "felsic/search";
import { ExtensionError } from "../shared/errors.js";
import { packFiles } from "../shared/packs.js";

/** Where the build has put felsic's workers, binaries and the built-in model. */
export const FELSIC = chrome.runtime.getURL("felsic/");

/** An embedder and how many calls it has to answer yet. */
interface Engine {
  readonly embedder: Embedder;
  calls: number;
  /** Ends it as soon as the last call is answered. */
  isLeaving: boolean;
}

/**
 * Loads a model: one worker, as pages are indexed in the background, where heat and memory matter more than time. Nothing is stored, since
 * the files are on the disk already: the built-in model's in the extension's package, the others' in its private files.
 */
async function load(pack: string): Promise<Embedder> {
  const options = { baseUrl: FELSIC, device: "cpu", workers: 1, cache: "none" } as const;
  // Rows of a large table are read when texts need them.
  if (pack !== "") return Embedder.create({ ...options, files: await packFiles(pack), prefetch: "none" });
  return Embedder.create({ ...options, prefetch: "all" });
}

export class Model {
  readonly #pack: () => string;
  #made: Promise<Engine> | undefined;
  #restarts = 0;
  /** The bytes of an engine that has done nothing yet. */
  #least = 0;
  /** An embedder of a pack that is to be used next. */
  #tried: { readonly pack: string; readonly embedder: Embedder } | undefined;

  /** `pack` names the pack that it is made from; empty: the built-in model. Who changes that has to call {@link end}. */
  constructor(pack: () => string) {
    this.#pack = pack;
  }

  /** How often it was ended because it held too much memory. */
  get restarts(): number {
    return this.#restarts;
  }

  #engine(): Promise<Engine> {
    this.#made ??= this.#make().catch((error) => {
      this.#made = undefined;
      const message = `the model cannot be loaded: ${String(error?.message ?? error)}`;
      throw new ExtensionError("engine-unavailable", message, { cause: error });
    });
    return this.#made;
  }

  /** Loads a pack to see whether it can be used; returns the model's name. If the pack is used next, it is not loaded again. */
  async try(pack: string): Promise<string> {
    const embedder = await load(pack);
    try {
      await embedder.embed("whether it works");
    } catch (error) {
      embedder.destroy();
      throw error;
    }
    this.#tried?.embedder.destroy();
    this.#tried = { pack, embedder };
    return embedder.info.model;
  }

  /** Returns the embedder that was tried, if it is of this pack. */
  #take(pack: string): Embedder | undefined {
    const tried = this.#tried;
    if (tried?.pack !== pack) return undefined;
    this.#tried = undefined;
    return tried.embedder;
  }

  async #make(): Promise<Engine> {
    const pack = this.#pack();
    const embedder = this.#take(pack) ?? (await load(pack));
    this.#least = await embedder.memoryBytes();
    return { embedder, calls: 0, isLeaving: false };
  }

  /** Has the embedder do something; it does not end before. */
  async use<Value>(work: (embedder: Embedder) => Promise<Value>): Promise<Value> {
    const engine = await this.#engine();
    engine.calls += 1;
    try {
      return await work(engine.embedder);
    } finally {
      engine.calls -= 1;
      if (engine.isLeaving && engine.calls === 0) engine.embedder.destroy();
    }
  }

  /** Returns what collections take: an embedder that stays valid when the engine behind it is started anew. */
  async textEmbedder(): Promise<TextEmbedder> {
    const { info } = (await this.#engine()).embedder;
    const embed = (input: never, options: never) => this.use((embedder) => embedder.embed(input, options));
    return {
      info,
      embed: embed as TextEmbedder["embed"],
      countTokens: (texts, options) => this.use((embedder) => embedder.countTokens(texts, options)),
    };
  }

  /** Returns the bytes of WebAssembly memory that it holds; 0 without an engine. */
  async bytes(): Promise<number> {
    return this.#made ? this.use((embedder) => embedder.memoryBytes()).catch(() => 0) : 0;
  }

  /** Describes it, if there is one. */
  async info(): Promise<Embedder["info"] | undefined> {
    return (await this.#made?.catch(() => undefined))?.embedder.info;
  }

  /**
   * Returns whether it held more than it may, and was ended therefore: memory of WebAssembly never shrinks. What a fresh engine needs
   * does not count, or a low ceiling would have it started again and again.
   */
  async endsAbove(ceiling: number): Promise<boolean> {
    const bytes = await this.bytes();
    if (bytes <= Math.max(ceiling, this.#least)) return false;
    this.#restarts += 1;
    await this.end();
    return true;
  }

  /** Ends it and frees its memory, as soon as it has answered what it was asked. */
  async end(): Promise<void> {
    if (this.#tried && this.#tried.pack !== this.#pack()) this.#take(this.#tried.pack)?.destroy();
    const made = this.#made;
    this.#made = undefined;
    const engine = await made?.catch(() => undefined);
    if (!engine) return;
    engine.isLeaving = true;
    if (engine.calls === 0) engine.embedder.destroy();
  }
}
