/** Lights up ranges of a page by CSS's custom highlights, which change nothing in its document, and scrolls to them. */

import type { Part } from "./collect.js";

const ALL = "felsic-find";
const WORDS = "felsic-find-words";
const CURRENT = "felsic-find-current";

const STYLE = `
::highlight(${ALL}) { background-color: #ffeb99; color: #201c19; }
::highlight(${CURRENT}) { background-color: #ffb03b; color: #000; }
::highlight(${WORDS}) { text-decoration: underline 2px #8f3d29; }
@media (forced-colors: active) {
  ::highlight(${ALL}) { background-color: Mark; color: MarkText; }
  ::highlight(${CURRENT}) { background-color: Highlight; color: HighlightText; }
}`;

type View = Window & typeof globalThis;
type Root = Document | ShadowRoot;

/** What is lit up of a page. */
export interface Lit {
  readonly all: readonly Part[];
  readonly words: readonly Part[];
  readonly current: readonly Part[];
}

export class Marks {
  /** What removes the style from each root. */
  readonly #styled = new Map<Root, () => void>();
  readonly #views = new Set<View>();

  /** Lights up parts in place of those before. */
  show({ all, words, current }: Lit): void {
    this.#unlight();
    this.#light(ALL, all, 0);
    this.#light(CURRENT, current, 1);
    this.#light(WORDS, words, 2);
  }

  #light(name: string, parts: readonly Part[], priority: number): void {
    const byView = new Map<View, Range[]>();
    for (const part of parts) {
      const view = part.node.ownerDocument.defaultView as View | null;
      const range = rangeOf(part);
      // A browser without custom highlights only scrolls.
      if (!view || !range || !view.CSS.highlights) continue;
      byView.set(view, [...(byView.get(view) ?? []), range]);
      this.#style(part.node.getRootNode() as Root, view);
    }
    for (const [view, ranges] of byView) {
      const highlight = new view.Highlight(...ranges);
      highlight.priority = priority;
      view.CSS.highlights.set(name, highlight);
      this.#views.add(view);
    }
  }

  #style(root: Root, view: View): void {
    if (!this.#styled.has(root)) this.#styled.set(root, addStyle(root, view, STYLE));
  }

  #unlight(): void {
    for (const view of this.#views) for (const name of [ALL, WORDS, CURRENT]) view.CSS.highlights.delete(name);
    this.#views.clear();
  }

  /** Removes everything. */
  clear(): void {
    this.#unlight();
    for (const remove of this.#styled.values()) remove();
    this.#styled.clear();
  }
}

/** Adds a style sheet to a document or a shadow root, under any policy; returns what removes it. */
export function addStyle(root: Root, view: View, style: string): () => void {
  try {
    const sheet = new view.CSSStyleSheet();
    sheet.replaceSync(style);
    root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
    return () => {
      root.adoptedStyleSheets = root.adoptedStyleSheets.filter((other) => other !== sheet);
    };
  } catch {
    // Not every browser lets a script of an extension adopt a sheet. An element is the next best: a strict policy of the page may refuse it.
    const page = root.ownerDocument ?? (root as Document);
    const element = page.createElement("style");
    element.textContent = style;
    (root === page ? page.documentElement : root).append(element);
    return () => element.remove();
  }
}

/** Returns a part as a range; `undefined` if the page has changed and it is no longer there. */
export function rangeOf({ node, start, end }: Part): Range | undefined {
  if (!node.isConnected || end > node.length) return undefined;
  const range = node.ownerDocument.createRange();
  range.setStart(node, start);
  range.setEnd(node, end);
  return range;
}

/** Scrolls a part into view, in frames and in whatever scrolls around it. */
export function reveal(part: Part): void {
  const element = part.node.parentElement ?? (part.node.getRootNode() as ShadowRoot).host;
  const range = rangeOf(part);
  const view = part.node.ownerDocument.defaultView;
  if (!element || !range || !view) return;
  const isTall = element.getBoundingClientRect().height > view.innerHeight / 2;
  const behavior = !isTall && !matchMedia("(prefers-reduced-motion: reduce)").matches ? "smooth" : "instant";
  element.scrollIntoView({ block: isTall ? "start" : "center", inline: "nearest", behavior });
  if (isTall) scrollWithin(element, range, view);
}

/** Scrolls what is around a tall element by as much as a range is below its top. */
function scrollWithin(element: Element, range: Range, view: Window): void {
  const below = range.getBoundingClientRect().top - view.innerHeight / 3;
  let box: Element | null = element;
  while (box && !(box.scrollHeight > box.clientHeight && /auto|scroll/.test(view.getComputedStyle(box).overflowY))) {
    box = box.parentElement;
  }
  (box ?? view).scrollBy({ top: below, behavior: "instant" });
}
