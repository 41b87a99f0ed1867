/** The tabs that have one library open: one of them does the work, and the others send it theirs and show its state. */

import { FelsicError } from "felsic";
import { newId } from "./id.js";
import { isFull } from "./problems.js";

/** What a tab can ask the one that works. Its arguments are what `postMessage` carries. */
type Call = { readonly type: "call"; readonly id: string; readonly method: string; readonly values: readonly unknown[] };
type Answer = { readonly type: "answer"; readonly id: string; readonly error?: unknown };
type Message<News> = Call | Answer | { readonly type: "leads" } | { readonly type: "news"; readonly news: News };

/** What a tab does for the others. */
export interface Duties<News> {
  /** Begins the work; called once, when no other tab does it. */
  lead(): Promise<void>;
  /** Does what this tab or another one asks for. */
  work(method: string, values: readonly unknown[]): Promise<void>;
  /** Hears what another tab says. */
  hear(news: News): void;
}

interface Pending {
  readonly call: Call;
  resolve(): void;
  reject(error: unknown): void;
}

/** This tab among the others. */
export class Tabs<News> {
  readonly #duties: Duties<News>;
  readonly #channel: BroadcastChannel | undefined;
  readonly #pending = new Map<string, Pending>();
  readonly #ended = new AbortController();
  /** Whether this tab does the work. */
  #leads = false;

  /** `isAlone`: this tab shares nothing with others, and does its own work. */
  constructor(name: string, isAlone: boolean, duties: Duties<News>) {
    this.#duties = duties;
    this.#channel = typeof BroadcastChannel === "function" && !isAlone ? new BroadcastChannel(name) : undefined;
    this.#channel?.addEventListener("message", ({ data }: MessageEvent<Message<News>>) => this.#take(data));
    const lead = async () => {
      await duties.lead();
      if (this.#ended.signal.aborted) return;
      this.#leads = true;
      this.#post({ type: "leads" });
      for (const pending of this.#pending.values()) void this.#run(pending.call).then(this.#settle);
      await new Promise((resolve) => this.#ended.signal.addEventListener("abort", resolve));
    };
    const { locks } = navigator;
    const leading = locks && !isAlone ? locks.request(name, { signal: this.#ended.signal }, lead) : lead();
    leading.catch(() => undefined);
  }

  /** Has the tab that works do something. Rejects with its error. */
  call(method: string, ...values: readonly unknown[]): Promise<void> {
    const call: Call = { type: "call", id: newId(), method, values };
    const done = new Promise<void>((resolve, reject) => this.#pending.set(call.id, { call, resolve, reject }));
    // If no tab works yet, the one that begins takes it up.
    if (this.#leads) void this.#run(call).then(this.#settle);
    else this.#post(call);
    return done;
  }

  /** Says something to all other tabs. */
  tell(news: News): void {
    this.#post({ type: "news", news });
  }

  close(): void {
    this.#ended.abort();
    this.#leads = false;
    const closed = new FelsicError("destroyed", "the library was closed");
    for (const { reject } of this.#pending.values()) reject(closed);
    this.#pending.clear();
    this.#channel?.close();
  }

  #take(message: Message<News>): void {
    switch (message.type) {
      case "call":
        if (this.#leads) void this.#run(message).then((answer) => this.#post(answer));
        return;
      case "answer":
        return this.#settle(message);
      case "leads":
        // Whoever did the work before may not have done this.
        for (const { call } of this.#pending.values()) this.#post(call);
        return;
      case "news":
        return this.#duties.hear(message.news);
    }
  }

  async #run({ id, method, values }: Call): Promise<Answer> {
    try {
      await this.#duties.work(method, values);
      return { type: "answer", id };
    } catch (error) {
      return {
        type: "answer",
        id,
        error: FelsicError.from(error)?.toJSON() ?? {
          name: "FelsicError",
          code: isFull(error) ? "quota-exceeded" : "io",
          message: String(error),
        },
      };
    }
  }

  readonly #settle = ({ id, error }: Answer): void => {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (error === undefined) pending?.resolve();
    else pending?.reject(FelsicError.from(error) ?? new FelsicError("io", String(error)));
  };

  #post(message: Message<News>): void {
    if (!this.#ended.signal.aborted) this.#channel?.postMessage(message);
  }
}
