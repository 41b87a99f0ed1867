/** The vectors of the reference implementation, through the JS API, on both devices. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { cosine, createEmbedder, goldens, largestDifference, start } from "./harness.mjs";

/** Largest difference of a component with f32 weights. */
const TOLERANCE = 1e-5;
/** Lowest cosine with int8 weights. */
const COSINE = 0.999;
/** Longest text, in tokens, on the software GPU of a test machine, which takes minutes for the longest ones. */
const LONGEST_ON_GPU = 1000;

const MODELS = ["tiny-silu", "tiny-gelu", "tiny-gemma"];

/** @type {import("./harness.mjs").Environment} */
let environment;

before(async () => {
  environment = await start({ needs: MODELS.flatMap((model) => [`${model}-f32`, `${model}-int8`]) });
});

after(() => environment?.close());

for (const device of /** @type {const} */ (["cpu", "webgpu"])) {
  for (const model of MODELS) {
    for (const format of ["f32", "int8"]) {
      test(`${model} ${format} on ${device}`, async (context) => {
        const expected = goldens(model).filter(({ ids }) => device === "cpu" || ids.length <= LONGEST_ON_GPU);
        const embedder = await createEmbedder(environment, environment.pack(`${model}-${format}`), device);
        const texts = expected.map(({ text }) => text);
        const { info, ids, vectors } = await embedder.evaluate(async (embedder, texts) => {
          const vectors = await embedder.embed(texts, { strip: false });
          const ids = await Promise.all(texts.map((text) => embedder.tokenize(text, { strip: false })));
          embedder.destroy();
          return { info: embedder.info, ids: ids.map((each) => Array.from(each)), vectors: vectors.map((each) => Array.from(each)) };
        }, texts);
        assert.equal(info.device, device);
        assert.ok(info.format.startsWith(format), info.format);

        let worst = { difference: 0, cosine: 1 };
        for (const [index, golden] of expected.entries()) {
          assert.deepEqual(ids[index], golden.ids, `ids of ${golden.name}`);
          const vector = vectors[index] ?? [];
          const difference = largestDifference(vector, golden.embedding);
          const near = cosine(vector, golden.embedding);
          if (format === "f32") assert.ok(difference <= TOLERANCE, `${golden.name} is off by ${difference}`);
          assert.ok(near >= COSINE, `${golden.name} has cosine ${near}`);
          worst = { difference: Math.max(worst.difference, difference), cosine: Math.min(worst.cosine, near) };
        }
        const { difference, cosine: lowest } = worst;
        context.diagnostic(`${expected.length} texts, largest difference ${difference.toExponential(1)}, lowest cosine ${lowest.toFixed(6)}, kernel ${info.kernel}`);
      });
    }
  }
}
