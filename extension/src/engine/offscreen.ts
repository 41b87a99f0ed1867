/** The offscreen document of Chromium: it has workers, which a service worker cannot start, and outlives the service worker. */

import { ask, messageTo } from "../shared/messages.js";
import type { Surroundings } from "./calls.js";
import { Host } from "./host.js";

let host: Host | undefined;

chrome.runtime.onMessage.addListener((raw, sender, respond) => {
  const message = messageTo("engine", raw);
  // Only the service worker, which checks what may be asked, speaks to the engine: whatever is in a tab does not.
  if (!message || sender.tab || sender.id !== chrome.runtime.id) return false;
  const { surroundings } = raw as { surroundings: Surroundings };
  host ??= new Host(surroundings, () => void ask("router", "engine.idle", {}).catch(() => {}));
  void host.answer(message, surroundings).then(respond);
  return true;
});
