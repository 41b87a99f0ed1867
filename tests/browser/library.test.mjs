/** The library of the private-search page: what it takes up, what it keeps, and what goes on after an interruption. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { reload, startLibrary } from "./library-harness.mjs";

/** @type {import("./library-harness.mjs").LibraryEnvironment} */
let environment;

before(async () => {
  environment = await startLibrary();
});

after(() => environment?.close());

test("files and texts are found by words and by meaning, and what cannot be read is listed", async () => {
  const { context, page } = await environment.visitor();
  const found = await page.evaluate(async () => {
    const { lib } = /** @type {any} */ (globalThis);
    const library = lib.open();
    await library.addItems([
      new File(["# Bread\n\nKnead the dough and let it rise overnight."], "bread.md", { lastModified: 1000 }),
      new File([new Uint8Array([0, 1, 2, 3])], "photo.jpg"),
      new File(["   "], "blank.txt"),
    ]);
    await library.addText("The train to Basel leaves at nine.", "travel");
    await lib.idle(library);
    const all = {
      words: await lib.find(library, "dough", { mode: "words" }),
      meaning: await lib.find(library, "how do I bake a loaf", { mode: "meaning" }),
      files: library.files.value,
      refused: library.refused.value.map(({ path, code }) => [path, code]),
      sources: library.sources.value,
      text: await library.text("files/travel.txt"),
      original: await (await library.original("files/bread.md"))?.text(),
      facts: await library.facts(),
      embedded: lib.embedded.length,
      problems: library.problems.value,
    };
    return all;
  });
  assert.deepEqual(found.words, ["files/bread.md"]);
  assert.equal(found.meaning[0], "files/bread.md");
  assert.deepEqual(
    found.files.map(({ path, kind }) => [path, kind]),
    [
      ["files/bread.md", "markdown"],
      ["files/travel.txt", "text"],
    ],
  );
  assert.deepEqual(found.refused, [
    ["files/photo.jpg", "binary"],
    ["files/blank.txt", "empty"],
  ]);
  assert.deepEqual(found.sources, [{ id: "files", name: "files", kind: "files", watched: "no", files: 2 }]);
  assert.equal(found.text, "The train to Basel leaves at nine.");
  assert.match(String(found.original), /^# Bread/);
  assert.equal(found.embedded, 2);
  assert.equal(found.facts.documents, 2);
  assert.equal(found.facts.device, "cpu");
  assert.ok(found.facts.memoryBytes > 1e6 && found.facts.dimensions > 0 && found.facts.collectionBytes > 0);
  assert.deepEqual(found.problems, []);

  // The second visit embeds nothing, and finds words before the model is there.
  await reload(page);
  const again = await page.evaluate(async () => {
    const { lib } = /** @type {any} */ (globalThis);
    const library = lib.open();
    await lib.until(() => library.collection.value, "the collection");
    const state = library.model.value.state;
    const early = await lib.find(library, "dough");
    await lib.idle(library);
    return {
      state,
      early,
      embedded: lib.embedded.length,
      files: library.files.value.length,
      refused: library.refused.value.length,
    };
  });
  assert.deepEqual(again, { state: "loading", early: ["files/bread.md"], embedded: 0, files: 2, refused: 2 });
  await context.close();
});

test("a watched folder is taken up again: added, changed, renamed and deleted files, and nothing else is embedded", async () => {
  const { context, page } = await environment.visitor();
  const first = await page.evaluate(async () => {
    const { lib } = /** @type {any} */ (globalThis);
    await lib.write("notes", {
      "a.txt": "Apples grow on trees.",
      "deep/b.md": "# Boats\n\nA boat floats.",
      "deep/c.txt": "Cats sleep all day.",
      ".hidden.txt": "hidden",
      "node_modules/x/readme.md": "left out",
    });
    const library = lib.open();
    await lib.pick(library, "notes");
    await lib.idle(library);
    return { files: library.files.value.map(({ path }) => path), embedded: lib.embedded.length, sources: library.sources.value };
  });
  assert.deepEqual(first.files.sort(), ["notes/a.txt", "notes/deep/b.md", "notes/deep/c.txt"]);
  assert.equal(first.embedded, 3);
  assert.equal(first.sources[0].watched, "yes");
  await page.evaluate(async () => {
    const { lib } = /** @type {any} */ (globalThis);
    await lib.write("notes", {
      "a.txt": "Apples grow on trees.",
      "deep/b.md": "# Boats\n\nA boat sinks.",
      "deep/c.txt": null,
      "deep/renamed.txt": "Cats sleep all day.",
      "new.txt": "News of the day.",
    });
  });
  await reload(page);
  const second = await page.evaluate(async () => {
    const { lib } = /** @type {any} */ (globalThis);
    const library = lib.open();
    await lib.until(() => library.files.value.some(({ path }) => path === "notes/new.txt"), "the new file");
    await lib.idle(library);
    const filtered = await lib.find(library, "boat", { mode: "words", filters: { folder: "notes/deep" } });
    const none = await lib.find(library, "apples", { mode: "words", filters: { folder: "notes/deep" } });
    const like = await lib.find(library, "", { like: "notes/a.txt" });
    const { documents } = library.collection.value.info;
    return {
      files: library.files.value.map(({ path }) => path),
      embedded: lib.embedded,
      filtered,
      none,
      like: like.includes("notes/a.txt"),
      documents,
    };
  });
  assert.deepEqual(second.files.sort(), ["notes/a.txt", "notes/deep/b.md", "notes/deep/renamed.txt", "notes/new.txt"]);
  assert.equal(second.documents, 4);
  // a.txt has another date and the same bytes.
  assert.deepEqual(second.embedded.map((text) => text.split("\n").at(-1)).sort(), [
    "A boat sinks.",
    "Cats sleep all day.",
    "News of the day.",
  ]);
  assert.deepEqual(second.filtered, ["notes/deep/b.md"]);
  assert.deepEqual(second.none, []);
  assert.equal(second.like, false);
  const third = await page.evaluate(async () => {
    const { lib } = /** @type {any} */ (globalThis);
    const library = lib.open();
    await lib.idle(library);
    await library.removeSource(library.sources.value[0].id);
    await lib.until(() => library.sources.value.length === 0, "the end of the source");
    return { files: library.files.value, documents: library.collection.value.info.documents };
  });
  assert.deepEqual(third, { files: [], documents: 0 });
  await context.close();
});
