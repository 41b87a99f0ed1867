/** The visible text of a page in the order of reading, and where each part of it is in the page. */

import { LONGEST_TEXT, type FindRange } from "../../shared/find.js";
import { childrenOf, isRead } from "../read.js";

/** Characters of the text that stand in one text node, in the same order. */
interface Run {
  /** Where they begin in the text. */
  readonly at: number;
  readonly node: Text;
  /** Where they begin in the node. */
  readonly from: number;
  length: number;
}

/** What stands between two pieces of text: the later ones are stronger. */
const BETWEEN = ["", " ", " | ", "\n", "\n\n"] as const;
type Between = (typeof BETWEEN)[number];

/** Where white space begins. */
type Space = Pick<Run, "node" | "from">;

/** Part of a text node. */
export interface Part {
  readonly node: Text;
  readonly start: number;
  readonly end: number;
}

/** A page's text, with the way back. */
export class PageText {
  readonly text: string;
  /** The documents and shadow roots that it was read from. */
  readonly roots: ReadonlySet<Document | ShadowRoot>;
  readonly #runs: readonly Run[];

  constructor(text: string, runs: readonly Run[], roots: ReadonlySet<Document | ShadowRoot>) {
    this.text = text;
    this.roots = roots;
    this.#runs = runs;
  }

  /** Returns where a part of the text is in the page. */
  parts({ start, end }: FindRange): Part[] {
    const parts: { node: Text; start: number; end: number }[] = [];
    for (let i = this.#firstAfter(start); i < this.#runs.length; i += 1) {
      const { at, node, from, length } = this.#runs[i]!;
      if (at >= end) break;
      const part = { node, start: from + Math.max(0, start - at), end: from + Math.min(length, end - at) };
      const last = parts.at(-1);
      if (last?.node === node) last.end = part.end;
      else parts.push(part);
    }
    return parts;
  }

  /** Returns the first run that ends after a place. */
  #firstAfter(place: number): number {
    let [low, high] = [0, this.#runs.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const { at, length } = this.#runs[middle]!;
      if (at + length > place) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** Puts a text together. */
class Writer {
  #text = "";
  readonly #runs: Run[] = [];
  #between: Between = "";
  #space: Space | undefined;

  get length(): number {
    return this.#text.length;
  }

  /** Notes that what follows is apart from what was before, by white space of the page if it is given. */
  part(between: Between, space?: Space): void {
    if (BETWEEN.indexOf(between) <= BETWEEN.indexOf(this.#between)) return;
    this.#between = between;
    this.#space = space;
  }

  /** Adds the words of a text node. White space is one space, except the ends of lines where the page shows them. */
  add(node: Text, keepsLines: boolean): void {
    for (const { 0: piece, index } of node.data.matchAll(/\s+|\S+/g)) {
      if (!/\s/.test(piece[0]!)) this.#word(node, index, piece);
      else if (!keepsLines || !piece.includes("\n")) this.part(" ", { node, from: index });
      else this.part(/\n[^\S\n]*\n/.test(piece) ? "\n\n" : "\n", { node, from: index });
    }
  }

  #word(node: Text, from: number, word: string): void {
    const [between, space] = [this.#between, this.#space];
    this.#between = "";
    if (this.#text !== "" && space && between.length === 1) this.#put(space.node, space.from, between);
    else if (this.#text !== "") this.#text += between;
    this.#put(node, from, word);
  }

  #put(node: Text, from: number, piece: string): void {
    const last = this.#runs.at(-1);
    const goesOn = last?.node === node && last.from + last.length === from && last.at + last.length === this.#text.length;
    if (goesOn) last.length += piece.length;
    else this.#runs.push({ at: this.#text.length, node, from, length: piece.length });
    this.#text += piece;
  }

  text(roots: ReadonlySet<Document | ShadowRoot>): PageText {
    return new PageText(this.#text.slice(0, LONGEST_TEXT), this.#runs, roots);
  }
}

/** Reads what is visible of a page, also in open shadow roots and in frames of its own origin, without what is typed. */
export function collect(page: Document): PageText {
  const writer = new Writer();
  const roots = new Set<Document | ShadowRoot>([page]);
  // A stack instead of recursion: pages nest as deep as they like.
  const stack: (Node | Between)[] = page.body ? [page.body] : [];
  while (stack.length > 0 && writer.length < LONGEST_TEXT) {
    const next = stack.pop()!;
    if (typeof next === "string") writer.part(next);
    else if (next.nodeType === Node.TEXT_NODE) writer.add(next as Text, keepsLines(next as Text));
    else if (next.nodeType === Node.ELEMENT_NODE && isRead(next as Element)) {
      const element = next as Element;
      const between = betweenOf(element);
      writer.part(between);
      if (element.localName === "br") continue;
      stack.push(between);
      const children = childrenOf(element);
      const root = children[0]?.getRootNode() as Document | ShadowRoot | undefined;
      if (root) roots.add(root);
      for (let i = children.length - 1; i >= 0; i -= 1) stack.push(children[i]!);
    }
  }
  return writer.text(roots);
}

function styleOf(element: Element): CSSStyleDeclaration | undefined {
  return element.ownerDocument.defaultView?.getComputedStyle(element);
}

/** Returns what an element sets its text apart by. */
function betweenOf(element: Element): Between {
  if (element.localName === "br") return "\n";
  const display = styleOf(element)?.display ?? "inline";
  if (display === "table-cell") return " | ";
  return /^(?:inline|contents|ruby)/.test(display) ? "" : "\n\n";
}

function keepsLines(node: Text): boolean {
  if (!node.data.includes("\n")) return false;
  const parent = node.parentElement ?? (node.getRootNode() as ShadowRoot).host;
  const space = parent && styleOf(parent)?.whiteSpace;
  return space !== undefined && /^(?:pre|break-spaces)/.test(space);
}
