/**
 * How long a page waits for a tokenizer of a real vocabulary's size: `FELSIC_TEST_FULL=1 node --test tokenizer-load.test.mjs`. The vocabularies
 * are those that `cargo xtask test tokenizer --full` makes.
 */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { root, target } from "./harness.mjs";

/** The most milliseconds, of the median of [`RUNS`] loads. */
const MOST = 200;
const RUNS = 9;

/** Vocabularies, and the tiny model whose other files go with them. */
const VOCABULARIES = { "tokenizer-a": "tiny-silu", "tokenizer-f": "tiny-xlmr" };

/** Starts a binary as a worker does. @param {string} name */
async function binary(name) {
  const glue = await import(pathToFileURL(join(root, `pkg/dist/felsic_${name}.js`)).href);
  glue.initSync({ module: readFileSync(join(root, `pkg/dist/felsic_${name}_bg.wasm`)) });
  return glue;
}

/**
 * Makes the compact tokenizer, and the manifest of a pack that has it and the weights of a tiny model.
 *
 * @param {any} Packer
 * @param {string} vocabulary
 * @param {string} model
 */
function made(Packer, vocabulary, model) {
  const folders = [join(target, "checkpoints", vocabulary), join(root, "tests/fixtures/models", model)];
  const files = new Map();
  for (let file; (file = Packer.nextSettings(files)) !== undefined;) {
    const path = folders.map((folder) => join(folder, file)).find((path) => existsSync(path));
    const bytes =
      path === undefined ? undefined : readFileSync(path, "utf8").replace(/"vocab_size": \d+/, '"vocab_size": 262144');
    files.set(file, bytes === undefined ? undefined : new TextEncoder().encode(bytes));
  }
  const json = readFileSync(join(target, "checkpoints", vocabulary, "tokenizer.json"));
  const tokenizer = new Packer(files, json, vocabulary, undefined).tokenizer();
  const manifest = JSON.parse(readFileSync(join(target, "test-packs", `${model}-int8`, "manifest.json"), "utf8"));
  const sha256 = createHash("sha256").update(tokenizer).digest("hex");
  manifest.tokenizer = { ...manifest.tokenizer, file: `tokenizer-${sha256.slice(0, 16)}.bin`, bytes: tokenizer.length, sha256 };
  return { tokenizer, manifest: new TextEncoder().encode(JSON.stringify(manifest)) };
}

/**
 * Returns the milliseconds from when a tokenizer's bytes have been checked until it is there, and found to have more tokens than the tiny model.
 *
 * @param {any} Engine
 * @param {ReturnType<typeof made>} pack
 */
async function load(Engine, { tokenizer, manifest }) {
  let checked = 0;
  const files = {
    async open(/** @type {string} */ file) {
      const isManifest = file === "manifest.json";
      const pieces = [isManifest ? manifest : tokenizer];
      return {
        read: async () => pieces.pop(),
        async close(/** @type {string} */ outcome) {
          assert.equal(outcome, "verified");
          if (!isManifest) checked = performance.now();
        },
      };
    },
  };
  await assert.rejects(Engine.create("http://localhost/", "cpu", files), /texts have ids up to/);
  return performance.now() - checked;
}

for (const [vocabulary, model] of Object.entries(VOCABULARIES)) {
  const isThere = existsSync(join(target, "checkpoints", vocabulary, "tokenizer.json"));
  const skip = process.env.FELSIC_TEST_FULL && isThere ? false : "on request";
  test(`${vocabulary} loads in time`, { skip }, async (context) => {
    const pack = made((await binary("packer")).Packer, vocabulary, model);
    const { Engine } = await binary("cpu");
    const times = [];
    while (times.length < RUNS) times.push(await load(Engine, pack));
    const [first = 0] = times;
    times.sort((a, b) => a - b);
    const [lowest = 0] = times;
    const median = times[RUNS >> 1] ?? 0;
    const figures = `first ${first.toFixed(0)} ms, median ${median.toFixed(0)}, lowest ${lowest.toFixed(0)}`;
    context.diagnostic(`${pack.tokenizer.length} bytes: ${figures}`);
    assert.ok(median <= MOST, figures);
  });
}
