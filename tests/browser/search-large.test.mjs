/** What is done in another way when there is much: clusters of a sample, vectors without their fine components in memory. Runs in Node. */

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { searchModules } from "./search-modules.mjs";
import { random } from "./store-harness.mjs";

/** @type {Awaited<ReturnType<typeof searchModules>>} */
let modules;

before(async () => {
  modules = await searchModules();
});

test("of more than 10,000 documents a sample makes the clusters, and each document is in its own", async () => {
  const [count, topics, dimensions] = [12_000, 5, 8];
  const next = random(11);
  const vectors = Array.from({ length: count }, (_, at) => {
    const vector = Float32Array.from({ length: dimensions }, (_, i) => (i === at % topics ? 1 : 0.1 * (next() - 0.5)));
    const length = Math.hypot(...vector);
    return vector.map((value) => value / length);
  });
  const documents = vectors.map((_, row) => ({ stored: { id: `d${row}`, passages: [{}] }, row }));
  const words = ["apples", "bridges", "comets", "drums", "engines"];
  const contents = {
    vectors: Promise.resolve(),
    all: () => documents.values(),
    // One waits for its vector.
    hasVector: (/** @type {number} */ row) => row !== 7,
    vector: (/** @type {number} */ row) => vectors[row],
    text: async (/** @type {number} */ row) => `about ${words[row % topics]}`,
  };
  const query = { count: topics };
  const { signal } = new AbortController();
  const clusters = await modules.clusters.clustersOf(/** @type {any} */ (contents), query, dimensions, signal);
  assert.equal(clusters.length, topics);
  assert.equal(new Set(clusters.flatMap(({ ids }) => ids)).size, count - 1);
  for (const { ids, size, label } of clusters) {
    const found = new Set(ids.map((id) => Number(id.slice(1)) % topics));
    assert.equal(found.size, 1, "one topic");
    assert.equal(size, ids.length);
    assert.ok(label.includes(words[[...found][0] ?? 0] ?? ""), label.join());
  }
});

/** Vectors as the worker's binary keeps them. */
class Rows {
  /** @type {{ scales: Float32Array, coarse: Int8Array, fine: Int8Array | undefined }[]} */
  parts = [];

  constructor(/** @type {number} */ dimensions) {
    this.dimensions = dimensions;
  }

  addRows(/** @type {Float32Array} */ scales, /** @type {Int8Array} */ coarse, /** @type {Int8Array | undefined} */ fine) {
    assert.equal(this.parts.length, 0, "this test writes once");
    this.parts.push({ scales, coarse, fine });
    return 0;
  }

  fine(/** @type {number} */ from, /** @type {number} */ count) {
    return this.#part("fine", from, count);
  }

  coarse(/** @type {number} */ from, /** @type {number} */ count) {
    return this.#part("coarse", from, count);
  }

  scales(/** @type {number} */ from, /** @type {number} */ count) {
    return this.parts[0]?.scales.slice(from, from + count);
  }

  #part(/** @type {"fine" | "coarse"} */ name, /** @type {number} */ from, /** @type {number} */ count) {
    return this.parts[0]?.[name]?.slice(from * this.dimensions, (from + count) * this.dimensions);
  }
}

test("up to 200,000 passages have their fine components in memory; of more they are read where they are stored", async () => {
  const [dimensions, each] = [2, 1000];
  for (const documents of [200, 201]) {
    const embedder = { space: "s", model: "m", dimensions };
    const module = /** @type {any} */ ({ Rows });
    const live = await modules.live.LiveCollection.open({ name: "large", memory: true, embedder, module, changed: () => {} });
    const rows = documents * each;
    const hash = "0123456789abcdef";
    // The hashes are not those of the texts: the words index, which takes long, ends at once.
    const passages = Array.from({ length: each }, () => ({ start: 0, end: 1, at: 0, bytes: 1, hash, textHash: hash }));
    const content = {
      documents: {
        documents: Array.from({ length: documents }, (_, at) => ({
          id: `d${at}`,
          kind: /** @type {const} */ ("text"),
          hash,
          passages,
        })),
        removed: [],
        replaces: [],
      },
      texts: Uint8Array.of(120),
      scales: new Float32Array(rows).fill(0.01),
      coarse: Int8Array.from({ length: rows * dimensions }, (_, at) => at % 101),
      fine: Int8Array.from({ length: rows * dimensions }, (_, at) => at % 97),
    };
    await live.write(async () => live.writing(content));
    assert.equal(live.info.passages, rows);
    assert.equal(live.contents.hasFine, documents === 200);
    const held = live.contents.get("d150");
    assert.ok(held);
    const found = await live.rowsOf(held);
    const [start, end] = [150 * each * dimensions, 151 * each * dimensions];
    assert.deepEqual([found.coarse, found.fine], [content.coarse.slice(start, end), content.fine.slice(start, end)]);
    live.close();
  }
});
