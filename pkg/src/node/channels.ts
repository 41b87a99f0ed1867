/**
 * The `BroadcastChannel` of Node's workers, which reaches all processes that use the same folder: Node's own reaches the threads of one
 * process. Of several messages in quick succession a listener may see only the last one, which is enough for the news of felsic's
 * workers: how far a download is, and that a collection has changed.
 */

import { createHash, randomUUID } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { clearInterval, setInterval } from "node:timers";

/** Milliseconds between two looks for a message. */
const LOOK = 250;

interface Message {
  readonly from: string;
  readonly data: unknown;
}

type Listener = (event: { readonly type: "message"; readonly data: unknown }) => void;

/** Returns the class of the channels in a folder. */
export function channelsIn(folder: string) {
  return class Channel {
    readonly name: string;
    readonly #path: string;
    readonly #self = randomUUID();
    readonly #listeners = new Set<Listener>();
    #onmessage: Listener | null = null;
    #timer: ReturnType<typeof setInterval> | undefined;
    /** Which message has been seen: each is a file of its own. */
    #seen: number | undefined;

    constructor(name: string) {
      this.name = name;
      this.#path = join(folder, `${createHash("sha256").update(name).digest("hex").slice(0, 32)}.news`);
    }

    postMessage(data: unknown): void {
      const draft = `${this.#path}-${this.#self}`;
      try {
        mkdirSync(folder, { recursive: true });
        writeFileSync(draft, JSON.stringify({ from: this.#self, data } satisfies Message));
        renameSync(draft, this.#path);
      } catch {
        // Nobody hears of it; whoever listens only waits longer.
        rmSync(draft, { force: true });
      }
    }

    get onmessage(): Listener | null {
      return this.#onmessage;
    }

    set onmessage(listener: Listener | null) {
      this.#onmessage = listener;
      if (listener) this.#listen();
    }

    addEventListener(_type: "message", listener: Listener): void {
      this.#listeners.add(listener);
      this.#listen();
    }

    removeEventListener(_type: "message", listener: Listener): void {
      this.#listeners.delete(listener);
    }

    close(): void {
      clearInterval(this.#timer);
      this.#listeners.clear();
      this.#onmessage = null;
    }

    #listen(): void {
      this.#seen ??= stamp(this.#path);
      this.#timer ??= setInterval(() => this.#look(), LOOK).unref();
    }

    #look(): void {
      const now = stamp(this.#path);
      if (now === this.#seen) return;
      this.#seen = now;
      try {
        const { from, data } = JSON.parse(readFileSync(this.#path, "utf8")) as Message;
        if (from === this.#self) return;
        for (const listener of [this.#onmessage, ...this.#listeners]) listener?.({ type: "message", data });
      } catch {
        // It has been replaced meanwhile, or removed.
      }
    }
  };
}

/** Returns what differs between the files that have had a path. */
function stamp(path: string): number {
  try {
    const { mtimeMs, ino } = statSync(path);
    return mtimeMs + (ino % 1000) / 1000;
  } catch {
    return 0;
  }
}
