/** Clusters and layouts: what they are computed with, which needs no browser, and both in Chromium with the built-in model. */

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
 * Unit vectors around `groups` directions, one of each group after another.
 *
 * @param {number} groups @param {number} count @param {number} dimensions @param {number} noise @returns {Points}
 */
function blobs(groups, count, dimensions, noise) {
  const random = modules.random.seeded(7);
  const gaussian = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const unit = (/** @type {number[]} */ vector) => vector.map((value) => value / Math.hypot(...vector));
  const centres = Array.from({ length: groups }, () => unit(Array.from({ length: dimensions }, gaussian)));
  const vectors = Array.from({ length: count }, (_, i) =>
    unit((centres[i % groups] ?? []).map((value) => value + (noise / Math.sqrt(dimensions)) * gaussian())),
  );
  return { data: Float32Array.from(vectors.flat()), count, dimensions };
}

/** The group of each point. @param {Points} points @param {Points} centres */
function grouped({ data, count, dimensions }, centres) {
  return Array.from({ length: count }, (_, i) => modules["k-means"].nearestCentre(data, i * dimensions, centres).centre);
}

/** @param {number[]} values */
function mostFrequent(values) {
  const counts = new Map();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].reduce((best, entry) => (entry[1] > best[1] ? entry : best))[0];
}

test("k-means finds the groups that points were made in, and the same centres each time", async () => {
  for (const [groups, count, noise] of /** @type {const} */ ([
    [3, 24, 0.6],
    [12, 600, 0.6],
    [30, 3000, 0.6],
  ])) {
    const points = blobs(groups, count, 48, noise);
    const centres = await modules["k-means"].kMeans(points, groups, new modules.slices.Slices());
    const found = grouped(points, centres);
    assert.equal(new Set(found).size, groups);
    const right = found.filter((centre, i) => centre === mostFrequent(found.filter((_, j) => j % groups === i % groups))).length;
    assert.ok(right / count > 0.995, `${groups} groups: ${right} of ${count}`);
    const again = await modules["k-means"].kMeans(points, groups, new modules.slices.Slices());
    assert.deepEqual(again.data, centres.data);
  }
});

test("k-means of fewer different points than centres has a centre for each", async () => {
  const { data } = blobs(2, 2, 8, 0);
  const points = { data: Float32Array.from([...data, ...data, ...data]), count: 6, dimensions: 8 };
  assert.equal((await modules["k-means"].kMeans(points, 5, new modules.slices.Slices())).count, 2);
});

test("long work lets others go ahead, and ends when it is aborted", async () => {
  const abort = new AbortController();
  const points = blobs(30, 1500, 96, 1);
  const work = modules["k-means"].kMeans(points, 30, new modules.slices.Slices(abort.signal));
  setTimeout(() => abort.abort(), 20);
  await assert.rejects(work, { code: "aborted" });
});

test("labels are the words that set groups apart, as they are written", () => {
  const groups = [
    ["The Moon moves the sea.", "The tides follow the Moon, twice a day.", "Tides and the Moon: 2024"],
    ["Cook the pasta with salt.", "Add salt to the soup and cook it", "salt, the"],
    ["東京の地下鉄は便利です。", "地下鉄で東京に行く"],
  ];
  const [moon = [], salt = [], tokyo = []] = modules.labels.labels(groups);
  assert.equal(moon[0], "Moon");
  assert.ok(
    moon.slice(0, 3).some((word) => word.toLowerCase() === "tides"),
    moon.join(),
  );
  assert.deepEqual(salt.slice(0, 2), ["salt", "Cook"].toSorted().toReversed(), salt.join());
  assert.deepEqual(tokyo.slice(0, 2).toSorted(), ["東京", "地下鉄"].toSorted(), tokyo.join());
  for (const label of [moon, salt]) {
    assert.ok(label.length <= 5 && !label.some((word) => /^(the|2024|a)$/i.test(word)), label.join());
  }
  assert.deepEqual(modules.labels.labels([[], ["one word"]])[0], []);
});

test("principal components are those of known data", () => {
  const random = modules.random.seeded(11);
  // Independent axes with standard deviations 9, 6, 3 and 1, turned by a rotation of each pair of axes and moved.
  const spread = [9, 6, 3, 1, 0.1, 0.1];
  const gaussian = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const rows = Array.from({ length: 400 }, () => spread.map((deviation) => deviation * gaussian()));
  const turned = rows.map((row) => {
    const result = [...row];
    for (let p = 0; p < 6; p += 1) {
      for (let q = p + 1; q < 6; q += 1) {
        const [a, b] = [Number(result[p]), Number(result[q])];
        [result[p], result[q]] = [Math.cos(0.7) * a - Math.sin(0.7) * b, Math.sin(0.7) * a + Math.cos(0.7) * b];
      }
    }
    return result.map((value) => value + 5);
  });
  const points = { data: Float32Array.from(turned.flat()), count: 400, dimensions: 6 };
  const found = modules.pca.principal(points, 6, () => undefined);
  assert.equal(found.dimensions, 6);
  const column = (/** @type {number} */ at) => Array.from({ length: 400 }, (_, i) => Number(found.data[i * 6 + at]));
  const product = (/** @type {number[]} */ a, /** @type {number[]} */ b) =>
    a.reduce((sum, x, i) => sum + x * Number(b[i]), 0) / 400;
  // Variances fall, and components are not correlated.
  const variances = [0, 1, 2, 3, 4, 5].map((at) => product(column(at), column(at)));
  for (const [at, variance] of variances.entries()) assert.ok(at === 0 || variance <= Number(variances[at - 1]) * 1.001);
  for (let p = 0; p < 6; p += 1) {
    for (let q = 0; q < p; q += 1) {
      const correlation = product(column(p), column(q)) / Math.sqrt(Number(variances[p]) * Number(variances[q]));
      assert.ok(Math.abs(correlation) < 1e-2, `${p} and ${q}: ${correlation}`);
    }
  }
  // Rotations keep distances.
  const distance = (/** @type {ArrayLike<number>} */ data, /** @type {number} */ i) =>
    Math.hypot(...[0, 1, 2, 3, 4, 5].map((d) => Number(data[i * 6 + d]) - Number(data[(i + 1) * 6 + d])));
  for (let i = 0; i < 399; i += 7) assert.ok(Math.abs(distance(points.data, i) - distance(found.data, i)) < 1e-3);
  // The first of them is the first axis, before it was turned.
  const first = rows.map(([value]) => Number(value));
  const mean = first.reduce((sum, value) => sum + value, 0) / 400;
  const centred = first.map((value) => value - mean);
  const alike = product(column(0), centred) / Math.sqrt(Number(variances[0]) * product(centred, centred));
  assert.ok(Math.abs(alike) > 0.98, String(alike));
});

test("eigenvectors of a symmetric matrix are those that are known", () => {
  const [first, second] = modules.pca.eigenvectors([Float64Array.of(2, 1), Float64Array.of(1, 2)]);
  const half = Math.sqrt(0.5);
  assert.ok(Math.abs(Math.abs(Number(first?.[0])) - half) < 1e-9 && Number(first?.[0]) * Number(first?.[1]) > 0);
  assert.ok(Math.abs(Math.abs(Number(second?.[0])) - half) < 1e-9 && Number(second?.[0]) * Number(second?.[1]) < 0);
});

test("neighbours are the nearest of all points", () => {
  const points = blobs(5, 80, 12, 1);
  const { indices, distances } = modules.arrange.neighbours(points, 6);
  for (let i = 0; i < points.count; i += 1) {
    const all = Array.from({ length: points.count }, (_, j) => {
      let square = 0;
      for (let d = 0; d < 12; d += 1) square += (Number(points.data[i * 12 + d]) - Number(points.data[j * 12 + d])) ** 2;
      return Math.sqrt(square);
    });
    assert.equal(indices[i]?.[0], i);
    const nearest = all.toSorted((a, b) => a - b).slice(0, 6);
    for (const [at, distance] of nearest.entries()) assert.ok(Math.abs(Number(distances[i]?.[at]) - distance) < 1e-6);
    for (const [at, j] of (indices[i] ?? []).entries()) assert.ok(Math.abs(Number(distances[i]?.[at]) - Number(all[j])) < 1e-6);
  }
});

test("an arrangement keeps groups together, fits from -1 to 1, and is the same each time", () => {
  const points = blobs(6, 300, 64, 0.8);
  /** @type {number[]} */
  const shares = [];
  const { x, y } = modules.arrange.arrange(points, (share) => shares.push(share)).places;
  assert.deepEqual(modules.arrange.arrange(points, () => undefined).places, { x, y });
  assert.ok(shares.every((share, i) => share >= (shares[i - 1] ?? 0) && share <= 1) && shares.at(-1) === 1);
  assert.ok([...x, ...y].every((value) => value >= -1 && value <= 1));
  assert.ok(Math.max(...x.map(Math.abs), ...y.map(Math.abs)) > 0.999);
  assert.ok(sameNeighbours(x, y, (i) => i % 6) > 0.99);
});

test("an arrangement of few points, or of points that are all the same, is finite", () => {
  for (const [groups, count, noise] of /** @type {const} */ ([
    [2, 2, 1],
    [3, 3, 1],
    [4, 4, 1],
    [1, 5, 0],
    [1, 40, 0],
  ])) {
    const { x, y } = modules.arrange.arrange(blobs(groups, count, 16, noise), () => undefined).places;
    assert.equal(x.length, count);
    assert.ok(
      [...x, ...y].every((value) => Math.abs(value) <= 1),
      `${count}: ${x} ${y}`,
    );
  }
});

/** The share of points whose nearest point is of their group. @param {ArrayLike<number>} x @param {ArrayLike<number>} y @param {(i: number) => unknown} group */
function sameNeighbours(x, y, group) {
  let same = 0;
  for (let i = 0; i < x.length; i += 1) {
    let [best, nearest] = [Infinity, -1];
    for (let j = 0; j < x.length; j += 1) {
      const distance = Math.hypot(Number(x[i]) - Number(x[j]), Number(y[i]) - Number(y[j]));
      if (j !== i && distance < best) [best, nearest] = [distance, j];
    }
    if (group(nearest) === group(i)) same += 1;
  }
  return same / x.length;
}

const TOPICS = {
  astronomy: [
    "The telescope shows the rings of Saturn and its moons.",
    "A star is born when a cloud of gas in space collapses.",
    "Jupiter is the largest planet of the solar system.",
    "The orbit of a comet around the sun is very long.",
    "Astronomers measure the distance of galaxies by their light.",
    "A black hole bends the light of the stars behind it.",
    "The probe took pictures of the surface of the planet Mars.",
    "During an eclipse the moon stands in front of the sun.",
  ],
  cooking: [
    "Fry the onions in butter until they are golden.",
    "Knead the bread dough and let it rise in a warm place.",
    "Season the soup with salt, pepper and fresh herbs.",
    "Boil the pasta and serve it with tomato sauce and cheese.",
    "Beat the eggs with sugar, then add the flour for the cake.",
    "Roast the chicken in the oven with garlic and lemon.",
    "Chop the carrots and cook them in a pot with the rice.",
    "A salad of cucumber and tomatoes needs oil and vinegar.",
  ],
  football: [
    "The striker scored the goal in the last minute of the match.",
    "The goalkeeper saved a penalty and his team won the cup.",
    "The coach replaced two players after half-time.",
    "The referee showed the defender a red card for a foul.",
    "The club bought a new midfielder before the season.",
    "Fans in the stadium cheered when the team won the league.",
    "The final of the tournament ended with a penalty shoot-out.",
    "The captain passed the ball to the winger, who crossed it.",
  ],
};

test("documents of three topics: clusters and layout tell them apart, abort, and let searches be answered", async (context) => {
  const documents = Object.entries(TOPICS).flatMap(([topic, texts]) =>
    texts.map((text, at) => ({ id: `${topic}-${at}`, text, tags: [topic] })),
  );
  const found = await environment.page.evaluate(async (documents) => {
    const settle = (/** @type {Promise<unknown>} */ promise) =>
      promise.then(
        () => "done",
        (error) => (error instanceof search.FelsicError ? error.code : String(error)),
      );
    const scripts = () => performance.getEntriesByType("resource").filter(({ name }) => name.endsWith("worker-layout.js")).length;
    const embedder = await felsic.Embedder.create();
    const docs = await search.Collection.open("topics", { embedder, memory: true });
    const nothing = { clusters: await docs.clusters(), layout: await docs.layout() };
    await docs.add(documents);
    const clusters = await docs.clusters();
    const again = await docs.clusters({ count: "auto" });
    const two = await docs.clusters({ count: 2, where: { tags: ["cooking", "football"] } });
    const one = await docs.layout({ where: { id: "cooking-0" } });
    const isUnloaded = scripts() === 0;
    const shares = /** @type {number[]} */ ([]);
    const start = performance.now();
    const layout = await docs.layout({ onProgress: ({ share }) => void shares.push(share) });
    const took = performance.now() - start;
    const order = /** @type {string[]} */ ([]);
    const [second, hits] = await Promise.all([
      docs.layout().then((made) => (order.push("layout"), made)),
      docs.search("a planet of the sun").then((hits) => (order.push("search"), hits)),
    ]);
    const abort = new AbortController();
    const onProgress = () => abort.abort();
    const codes = {
      aborted: await settle(docs.layout({ signal: abort.signal, onProgress })),
      abortedBefore: await settle(docs.clusters({ signal: AbortSignal.abort() })),
      count: await settle(docs.clusters({ count: 0 })),
      name: await settle(docs.layout(/** @type {any} */ ({ signals: 1 }))),
      where: await settle(docs.layout({ where: { tags: /** @type {any} */ ({ above: 1 }) } })),
      closed: await settle(Promise.all([docs.layout({ onProgress: () => docs.close() })])),
    };
    embedder.destroy();
    const plain = (/** @type {import("felsic/search").Layout} */ { ids, x, y }) => ({ ids, x: [...x], y: [...y] });
    return {
      nothing: [nothing.clusters.length, nothing.layout.ids.length],
      clusters,
      again,
      two,
      one: plain(one),
      isUnloaded,
      shares,
      took,
      layout: plain(layout),
      second: plain(second),
      order,
      first: hits[0]?.id,
      codes,
    };
  }, documents);
  const topicOf = (/** @type {string | undefined} */ id) => String(id).split("-")[0];
  assert.deepEqual(found.nothing, [0, 0]);
  assert.equal(found.clusters.length, 3);
  let right = 0;
  for (const { ids, size, label } of found.clusters) {
    assert.equal(ids.length, size);
    const topic = topicOf(ids[0]);
    right += ids.filter((id) => topicOf(id) === topic).length;
    context.diagnostic(`${topic}: ${size} documents, ${label.join(", ")}`);
    assert.ok(!label.some((word) => /^(and|are|is|of|with)$/i.test(word)), label.join());
    const texts = ids.map((id) => documents.find((document) => document.id === id)?.text).join(" ");
    assert.ok(label.length > 0 && label.length <= 5 && label.every((word) => texts.includes(word)), label.join());
  }
  assert.equal(new Set(found.clusters.map(({ ids }) => topicOf(ids[0]))).size, 3);
  assert.equal(new Set(found.clusters.flatMap(({ ids }) => ids)).size, documents.length);
  assert.ok(right >= documents.length - 1, `${right} of ${documents.length}`);
  assert.deepEqual(found.again, found.clusters);
  assert.deepEqual(
    found.two.map(({ size }) => size),
    [8, 8],
  );
  assert.deepEqual(found.one, { ids: ["cooking-0"], x: [0], y: [0] });
  assert.ok(found.isUnloaded, "the script of layouts is loaded for layouts alone");

  const { ids, x, y } = found.layout;
  assert.deepEqual(ids, documents.map(({ id }) => id).toSorted());
  const share = sameNeighbours(x, y, (i) => topicOf(ids[i]));
  context.diagnostic(`layout: ${found.took.toFixed()} ms, ${share.toFixed(2)} of the nearest neighbours share the topic`);
  assert.ok(share >= 0.9, String(share));
  assert.ok(found.shares.length > 3 && found.shares.at(-1) === 1);
  assert.deepEqual(found.second, found.layout);
  assert.deepEqual(found.order, ["search", "layout"]);
  assert.equal(topicOf(found.first), "astronomy");
  assert.deepEqual(found.codes, {
    aborted: "aborted",
    abortedBefore: "aborted",
    count: "input-invalid",
    name: "input-invalid",
    where: "input-invalid",
    closed: "destroyed",
  });
});
