/** The engine as the background sees it: a call goes there with the settings, and with what only the background knows. */

import { askEngine, isOpen } from "#door";
import type { Surroundings } from "../engine/calls.js";
import type { Message } from "../shared/messages.js";
import { counts } from "../shared/queue.js";
import { readSettings } from "../shared/settings.js";
import { isStale } from "../shared/stale.js";

async function surroundings(): Promise<Surroundings> {
  const [settings, isBackground] = await Promise.all([readSettings(), noWindowInFront()]);
  return { settings, isBackground };
}

async function noWindowInFront(): Promise<boolean> {
  const windows = await chrome.windows.getAll();
  return windows.length > 0 && windows.every(({ focused, state }) => !focused || state === "minimized");
}

/** Has the engine answer a call, and starts it if it is not there. */
export async function engine(message: Message): Promise<unknown> {
  return askEngine(message, await surroundings());
}

/** Tells the engine to look after its work; it is started only if there is some, unless the caller knows that there is. */
export async function wakeEngine(hasWork: boolean): Promise<void> {
  if (!hasWork && !(await isOpen()) && (await counts()).waiting === 0 && !(await isStale())) return;
  await engine({ to: "engine", name: "engine.wake", input: {} });
}
