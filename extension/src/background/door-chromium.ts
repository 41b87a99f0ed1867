/** How the background reaches the engine in Chromium: it lives in an offscreen document, which is opened when it is needed. */

import { ExtensionError, valueOf, type Answer } from "../shared/errors.js";
import type { Message } from "../shared/messages.js";
import type { Surroundings } from "../engine/calls.js";

const PAGE = "engine.html";

/** How often a call that nobody answers is made, and the milliseconds between: a document that ends is listed for a moment, and nobody listens there. */
const CALLS = 20;
const PAUSE = 50;

let opening: Promise<void> | undefined;

/** Returns whether the engine is there. */
export async function isOpen(): Promise<boolean> {
  const contexts = await chrome.runtime.getContexts({ contextTypes: [chrome.runtime.ContextType.OFFSCREEN_DOCUMENT] });
  return contexts.length > 0;
}

/** Makes sure that the engine is there; an extension can have one offscreen document. */
function open(): Promise<void> {
  opening ??= openPage().finally(() => (opening = undefined));
  return opening;
}

async function openPage(): Promise<void> {
  if (await isOpen()) return;
  try {
    await chrome.offscreen.createDocument({
      url: PAGE,
      reasons: [chrome.offscreen.Reason.WORKERS],
      justification: "Computes embeddings in workers, which a service worker cannot start.",
    });
  } catch (cause) {
    // An earlier service worker may have opened it in this very moment.
    if (await isOpen()) return;
    throw new ExtensionError("engine-unavailable", `the browser does not open the engine's document: ${String(cause)}`, {
      cause,
    });
  }
}

/** Has the engine answer a call; if the browser ends it meanwhile, it is opened again, once. All calls may be repeated. */
export async function askEngine(message: Message, surroundings: Surroundings): Promise<unknown> {
  let ends = 0;
  for (let calls = 1; ; calls += 1) {
    await open();
    try {
      const answer: Answer<unknown> | undefined = await chrome.runtime.sendMessage({ ...message, to: "engine", surroundings });
      if (answer || calls === CALLS) return valueOf(answer);
    } catch (cause) {
      if (cause instanceof ExtensionError) throw cause;
      ends += 1;
      if (ends > 1) throw new ExtensionError("interrupted", "the browser ended the engine twice; try again", { cause });
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
}

/** Ends the engine, which has rested. */
export async function close(): Promise<void> {
  if (await isOpen()) await chrome.offscreen.closeDocument();
}

/** Opens the side panel; only as an answer to a click or a key. */
export function openPanel(window: number | undefined): Promise<void> {
  return chrome.sidePanel.open({ windowId: window ?? chrome.windows.WINDOW_ID_CURRENT });
}
