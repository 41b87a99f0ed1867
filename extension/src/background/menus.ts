/** The entry in the context menu of a selection; Chromium only, where the user has allowed it. */

import { findAndShow } from "./find.js";

const ENTRY = "find";
let isWatched = false;

/** Makes the entry and listens to it, if the browser lets the extension; a second time changes nothing. */
export function watchMenus(): void {
  // Not there without the permission.
  const menus = chrome.contextMenus as typeof chrome.contextMenus | undefined;
  if (!menus || isWatched) return;
  isWatched = true;
  menus.onClicked.addListener(({ menuItemId, selectionText }, tab) => {
    if (menuItemId === ENTRY) void findAndShow(tab, selectionText);
  });
}

/** Makes the entry, which the browser keeps. */
export async function syncMenus(): Promise<void> {
  watchMenus();
  const menus = chrome.contextMenus as typeof chrome.contextMenus | undefined;
  if (!menus) return;
  await menus.removeAll();
  menus.create({ id: ENTRY, title: "Find “%s” by meaning on this page", contexts: ["selection"] });
}
