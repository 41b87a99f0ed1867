/** The find bar: a closed shadow root of its own, above the page, with which its styles and the page's do not meet. */

import type { FindMode } from "../../shared/find.js";
import { addStyle } from "./marks.js";
import { STYLE } from "./style.js";

export const NAME = "felsic-find";

export type Order = "rank" | "page";

/** What the user does. */
export interface Actions {
  search(): void;
  step(by: 1 | -1): void;
  order(): void;
  /** Reads the page again. */
  again(): void;
  close(): void;
}

/** What the bar shows. */
export interface Shown {
  readonly count: string;
  readonly canStep: boolean;
  readonly status: string;
  readonly isProblem: boolean;
  readonly offersAgain: boolean;
}

/** How the bar stands in a page whatever the page's own rules are. */
const HOST: Readonly<Record<string, string>> = {
  all: "initial",
  display: "block",
  position: "fixed",
  inset: "8px 16px auto auto",
  "z-index": "2147483647",
  "max-width": "calc(100vw - 32px)",
};

type Fields<Name extends keyof HTMLElementTagNameMap> = Partial<
  Record<"className" | "textContent" | "type" | "value", string>
> & {
  readonly label?: string;
  readonly tag: Name;
};

function make<Name extends keyof HTMLElementTagNameMap>({ tag, label, ...fields }: Fields<Name>, ...children: Node[]) {
  const element = document.createElement(tag);
  Object.assign(element, fields);
  if (label !== undefined) element.setAttribute("aria-label", label);
  element.append(...children);
  return element;
}

function choice<Value extends string>(label: string, choices: Record<Value, string>) {
  const options = Object.entries<string>(choices).map(([value, text]) => make({ tag: "option", value, textContent: text }));
  return make({ tag: "select", label }, ...options);
}

const button = (label: string, sign: string) => {
  const made = make({ tag: "button", type: "button", label, className: "icon" });
  made.title = label;
  made.append(make({ tag: "span", textContent: sign }));
  return made;
};

export class Bar {
  readonly #host = document.createElement(NAME);
  readonly #root = this.#host.attachShadow({ mode: "closed" });
  readonly #field = make({ tag: "input", type: "search", label: "Find by meaning on this page" });
  readonly #mode = choice<FindMode>("Find by", { hybrid: "Meaning and words", meaning: "Meaning", words: "Words" });
  readonly #order = choice<Order>("Order", { rank: "Best first", page: "Page order" });
  readonly #count = make({ tag: "output", className: "count" });
  readonly #status = make({ tag: "p", className: "status" });
  readonly #previous = button("Previous passage", "↑");
  readonly #next = button("Next passage", "↓");
  readonly #again = make({ tag: "button", type: "button", textContent: "Search again" });
  readonly #actions: Actions;
  readonly #before = document.activeElement;

  constructor(actions: Actions) {
    this.#actions = actions;
    for (const [name, value] of Object.entries(HOST)) this.#host.style.setProperty(name, value, "important");
    addStyle(this.#root, window, STYLE);
    this.#root.append(this.#form());
    this.show({ count: "", canStep: false, status: "", isProblem: false, offersAgain: false });
    for (const name of ["keydown", "keyup", "keypress"]) window.addEventListener(name, this.#onKey, true);
    // What happens in the bar is no business of the page's.
    for (const name of ["input", "change", "click", "mousedown", "mouseup", "pointerdown", "pointerup", "paste", "copy", "cut"]) {
      this.#root.addEventListener(name, (event) => event.stopPropagation());
    }
    // A modal dialog, or what fills the screen, leaves no room beside it.
    const modal = [...document.querySelectorAll(":modal")].at(-1);
    (modal ?? document.documentElement).append(this.#host);
  }

  #form(): HTMLElement {
    const close = button("Close", "✕");
    const row = make({ tag: "div", className: "row" }, this.#field, this.#count, this.#previous, this.#next, close);
    const choices = make({ tag: "div", className: "row" }, this.#mode, this.#order);
    const below = make({ tag: "div", className: "row below" }, this.#status, this.#again);
    this.#status.setAttribute("role", "status");
    this.#field.placeholder = "Find by meaning on this page";
    this.#field.maxLength = 500;
    this.#field.spellcheck = false;
    this.#field.autocomplete = "off";
    this.#field.addEventListener("input", () => this.#actions.search());
    this.#mode.addEventListener("change", () => this.#actions.search());
    this.#order.addEventListener("change", () => this.#actions.order());
    this.#previous.addEventListener("click", () => this.#actions.step(-1));
    this.#next.addEventListener("click", () => this.#actions.step(1));
    this.#again.addEventListener("click", () => this.#actions.again());
    close.addEventListener("click", () => this.#actions.close());
    const form = make({ tag: "div", className: "bar", label: "Find by meaning" }, row, choices, below);
    form.setAttribute("role", "search");
    return form;
  }

  /** Keys go to the bar alone while it has the focus: pages have shortcuts of their own. */
  readonly #onKey = (event: KeyboardEvent | Event): void => {
    if (event.target !== this.#host || !(event instanceof KeyboardEvent)) return;
    event.stopImmediatePropagation();
    if (event.type !== "keydown" || event.isComposing) return;
    const { key, shiftKey } = event;
    const isNext = key === "F3" || (key.toLowerCase() === "g" && (event.ctrlKey || event.metaKey) && !event.altKey);
    const isEnter = key === "Enter" && this.#root.activeElement === this.#field;
    if (key !== "Escape" && !isNext && !isEnter) return;
    event.preventDefault();
    if (key === "Escape") this.#actions.close();
    else this.#actions.step(shiftKey ? -1 : 1);
  };

  get query(): string {
    return this.#field.value;
  }

  set query(text: string) {
    this.#field.value = text;
  }

  get mode(): FindMode {
    return this.#mode.value as FindMode;
  }

  get order(): Order {
    return this.#order.value as Order;
  }

  /** Whether an element is the bar itself. */
  is(node: Node): boolean {
    return node === this.#host;
  }

  /** Whether the page has removed it. */
  get isGone(): boolean {
    return !this.#host.isConnected;
  }

  focus(): void {
    this.#field.focus();
    this.#field.select();
  }

  show({ count, canStep, status, isProblem, offersAgain }: Shown): void {
    // The same text again would have a screen reader say it again.
    if (this.#count.textContent !== count) this.#count.textContent = count;
    if (this.#status.textContent !== status) this.#status.textContent = status;
    this.#status.classList.toggle("problem", isProblem);
    this.#previous.disabled = this.#next.disabled = !canStep;
    this.#again.hidden = !offersAgain;
  }

  /** Removes it and gives the focus back. */
  close(): void {
    const hadFocus = document.activeElement === this.#host;
    for (const name of ["keydown", "keyup", "keypress"]) window.removeEventListener(name, this.#onKey, true);
    this.#host.remove();
    if (hadFocus && this.#before instanceof HTMLElement) this.#before.focus({ preventScroll: true });
  }
}
