/** What a consumer sees of the package in Node; the tests of node*.test.mjs create embedders there. */

import { Embedder, FelsicError } from "felsic";
import { FelsicError as CpuError } from "felsic/cpu";
import { Collection, FelsicError as SearchError } from "felsic/search";

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
  // availability() takes all of create()'s options, so that a caller may keep shared ones in one place.
  shared: await refusal(() => availability({ model: "https://example.com/pack/", workers: 2, cache: "none" })),
};
const open = /** @type {(name: unknown, options?: unknown) => Promise<unknown>} */ (Collection.open);
const search = {
  open: await refusal(() => open("docs", { embeder: {} })),
  noEmbedder: await refusal(() => open("docs")),
  list: await Collection.list({ directory: "./collections" }),
  classes: [CpuError === FelsicError, SearchError === FelsicError],
};
console.log(JSON.stringify({ ...result, search }));
