/** The built-in model: loads without any option, is right without a network, and is trained. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { golden, hex } from "../package/bits.mjs";
import { cosine, dist, root, start } from "./harness.mjs";

/** The largest size of the whole pack, in bytes. */
const MOST = 12e6;
/** The shares of queries that have to find their passage first, and among the first three. */
const FIRST = 0.9;
const FIRST_THREE = 0.97;
/** Scores that are closer than this may be in another order on another device: the CPU rounds activations to 8 bits, see tests/meaning.rs. */
const TIE = 4e-3;

/** @type {{ passages: string[], queries: { query: string, answer: number }[] }} */
const { passages, queries } = JSON.parse(readFileSync(join(root, "tests/fixtures/meaning.json"), "utf8"));

/** @type {import("./harness.mjs").Environment} */
let environment;

before(async () => {
  environment = await start();
});

beforeEach(async () => {
  await environment.page.evaluate(() => felsic.Embedder.deleteCache());
  environment.server.requests.splice(0);
});

after(() => environment?.close());

/**
 * Returns the passages' scores for each query.
 *
 * @param {Omit<import("felsic").CreateOptions, "files">} [options]
 */
async function scores(options) {
  const texts = { passages, queries: queries.map(({ query }) => query), options };
  const made = await environment.page.evaluate(async ({ passages, queries, options }) => {
    const embedder = await felsic.Embedder.create(options);
    const embed = async (/** @type {string[]} */ texts) => (await embedder.embed(texts)).map((vector) => Array.from(vector));
    const result = { passages: await embed(passages), queries: await embed(queries), info: embedder.info };
    embedder.destroy();
    return result;
  }, texts);
  return { info: made.info, scores: made.queries.map((query) => made.passages.map((passage) => cosine(query, passage))) };
}

const asked = () => environment.server.requests.filter((path) => path.includes("/model/"));

test("it is small", () => {
  const folder = join(dist, "model");
  const bytes = readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
  assert.ok(bytes <= MOST, `${bytes} bytes`);
});

test("create() without a model loads it from the package; the second time without a request", async () => {
  const { page } = environment;
  assert.equal(await page.evaluate(() => felsic.Embedder.availability()), "downloadable");
  const first = await scores();
  assert.equal(first.info.model, "felsic-small-english");
  assert.deepEqual(
    asked()
      .map((path) => path.replace(/.*model\/|-.*/g, ""))
      .sort()
      .slice(0, 2),
    ["layers", "manifest.json"],
  );
  assert.equal(new Set(asked()).size, asked().length, "no file is asked for twice");
  assert.equal(await page.evaluate(() => felsic.Embedder.availability()), "available");

  environment.server.requests.splice(0);
  await page.route(/\/model\//, (route) => route.abort());
  const second = await scores();
  await page.unroute(/\/model\//);
  assert.deepEqual(second.scores, first.scores);
  assert.deepEqual(asked(), []);
});

test("a vector has the bits that it has in Node, with either binary and several workers", async () => {
  const { texts, vectors } = golden();
  for (const options of /** @type {const} */ ([{}, { simd: "plain", workers: 1 }, { workers: 3 }])) {
    const made = await environment.page.evaluate(
      async ({ texts, options }) => {
        const embedder = await felsic.Embedder.create(options);
        const made = (await embedder.embed(texts)).map((vector) => Array.from(vector));
        embedder.destroy();
        return made;
      },
      { texts, options },
    );
    assert.deepEqual(
      made.map((vector) => hex(Float32Array.from(vector))),
      vectors,
      JSON.stringify(options),
    );
  }
});

test("queries find passages with which they share no word", async (context) => {
  const { scores: found } = await scores();
  const ranks = queries.map(({ answer }, at) => found[at]?.filter((score) => score > Number(found[at]?.[answer])).length ?? NaN);
  const share = (/** @type {number} */ most) => ranks.filter((rank) => rank < most).length / ranks.length;
  context.diagnostic(`first ${share(1).toFixed(2)}, among three ${share(3).toFixed(2)}`);
  assert.ok(share(1) >= FIRST && share(3) >= FIRST_THREE, `first ${share(1)}, among three ${share(3)}`);
});

test("CPU, helpers and GPU rank alike", async () => {
  const wanted = (await scores({ workers: 1 })).scores;
  assert.deepEqual((await scores({ workers: 2 })).scores, wanted);
  const { info, scores: made } = await scores({ device: "webgpu" });
  assert.equal(info.device, "webgpu");
  for (const [at, { query }] of queries.entries()) {
    const [cpu, gpu] = [wanted[at] ?? [], made[at] ?? []];
    for (const [a] of passages.entries()) {
      for (const [b] of passages.entries()) {
        const clear = Number(cpu[a]) > Number(cpu[b]) + TIE;
        assert.ok(!clear || Number(gpu[a]) > Number(gpu[b]), `${query}: passages ${a} and ${b} have changed places`);
      }
    }
  }
});
