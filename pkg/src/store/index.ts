/** The store: provides an engine with the files of a pack, from this machine if they are stored, otherwise from the server. */

import { FelsicError } from "../errors.js";
import { isLocal } from "../origins.js";
import { bytesOf, type Cache, hasHash, type Part, type Stored, storedBlob } from "./cache.js";
import { openCache } from "./caches.js";
import { type Held, lock } from "./locks.js";
import { filesOf, findManifest, keepManifest, poolingOf } from "./manifests.js";
import { isGguf } from "../checkpoint/address.js";
import { checkpointKey, manifestHash, manifestPrefix, pinnedHash, sha256 } from "./names.js";
import { Download, joined, mayBeMissing } from "./network.js";
import { BytesReader, StoreReader } from "./reader.js";
import { IMPATIENCE, MANIFEST_ATTEMPTS, PATIENCE } from "./retry.js";
import { type Access, Requests } from "./requests.js";
import type { FileEntry, FileReader, Made, Pooling, ReadOutcome, StoredFiles } from "./types.js";
import { BusyError, cacheWarning, type Warning, type WarningCode } from "./warning.js";

/** The settings that a store is opened with. */
export interface StoreOptions {
  /** The absolute URL of the pack's folder, ending in `/`. */
  readonly model: string;
  /** What its manifest is stored under, if that is not the folder's URL. */
  readonly key?: string;
  /** The URLs of its files, by their names, if the files are not in the folder. */
  readonly urls?: Readonly<Record<string, string>> | undefined;
  /** The hash of the manifest, in the form of a script's `integrity`. */
  readonly integrity?: string | undefined;
  readonly cache: "auto" | "none";
  readonly access: Access;
  /** Aborts everything at once, including waits. */
  readonly signal: AbortSignal;
  readonly warn: (warning: Warning) => void;
  /** Makes a pack, if the model turns out to be a checkpoint, or finds the one that is stored. */
  readonly make?: (() => Promise<Made>) | undefined;
}

/** Opens the store for one pack; without a cache there is only a warning. Has to run in a dedicated worker. */
export async function openStore(options: StoreOptions): Promise<StoredFiles> {
  const pin = options.integrity === undefined ? undefined : pinnedHash(options.integrity);
  if (options.integrity !== undefined && pin === undefined) {
    throw new FelsicError("input-invalid", "integrity must be sha256- and a hash in base64");
  }
  const store = new Store(options, pin);
  if (options.cache === "auto" && !isLocal(options.model)) await store.openCache();
  return store;
}

/** The name of a lock; no file has this name. */
const MANIFESTS = "manifests";

class Store implements StoredFiles {
  readonly #options: StoreOptions;
  readonly #requests: Requests;
  readonly #pin: string | undefined;
  readonly #warned = new Set<WarningCode>();
  #cache: Cache | undefined;
  /** Whether the pack was made on this machine: then its files are nowhere else. */
  #isMade = false;
  #unstored: Made["files"] = new Map();
  #making: Promise<Made> | undefined;
  /** The files that the manifest opened last lists. */
  #shards: readonly FileEntry[] = [];
  #pooling: Pooling | undefined;
  /** Files that have been recalled and not been opened yet. */
  readonly #recalled = new Map<string, Uint8Array<ArrayBuffer>>();
  /** The manifest, while an earlier revision is stored beside it. */
  #newer: Uint8Array<ArrayBuffer> | undefined;
  #patience = PATIENCE;
  /**
   * Which fetched files are kept: no longer `all` after the first file that another load is about to store, and
   * `nothing` after the first write that fails. Stored files are still read.
   */
  #keeps: "all" | "some" | "nothing" = "all";

  constructor(options: StoreOptions, pin: string | undefined) {
    this.#options = options;
    this.#requests = new Requests(options.model, options.access);
    this.#pin = pin;
  }

  get persistent(): boolean {
    return isLocal(this.#options.model) || (this.#cache !== undefined && this.#keeps === "all");
  }

  get pooling(): Pooling | undefined {
    return this.#pooling;
  }

  async openCache(): Promise<void> {
    this.#cache = await openCache().catch((error: unknown) => void this.#failed(error));
  }

  open(file: string, entry: FileEntry | undefined, again: boolean): Promise<FileReader> {
    return entry ? this.#openFile(file, entry, again) : this.#openManifest(file, again);
  }

  async recall(shard: number): Promise<boolean> {
    const entry = this.#shards[shard];
    try {
      const stored = entry && (await this.#cache?.get(entry.sha256));
      if (!stored || stored.bytes !== entry.bytes) return false;
      const bytes = await bytesOf(stored);
      if ((await sha256(bytes)) !== entry.sha256) return false;
      this.#recalled.set(entry.sha256, bytes);
      return true;
    } catch {
      // A file that cannot be read now counts as missing.
      return false;
    }
  }

  async has({ bytes, sha256 }: FileEntry): Promise<boolean> {
    const stored = await this.#cache?.get(sha256).catch(() => undefined);
    return stored?.bytes === bytes;
  }

  async #openFile(file: string, entry: FileEntry, again: boolean): Promise<FileReader> {
    const recalled = again ? undefined : this.#recalled.get(entry.sha256);
    this.#recalled.delete(entry.sha256);
    if (recalled) return new BytesReader(recalled, async () => {});
    const { signal } = this.#options;
    const forget = () => this.#forgetDamaged(file, entry.sha256);
    const failed = (error: unknown) => this.#failed(error);
    const done = async () => void (this.#newer && (await this.#keepManifest(this.#newer)));
    const reading = { url: this.#url(file), entry, again, requests: this.#requests, signal, forget, done, failed };

    const find = async () => {
      // Even if no cache can be trusted: the stored file still shows that the manifest's claim is false.
      const stored = await this.#find(file, entry);
      return again ? undefined : stored;
    };
    const stored = await (this.#isMade ? this.#findMade(file, entry, again) : find());
    if (stored) return new StoreReader({ ...reading, stored });
    if (!this.#cache || this.#keeps === "nothing") return new StoreReader(reading);

    // The holder of the lock is fetching the file: afterwards it is stored.
    const held = await this.#lock(entry.sha256);
    try {
      const fetched = await find();
      const part = held && !fetched ? await this.#part(entry.sha256) : undefined;
      if (!part) held?.release();
      if (!part && !fetched && this.#keeps === "all") this.#keeps = "some";
      return new StoreReader(fetched ? { ...reading, stored: fetched } : { ...reading, part, held });
    } catch (error) {
      held?.release();
      throw error;
    }
  }

  /** Acquires a lock, with a warning if it is not granted; later waits are then shorter. */
  async #lock(name: string): Promise<Held | undefined> {
    const held = await lock(name, this.#options.signal, this.#patience);
    if (held) return held;
    this.#patience = IMPATIENCE;
    this.#warn(cacheWarning(new BusyError()));
    return undefined;
  }

  /** Opens a file of a pack that was made here; makes the pack again if the file is gone. */
  async #findMade(file: string, entry: FileEntry, again: boolean): Promise<Stored> {
    const stored = again ? undefined : await this.#find(file, entry);
    if (stored) return stored;
    await this.#make();
    const made = await this.#find(file, entry);
    if (made) return made;
    throw new FelsicError("file-integrity", "the checkpoint has changed since it was loaded; create a new embedder");
  }

  /**
   * Returns the whole file, if it is stored. It is found by its hash and judged by its own bytes: if they have that hash, the
   * manifest is wrong about its length, and neither this file nor any other can be what it asks for.
   */
  async #find(file: string, { bytes, sha256 }: FileEntry): Promise<Stored | undefined> {
    const unstored = this.#unstored.get(sha256);
    if (unstored) return storedBlob(new Blob([unstored]));
    const stored = await this.#cache?.get(sha256).catch((error: unknown) => void this.#failed(error));
    if (!stored || stored.bytes === bytes) return stored;
    if (await this.#forgetDamaged(file, sha256)) return undefined;
    const message = `${this.#url(file)} has ${stored.bytes} bytes by its hash; the manifest states ${bytes}`;
    throw new FelsicError("file-length", message);
  }

  /**
   * Forgets a stored file that a load could not use, if it is really damaged: its own bytes decide, not the manifest of the
   * load, because other packs may list the same file. Returns whether the file is useless.
   */
  async #forgetDamaged(file: string, name: string): Promise<boolean> {
    try {
      const stored = await this.#cache?.get(name);
      if (stored && (await hasHash(stored, name))) return false;
    } catch {
      // A file that cannot be read now is fetched, which replaces it by the right bytes.
      return true;
    }
    await this.#forget(name, `the stored ${file} did not match its hash`);
    return true;
  }

  async #part(name: string): Promise<Part | undefined> {
    try {
      return await this.#cache?.part(name);
    } catch (error) {
      // Another load has it open, which happens only without locks. That load will store it.
      if ((error as { name?: unknown }).name !== "NoModificationAllowedError") this.#failed(error);
      return undefined;
    }
  }

  async #openManifest(file: string, again: boolean): Promise<FileReader> {
    const { model, key } = this.#options;
    const made = again || key ? undefined : await this.#findManifest({ model: checkpointKey(model), hash: this.#pin });
    if (made) return this.#madeManifest(made);
    const pinned = again || !this.#pin ? undefined : await this.#findManifest({ hash: this.#pin });
    if (pinned) return this.#manifest(pinned, true);
    if (isGguf(model)) {
      // It has no manifest to ask for, and nothing for a pin to match.
      if (this.#pin) throw new FelsicError("file-integrity", `${model} is a GGUF file; integrity pins the manifest of a pack`);
      return this.#madeManifest(await this.#make());
    }
    try {
      const bytes = await this.#fetchManifest(file, again);
      return this.#manifest(bytes, false);
    } catch (error) {
      if (again || this.#pin || !(error instanceof FelsicError)) throw error;
      // Offline, the manifest of the last time is used.
      const earlier = error.code === "network" ? await this.#findManifest({ model: this.#key }) : undefined;
      if (earlier) return this.#manifest(earlier, true);
      if (!this.#options.make || !mayBeMissing(error)) throw error;
      return this.#madeManifest(await this.#makeInstead(error));
    }
  }

  /** Makes the pack whose manifest is missing; if there is no checkpoint either, that is the error. */
  async #makeInstead(refusal: FelsicError): Promise<Uint8Array<ArrayBuffer>> {
    try {
      return await this.#make();
    } catch (error) {
      const isNothing = error instanceof FelsicError && error.code === "not-found";
      throw isNothing && refusal.code !== "not-found" ? refusal : error;
    }
  }

  async #make(): Promise<Uint8Array<ArrayBuffer>> {
    const { make } = this.#options;
    if (!make) throw new FelsicError("not-found", "a cached file of this pack is missing");
    // Several files may be missing at once.
    this.#making ??= make().finally(() => (this.#making = undefined));
    const { manifest, files } = await this.#making;
    this.#unstored = files;
    return manifest;
  }

  /** Reads the manifest of a pack that was made here; the packer has stored it. */
  #madeManifest(bytes: Uint8Array<ArrayBuffer>): FileReader {
    this.#isMade = true;
    return this.#manifestReader(bytes, async (outcome) => {
      if (outcome === "wrong") await this.#forgetManifest(bytes);
    });
  }

  async #fetchManifest(file: string, again: boolean): Promise<Uint8Array<ArrayBuffer>> {
    const { signal } = this.#options;
    const url = this.#url(file);
    const mode = again ? "reload" : "no-cache";
    const download = new Download({ url, requests: this.#requests, at: 0, signal, mode, attempts: MANIFEST_ATTEMPTS });
    const bytes = (await download.read()) ?? joined([]);
    if (this.#pin !== undefined && (await sha256(bytes)) !== this.#pin) {
      throw new FelsicError("file-integrity", `${url} does not match the hash in integrity`);
    }
    return bytes;
  }

  get #key(): string {
    return this.#options.key ?? this.#options.model;
  }

  #url(file: string): string {
    const { model, urls } = this.#options;
    return urls?.[file] ?? model + file;
  }

  #manifest(bytes: Uint8Array<ArrayBuffer>, isStored: boolean): FileReader {
    return this.#manifestReader(bytes, async (outcome) => {
      if (outcome === "verified") await this.#keepManifest(bytes);
      else if (outcome === "wrong" && isStored) await this.#forgetManifest(bytes);
    });
  }

  #manifestReader(bytes: Uint8Array<ArrayBuffer>, closed: (outcome: ReadOutcome) => Promise<void>): FileReader {
    this.#shards = filesOf(bytes)?.slice(1) ?? [];
    this.#pooling = poolingOf(bytes);
    return new BytesReader(bytes, closed);
  }

  /** Finds a stored manifest by a model's URL or a checkpoint's key, by a hash, or by both. */
  async #findManifest(which: { model?: string; hash?: string | undefined }): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const { model, hash } = which;
    if (!this.#cache) return undefined;
    const prefix = model === undefined ? undefined : await manifestPrefix(model);
    const corrupt = () => this.#warn({ code: "cache-corrupt", message: "the stored manifest was damaged" });
    return findManifest(this.#cache, { prefix, hash }, corrupt).catch((error: unknown) => void this.#failed(error));
  }

  async #keepManifest(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    if (!this.#cache || this.#keeps === "nothing") return;
    // Aborted: the engine notices that by itself.
    const held = await this.#lock(MANIFESTS).catch(() => undefined);
    if (!held) return;
    const hasEarlier = await keepManifest(this.#cache, this.#key, bytes).catch((error: unknown) => void this.#failed(error));
    this.#newer = hasEarlier ? bytes : undefined;
    held.release();
  }

  /** Forgets a manifest that an engine refused, under all its names: it has its hash, so an engine refuses every copy. */
  async #forgetManifest(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const hash = await sha256(bytes);
    const names = (await this.#cache?.names().catch(() => [])) ?? [];
    for (const name of names) {
      if (manifestHash(name) === hash) await this.#forget(name, "the stored manifest was not a manifest");
    }
  }

  async #forget(name: string, message: string): Promise<void> {
    this.#warn({ code: "cache-corrupt", message });
    await this.#cache?.remove(name).catch(() => {});
  }

  /** Notes that the cache can no longer be written. */
  #failed(error: unknown): void {
    // What fails after that, such as another file's end in a full store, fails because of it.
    if (this.#keeps === "nothing") return;
    this.#keeps = "nothing";
    this.#warn(cacheWarning(error));
  }

  #warn(warning: Warning): void {
    // One warning is enough for a state that no longer changes.
    if (warning.code !== "cache-corrupt" && this.#warned.has(warning.code)) return;
    this.#warned.add(warning.code);
    this.#options.warn(warning);
  }
}
