/** The keyboard: where the focus goes, and which keys the whole page listens to. */

import { signal } from "@preact/signals";
import { closePane, route } from "./route.js";

export const SEARCH_ID = "query";
/** The list of keys is open. */
export const keysShown = signal(false);

const passages = (): HTMLAnchorElement[] => [...document.querySelectorAll<HTMLAnchorElement>("#results a.passage")];

export function focusSearch(): void {
  const input = document.querySelector<HTMLInputElement>(`#${SEARCH_ID}`);
  input?.focus();
  input?.select();
}

/** Whether a click is for the browser: with these keys it opens a link elsewhere. */
export function opensElsewhere({ ctrlKey, metaKey, shiftKey }: MouseEvent): boolean {
  return ctrlKey || metaKey || shiftKey;
}

/**
 * Whether a click was made by the keyboard, or by a script. No pointer has counted it then; Firefox counts one for the Enter key on a link
 * all the same, but names no pointer.
 */
export function isByKeyboard(event: MouseEvent): boolean {
  return event.detail === 0 || (event instanceof PointerEvent && event.pointerType === "");
}

/** Goes to the first passage that was found; with `opens`, reads it. */
export function focusFirstHit({ opens = false } = {}): void {
  const first = passages()[0];
  first?.focus();
  if (opens) first?.click();
}

/** Goes to the passage that is open, or to the search field if there is none. */
export function focusResults(): void {
  const all = passages();
  const current = all.find((link) => link.ariaCurrent === "true") ?? all[0];
  if (current) current.focus();
  else focusSearch();
}

/** The passage that has the focus, by its address, and its place among all. */
let focused: { readonly href: string; readonly at: number } | undefined;

/**
 * Brings the focus back to where it was in the results, after these have been drawn anew: browsers take it from what is moved or removed, and
 * the keyboard would lead nowhere. A passage that is gone is followed by the one in its place.
 */
export function keepFocus(): void {
  const active = document.activeElement;
  if (!focused || (active && active !== document.body)) return;
  const all = passages();
  const { href, at } = focused;
  (all.find((link) => link.href === href) ?? all[Math.min(at, all.length - 1)])?.focus({ preventScroll: true });
}

/** Notes where the focus goes; a click beside everything takes it away for good. */
function listenToFocus(): void {
  document.addEventListener("focusin", ({ target }) => {
    const at = passages().indexOf(target as HTMLAnchorElement);
    focused = at < 0 ? undefined : { href: (target as HTMLAnchorElement).href, at };
  });
  document.addEventListener("pointerdown", () => (focused = undefined), { capture: true });
}

let wantsReader = false;

/** Goes to what is open, as soon as it is there. */
export function focusReader(): void {
  const reading = document.getElementById("reading");
  wantsReader = !reading;
  reading?.focus();
}

/** Something to read is there; whoever waits for it goes on in it. */
export function readerIsThere(): void {
  if (wantsReader) focusReader();
}

/** Whether a key belongs to what has the focus. */
function isWriting(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest("input:not([type=radio]), textarea, select, [contenteditable]") !== null;
}

/** Goes from passage to passage; returns whether the key was one for that. */
function walk(event: KeyboardEvent): boolean {
  const all = passages();
  const at = all.indexOf(event.target as HTMLAnchorElement);
  if (at < 0) return false;
  const to = { ArrowDown: at + 1, j: at + 1, ArrowUp: at - 1, k: at - 1, Home: 0, End: all.length - 1 }[event.key];
  if (to === undefined) return false;
  event.preventDefault();
  if (to < 0) focusSearch();
  else {
    const link = all[Math.min(to, all.length - 1)];
    link?.focus();
    link?.scrollIntoView({ block: "nearest" });
  }
  return true;
}

/** Listens to the keys that count everywhere. */
export function listenToKeys(): void {
  listenToFocus();
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || event.altKey) return;
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      return focusSearch();
    }
    if (event.ctrlKey || event.metaKey || document.querySelector("dialog[open]")) return;
    if (event.key === "Escape") return back(event);
    if (isWriting(event.target)) return;
    if (walk(event)) return;
    if (event.key === "/") {
      event.preventDefault();
      focusSearch();
    } else if (event.key === "?") keysShown.value = true;
    else if (event.key === "n") press("[data-key=next]");
    else if (event.key === "p") press("[data-key=previous]");
  });
}

function press(selector: string): void {
  document.querySelector<HTMLElement>(`${selector} button:not(:disabled)`)?.click();
}

/** From what is beside the results to the results, from there to the search field. */
function back(event: KeyboardEvent): void {
  const target = event.target instanceof Element ? event.target : undefined;
  if (target?.closest("#results") && route.value.view === undefined) return focusSearch();
  if (route.value.view !== undefined) {
    event.preventDefault();
    closePane();
    // The results may have been hidden until now.
    requestAnimationFrame(focusResults);
  } else if (target?.id !== SEARCH_ID) focusSearch();
}
