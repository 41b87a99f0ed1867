/**
 * The same engine on a GPU, whose device is a true one if the browser has any; it computes nothing. What it does is said by the pack's URL:
 *
 * - with `/gpu/CODE/` it is refused there with that code;
 * - with `/swift/` a text of the form `wait N` takes no time, with `/slow/` three times as long;
 * - with `/wrong/` every component is off by one, with `/astray/` only from the tenth call on.
 */

import { Engine as Fake } from "./felsic_cpu.js";

export { default, Hasher, Helper } from "./felsic_cpu.js";

/** @typedef {import("../../../pkg/dist/types/engine.js").EngineModule} Module */
/** @typedef {import("../../../pkg/dist/types/engine.js").Engine} EngineInterface */

export class Engine extends Fake {
  #calls = 0;

  /** @override @type {Module["Engine"]["create"]} */
  static async create(url, ...others) {
    const refused = /\/gpu\/([a-z-]+)\//.exec(url)?.[1];
    if (refused) throw Object.assign(new Error(`refused as ${refused}`), { name: "FelsicError", code: refused });
    const adapter = await /** @type {any} */ (navigator).gpu?.requestAdapter();
    await adapter?.requestDevice();
    return super.create(url, ...others);
  }

  /** @override @type {EngineInterface["embed"]} */
  async embed(texts, options, hooks, helpers) {
    const { model } = this.info();
    const given = model.includes("/swift/") ? texts.map((text) => text.replace(/^wait/, "fast")) : texts;
    if (model.includes("/slow/")) {
      const waits = texts.map((text) => Number(/^wait (\d+)/.exec(text)?.[1] ?? 0));
      await new Promise((done) => setTimeout(done, 2 * waits.reduce((sum, wait) => sum + wait, 0)));
    }
    const result = await super.embed(given, options, hooks, helpers);
    this.#calls += 1;
    const isWrong = model.includes("/wrong/") || (model.includes("/astray/") && this.#calls >= 10);
    return isWrong ? { ...result, vectors: result.vectors.map((value) => value + 1) } : result;
  }

  /** @override @returns {import("felsic").EmbedderInfo} */
  info() {
    return { ...super.info(), device: "webgpu", kernel: "fake-gpu" };
  }
}
