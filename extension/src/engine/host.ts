/**
 * The engine's side of the calls, wherever it lives: in the offscreen document of Chromium, or in the background page of Firefox. Further
 * services are further handlers here.
 */

import type { Handlers, Message } from "../shared/messages.js";
import { handle, tellViews } from "../shared/messages.js";
import type { Answer } from "../shared/errors.js";
import type { EngineCall, Surroundings } from "./calls.js";
import { Gate } from "./gate.js";
import { Memory } from "./memory.js";
import { Model } from "./model.js";

/** How often the engine looks whether it has rested long enough, or can go on after a failure; milliseconds. */
const LOOK = 30_000;

export class Host {
  readonly #model = new Model();
  readonly #gate: Gate;
  readonly #memory: Memory;
  readonly #handlers: Handlers<EngineCall, undefined>;
  #surroundings: Surroundings;
  #calls = 0;
  #lastCall = Date.now();

  /** `rested` is called when nothing has happened for as long as the settings say, and all memory is free. */
  constructor(surroundings: Surroundings, rested: () => void) {
    this.#surroundings = surroundings;
    this.#gate = new Gate(surroundings.settings, () => this.#memory?.wake());
    const memory = new Memory(this.#model, this.#gate, () => this.#surroundings.settings, tellViews);
    this.#memory = memory;
    this.#handlers = {
      "memory.search": (request) => memory.search(request),
      "memory.recent": (selection) => memory.recent(selection),
      "memory.sites": () => memory.sites(),
      "memory.forget": (selection) => memory.forget(selection),
      "memory.forgetAll": () => memory.forgetAll(),
      "memory.state": () => memory.state(),
      "memory.retry": () => memory.retry(),
      "memory.export": () => memory.export(),
      "memory.import": ({ file }) => memory.import(file),
      // The surroundings have come with the call, which is what it is for.
      "engine.wake": () => undefined,
    };
    setInterval(() => void this.#look(rested), LOOK);
  }

  /** Answers a call. */
  async answer(message: Message, surroundings: Surroundings): Promise<Answer<unknown>> {
    this.#calls += 1;
    this.#surroundings = surroundings;
    this.#gate.update(surroundings.settings, surroundings.isBackground);
    try {
      return await handle(this.#handlers, message, undefined);
    } finally {
      this.#calls -= 1;
      this.#lastCall = Date.now();
    }
  }

  async #look(rested: () => void): Promise<void> {
    const { waiting, problem } = await this.#memory.state();
    if (problem) this.#memory.wake();
    const time = this.#surroundings.settings.idleMinutes * 60_000;
    const hasWork = waiting > 0 && this.#gate.pauses.length === 0;
    if (this.#calls > 0 || this.#memory.isBusy || hasWork || Date.now() - this.#lastCall < time) return;
    await this.#memory.end();
    await this.#model.end();
    rested();
  }
}
