/** How the background reaches the engine in Firefox: it is in the background page itself, which has workers. */

import { valueOf } from "../shared/errors.js";
import type { Message } from "../shared/messages.js";
import type { Surroundings } from "../engine/calls.js";
import { Host } from "../engine/host.js";

/** The part of Firefox's own interface that Chromium's types do not know. */
declare const browser: { readonly sidebarAction: { open(): Promise<void> } };

let host: Host | undefined;

/** Returns whether the engine is there. */
export async function isOpen(): Promise<boolean> {
  return host !== undefined;
}

/** Has the engine answer a call. */
export async function askEngine(message: Message, surroundings: Surroundings): Promise<unknown> {
  host ??= new Host(surroundings, () => {});
  return valueOf(await host.answer(message, surroundings));
}

/** The engine ends with the page, when the browser finds that it rests. */
export async function close(): Promise<void> {}

/** Opens the sidebar; only as an answer to a click or a key. */
export function openPanel(_window: number | undefined): Promise<void> {
  return browser.sidebarAction.open();
}
