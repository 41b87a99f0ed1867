/**
 * The messages between the extension's parts. Views and content scripts ask the router (the background); the router answers by itself or
 * asks the engine. A new call is a line in {@link Calls} and a handler in `background/router.ts` or `engine/host.ts`.
 */

import { answerOf, ExtensionError, valueOf, type Answer } from "./errors.js";
import type { FindAnswer, FindRequest } from "./find.js";
import type { Settings } from "./settings.js";

/** Where a document comes from. */
export type SourceName = "page" | "bookmark" | "tab";

/** A page as a content script reads it. */
export interface PageText {
  /** The page's canonical address. */
  readonly url: string;
  readonly title: string;
  /** What a person sees of it, as plain HTML without attributes. */
  readonly html: string;
}

/** What a content script finds in place of a text: why the page is not to be remembered. */
export type PageRefusal = "private" | "noindex" | "sensitive" | "empty";

export type PageReading = { readonly page: PageText } | { readonly refused: PageRefusal };

/** Which documents are meant: all conditions hold. */
export interface Selection {
  readonly ids?: readonly string[];
  readonly site?: string;
  /** Seen last at or after this time, in milliseconds since 1970. */
  readonly from?: number;
  /** Seen last before this time. */
  readonly to?: number;
}

export interface SearchRequest extends Omit<Selection, "ids"> {
  readonly query: string;
  readonly limit?: number;
  readonly mode?: "hybrid" | "meaning" | "words";
  /** Default: all that the settings allow. */
  readonly sources?: readonly SourceName[];
}

/** A bookmark or an open tab. */
export interface TitledItem {
  /** `bookmark:` or `tab:`, and the browser's own number. */
  readonly id: string;
  readonly title: string;
  readonly url: string;
  /** Further words, such as the names of folders. */
  readonly words?: string;
}

/** A document that was found, by its best passage. */
export interface Found {
  readonly id: string;
  readonly source: SourceName;
  readonly url: string;
  /** The address with a text fragment, so that the browser scrolls to the passage. */
  readonly link: string;
  readonly title: string;
  readonly site: string;
  /** When it was seen last, in milliseconds since 1970. */
  readonly last?: number;
  readonly visits?: number;
  readonly score: number;
  readonly passage: string;
  readonly highlights: readonly { readonly start: number; readonly end: number }[];
  /** The tab that has it open. */
  readonly tab?: number;
}

/** What is known of a remembered page. */
export interface PageRecord {
  readonly id: string;
  readonly url: string;
  readonly title: string;
  readonly site: string;
  readonly first: number;
  readonly last: number;
  /** The latest times that it was read, newest last. */
  readonly visits: readonly number[];
  /** About what it takes up on the disk. */
  readonly bytes: number;
}

/** Why indexing waits. */
export type Pause = "paused" | "battery" | "background";

export interface MemoryState {
  readonly engine: "stopped" | "ready" | "failed";
  /** Why the engine or the collection cannot be used. */
  readonly problem?: { readonly code: string; readonly message: string };
  readonly pages: number;
  readonly passages: number;
  readonly bytes: number;
  readonly waiting: number;
  /** Pages that could not be remembered. */
  readonly failed: number;
  readonly pauses: readonly Pause[];
  /** Bytes of WebAssembly memory that the engine holds. */
  readonly engineBytes: number;
  /** How often the engine was started anew because it held more than it may. */
  readonly restarts: number;
  /** How many pages have been embedded with a model that the user has changed to, while not all have. */
  readonly reindexing?: { readonly done: number; readonly total: number };
  readonly model?: string;
  readonly kernel?: string;
}

export interface SiteCount {
  readonly site: string;
  readonly pages: number;
}

/** What a page of an allowed site gets: vectors as base64 of their bytes, token ids, or plain data. */
export type EmbedAnswer =
  | { readonly vectors: readonly string[]; readonly tokens: readonly number[]; readonly truncated: readonly number[] }
  | { readonly ids: readonly number[] }
  | { readonly plain: unknown };

/** How much a site has used the embedder since the engine was started. */
export interface BridgeUse {
  readonly site: string;
  readonly texts: number;
  readonly characters: number;
}

/** All calls: what they take and what they return. */
export interface Calls {
  /** May this page be remembered, as far as its address tells? Asked by content scripts. */
  "memory.may": { in: { url: string }; out: { may: boolean; readSeconds: number } };
  /** Hands over a page. The answer comes when the page is on the disk. */
  "memory.capture": { in: { page: PageText }; out: { id: string } };
  /** Remembers the page of the tab that is in front, or of a given tab. */
  "memory.remember": { in: { tab?: number }; out: { id: string } };
  "memory.search": { in: SearchRequest; out: Found[] };
  /** The pages that were seen last. */
  "memory.recent": { in: Omit<Selection, "ids"> & { limit?: number }; out: PageRecord[] };
  "memory.sites": { in: Record<never, never>; out: SiteCount[] };
  /** Forgets what is selected; returns the number of pages. */
  "memory.forget": { in: Selection; out: number };
  "memory.forgetAll": { in: Record<never, never>; out: undefined };
  "memory.state": { in: Record<never, never>; out: MemoryState };
  /** Tries the pages again that could not be remembered. */
  "memory.retry": { in: Record<never, never>; out: undefined };
  /** Writes a copy as JSON lines into the extension's private files; returns the file's name. */
  "memory.export": { in: Record<never, never>; out: { file: string } };
  /** Takes in a copy from the extension's private files. */
  "memory.import": { in: { file: string }; out: { pages: number } };
  /** Loads a pack that a view has taken in, to see whether it can be used; nothing changes. */
  "model.try": { in: { pack: string }; out: { model: string } };
  /** Opens the find bar in a tab, by default in the one in front. */
  "find.start": { in: { tab?: number; query?: string }; out: undefined };
  /** What a find bar asks; it is in the sender's tab. */
  "find.ask": { in: FindRequest; out: FindAnswer };
  "engine.find": { in: { tab: number; request: FindRequest }; out: FindAnswer };
  /** May this page use the embedder? Rejects unless the user has allowed its site. */
  "bridge.connect": { in: Record<never, never>; out: { integrity: string } };
  /** A page's request, as it came. */
  "bridge.ask": { in: { type: string; texts: unknown; options: unknown }; out: EmbedAnswer };
  "bridge.use": { in: Record<never, never>; out: BridgeUse[] };
  /** The same for the engine, with the site that the browser names. */
  "engine.connect": { in: Record<never, never>; out: { integrity: string } };
  "engine.bridge": { in: { site: string; type: string; texts: unknown; options: unknown }; out: EmbedAnswer };
  "settings.get": { in: Record<never, never>; out: Settings };
  "settings.set": { in: Partial<Settings>; out: Settings };
  /** What the browser has granted has changed, by a button of a view. */
  "permissions.changed": { in: Record<never, never>; out: undefined };
  /** What the memory's search covers besides: from the router, which alone can ask the browser. */
  "engine.search": { in: SearchRequest & { tabs?: readonly TitledItem[] }; out: Found[] };
  "engine.bookmarks": { in: { items: readonly TitledItem[] }; out: undefined };
  /** There are jobs on the disk. From the router. */
  "engine.wake": { in: Record<never, never>; out: undefined };
  /** The engine has had nothing to do for a while. From the engine. */
  "engine.idle": { in: Record<never, never>; out: undefined };
}

export type CallName = keyof Calls;
export type Input<Name extends CallName> = Calls[Name]["in"];
export type Output<Name extends CallName> = Calls[Name]["out"];

/** A message that asks. */
export interface Message<Name extends CallName = CallName> {
  readonly to: "router" | "engine";
  readonly name: Name;
  readonly input: Input<Name>;
}

/** A message that tells the views something; nobody answers. */
export interface News {
  readonly to: "views";
  readonly name: "memory.changed";
}

/** Handlers of some calls. */
export type Handlers<Name extends CallName, Context> = {
  readonly [N in Name]: (input: Input<N>, context: Context) => Output<N> | Promise<Output<N>>;
};

/** Returns a message to this part, or `undefined` for anything else. */
export function messageTo(part: Message["to"], value: unknown): Message | undefined {
  const message = value as Partial<Message> | null;
  const isMessage = typeof message === "object" && message !== null && message.to === part && typeof message.name === "string";
  return isMessage && typeof message.input === "object" && message.input !== null ? (message as Message) : undefined;
}

/** Asks a part of the extension. */
export async function ask<Name extends CallName>(to: Message["to"], name: Name, input: Input<Name>): Promise<Output<Name>> {
  let answer: Answer<Output<Name>> | undefined;
  try {
    answer = await chrome.runtime.sendMessage({ to, name, input } satisfies Message<Name>);
  } catch (cause) {
    throw new ExtensionError("interrupted", "the extension's engine has ended; try again", { cause });
  }
  return valueOf(answer);
}

/** Asks the router. */
export function call<Name extends CallName>(name: Name, input: Input<Name>): Promise<Output<Name>> {
  return ask("router", name, input);
}

/** Answers a call from a table of handlers. */
export function handle<Name extends CallName, Context>(
  handlers: Handlers<Name, Context>,
  message: Message,
  context: Context,
): Promise<Answer<unknown>> {
  return answerOf(() => {
    if (!Object.hasOwn(handlers, message.name)) throw new ExtensionError("input-invalid", `there is no call ${message.name}`);
    const handler = handlers[message.name as Name] as (input: unknown, context: Context) => unknown;
    return handler(message.input, context);
  });
}

/** Tells the views that something has changed. */
export function tellViews(): void {
  // Without a view nobody listens, which is no error.
  chrome.runtime.sendMessage({ to: "views", name: "memory.changed" } satisfies News).catch(() => {});
}
