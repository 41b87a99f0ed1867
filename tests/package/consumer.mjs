/** What a consumer sees of the package where no browser is: in Node, as a page is rendered on a server. */

import { Embedder, FelsicError } from "felsic";

/** @param {() => Promise<unknown>} work */
async function refusal(work) {
  try {
    await work();
    return undefined;
  } catch (error) {
    const { name, code, message, stack, constructor } = /** @type {any} */ (error);
    return { name, code, message, stack, class: constructor.name, isFelsicError: error instanceof FelsicError };
  }
}

const create = /** @type {(options: unknown) => Promise<unknown>} */ (Embedder.create);
const availability = /** @type {(options: unknown) => Promise<unknown>} */ (Embedder.availability);
const deleteCache = /** @type {(options: unknown) => Promise<unknown>} */ (Embedder.deleteCache);
const result = {
  create: await refusal(() => create({ modell: "x" })),
  availability: await refusal(() => availability({ devise: "cpu" })),
  deleteCache: await refusal(() => deleteCache({ modle: "https://example.com/pack/" })),
  noObject: await refusal(() => create("https://example.com/pack/")),
  array: await refusal(() => create([])),
  nothing: await refusal(() => create(null)),
  // All of create()'s options at once: what they share may be kept in one place.
  shared: await refusal(() => availability({ model: "https://example.com/pack/", workers: 2, cache: "none" })),
  // What can be done on a server: nothing, and that is said.
  inNode: await refusal(() => create({ model: "/packs/granite/" })),
  builtInInNode: await refusal(() => create({})),
};
const states = [await Embedder.availability(), await Embedder.availability({ model: "/packs/granite/" })];
console.log(JSON.stringify({ ...result, states }));
