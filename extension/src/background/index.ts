/**
 * The background: a service worker in Chromium, an event page in Firefox. It routes and does nothing else. All listeners are registered
 * when the script begins, so that an event that starts it finds them.
 */

import { openPanel } from "#door";
import { syncBookmarks, watchBookmarks } from "./bookmarks.js";
import { wakeEngine } from "./engine.js";
import { findAndShow, forgetTab } from "./find.js";
import { syncMenus, watchMenus } from "./menus.js";
import { open, suggest } from "./omnibox.js";
import { rememberAndShow } from "./remember.js";
import { rememberFor, route } from "./router.js";
import { syncScripts } from "./scripts.js";

chrome.runtime.onMessage.addListener((raw, sender, respond) => {
  const answer = route(raw, sender);
  if (!answer) return false;
  void answer.then(respond);
  return true;
});

chrome.runtime.onInstalled.addListener(({ reason }) => {
  void refresh();
  if (reason === "install") void chrome.tabs.create({ url: chrome.runtime.getURL("welcome.html") });
});

chrome.runtime.onStartup.addListener(() => void refresh());

chrome.permissions.onAdded.addListener(() => void refresh());
chrome.permissions.onRemoved.addListener(() => void refresh());

// Indexing waits while no window is in front.
chrome.windows.onFocusChanged.addListener(() => void wakeEngine(false).catch(() => {}));

chrome.action.onClicked.addListener((tab) => void openPanel(tab.windowId));

chrome.commands.onCommand.addListener((name, tab) => {
  if (name === "remember-page") void rememberAndShow(() => rememberFor(tab?.id), tab?.id);
  if (name === "find-on-page") void findAndShow(tab);
});

chrome.tabs.onRemoved.addListener((tab) => void forgetTab(tab).catch(() => {}));

chrome.omnibox.setDefaultSuggestion({ description: "Search the pages that you have read" });
chrome.omnibox.onInputChanged.addListener((text, show) => void suggest(text).then(show, () => show([])));
chrome.omnibox.onInputEntered.addListener((text, disposition) => void open(text, disposition));

watchBookmarks();
watchMenus();

/** Brings everything up to date that the browser may have changed meanwhile, and has the engine go on where it was. */
async function refresh(): Promise<void> {
  watchBookmarks();
  await syncScripts();
  await syncMenus();
  await syncBookmarks();
  await wakeEngine(false);
}
