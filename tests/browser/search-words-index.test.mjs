/**
 * The words index as `felsic index` writes it: `tests/fixtures/words.json` is what MiniSearch makes, and a test of native code
 * (`search/src/words`) makes the same. `FELSIC_WRITE_FIXTURES=1` writes the file again, after a change of terms or of MiniSearch.
 */

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { root } from "./harness.mjs";
import { searchModules } from "./search-modules.mjs";

/** @type {import("./search-modules.mjs").Modules} */
let modules;

before(async () => {
  modules = await searchModules();
});

const file = join(root, "tests/fixtures/words.json");

/** Each text of the terms' fixture is a passage; its title is the text before. */
function passages() {
  const lines = readFileSync(join(root, "tests/fixtures/terms.jsonl"), "utf8").trim().split("\n");
  /** @type {string[]} */
  const texts = lines.map((line) => JSON.parse(line).text);
  return texts.map((text, row) => ({ title: texts[row - 1] ?? "", text }));
}

test("MiniSearch makes the words index that native code makes", () => {
  const words = new modules.words.Words();
  for (const [row, passage] of passages().entries()) words.add(row, passage);
  const made = JSON.parse(words.save());
  made.index.sort((/** @type {[string]} */ [a], /** @type {[string]} */ [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  if (process.env.FELSIC_WRITE_FIXTURES) writeFileSync(file, JSON.stringify(made) + "\n");
  assert.deepEqual(made, JSON.parse(readFileSync(file, "utf8")));
});

test("a page can search the words index that native code makes", () => {
  const { length } = passages();
  const words = modules.words.Words.load(readFileSync(file, "utf8"), length);
  assert.equal(words.passages, length);
  const [best] = words.search("quick brown");
  const found = passages()[best?.row ?? -1];
  assert.match(`${found?.title} ${found?.text}`, /quick brown/);
});
