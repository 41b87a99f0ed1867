/** The search box's parts. Texts become text nodes: nothing that comes from a page or an index is read as HTML. */

import { linkOf, piecesOf, shownOf } from "./links.js";
import type { BoxHit } from "./searchable.js";

type Attributes = Readonly<Record<string, string>>;

/** Makes an element. */
export function make<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, value);
  element.append(...children);
  return element;
}

/** Makes a drawing of strokes. */
function icon(path: string): SVGSVGElement {
  const space = "http://www.w3.org/2000/svg";
  const drawing = document.createElementNS(space, "svg");
  const stroke = document.createElementNS(space, "path");
  stroke.setAttribute("d", path);
  drawing.setAttribute("viewBox", "0 0 24 24");
  drawing.setAttribute("aria-hidden", "true");
  drawing.append(stroke);
  return drawing;
}

const LENS = "M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13ZM15.5 15.5 20 20";
const CROSS = "M6 6l12 12M18 6 6 18";

/** The elements that are in the box all the time. */
export interface Parts {
  readonly button: HTMLButtonElement;
  readonly buttonText: HTMLElement;
  readonly dialog: HTMLDialogElement;
  readonly input: HTMLInputElement;
  readonly close: HTMLButtonElement;
  readonly list: HTMLElement;
  /** What is in the list's place if there are no results. */
  readonly note: HTMLElement;
  /** How meaning is getting on. */
  readonly state: HTMLElement;
  readonly keys: HTMLElement;
  readonly bar: HTMLElement;
  /** What screen readers announce. */
  readonly live: HTMLElement;
}

/** Makes the box's elements. */
export function makeParts(shortcut: string): Parts & { readonly all: readonly Node[] } {
  const buttonText = make("span", { class: "button-text" });
  const keyHint = make("kbd", { part: "shortcut", "aria-hidden": "true" }, shortcut);
  const button = make("button", { type: "button", part: "button", "aria-haspopup": "dialog" }, icon(LENS), buttonText, keyHint);
  const input = make("input", {
    type: "text",
    part: "input",
    role: "combobox",
    dir: "auto",
    enterkeyhint: "search",
    autocomplete: "off",
    autocapitalize: "off",
    autocorrect: "off",
    spellcheck: "false",
    maxlength: "500",
    "aria-autocomplete": "list",
    "aria-controls": "list",
    "aria-expanded": "false",
  });
  const close = make("button", { type: "button", part: "close" }, icon(CROSS));
  const list = make("div", { id: "list", part: "list", role: "listbox", hidden: "" });
  const note = make("p", { part: "note" });
  const state = make("div", { class: "state", part: "state" });
  const keys = make("div", { class: "keys", "aria-hidden": "true" });
  const bar = make("div", { class: "bar", part: "progress" });
  const live = make("div", { role: "status", class: "unseen" });
  const head = make("div", { class: "head" }, icon(LENS), input, close);
  const body = make("div", { class: "body" }, list, note);
  const sheet = make("div", { class: "sheet" }, head, bar, body, make("div", { class: "foot", part: "foot" }, state, keys));
  const dialog = make("dialog", { part: "dialog" }, sheet, live);
  return { button, buttonText, dialog, input, close, list, note, state, keys, bar, live, all: [button, dialog] };
}

/** Makes an option, which shows nothing yet. */
export function makeOption(id: string): HTMLAnchorElement {
  return make("a", { id, role: "option", part: "hit", tabindex: "-1", "aria-selected": "false" });
}

/** Shows a result in an option. Its address is in a link, so that a page can be opened in another tab; if it may be none, there is no link. */
export function showHit(option: HTMLAnchorElement, hit: BoxHit, base: string): void {
  const shown = shownOf(hit);
  const link = linkOf(hit, base, shown);
  if (link === undefined) option.removeAttribute("href");
  else option.href = link;
  option.replaceChildren(make("span", { class: "title", part: "title", dir: "auto" }, hit.title || hit.id));
  if (hit.passage.trail.length > 0) {
    option.append(make("span", { class: "trail", part: "trail", dir: "auto" }, hit.passage.trail.join(" › ")));
  }
  const passage = make("span", { class: "passage", part: "passage", dir: "auto" });
  for (const { text, isMarked } of piecesOf(shown.text, shown.ranges)) {
    passage.append(isMarked ? make("mark", { part: "mark" }, text) : text);
  }
  option.append(passage);
}

/** What the keys do, for those who see them. */
export function keyHints(hints: readonly (readonly [keys: string, what: string])[]): Node[] {
  return hints.map(([keys, what]) => make("span", {}, ...[...keys].map((key) => make("kbd", {}, key)), ` ${what}`));
}
