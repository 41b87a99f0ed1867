/** Collections in Chromium: what is added is found, and only that; nothing is embedded twice. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { root } from "./harness.mjs";
import { deleteAll, median, startSearch } from "./search-harness.mjs";
import { Server } from "./server.mjs";

/** The shares of queries that have to find their passage first, and among the first three. */
const FIRST = 0.9;
const FIRST_THREE = 0.97;

/** @type {{ passages: string[], queries: { query: string, answer: number }[] }} */
const { passages, queries } = JSON.parse(readFileSync(join(root, "tests/fixtures/meaning.json"), "utf8"));

/** @type {import("./search-harness.mjs").SearchEnvironment} */
let environment;

before(async () => {
  environment = await startSearch();
});

beforeEach(() => deleteAll(environment.page));

after(() => environment?.close());

/** Documents about four things, with tags and more to filter by. */
const LIBRARY = [
  {
    id: "git.md",
    text: "# Undo\n\nHow to undo a commit with git reset.\n\n## Public commits\n\nRevert makes a new commit.",
    tags: ["guide", "git"],
  },
  {
    id: "pasta",
    text: "Cook the pasta in salted water.",
    title: "Pasta",
    url: "https://example.org/pasta",
    meta: { minutes: 12, vegan: true },
  },
  {
    id: "soup",
    text: "Cook the soup slowly. Add salt.",
    title: "Soup",
    meta: { minutes: 90, vegan: false, courses: ["first", "main"] },
  },
  { id: "tides", text: "The moon moves the sea twice a day.", tags: ["guide"], meta: { written: "2024-05-01" } },
];

/**
 * Searches LIBRARY in memory, several times.
 *
 * @param {[string, import("felsic/search").SearchOptions?][]} searches
 * @returns {Promise<import("felsic/search").Hit[][]>}
 */
function searchLibrary(searches) {
  return environment.page.evaluate(
    async (/** @type {any} */ { library, searches }) => {
      const docs = await search.Collection.open("library", { embedder: new FakeEmbedder(), memory: true });
      await docs.add(library);
      const found = [];
      for (const [query, options] of searches) found.push(await docs.search(query, { minScore: 0, ...options }));
      docs.close();
      return found;
    },
    { library: LIBRARY, searches },
  );
}

test("the built-in model finds passages with which queries share no word; nonsense finds little or nothing", async (context) => {
  const found = await environment.page.evaluate(
    async ({ passages, queries }) => {
      const embedder = await felsic.Embedder.create();
      const docs = await search.Collection.open("meaning", { embedder });
      const result = await docs.add(passages.map((text, at) => ({ id: String(at), text })));
      const scores = /** @type {number[]} */ ([]);
      const ranks = async (/** @type {"meaning" | "hybrid"} */ mode) => {
        const ranks = [];
        for (const { query, answer } of queries) {
          const hits = await docs.search(query, { mode, minScore: 0 });
          scores.push(hits[0]?.score ?? 0);
          ranks.push(hits.findIndex(({ id }) => id === String(answer)));
        }
        return ranks;
      };
      const made = { result, meaning: await ranks("meaning"), hybrid: await ranks("hybrid") };
      const nonsense = [];
      for (const query of [
        "qwxzv brtfk plmnh",
        "glkzc",
        "lnxwquiwwy lgfgstqssd vvzvvip",
        "bccnvvzmc",
        "nkksalssd tdkk tbzmywiy",
      ]) {
        nonsense.push((await docs.search(query))[0]?.score ?? 0);
      }
      docs.close();
      embedder.destroy();
      return { ...made, scores, nonsense };
    },
    { passages, queries },
  );
  assert.equal(found.result.added, passages.length);
  for (const mode of /** @type {const} */ (["meaning", "hybrid"])) {
    const share = (/** @type {number} */ most) => found[mode].filter((rank) => rank >= 0 && rank < most).length / queries.length;
    context.diagnostic(`${mode}: first ${share(1).toFixed(2)}, among three ${share(3).toFixed(2)}`);
    assert.ok(share(1) >= FIRST && share(3) >= FIRST_THREE, `${mode}: ${share(1)}, ${share(3)}`);
  }
  context.diagnostic(
    `best scores: ${median(found.scores).toFixed(2)} of queries, ${found.nonsense.map((score) => score.toFixed(2)).join()} of nonsense`,
  );
  assert.ok(
    found.nonsense.some((score) => score === 0),
    "the default cut-off leaves nothing",
  );
  assert.ok(
    found.nonsense.every((score) => score < 0.6 * median(found.scores)),
    found.nonsense.join(),
  );
});

test("a hit has its passage, the headings above it, what to mark and why it was found", async () => {
  const [hybrid = [], meaning = [], words = []] = await searchLibrary([
    ["undo a commit with git"],
    ["undo a commit with git", { mode: "meaning" }],
    ["undo a comit", { mode: "words" }],
  ]);
  const [hit] = hybrid;
  assert.equal(hit?.id, "git.md");
  assert.equal(hit.title, "Undo");
  assert.deepEqual(hit.tags, ["guide", "git"]);
  assert.equal(hit.passage.text, LIBRARY[0]?.text.slice(hit.passage.start, hit.passage.end));
  assert.ok(Number(hit.why.meaning?.rank) >= 1 && Number(hit.why.meaning?.score) <= 1);
  assert.ok(Number(hit.why.words?.rank) >= 1);
  assert.ok(hit.why.words?.terms.includes("undo"));
  const marked = hit.highlights.map(({ start, end }) => hit.passage.text.slice(start, end).toLowerCase());
  assert.ok(marked.includes("undo") && marked.includes("commit"), marked.join());
  assert.ok(hybrid.every(({ score }, at) => score >= 0 && score <= 1 && score <= (hybrid[at - 1]?.score ?? 1)));
  assert.equal(new Set(hybrid.map(({ id }) => id)).size, hybrid.length, "a document is found once, by its best passage");

  assert.equal(meaning[0]?.id, "git.md");
  assert.ok(meaning.every(({ why }) => why.meaning && !why.words));
  assert.deepEqual(
    meaning.map(({ why }) => why.meaning?.cosine),
    meaning.map(({ why }) => Number(why.meaning?.cosine)).toSorted((a, b) => b - a),
  );
  assert.equal(words[0]?.id, "git.md", "a word may be misspelt");
  assert.ok(words.every(({ why }) => why.words && !why.meaning));

  const [sentences = []] = await searchLibrary([["slowly slowly salty", { mode: "meaning", sentences: true }]]);
  const soup = sentences.find(({ id }) => id === "soup");
  assert.deepEqual(
    soup?.highlights.map(({ start, end }) => soup.passage.text.slice(start, end)),
    ["Cook the soup slowly."],
    "the sentence that fits best is marked",
  );
  const [revert] = (await searchLibrary([["revert", { mode: "words" }]]))[0] ?? [];
  assert.deepEqual(
    [revert?.passage.trail, revert?.passage.anchor, revert?.kind],
    [["Public commits"], "public-commits", "markdown"],
  );
  assert.ok(soup && !("anchor" in soup.passage) && soup.kind === "text");
});

/** @type {[string, import("felsic/search").Where, string[]][]} */
const FILTERS = [
  ["a tag", { tags: "guide" }, ["git.md", "tides"]],
  ["any of several", { id: ["soup", "tides", "nothing"] }, ["soup", "tides"]],
  ["a title", { title: "Soup" }, ["soup"]],
  ["a URL", { url: "https://example.org/pasta" }, ["pasta"]],
  ["a number", { minutes: 12 }, ["pasta"]],
  ["a truth", { vegan: false }, ["soup"]],
  ["a range", { minutes: { gt: 12, lte: 90 } }, ["soup"]],
  ["a range of dates", { written: { gte: "2024-01-01", lt: "2025-01-01" } }, ["tides"]],
  ["one of a list", { courses: "main" }, ["soup"]],
  ["none of", { tags: { not: "git" } }, ["pasta", "soup", "tides"]],
  ["none of several", { id: { not: ["soup", "pasta"] } }, ["git.md", "tides"]],
  ["what is not there", { minutes: null }, ["git.md", "tides"]],
  ["two fields", { tags: "guide", written: { gt: "2000" } }, ["tides"]],
  ["types that differ", { minutes: "12" }, []],
];

test("filters: equality, any of, ranges, lists; in every mode", async () => {
  const modes = /** @type {const} */ (["meaning", "hybrid"]);
  const searches = FILTERS.flatMap(([, where]) => modes.map((mode) => /** @type {const} */ (["cook the moon", { where, mode }])));
  const found = await searchLibrary(searches.map(([query, options]) => [query, options]));
  for (const [at, [name, , ids]] of FILTERS.entries()) {
    for (const [mode] of modes.entries()) {
      const hits = found[at * modes.length + mode] ?? [];
      assert.deepEqual(hits.map(({ id }) => id).sort(), ids, `${name}, ${modes[mode]}`);
    }
  }
  const words = await searchLibrary([["cook", { mode: "words", where: { vegan: true } }]]);
  assert.deepEqual(
    words[0]?.map(({ id }) => id),
    ["pasta"],
  );
});

test("a filter is applied before the search: a few fitting documents among many that score higher", async () => {
  const found = await environment.page.evaluate(async () => {
    const docs = await search.Collection.open("many", { embedder: new FakeEmbedder(), memory: true });
    const near = Array.from({ length: 600 }, (_, at) => ({ id: `near ${at}`, text: "green apples and pears" }));
    await docs.add([...near, { id: "far", text: "apples, a boat, a lamp, a long road", tags: ["rare"] }]);
    const hits = await docs.search("green apples and pears", { where: { tags: "rare" }, minScore: 0 });
    const few = await docs.search("green apples and pears", { limit: 3, minScore: 0 });
    docs.close();
    return { hits: hits.map(({ id }) => id), few: few.length };
  });
  assert.deepEqual(found, { hits: ["far"], few: 3 });
});

test("limit, minScore, exact", async () => {
  const [all = [], one = [], high = [], exact = [], exactMeaning = [], none = []] = await searchLibrary([
    ["cook the"],
    ["cook the", { limit: 1 }],
    ["cook the", { minScore: 1 }],
    ["The Soup slowly", { exact: true }],
    ["soup slowly", { exact: true, mode: "meaning" }],
    ["slowly soup", { exact: true }],
  ]);
  assert.ok(all.length > 1);
  assert.deepEqual(one, all.slice(0, 1));
  assert.ok(high.every(({ score }) => score === 1) && high.length < all.length);
  assert.deepEqual(
    exact.map(({ id, highlights }) => [id, highlights]),
    [["soup", [{ start: 5, end: 20 }]]],
  );
  assert.deepEqual(
    exactMeaning.map(({ id }) => id),
    ["soup"],
  );
  assert.deepEqual(none, []);
  assert.deepEqual(await searchLibrary([[""], ["  \n"]]), [[], []]);
});

test("passages: further ones of the same document that fit, best first, each with its marks", async () => {
  const found = await environment.page.evaluate(async () => {
    const embedder = new FakeEmbedder();
    const docs = await search.Collection.open("more", { embedder, memory: true, passage: { tokens: 20, overlap: 0 } });
    const paragraph = (/** @type {string} */ words, /** @type {number} */ at) =>
      `${words} ${Array.from({ length: 14 }, (_, i) => `w${at}x${i}`).join(" ")}.`;
    const words = ["harbour lights at dusk", "harbour lights", "a harbour", "nothing of it", "dusk and a harbour", "lights"];
    const long = Array.from({ length: 60 }, (_, at) => paragraph(words[at] ?? "something else", at)).join("\n\n");
    await docs.add([
      { id: "long", text: long, tags: ["a"] },
      { id: "short", text: "harbour lights" },
      // More passages that fit than a search looks at for its first hits.
      { id: "flood", text: Array.from({ length: 150 }, (_, at) => paragraph("harbour lights dusk", 100 + at)).join("\n\n") },
    ]);
    await docs.add([{ id: "late", text: paragraph("harbour", 900) + "\n\n" + paragraph("harbour lights", 901) }], {
      meaning: "later",
    });
    const shown = async (/** @type {import("felsic/search").SearchOptions} */ options) => {
      const hits = await docs.search("harbour lights at dusk", { minScore: 0.01, ...options });
      return hits.map(({ id, score, passage, more, highlights }) => ({
        id,
        score,
        text: passage.text,
        marked: highlights.map(({ start, end }) => passage.text.slice(start, end)),
        more: more?.map(({ passage, score, highlights }) => ({
          text: passage.text,
          score,
          isPlace: passage.text === long.slice(passage.start, passage.end),
          marked: highlights.map(({ start, end }) => passage.text.slice(start, end)),
        })),
      }));
    };
    const modes = /** @type {const} */ (["words", "meaning", "hybrid"]);
    const all = await Promise.all(modes.map((mode) => shown({ mode, passages: 4 })));
    const few = await shown({ passages: 20, minScore: 0.9, mode: "words" });
    const exact = await shown({ passages: 20, exact: true, where: { tags: "a" } });
    const plain = await shown({});
    const bad = await Promise.all(
      [0, 21, 1.5, "2"].map((passages) => settle(docs.search("x", { passages: /** @type {any} */ (passages) }))),
    );
    docs.close();
    return { all, few, exact, plain, bad };
  });
  const [words, meaning, hybrid] = found.all;
  for (const hits of found.all) {
    for (const { id, text, score, more } of hits) {
      assert.ok(more && more.length <= 3, id);
      const scores = [score, ...more.map(({ score }) => score)];
      assert.deepEqual(
        scores,
        scores.toSorted((a, b) => b - a),
        id,
      );
      assert.equal(new Set([text, ...more.map(({ text }) => text)]).size, more.length + 1);
    }
    const flood = hits.find(({ id }) => id === "flood");
    assert.equal(flood?.more?.length, 3);
    assert.equal(hits.find(({ id }) => id === "short")?.more?.length, 0);
  }
  for (const hits of [words, hybrid]) {
    const long = hits?.find(({ id }) => id === "long");
    assert.match(String(long?.text), /^harbour lights at dusk w0x0/);
    const parts = (long?.more ?? []).map(({ text }) => text.split(" w")[0] ?? "");
    assert.ok(parts.length === 3 && parts.includes("harbour lights") && parts.includes("dusk and a harbour"), parts.join());
    assert.deepEqual(long?.more?.find(({ text }) => text.startsWith("harbour lights w"))?.marked, ["harbour", "lights"]);
    assert.ok(long?.more?.every(({ isPlace }) => isPlace));
    // What waits for its vector is there by its words.
    assert.equal(hits?.find(({ id }) => id === "late")?.more?.length, 1);
  }
  assert.deepEqual(meaning?.find(({ id }) => id === "long")?.more?.[0]?.marked, []);
  assert.deepEqual(found.few.find(({ id }) => id === "long")?.more, []);
  assert.deepEqual(
    found.exact.map(({ id, more }) => [id, more]),
    [["long", []]],
  );
  assert.ok(found.plain.every(({ more }) => more === undefined));
  for (const { code, message } of found.bad)
    assert.deepEqual([code, /passages is/.test(String(message))], ["input-invalid", true]);
});

test("a second visit embeds nothing but the query", async () => {
  await environment.page.evaluate(async (/** @type {any} */ library) => {
    const docs = await search.Collection.open("visits", { embedder: new FakeEmbedder() });
    await docs.add(library);
  }, LIBRARY);
  await environment.reload();
  const second = await environment.page.evaluate(async (/** @type {any} */ library) => {
    const embedder = new FakeEmbedder();
    const docs = await search.Collection.open("visits", { embedder });
    const opened = docs.info;
    const hits = await docs.search("undo a commit", { minScore: 0 });
    const again = await docs.add(library);
    const got = await Promise.all(library.map((/** @type {{ id: string }} */ { id }) => docs.get(id)));
    docs.close();
    return {
      opened,
      hits: hits.map(({ id }) => id),
      again,
      got,
      texts: embedder.texts,
      queries: embedder.queries,
      counted: embedder.counted,
    };
  }, LIBRARY);
  assert.equal(second.hits[0], "git.md");
  assert.equal(second.opened.documents, LIBRARY.length);
  assert.ok(second.opened.bytes > 0);
  assert.deepEqual([second.texts, second.queries], [[], ["undo a commit"]]);
  assert.equal(second.counted, 1, "only the tokens that every text has are counted");
  assert.deepEqual(second.again, { added: 0, updated: 0, unchanged: 4, passages: 0, embedded: 0 });
  assert.deepEqual(
    second.got,
    LIBRARY.map((document) => ({ ...document, kind: document.id.endsWith(".md") ? "markdown" : "text" })),
  );
});

test("of a document that has changed only the passages that have changed are embedded", async () => {
  const found = await environment.page.evaluate(async () => {
    const embedder = new FakeEmbedder();
    const docs = await search.Collection.open("changes", { embedder, memory: true, passage: { tokens: 40, overlap: 0 } });
    const paragraph = (/** @type {number} */ at, word = "old") =>
      `Paragraph ${at} ${word}. ${Array.from({ length: 30 }, (_, i) => `word${at}x${i}`).join(" ")}.`;
    const text = (/** @type {Record<number, string>} */ words) =>
      Array.from({ length: 40 }, (_, at) => paragraph(at, words[at])).join("\n\n");
    const first = await docs.add([{ id: "long", text: text({}) }]);
    embedder.texts.length = 0;
    const second = await docs.add([{ id: "long", text: text({ 17: "new" }) }]);
    const changed = [...embedder.texts];
    const [hit] = await docs.search("word17x3 new", { minScore: 0 });
    const [other] = await docs.search("word30x3", { minScore: 0 });
    embedder.texts.length = 0;
    const fields = await docs.add([{ id: "long", text: text({ 17: "new" }), url: "/long", meta: { a: 1 } }]);
    const document = await docs.get("long");
    docs.close();
    return { first, second, changed, hit, other, fields, texts: embedder.texts, url: document?.url, info: docs.info };
  });
  assert.equal(found.first.embedded, found.first.passages);
  assert.ok(found.first.passages >= 30);
  assert.equal(found.second.updated, 1);
  assert.ok(found.changed.length >= 1 && found.changed.length <= 2, `${found.changed.length} passages`);
  assert.ok(found.changed.some((text) => text.includes("Paragraph 17 new")));
  assert.match(String(found.hit?.passage.text), /Paragraph 17 new/);
  assert.match(String(found.other?.passage.text), /Paragraph 30 old/);
  assert.deepEqual([found.fields.updated, found.fields.embedded, found.texts, found.url], [1, 0, [], "/long"]);
  assert.equal(found.info.documents, 1);
});

test("passages that are in another document, or were in one, take its vectors over; a text that is not the same never does", async () => {
  const found = await environment.page.evaluate(async () => {
    const embedder = new FakeEmbedder();
    const open = () => search.Collection.open("moved", { embedder, passage: { tokens: 40, overlap: 0 } });
    const text = (/** @type {string} */ word) =>
      Array.from({ length: 20 }, (_, at) => `Paragraph ${at} of ${word}. ${`${word}${at} `.repeat(25)}`).join("\n\n");
    const made = async (/** @type {() => Promise<unknown>} */ work) => {
      embedder.texts.length = 0;
      await work();
      return embedder.texts.length;
    };
    let docs = await open();
    const counts = { first: await made(() => docs.add([{ id: "a", text: text("ant") }])) };
    Object.assign(counts, { copied: await made(() => docs.add([{ id: "b", text: text("ant") }])) });
    await docs.remove("a");
    docs.close();
    docs = await open();
    Object.assign(counts, {
      again: await made(() => docs.add([{ id: "c", text: text("ant") }])),
      both: await made(() => docs.add([{ id: "d", text: `${text("ant")}\n\nA new end of it.` }])),
      titled: await made(() => docs.add([{ id: "e", text: text("ant"), title: "Ants" }])),
      other: await made(() => docs.add([{ id: "f", text: text("bee") }])),
    });
    const similar = (await docs.similar("c", { minScore: 0 })).map(({ id }) => id);
    const [hit] = await docs.search("ant3 paragraph", { where: { id: "c" }, mode: "meaning", minScore: 0 });
    const [same] = await docs.search("ant3 paragraph", { where: { id: "b" }, mode: "meaning", minScore: 0 });
    // Both wait: the vectors are made once.
    await docs.add([{ id: "g", text: text("cow") }], { meaning: "later" });
    await docs.add(
      [
        { id: "h", text: text("cow") },
        { id: "i", text: text("dog") },
      ],
      { meaning: "later" },
    );
    await docs.add([{ id: "j", text: text("bee") }], { meaning: "later" });
    const { waiting } = docs.info;
    Object.assign(counts, { later: await made(() => docs.complete()) });
    const info = docs.info;
    docs.close();
    return { counts: /** @type {Record<string, number>} */ (counts), similar, hit, same, waiting, info };
  });
  const { first = NaN, ...counts } = found.counts;
  assert.ok(first >= 10, `${first} passages`);
  assert.deepEqual(counts, { copied: 0, again: 0, both: 1, titled: first, other: first, later: 2 * first });
  assert.deepEqual(found.similar.slice(0, 2).sort(), ["b", "d"]);
  assert.equal(found.hit?.why.meaning?.cosine, found.same?.why.meaning?.cosine);
  assert.match(String(found.hit?.passage.text), /ant3/);
  assert.deepEqual([found.waiting, found.info.waiting, found.info.documents], [3 * first, 0, 9]);
});

test("update, remove, get; of documents with one id the last counts", async () => {
  const found = await environment.page.evaluate(async () => {
    const docs = await search.Collection.open("edits", { embedder: new FakeEmbedder() });
    let changes = 0;
    docs.addEventListener("change", () => (changes += 1));
    const double = await docs.add([
      { id: "a", text: "the first version" },
      { id: "b", text: "another document" },
      { id: "a", text: "the last version" },
    ]);
    const a = await docs.get("a");
    await docs.update("a", { text: "zebras", tags: ["animals"] });
    await docs.update("b", { title: "Two" });
    await docs.update("b", { title: undefined });
    const zebras = await docs.search("zebras", { mode: "words" });
    const gone = await docs.search("version", { mode: "words" });
    const missing = await settle(docs.update("c", { text: "x" }));
    const removed = [await docs.remove(["b", "b", "nothing"]), await docs.remove("b"), await docs.remove([])];
    const got = [await docs.get("a"), await docs.get("b")];
    const left = await docs.search("another document", { minScore: 0 });
    docs.close();
    const after = await settle(docs.search("x"));
    const again = await search.Collection.open("edits", { embedder: new FakeEmbedder() });
    const { documents, passages } = again.info;
    again.close();
    return {
      double,
      a,
      zebras,
      gone,
      missing,
      removed,
      got,
      left,
      after,
      documents,
      passages,
      changes,
      list: await search.Collection.list(),
    };
  });
  assert.deepEqual(found.double, { added: 2, updated: 0, unchanged: 0, passages: 2, embedded: 2 });
  assert.equal(found.a?.text, "the last version");
  assert.deepEqual([found.zebras[0]?.id, found.zebras[0]?.tags, found.gone], ["a", ["animals"], []]);
  assert.equal(found.missing.code, "not-found");
  assert.deepEqual(found.removed, [1, 0, 0]);
  assert.deepEqual(found.got, [{ id: "a", text: "zebras", kind: "text", tags: ["animals"] }, undefined]);
  assert.deepEqual(
    found.left.map(({ id }) => id),
    ["a"],
  );
  assert.equal(found.after.code, "destroyed");
  assert.deepEqual([found.documents, found.passages], [1, 1]);
  assert.ok(found.changes >= 4);
  assert.deepEqual(found.list, ["edits"]);
});

test("documents() lists all documents, or those that fit, without their texts", async () => {
  const found = await environment.page.evaluate(async (library) => {
    const docs = await search.Collection.open("listed", { embedder: new FakeEmbedder(), memory: true });
    const many = Array.from({ length: 1200 }, (_, at) => ({ id: `many/${at}`, text: `number ${at}` }));
    await docs.add([...library, ...many], { meaning: "later" });
    const listed = async (/** @type {import("felsic/search").DocumentsOptions} */ options = {}) => {
      const all = [];
      for await (const document of docs.documents(options)) all.push(document);
      return all;
    };
    const all = await listed();
    const fitting = await listed({ where: { tags: "guide" } });
    const bad = await settle(listed(/** @type {any} */ ({ were: {} })));
    const stopped = await settle(listed({ signal: AbortSignal.abort() }));
    docs.close();
    return {
      ids: all.map(({ id }) => id),
      first: all.slice(0, 2),
      fitting: fitting.map(({ id }) => id),
      bad: bad.code,
      stopped: stopped.code,
    };
  }, LIBRARY);
  assert.deepEqual(found.ids, [...LIBRARY.map(({ id }) => id), ...Array.from({ length: 1200 }, (_, at) => `many/${at}`)]);
  assert.deepEqual(found.first, [
    { id: "git.md", kind: "markdown", passages: 2, title: "Undo", tags: ["guide", "git"] },
    {
      id: "pasta",
      kind: "text",
      passages: 1,
      title: "Pasta",
      url: "https://example.org/pasta",
      meta: { minutes: 12, vegan: true },
    },
  ]);
  assert.deepEqual(found.fitting, ["git.md", "tides"]);
  assert.deepEqual([found.bad, found.stopped], ["input-invalid", "aborted"]);
});

test("memory: true keeps nothing; deleted collections are gone, where they are open, too", async () => {
  const found = await environment.page.evaluate(async () => {
    const embedder = new FakeEmbedder();
    const memory = await search.Collection.open("kept", { embedder, memory: true });
    await memory.add([{ id: "a", text: "a text" }]);
    const list = await search.Collection.list();
    memory.close();
    const names = ["Kept", "kept", `long ${"n".repeat(500)}`, "naïve — 名前 %41"];
    for (const name of names) {
      const docs = await search.Collection.open(name, { embedder });
      await docs.add([{ id: "a", text: name }]);
      docs.close();
    }
    const stored = await search.Collection.list();
    const open = await search.Collection.open("kept", { embedder });
    const before = open.info.documents;
    const emptied = new Promise((resolve) => open.addEventListener("change", resolve, { once: true }));
    await search.Collection.delete("kept");
    await emptied;
    const after = open.info.documents;
    await open.add([{ id: "b", text: "a new beginning" }]);
    const [hit] = await open.search("beginning", { minScore: 0 });
    open.close();
    return { list, names, stored, before, after, hit: hit?.id, left: await search.Collection.list() };
  });
  assert.deepEqual(found.list, []);
  assert.deepEqual(found.stored, found.names.toSorted());
  assert.deepEqual([found.before, found.after, found.hit], [1, 0, "b"]);
  assert.deepEqual(found.left, found.names.toSorted());
});

test("many small writes become few segments, and everything is there after another visit", async () => {
  const found = await environment.page.evaluate(async () => {
    const embedder = new FakeEmbedder();
    const docs = await search.Collection.open("small", { embedder });
    for (let at = 0; at < 80; at += 1) await docs.add([{ id: `d${at}`, text: `document number${at} of many` }]);
    for (let at = 0; at < 80; at += 4) await docs.remove(`d${at}`);
    await docs.add([{ id: "d1", text: "document number1 changed" }]);
    // Merging goes on behind the last write; a removal of nothing waits its turn.
    await docs.remove("nothing");
    docs.close();
    const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle("felsic-search");
    const files = [];
    // @ts-ignore: TypeScript's library lacks it
    for await (const name of folder.keys()) files.push(name);
    const again = await search.Collection.open("small", { embedder: new FakeEmbedder() });
    const { documents, passages } = again.info;
    const ids = [];
    for (let at = 0; at < 80; at += 1) if (await again.get(`d${at}`)) ids.push(at);
    const one = await again.get("d1");
    const [hit] = await again.search("number79", { mode: "words" });
    const old = await again.search("number4", { mode: "words", exact: true });
    again.close();
    return { files, documents, passages, ids, one, hit: hit?.id, old };
  });
  assert.ok(found.files.length <= 24, found.files.join(" "));
  assert.deepEqual([found.documents, found.passages], [60, 60]);
  assert.deepEqual(
    found.ids,
    Array.from({ length: 80 }, (_, at) => at).filter((at) => at % 4 !== 0),
  );
  assert.equal(found.one?.text, "document number1 changed");
  assert.deepEqual([found.hit, found.old], ["d79", []]);
});

test("similar documents", async () => {
  const found = await environment.page.evaluate(async (/** @type {any} */ library) => {
    const docs = await search.Collection.open("similar", { embedder: new FakeEmbedder(), memory: true });
    await docs.add(library);
    const hits = await docs.similar("soup", { minScore: 0 });
    const one = await docs.similar("soup", { minScore: 0, limit: 1, where: { tags: "guide" } });
    const missing = await settle(docs.similar("none"));
    docs.close();
    return { hits: hits.map(({ id }) => id), one: one.map(({ id }) => id).length, missing };
  }, LIBRARY);
  assert.equal(found.hits[0], "pasta");
  assert.ok(!found.hits.includes("soup"));
  assert.equal(found.one, 1);
  assert.equal(found.missing.code, "not-found");
});

test("another model's vectors: words go on, reindex() makes new ones and can be interrupted", async () => {
  const found = await environment.page.evaluate(async () => {
    const { Collection } = search;
    const old = await Collection.open("spaces", { embedder: new FakeEmbedder() });
    await old.add(
      Array.from({ length: 100 }, (_, at) => ({ id: `d${at}`, text: `the document number${at}`, tags: [`t${at % 2}`] })),
    );
    const embedder = new FakeEmbedder({ space: "fake/32", dimensions: 32, model: "other" });
    const docs = await Collection.open("spaces", { embedder });
    const state = { ...docs.info };
    const refused = [await settle(docs.search("number7")), await settle(docs.search("number7", { mode: "meaning" }))];
    const adding = await settle(docs.add([{ id: "x", text: "x" }]));
    const [similar] = await docs.similar("d1", { minScore: 0 });
    const [byWords] = await docs.search("number7", { mode: "words" });
    const removed = await docs.remove("d0");

    const stop = new AbortController();
    const reports = /** @type {import("felsic/search").AddProgress[]} */ ([]);
    const interrupted = await settle(
      docs.reindex({
        signal: stop.signal,
        onProgress: (progress) => (reports.push(progress), progress.done >= 32 && stop.abort()),
      }),
    );
    const still = docs.info.state;
    const [oldHit] = await old.search("number7", { minScore: 0 });
    // What the old embedder adds and removes meanwhile is not lost.
    await old.add([{ id: "late", text: "a late document" }]);
    await old.remove("d2");
    docs.close();

    const again = await Collection.open("spaces", { embedder });
    embedder.texts.length = 0;
    const seen = /** @type {import("felsic/search").AddProgress[]} */ ([]);
    await again.reindex({ onProgress: (progress) => seen.push(progress) });
    const embedded = embedder.texts.length;
    const after = { ...again.info };
    const [hit] = await again.search("number7", { mode: "meaning", minScore: 0 });
    const [late] = await again.search("late", { mode: "meaning", minScore: 0, where: { id: "late" } });
    const gone = [await again.get("d0"), await again.get("d2")];
    const tags = (await again.get("d7"))?.tags;
    await again.reindex();
    again.close();
    while (old.info.state === "ready") await new Promise((resolve) => setTimeout(resolve, 10));
    const oldRefused = await settle(old.search("number7"));
    old.close();
    const last = await Collection.open("spaces", { embedder });
    const reopened = { ...last.info };
    last.close();
    return {
      state,
      refused,
      adding,
      similar,
      byWords,
      removed,
      reports,
      interrupted,
      still,
      oldHit,
      seen,
      embedded,
      after,
      hit,
      late,
      gone,
      tags,
      oldRefused,
      reopened,
    };
  });
  assert.deepEqual([found.state.state, found.state.space, found.state.model], ["needs-reindex", "fake/64", "fake"]);
  for (const { code, message } of [...found.refused, found.adding, found.oldRefused]) {
    assert.equal(code, "needs-reindex");
    assert.match(String(message), /reindex\(\)/);
  }
  assert.ok(found.similar, "the old vectors are comparable with each other");
  assert.deepEqual([found.byWords?.id, found.removed], ["d7", 1]);
  assert.deepEqual([found.interrupted.code, found.still, found.oldHit?.id], ["aborted", "needs-reindex", "d7"]);
  assert.ok(found.embedded > 0 && found.embedded <= 99 - 32 + 1, `${found.embedded} embedded after the interruption`);
  assert.deepEqual(
    [found.after.state, found.after.space, found.after.dimensions, found.after.documents],
    ["ready", "fake/32", 32, 99 - 1 + 1],
  );
  const end = found.seen.at(-1);
  assert.deepEqual([end?.done, end?.total], [99, 99]);
  assert.ok(found.seen.every(({ done }, at) => done >= (found.seen[at - 1]?.done ?? 0)));
  assert.deepEqual([found.hit?.id, found.late?.id, found.gone, found.tags], ["d7", "late", [undefined, undefined], ["t1"]]);
  assert.deepEqual(found.reopened, found.after);
});

test("bad input is refused by name, and nothing of it is stored", async () => {
  const found = await environment.page.evaluate(async () => {
    const { Collection } = search;
    const embedder = new FakeEmbedder();
    const any = /** @type {(value: unknown) => any} */ ((value) => value);
    const docs = await Collection.open("bad", { embedder });
    const good = { id: "good", text: "a good text" };
    /** @type {Record<string, () => Promise<unknown>>} */
    const calls = {
      "no name": () => Collection.open("", { embedder }),
      "a long name": () => Collection.open("n".repeat(1025), { embedder }),
      "half a character": () => Collection.open("a\ud800", { embedder }),
      "no embedder": () => Collection.open("x"),
      "not an embedder": () => Collection.open("x", { embedder: any({ embed() {} }) }),
      "unknown option": () => Collection.open("x", any({ embedder, memry: true })),
      memory: () => Collection.open("x", any({ embedder, memory: 1 })),
      "passage.tokens": () => Collection.open("x", { embedder, passage: { tokens: 3 } }),
      "passage.overlap": () => Collection.open("x", { embedder, passage: { tokens: 100, overlap: 90 } }),
      "unknown passage option": () => Collection.open("x", any({ embedder, passage: { size: 3 } })),
      "no documents": () => docs.add(any("text")),
      "no document": () => docs.add([good, any("text")]),
      "no id": () => docs.add([good, any({ text: "x" })]),
      "empty id": () => docs.add([good, { id: "", text: "x" }]),
      "long id": () => docs.add([good, { id: "i".repeat(1025), text: "x" }]),
      "no text": () => docs.add([good, any({ id: "x" })]),
      "unknown kind": () => docs.add([good, any({ id: "x", text: "x", kind: "pdf" })]),
      "unknown field": () => docs.add([good, any({ id: "x", text: "x", titel: "x" })]),
      tags: () => docs.add([good, any({ id: "x", text: "x", tags: "x" })]),
      "a function in meta": () => docs.add([good, any({ id: "x", text: "x", meta: { a: () => 1 } })]),
      "NaN in meta": () => docs.add([good, { id: "x", text: "x", meta: { a: NaN } }]),
      "a Date in meta": () => docs.add([good, any({ id: "x", text: "x", meta: { a: new Date() } })]),
      "meta that has itself": () => {
        const meta = /** @type {any} */ ({});
        meta.meta = meta;
        return docs.add([good, { id: "x", text: "x", meta }]);
      },
      "unknown option of add": () => docs.add([good], any({ onprogress() {} })),
      "unknown change": () => docs.update("good", any({ id: "other" })),
      "an id that is none": () => docs.get(any(3)),
      "ids that are none": () => docs.remove(any(["a", 3])),
      query: () => docs.search(any(3)),
      limit: () => docs.search("x", { limit: 0 }),
      mode: () => docs.search("x", any({ mode: "magic" })),
      minScore: () => docs.search("x", { minScore: 2 }),
      exact: () => docs.search("x", any({ exact: "yes" })),
      sentences: () => docs.search("x", any({ sentences: 1 })),
      "unknown option of search": () => docs.search("x", any({ filter: {} })),
      where: () => docs.search("x", any({ where: "tags" })),
      "unknown operator": () => docs.search("x", any({ where: { minutes: { above: 3 } } })),
      "no operator": () => docs.search("x", { where: { minutes: {} } }),
      "a filter's value": () => docs.search("x", any({ where: { minutes: () => 3 } })),
      "a limit of a range": () => docs.search("x", any({ where: { minutes: { gt: true } } })),
      delete: () => Collection.delete(""),
    };
    const settled = [];
    for (const [name, call] of Object.entries(calls)) settled.push({ ...(await settle(call())), name });
    const wrong = new FakeEmbedder();
    wrong.embed = async (/** @type {any} */ input) =>
      Array.isArray(input) ? input.map(() => new Float32Array(3)) : new Float32Array(3);
    const other = await Collection.open("wrong", { embedder: wrong, memory: true });
    settled.push({ ...(await settle(other.add([good]))), name: "a short vector" });
    wrong.embed = async (/** @type {any} */ input) =>
      Array.isArray(input) ? input.map(() => new Float32Array(64).fill(NaN)) : new Float32Array(64);
    settled.push({ ...(await settle(other.add([good]))), name: "no vector" });
    settled.push({ ...(await settle(other.search("x"))), name: "a query without a direction" });
    const stop = new AbortController();
    stop.abort();
    const aborted = [
      await settle(docs.add([good], { signal: stop.signal })),
      await settle(docs.search("x", { signal: stop.signal })),
      await settle(Collection.open("x", { embedder, signal: stop.signal })),
      await settle(docs.reindex({ signal: stop.signal })),
    ];
    const { documents } = docs.info;
    docs.close();
    const left = { documents, other: other.info.documents, list: await Collection.list() };
    other.close();
    return { settled, aborted, left };
  });
  for (const { name, ok, code, isFelsicError, message } of found.settled) {
    assert.deepEqual([ok, code, isFelsicError], [false, "input-invalid", true], `${name}: ${code} ${message}`);
  }
  const messageOf = (/** @type {string} */ name) => String(found.settled.find((settled) => settled.name === name)?.message);
  assert.match(messageOf("unknown option"), /"memry".*\bmemory\b/);
  assert.match(messageOf("unknown field"), /"titel".*\btitle\b/);
  assert.match(messageOf("unknown operator"), /"above".*\bgt\b/);
  for (const { code } of found.aborted) assert.equal(code, "aborted");
  assert.deepEqual(found.left, { documents: 0, other: 0, list: [] });
});

test("files from elsewhere: another origin, and what is missing there is named", async () => {
  const elsewhere = await Server.start(environment.mounts);
  try {
    const found = await environment.page.evaluate(
      async ({ elsewhere, wrong }) => {
        const embedder = new FakeEmbedder();
        const open = (/** @type {object} */ options) => search.Collection.open("away", { embedder, memory: true, ...options });
        const docs = await open({ baseUrl: elsewhere });
        await docs.add([{ id: "a", text: "from another origin" }]);
        const [hit] = await docs.search("origin", { minScore: 0 });
        docs.close();
        const own = await open({ workerUrl: new URL("/felsic/worker-search.js", location.href) });
        own.close();
        return {
          hit: hit?.id,
          script: await settle(open({ baseUrl: wrong })),
          wasm: await settle(open({ wasmUrl: `${wrong}felsic_search_bg.wasm` })),
          notWasm: await settle(open({ wasmUrl: "/felsic/blank.js" })),
        };
      },
      { elsewhere: elsewhere.url("/felsic/"), wrong: environment.url("/nowhere/") },
    );
    assert.equal(found.hit, "a");
    assert.equal(found.script.code, "network");
    assert.match(String(found.script.message), /\/nowhere\/worker-search\.js cannot be fetched: HTTP 404/);
    assert.equal(found.wasm.code, "not-found");
    assert.match(String(found.wasm.message), /felsic's search at .*felsic_search_bg\.wasm could not be fetched/);
    assert.equal(found.notWasm.code, "device-unavailable");
    assert.ok([found.script, found.wasm, found.notWasm].every(({ isFelsicError }) => isFelsicError));
  } finally {
    await elsewhere.close();
  }
});

test("a search while 2,000 texts are being added takes at most twice as long", async (context) => {
  // Other work on the machine may slow down a round.
  let share = Infinity;
  for (let round = 0; round < 3 && share > 2; round += 1) {
    const { idle, busy, during, code } = await searchWhileAdding();
    share = median(busy) / median(idle);
    context.diagnostic(
      `idle ${median(idle).toFixed(1)} ms, while adding ${median(busy).toFixed(1)} ms; ${during} texts were added meanwhile`,
    );
    assert.ok(busy.length >= 15, `${busy.length} searches`);
    assert.ok(during > 0, "adding goes on");
    assert.equal(code, "aborted");
  }
  assert.ok(share <= 2, `${share} times as long`);
});

/** Times searches in an idle collection, and in one to which texts are being added. */
function searchWhileAdding() {
  return environment.page.evaluate(async () => {
    const embedder = await felsic.Embedder.create();
    const docs = await search.Collection.open("busy", { embedder, memory: true });
    const words =
      "river stone light market winter garden letter music engine paper window bread forest coast signal bridge".split(" ");
    const text = (/** @type {number} */ at) =>
      Array.from({ length: 18 }, (_, i) => words[(at * 7 + i * i + (at >> 3)) % words.length]).join(" ") + ` ${at}`;
    const documents = (/** @type {number} */ from, /** @type {number} */ count) =>
      Array.from({ length: count }, (_, at) => ({ id: String(from + at), text: text(from + at) }));
    await docs.add(documents(0, 200));
    // People search one after another, with pauses in which adding goes on.
    const timed = async (/** @type {number} */ at) => {
      await new Promise((resolve) => setTimeout(resolve, 230 + (at % 5) * 20));
      const start = performance.now();
      await docs.search(`${words[at % words.length]} ${words[(at * 3) % words.length]}`, { mode: "meaning" });
      return performance.now() - start;
    };
    const idle = [];
    for (let at = 0; at < 15; at += 1) idle.push(await timed(at));
    let done = 0;
    let isOver = false;
    const enough = new AbortController();
    const options = { signal: enough.signal, onProgress: (/** @type {{ done: number }} */ progress) => (done = progress.done) };
    const adding = settle(docs.add(documents(200, 2000), options)).finally(() => (isOver = true));
    const busy = [];
    while (!isOver && (busy.length < 25 || (done === 0 && busy.length < 100))) {
      const time = await timed(busy.length);
      if (!isOver) busy.push(time);
    }
    const during = done;
    enough.abort();
    const { code } = await adding;
    docs.close();
    embedder.destroy();
    return { idle, busy, during, code };
  });
}
