/** Makes a pack from a checkpoint: takes its files as they arrive and writes the files of a pack. */

import type { EngineModule } from "../engine.js";
import { bytesOf, type Cache, hasHash } from "../store/cache.js";
import { type Held, lock } from "../store/locks.js";
import { findManifest, keepManifest } from "../store/manifests.js";
import { checkpointKey, manifestPrefix, sha256 } from "../store/names.js";
import type { Download } from "../store/network.js";
import { BytesReader } from "../store/reader.js";
import type { Access } from "../store/requests.js";
import { CHECKPOINT_PATIENCE, PATIENCE } from "../store/retry.js";
import { stateIn } from "../store/state.js";
import type { Files, Made } from "../store/types.js";
import { BusyError } from "../store/warning.js";
import type { LoadProgress } from "../types.js";
import { nameOf } from "./address.js";
import { CheckpointFiles, type Settings } from "./files.js";
import { LostError, Shards } from "./scratch.js";

/** The packer, in wasm memory; see `src/web/packer.rs`. */
export interface Packer {
  tokenizer(): Uint8Array<ArrayBuffer>;
  lengths(): Float64Array;
  begin(out: Shards): void;
  beginFile(length: number | undefined, isLast: boolean): void;
  beginGguf(length: number | undefined): void;
  push(piece: Uint8Array, out: Shards): void;
  endFile(): void;
  testTexts(): string[];
  draft(hashes: readonly string[]): Uint8Array<ArrayBuffer>;
  manifest(hashes: readonly string[], vectors: Float32Array): Uint8Array<ArrayBuffer>;
}

/** The header of a GGUF file, in wasm memory. */
export interface GgufHeader {
  /** Takes the next piece of the file; returns whether the header is complete. */
  take(piece: Uint8Array): boolean;
  /** Returns the files that a checkpoint's folder would have, by their names, weights apart. */
  files(): Map<string, Uint8Array>;
  free(): void;
}

/** Its wasm module. */
export interface PackerModule {
  default(input: { module_or_path: Response }): Promise<unknown>;
  readonly Packer: Settings &
    (new (
      settings: Map<string, Uint8Array | undefined>,
      tokenizer: Uint8Array,
      name: string,
      revision: string | undefined,
    ) => Packer);
  readonly GgufHeader: new (length: number | undefined) => GgufHeader;
}

/** What is needed to make a pack. Both modules have been started. */
export interface Making {
  /** The URL of the checkpoint's folder. */
  readonly model: string;
  readonly packer: PackerModule;
  /** The CPU's module, which computes the vectors of the self-test. */
  readonly engine: Pick<EngineModule, "Engine">;
  /** The cache that stores the pack. */
  readonly cache: Cache | undefined;
  readonly access: Access;
  readonly signal: AbortSignal;
  readonly progress: (progress: LoadProgress) => void;
  /** Receives the reason why the pack, or a part of it, is not stored. */
  readonly failed: (error: unknown) => void;
}

/**
 * Makes and stores a pack. If several loads need a pack from one checkpoint at once, the first makes it and the others find it. If
 * the first makes no progress, another makes one for itself, which is not stored.
 */
export async function makePack(making: Making): Promise<Made> {
  const { model, cache, signal, failed } = making;
  const held = await lock(checkpointKey(model), signal, CHECKPOINT_PATIENCE);
  try {
    const stored = cache && (await storedManifest(cache, model));
    if (stored) return { manifest: stored, files: new Map() };
    if (!held && cache) failed(new BusyError());
    const progress = (progress: LoadProgress) => {
      held?.report(progress.loadedBytes / progress.totalBytes);
      making.progress(progress);
    };
    return await makeAgainIfLost({ ...making, cache: held && cache, progress });
  } finally {
    held?.release();
  }
}

/** Returns the manifest of a pack that is stored completely. */
async function storedManifest(cache: Cache, model: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const prefix = await manifestPrefix(checkpointKey(model));
  if ((await stateIn(cache, prefix).catch(() => "none")) !== "complete") return undefined;
  return findManifest(cache, { prefix }, () => undefined).catch(() => undefined);
}

/** Makes the pack again, in memory, if its unfinished files are lost. */
async function makeAgainIfLost(making: Making): Promise<Made> {
  try {
    return await make(making);
  } catch (error) {
    if (!(error instanceof LostError)) throw error;
    making.failed(error);
    return make({ ...making, cache: undefined });
  }
}

/** A packer, and what gives it the weights. */
interface Started {
  readonly packer: Packer;
  readonly weigh: (shards: Shards) => Promise<void>;
  /** Closes the connection, if one is open. */
  readonly cancel: () => Promise<void>;
}

/** Starts with the settings and the tokenizer in a folder. */
async function startFolder({ model, packer: module, progress }: Making, files: CheckpointFiles): Promise<Started> {
  const settings = await files.settings(module.Packer);
  const weights = await files.weights(module.Packer);
  const meter = await Meter.of(files, ["tokenizer.json", ...weights], progress);
  const tokenizer = await files.read("tokenizer.json", (bytes) => meter.at("tokenizer.json", bytes));
  meter.done("tokenizer.json");
  const packer = new module.Packer(settings, tokenizer, nameOf(model), files.revision);
  const weigh = async (shards: Shards) => {
    for (const [index, file] of weights.entries()) {
      const begin = (length: number | undefined) => packer.beginFile(length, index === weights.length - 1);
      await pack({ file, download: files.open(file), begin, packer, shards, meter });
    }
  };
  return { packer, weigh, cancel: async () => {} };
}

/** Starts with the header of a GGUF file, which says what a folder's settings and tokenizer say. */
async function startGguf({ model, packer: module, progress }: Making, files: CheckpointFiles, file: string): Promise<Started> {
  const meter = await Meter.of(files, [file], progress);
  const download = files.open(file);
  const cancel = () => download.cancel();
  try {
    const first: Uint8Array[] = [];
    let piece = await download.read();
    const header = new module.GgufHeader(download.bytes);
    for (let isWhole = false; piece && !isWhole;) {
      first.push(piece);
      isWhole = header.take(piece);
      if (!isWhole) piece = await download.read();
    }
    // Of a file that ends before its header, the packer says so.
    const settings: Map<string, Uint8Array | undefined> = header.files();
    header.free();
    const tokenizer = settings.get("tokenizer.json") ?? new Uint8Array();
    const packer = new module.Packer(settings, tokenizer, nameOf(model), files.revision);
    const begin = (length: number | undefined) => packer.beginGguf(length);
    return { packer, weigh: (shards) => pack({ file, download, begin, packer, shards, meter }, first), cancel };
  } catch (error) {
    await cancel();
    throw error;
  }
}

async function make(making: Making): Promise<Made> {
  const { model, cache, access, signal, failed } = making;
  const files = new CheckpointFiles(model, signal, access);
  const { gguf } = files;
  const { packer, weigh, cancel } = await (gguf === undefined ? startFolder(making, files) : startGguf(making, files, gguf));
  const lengths = [...packer.lengths()];
  const shards = await Shards.open(lengths, cache, failed);
  const keep = new Keep(cache, signal, failed);
  try {
    packer.begin(shards);
    await weigh(shards);
    await keep.file(packer.tokenizer());
    const hashes: string[] = [];
    for (const shard of lengths.keys()) hashes.push(await keep.file(await shards.take(shard)));
    const vectors = await testVectors(making, packer.testTexts(), packer.draft(hashes), keep);
    const manifest = packer.manifest(hashes, vectors);
    await keep.manifest(model, manifest);
    return { manifest, files: keep.unstored };
  } finally {
    await cancel();
    keep.unlock();
    await shards.drop();
  }
}

/** A weight file on its way to the packer. */
interface Weights {
  readonly file: string;
  readonly download: Download;
  /** Begins the file, as soon as its length is known, if the server tells it. */
  readonly begin: (length: number | undefined) => void;
  readonly packer: Packer;
  readonly shards: Shards;
  readonly meter: Meter;
}

/** Packs a file; `first` are the pieces that have been read already. */
async function pack({ file, download, begin, packer, shards, meter }: Weights, first: Uint8Array[] = []): Promise<void> {
  try {
    let at = 0;
    const next = async () => first.shift() ?? (await download.read());
    let piece = await next();
    begin(download.bytes);
    for (; piece; piece = await next()) {
      packer.push(piece, shards);
      shards.check();
      at += piece.length;
      meter.at(file, at);
    }
    packer.endFile();
    meter.done(file);
  } finally {
    await download.cancel();
  }
}

/** Computes the vectors of texts, one after another, from the pack as it is. */
async function testVectors(making: Making, texts: string[], draft: Uint8Array<ArrayBuffer>, keep: Keep): Promise<Float32Array> {
  const files: Files = {
    persistent: true,
    open: async (_, entry) => new BytesReader(entry ? await keep.read(entry.sha256) : draft, async () => {}),
  };
  try {
    const engine = await making.engine.Engine.create(making.model, "cpu", files, undefined, making.signal);
    return await engine.testVectors(texts);
  } catch (error) {
    throw keep.lost ?? error;
  }
}

/** Where the files of the pack are kept. */
class Keep {
  /** The files that are not stored, by their hash. */
  readonly unstored = new Map<string, Uint8Array<ArrayBuffer>>();
  /** The error that a file which was stored a moment ago is gone: the engine that asks for it passes on only a message. */
  lost: LostError | undefined;
  readonly #cache: Cache | undefined;
  readonly #signal: AbortSignal;
  readonly #failed: (error: unknown) => void;
  /** The locks of the stored files: until a manifest lists a file, any load may remove it unless it is locked. */
  readonly #held: Held[] = [];

  constructor(cache: Cache | undefined, signal: AbortSignal, failed: (error: unknown) => void) {
    this.#cache = cache;
    this.#signal = signal;
    this.#failed = failed;
  }

  /** Keeps a file and returns its hash. */
  async file(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
    const hash = await sha256(bytes);
    // A pack with one file that is not stored is useless on the next visit: after the first such file nothing more is stored.
    if (!this.#cache || this.unstored.size > 0) {
      this.unstored.set(hash, bytes);
      return hash;
    }
    const held = await lock(hash, this.#signal, PATIENCE);
    try {
      if (!held) throw new BusyError();
      this.#held.push(held);
      const stored = await this.#cache.get(hash);
      // Another pack may have stored it long ago; this pack uses that file.
      if (!stored || !(await hasHash(stored, hash))) await this.#cache.put(hash, bytes);
    } catch (error) {
      this.unstored.set(hash, bytes);
      this.#failed(error);
    }
    return hash;
  }

  async manifest(model: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    // A pack that is not stored completely has to be made again.
    if (!this.#cache || this.unstored.size > 0) return;
    await keepManifest(this.#cache, checkpointKey(model), bytes).catch(this.#failed);
  }

  async read(hash: string): Promise<Uint8Array<ArrayBuffer>> {
    const unstored = this.unstored.get(hash);
    if (unstored) return unstored;
    try {
      return await bytesOf((await this.#cache!.get(hash))!);
    } catch (error) {
      throw (this.lost = new LostError(error));
    }
  }

  unlock(): void {
    for (const held of this.#held) held.release();
  }
}

/** The progress of several files, if the server reports their lengths. */
class Meter {
  /** Lengths by name, as the server reports them: a compressed file may have more bytes. */
  readonly #lengths: ReadonlyMap<string, number> | undefined;
  readonly #bytes = new Map<string, number>();
  readonly #report: (progress: LoadProgress) => void;

  private constructor(lengths: ReadonlyMap<string, number> | undefined, report: (progress: LoadProgress) => void) {
    this.#lengths = lengths;
    this.#report = report;
  }

  static async of(files: CheckpointFiles, names: string[], report: (progress: LoadProgress) => void): Promise<Meter> {
    const lengths = await Promise.all(names.map(async (name) => [name, await files.length(name)] as const));
    const known = lengths.flatMap(([name, length]) => (typeof length === "number" ? [[name, length] as const] : []));
    return new Meter(known.length === names.length ? new Map(known) : undefined, report);
  }

  at(file: string, bytes: number): void {
    if (!this.#lengths) return;
    this.#bytes.set(file, Math.min(bytes, this.#lengths.get(file) ?? 0));
    const sum = (lengths: Iterable<number>) => [...lengths].reduce((sum, bytes) => sum + bytes, 0);
    const [loadedBytes, totalBytes] = [sum(this.#bytes.values()), sum(this.#lengths.values())];
    this.#report({ phase: "checkpoint", file, loadedBytes, totalBytes });
  }

  /** Notes that a file is complete, whatever length was reported. */
  done(file: string): void {
    this.at(file, Infinity);
  }
}
