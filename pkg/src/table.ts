/**
 * When which table group is requested.
 *
 * Whoever serves the table sees the requests. A host whose scripts run in the page sees everything anyway, so it is asked first for
 * the table groups that texts need. Any other host is asked for all of them in an order that does not depend on the texts,
 * and texts wait until theirs have had their turn, unless they are stored: those are read without a request. Not even a failure
 * brings a table group forward: it is requested again after all others, by the clock, whether a text waits for it or not.
 */

import type { Engine } from "./engine.js";
import { knownError } from "./errors.js";
import { byLanguage } from "./languages.js";
import type { StoredFiles } from "./store/types.js";

/** The wait after a round with a failure, in milliseconds; each further one is twice as long. */
const FIRST_REST = 5_000;
const LONGEST_REST = 600_000;
/** Rounds in a row without anything new after which only a new connection starts another one. */
const MOST_ROUNDS = 12;

/** What this needs from an engine. */
type TableEngine = Pick<Engine, "missing" | "groupOf" | "prefetch">;

/** The vocabulary table of one engine while it is being loaded. */
export class TableLoader {
  readonly #engine: TableEngine;
  readonly #files: StoredFiles;
  /** Whether the order of requests must not depend on texts. */
  readonly #ordered: boolean;
  readonly #languages: readonly string[];
  /** Shards that are available: in memory, or stored. */
  readonly #there = new Set<number>();
  readonly #failed = new Map<number, unknown>();
  /** Shards that are being looked for in the store, ahead of their turn. */
  readonly #recalls = new Map<number, Promise<boolean>>();
  #wake: (() => void)[] = [];
  /** Why nothing more is requested at the moment. */
  #resting: unknown;

  constructor(
    engine: TableEngine,
    files: StoredFiles,
    { ordered, languages }: { ordered: boolean; languages: readonly string[] },
  ) {
    this.#engine = engine;
    this.#files = files;
    this.#ordered = ordered;
    this.#languages = languages;
  }

  /** Makes the whole table available; rejects with the first failure. */
  async all(): Promise<void> {
    // After the first failure nothing waits for the rest.
    await this.#round(() => true);
    for (const error of this.#failed.values()) throw error;
  }

  /** Does the same in the background, and retries after a failure, until the table is complete or retrying is useless. */
  async background(): Promise<void> {
    for (let round = 1; ; round += 1) {
      const before = this.#there.size;
      await this.#round((error) => knownError(error)?.code === "network");
      if (this.#failed.size === 0) return;
      if (this.#there.size > before) round = 1;
      await rest(round);
    }
  }

  /** Loads shards that texts need into memory. */
  async need(shards: Iterable<number>): Promise<void> {
    const wanted = [...shards];
    if (this.#ordered) await Promise.all(wanted.map(async (shard) => (await this.#recall(shard)) || this.#turnOf(shard)));
    await Promise.all(wanted.map((shard) => this.#engine.prefetch(shard, true)));
  }

  /** Loads a shard ahead of its turn if it is stored; returns whether it was, or has had its turn. */
  async #recall(shard: number): Promise<boolean> {
    if (this.#there.has(shard)) return true;
    const load = async () => {
      if (!(await this.#files.recall(shard))) return false;
      await this.#engine.prefetch(shard, true);
      this.#there.add(shard);
      return true;
    };
    const recall = this.#recalls.get(shard) ?? load().finally(() => this.#recalls.delete(shard));
    this.#recalls.set(shard, recall);
    return recall;
  }

  /** Requests everything that is not available once, up to the first failure that ends the round. */
  async #round(endsWith: (error: unknown) => boolean): Promise<void> {
    this.#failed.clear();
    this.#resting = undefined;
    while (!(await this.#pass(endsWith)));
  }

  /** Makes one round; returns false if the store failed, because shards that it was to store are then not available either. */
  async #pass(endsWith: (error: unknown) => boolean): Promise<boolean> {
    const keep = !this.#files.persistent;
    for (const shard of this.#order()) {
      if (this.#there.has(shard) || this.#failed.has(shard)) continue;
      try {
        await this.#engine.prefetch(shard, keep);
        if (!keep && !this.#files.persistent) {
          this.#there.clear();
          return false;
        }
        this.#there.add(shard);
      } catch (error) {
        this.#failed.set(shard, error);
        if (endsWith(error)) this.#resting = error;
      }
      this.#wakeAll();
      if (this.#resting) break;
    }
    return true;
  }

  #order(): number[] {
    const shards = [...this.#engine.missing()];
    if (!this.#ordered) return shards;
    return byLanguage(shards, (shard) => this.#engine.groupOf(shard) ?? "", this.#languages);
  }

  /** Waits until a shard has been requested in its turn. */
  async #turnOf(shard: number): Promise<void> {
    while (!this.#there.has(shard)) {
      const reason = this.#failed.get(shard) ?? this.#resting;
      if (reason) throw reason;
      await new Promise<void>((wake) => this.#wake.push(wake));
    }
  }

  #wakeAll(): void {
    const waiting = this.#wake;
    this.#wake = [];
    for (const wake of waiting) wake();
  }
}

/** Waits until the next round, or until the browser reports that the network is back. */
function rest(round: number): Promise<void> {
  return new Promise((resolve) => {
    const wait = Math.min(FIRST_REST * 2 ** (round - 1), LONGEST_REST);
    const timer = round < MOST_ROUNDS ? setTimeout(done, wait) : undefined;
    addEventListener("online", done);
    function done() {
      clearTimeout(timer);
      removeEventListener("online", done);
      resolve();
    }
  });
}
