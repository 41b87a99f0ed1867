/** The vectors of the reference implementation, through the JS API, on both devices. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { cosine, createEmbedder, goldens, largestDifference, start } from "./harness.mjs";

/** The largest difference of a component with f32 weights. */
const TOLERANCE = 1e-5;
/** The lowest cosine by format. */
const COSINE = { f32: 0.999, int8: 0.999, int4: 0.85 };
/**
 * The longest text on the software GPU of a test machine, in tokens; longer ones take minutes. Attention, the only part of a model in which
 * length decides, is the same for all formats of weights: unless all tests are requested, only f32 computes texts far beyond the local window, and
 * only where there is one.
 */
const LONGEST_ON_GPU = { f32: 1000, int8: 300 };
/** @param {string} model @param {string} format */
const longestOnGpu = (model, format) =>
  process.env.FELSIC_TEST_FULL || (format === "f32" && !BERTS.includes(model)) ? LONGEST_ON_GPU.f32 : LONGEST_ON_GPU.int8;

const root = resolve(import.meta.dirname, "../..");
const felsic = join(root, `target/release/felsic${process.platform === "win32" ? ".exe" : ""}`);
const skip = existsSync(felsic) || process.env.CI ? false : "`cargo build --release --bin felsic` makes the command line";

const BERTS = ["tiny-bert", "tiny-roberta", "tiny-xlmr"];
const MODELS = ["tiny-silu", "tiny-gelu", "tiny-gemma", ...BERTS];

/** @type {import("./harness.mjs").Environment} */
let environment;

before(async () => {
  environment = await start({ needs: MODELS.flatMap((model) => Object.keys(COSINE).map((format) => `${model}-${format}`)) });
});

after(() => environment?.close());

/**
 * What runs on the software GPU on request alone, since most of its time goes into compiling the same shaders again: every format runs with one
 * model, and every model with f32.
 */
const ON_REQUEST = [
  "tiny-gelu int4",
  "tiny-gemma int8",
  "tiny-gemma int4",
  "tiny-bert int4",
  "tiny-roberta int8",
  "tiny-roberta int4",
  "tiny-xlmr int8",
  "tiny-xlmr int4",
];

for (const device of /** @type {const} */ (["cpu", "webgpu"])) {
  for (const model of MODELS) {
    for (const [format, least] of Object.entries(COSINE)) {
      const isLeft = device === "webgpu" && ON_REQUEST.includes(`${model} ${format}`) && !process.env.FELSIC_TEST_FULL;
      test(`${model} ${format} on ${device}`, { skip: isLeft && "on request" }, async (context) => {
        const expected = goldens(model).filter(({ ids }) => device === "cpu" || ids.length <= longestOnGpu(model, format));
        const embedder = await createEmbedder(environment, environment.pack(`${model}-${format}`), device);
        const texts = expected.map(({ text }) => text);
        const { info, ids, vectors } = await embedder.evaluate(async (embedder, texts) => {
          const vectors = await embedder.embed(texts, { strip: false });
          const ids = await Promise.all(texts.map((text) => embedder.tokenize(text, { strip: false })));
          embedder.destroy();
          return {
            info: embedder.info,
            ids: ids.map((each) => Array.from(each)),
            vectors: vectors.map((each) => Array.from(each)),
          };
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
          assert.ok(near >= least, `${golden.name} has cosine ${near}`);
          worst = { difference: Math.max(worst.difference, difference), cosine: Math.min(worst.cosine, near) };
        }
        const { difference, cosine: lowest } = worst;
        context.diagnostic(
          `${expected.length} texts, largest difference ${difference.toExponential(1)}, lowest cosine ${lowest.toFixed(6)}, kernel ${info.kernel}`,
        );
      });
    }
  }
}

/**
 * The command line embeds the texts of a pack's self-test. The int8 kernels of both return identical bits; only the last bit of a cosine or a
 * square root may differ.
 */
for (const model of MODELS) {
  test(`${model} int8 in WebAssembly gives the vectors of native code`, { skip }, async (context) => {
    const url = environment.pack(`${model}-int8`);
    /** @type {{ self_test: { text: string }[] }} */
    const manifest = await (await fetch(new URL("manifest.json", url))).json();
    const texts = manifest.self_test.map(({ text }) => text);
    const embedder = await createEmbedder(environment, url, "cpu");
    const vectors = await embedder.evaluate(async (embedder, texts) => {
      const made = await embedder.embed(texts, { strip: false });
      embedder.destroy();
      return made.map((each) => Array.from(each));
    }, texts);
    const input = texts.map((text) => JSON.stringify({ text })).join("\n");
    const embed = ["embed", "--no-strip", "--model", join(root, `target/test-packs/${model}-int8`)];
    const lines = execFileSync(felsic, embed, { input, encoding: "utf8" }).trim().split("\n");
    assert.equal(lines.length, texts.length);
    let worst = 0;
    for (const [index, line] of lines.entries()) {
      const { embedding: native } = /** @type {{ embedding: number[] }} */ (JSON.parse(line));
      const made = vectors[index] ?? [];
      assert.equal(made.length, native.length);
      worst = Math.max(worst, largestDifference(made, native));
    }
    assert.ok(texts.length > 0 && worst <= 1e-6, `off by ${worst}`);
    context.diagnostic(`largest difference ${worst.toExponential(1)}`);
  });
}
