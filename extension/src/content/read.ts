/** Reads what a person sees of a page, as plain HTML: felsic cuts it, and finds the main content by the same elements. */

/** Elements that are kept as they are, without their attributes; all others only hold together what is in them. */
const KEPT = new Set(
  "main article nav header footer aside section h1 h2 h3 h4 h5 h6 p ul ol li dl dt dd pre blockquote table tr th td figcaption div br".split(
    " ",
  ),
);
/** Elements that have no text, or that hold what is typed. */
const SKIPPED = new Set(
  "script style noscript template svg canvas video audio object embed input textarea select button option datalist progress meter head".split(
    " ",
  ),
);
/** The most characters; more is left out. */
const LONGEST = 500_000;

const CODES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };

/** Returns what is visible of a page, also in open shadow roots and in frames of its own origin. */
export function htmlOf(page: Document): string {
  const parts: string[] = [];
  let length = 0;
  const add = (part: string) => {
    parts.push(part);
    length += part.length;
  };
  // A stack instead of recursion: pages nest as deep as they like.
  const stack: (Node | string)[] = page.body ? [page.body] : [];
  while (stack.length > 0 && length < LONGEST) {
    const next = stack.pop()!;
    if (typeof next === "string") add(next);
    else if (next.nodeType === Node.TEXT_NODE) add((next.nodeValue ?? "").replace(/[&<>]/g, (character) => CODES[character]!));
    else if (next.nodeType === Node.ELEMENT_NODE && isRead(next as Element)) {
      const element = next as Element;
      const name = element.localName;
      const tag = element.getAttribute("role") === "main" ? "main" : KEPT.has(name) ? name : undefined;
      if (tag) {
        add(`<${tag}>`);
        if (tag !== "br") stack.push(`</${tag}>`);
      }
      const children = childrenOf(element);
      for (let i = children.length - 1; i >= 0; i -= 1) stack.push(children[i]!);
    }
  }
  return parts.join("");
}

/** Returns whether a person sees an element, and it does not hold what is typed. */
export function isRead(element: Element): boolean {
  if (SKIPPED.has(element.localName) || element.getAttribute("aria-hidden") === "true") return false;
  if ((element as HTMLElement).isContentEditable) return false;
  if (element.checkVisibility?.({ visibilityProperty: true }) ?? true) return true;
  // Slots, and whatever else leaves its place to what is in it, have no box of their own, and count as invisible.
  const style = element.ownerDocument.defaultView?.getComputedStyle(element);
  return style?.display === "contents" && style.visibility === "visible";
}

/** Returns what a browser shows in an element: its shadow tree, what is put into a slot, the page in a frame. */
export function childrenOf(element: Element): ArrayLike<Node> {
  if (element.shadowRoot) return element.shadowRoot.childNodes;
  // By their names: elements in a frame are of its own classes.
  if (element.localName === "slot") {
    const assigned = (element as Partial<HTMLSlotElement>).assignedNodes?.() ?? [];
    return assigned.length > 0 ? assigned : element.childNodes;
  }
  if (element.localName === "iframe") {
    const body = frameDocument(element)?.body;
    return body ? [body] : [];
  }
  return element.childNodes;
}

/** Returns the page in a frame, if it is of the page's own origin. */
function frameDocument(frame: Element): Document | undefined {
  try {
    return (frame as Partial<HTMLIFrameElement>).contentDocument ?? undefined;
  } catch {
    return undefined;
  }
}

/** Returns the elements that fit a selector, also in open shadow roots and frames of the page's own origin. */
function* deep(root: Document | ShadowRoot, selector: string): Generator<Element> {
  yield* root.querySelectorAll(selector);
  for (const element of root.querySelectorAll("*")) {
    const inner = element.localName === "iframe" ? frameDocument(element) : element.shadowRoot;
    if (inner) yield* deep(inner, selector);
  }
}

/** Returns whether a page has a field for a password or a payment card. */
export function hasSecretField(page: Document): boolean {
  const fields =
    'input[type="password"], [autocomplete~="current-password"], [autocomplete~="new-password"], [autocomplete^="cc-"]';
  return !deep(page, fields).next().done;
}

/** Returns whether a page asks search engines, or archives, to leave it out. */
export function isUnindexed(page: Document): boolean {
  const metas = page.querySelectorAll<HTMLMetaElement>('meta[name="robots" i], meta[name="googlebot" i]');
  return [...metas].some(({ content }) => /\b(?:noindex|noarchive|none)\b/i.test(content));
}
