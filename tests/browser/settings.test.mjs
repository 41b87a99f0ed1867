/** The settings of a checkpoint outside its weights and tokenizer.json, in a page: honoured, or refused by name. */

import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { root, start } from "./harness.mjs";
import { Server } from "./server.mjs";

const MODEL = join(root, "tests/fixtures/models/tiny-gelu");
const POINTER =
  "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n";

/** @type {import("./harness.mjs").Environment} */
let environment;
/** @type {Server} */
let server;
const folder = mkdtempSync(join(tmpdir(), "felsic-settings-"));

before(async () => {
  environment = await start({ needs: [] });
  server = await Server.start({ "/models/": [folder] });
});

after(async () => {
  await environment?.close();
  await server?.close();
  rmSync(folder, { recursive: true });
});

/**
 * Copies the checkpoint with one file changed or added.
 *
 * @param {string} name
 * @param {string} file
 * @param {(content: any) => string | void} change
 */
function changed(name, file, change) {
  const copy = join(folder, name);
  cpSync(MODEL, copy, { recursive: true });
  const content = file.endsWith(".json") ? JSON.parse(readFileSync(join(copy, file), "utf8")) : undefined;
  writeFileSync(join(copy, file), change(content) ?? JSON.stringify(content));
  return server.url(`/models/${name}/`);
}

/**
 * Returns the tokens of a text, or the error that refuses the model.
 *
 * @param {string} model
 */
function count(model) {
  return environment.page.evaluate(async (model) => {
    try {
      const embedder = await felsic.Embedder.create({ model, workers: 1, cache: "none" });
      const tokens = await embedder.countTokens("a [MASK] b");
      embedder.destroy();
      return { tokens };
    } catch (error) {
      const { code, message } = /** @type {any} */ (error);
      return { code, message };
    }
  }, model);
}

test("flags of tokenizer_config.json count: a blank that the token took is one of its own", async () => {
  const same = await count(changed("same", "tokenizer_config.json", () => {}));
  const other = await count(
    changed("other", "tokenizer_config.json", ({ added_tokens_decoder: tokens }) => {
      for (const token of Object.values(tokens)) if (token.content === "[MASK]") token.lstrip = false;
    }),
  );
  assert.equal(typeof same.tokens, "number", same.message);
  assert.equal(other.tokens, (same.tokens ?? 0) + 1, other.message);
});

test("what is not run is refused by name", async () => {
  const left = await count(changed("left", "tokenizer_config.json", (config) => void (config.truncation_side = "left")));
  assert.equal(left.code, "tokenizer-unsupported");
  assert.match(left.message ?? "", /tokenizer_config\.json: truncation_side/);
});

test("the older files are asked for where they count", async () => {
  const remove = (/** @type {any} */ config) => void delete config.added_tokens_decoder;
  const before = await count(changed("older", "tokenizer_config.json", remove));
  const model = changed("oldest", "tokenizer_config.json", remove);
  // A letter of the vocabulary, which a blank and the letter were one token of.
  writeFileSync(join(folder, "oldest/added_tokens.json"), JSON.stringify({ b: 3000 }));
  const after = await count(model);
  assert.equal(after.tokens, (before.tokens ?? 0) + 1, after.message);
});

test("a git-lfs pointer is called one", async () => {
  const codes = {
    "model.safetensors": "weights-invalid",
    "tokenizer.json": "tokenizer-invalid",
    "config.json": "config-invalid",
  };
  for (const [file, code] of Object.entries(codes)) {
    const refused = await count(changed(`pointer-${file}`, file, () => POINTER));
    assert.equal(refused.code, code, refused.message);
    assert.match(refused.message ?? "", /git-lfs pointer.*git lfs pull/, file);
  }
});
