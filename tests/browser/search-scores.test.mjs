/** Scores, the fusion of rankings, and sentences, of felsic/search. Nothing here needs a browser. */

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { searchModules } from "./search-modules.mjs";

/** @type {import("./search-modules.mjs").Modules} */
let modules;

before(async () => {
  modules = await searchModules();
});

test("a calibration takes all pairs of few passages, and the same pairs of many every time", () => {
  const { calibrationPairs } = modules.score;
  assert.deepEqual(calibrationPairs(0), []);
  assert.deepEqual(calibrationPairs(1), []);
  assert.deepEqual(calibrationPairs(3), [
    [0, 1],
    [0, 2],
    [1, 2],
  ]);
  assert.equal(calibrationPairs(63).length, (63 * 62) / 2);
  const pairs = calibrationPairs(1000);
  assert.equal(pairs.length, 2000);
  // What felsic index draws, too.
  assert.deepEqual(pairs.slice(0, 3), [
    [236, 369],
    [504, 704],
    [50, 369],
  ]);
  assert.ok(pairs.every(([a, b]) => a !== b && a < 1000 && b < 1000));
});

test("a calibration is the mean of the cosines, and is checked when it comes from a file", () => {
  const { calibrate, checkedCalibration } = modules.score;
  const calibration = calibrate([0.1, 0.2, 0.3], 256);
  assert.equal(calibration.dimensions, 256);
  assert.equal(calibration.count, 3);
  assert.ok(Math.abs(calibration.mean - 0.2) < 1e-12);
  assert.deepEqual(calibrate([], 8), { dimensions: 8, mean: 0, count: 0 });
  assert.deepEqual(checkedCalibration(JSON.parse(JSON.stringify(calibration))), calibration);
  for (const damaged of [
    null,
    7,
    {},
    { ...calibration, mean: 2 },
    { ...calibration, mean: "0" },
    { ...calibration, dimensions: 0 },
  ]) {
    assert.throws(() => checkedCalibration(damaged), { code: "index-invalid" }, JSON.stringify(damaged));
  }
});

test("a score is between 0 and 1 and rises with the cosine and with the spread", () => {
  const { calibrate, score } = modules.score;
  const calibration = calibrate([0.15], 256);
  const moments = { mean: 0.05, deviation: 0.08, seen: 1000 };
  const scores = [-1, -0.2, 0, 0.1, 0.2, 0.3, 0.5, 0.8].map((cosine) => score(cosine, calibration, moments));
  for (const [i, value] of scores.entries()) assert.ok(value > (scores[i - 1] ?? 0) && value < 1, `${scores}`);
  const nonsense = score(0.25, calibration, { ...moments, deviation: 0.055 });
  assert.ok(nonsense < modules.score.DEFAULT_MIN_SCORE && score(0.4, calibration, moments) > 0.5, `${nonsense}`);
});

test("a score is a number where nothing can be measured", () => {
  const { calibrate, score } = modules.score;
  for (const mean of [0, 0.5, 1]) {
    for (const seen of [0, 1, 2]) {
      const value = score(0.9, calibrate([mean], 384), { mean: 0.9, deviation: 0, seen });
      assert.ok(value >= 0 && value <= 1, `${mean} ${seen}: ${value}`);
    }
  }
  const only = score(0.5, calibrate([], 384), { mean: 0.5, deviation: 0, seen: 1 });
  assert.ok(only > modules.score.DEFAULT_MIN_SCORE, `${only}`);
});

test("all words of a query carry a passage without a near meaning, a few of them do not", () => {
  const { hybridScore, DEFAULT_MIN_SCORE } = modules.score;
  assert.ok(Math.abs(hybridScore(0.4, 0) - 0.4) < 1e-12);
  assert.ok(hybridScore(0.03, 1) > 0.5);
  assert.ok(hybridScore(0.03, 0.3) < DEFAULT_MIN_SCORE);
  for (const meaning of [0, 1]) for (const words of [0, 1]) assert.ok(Number.isFinite(hybridScore(meaning, words)));
});

test("the fewer documents there are, the more their words decide", () => {
  const { leastMeaning, hybridScore, DEFAULT_MIN_SCORE } = modules.score;
  const isFound = (/** @type {number} */ documents, /** @type {number} */ words) =>
    hybridScore(1e-9, words, leastMeaning(documents)) >= DEFAULT_MIN_SCORE - 1e-12;
  assert.deepEqual([isFound(1, 0.49), isFound(1, 0.5)], [false, true]);
  assert.deepEqual([isFound(5, 0.7), isFound(5, 0.8)], [false, true]);
  assert.deepEqual([isFound(40, 0.98), isFound(40, 1)], [false, true]);
  for (const documents of [41, 1000, 1e6]) assert.equal(leastMeaning(documents), 0);
  // Without a word, and with a meaning of its own, a passage scores as ever.
  assert.equal(hybridScore(1e-9, 0, leastMeaning(1)), hybridScore(1e-9, 0));
  assert.equal(hybridScore(0.3, 0.5, leastMeaning(1)), hybridScore(0.3, 0.5));
});

test("rankings become one, in the order of its scores, and each hit says where it was", () => {
  const meaning = [
    { row: 1, score: 0.6 },
    { row: 2, score: 0.5 },
    { row: 3, score: 0.1 },
  ];
  const words = [
    { row: 9, score: 1 },
    { row: 2, score: 0.8 },
  ];
  const hits = modules.fuse.fuse(meaning, words);
  assert.deepEqual(
    hits.map(({ row }) => row),
    [2, 9, 1, 3],
  );
  assert.deepEqual(hits[0]?.meaning, { rank: 2, score: 0.5 });
  assert.deepEqual(hits[0]?.words, { rank: 2, score: 0.8 });
  // As good by meaning as the last that is known.
  assert.equal(hits.find(({ row }) => row === 9)?.score, modules.score.hybridScore(0.1, 1));
  assert.ok(hits.every((hit, i) => i === 0 || hit.score <= (hits[i - 1]?.score ?? 0)));
  assert.deepEqual(
    modules.fuse.fuse(meaning, [], { minScore: 0.2, limit: 1 }).map(({ row }) => row),
    [1],
  );
  assert.deepEqual(
    modules.fuse.fuse([], words).map(({ row, score }) => [row, score]),
    [
      [9, 1],
      [2, 0.8],
    ],
  );
});

test("sentences are found with and without Intl.Segmenter, and the best one is chosen", () => {
  const { sentences, bestSentence } = modules.highlight;
  const text = "  One is here. Two is there!\nA third? 四つ目。五つ目。 v1.2 is out";
  const expected = ["One is here.", "Two is there!", "A third?", "四つ目。", "五つ目。", "v1.2 is out"];
  const shown = () => sentences(text, "en").map(({ start, end }) => text.slice(start, end));
  assert.deepEqual(shown(), expected);
  const { Segmenter } = Intl;
  try {
    Object.defineProperty(Intl, "Segmenter", { value: undefined, configurable: true, writable: true });
    assert.deepEqual(shown(), expected);
    assert.deepEqual(sentences(""), []);
    assert.deepEqual(sentences("\n\n"), []);
  } finally {
    Object.defineProperty(Intl, "Segmenter", { value: Segmenter, configurable: true, writable: true });
  }
  assert.deepEqual(bestSentence(sentences(text), [0, 0.5, 0.5, 0.1, 0, 0]), { start: 15, end: 28 });
  assert.equal(bestSentence([], []), undefined);
});
