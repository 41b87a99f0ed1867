/** The library of the private-search page: what it takes up, what it keeps, and what goes on after an interruption. */

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { drawn, pdf } from "../fixtures/files/pdf.mjs";
import { reload, startLibrary } from "./library-harness.mjs";
import { random } from "./store-harness.mjs";

/** @typedef {import("./library-harness.mjs").Page} Page */

/** @type {import("./library-harness.mjs").LibraryEnvironment} */
let environment;

before(async () => {
  environment = await startLibrary();
});

after(() => environment?.close());

// Each has a browser context of its own, and most of the time they wait.
describe("the library", { concurrency: 3 }, () => {
  test("files and texts are found by words and by meaning, and what cannot be read is listed", async () => {
    const { context, page } = await environment.visitor();
    const found = await page.evaluate(async () => {
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
        refused: library.refused.value.map((/** @type {any} */ { path, code }) => [path, code]),
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
      found.files.map((/** @type {any} */ { path, kind }) => [path, kind]),
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

  test("a library that keeps nothing takes its documents over to another model, and leaves nothing behind", async () => {
    const { context, page } = await environment.visitor();
    const found = await page.evaluate(async () => {
      const library = lib.open({ keeps: false });
      await library.addItems([new File(["Knead the dough and let it rise overnight."], "bread.txt")]);
      await library.addText("The train to Basel leaves at nine.", "travel");
      await lib.idle(library);
      const ask = () => lib.find(library, "how do I bake a loaf", { mode: "meaning" });
      const before = await ask();
      await library.useModel("other", "cpu");
      await lib.idle(library);
      const { model, documents, waiting } = library.collection.value.info;
      const after = await ask();
      const words = await lib.find(library, "Basel", { mode: "words" });
      const problems = library.problems.value;
      const facts = await library.facts();
      const databases = (await indexedDB.databases()).length;
      return { before, after, words, model, documents, waiting, problems, kept: facts.persisted, databases };
    });
    assert.equal(found.before[0], "files/bread.txt");
    assert.equal(found.after[0], "files/bread.txt");
    assert.deepEqual(found.words, ["files/travel.txt"]);
    assert.deepEqual([found.model, found.documents, found.waiting, found.kept], ["other", 2, 0, "never"]);
    assert.deepEqual([found.problems, found.databases], [[], 0]);
    await reload(page);
    const again = await page.evaluate(async () => {
      const library = lib.open({ keeps: false });
      await lib.idle(library);
      return [library.files.value.length, library.collection.value.info.documents];
    });
    assert.deepEqual(again, [0, 0]);
    await context.close();
  });

  test("a watched folder is taken up again: added, changed, renamed and deleted files, and nothing else is embedded", async () => {
    const { context, page } = await environment.visitor();
    const first = await page.evaluate(async () => {
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
      const seen = {
        files: library.files.value.map((/** @type {any} */ { path }) => path),
        embedded: lib.embedded.length,
        sources: library.sources.value,
      };
      // What is changed next is changed between two visits; while it is open, the browser may tell this one.
      library.close();
      return seen;
    });
    assert.deepEqual(first.files.sort(), ["notes/a.txt", "notes/deep/b.md", "notes/deep/c.txt"]);
    assert.equal(first.embedded, 3);
    assert.equal(first.sources[0].watched, "yes");
    await page.evaluate(async () => {
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
      const library = lib.open();
      await lib.until(() => library.files.value.some((/** @type {any} */ { path }) => path === "notes/new.txt"), "the new file");
      await lib.idle(library);
      const filtered = await lib.find(library, "boat", { mode: "words", filters: { folder: "notes/deep" } });
      const none = await lib.find(library, "apples", { mode: "words", filters: { folder: "notes/deep" } });
      const like = await lib.find(library, "", { like: "notes/a.txt" });
      const cats = await lib.find(library, "animals that rest", { mode: "meaning", filters: { path: "notes/deep/renamed.txt" } });
      const { documents } = library.collection.value.info;
      return {
        files: library.files.value.map((/** @type {any} */ { path }) => path),
        embedded: lib.embedded,
        filtered,
        none,
        like: like.includes("notes/a.txt"),
        cats,
        documents,
      };
    });
    assert.deepEqual(second.files.sort(), ["notes/a.txt", "notes/deep/b.md", "notes/deep/renamed.txt", "notes/new.txt"]);
    assert.equal(second.documents, 4);
    // a.txt has another date and the same bytes, and what was renamed takes its vectors along.
    assert.deepEqual(second.embedded.map((/** @type {string} */ text) => text.split("\n").at(-1)).sort(), [
      "A boat sinks.",
      "News of the day.",
    ]);
    assert.deepEqual(second.filtered, ["notes/deep/b.md"]);
    assert.deepEqual(second.none, []);
    assert.equal(second.like, false);
    assert.deepEqual(second.cats, ["notes/deep/renamed.txt"]);
    const third = await page.evaluate(async () => {
      const library = lib.open();
      await lib.idle(library);
      // While the page is open, it looks when the person comes back, or sooner if the browser tells.
      await lib.write("notes", { "while-open.txt": "Written while the page is open.", "new.txt": null });
      dispatchEvent(new Event("focus"));
      const isThere = (/** @type {string} */ name) => library.files.value.some((/** @type {any} */ { path }) => path === name);
      await lib.until(() => isThere("notes/while-open.txt") && !isThere("notes/new.txt"), "the changes");
      await library.removeSource(library.sources.value[0].id);
      // The library of the second part does the work: of it this one learns by the ledger and by the collection, in any order.
      const isEmpty = () => library.sources.value.length === 0 && library.collection.value.info.documents === 0;
      await lib.until(isEmpty, "the end of the source");
      return { files: library.files.value, documents: library.collection.value.info.documents };
    });
    assert.deepEqual(third, { files: [], documents: 0 });
    await context.close();
  });

  /** Files of a few passages, each with a word of its own. @param {number} from @param {number} count */
  const numbered = (from, count) =>
    Array.from({ length: count }, (_, at) => [`n${from + at}.txt`, `Number${from + at} is one of many numbers.`]);

  /** Adds them to the library of a page, which is not waited for. @param {Page} page @param {string[][]} files */
  const add = (page, files) =>
    page.evaluate((files) => void library.addItems(files.map(([name, text]) => new File([String(text)], String(name)))), files);

  /** Opens the library of a page. @param {Page} page @param {number} [delay] */
  const open = (page, delay = 0) =>
    page.evaluate((delay) => {
      lib.settings.delay = delay;
      Object.assign(globalThis, { library: lib.open() });
    }, delay);

  /** What the collection and the ledger have. @param {Page} page */
  const held = (page) =>
    page.evaluate(() => {
      const { documents, passages, waiting } = library.collection.value.info;
      const { value } = library.files;
      return { documents, passages, waiting, files: value.length, embedded: new Set(lib.embedded).size, given: lib.given.texts };
    });

  test("a moved file, a moved folder, and a file that is given again under another name take their vectors along", async () => {
    const { context, page } = await environment.visitor();
    const found = await page.evaluate(async () => {
      const parts = (/** @type {string} */ name) =>
        Array.from({ length: 40 }, (_, at) => `Part ${at} of ${name}: ${`${name} ${at} `.repeat(30)}`).join("\n\n");
      const texts = { "one.txt": parts("one"), "in/two.txt": parts("two"), "in/three.md": `# Three\n\n${parts("three")}` };
      await lib.write("first", texts);
      await lib.write("second", { "kept.txt": "Something else." });
      const library = lib.open();
      for (const name of ["first", "second"]) await lib.pick(library, name);
      await lib.idle(library);
      const before = [lib.embedded.length, library.collection.value.info.passages];
      // One is renamed, and a folder with two is moved to another watched folder.
      await lib.write("first", { "one.txt": null, in: null, "uno.txt": texts["one.txt"] });
      await lib.write("second", { "in/two.txt": texts["in/two.txt"], "in/three.md": texts["in/three.md"] });
      lib.embedded.length = 0;
      await library.refresh();
      await lib.until(() => library.files.value.some((/** @type {any} */ { path }) => path === "second/in/three.md"), "the move");
      await lib.idle(library);
      await library.addItems([new File([texts["one.txt"]], "copy.txt")]);
      await lib.idle(library);
      const files = library.files.value.map((/** @type {any} */ { path }) => path).sort();
      const { documents, passages, waiting } = library.collection.value.info;
      return {
        before,
        embedded: lib.embedded.map((/** @type {string} */ text) => text.slice(0, 40)),
        files,
        documents,
        passages,
        waiting,
      };
    });
    const [embedded, passages] = found.before;
    assert.equal(embedded, passages);
    assert.ok(embedded > 60, `${embedded} passages`);
    assert.deepEqual(found.files, [
      "files/copy.txt",
      "first/uno.txt",
      "second/in/three.md",
      "second/in/two.txt",
      "second/kept.txt",
    ]);
    assert.deepEqual([found.documents, found.waiting], [5, 0]);
    assert.deepEqual(found.embedded, []);
    await context.close();
  });

  test("the work is paused, goes on after a reload that finds it paused, and ends when it is cancelled", async () => {
    const { context, page } = await environment.visitor();
    await open(page, 60);
    await add(page, numbered(0, 40));
    await page.evaluate(async () => {
      await lib.until(() => library.progress.value?.passages.done > 2, "the first vectors");
      library.pause();
      await lib.until(() => library.progress.value?.speed === undefined, "the pause");
    });
    const paused = await held(page);
    assert.ok(paused.waiting > 0 && paused.documents === 40, JSON.stringify(paused));
    const words = await page.evaluate(async () => {
      await new Promise((resolve) => setTimeout(resolve, 300));
      return {
        found: await lib.find(library, "number39", { mode: "words" }),
        progress: library.progress.value,
        paused: library.paused.value,
      };
    });
    assert.equal(words.found[0], "files/n39.txt");
    assert.equal(words.paused, true);
    assert.equal(words.progress.left, undefined);
    // What was being embedded may have come to its end; nothing else has begun.
    const later = await held(page);
    assert.ok(later.waiting >= paused.waiting - 32 && later.waiting > 0, JSON.stringify([paused, later]));

    await reload(page);
    await open(page, 20);
    await page.evaluate(async () => {
      await lib.until(() => library.model.value.state === "ready" && library.paused.value && library.progress.value, "the pause");
      await new Promise((resolve) => setTimeout(resolve, 300));
    });
    assert.equal((await held(page)).given, 0);
    await page.evaluate(async () => {
      library.resume();
      await lib.until(
        () => library.progress.value?.left !== undefined || library.progress.value === undefined,
        "a time that is left",
      );
      await lib.idle(library);
    });
    const resumed = await held(page);
    assert.deepEqual([resumed.waiting, resumed.documents, resumed.given], [0, 40, later.waiting]);

    await add(page, numbered(100, 40));
    await page.evaluate(async () => {
      await lib.until(() => library.progress.value?.step === "embedding", "the work");
      await library.cancel();
      await lib.until(() => library.progress.value === undefined, "the end");
      // What was under way comes to its end.
      await lib.until(() => library.files.value.length === library.collection.value.info.documents, "the files that are left");
    });
    const cancelled = await held(page);
    assert.ok(cancelled.waiting > 0, "nothing was left to cancel");
    assert.equal(cancelled.files, cancelled.documents);
    await reload(page);
    await open(page);
    await page.evaluate(async () => {
      await lib.until(() => library.model.value.state === "ready", "the model");
      await new Promise((resolve) => setTimeout(resolve, 300));
    });
    assert.equal((await held(page)).given, 0);
    // Whoever adds something wants it found.
    await add(page, numbered(200, 1));
    await page.evaluate(() => lib.idle(library));
    const last = await held(page);
    assert.deepEqual([last.waiting, last.documents], [0, 81]);
    await context.close();
  });

  test("after a crash in the middle the work goes on by itself, embeds nothing twice and names the files that are lost", async () => {
    const { context, page, newTab } = await environment.visitor();
    await open(page, 60);
    await page.evaluate(
      async (files) => {
        await lib.write("many", Object.fromEntries(files));
        await lib.pick(library, "many");
        await lib.until(() => library.progress.value?.passages.done > 2, "the first vectors");
      },
      numbered(0, 40),
    );
    const before = await held(page);
    const devtools = await context.newCDPSession(page);
    const crashed = page.waitForEvent("crash");
    void devtools.send("Page.crash").catch(() => {});
    await crashed;
    const tab = await newTab();
    await open(tab);
    await tab.evaluate(() => lib.idle(library));
    const after = await held(tab);
    assert.deepEqual([after.waiting, after.documents, after.files], [0, 40, 40]);
    assert.ok(after.given <= 40 - (before.passages - before.waiting), JSON.stringify([before, after]));

    // A file that is at hand in the page alone, and that the page has not read when it ends.
    await tab.evaluate(async () => {
      library.pause();
      await library.addItems([new File(["lost"], "lost.txt")]);
      await lib.until(() => library.progress.value?.step === "reading", "the file that waits");
    });
    await reload(tab);
    await open(tab);
    const lost = await tab.evaluate(async () => {
      await lib.until(() => library.problems.value.length > 0, "the problem");
      await lib.until(() => library.refused.value.length > 0, "the refusal");
      const [problem] = library.problems.value;
      library.dismiss(problem.id);
      await lib.until(() => library.problems.value.length === 0, "putting it away");
      return { problem, refused: library.refused.value };
    });
    assert.equal(lost.problem.message, "library.problem.lost");
    assert.deepEqual(
      lost.refused.map((/** @type {any} */ { path, code }) => [path, code]),
      [["files/lost.txt", "unreadable"]],
    );
    await context.close();
  });

  /** How often a tab is killed; `FELSIC_KILLS=100` for a long run. */
  const KILLS = Number(process.env.FELSIC_KILLS ?? 2);

  test(
    `after ${KILLS} kills at any moment the library has what its folder has`,
    { timeout: 60_000 + KILLS * 10_000 },
    async () => {
      const { context, page, newTab } = await environment.visitor();
      const next = random(7);
      /** The files of the folder. @type {Map<string, string>} */
      const folder = new Map();
      let tab = page;
      for (let round = 0; round <= KILLS; round += 1) {
        /** What a person does to the folder: new files, changed ones, deleted ones. @type {Record<string, string | null>} */
        const changes = {};
        for (let at = 0; at < 8; at += 1) {
          const path = `${next() < 0.5 ? "deep/" : ""}f${Math.floor(next() * 24)}.txt`;
          const text = next() < 0.3 ? null : `Round ${round}, file ${at}: ${"some words ".repeat(Math.floor(next() * 300))}`;
          if (text === null && !folder.delete(path)) continue;
          if (text !== null) folder.set(path, text);
          changes[path] = text;
        }
        await tab.evaluate((changes) => lib.write("folder", changes), changes);
        await open(tab, 5);
        await tab.evaluate(async () => void lib.pick(library, "folder"));
        if (round === KILLS) break;
        await new Promise((resolve) => setTimeout(resolve, next() * 1500));
        const devtools = await context.newCDPSession(tab);
        const crashed = tab.waitForEvent("crash");
        void devtools.send("Page.crash").catch(() => {});
        await crashed;
        tab = await newTab();
      }
      const end = await tab.evaluate(async () => {
        await lib.idle(library, 60_000);
        const paths = library.files.value.map((/** @type {any} */ { path }) => path);
        const texts = Object.fromEntries(
          await Promise.all(paths.map(async (/** @type {string} */ path) => [path, await library.text(path)])),
        );
        const { documents, waiting } = library.collection.value.info;
        return { texts, documents, waiting, refused: library.refused.value };
      });
      assert.deepEqual(end.texts, Object.fromEntries([...folder].map(([path, text]) => [`folder/${path}`, text])));
      assert.deepEqual([end.documents, end.waiting, end.refused], [folder.size, 0, []]);
      await context.close();
    },
  );

  test("of several tabs one works, the others show its state and can command it, and another takes over", async () => {
    const { context, page, newTab } = await environment.visitor();
    await open(page, 30);
    await page.evaluate(() => lib.idle(library));
    const other = await newTab();
    await open(other, 30);
    await other.evaluate(() => lib.idle(library));
    await add(other, numbered(0, 30));
    await other.evaluate(() => lib.until(() => library.progress.value?.passages.done > 2, "the work of the other tab"));
    assert.equal((await held(other)).given, 0);
    await other.evaluate(async () => {
      library.pause();
      const isThere = () => library.files.value.length === 30 && library.collection.value.info.documents === 30;
      await lib.until(() => library.paused.value && isThere(), "the pause");
    });
    const found = await other.evaluate(async () => ({
      words: await lib.find(library, "number7", { mode: "words" }),
      version: library.version.value,
    }));
    assert.equal(found.words[0], "files/n7.txt");
    assert.ok(found.version > 0);
    await page.evaluate(() => lib.until(() => library.paused.value, "the pause in the tab that works"));
    const before = await held(page);
    await page.close();
    await other.evaluate(async () => {
      library.resume();
      await lib.until(() => lib.given.texts > 0, "the work of this tab");
      await lib.idle(library);
    });
    const after = await held(other);
    assert.deepEqual([after.waiting, after.documents, after.files], [0, 30, 30]);
    assert.ok(after.given <= before.waiting, JSON.stringify([before, after]));
    await context.close();
  });

  test("another model takes over when its vectors are made; one that cannot be loaded leaves everything as it is", async () => {
    const { context, page } = await environment.visitor();
    await open(page);
    await add(page, numbered(0, 20));
    await page.evaluate(() => lib.idle(library));
    const changed = await page.evaluate(async () => {
      await library.useModel("broken", "cpu");
      const { state, problem: why } = library.model.value;
      const [problem] = library.problems.value;
      const served = await lib.find(library, "number3", { mode: "meaning" });
      lib.settings.delay = 40;
      const { space } = library.collection.value.info;
      await library.useModel("other", "cpu");
      await lib.until(() => library.progress.value?.step === "embedding", "the new vectors");
      const meanwhile = await lib.find(library, "number3", { mode: "meaning" });
      const during = library.collection.value.info;
      // What is added meanwhile is found at once.
      await library.addText("A latecomer arrives.", "late");
      await lib.until(() => library.files.value.length === 21, "the file");
      await lib.idle(library);
      const { info } = library.collection.value;
      const { model } = await library.facts();
      return {
        state,
        why,
        problem,
        served,
        space,
        meanwhile,
        during: { ...during },
        after: { ...info },
        model,
        problems: library.problems.value,
        end: await lib.find(library, "latecomer", { mode: "meaning" }),
      };
    });
    // The model before goes on.
    assert.equal(changed.state, "ready");
    assert.match(changed.why, /not-found|manifest/);
    assert.equal(changed.problem.message, "library.problem.model");
    assert.ok(changed.served.includes("files/n3.txt"));
    assert.ok(changed.meanwhile.includes("files/n3.txt"));
    assert.equal(changed.during.space, changed.space);
    assert.deepEqual([changed.after.state, changed.after.waiting, changed.after.documents], ["ready", 0, 21]);
    assert.notEqual(changed.after.space, changed.space);
    assert.equal(changed.model, "other");
    assert.deepEqual(changed.problems, []);
    assert.equal(changed.end[0], "files/late.txt");

    await reload(page);
    await open(page);
    const again = await page.evaluate(async () => {
      await lib.idle(library);
      return { model: (await library.facts()).model, given: lib.given.texts };
    });
    assert.deepEqual(again, { model: "other", given: 0 });
    // A visit that ends in the middle of the change goes on with the next one.
    await page.evaluate(async () => {
      lib.settings.delay = 40;
      await library.useModel("", "auto");
      await lib.until(() => library.progress.value?.step === "embedding", "the new vectors");
    });
    await reload(page);
    await open(page);
    const end = await page.evaluate(async () => {
      await lib.until(() => library.collection.value, "the collection");
      const early = await lib.find(library, "number3");
      await lib.idle(library);
      return {
        early,
        info: { ...library.collection.value.info },
        found: await lib.find(library, "number3", { mode: "meaning" }),
      };
    });
    assert.equal(end.early[0], "files/n3.txt");
    assert.equal(end.info.state, "ready");
    assert.equal(end.info.space, changed.space);
    assert.ok(end.found.includes("files/n3.txt"));
    await context.close();
  });

  test("a full disk pauses the work with a problem; with room again it goes on", async () => {
    const { context, page } = await environment.visitor();
    await open(page);
    await page.evaluate(() => lib.idle(library));
    const devtools = await context.newCDPSession(page);
    const { origin } = new URL(environment.url("/"));
    const usage = await page.evaluate(async () => Number((await navigator.storage.estimate()).usage));
    await devtools.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: usage + 200_000 });
    const full = await page.evaluate(async () => {
      const files = Array.from({ length: 30 }, (_, at) => new File([`${at} ${"long text ".repeat(3000)}`], `long${at}.txt`));
      await library.addItems(files);
      await lib.until(() => library.problems.value.length > 0, "the problem");
      await lib.until(() => library.paused.value, "the pause");
      return { problems: library.problems.value, files: library.files.value.length };
    });
    assert.deepEqual(
      full.problems.map((/** @type {any} */ { id, message, code }) => [id, message, code]),
      [["quota", "library.problem.quota", "quota-exceeded"]],
    );
    assert.ok(full.files < 30);
    await devtools.send("Storage.overrideQuotaForOrigin", { origin });
    const roomy = await page.evaluate(async () => {
      library.resume();
      await lib.until(() => library.files.value.length === 30, "the rest of the files");
      return { problems: library.problems.value, documents: library.collection.value.info.documents };
    });
    assert.deepEqual(roomy, { problems: [], documents: 30 });
    await context.close();
  });

  test("whatever is written when the disk is full pauses the work, and with room again it goes on", async () => {
    const { context, page } = await environment.visitor();
    await open(page);
    const seen = await page.evaluate(async () => {
      await lib.idle(library);
      const { put } = IDBObjectStore.prototype;
      /** Takes what is written into a store for too much. @param {string} store */
      const fill = (store) => {
        IDBObjectStore.prototype.put = function (...values) {
          if (this.name === store) throw new DOMException("no room", "QuotaExceededError");
          return put.apply(this, values);
        };
      };
      const outcome = async () => {
        await lib.until(() => library.paused.value, "the pause");
        await lib.until(() => library.problems.value.length > 0, "the problem");
        return library.problems.value.map((/** @type {any} */ { id }) => id).join();
      };
      const again = async (/** @type {number} */ documents) => {
        IDBObjectStore.prototype.put = put;
        library.resume();
        await lib.until(() => library.problems.value.length === 0 && !library.paused.value, "the end of the pause");
        await lib.until(() => library.collection.value.info.documents === documents, "the documents");
        await lib.idle(library);
      };
      /** @type {Record<string, string>} */
      const told = {};
      fill("sources");
      await library.addText("Apples grow on trees.", "a");
      told.sources = await outcome();
      await again(0);
      fill("files");
      await library.addText("Boats float on the water.", "b");
      told.files = await outcome();
      await again(1);
      const bytes = await new Response(library.export("jsonl")).arrayBuffer();
      await library.removeSource("files");
      await lib.idle(library);
      fill("files");
      await library.import(new File([bytes], "library.jsonl"));
      told.import = await outcome();
      await again(1);
      return { told, found: await lib.find(library, "boats", { mode: "words" }) };
    });
    assert.deepEqual(seen, { told: { sources: "quota", files: "quota", import: "quota" }, found: ["files/b.txt"] });
    await context.close();
  });

  test("what is exported can be imported, and deleting everything leaves nothing on the machine", async () => {
    const { context, page, newTab } = await environment.visitor();
    await open(page);
    const exported = await page.evaluate(async () => {
      await lib.write("notes", { "a.txt": "Apples grow on trees." });
      await lib.pick(library, "notes");
      await library.addItems([new File(["# Bread\n\nKnead the dough."], "bread.md")]);
      await lib.idle(library);
      const bytes = await new Response(library.export("jsonl")).arrayBuffer();
      await library.removeSource("files");
      await lib.until(() => library.files.value.length === 1, "the end of the source");
      const gone = await lib.find(library, "dough", { mode: "words" });
      lib.given.texts = 0;
      await library.import(new File([bytes], "library.jsonl"));
      await lib.idle(library);
      await lib.until(() => library.files.value.length === 2, "the files of the import");
      const result = {
        gone,
        found: await lib.find(library, "dough", { filters: { path: "files/bread.md", kinds: ["markdown"] } }),
        files: library.files.value.map((/** @type {any} */ { path, kind, source }) => [path, kind, source]).sort(),
        sources: library.sources.value.map((/** @type {any} */ { name, files }) => [name, files]).sort(),
      };
      await library.import(new File(["{broken"], "broken.jsonl"));
      return { ...result, problems: library.problems.value.map((/** @type {any} */ { message }) => message) };
    });
    assert.deepEqual(exported.gone, []);
    assert.deepEqual(exported.found, ["files/bread.md"]);
    assert.deepEqual(
      exported.files.map((/** @type {any} */ [path, kind]) => [path, kind]),
      [
        ["files/bread.md", "markdown"],
        ["notes/a.txt", "text"],
      ],
    );
    assert.deepEqual(exported.sources, [
      ["files", 1],
      ["notes", 1],
    ]);
    assert.deepEqual(exported.problems, ["library.problem.import"]);

    const other = await newTab();
    await open(other);
    await other.evaluate(() => lib.idle(library));
    const left = await other.evaluate(async () => {
      await caches.open("something");
      localStorage.setItem("something", "else");
      await library.deleteEverything();
      const names = [];
      for await (const name of (await navigator.storage.getDirectory()).keys()) names.push(name);
      return {
        names,
        databases: await indexedDB.databases(),
        caches: await caches.keys(),
        settings: Object.keys(localStorage),
        files: library.files.value,
        sources: library.sources.value,
        model: library.model.value.state,
      };
    });
    assert.deepEqual(left, { names: [], databases: [], caches: [], settings: [], files: [], sources: [], model: "none" });
    const here = await page.evaluate(async () => {
      await lib.until(() => library.collection.value === undefined, "the end in the other tab");
      // A library that is used again begins anew.
      await library.addText("A new beginning.", "new");
      await lib.idle(library);
      return library.files.value.map((/** @type {any} */ { path }) => path);
    });
    assert.deepEqual(here, ["files/new.txt"]);
    await context.close();
  });

  test("a PDF that was dropped is still there after a reload, a crash of the engine is survived, and a damaged collection is told", async () => {
    const { context, page } = await environment.visitor();
    await open(page);
    await page.evaluate(async (pdf) => {
      lib.settings.crashes = 1;
      await library.addItems([
        new File([Uint8Array.from(pdf)], "letter.pdf", { lastModified: 5000 }),
        new File(["Plain words."], "plain.txt"),
      ]);
      await lib.idle(library);
    }, pdfOf("Dear granite"));
    await page.evaluate(() =>
      lib.until(() => library.files.value.length === 2 && lib.embedded.length >= 2, "the work after the crash"),
    );
    // A visit that ended between the copy of a file and the note of it has left a copy that nothing names.
    await page.evaluate(() => lib.write("felsic-originals", { orphan: "%PDF" }));
    await reload(page);
    await open(page);
    const shown = await page.evaluate(async () => {
      await lib.idle(library);
      const copies = [];
      for await (const name of (await lib.folder("felsic-originals")).keys()) copies.push(name);
      const [id] = await lib.find(library, "granite", { mode: "words", filters: { kinds: ["pdf"] } });
      const file = await library.original(id);
      return {
        id,
        name: file?.name,
        modified: file?.lastModified,
        text: await file?.text(),
        other: await library.original("files/plain.txt"),
        copies: copies.filter((name) => name === "orphan" || !/^[0-9a-f]{64}$/.test(name)),
        kept: copies.length,
        problems: library.problems.value,
      };
    });
    assert.deepEqual([shown.id, shown.name, shown.modified, shown.other], ["files/letter.pdf", "letter.pdf", 5000, undefined]);
    assert.match(String(shown.text), /^%PDF/);
    assert.deepEqual([shown.copies, shown.kept], [[], 1]);
    assert.deepEqual(shown.problems, []);

    // It has changed: what is shown is what was read last.
    await page.evaluate(async (pdf) => {
      await library.addItems([new File([Uint8Array.from(pdf)], "letter.pdf", { lastModified: 6000 })]);
      await lib.idle(library);
    }, pdfOf("Dear basalt"));
    await reload(page);
    await open(page);
    const changed = await page.evaluate(async () => {
      await lib.idle(library);
      const [id = ""] = await lib.find(library, "basalt", { mode: "words" });
      return (await library.original(id))?.text();
    });
    assert.match(String(changed), /Dear basalt/);

    await page.evaluate(() => library.close());
    await page.evaluate(async () => {
      const visit = async (/** @type {FileSystemDirectoryHandle} */ folder) => {
        for await (const entry of folder.values()) {
          if (entry.kind === "directory") await visit(entry);
          else if (entry.name.endsWith(".segment")) {
            for (let at = 0; at < 100; at += 1) {
              try {
                const writable = await entry.createWritable();
                await writable.write("damaged");
                await writable.close();
                break;
              } catch {
                await new Promise((resolve) => setTimeout(resolve, 100));
              }
            }
          }
        }
      };
      await visit(await navigator.storage.getDirectory());
    });
    await reload(page);
    await open(page);
    const damaged = await page.evaluate(async () => {
      await lib.until(() => library.problems.value.length > 0, "the problem");
      const [{ id, code }] = library.problems.value;
      await library.deleteEverything();
      await library.addText("Everything is new.", "new");
      await lib.idle(library);
      return { id, code, files: library.files.value.length, problems: library.problems.value };
    });
    assert.deepEqual(damaged, { id: "damaged", code: "index-invalid", files: 1, problems: [] });
    await context.close();
  });
});

/** The bytes of a PDF with one line of text. @param {string} text */
const pdfOf = (text) => [...pdf({ pages: [drawn([[24, 40, 500, text]])] })];
