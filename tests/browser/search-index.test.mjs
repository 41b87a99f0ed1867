/** A static index through `Collection`: words before vectors and model, what a second visit requests, what an index cannot do. */

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { dist, launch } from "./harness.mjs";
import { sha256, writeIndex } from "./index-maker.mjs";
import { searchModules } from "./search-modules.mjs";
import { Server } from "./server.mjs";

/** @typedef {import("./index-maker.mjs").Made} Made */

const SPACE = "felsic-small-english@1/int8-g32/256";
const MODEL = { name: "felsic-small-english", revision: "1" };

/** Short documents about different things; each has one passage. */
const TEXTS = {
  "git/undo.md": "To undo the last commit and keep your changes, run git reset with the option --soft.",
  "git/branch.md": "A branch is a line of work. Create one before you begin, and merge it when you are done.",
  "cooking/bread.md": "Knead the dough for ten minutes, let it rise in a warm place, and bake it in a hot oven.",
  "cooking/soup.md": "Simmer the vegetables slowly. Salt the soup only at the end, when you have tasted it.",
  "pets/cats.md": "Cats are hunters. Give them meat, fresh water and a quiet place to sleep.",
  "pets/dogs.md": "A puppy needs a walk every few hours, and much patience until it listens.",
  "money/tax.md": "The tax return is due at the end of July. Keep receipts for two years.",
  "health/sleep.md": "Go to bed at the same hour each night, and leave the phone in another room.",
  "travel/train.md": "Tickets are cheaper some weeks ahead; the railway changes its prices every day.",
  "garden/roses.md": "Prune the roses in spring, above a bud that points away from the middle.",
};

/** @type {string} */
let folder;
/** @type {Server} */
let server;
/** @type {Awaited<ReturnType<typeof launch>>} */
let browser;
/** @type {Made[]} */
let documents;
/** @type {string} */
let words;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "felsic-search-index-"));
  server = await Server.start({ "/felsic/": [dist, import.meta.dirname], "/site/": [folder] });
  browser = await launch();
  const page = await browser.newPage();
  await page.goto(server.url("/felsic/blank.html"));
  await page.waitForFunction(() => "felsic" in globalThis);
  const vectors = await page.evaluate(
    async (texts) => {
      const embedder = await felsic.Embedder.create();
      const vectors = await embedder.embed(texts, { taskType: "retrieval-document" });
      embedder.destroy();
      return vectors.map((vector) => Array.from(vector));
    },
    Object.entries(TEXTS).map(([id, text]) => `${id}\n${text}`),
  );
  await page.close();
  documents = Object.entries(TEXTS).map(([id, text], index) => ({
    id,
    title: id.replace(/.*\/|\.md/g, ""),
    url: id.replace(".md", ".html"),
    tags: [id.slice(0, id.indexOf("/"))],
    passages: [{ text, vector: vectors[index] ?? [] }],
  }));
  const index = new (await searchModules()).words.Words();
  documents.forEach(({ title = "", passages }, row) => index.add(row, { title, text: passages[0]?.text ?? "" }));
  words = index.save();
  made("index", {});
});

after(async () => {
  await browser?.close();
  await server?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** @param {string} name @param {Partial<Parameters<typeof writeIndex>[1]>} what */
function made(name, what) {
  const segments = [documents.slice(0, 6), documents.slice(6)];
  return writeIndex(join(folder, name), { segments, words, space: SPACE, model: MODEL, ...what });
}

/** A page with a storage of its own, and what is requested of the server on it. */
async function freshPage() {
  const context = await browser.newContext();
  const open = async () => {
    const page = await context.newPage();
    await page.goto(server.url("/felsic/blank.html"));
    await page.waitForFunction(() => "felsic" in globalThis);
    await page.evaluate(async () => {
      const url = "/felsic/search.js";
      globalThis.indexes = { Collection: (await import(url)).Collection };
    });
    return page;
  };
  return { page: await open(), again: open, close: () => context.close() };
}

/** What was requested of the index and of the model. @param {() => Promise<unknown>} work */
async function requested(work) {
  const from = server.log.length;
  await work();
  return server.log.slice(from).flatMap(({ path }) => {
    const file = path.slice(path.lastIndexOf("/") + 1);
    if (path.includes("/model/")) return file === "manifest.json" ? [] : ["model"];
    return path.startsWith("/felsic/") ? [] : [file.slice(file.lastIndexOf(".") + 1)];
  });
}

test("words need neither model nor vectors; meaning fetches both, and the next visit nothing but index.json", async () => {
  const { page, again, close } = await freshPage();
  const url = server.url("/site/index/");
  /** @type {any} */
  let found;
  const first = await requested(async () => {
    found = await page.evaluate(async (url) => {
      const index = await globalThis.indexes.Collection.open(url);
      globalThis.indexes.index = index;
      const hits = await index.search("undo commits", { mode: "words" });
      return { info: index.info, hits, missing: await index.missingBytes() };
    }, url);
  });
  assert.deepEqual([...new Set(first)].sort(), ["documents", "json", "texts", "words"]);
  assert.equal(found.hits[0].id, "git/undo.md");
  assert.equal(found.hits[0].passage.text, TEXTS["git/undo.md"]);
  assert.equal(found.hits[0].url, "git/undo.html");
  assert.equal(found.info.isReadOnly, true);
  assert.equal(found.info.state, "ready");
  assert.deepEqual([found.info.documents, found.info.passages, found.info.space], [10, 10, SPACE]);
  assert.ok(found.missing > 8_000_000 && found.missing < 9_000_000, String(found.missing));

  const second = await requested(async () => {
    found = await page.evaluate(async () => {
      const { index } = globalThis.indexes;
      /** @type {number[]} */
      const shares = [];
      await index.prepare({
        onProgress: (/** @type {any} */ { loadedBytes, totalBytes }) => shares.push(loadedBytes / totalBytes),
      });
      const hits = await index.search("I wake up tired in the morning", { minScore: 0, limit: 3 });
      const similar = await index.similar("pets/cats.md", { limit: 1, minScore: 0 });
      return { hits, similar, shares, missing: await index.missingBytes() };
    });
  });
  assert.ok(second.includes("vectors") && second.includes("fine") && second.includes("model"));
  assert.equal(found.hits[0].id, "health/sleep.md");
  assert.ok(found.hits[0].why.meaning);
  assert.equal(found.similar.length, 1);
  assert.notEqual(found.similar[0].id, "pets/cats.md");
  assert.equal(found.missing, 0);
  assert.ok(found.shares.length > 0 && found.shares.every((/** @type {number} */ share) => share >= 0 && share <= 1));
  // The vocabulary table goes on arriving; it is whole before the next visit. A page that has loaded nothing itself knows by what is stored.
  const other = await again();
  await other.waitForFunction(() => felsic.Embedder.availability().then((state) => state === "available"));
  await page.evaluate(() => globalThis.indexes.index.close());

  const third = await requested(async () => {
    const hits = await other.evaluate(async (url) => {
      const index = await globalThis.indexes.Collection.open(url);
      return index.search("I wake up tired in the morning", { minScore: 0, limit: 3 });
    }, url);
    assert.deepEqual(hits, found.hits);
  });
  assert.deepEqual(third, ["json"]);
  await close();
});

test("an index cannot be changed, and says so", async () => {
  const { page, close } = await freshPage();
  const outcomes = await page.evaluate(async (url) => {
    const index = await globalThis.indexes.Collection.open(url);
    const outcomes = [];
    for (const work of [
      index.add([{ id: "a", text: "a" }]),
      index.update("git/undo.md", { title: "x" }),
      index.remove("git/undo.md"),
      index.reindex(),
      index.complete(),
    ])
      outcomes.push(await settle(work));
    const document = await index.get("git/undo.md");
    const nothing = await index.get("nothing");
    const filtered = await index.search("the", { mode: "words", where: { tags: "money" } });
    index.close();
    return { outcomes, document, nothing, filtered, closed: await settle(index.search("x", { mode: "words" })) };
  }, server.url("/site/index/"));
  for (const { code, message, isFelsicError } of outcomes.outcomes) {
    assert.equal(code, "input-invalid");
    assert.equal(isFelsicError, true);
    assert.match(message ?? "", /read-only|felsic index/);
  }
  assert.equal(outcomes.document.text, TEXTS["git/undo.md"]);
  assert.equal(outcomes.nothing, undefined);
  assert.deepEqual(
    outcomes.filtered.map((/** @type {any} */ { id }) => id),
    ["money/tax.md"],
  );
  assert.equal(outcomes.closed.code, "destroyed");
  await close();
});

test("an embedder of another space is refused, before it can give wrong results", async () => {
  const { page, close } = await freshPage();
  made("other", { space: "another@1/int8-g32/256" });
  const outcomes = await page.evaluate(
    async ([index, other]) => {
      const { Collection } = globalThis.indexes;
      const embedder = await felsic.Embedder.create();
      const given = await Collection.open(index, { embedder });
      const hits = await given.search("I wake up tired in the morning", { minScore: 0, limit: 1 });
      given.close();
      // The page's embedder stays the page's.
      const isAlive = (await embedder.embed("a")).length === 256;
      const refused = await settle(Collection.open(other, { embedder }));
      const lazy = await Collection.open(other);
      const words = await lazy.search("undo", { mode: "words" });
      return { hits, isAlive, refused, words: words.length, meaning: await settle(lazy.search("undo", { mode: "meaning" })) };
    },
    /** @type {const} */ ([server.url("/site/index/"), server.url("/site/other/")]),
  );
  assert.equal(outcomes.hits[0].id, "health/sleep.md");
  assert.equal(outcomes.isAlive, true);
  assert.equal(outcomes.refused.code, "needs-reindex");
  assert.equal(outcomes.meaning.code, "needs-reindex");
  assert.equal(outcomes.words, 1);
  await close();
});

test("damaged documents, words and vectors are index-invalid, never a wrong hit", async () => {
  const { page, close } = await freshPage();
  /** Puts other content into a file, with the right hash. */
  const replaced = (/** @type {any} */ entry, /** @type {Uint8Array} */ bytes) => {
    const hash = sha256(bytes);
    Object.assign(entry, { file: `${hash.slice(0, 32)}.x`, bytes: bytes.length, sha256: hash });
    writeFileSync(join(folder, "damaged", entry.file), bytes);
  };
  const json = (/** @type {unknown} */ value) => gzipSync(JSON.stringify(value));
  const passage = { start: 0, end: 1, at: 0, bytes: 1, hash: "0".repeat(16) };
  const document = { id: "a", kind: "text", hash: "0".repeat(16), passages: Array(6).fill(passage) };
  /** @type {[string, (manifest: any) => void][]} */
  const damages = [
    ["no list", (m) => replaced(m.segments[0].documents, json({}))],
    ["other rows", (m) => replaced(m.segments[0].documents, json({ documents: [], removed: [], replaces: [] }))],
    [
      "outside",
      (m) =>
        replaced(
          m.segments[0].documents,
          json({ documents: [{ ...document, passages: Array(6).fill({ ...passage, at: 1e6 }) }] }),
        ),
    ],
    ["one id twice", (m) => ((m.segments[1] = m.segments[0]), (m.passages = 12))],
    ["other documents", (m) => replaced(m.segments[0].documents, json({ documents: [document] }))],
    ["no JSON", (m) => replaced(m.segments[0].documents, gzipSync("x"))],
    ["words", (m) => replaced(m.words, json({}))],
    ["words of other rows", (m) => replaced(m.words, json({ ...JSON.parse(words), documentIds: { 0: 77 } }))],
    ["vectors", (m) => replaced(m.segments[0].vectors, new Uint8Array(6 * 260))],
    ["no numbers", (m) => replaced(m.segments[0].vectors, new Uint8Array(6 * 260).fill(255))],
  ];
  for (const [what, change] of damages) {
    made("damaged", { change });
    const outcome = await page.evaluate(async (url) => {
      const work = async () => {
        const index = await globalThis.indexes.Collection.open(url);
        await index.search("undo", { mode: "words" });
        await index.search("undo", { mode: "meaning" });
      };
      return settle(work());
    }, server.url("/site/damaged/"));
    assert.deepEqual([outcome.code, outcome.isFelsicError], ["index-invalid", true], `${what}: ${outcome.message}`);
  }
  assert.ok(readFileSync(join(folder, "damaged/index.json")).length > 0);
  await close();
});

test("the box on a site: words while the model is on its slow way, then meaning; the next visit requests index.json alone", async () => {
  const context = await browser.newContext();
  const policy =
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; style-src 'self'";
  const html = `<!doctype html><html lang="en"><title>Site</title><link rel="icon" href="data:,">
<meta http-equiv="content-security-policy" content="${policy}; img-src data:; require-trusted-types-for 'script'; trusted-types felsic">
<script type="module" src="/felsic/search-box.js"></script><felsic-search index="index/"></felsic-search>`;
  writeFileSync(join(folder, "site.html"), html);
  const open = async () => {
    const page = await context.newPage();
    /** @type {string[]} */
    const errors = [];
    page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
    page.on("pageerror", (error) => errors.push(String(error)));
    await page.goto(server.url("/site/site.html"));
    await page.waitForFunction(() => customElements.get("felsic-search") !== undefined);
    return { page, errors };
  };
  const from = server.requests.length;
  const { page, errors } = await open();
  assert.deepEqual(
    server.requests.slice(from).filter((path) => !/site\.html|search-box\.js|chunk/.test(path)),
    [],
    "nothing but the element is loaded before the box is opened",
  );
  // The weights wait until the test lets them go.
  let letGo = () => {};
  const gate = new Promise((resolve) => (letGo = () => resolve(undefined)));
  await context.route(/model\/.*safetensors$/, async (route) => {
    await gate;
    await route.continue();
  });
  await page.keyboard.press("/");
  await page.keyboard.type("kitten meat");
  await page.getByRole("option").first().waitFor();
  assert.match((await page.getByRole("option").first().textContent()) ?? "", /cats/);
  await page.getByText(/Fetching 8\.\d MB for search by meaning/).waitFor();
  const href = await page.getByRole("option").first().getAttribute("href");
  assert.match(href ?? "", /\/site\/pets\/cats\.html#:~:text=Give%20them%20meat/);
  letGo();
  await page.getByText("Search by word and meaning").waitFor();
  await page.getByRole("combobox").fill("I wake up tired");
  await page.getByRole("option", { name: /Go to bed/ }).waitFor();
  assert.deepEqual(errors, []);
  // The vocabulary table goes on arriving; it is whole before the next visit.
  const other = await context.newPage();
  await other.goto(server.url("/felsic/blank.html"));
  await other.waitForFunction(() => "felsic" in globalThis);
  await other.waitForFunction(() => felsic.Embedder.availability().then((state) => state === "available"));
  await other.close();
  await page.close();

  const requests = await requested(async () => {
    const { page } = await open();
    await page.keyboard.press("/");
    await page.getByText("Search by word and meaning").waitFor();
    await page.keyboard.type("I wake up tired");
    await page.getByRole("option", { name: /Go to bed/ }).waitFor();
  });
  assert.deepEqual(
    requests.filter((file) => file !== "html"),
    ["json"],
  );
  await context.close();
});
