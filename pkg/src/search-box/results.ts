/** The list of results: what is shown, and which is selected. What the user is about to choose never moves. */

import type { BoxHit } from "./searchable.js";
import { make, makeOption, type Parts, showHit } from "./view.js";

/** The results of a query. */
export class Results {
  readonly #parts: Pick<Parts, "list" | "input">;
  #options: HTMLAnchorElement[] = [];
  /** The results, by their options. */
  readonly #hits = new Map<HTMLAnchorElement, BoxHit>();
  #selected: HTMLAnchorElement | undefined;
  /** Whether the user has selected it, and has not typed since. */
  #isChosen = false;
  #made = 0;

  constructor(parts: Pick<Parts, "list" | "input">) {
    this.#parts = parts;
  }

  get count(): number {
    return this.#options.length;
  }

  get selected(): HTMLAnchorElement | undefined {
    return this.#selected;
  }

  /** Returns the result of an option. */
  hitOf(option: HTMLAnchorElement): BoxHit | undefined {
    return this.#hits.get(option);
  }

  /** Notes that another query is being typed: what was chosen among the results that are shown is not meant for its own. */
  forgetChoice(): void {
    this.#isChosen = false;
  }

  /**
   * Shows the results of another query. They may come when the user has already chosen one of those that are shown: if it is found again,
   * it stays chosen. A result that is found again keeps its element, so that a click that has begun on it ends on it.
   */
  replace(hits: readonly BoxHit[], base: string): void {
    const chosen = this.#isChosen ? this.#selected : undefined;
    const shown = new Map([...this.#hits].map(([option, hit]) => [keyOf(hit), option]));
    this.#hits.clear();
    this.#options = this.#make(hits, base, shown);
    this.#parts.list.replaceChildren(...this.#options);
    this.#parts.list.hidden = hits.length === 0;
    this.#parts.input.setAttribute("aria-expanded", String(hits.length > 0));
    this.#parts.list.parentElement?.scrollTo(0, 0);
    this.#isChosen = chosen !== undefined && this.#hits.has(chosen);
    this.#select(this.#isChosen ? chosen : this.#options[0]);
  }

  /** Puts further results for the same query below the others, under a heading; returns how many are new. */
  append(hits: readonly BoxHit[], heading: string, base: string): number {
    if (this.count === 0) {
      this.replace(hits, base);
      return hits.length;
    }
    const known = new Set([...this.#hits.values()].map(keyOf));
    const further = hits.filter((hit) => !known.has(keyOf(hit)));
    if (further.length === 0) return 0;
    const id = `group-${this.#made}`;
    const options = this.#make(further, base);
    const group = make(
      "div",
      { role: "group", "aria-labelledby": id },
      make("span", { id, class: "group", part: "group" }, heading),
    );
    group.append(...options);
    this.#options.push(...options);
    this.#parts.list.append(group);
    return further.length;
  }

  /** Selects the option that is some steps further on; beyond an end comes the other end. */
  move(steps: number): void {
    const { count } = this;
    if (count === 0) return;
    const at = this.#selected ? this.#options.indexOf(this.#selected) : -1;
    const next = Math.abs(steps) > 1 ? Math.min(Math.max(at + steps, 0), count - 1) : (at + steps + count) % count;
    this.choose(this.#options[next]);
  }

  /** Selects the first or the last option. */
  moveTo(end: "first" | "last"): void {
    this.choose(this.#options.at(end === "first" ? 0 : -1));
  }

  /** Selects an option, as the user wants. */
  choose(option: HTMLAnchorElement | undefined, { scroll = true } = {}): void {
    this.#isChosen = option !== undefined;
    this.#select(option, scroll);
  }

  #select(option: HTMLAnchorElement | undefined, scroll = true): void {
    this.#selected?.setAttribute("aria-selected", "false");
    this.#selected = option;
    option?.setAttribute("aria-selected", "true");
    if (option) this.#parts.input.setAttribute("aria-activedescendant", option.id);
    else this.#parts.input.removeAttribute("aria-activedescendant");
    if (scroll) option?.scrollIntoView({ block: "nearest" });
  }

  /** Returns options for results; `shown` are those that may be used again, by the keys of their results. */
  #make(hits: readonly BoxHit[], base: string, shown = new Map<string, HTMLAnchorElement>()): HTMLAnchorElement[] {
    return hits.map((hit) => {
      const option = shown.get(keyOf(hit)) ?? makeOption(`hit-${this.#made++}`);
      shown.delete(keyOf(hit));
      showHit(option, hit, base);
      this.#hits.set(option, hit);
      return option;
    });
  }
}

/** What makes two results the same to a reader. */
function keyOf({ id }: BoxHit): string {
  return id;
}
