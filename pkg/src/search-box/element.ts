/** `<felsic-search>`: a button and a dialog that searches a collection. */

import { filled, knownLanguage, labelsFrom, labelsOf, percent, type SearchLabels, size } from "./labels.js";
import { Results } from "./results.js";
import type { Searchable } from "./searchable.js";
import { reasonOf, Session } from "./session.js";
import { styles } from "./styles.js";
import { keyHints, make, makeParts, type Parts } from "./view.js";

/** The milliseconds after a key before there is a search. */
const PAUSE = 120;
const LIMIT = 10;
const MOST = 50;
/** The options that Page Up and Page Down move by. */
const PAGE = 5;

/** So that the module can be imported where there are no elements. */
const Base = (globalThis.HTMLElement ?? class {}) as typeof HTMLElement;

/** Opens the collection that a box names. */
export type OpenCollection = (box: FelsicSearch) => Promise<Searchable>;

/** The element; search-box.ts says what a page sees of it. */
export class FelsicSearch extends Base {
  static observedAttributes = ["index", "labels", "base-url"];
  /** Set by the entry. */
  static open: OpenCollection;

  #parts: Parts | undefined;
  #results: Results | undefined;
  #session: Session | undefined;
  #collection: Searchable | undefined;
  #labels: SearchLabels | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #query = new AbortController();
  /** The query whose results are shown, and whether they are those of words alone. */
  #shown = { query: "", isWords: false };

  /** The collection that is searched instead of an index. The box does not close it. */
  get collection(): Searchable | undefined {
    return this.#collection;
  }

  set collection(collection: Searchable | undefined) {
    this.#collection = collection;
    this.#forget();
  }

  /** The words on the box; those that are not there are English. */
  get labels(): SearchLabels {
    return this.#labels ?? labelsOf(this.getAttribute("labels"));
  }

  set labels(labels: Partial<SearchLabels> | undefined) {
    this.#labels = labels && labelsFrom(labels);
    this.#label();
  }

  connectedCallback(): void {
    this.#build();
    document.addEventListener("keydown", this.#shortcut);
  }

  disconnectedCallback(): void {
    document.removeEventListener("keydown", this.#shortcut);
    this.close();
    // An element that only moves is connected again at once.
    queueMicrotask(() => this.isConnected || this.#forget());
  }

  attributeChangedCallback(name: string, old: string | null, value: string | null): void {
    if (old === value) return;
    if (name === "labels") this.#label();
    else this.#forget();
  }

  /** Opens the dialog. */
  open(): void {
    const parts = this.#build();
    if (parts.dialog.open || !this.isConnected) return;
    parts.dialog.showModal();
    parts.input.focus();
    parts.input.select();
    this.dispatchEvent(new CustomEvent("felsic-search-open"));
    this.#start();
  }

  /** Closes the dialog; the query stays for the next time. */
  close(): void {
    this.#parts?.dialog.close();
  }

  /** Makes what is in the box, once. */
  #build(): Parts {
    if (this.#parts) return this.#parts;
    const isMac = /mac|iphone|ipad/i.test(navigator.platform);
    const { all, ...parts } = makeParts(isMac ? "⌘K" : "Ctrl K");
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [styles()];
    root.append(...all);
    this.#parts = parts;
    this.#results = new Results(parts);
    this.#listen(parts, this.#results);
    this.#label();
    return parts;
  }

  #listen({ button, dialog, input, close, list }: Parts, results: Results): void {
    button.addEventListener("click", () => this.open());
    close.addEventListener("click", () => this.close());
    input.addEventListener("input", () => {
      results.forgetChoice();
      this.#type();
    });
    input.addEventListener("keydown", (event) => this.#press(event, results));
    dialog.addEventListener("click", (event) => event.target === dialog && this.close());
    dialog.addEventListener("close", () => {
      this.#stop();
      this.dispatchEvent(new CustomEvent("felsic-search-close"));
    });
    // Only a pointer that moves selects: results that appear beneath a resting one do not.
    list.addEventListener("pointermove", ({ target }) => {
      const option = optionOf(target);
      if (option && option !== results.selected) results.choose(option, { scroll: false });
    });
    list.addEventListener("click", (event) => this.#choose(event, results));
  }

  /** Opens the dialog at `/` and at Ctrl-K or Cmd-K. */
  readonly #shortcut = (event: KeyboardEvent): void => {
    const { key, ctrlKey, metaKey, altKey, shiftKey } = event;
    if (event.defaultPrevented || event.isComposing || altKey || this.hasAttribute("no-shortcuts")) return;
    const isK = ctrlKey !== metaKey && !shiftKey && key.toLowerCase() === "k";
    const isSlash = key === "/" && !ctrlKey && !metaKey && !isField(event.composedPath()[0]);
    if (!isK && !isSlash) return;
    event.preventDefault();
    if (isK && this.#parts?.dialog.open) this.close();
    else this.open();
  };

  #press(event: KeyboardEvent, results: Results): void {
    // Enter and the arrows belong to the input method while it composes.
    if (event.isComposing) return;
    const { key, ctrlKey, metaKey } = event;
    const hasModifier = ctrlKey || metaKey;
    if (key === "ArrowDown") results.move(1);
    else if (key === "ArrowUp") results.move(-1);
    else if (key === "PageDown") results.move(PAGE);
    else if (key === "PageUp") results.move(-PAGE);
    else if (key === "Home" && hasModifier) results.moveTo("first");
    else if (key === "End" && hasModifier) results.moveTo("last");
    else if (key === "Enter") results.selected?.dispatchEvent(clickLike(event));
    else return;
    event.preventDefault();
  }

  /** Follows a result's link, unless the page does that itself. */
  #choose(event: MouseEvent, results: Results): void {
    const option = optionOf(event.target);
    const hit = option && results.hitOf(option);
    if (!option || !hit) return;
    const detail = { hit, url: option.href || undefined };
    const select = new CustomEvent("felsic-search-select", { detail, cancelable: true, bubbles: true, composed: true });
    if (!this.dispatchEvent(select) || !option.href) event.preventDefault();
    // In another tab, the user may want a further result.
    if (option.href && !(event.ctrlKey || event.metaKey || event.shiftKey)) this.close();
  }

  /** Opens the collection, if that has not been done. */
  #start(): void {
    const own = this.#collection;
    const session = (this.#session ??= new Session(
      async () => own ?? (await FelsicSearch.open(this)),
      own === undefined,
      () => this.#meaningChanged(),
    ));
    session.start().then(
      () => (this.#parts?.input.value.trim() ? this.#type() : this.#empty()),
      (error: unknown) => this.#broken(error),
    );
  }

  /** Forgets the collection, as another one is searched from now on. */
  #forget(): void {
    this.#stop();
    this.#session?.end();
    this.#session = undefined;
    this.#shown = { query: "", isWords: false };
    this.#results?.replace([], this.#baseUrl());
    if (this.#parts?.dialog.open) this.#start();
  }

  /** Ends the search that is going on. */
  #stop(): void {
    clearTimeout(this.#timer);
    this.#query.abort();
  }

  /** Searches what has been typed, after a pause. */
  #type(): void {
    this.#stop();
    const query = this.#parts?.input.value.trim() ?? "";
    if (query === "") return this.#empty();
    if (query === this.#shown.query) return;
    this.#timer = setTimeout(() => void this.#search(query), PAUSE);
  }

  async #search(query: string): Promise<void> {
    const session = this.#session;
    const results = this.#results;
    if (!session || !results) return;
    this.#stop();
    const { signal } = (this.#query = new AbortController());
    try {
      for await (const { hits, isFirst } of session.answers(query, this.#limit(), signal)) {
        if (signal.aborted) return;
        const isMore = this.#shown.query === query;
        this.#shown = { query, isWords: isFirst || session.meaning.state !== "ready" };
        if (isMore) results.append(hits, this.labels.meaning, this.#baseUrl());
        else results.replace(hits, this.#baseUrl());
        this.#tell(results.count, query);
      }
    } catch (error) {
      if (!signal.aborted) this.#broken(error);
    }
  }

  /** Says how many results there are. */
  #tell(count: number, query: string): void {
    const { note, live } = this.#build();
    const nothing = count === 0 ? filled(this.labels.nothing, { query }, this.#language()) : "";
    note.textContent = nothing;
    note.hidden = count > 0;
    live.textContent = nothing || filled(this.labels.found, { count }, this.#language());
  }

  /** Shows that nothing has been typed. */
  #empty(): void {
    const { note, live } = this.#build();
    this.#shown = { query: "", isWords: false };
    this.#results?.replace([], this.#baseUrl());
    live.textContent = "";
    note.hidden = false;
    void this.#session?.start().then(
      ({ info }) => {
        if (this.#shown.query === "") note.textContent = filled(this.labels.empty, { count: info.documents }, this.#language());
      },
      () => undefined,
    );
  }

  #broken(error: unknown): void {
    const { note, live } = this.#build();
    this.#shown = { query: "", isWords: false };
    this.#results?.replace([], this.#baseUrl());
    note.textContent = filled(this.labels.broken, { reason: reasonOf(error) });
    note.hidden = false;
    live.textContent = note.textContent;
  }

  /** Shows how meaning is getting on; when it is there, what it finds comes below what words have found. */
  #meaningChanged(): void {
    const session = this.#session;
    if (!session) return;
    this.#showMeaning(session);
    const { query, isWords } = this.#shown;
    if (session.meaning.state === "ready" && isWords && query === this.#parts?.input.value.trim()) void this.#search(query);
  }

  #showMeaning(session: Session): void {
    const { state, bar } = this.#build();
    const { labels } = this;
    const language = this.#language();
    const { meaning } = session;
    const text = (label: string, values = {}) => make("span", {}, filled(label, values, language));
    const button = (label: string, act: () => void, first = false) => {
      const made = make("button", { type: "button", ...(first && { class: "first" }) }, label);
      made.addEventListener("click", () => {
        // The button goes.
        this.#parts?.input.focus();
        act();
      });
      return made;
    };
    bar.style.setProperty("--share", meaning.state === "loading" ? String(meaning.loaded) : "0");
    const megabytes = "bytes" in meaning ? size(meaning.bytes, language) : "";
    if (meaning.state === "asking") {
      const ask = text(labels.ask, { size: megabytes });
      state.replaceChildren(
        ask,
        button(labels.yes, () => session.choose("yes"), true),
        button(labels.no, () => session.choose("no")),
      );
    } else if (meaning.state === "off") {
      state.replaceChildren(button(filled(labels.later, { size: megabytes }), () => session.choose("yes")));
    } else if (meaning.state === "loading") {
      const values = { size: megabytes, percent: percent(meaning.loaded, language) };
      state.replaceChildren(...(meaning.bytes > 0 ? [text(labels.loading, values)] : []));
    } else if (meaning.state === "failed") {
      const failed = text(labels.failed, { reason: meaning.reason });
      state.replaceChildren(
        failed,
        button(labels.retry, () => void session.retry()),
      );
    } else {
      state.replaceChildren(...(meaning.state === "ready" ? [text(labels.ready)] : []));
    }
  }

  /** Puts the words on the box. */
  #label(): void {
    const parts = this.#parts;
    if (!parts) return;
    const { labels } = this;
    parts.buttonText.textContent = labels.search;
    parts.dialog.setAttribute("aria-label", labels.search);
    parts.input.placeholder = labels.placeholder;
    parts.input.setAttribute("aria-label", labels.placeholder);
    parts.close.setAttribute("aria-label", labels.close);
    parts.list.setAttribute("aria-label", labels.results);
    const hints = [
      ["↑↓", labels.move],
      ["↵", labels.open],
    ] as const;
    parts.keys.replaceChildren(...keyHints(hints));
    if (this.#session) this.#showMeaning(this.#session);
  }

  #limit(): number {
    const limit = Number(this.getAttribute("limit") ?? LIMIT);
    return Number.isInteger(limit) && limit >= 1 ? Math.min(limit, MOST) : LIMIT;
  }

  #language(): string | undefined {
    const element = this.closest("[lang]");
    return knownLanguage(element?.getAttribute("lang") ?? "");
  }

  /** The absolute URL of the index. */
  get indexUrl(): string {
    const url = new URL(this.getAttribute("index") ?? "", document.baseURI);
    if (!url.pathname.endsWith("/")) url.pathname += "/";
    return url.href;
  }

  /** Returns the URL that those of results are relative to: the folder that the index is in, unless the page names another. */
  #baseUrl(): string {
    const folder = this.#collection ? document.baseURI : new URL("..", this.indexUrl).href;
    const base = this.getAttribute("base");
    return base !== null && URL.canParse(base, document.baseURI) ? new URL(base, document.baseURI).href : folder;
  }
}

/** The option that an event is about. */
function optionOf(target: EventTarget | null): HTMLAnchorElement | undefined {
  const option = target instanceof Element ? target.closest('[role="option"]') : undefined;
  return option instanceof HTMLAnchorElement ? option : undefined;
}

/** A click with the modifiers of a key, so that Ctrl-Enter opens another tab. */
function clickLike({ ctrlKey, metaKey, shiftKey }: KeyboardEvent): MouseEvent {
  return new MouseEvent("click", { ctrlKey, metaKey, shiftKey, bubbles: true, cancelable: true, composed: true });
}

/** Whether keys that are pressed in an element write into it. */
function isField(target: EventTarget | undefined): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return (
    target.isContentEditable || /^(input|textarea|select)$/i.test(target.tagName) || target.getAttribute("role") === "textbox"
  );
}
