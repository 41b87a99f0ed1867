/** The bookmarks, once the user has allowed them: the engine gets all of them when they have changed, and embeds what is new. */

import type { TitledItem } from "../shared/messages.js";
import { readSettings } from "../shared/settings.js";
import { engine } from "./engine.js";

/** How long changes are gathered, in milliseconds: an import makes thousands. */
const GATHER = 1_000;

type Node = chrome.bookmarks.BookmarkTreeNode;

let isWatched = false;
let gathering: ReturnType<typeof setTimeout> | undefined;

/** Registers the listeners. The browser has the interface only with the permission. */
export function watchBookmarks(): void {
  if (isWatched || !chrome.bookmarks) return;
  isWatched = true;
  const changed = () => {
    clearTimeout(gathering);
    // What fails is tried again with the next change, or when the browser starts.
    gathering = setTimeout(() => void syncBookmarks().catch(() => {}), GATHER);
  };
  chrome.bookmarks.onCreated.addListener(changed);
  chrome.bookmarks.onChanged.addListener(changed);
  chrome.bookmarks.onRemoved.addListener(changed);
  chrome.bookmarks.onMoved.addListener(changed);
}

/** What the engine was told last, so that settings that have nothing to do with bookmarks start nothing. */
const TOLD = "bookmarks told";

/** What stands there while the engine is told, so that whatever ends it in between, it is told again. */
const TELLING = "";

let last: Promise<void> = Promise.resolve();

/** Has the engine keep what the browser has, or nothing if it must not. */
export function syncBookmarks(): Promise<void> {
  last = last.then(sync, sync);
  return last;
}

async function sync(): Promise<void> {
  const { bookmarks } = await readSettings();
  const isAllowed = bookmarks && (await chrome.permissions.contains({ permissions: ["bookmarks"] }));
  const items = isAllowed ? itemsOf(await chrome.bookmarks.getTree(), []) : [];
  const hash = await hashOf(JSON.stringify(items));
  if ((await chrome.storage.local.get(TOLD))[TOLD] === (items.length > 0 ? hash : undefined)) return;
  await chrome.storage.local.set({ [TOLD]: TELLING });
  await engine({ to: "engine", name: "engine.bookmarks", input: { items } });
  await (items.length > 0 ? chrome.storage.local.set({ [TOLD]: hash }) : chrome.storage.local.remove(TOLD));
}

async function hashOf(text: string): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function itemsOf(nodes: readonly Node[], folders: readonly string[]): TitledItem[] {
  return nodes.flatMap((node) => {
    if (node.children) return itemsOf(node.children, node.title ? [...folders, node.title] : folders);
    if (!node.url || !/^https?:/.test(node.url)) return [];
    // The first folder is the browser's own, such as its bar.
    const words = folders.slice(1).join(", ");
    return [{ id: `bookmark:${node.id}`, title: node.title || node.url, url: node.url, ...(words && { words }) }];
  });
}
