/** The words of felsic/search: terms, the words index, highlights, phrases. Nothing here needs a browser. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { eventually } from "../support/patience.mjs";
import { root } from "./harness.mjs";
import { searchModules } from "./search-modules.mjs";

/** @type {import("./search-modules.mjs").Modules} */
let modules;

before(async () => {
  modules = await searchModules();
});

const fixture = readFileSync(join(root, "tests/fixtures/terms.jsonl"), "utf8");
/** @type {{ text: string, terms: [string, number, number][] }[]} */
const texts = fixture
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line));

test("texts of many scripts have the terms that native code finds too", () => {
  assert.ok(texts.length >= 60);
  for (const { text, terms } of texts) {
    const found = modules.terms.terms(text).map(({ term, start, end }) => [term, start, end]);
    assert.deepEqual(found, terms, JSON.stringify(text));
  }
});

test("a lone surrogate ends a word and is in none", () => {
  assert.deepEqual(
    modules.terms.terms("ab\ud800cd \udc00").map(({ term }) => term),
    ["ab", "cd"],
  );
});

const PASSAGES = [
  { title: "Python › Lists", text: "A list is a sequence of items. Lists can be sorted, reversed and sliced." },
  { title: "Python › Files", text: "Opening a file gives a file object, which is closed at the end of a with block." },
  { title: "SQLite › Locks", text: "The sqlite3_busy_timeout function waits while a table of the database is locked." },
  { title: "", text: "東京タワーは東京にある。京都は遠い。" },
  { title: "Größe", text: "Die Straße nach Łódź; C++ und C# sind Sprachen." },
];

function index() {
  const words = new modules.words.Words();
  for (const [row, passage] of PASSAGES.entries()) words.add(row, passage);
  return words;
}

/** @param {string} query @param {import("../../pkg/dist/types/search/words.js").WordsOptions} [options] */
const rows = (query, options) =>
  index()
    .search(query, options)
    .map(({ row }) => row);

test("words are found whole, unfinished, misspelt, in other forms and in titles", () => {
  assert.deepEqual(rows("database"), [2]);
  assert.deepEqual(rows("datab"), [2]);
  assert.deepEqual(rows("databsae locked"), [2]);
  assert.deepEqual(rows("slice a sequence")[0], 0);
  assert.deepEqual(rows("python"), [0, 1]);
  assert.deepEqual(rows("grosse strasse lodz"), [4]);
  assert.deepEqual(rows("busy"), [2]);
  assert.deepEqual(rows("東京"), [3]);
  assert.deepEqual(rows("京 遠い"), [3]);
  assert.deepEqual(rows("…"), []);
  assert.deepEqual(rows("zzzzzz"), []);
});

test("a score says how much of the query a passage has", () => {
  const words = index();
  const [whole] = words.search("database locked");
  const [half] = words.search("database penguin");
  const [similar] = words.search("databaze");
  assert.ok(whole && half && similar);
  assert.equal(whole.score, 1);
  assert.ok(half.score > 0.2 && half.score < 0.5, `${half.score}`);
  assert.ok(similar.score > 0.5 && similar.score < 0.7, `${similar.score}`);
  assert.deepEqual(similar.terms, ["database"]);
});

test("a filter and a limit hold", () => {
  assert.deepEqual(rows("python", { allowed: (row) => row !== 0 }), [1]);
  assert.deepEqual(rows("python", { limit: 1 }), [0]);
});

test("a removed passage is not found, and its row can be used again", () => {
  const words = index();
  words.remove(0);
  words.remove(0);
  words.remove(99);
  assert.deepEqual(
    words.search("python").map(({ row }) => row),
    [1],
  );
  words.add(0, { text: "a new text about python" });
  assert.equal(words.passages, PASSAGES.length);
  assert.ok(words.search("new python").some(({ row }) => row === 0));
});

test("passages that come right after many were removed disturb nothing", async () => {
  const words = new modules.words.Words();
  const COUNT = 2000;
  words.add(COUNT, { text: "quokka" });
  for (let row = 0; row < COUNT; row++) words.add(row, { text: `z${row}` });
  for (let row = 0; row < COUNT / 2; row++) words.remove(row);
  // Whatever clears away in the background has begun with the terms that came last, and would go on with one that is split now.
  await new Promise((resolve) => setTimeout(resolve));
  words.add(COUNT + 1, { text: "quota" });
  // An error there fails the test by itself.
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual(
    ["quokka", "quota", "z1999", "z7"].map((query) => words.search(query, { limit: 1 })[0]?.row),
    [COUNT, COUNT + 1, 1999, undefined],
  );
  const isLeft = () => words.save().includes('"z7"');
  assert.equal(await eventually(isLeft, (is) => !is), false, "a term of removed passages is still there");
});

test("what is saved finds the same", () => {
  const words = index();
  words.remove(1);
  const loaded = modules.words.Words.load(words.save(), PASSAGES.length);
  for (const query of ["python", "the file", "databaze", "東京", "__proto__", "constructor"]) {
    assert.deepEqual(loaded.search(query), words.search(query), query);
  }
  assert.equal(modules.words.Words.load(new modules.words.Words().save(), 0).passages, 0);
});

test("terms with the names of an object's own things are terms like others", () => {
  const words = new modules.words.Words();
  words.add(0, { text: "__proto__ and constructor, hasOwnProperty" });
  for (const query of ["constructor", "hasOwnProperty", "proto"]) {
    assert.equal(modules.words.Words.load(words.save(), 1).search(query)[0]?.score, 1, query);
  }
});

test("words of most passages are left out of a query, unless it has no others", () => {
  const words = new modules.words.Words();
  for (let row = 0; row < 1500; row += 1) words.add(row, { text: row === 700 ? "the penguin" : "the same text" });
  const found = words.search("the penguin", { limit: 2000 });
  assert.deepEqual(found, [{ row: 700, score: 1, terms: ["penguin"] }]);
  assert.equal(words.search("the", { limit: 2000 }).length, 1500);
  assert.deepEqual(modules.words.Words.load(words.save(), 1500).search("the penguin", { limit: 2000 }), found);
});

test("rows that are wanted too are found beyond the limit", () => {
  assert.deepEqual(rows("python", { limit: 1, also: new Set([1, 2]) }), [0, 1]);
});

test("a term may have spaces in it", () => {
  const words = new modules.words.Words();
  words.add(0, { text: "ﷺ" });
  assert.equal(words.search("ﷺ")[0]?.score, 1);
});

test("a damaged words index is refused", () => {
  const saved = index().save();
  /** @type {[string, (index: any) => unknown][]} */
  const damages = [
    ["no object", () => 7],
    ["another version", (index) => (index.serializationVersion = 1)],
    ["a row that is not there", (index) => (index.documentIds[0] = 99)],
    ["a row twice", (index) => (index.documentIds[0] = 1)],
    ["a row that is no number", (index) => (index.documentIds[0] = "0")],
    ["a passage missing", (index) => delete index.documentIds[0]],
    ["a count below zero", (index) => (index.documentCount = -1)],
    ["too high a count", (index) => (index.nextId = 0)],
    ["other fields", (index) => (index.fieldIds = { title: 1, text: 0 })],
    ["stored fields", (index) => (index.storedFields = { 0: { html: "<b>" } })],
    ["a length missing", (index) => delete index.fieldLength[1]],
    ["a length that is no number", (index) => (index.fieldLength[1] = [1, "2"])],
    ["a length below zero", (index) => (index.averageFieldLength = [1, -2])],
    ["no terms", (index) => delete index.index],
    ["a term that is none", (index) => (index.index[0] = ["list"])],
    ["a term in no field", (index) => (index.index[0][1] = { 7: { 0: 1 } })],
    ["a term in no passage", (index) => (index.index[0][1] = { 1: { 99: 1 } })],
    ["a term never there", (index) => (index.index[0][1] = { 1: { 0: 0 } })],
  ];
  for (const [what, damage] of damages) {
    const index = JSON.parse(saved);
    const result = damage(index);
    const load = () => modules.words.Words.load(what === "no object" ? result : index, PASSAGES.length);
    assert.throws(load, { name: "FelsicError", code: "index-invalid" }, what);
  }
  assert.throws(() => modules.words.Words.load(saved.slice(1), 5), { code: "index-invalid" });
});

test("an exact phrase is found as it stands", () => {
  /** @param {string} query */
  const exact = (query) => rows(query, { exact: (row) => PASSAGES[row]?.text ?? "" });
  assert.deepEqual(exact("file object"), [1]);
  assert.deepEqual(exact("object file"), []);
  assert.deepEqual(exact("FILE  object,"), [1]);
  assert.deepEqual(exact("le object"), []);
  assert.deepEqual(exact("c++ und"), [4]);
  assert.deepEqual(exact("strasse nach lodz"), [4]);
  assert.deepEqual(exact("京タワ"), [3]);
});

test("highlights are where the terms stand in the original", () => {
  const { highlights, phraseRanges } = modules.highlight;
  /** @param {string} text @param {{ start: number, end: number }[]} ranges */
  const shown = (text, ranges) => ranges.map(({ start, end }) => text.slice(start, end));
  const [hit] = index().search("lists sort");
  const { text } = PASSAGES[0] ?? { text: "" };
  assert.deepEqual(shown(text, highlights(text, hit?.terms ?? [])), ["list", "Lists", "sorted"]);
  assert.deepEqual(shown("東京タワーは東京", highlights("東京タワーは東京", ["東京", "京タ"])), ["東京タ", "東京"]);
  assert.deepEqual(highlights("anything", []), []);
  assert.deepEqual(shown("The  Fußgänger\n zone", phraseRanges("The  Fußgänger\n zone", "fussganger ZONE")), [
    "Fußgänger\n zone",
  ]);
  assert.deepEqual(shown("ﬁne", phraseRanges("ﬁne", "fine")), ["ﬁne"]);
  assert.deepEqual(phraseRanges("aaaa", ""), []);
});
