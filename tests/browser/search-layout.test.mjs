/** Places among places: documents that come later, more documents than are arranged, and queries. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startSearch } from "./search-harness.mjs";
import { searchModules } from "./search-modules.mjs";

/** @typedef {import("../../pkg/dist/types/search/points.js").Points} Points */

/** @type {import("./search-modules.mjs").Modules} */
let modules;
/** @type {import("./search-harness.mjs").SearchEnvironment} */
let environment;

before(async () => {
  [modules, environment] = await Promise.all([searchModules(), startSearch()]);
});

after(() => environment?.close());

/**
 * Unit vectors around `groups` directions, one of each group after another; those of a `seed` are the same each time, and the directions are
 * always the same.
 *
 * @param {number} groups @param {number} count @param {number} seed @returns {Points}
 */
function blobs(groups, count, seed, dimensions = 48) {
  const gaussian = (/** @type {() => number} */ random) =>
    Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const fixed = modules.random.seeded(3);
  const random = modules.random.seeded(seed);
  const centres = Array.from({ length: groups }, () => Array.from({ length: dimensions }, () => gaussian(fixed)));
  const data = new Float32Array(count * dimensions);
  for (let i = 0; i < count; i += 1) {
    const vector = (centres[i % groups] ?? []).map((value) => value + 0.8 * gaussian(random));
    const length = Math.hypot(...vector);
    data.set(
      vector.map((value) => value / length),
      i * dimensions,
    );
  }
  return { data, count, dimensions };
}

test("weights fall with the distance, sum up to one, and are even among equals", () => {
  const { weights } = modules.placing;
  for (const distances of [[0, 1, 2, 3, 4, 5, 6, 7], [0.5, 0.5, 0.6, 5], [0, 1e-7, 1e-6, 3], [2]]) {
    const found = weights(distances);
    assert.ok(Math.abs(found.reduce((sum, weight) => sum + weight, 0) - 1) < 1e-9, found.join());
    assert.ok(
      found.every((weight, at) => weight >= 0 && weight <= (found[at - 1] ?? 1)),
      found.join(),
    );
  }
  assert.deepEqual(weights([3, 3, 3, 3]), [0.25, 0.25, 0.25, 0.25]);
  assert.deepEqual(weights([]), []);
  // Alone by far, the nearest one decides alone.
  assert.ok(Number(weights([0, 100, 100, 100, 100, 100, 100, 100])[0]) > 0.3);
  const [first = 0, , third = 1] = weights([0, 0.1, 10, 10, 10, 10, 10, 10]);
  assert.ok(first > 3 * third, `${first} and ${third}`);
});

test("points that come later lie among those of their group, and a known point beside itself", () => {
  const known = blobs(6, 300, 7);
  const placed = modules.arrange.arrange(known, () => undefined);
  const later = blobs(6, 240, 8);
  const { x, y } = modules.placing.placeAmong(placed, later);
  let same = 0;
  for (let i = 0; i < later.count; i += 1) {
    const nearest = nearestPlace(placed.places, Number(x[i]), Number(y[i]));
    if (nearest % 6 === i % 6) same += 1;
  }
  assert.ok(same / later.count > 0.98, `${same} of ${later.count}`);
  const again = modules.placing.placeAmong(placed, known);
  const away = Array.from(again.x, (value, i) =>
    Math.hypot(value - Number(placed.places.x[i]), Number(again.y[i]) - Number(placed.places.y[i])),
  );
  const median = Number(away.toSorted((a, b) => a - b)[150]);
  assert.ok(median < 0.15, `half of them are ${median} away`);
});

/** @param {{ x: ArrayLike<number>, y: ArrayLike<number> }} places @param {number} x @param {number} y */
function nearestPlace(places, x, y) {
  let [best, nearest] = [Infinity, -1];
  for (let j = 0; j < places.x.length; j += 1) {
    const distance = Math.hypot(x - Number(places.x[j]), y - Number(places.y[j]));
    if (distance < best) [best, nearest] = [distance, j];
  }
  return nearest;
}

test("coordinates along axes are the principal components", () => {
  const points = blobs(4, 120, 9);
  const axes = modules.pca.axesOf(points, 5, () => undefined);
  assert.deepEqual(
    modules.pca.along(points, axes),
    modules.pca.principal(points, 5, () => undefined),
  );
});

test("up to 20,000 documents are arranged; of more a sample, spread over all, and the others go among it", () => {
  const { planOf, planAround } = modules["layout-plan"];
  const named = (/** @type {number} */ count) => Array.from({ length: count }, (_, i) => String(i).padStart(6, "0"));
  assert.deepEqual(planOf(named(20_000)), { first: named(20_000), others: [] });
  const ids = named(100_000);
  const { first, others } = planOf(ids);
  assert.equal(first.length, 10_000);
  assert.deepEqual([...first, ...others].toSorted(), ids);
  const tenths = Array.from({ length: 10 }, (_, at) => first.filter((id) => Math.floor(Number(id) / 10_000) === at).length);
  assert.ok(
    tenths.every((count) => count === 1000),
    tenths.join(),
  );
  const from = new Map(named(30_000).map((id) => [id, { x: 0, y: 0 }]));
  const around = planAround(named(30_005), from);
  assert.equal(around.first.length, 10_000);
  assert.deepEqual(around.others, named(30_005).slice(30_000));
});

const WORDS = /** @type {const} */ ({
  sea: "sea wave salt ship harbour sailor tide anchor",
  bread: "bread dough oven flour yeast baker crust knead",
  moon: "moon star orbit planet comet telescope eclipse sky",
});

test("documents that come later are placed among the others, which keep their places; a query is near what it finds", async (context) => {
  const found = await environment.page.evaluate(async (topics) => {
    const pick = (/** @type {string} */ text, /** @type {number} */ i) => {
      const words = text.split(" ");
      return Array.from({ length: 5 }, (_, at) => words[(i + at * (1 + (i % 3))) % words.length]).join(" ");
    };
    const made = (/** @type {number} */ from, /** @type {number} */ to) =>
      Object.entries(topics).flatMap(([topic, text]) =>
        Array.from({ length: to - from }, (_, i) => ({
          id: `${topic}-${from + i}`,
          text: `${pick(text, from + i)} ${from + i}`,
          tags: [topic],
        })),
      );
    const docs = await search.Collection.open("places", { embedder: new FakeEmbedder({ dimensions: 256 }), memory: true });
    await docs.add(made(0, 20));
    const first = await docs.layout();
    await docs.add(made(20, 24));
    await docs.remove(["sea-0", "moon-3"]);
    /** @type {number[]} */
    const shares = [];
    const second = await docs.layout({ from: first, onProgress: ({ share }) => void shares.push(share) });
    const same = await docs.layout({ from: second });
    const anew = await docs.layout({ from: { ids: ["elsewhere"], x: new Float32Array(1), y: new Float32Array(1) } });
    const queries = {
      sea: await docs.place("the tide and the anchor of a ship", second),
      bread: await docs.place("a baker needs flour and an oven", second),
      moon: await docs.place("comet and eclipse", second),
      among: await docs.place("comet and eclipse", second, { where: { tags: ["bread"] } }),
      empty: await docs.place("  ", second),
      nowhere: await docs.place("comet", { ids: [], x: new Float32Array(), y: new Float32Array() }),
    };
    const codes = [];
    const wrong = /** @type {any[]} */ ([
      undefined,
      { ids: ["a"], x: new Float32Array(2), y: new Float32Array(1) },
      { ids: ["a"], x: Float32Array.of(NaN), y: new Float32Array(1) },
      { ids: ["a"], x: Float32Array.of(2), y: new Float32Array(1) },
      { ids: ["a"], x: [0], y: [0] },
    ]);
    for (const layout of wrong) codes.push(await settle(docs.place("sea", layout)));
    for (const from of wrong.slice(1)) codes.push(await settle(docs.layout({ from })));
    codes.push(await settle(docs.place("sea", first, /** @type {any} */ ({ limit: 3 }))));
    const aborted = await settle(docs.place("sea", first, { signal: AbortSignal.abort() }));
    docs.close();
    const plain = (/** @type {import("felsic/search").Layout} */ { ids, x, y }) => ({ ids, x: [...x], y: [...y] });
    return { first: plain(first), second: plain(second), same: plain(same), anew: plain(anew), shares, queries, codes, aborted };
  }, WORDS);

  const { first, second, same, anew, queries } = found;
  assert.equal(first.ids.length, 60);
  assert.equal(second.ids.length, 70);
  assert.deepEqual(second.ids, second.ids.toSorted());
  assert.ok(!second.ids.includes("sea-0") && second.ids.includes("sea-23"));
  const topicOf = (/** @type {string | undefined} */ id) => String(id).split("-")[0];
  let among = 0;
  for (const [at, id] of second.ids.entries()) {
    const before = first.ids.indexOf(id);
    if (before >= 0) assert.deepEqual([second.x[at], second.y[at]], [first.x[before], first.y[before]], id);
    else if (topicOf(first.ids[nearestPlace(first, Number(second.x[at]), Number(second.y[at]))]) === topicOf(id)) among += 1;
  }
  assert.ok(among >= 11, `${among} of 12 new documents lie among those of their topic`);
  assert.deepEqual(same, second);
  assert.equal(anew.ids.length, 70, "a layout of other documents is none to start from");
  assert.ok(found.shares.at(-1) === 1 && found.shares.every((share, at) => share >= (found.shares[at - 1] ?? 0)));
  for (const [topic, place] of Object.entries(queries).slice(0, 3)) {
    assert.ok(place, topic);
    assert.equal(topicOf(second.ids[nearestPlace(second, place.x, place.y)]), topic);
  }
  assert.ok(queries.among);
  assert.equal(topicOf(second.ids[nearestPlace(second, queries.among.x, queries.among.y)]), "bread");
  assert.equal(queries.empty, undefined);
  assert.equal(queries.nowhere, undefined);
  for (const { code } of found.codes) assert.equal(code, "input-invalid");
  assert.equal(found.aborted.code, "aborted");
  context.diagnostic(`${among} of 12 new documents lie among those of their topic`);
});

test(
  "100,000 documents have places, and are near those of their topic",
  { skip: !process.env.FELSIC_TEST_FULL },
  async (context) => {
    const found = await environment.page.evaluate(async () => {
      const COUNT = 100_000;
      const GROUPS = 25;
      const embedder = new FakeEmbedder({ dimensions: 384 });
      const docs = await search.Collection.open("many", { embedder, memory: true });
      function* documents() {
        for (let i = 0; i < COUNT; i += 1) {
          const topic = i % GROUPS;
          const words = Array.from({ length: 6 }, (_, at) => `word${topic}x${(i * (at + 3) + at) % 12}`);
          yield { id: `${topic}-${i}`, text: words.join(" ") };
        }
      }
      await docs.add(documents());
      const start = performance.now();
      const layout = await docs.layout();
      const took = performance.now() - start;
      const again = performance.now();
      await docs.add([{ id: "0-new", text: "word0x1 word0x2 word0x3" }]);
      const updated = await docs.layout({ from: layout });
      const update = performance.now() - again;
      const asked = performance.now();
      const place = await docs.place("word3x1 word3x2 word3x5", layout);
      const placing = performance.now() - asked;
      let same = 0;
      const tried = 500;
      for (let i = 0; i < tried; i += 1) {
        const at = i * 199;
        let [best, nearest] = [Infinity, -1];
        for (let j = 0; j < layout.ids.length; j += 1) {
          const distance = Math.hypot(Number(layout.x[at]) - Number(layout.x[j]), Number(layout.y[at]) - Number(layout.y[j]));
          if (j !== at && distance < best) [best, nearest] = [distance, j];
        }
        if (layout.ids[nearest]?.split("-")[0] === layout.ids[at]?.split("-")[0]) same += 1;
      }
      docs.close();
      return { count: layout.ids.length, updated: updated.ids.length, took, update, placing, place, share: same / tried };
    });
    context.diagnostic(
      `layout ${(found.took / 1000).toFixed(1)} s, one more ${(found.update / 1000).toFixed(1)} s, a query ${found.placing.toFixed()} ms, ${found.share} of the nearest share the topic`,
    );
    assert.equal(found.count, 100_000);
    assert.equal(found.updated, 100_001);
    assert.ok(found.share > 0.9, String(found.share));
    assert.ok(found.place);
  },
);
