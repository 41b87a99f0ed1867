/**
 * The same engine on a GPU, whose device is a true one if the browser has any; it computes nothing. A pack URL with `/gpu/CODE/` is refused
 * there with that code.
 */

import { Engine as Fake } from "./felsic_cpu.js";

export { default, Helper } from "./felsic_cpu.js";

/** @typedef {import("../../../pkg/dist/types/engine.js").EngineModule} Module */

export class Engine extends Fake {
  /** @override @type {Module["Engine"]["create"]} */
  static async create(url, ...others) {
    const refused = /\/gpu\/([a-z-]+)\//.exec(url)?.[1];
    if (refused) throw Object.assign(new Error(`refused as ${refused}`), { name: "FelsicError", code: refused });
    const adapter = await /** @type {any} */ (navigator).gpu?.requestAdapter();
    await adapter?.requestDevice();
    return super.create(url, ...others);
  }

  /** @override @returns {import("felsic").EmbedderInfo} */
  info() {
    return { ...super.info(), device: "webgpu", kernel: "fake-gpu" };
  }
}
