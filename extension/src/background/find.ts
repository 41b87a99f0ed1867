/** Opens the find bar in a page: by the key, the context menu, or the panel's button, each of which lets the extension into that page. */

import { isOpen, openPanel } from "#door";
import { answerOf, ExtensionError, valueOf, type Answer } from "../shared/errors.js";
import type { FindAnswer, FindRequest } from "../shared/find.js";
import { PROBLEM } from "../shared/find-problem.js";
import { engine } from "./engine.js";
import { put } from "./scripts.js";

const FILE = "content/find.js";
const PDF = "the browser's own PDF viewer lets no extension read what it shows; use the viewer's own search";

/** Returns why a page cannot be searched, as far as its address tells. */
function refusal(address: string | undefined): ExtensionError | undefined {
  if (address === undefined || !URL.canParse(address)) return undefined;
  const { protocol, pathname, host } = new URL(address);
  if (/\.pdf$/i.test(pathname)) return new ExtensionError("not-allowed", PDF);
  const isStore = host === "chromewebstore.google.com" || host === "addons.mozilla.org";
  if (/^(?:https?|file):$/.test(protocol) && !isStore) return undefined;
  return new ExtensionError("not-allowed", "this page is one of the browser's own, which lets no extension read it");
}

/** Opens the bar in a tab, by default in the one in front. */
export async function find(tab?: number, query = ""): Promise<undefined> {
  const id = tab ?? (await chrome.tabs.query({ active: true, lastFocusedWindow: true }))[0]?.id;
  if (id === undefined) throw new ExtensionError("not-allowed", "there is no page in front");
  // The address is known only where the extension may read the page, or was just asked to.
  const refused = refusal((await chrome.tabs.get(id)).url);
  if (refused) throw refused;
  try {
    await put(id, FILE);
  } catch (cause) {
    const message =
      "the browser does not let felsic read this page: press the key for finding, or click felsic's button in the toolbar first";
    throw new ExtensionError("not-allowed", message, { cause });
  }
  const message = { to: "find", name: "open", query };
  const answer: Answer<"open" | "pdf"> | undefined = await chrome.tabs.sendMessage(id, message, { frameId: 0 });
  if (valueOf(answer) === "pdf") throw new ExtensionError("not-allowed", PDF);
  return undefined;
}

/** Opens the bar because the user asks for it outside of the panel; what goes wrong is shown there. */
export async function findAndShow(tab: chrome.tabs.Tab | undefined, query?: string): Promise<void> {
  // Browsers open the panel only at once.
  const isRefused = refusal(tab?.url) !== undefined;
  if (isRefused) void openPanel(tab?.windowId).catch(() => {});
  const answer = await answerOf(() => find(tab?.id, query));
  const on = tab?.id === undefined ? {} : { tabId: tab.id };
  await chrome.action.setBadgeText({ text: answer.ok ? "" : "!", ...on });
  if (answer.ok) return;
  await chrome.storage.session.set({ [PROBLEM]: answer.error.message });
  await chrome.action.setTitle({ title: `felsic: ${answer.error.message}`, ...on });
  if (!isRefused) await openPanel(tab?.windowId).catch(() => {});
}

/** Passes on what a find bar asks, with the tab that it is in. */
export async function answerBar(request: FindRequest, { tab, frameId }: chrome.runtime.MessageSender): Promise<FindAnswer> {
  if (tab?.id === undefined || tab.incognito || frameId !== 0) {
    throw new ExtensionError("not-allowed", "only the page in a tab has a find bar");
  }
  return (await engine({ to: "engine", name: "engine.find", input: { tab: tab.id, request } })) as FindAnswer;
}

/** Drops what the engine has of a tab that is closed. */
export async function forgetTab(tab: number): Promise<void> {
  if (await isOpen()) await engine({ to: "engine", name: "engine.find", input: { tab, request: { do: "close" } } });
}
