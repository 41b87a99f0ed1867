/** The list of results: what is shown, and which is selected. What the user is about to choose never moves. */

import type { BoxHit } from "./searchable.js";
import { make, makeOption, type Parts } from "./view.js";

/** The results of a query. */
export class Results {
  readonly #parts: Pick<Parts, "list" | "input">;
  #options: HTMLAnchorElement[] = [];
  /** The results, by their options. */
  readonly #hits = new Map<HTMLAnchorElement, BoxHit>();
  #selected: HTMLAnchorElement | undefined;
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

  /** Shows the results of another query. */
  replace(hits: readonly BoxHit[], base: string): void {
    this.#hits.clear();
    this.#options = this.#make(hits, base);
    this.#parts.list.replaceChildren(...this.#options);
    this.#parts.list.hidden = hits.length === 0;
    this.#parts.input.setAttribute("aria-expanded", String(hits.length > 0));
    this.#parts.list.parentElement?.scrollTo(0, 0);
    this.select(this.#options[0]);
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
    this.select(this.#options[next]);
  }

  /** Selects the first or the last option. */
  moveTo(end: "first" | "last"): void {
    this.select(this.#options.at(end === "first" ? 0 : -1));
  }

  /** Selects an option, or none. */
  select(option: HTMLAnchorElement | undefined, { scroll = true } = {}): void {
    this.#selected?.setAttribute("aria-selected", "false");
    this.#selected = option;
    option?.setAttribute("aria-selected", "true");
    if (option) this.#parts.input.setAttribute("aria-activedescendant", option.id);
    else this.#parts.input.removeAttribute("aria-activedescendant");
    if (scroll) option?.scrollIntoView({ block: "nearest" });
  }

  #make(hits: readonly BoxHit[], base: string): HTMLAnchorElement[] {
    return hits.map((hit) => {
      const option = makeOption(hit, `hit-${this.#made++}`, base);
      this.#hits.set(option, hit);
      return option;
    });
  }
}

/** What makes two results the same to a reader. */
function keyOf({ id }: BoxHit): string {
  return id;
}
