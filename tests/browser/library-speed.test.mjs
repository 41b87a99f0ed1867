/**
 * What a person notices while thousands of passages are taken up: frames, searches, the time that is left. With `FELSIC_TEST_FULL` there are
 * 10,000 passages and the times count; otherwise there are 100, and only what does not depend on other programs counts.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { longestTask } from "./harness.mjs";
import { startLibrary } from "./library-harness.mjs";

const FULL = Boolean(process.env.FELSIC_TEST_FULL);
const PASSAGES = Number(process.env.FELSIC_PASSAGES ?? (FULL ? 10_000 : 100));
const PASSAGES_A_FILE = 20;
const FILES = Number(process.env.FELSIC_FILES ?? 10_000);

/** @type {import("./library-harness.mjs").LibraryEnvironment} */
let environment;

before(async () => {
  environment = await startLibrary();
});

after(() => environment?.close());

test(`${PASSAGES} passages are taken up without a hitch`, { timeout: 60_000 + PASSAGES * 300 }, async (context) => {
  const { page } = await environment.visitor();
  await page.evaluate(async () => {
    Object.assign(globalThis, { library: lib.open() });
    await lib.idle(library);
    // The workers that compute start with the first texts.
    await library.addText("A first text.", "first");
    await lib.idle(library);
  });
  /** @type {any} */
  let figures;
  const work = async () => {
    figures = await page.evaluate(takeUp, { passages: PASSAGES, each: PASSAGES_A_FILE, searches: FULL ? 20 : 3 });
  };
  // A trace of the whole would fill the memory.
  const longest = FULL ? undefined : await longestTask({ ...environment, page }, work);
  if (FULL) await work();
  context.diagnostic(JSON.stringify({ ...figures, longest }));

  assert.equal(figures.info.passages, PASSAGES + 1);
  assert.equal(figures.info.waiting, 0);
  assert.ok(figures.found.every(Boolean), "a search in the middle did not find what had been read");
  assert.deepEqual(figures.problems, []);
  if (longest !== undefined) assert.ok(longest <= 50, `a task of the page took ${longest} ms`);
  if (!FULL) return;
  assert.ok(figures.longestFrame <= 100, `a frame came after ${figures.longestFrame} ms`);
  assert.ok(figures.searches.longest <= 150, `a search took ${figures.searches.longest} ms`);
  const { told, took } = figures.left;
  assert.ok(told > took / 1.5 && told < took * 1.5, `${told} s were said to be left, and it took ${took} s`);
});

test(
  `${FILES} files are read without a hitch, and a person may stop there`,
  { skip: !FULL, timeout: 1_200_000 },
  async (context) => {
    const { page } = await environment.visitor();
    await page.evaluate(async (count) => {
      Object.assign(globalThis, { library: lib.open() });
      await lib.idle(library);
      lib.settings.delay = 1000;
      const files = Array.from({ length: count }, (_, at) => new File([`File mark${at} is one of many.`], `file${at}.txt`));
      Object.assign(globalThis, { files });
    }, FILES);
    /** @type {any} */
    let figures;
    const longest = await longestTask({ ...environment, page }, async () => {
      figures = await page.evaluate(async () => {
        const { files } = /** @type {any} */ (globalThis);
        const start = performance.now();
        await library.addItems(files);
        const listed = Math.round(performance.now() - start);
        await lib.until(() => library.files.value.length === files.length, "the end of reading", 1_000_000);
        const read = Math.round(performance.now() - start);
        const found = await lib.find(library, `mark${files.length >> 1}`, { mode: "words" });
        await library.cancel();
        return { listed, read, found: found[0], documents: library.collection.value.info.documents };
      });
    });
    context.diagnostic(JSON.stringify({ ...figures, longest }));
    assert.equal(figures.documents, FILES);
    assert.ok(longest <= 50, `a task of the page took ${longest} ms`);
  },
);

/** Runs in the page: adds files, and notes what a person would. @param {{ passages: number, each: number, searches: number }} options */
async function takeUp({ passages, each, searches }) {
  let seed = 1;
  const random = () => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) / 2 ** 32;
  const syllables =
    "ba be bi bo da de di do fa fe ga ge ka ke ko la le li lo ma me mi mo na ne no pa pe po ra re ri ro sa se so ta te to".split(
      " ",
    );
  const word = () =>
    Array.from({ length: 2 + Math.floor(random() * 2) }, () => syllables[Math.floor(random() * syllables.length)]).join("");
  const common = Array.from({ length: 3000 }, word);
  const sentence = () => `The ${Array.from({ length: 12 }, () => common[Math.floor(random() ** 2 * common.length)]).join(" ")}.`;
  const section = (/** @type {number} */ at) => `## Section ${at} mark${at}\n\n${Array.from({ length: 5 }, sentence).join(" ")}`;
  const files = Array.from({ length: passages / each }, (_, file) => {
    const text = Array.from({ length: each }, (_, at) => section(file * each + at)).join("\n\n");
    return new File([text], `file${file}.md`);
  });

  /** @type {number[]} */
  const gaps = [];
  let last = performance.now();
  let isOver = false;
  const frame = () => {
    const now = performance.now();
    gaps.push(now - last);
    last = now;
    if (!isOver) requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  const start = performance.now();
  const since = () => Math.round(performance.now() - start);
  await library.addItems(files);
  await lib.until(() => library.files.value.length === files.length + 1, "the end of reading", 600_000);
  const read = since();

  const times = [];
  const found = [];
  let left;
  const half = passages / 2;
  for (let at = 0; library.progress.value; at += 1) {
    const { progress } = library;
    await lib.until(
      () => !progress.value || progress.value.passages.done > (at === 0 ? passages / 10 : half),
      "progress",
      3_600_000,
    );
    if (!progress.value) break;
    if (at > searches) {
      await lib.until(() => !progress.value, "the end", 3_600_000);
      break;
    }
    left ??= at === 0 ? undefined : { told: progress.value.left, at: performance.now() };
    const mark = Math.floor(random() * passages);
    const begin = performance.now();
    const hits = await lib.find(library, `mark${mark} ${common[at]}`);
    times.push(performance.now() - begin);
    found.push(hits.length > 0);
    await new Promise((resolve) => setTimeout(resolve, at % 5 === 4 ? 2000 : 250));
  }
  const took = left && (performance.now() - left.at) / 1000;
  const whole = since();
  isOver = true;
  const sorted = times.toSorted((a, b) => a - b);
  gaps.sort((a, b) => b - a);
  const { info } = library.collection.value;
  const facts = await library.facts();
  return {
    info: { passages: info.passages, waiting: info.waiting, bytes: info.bytes },
    problems: library.problems.value,
    found,
    read,
    whole,
    passagesPerSecond: Math.round((passages / (whole - read)) * 1000),
    speed: facts.speed,
    memoryBytes: facts.memoryBytes,
    longestFrame: Math.round(Number(gaps[0])),
    framesOver50: gaps.filter((gap) => gap > 50).length,
    frames: gaps.length,
    searches: {
      count: sorted.length,
      median: Math.round(sorted[sorted.length >> 1] ?? 0),
      longest: Math.round(sorted.at(-1) ?? 0),
    },
    left: left && { told: left.told, took },
  };
}
