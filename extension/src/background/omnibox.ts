/** The memory in the address bar: `mem`, a space, and what is looked for. */

import type { Found } from "../shared/messages.js";
import { search } from "./search.js";

const LIMIT = 6;

export async function suggest(text: string): Promise<chrome.omnibox.SuggestResult[]> {
  const query = text.trim();
  if (query === "") return [];
  return (await search({ query, limit: LIMIT })).map(suggestionOf);
}

function suggestionOf({ link, title, site, last }: Found): chrome.omnibox.SuggestResult {
  const date = last === undefined ? "" : ` · ${new Date(last).toLocaleDateString()}`;
  return { content: link, description: described(`${title} – ${site}${date}`) };
}

/** A description is XML in Chromium and a text in Firefox. */
function described(text: string): string {
  const plain = text.replace(/[\p{Cc}\p{Cn}\p{Cs}]/gu, " ");
  if (!("OnInputEnteredDisposition" in chrome.omnibox)) return plain;
  return plain.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** Opens what was chosen: a page, or the panel's page with the query. */
export async function open(text: string, disposition: `${chrome.omnibox.OnInputEnteredDisposition}`): Promise<void> {
  const isLink = /^https?:/.test(text);
  const url = isLink ? text : chrome.runtime.getURL(`panel.html?q=${encodeURIComponent(text)}`);
  if (disposition === "currentTab") await chrome.tabs.update({ url });
  else await chrome.tabs.create({ url, active: disposition === "newForegroundTab" });
}
