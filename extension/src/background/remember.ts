/** Remembers a page because the user asks for it: by the panel's button, a key, or the context menu. */

import { pageAddress } from "../shared/addresses.js";
import { answerOf, ExtensionError, valueOf, type Answer } from "../shared/errors.js";
import type { PageReading, PageRefusal, PageText } from "../shared/messages.js";
import { CAPTURE, put } from "./scripts.js";

const REFUSALS: Record<PageRefusal, string> = {
  private: "pages of private windows are never remembered",
  noindex: "the page asks not to be indexed",
  sensitive: "the page has a field for a password or a payment card",
  empty: "the page has no text",
};

/** Reads the page of a tab, by default of the one in front, and hands it on. */
export async function rememberTab(
  tab: number | undefined,
  remember: (page: PageText, address: URL) => Promise<{ id: string }>,
): Promise<{ id: string }> {
  const id = tab ?? (await chrome.tabs.query({ active: true, lastFocusedWindow: true }))[0]?.id;
  if (id === undefined) throw new ExtensionError("not-allowed", "there is no page in front");
  const reading = await read(id);
  if ("refused" in reading) throw new ExtensionError(reading.refused, REFUSALS[reading.refused]);
  const address = pageAddress(reading.page.url);
  if (!address) throw new ExtensionError("not-allowed", "only pages of the web can be remembered, and none of this machine");
  return remember(reading.page, address);
}

async function read(tab: number): Promise<PageReading> {
  try {
    await put(tab, CAPTURE);
  } catch (cause) {
    const message =
      "the browser does not let felsic read this page: click felsic's button in the toolbar first, or allow the site";
    throw new ExtensionError("not-allowed", message, { cause });
  }
  const answer: Answer<PageReading> | undefined = await chrome.tabs.sendMessage(
    tab,
    { to: "content", name: "read" },
    { frameId: 0 },
  );
  return valueOf(answer);
}

/** Remembers the page in front and shows the outcome on the toolbar's button. */
export async function rememberAndShow(remember: () => Promise<unknown>, tab: number | undefined): Promise<void> {
  const answer = await answerOf(remember);
  const on = tab === undefined ? {} : { tabId: tab };
  await chrome.action.setBadgeText({ text: answer.ok ? "✓" : "!", ...on });
  await chrome.action.setTitle({ title: answer.ok ? "felsic remembers this page" : `felsic: ${answer.error.message}`, ...on });
}
