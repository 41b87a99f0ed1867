/** Notices that what was read of a page has changed. */

/** How long changes are gathered before they are told, in milliseconds. */
const QUIET = 500;

const WHAT: MutationObserverInit = {
  subtree: true,
  childList: true,
  characterData: true,
  attributes: true,
  attributeFilter: ["hidden", "open", "aria-hidden"],
};

/** What is no text, or the bar itself. */
const IGNORED = /^(?:felsic-find|style|script|link|meta)$/i;

export class Watch {
  readonly #observer = new MutationObserver((records) => this.#take(records));
  readonly #changed: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #hasChanged = false;

  /** `changed` is called a moment after a change. */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** Whether anything has changed since it began. */
  get hasChanged(): boolean {
    this.#take(this.#observer.takeRecords());
    return this.#hasChanged;
  }

  /** Watches documents and shadow roots from now on, in place of others. */
  begin(roots: Iterable<Document | ShadowRoot>): void {
    this.end();
    this.#hasChanged = false;
    for (const root of roots) this.#observer.observe(root, WHAT);
  }

  #take(records: readonly MutationRecord[]): void {
    if (this.#hasChanged || !records.some(isReal)) return;
    this.#hasChanged = true;
    this.#timer = setTimeout(this.#changed, QUIET);
  }

  end(): void {
    this.#observer.disconnect();
    clearTimeout(this.#timer);
  }
}

/** Returns whether a change is one of what is read. */
function isReal({ type, addedNodes, removedNodes }: MutationRecord): boolean {
  return type !== "childList" || [...addedNodes, ...removedNodes].some(({ nodeName }) => !IGNORED.test(nodeName));
}
