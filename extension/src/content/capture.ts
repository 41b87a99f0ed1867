/** Reads a page that the user reads, and hands it over. It runs only on sites that the user and the browser have allowed. */

import { answerOf, hasCode } from "../shared/errors.js";
import { call, type PageReading } from "../shared/messages.js";
import { hasSecretField, htmlOf, isUnindexed } from "./read.js";

/** How often the time is taken that a page is visible, in milliseconds. */
const TICK = 500;
/** How long to wait before a page is handed over again that was not acknowledged, in milliseconds. */
const AGAIN = [1_000, 5_000, 20_000];

/** The canonical link as it was when the page was loaded: applications change their addresses and forget it. */
let known = linked();
let knownFor = location.href;

function linked(): string | undefined {
  return document.querySelector<HTMLLinkElement>('link[rel="canonical"]')?.href || undefined;
}

/** Returns the address that a page gives itself, if it is of its own origin and not left over from an earlier page. */
function address(): string {
  const link = linked();
  const isLeft = link === known && location.href !== knownFor;
  if (!isLeft) [known, knownFor] = [link, location.href];
  const isOwn = link !== undefined && URL.canParse(link) && new URL(link).origin === location.origin;
  return isOwn && !isLeft ? link : location.href;
}

/** Reads the page, or says why it must not be remembered. */
function read(): PageReading {
  if (chrome.extension.inIncognitoContext) return { refused: "private" };
  if (isUnindexed(document)) return { refused: "noindex" };
  if (hasSecretField(document)) return { refused: "sensitive" };
  const html = htmlOf(document);
  if (!/[\p{L}\p{N}]/u.test(html.replace(/<[^>]*>/g, ""))) return { refused: "empty" };
  return { page: { url: address(), title: document.title, html } };
}

/** Watches one address: when the page has been visible for long enough, it counts as read. */
async function watch(): Promise<void> {
  const url = location.href;
  const { may, readSeconds } = await call("memory.may", { url });
  for (let visible = 0; may && location.href === url; visible += document.visibilityState === "visible" ? TICK : 0) {
    if (visible >= readSeconds * 1_000 && document.readyState !== "loading") return handOver(url);
    await new Promise((resolve) => setTimeout(resolve, TICK));
  }
}

async function handOver(url: string): Promise<void> {
  const reading = read();
  if ("refused" in reading) return;
  for (const wait of AGAIN) {
    try {
      await call("memory.capture", { page: reading.page });
      return;
    } catch (error) {
      // The background was ended before it acknowledged the page. Anything else is an answer.
      if (!hasCode(error, "interrupted", "queue-full") || !chrome.runtime?.id) return;
    }
    await new Promise((resolve) => setTimeout(resolve, wait));
    if (location.href !== url) return;
  }
}

function begin(): void {
  let watched: string | undefined;
  const look = () => {
    // An extension that was updated or removed leaves its scripts in the pages, which must stop.
    if (!chrome.runtime?.id) return clearInterval(timer);
    if (location.href === watched) return;
    watched = location.href;
    void watch().catch(() => {});
  };
  // Applications change the address without a load. Where no event tells of that, only looking helps.
  const { navigation } = window as { navigation?: EventTarget };
  navigation?.addEventListener("navigatesuccess", look);
  const timer = navigation ? undefined : setInterval(look, TICK);
  look();

  chrome.runtime.onMessage.addListener((message, _sender, respond) => {
    if (message?.to !== "content" || message.name !== "read") return false;
    void answerOf(read).then(respond);
    return true;
  });
}

// The script may be put into a page twice.
const world = globalThis as { felsicCapture?: true };
if (!world.felsicCapture) {
  world.felsicCapture = true;
  begin();
}
