/** Shards of a pack that is being made: on this machine's disk while there is space, otherwise in memory. */

import { FelsicError } from "../errors.js";
import type { Cache, Scratch } from "../store/cache.js";

/** The error that unfinished files of a pack are gone, so that the pack has to be made again. */
export class LostError extends Error {
  constructor(cause: unknown) {
    super("the files that were being written are gone, as when a user clears a site's data", { cause });
  }
}

/** Shards in progress; see `Shards` of `src/pack/packer.rs`. */
export class Shards {
  readonly #lengths: readonly number[];
  readonly #shards: (Scratch | Uint8Array<ArrayBuffer>)[];
  readonly #failed: (error: unknown) => void;
  #lost: LostError | undefined;

  private constructor(lengths: readonly number[], shards: Scratch[], failed: (error: unknown) => void) {
    this.#lengths = lengths;
    this.#shards = lengths.map((length, shard) => shards[shard] ?? zeros(length));
    this.#failed = failed;
  }

  /** Creates shards of these lengths; `failed` receives the reason why they are in memory. */
  static async open(lengths: readonly number[], cache: Cache | undefined, failed: (error: unknown) => void): Promise<Shards> {
    const files: Scratch[] = [];
    try {
      for (const _ of cache?.scratch ? lengths : []) files.push(await cache!.scratch!());
    } catch (error) {
      failed(error);
    }
    return new Shards(lengths, files, failed);
  }

  /** Writes bytes, a view of the packer's memory. The packer calls this and can only pass on what is thrown here: see `check`. */
  write(shard: number, offset: number, bytes: Uint8Array<ArrayBuffer>): void {
    const file = this.#shards[shard]!;
    if (file instanceof Uint8Array) return file.set(bytes, offset);
    try {
      file.write(bytes, offset);
    } catch (error) {
      this.#failed(error);
      this.#shards[shard] = this.#inMemory(shard, file);
      this.write(shard, offset, bytes);
    }
  }

  /** Throws if written bytes are lost. */
  check(): void {
    if (this.#lost) throw this.#lost;
  }

  /** Returns the content of a complete shard, and releases the shard. */
  async take(shard: number): Promise<Uint8Array<ArrayBuffer>> {
    const file = this.#shards[shard]!;
    const bytes = file instanceof Uint8Array ? file : this.#read(file, this.#lengths[shard]!);
    if (bytes.length !== this.#lengths[shard]) this.#lost ??= new LostError(`a shard has ${bytes.length} bytes`);
    this.check();
    this.#shards[shard] = new Uint8Array();
    if (!(file instanceof Uint8Array)) await file.drop().catch(() => {});
    return bytes;
  }

  /** Releases all shards. */
  async drop(): Promise<void> {
    for (const file of this.#shards) if (!(file instanceof Uint8Array)) await file.drop().catch(() => {});
  }

  /** Returns what was written to a file before the space ran out. */
  #inMemory(shard: number, file: Scratch): Uint8Array<ArrayBuffer> {
    const bytes = zeros(this.#lengths[shard]!);
    bytes.set(this.#read(file, bytes.length));
    void file.drop().catch(() => {});
    return bytes;
  }

  #read(file: Scratch, bytes: number): Uint8Array<ArrayBuffer> {
    try {
      return file.read(bytes);
    } catch (error) {
      this.#lost ??= new LostError(error);
      return new Uint8Array();
    }
  }
}

/** Allocates memory for a shard, whose length follows from what the checkpoint declares. */
function zeros(length: number): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(length);
  } catch (cause) {
    throw new FelsicError("out-of-memory", `there is not enough memory for a shard of ${length} bytes`, { cause });
  }
}
