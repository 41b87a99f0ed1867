/**
 * Who may ask what, and who answers. The background keeps nothing in memory: the browser ends it when it likes. What has to stay is on
 * the disk, in the queue and the settings.
 */

import { close } from "#door";
import { canonical, isWithin, matches, pageAddress, siteOf } from "../shared/addresses.js";
import { answerOf, ExtensionError, type Answer } from "../shared/errors.js";
import { handle, messageTo, type Handlers, type Message, type EmbedAnswer, type PageText } from "../shared/messages.js";
import { enqueue } from "../shared/queue.js";
import { readSettings, writeSettings, type Settings } from "../shared/settings.js";
import { engine, wakeEngine } from "./engine.js";
import { PASSED_ON } from "../engine/calls.js";
import { syncBookmarks } from "./bookmarks.js";
import { answerBar, find } from "./find.js";
import { syncMenus } from "./menus.js";
import { rememberTab } from "./remember.js";
import { search } from "./search.js";
import { syncScripts } from "./scripts.js";

/** What content scripts may ask; they run in the processes of pages, and are trusted as little as these. */
const CONTENT_CALLS: readonly string[] = ["memory.may", "memory.capture", "bridge.connect", "bridge.ask", "find.ask"];

/** The most characters of a page that are kept. */
export const LONGEST_PAGE = 1_000_000;

type Sender = chrome.runtime.MessageSender;

type RouterCall =
  | "memory.may"
  | "memory.capture"
  | "memory.remember"
  | "memory.search"
  | "find.start"
  | "find.ask"
  | "bridge.connect"
  | "bridge.ask"
  | "settings.get"
  | "settings.set"
  | "permissions.changed"
  | "engine.idle";

const handlers: Handlers<RouterCall, Sender> = {
  async "memory.may"({ url }, sender) {
    const settings = await readSettings();
    const address = addressOf(url, sender);
    const may = address !== undefined && refusal(address, settings, false) === undefined;
    return { may, readSeconds: settings.readSeconds };
  },
  async "memory.capture"({ page }, sender) {
    const address = addressOf(page?.url, sender);
    const own = pageAddress(sender.url);
    if (!address || !own) throw new ExtensionError("not-allowed", "a page can only be handed over by itself");
    // What the page calls itself must be allowed, and where it is, too.
    const refused = refusal(own, await readSettings(), false);
    if (refused) throw refused;
    return remember(page, address, false);
  },
  "memory.remember": ({ tab }) => rememberFor(tab),
  "memory.search": search,
  "find.start": ({ tab, query }) => find(tab, query),
  "find.ask": answerBar,
  async "bridge.connect"(_, sender) {
    await bridgedSite(sender);
    return (await engine({ to: "engine", name: "engine.connect", input: {} })) as { integrity: string };
  },
  async "bridge.ask"({ type, texts, options }, sender) {
    const site = await bridgedSite(sender);
    return (await engine({ to: "engine", name: "engine.bridge", input: { site, type, texts, options } })) as EmbedAnswer;
  },
  "settings.get": () => readSettings(),
  async "settings.set"(changes) {
    const settings = await writeSettings(changes);
    await syncScripts();
    await syncBookmarks();
    await wakeEngine(false);
    return settings;
  },
  async "permissions.changed"() {
    await syncScripts();
    await syncMenus();
    return undefined;
  },
  async "engine.idle"() {
    await close();
    return undefined;
  },
};

/** Returns a page's address if it is that of the sender's own tab, apart from what a page may change of it. */
function addressOf(url: unknown, { tab, url: sent, frameId }: Sender): URL | undefined {
  const [address, own] = [pageAddress(url), pageAddress(sent)];
  if (!tab || tab.incognito || frameId !== 0 || !address || !own) return undefined;
  return address.origin === own.origin ? address : undefined;
}

/**
 * Returns the site that the user has allowed a page's embedder for, of which the page's own may be a part; asked each time, so that the
 * user can take it back at once.
 */
async function bridgedSite({ tab, url }: Sender): Promise<string> {
  const address = tab && !tab.incognito && url !== undefined && URL.canParse(url) ? new URL(url) : undefined;
  const { bridged } = await readSettings();
  const isWeb = address !== undefined && /^https?:$/.test(address.protocol);
  const allowed = isWeb ? bridged.find((site) => isWithin(siteOf(address), site)) : undefined;
  // A code that felsic knows: the page's own embedder takes over.
  if (allowed === undefined)
    throw new ExtensionError("device-unavailable", "the user has not allowed this site to use the extension's embedder");
  return allowed;
}

/** Returns why a page must not be remembered; `undefined`: it may. */
export function refusal(address: URL, settings: Settings, isAsked: boolean): ExtensionError | undefined {
  const { mode, sites, denied } = settings;
  const pattern = denied.find((pattern) => matches(pattern, address));
  if (pattern !== undefined) {
    return new ExtensionError(
      "denied",
      `${address.hostname} is not remembered: "${pattern}" is on the list of sites that never are`,
    );
  }
  if (isAsked && mode !== "off") return undefined;
  if (mode === "all" || (mode === "sites" && sites.some((site) => isWithin(siteOf(address), site)))) return undefined;
  return new ExtensionError("off", "pages of this site are not remembered; the options say which ones are");
}

/** Remembers the page of a tab, by default of the one in front. */
export function rememberFor(tab: number | undefined): Promise<{ id: string }> {
  return rememberTab(tab, (page, address) => remember(page, address, true));
}

/** Puts a page on the disk, which acknowledges it, and wakes the engine. */
async function remember(page: PageText, address: URL, isAsked: boolean): Promise<{ id: string }> {
  const refused = refusal(address, await readSettings(), isAsked);
  if (refused) throw refused;
  const { title, html } = page;
  if (typeof title !== "string" || typeof html !== "string")
    throw new ExtensionError("input-invalid", "a page has a title and a text");
  const id = canonical(address);
  const text = html.slice(0, LONGEST_PAGE);
  await enqueue({
    id,
    url: address.href.slice(0, 4_000),
    title: title.slice(0, 500),
    site: siteOf(address),
    html: text,
    time: Date.now(),
  });
  // The page is safe. That the engine does not start is shown by its state, and the next page tries again.
  void wakeEngine(true).catch(() => {});
  return { id };
}

/** Answers a message, if it is one to the router. */
export function route(raw: unknown, sender: Sender): Promise<Answer<unknown>> | undefined {
  const message = messageTo("router", raw);
  if (!message || sender.id !== chrome.runtime.id) return undefined;
  return answerOf(() => permitted(message, sender)).then((answer) =>
    answer.ok ? (PASSED_ON.includes(message.name) ? answerOf(() => engine(message)) : handle(handlers, message, sender)) : answer,
  );
}

/** Rejects what a sender must not ask. */
function permitted({ name }: Message, sender: Sender): void {
  const isOwn = sender.url?.startsWith(chrome.runtime.getURL("")) ?? false;
  if (!isOwn && !CONTENT_CALLS.includes(name)) throw new ExtensionError("not-allowed", `pages must not call ${name}`);
}
