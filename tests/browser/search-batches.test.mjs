/** The batches that a search worker has begun: none stays that the page has given up. Nothing here needs a browser. */

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { searchModules } from "./search-modules.mjs";

/** @type {import("./search-modules.mjs").Modules} */
let modules;

before(async () => {
  modules = await searchModules();
});

/** A collection without documents, and how many of its cutters have been made and freed. */
function emptyCollection() {
  const cutters = { made: 0, freed: 0 };
  class Cutter {
    constructor() {
      cutters.made += 1;
    }
    pieces() {
      return ["a text"];
    }
    free() {
      cutters.freed += 1;
    }
  }
  const live = /** @type {any} */ ({
    module: { Cutter },
    embedder: { dimensions: 8 },
    contents: { get: () => undefined },
    isOther: false,
  });
  return { live, cutters };
}

/** @type {any} */
const MANNER = { cut: { tokens: 10, overlap: 0 }, later: false };
const DOCUMENTS = [1, 2, 3].map((at) => /** @type {any} */ ({ id: `d${at}`, kind: "text", text: `Text ${at}.` }));

test("a batch that is aborted while it begins is forgotten, whatever the page has said meanwhile", async () => {
  const { live, cutters } = emptyCollection();
  const batches = new modules.batches.Batches(live);
  const abort = new AbortController();
  const beginning = batches.prepare(7, DOCUMENTS, MANNER, { signal: abort.signal });
  // What the page sends, in its order: the abort, and that the batch is to be forgotten, which has not begun.
  abort.abort();
  batches.forget(7);
  await assert.rejects(beginning, { code: "aborted" });
  assert.throws(() => batches.counted(7, new Uint32Array(3)), { code: "internal", message: /no batch 7/ });
  assert.deepEqual(cutters, { made: 3, freed: 3 });

  assert.deepEqual(await batches.prepare(8, DOCUMENTS, MANNER, { signal: new AbortController().signal }), {
    count: ["a text", "a text", "a text"],
  });
  batches.forget(8);
  assert.deepEqual(cutters, { made: 6, freed: 6 });
});

test("the vector of another document is taken over only if the texts are the same, not their hashes alone", async () => {
  const { LiveCollection } = modules.live;
  // What `known` needs of a collection in which one hash stands for two texts.
  const stored = { id: "a", passages: [{}, {}] };
  const held = { stored, row: 0 };
  const live = Object.create(LiveCollection.prototype, {
    contents: {
      value: {
        rowWith: (/** @type {string} */ hash) => (hash === "none" ? undefined : 1),
        at: () => ({ document: held }),
        text: async () => "the text of a",
      },
    },
  });
  const found = async (/** @type {string} */ hash, /** @type {{ id: string, text: string }} */ passage) => {
    /** @type {unknown[]} */
    const read = [];
    live.rowsOf = async (/** @type {unknown} */ document) => (read.push(document), Promise.reject(new Error("not read here")));
    await live.known(new Map([[hash, passage]]));
    return read;
  };
  assert.deepEqual(await found("one", { id: "b", text: "the text of a" }), [held]);
  assert.deepEqual(await found("one", { id: "b", text: "another text" }), []);
  assert.deepEqual(await found("none", { id: "b", text: "the text of a" }), []);
});
