/** The engine itself in Firefox, where there is one: the vectors of the reference implementation, kept in Firefox's store. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { hasFirefox, startFirefox } from "./firefox.mjs";
import { cosine, dist, goldens } from "./harness.mjs";
import { Server } from "./server.mjs";

const MODEL = "tiny-silu";
const PACK = `${MODEL}-int8`;
/** The lowest cosine with int8 weights. */
const COSINE = 0.999;
/** Characters of a text that a slow Firefox can take, and the milliseconds for one such text from which on it is slow. */
const SHORT = 200;
const SLOW = 20;
const skip = hasFirefox ? false : "there is no Firefox";

/** @type {Awaited<ReturnType<typeof startFirefox>>} */
let environment;

/** The goldens that this Firefox can take in seconds. @type {ReturnType<typeof goldens>} */
let taken;

before(async () => {
  if (skip) return;
  environment = await startFirefox();
  taken = await feasible();
  await environment.page.evaluate(() => felsic.Embedder.deleteCache(), undefined);
});

after(() => environment?.close());

/**
 * Returns the vectors that Firefox computes for texts.
 *
 * @param {{ model: string, texts: string[], baseUrl?: string }} argument
 */
async function embed({ model, texts, ...options }) {
  const embedder = await felsic.Embedder.create({ model, workers: 1, ...options });
  const vectors = (await embedder.embed(texts, { strip: false })).map((vector) => Array.from(vector));
  const { kernel, space } = embedder.info;
  embedder.destroy();
  return { kernel, space, vectors };
}

/**
 * Returns the goldens that this Firefox can take in seconds; Chromium's tests take them all. Firefox 140 mixes two encodings of instructions,
 * which costs some Intel processors 50 ns at each change: there a text of 8,126 characters takes minutes.
 */
async function feasible() {
  const { page, server } = environment;
  const model = server.url(`/packs/${PACK}/`);
  await page.evaluate(embed, { model, texts: ["The first text also loads the model."] });
  const all = goldens(MODEL);
  const short = all.filter(({ text }) => text.length < SHORT);
  const started = performance.now();
  await page.evaluate(embed, { model, texts: short.map(({ text }) => text) });
  return (performance.now() - started) / short.length <= SLOW ? all : short;
}

test("vectors are those of the reference, the second time without a request for the pack", { skip }, async (context) => {
  const { page, server } = environment;
  const expected = taken;
  const argument = { model: server.url(`/packs/${PACK}/`), texts: expected.map(({ text }) => text) };
  const first = await page.evaluate(embed, argument);
  context.diagnostic(`kernel ${first.kernel}, ${taken.length} of ${goldens(MODEL).length} texts`);
  for (const [index, golden] of expected.entries()) {
    const near = cosine(first.vectors[index] ?? [], golden.embedding);
    assert.ok(near >= COSINE, `${golden.name} has cosine ${near}`);
  }
  server.requests.splice(0);
  const second = await page.evaluate(embed, argument);
  assert.deepEqual(second.vectors, first.vectors);
  assert.deepEqual(
    server.requests.filter((path) => path.startsWith("/packs/")),
    [`/packs/${PACK}/manifest.json`],
  );
});

test("a checkpoint gives what its pack gives, the second time without any request", { skip }, async () => {
  const texts = taken.map(({ text }) => text);
  const { page, server } = environment;
  const checkpoint = { model: server.url(`/models/${MODEL}/`), texts };
  const made = await page.evaluate(embed, checkpoint);
  assert.deepEqual(made, await page.evaluate(embed, { model: server.url(`/packs/${PACK}/`), texts }));
  server.requests.splice(0);
  assert.deepEqual(await page.evaluate(embed, checkpoint), made);
  assert.deepEqual(
    server.requests.filter((path) => path.startsWith("/models/")),
    [],
  );
});

test("workers come from another origin too", { skip }, async () => {
  const { page, server } = environment;
  const foreign = await Server.start({ "/felsic/": [dist] }, 0, "127.0.0.2");
  const argument = { model: server.url(`/packs/${PACK}/`), texts: ["A cat sleeps on the warm windowsill."] };
  const here = await page.evaluate(embed, argument);
  const there = await page.evaluate(embed, { ...argument, baseUrl: foreign.url("/felsic/") });
  assert.deepEqual(there.vectors, here.vectors);
  assert.ok(foreign.requests.some((path) => path.endsWith(".wasm")));
  await foreign.close();
});
