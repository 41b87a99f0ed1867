/** A collection out into a file and in again, in a browser, with the built-in model. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { start } from "./harness.mjs";

/** @typedef {import("./harness.mjs").Environment} Environment */

/** @type {Environment} */
let environment;

before(async () => {
  environment = await start({ gpu: false });
  await environment.page.evaluate(async () => {
    const { Collection } = await import(/** @type {any} */ ("/felsic/search.js"));
    const embedder = await felsic.Embedder.create({ baseUrl: "/felsic/", workers: 1 });
    let embedded = 0;
    const counting = {
      info: embedder.info,
      countTokens: (/** @type {any} */ texts, /** @type {any} */ options) => embedder.countTokens(texts, options),
      embed: (/** @type {any} */ texts, /** @type {any} */ options) => {
        embedded += Array.isArray(texts) ? texts.length : 1;
        return embedder.embed(texts, options);
      },
    };
    const open = (/** @type {string} */ name) => Collection.open(name, { embedder: counting, memory: true, baseUrl: "/felsic/" });
    const topics = ["undoing a commit in git", "baking bread at home", "watering plants in summer", "repairing a bicycle tyre"];
    const documents = Array.from({ length: 24 }, (_, n) => ({
      id: `${n}.md`,
      title: `Note ${n}`,
      tags: [`t${n % 2}`],
      meta: { n },
      text: `# About ${topics[n % 4]}\n\n${`This is sentence ${n} about ${topics[n % 4]}. `.repeat(40)}\n\n## More\n\nThe end of note ${n}.`,
    }));
    const first = await open("first");
    await first.add(documents);
    const failure = (/** @type {Promise<unknown>} */ work) =>
      work.then(
        () => undefined,
        (error) => [error instanceof felsic.FelsicError, error.code, error.message],
      );
    const counted = () => embedded;
    Object.assign(globalThis, { search: { Collection, open, first, failure, counted } });
  });
});

after(() => environment?.close());

for (const format of ["jsonl", "parquet"]) {
  test(`a collection that is imported finds what the first one finds, and embeds no more than the sample: ${format}`, async () => {
    const found = await environment.page.evaluate(async (format) => {
      const { open, first, counted } = /** @type {any} */ (globalThis).search;
      const file = await new Response(first.export(format)).blob();
      const second = await open(`second-${format}`);
      const before = counted();
      const result = await second.import(file);
      const embedded = counted() - before;
      const again = await second.import(file.stream(), { format });
      const hits = async (/** @type {any} */ docs, /** @type {any} */ options) =>
        (await docs.search("revert a change in version control", { limit: 5, minScore: 0, ...options })).map(
          (/** @type {any} */ { id, score, passage, title, tags, meta }) => ({ id, score, passage, title, tags, meta }),
        );
      const both = async (/** @type {any} */ options) => [await hits(first, options), await hits(second, options)];
      const searches = [await both({ mode: "meaning" }), await both({ mode: "words" }), await both({ where: { tags: "t1" } })];
      const infos = [first.info, second.info];
      const texts = [(await first.get("3.md")).text, (await second.get("3.md")).text];
      second.close();
      return { bytes: file.size, result, again, embedded, searches, infos, texts };
    }, format);
    const { result, again, embedded, searches, infos } = found;
    const [one, two] = infos;
    assert.deepEqual([two.documents, two.passages, two.space], [one.documents, one.passages, one.space]);
    assert.deepEqual([result.documents, result.passages, result.embedded], [24, one.passages, 0]);
    assert.ok(result.agreement.lowest > 0.9999 && result.agreement.of === "headed", JSON.stringify(result.agreement));
    assert.ok(embedded <= 64, `${embedded} texts embedded`);
    assert.equal(again.documents, 24);
    for (const [mine, theirs] of searches) {
      assert.ok(mine.length > 0);
      assert.deepEqual(
        theirs.map((/** @type {any} */ { score: _, ...hit }) => hit),
        mine.map((/** @type {any} */ { score: _, ...hit }) => hit),
      );
      for (const [at, { score }] of theirs.entries())
        assert.ok(Math.abs(score - mine[at].score) < 1e-3, `${score} ${mine[at].score}`);
    }
    const [whole, joined] = found.texts;
    assert.equal(joined, whole, "the whole text comes back");
  });
}

test("what is refused leaves the collection as it was; a closed one's export fails with its code", async () => {
  const found = await environment.page.evaluate(async () => {
    const { open, first, failure } = /** @type {any} */ (globalThis).search;
    const docs = await open("refused");
    const lines = (await new Response(first.export("jsonl")).text()).trim().split("\n");
    const rows = lines.map((/** @type {string} */ line) => JSON.parse(line));
    const turned = rows.map((/** @type {any} */ row) => ({ ...row, vector: [...row.vector.slice(1), row.vector[0]] }));
    const blob = (/** @type {unknown[]} */ rows) => new Blob([rows.map((row) => `${JSON.stringify(row)}\n`).join("")]);
    const refusals = {
      disagree: await failure(docs.import(blob(turned))),
      field: await failure(docs.import(blob([...rows, { ...rows[0], id: "x", title: "t".repeat(9000) }]))),
      option: await failure(docs.import(blob(rows), { formatt: "jsonl" })),
      source: await failure(docs.import(3)),
    };
    const { documents } = docs.info;
    docs.close();
    const closed = await failure(docs.export("parquet").getReader().read());
    return { refusals, documents, closed };
  });
  assert.equal(found.documents, 0);
  const { disagree, ...others } = found.refusals;
  assert.deepEqual(disagree?.slice(0, 2), [true, "vectors-disagree"]);
  for (const [name, refusal] of Object.entries(others)) assert.deepEqual(refusal?.slice(0, 2), [true, "input-invalid"], name);
  assert.deepEqual(found.closed?.slice(0, 2), [true, "destroyed"]);
});

test("a page that has no Parquet file loads nothing of it", async () => {
  const { browser, server, url } = environment;
  const other = await browser.newPage();
  /** @type {string[]} */
  const loaded = [];
  other.on("request", (request) => loaded.push(request.url()));
  await other.goto(url("/felsic/blank.html"));
  await other.evaluate(async () => void (await import(/** @type {any} */ ("/felsic/search.js"))));
  assert.ok(loaded.some((address) => address === server.url("/felsic/search.js")));
  assert.ok(!loaded.some((address) => address.includes("parquet")), loaded.join(" "));
  await other.close();
});
