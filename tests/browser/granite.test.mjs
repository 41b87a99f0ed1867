/** A pack of the full 97M shape: 180,000 ids, 12 layers, int8. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { cosine, createEmbedder, goldens, skipWithout, start } from "./harness.mjs";

const PACK = "granite-97m-int8";
/** The longest text that is embedded here, in tokens; the longer golden takes most of a minute. */
const LONGEST = 1000;
/** The lowest cosine, with int8 weights, table and activations. The weights are random, which is harder than trained ones. */
const COSINE = 0.999;

const skip = skipWithout(PACK);

/** @type {import("./harness.mjs").Environment | undefined} */
let environment;

before(async () => {
  if (!skip) environment = await start({ needs: [PACK] });
});

after(() => environment?.close());

test("granite-97m int8 loads and embeds", { skip }, async (context) => {
  assert.ok(environment);
  const start = performance.now();
  const embedder = await createEmbedder(environment, environment.pack(PACK));
  const loaded = performance.now() - start;
  const expected = goldens("granite-97m").filter(({ ids }) => ids.length <= LONGEST);
  const { info, memory, vectors, ids, milliseconds } = await embedder.evaluate(
    async (embedder, texts) => {
      const start = performance.now();
      const vectors = await embedder.embed(texts, { strip: false });
      const milliseconds = performance.now() - start;
      const ids = await Promise.all(texts.map((text) => embedder.tokenize(text, { strip: false })));
      return {
        info: embedder.info,
        memory: await embedder.memoryBytes(),
        vectors: vectors.map((vector) => Array.from(vector)),
        ids: ids.map((each) => Array.from(each)),
        milliseconds,
      };
    },
    expected.map(({ text }) => text),
  );

  assert.equal(info.dimensions, 384);
  let lowest = 1;
  for (const [index, golden] of expected.entries()) {
    assert.deepEqual(ids[index], golden.ids, `ids of ${golden.name}`);
    const near = cosine(vectors[index] ?? [], golden.embedding);
    assert.ok(near >= COSINE, `${golden.name} has cosine ${near}`);
    lowest = Math.min(lowest, near);
  }
  const tokens = expected.reduce((sum, { ids }) => sum + ids.length, 0);
  context.diagnostic(
    `loaded in ${(loaded / 1000).toFixed(1)} s, ${tokens} tokens in ${(milliseconds / 1000).toFixed(1)} s, ` +
      `${(memory / 1e6).toFixed(0)} MB of wasm memory, lowest cosine ${lowest.toFixed(5)}`,
  );
  await embedder.evaluate((embedder) => embedder.destroy());
});
