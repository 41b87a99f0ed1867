/** Things that several components of a page share: made when the first one wants them, ended when the last one has gone. */

/** The state of such a thing, as it is given to components. */
export interface Snapshot<T> {
  readonly status: "idle" | "loading" | "ready" | "failed";
  readonly value?: T;
  readonly error?: unknown;
}

/** What makes and ends a thing, and changes the state that goes with it. */
export interface Maker<T, S extends Snapshot<T>> {
  /** Starts to make it; `update` adds to the state. The signal aborts when nobody wants it any more. */
  make(signal: AbortSignal, update: (change: Partial<S>) => void): Promise<T>;
  end(value: T): void;
}

/** One thing, by its key. Has the form that `useSyncExternalStore` wants. */
export class Shared<T, S extends Snapshot<T>> {
  readonly #maker: Maker<T, S>;
  readonly #idle: S;
  readonly #gone: () => void;
  readonly #listeners = new Set<() => void>();
  #state: S;
  /** Ends the attempt under way, and what has come of it. */
  #stop: (() => void) | undefined;

  constructor(maker: Maker<T, S>, idle: S, gone: () => void) {
    this.#maker = maker;
    this.#idle = idle;
    this.#state = idle;
    this.#gone = gone;
  }

  readonly snapshot = (): S => this.#state;

  readonly subscribe = (listener: () => void): (() => void) => {
    // An object of its own: one component may subscribe twice.
    const own = () => listener();
    this.#listeners.add(own);
    if (!this.#stop) this.#start();
    return () => {
      this.#listeners.delete(own);
      // Not at once: React's strict mode, and a change of route, subscribe again in the same task.
      if (this.#listeners.size === 0) setTimeout(() => this.#endUnused());
    };
  };

  /** Tries again after a failure. */
  readonly retry = (): void => {
    if (this.#state.status !== "failed" || this.#listeners.size === 0) return;
    this.#stop?.();
    this.#start();
  };

  #start(): void {
    const abort = new AbortController();
    let made: { value: T } | undefined;
    this.#stop = () => {
      abort.abort();
      if (made) this.#maker.end(made.value);
    };
    const update = (change: Partial<S>) => {
      if (!abort.signal.aborted) this.#set({ ...this.#state, ...change });
    };
    this.#set({ ...this.#idle, status: "loading" });
    this.#maker.make(abort.signal, update).then(
      (value) => {
        if (abort.signal.aborted) return this.#maker.end(value);
        made = { value };
        update({ status: "ready", value } as Partial<S>);
      },
      (error: unknown) => update({ status: "failed", error } as Partial<S>),
    );
  }

  #endUnused(): void {
    if (this.#listeners.size > 0 || !this.#stop) return;
    this.#stop();
    this.#stop = undefined;
    this.#state = this.#idle;
    this.#gone();
  }

  #set(state: S): void {
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}

/** The shared things of one kind, by their keys. */
export class Registry<T, S extends Snapshot<T>> {
  readonly #all = new Map<string, Shared<T, S>>();
  readonly #idle: S;

  constructor(idle: S) {
    this.#idle = idle;
  }

  /** The state of what is not made. */
  readonly idle = (): S => this.#idle;

  /**
   * Returns what a component needs of the thing with a key. Nothing is made or remembered before somebody subscribes, so a page that is
   * rendered on a server, or rendered and thrown away, leaves nothing behind.
   */
  view(key: string, maker: Maker<T, S>): View<S> {
    return {
      subscribe: (listener) => this.#join(key, maker).subscribe(listener),
      snapshot: () => this.#all.get(key)?.snapshot() ?? this.#idle,
      serverSnapshot: this.idle,
      retry: () => this.#all.get(key)?.retry(),
    };
  }

  #join(key: string, maker: Maker<T, S>): Shared<T, S> {
    const known = this.#all.get(key);
    if (known) return known;
    const made = new Shared<T, S>(maker, this.#idle, () => void this.#all.delete(key));
    this.#all.set(key, made);
    return made;
  }
}

/** What a component sees of a shared thing; `useSyncExternalStore` takes the first three. */
export interface View<S> {
  readonly subscribe: (listener: () => void) => () => void;
  readonly snapshot: () => S;
  readonly serverSnapshot: () => S;
  readonly retry: () => void;
}
