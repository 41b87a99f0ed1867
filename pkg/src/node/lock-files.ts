/**
 * Locks that the threads and processes of a machine share, by name: one file for each lock that is held. A lock whose holder
 * is gone is taken over: its process has ended, or has not touched the file for ten minutes, as after a crash of the machine.
 */

import { createHash, randomUUID } from "node:crypto";
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { clearInterval, clearTimeout, setInterval, setTimeout } from "node:timers";
import { threadId } from "node:worker_threads";

/** Milliseconds between two looks at a lock that is held, the first and the longest. */
const [FIRST_LOOK, LONGEST_LOOK] = [10, 100];
/** Milliseconds after which a holder touches its file again. */
const TOUCH = 60_000;
/** Milliseconds after which an untouched file is nobody's. */
const FORGOTTEN = 10 * TOUCH;
/** Milliseconds after which a file without content is nobody's: it gets its content as soon as it exists. */
const EMPTY = 5_000;
const ENDING = ".lock";

/** Who holds a lock. */
interface Holder {
  readonly host: string;
  readonly pid: number;
  /** When the process started, since a later one may have the same number. */
  readonly start: string;
  readonly thread: number;
  readonly token: string;
}

/** What `navigator.locks.request` takes. */
interface Options {
  readonly signal?: AbortSignal | undefined;
  readonly ifAvailable?: boolean | undefined;
}

type Work<T> = (held: { readonly name: string; readonly mode: "exclusive" } | null) => T | Promise<T>;

/** The locks of one folder, with the interface of `navigator.locks`; all of them are exclusive. */
export class LockFiles {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Runs `work` as soon as the lock is free. */
  async request<T>(name: string, given: Options | Work<T>, then?: Work<T>): Promise<T> {
    const [options, work] = typeof given === "function" ? [{}, given] : [given, then!];
    for (let look = FIRST_LOOK; ; look = Math.min(2 * look, LONGEST_LOOK)) {
      options.signal?.throwIfAborted();
      const release = this.take(name);
      if (release) {
        try {
          return await work({ name, mode: "exclusive" });
        } finally {
          release();
        }
      }
      if (options.ifAvailable) return await work(null);
      await pause(look, options.signal);
    }
  }

  /** Takes a lock if it is free, and returns what releases it. */
  take(name: string): (() => void) | undefined {
    const path = join(this.#folder, createHash("sha256").update(name).digest("hex").slice(0, 32) + ENDING);
    const holder = { host: hostname(), pid: process.pid, start: startOf(process.pid), thread: threadId, token: randomUUID() };
    if (!this.#create(path, holder) && !(isAbandoned(path) && this.#takeOver(path, holder))) return undefined;
    const timer = setInterval(() => touch(path), TOUCH).unref();
    return () => {
      clearInterval(timer);
      if (read(path)?.token === holder.token) rmSync(path, { force: true });
    };
  }

  /** Releases what a thread of this process holds that has ended. */
  releaseAllOf(thread: number): void {
    const start = startOf(process.pid);
    for (const name of list(this.#folder)) {
      const path = join(this.#folder, name);
      const holder = read(path);
      if (holder?.pid !== process.pid || holder.thread !== thread || holder.start !== start) continue;
      if (holder.host === hostname()) rmSync(path, { force: true });
    }
  }

  #create(path: string, holder: Holder): boolean {
    try {
      mkdirSync(this.#folder, { recursive: true });
      const file = openSync(path, "wx");
      try {
        writeSync(file, JSON.stringify(holder));
      } finally {
        closeSync(file);
      }
      return true;
    } catch (error) {
      if ((error as { code?: unknown }).code === "EEXIST") return false;
      throw error;
    }
  }

  /** Takes over an abandoned lock; only one at a time tries, or two could each remove the other's. */
  #takeOver(path: string, holder: Holder): boolean {
    const guard = `${path}.taking`;
    if (isOlder(guard, EMPTY)) rmSync(guard, { force: true });
    if (!this.#create(guard, holder)) return false;
    try {
      if (isAbandoned(path)) rmSync(path, { force: true });
      return this.#create(path, holder);
    } finally {
      rmSync(guard, { force: true });
    }
  }
}

function isAbandoned(path: string): boolean {
  const holder = read(path);
  if (!holder) return isOlder(path, EMPTY);
  if (isOlder(path, FORGOTTEN)) return true;
  return holder.host === hostname() && !(isAlive(holder.pid) && holder.start === startOf(holder.pid));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // A process of another user is alive, too.
    return (error as { code?: unknown }).code === "EPERM";
  }
}

/** Returns when a process started, where the system tells; otherwise nothing. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name of the program, in parentheses, may contain anything; the time is the 20th field after it.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  } catch {
    return "";
  }
}

function read(path: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}

function isOlder(path: string, age: number): boolean {
  try {
    return Date.now() - statSync(path).mtimeMs > age;
  } catch {
    return false;
  }
}

function touch(path: string): void {
  try {
    utimesSync(path, new Date(), new Date());
  } catch {
    // Somebody has removed the whole folder.
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith(ENDING));
  } catch {
    return [];
  }
}

/** Waits, but not once the signal has aborted. */
function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal?.addEventListener("abort", done, { once: true });
  });
}
