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
const skip = hasFirefox ? false : "there is no Firefox";

/** @type {Awaited<ReturnType<typeof startFirefox>>} */
let environment;

before(async () => {
  if (!skip) environment = await startFirefox();
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

test("vectors are those of the reference, the second time without a request for the pack", { skip }, async (context) => {
  const expected = goldens(MODEL);
  const { page, server } = environment;
  const argument = { model: server.url(`/packs/${PACK}/`), texts: expected.map(({ text }) => text) };
  const first = await page.evaluate(embed, argument);
  context.diagnostic(`kernel ${first.kernel}`);
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
  const texts = goldens(MODEL).map(({ text }) => text);
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
