/**
 * The engine's side of the calls, wherever it lives: in the offscreen document of Chromium, or in the background page of Firefox. Further
 * services are further handlers here.
 */

import type { Found, Handlers, Input, Message, SourceName } from "../shared/messages.js";
import { handle, tellViews } from "../shared/messages.js";
import { dropOtherPacks } from "../shared/packs.js";
import type { Answer } from "../shared/errors.js";
import { counts } from "../shared/queue.js";
import { isStale } from "../shared/stale.js";
import { Bridge } from "./bridge.js";
import type { EngineCall, Surroundings } from "./calls.js";
import { PageFinder } from "./find.js";
import { found, joined } from "./found.js";
import { Gate } from "./gate.js";
import { Memory } from "./memory.js";
import { Model } from "./model.js";
import { Titles } from "./titles.js";

/** How often the engine looks whether it has rested long enough, or can go on after a failure; milliseconds. */
const LOOK = 30_000;

export class Host {
  #pack: string;
  /** What the user searches with. */
  readonly #model = new Model(() => this.#pack);
  /** What pages of allowed sites get if that is another one. */
  readonly #builtIn = new Model(() => "");
  readonly #bookmarks = new Titles("bookmarks", this.#model, true);
  readonly #tabs = new Titles("tabs", this.#model, false);
  readonly #finder = new PageFinder(this.#model);
  readonly #gate: Gate;
  readonly #memory: Memory;
  readonly #handlers: Handlers<EngineCall, undefined>;
  #surroundings: Surroundings;
  #switching: Promise<void> = Promise.resolve();
  #calls = 0;
  #lastCall = Date.now();

  /** `rested` is called when nothing has happened for as long as the settings say, and all memory is free. */
  constructor(surroundings: Surroundings, rested: () => void) {
    this.#surroundings = surroundings;
    this.#pack = surroundings.settings.pack;
    this.#gate = new Gate(surroundings.settings, surroundings.isBackground, () => this.#memory.wake());
    const memory = new Memory(this.#model, this.#gate, () => this.#surroundings.settings, tellViews);
    this.#memory = memory;
    const bridge = new Bridge(() => (this.#pack === "" ? this.#model : this.#builtIn));
    this.#handlers = {
      "engine.search": (request) => this.#search(request),
      "engine.bookmarks": async ({ items }) => {
        await this.#bookmarks.sync(items);
        return undefined;
      },
      "memory.recent": (selection) => memory.recent(selection),
      "memory.sites": () => memory.sites(),
      "memory.forget": (selection) => memory.forget(selection),
      "memory.forgetAll": () => memory.forgetAll(),
      "memory.state": () => memory.state(),
      "memory.retry": () => memory.retry(),
      "memory.export": () => memory.export(),
      "memory.import": ({ file }) => memory.import(file),
      "model.try": async ({ pack }) => ({ model: await this.#model.try(pack) }),
      "engine.find": (input) => this.#finder.ask(input),
      "bridge.use": () => bridge.use(),
      "engine.connect": () => bridge.connect(),
      "engine.bridge": (request) => bridge.ask(request),
      "engine.wake": () => {
        memory.wake();
        return undefined;
      },
    };
    // There may be jobs that an engine before this one has not done.
    memory.wake();
    setInterval(() => void this.#look(rested), LOOK);
  }

  /** Answers a call. */
  async answer(message: Message, surroundings: Surroundings): Promise<Answer<unknown>> {
    this.#calls += 1;
    this.#surroundings = surroundings;
    this.#gate.update(surroundings.settings, surroundings.isBackground);
    this.#switching = this.#switching.then(() => this.#use(surroundings.settings.pack));
    try {
      await this.#switching;
      return await handle(this.#handlers, message, undefined);
    } finally {
      this.#calls -= 1;
      this.#lastCall = Date.now();
    }
  }

  /** Goes over to the model that the user has chosen: collections are opened anew, and embed what they have with it. Rejects never. */
  async #use(pack: string): Promise<void> {
    if (pack === this.#pack) return;
    this.#pack = pack;
    await this.#endAll().catch(() => {});
    // Nothing reads the files any more.
    await dropOtherPacks(pack).catch(() => {});
    await this.#memory.renew().catch(() => {});
  }

  /** Ends all collections and models; the next call starts what it needs. */
  async #endAll(): Promise<void> {
    await Promise.all([this.#memory.end(), this.#bookmarks.end(), this.#tabs.end(), this.#finder.end()]);
    await Promise.all([this.#model.end(), this.#builtIn.end()]);
  }

  /** Searches all sources that are wanted and allowed. What has no time or site is not found by them. */
  async #search({ tabs, ...request }: Input<"engine.search">): Promise<Found[]> {
    const { query, limit = 20, mode = "hybrid", sources, site, from, to } = request;
    const isLimited = site !== undefined || from !== undefined || to !== undefined;
    const wants = (source: SourceName) => sources?.includes(source) ?? true;
    if (tabs) await this.#tabs.sync(tabs);
    const titled = async (source: "bookmark" | "tab", titles: Titles, isAllowed: boolean) =>
      isAllowed && !isLimited && wants(source) ? (await titles.search(query, limit, mode)).map((hit) => found(hit, source)) : [];
    const lists = await Promise.all([
      wants("page") ? this.#memory.search(request) : [],
      titled("bookmark", this.#bookmarks, this.#surroundings.settings.bookmarks),
      titled("tab", this.#tabs, tabs !== undefined),
    ]);
    return joined(lists, limit);
  }

  async #look(rested: () => void): Promise<void> {
    const [{ waiting }, hasOld] = await Promise.all([counts(), isStale()]);
    if (this.#memory.hasFailed) this.#memory.wake();
    const time = this.#surroundings.settings.idleMinutes * 60_000;
    const hasWork = (waiting > 0 || hasOld) && this.#gate.pauses.length === 0;
    if (this.#calls > 0 || this.#memory.isBusy || this.#finder.isBusy || hasWork || Date.now() - this.#lastCall < time) return;
    await this.#endAll();
    rested();
  }
}
