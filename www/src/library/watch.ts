/** Notices when folders may have changed: the person returns to the page, or the browser says so. */

/** The shortest time between two readings of the folders, in milliseconds. */
const SELDOM = 5000;
/** How long after a change the folders are read: programs often write several files. */
const SETTLED = 800;

/** The browser's own way of watching folders, where it has one. */
interface Observer {
  observe(handle: FileSystemHandle, options: { readonly recursive: boolean }): Promise<void>;
  disconnect(): void;
}
type ObserverClass = new (changed: () => void) => Observer;

/** Calls back when folders should be read again. */
export class Watch {
  readonly #changed: () => void;
  #observer: Observer | undefined;
  readonly #observed = new Set<FileSystemDirectoryHandle>();
  #last = -Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  start(): void {
    document.addEventListener("visibilitychange", this.#returned);
    addEventListener("focus", this.#returned);
  }

  stop(): void {
    document.removeEventListener("visibilitychange", this.#returned);
    removeEventListener("focus", this.#returned);
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#observer?.disconnect();
    this.#observer = undefined;
    this.#observed.clear();
  }

  /** Watches folders, if the browser can. */
  observe(folders: readonly FileSystemDirectoryHandle[]): void {
    const Observer = (globalThis as { readonly FileSystemObserver?: ObserverClass }).FileSystemObserver;
    if (!Observer) return;
    for (const folder of folders) {
      if (this.#observed.has(folder)) continue;
      this.#observed.add(folder);
      this.#observer ??= new Observer(() => this.#soon(SETTLED));
      // A folder that may not be read yet is read on return.
      void this.#observer.observe(folder, { recursive: true }).catch(() => this.#observed.delete(folder));
    }
  }

  readonly #returned = () => {
    if (document.visibilityState === "visible") this.#soon(Math.max(0, this.#last + SELDOM - performance.now()));
  };

  #soon(milliseconds: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#last = performance.now();
      this.#changed();
    }, milliseconds);
  }
}
