/** Documents whose vectors are made later: words at once, meaning after complete(); kills, several tabs, full disks, damaged files. */

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { deleteAll, startSearch } from "./search-harness.mjs";
import { random } from "./store-harness.mjs";

/** How often a tab is killed while it embeds; `FELSIC_KILLS=200` for a long run. */
const KILLS = Number(process.env.FELSIC_KILLS ?? 3);

/** @type {import("./search-harness.mjs").SearchEnvironment} */
let environment;

before(async () => {
  environment = await startSearch();
  await prepare(environment.page);
});

beforeEach(() => deleteAll(environment.page));

after(() => environment?.close());

/** Puts on a page what the tests of this file have in common. @param {import("playwright-core").Page} page */
function prepare(page) {
  return page.evaluate(() => {
    const ids = (/** @type {readonly { id: string }[]} */ hits) => hits.map(({ id }) => id);
    /** A document of some passages, of about 20 words each; its words are its own. */
    const document = (/** @type {string} */ id, passages = 1, word = "old") => ({
      id,
      text: Array.from(
        { length: passages },
        (_, at) => `${id} part${at} ${word}. ${Array.from({ length: 17 }, (_, i) => `${id}x${at}x${i}`).join(" ")}.`,
      ).join("\n\n"),
    });
    const open = (/** @type {string} */ name, /** @type {any} */ embedder, options = {}) =>
      search.Collection.open(name, { embedder, passage: { tokens: 30, overlap: 0 }, ...options });
    Object.assign(globalThis, { later: { ids, document, open } });
  });
}

test("words find at once what is added with meaning: later; meaning finds it after complete(), and nothing is embedded twice", async () => {
  const found = await environment.page.evaluate(async () => {
    const { ids, document, open } = /** @type {any} */ (globalThis).later;
    const embedder = new FakeEmbedder();
    const docs = await open("later", embedder);
    await docs.add([{ id: "now", text: "whales sing at night" }]);
    embedder.texts.length = 0;
    const documents = [
      document("alpha", 3),
      { id: "tea.md", text: "# Drinks\n\n## Tea\n\nSteep the leaves for four minutes." },
      document("beta", 2),
    ];
    const added = await docs.add(documents, { meaning: "later" });
    const info = docs.info;
    const modes = /** @type {const} */ (["words", "hybrid", "meaning"]);
    const searched = async () => {
      /** @type {Record<string, string[]>} */
      const all = {};
      for (const mode of modes)
        all[mode] = ids(await docs.search("leaves steep minutes", { mode, minScore: mode === "meaning" ? 0 : undefined }));
      return all;
    };
    const before = await searched();
    const [hit] = await docs.search("leaves steep minutes");
    const others = [
      await docs.similar("tea.md", { minScore: 0 }),
      ids(await docs.similar("now", { minScore: 0 })),
      await docs.clusters(),
      (await docs.layout()).ids,
    ];
    const texts = [...embedder.texts];
    const again = await docs.add(documents, { meaning: "later" });
    const progress = /** @type {any[]} */ ([]);
    await docs.complete({ onProgress: (/** @type {unknown} */ step) => progress.push(step) });
    const tokens = (await embedder.countTokens(embedder.texts)).reduce((sum, count) => sum + count, 0);
    const made = [...embedder.texts];
    const complete = docs.info;
    const after = await searched();
    const clusters = (await docs.clusters()).flatMap((/** @type {any} */ { ids }) => ids).sort();
    const similar = ids(await docs.similar("tea.md", { minScore: 0 }));
    await docs.complete();
    const unchanged = await docs.add(documents);
    docs.close();
    return {
      added,
      info,
      before,
      hit,
      others,
      texts,
      again,
      progress,
      tokens,
      made,
      complete,
      after,
      clusters,
      similar,
      unchanged,
      all: embedder.texts.length,
    };
  });
  assert.deepEqual(found.added, { added: 3, updated: 0, unchanged: 0, passages: 6, embedded: 0 });
  assert.deepEqual([found.info.documents, found.info.passages, found.info.waiting], [4, 7, 6]);
  assert.deepEqual(found.texts, []);
  assert.deepEqual(found.before.words, ["tea.md"]);
  assert.equal(found.before.hybrid?.[0], "tea.md");
  assert.deepEqual(found.before.meaning, ["now"]);
  assert.equal(found.hit?.why.meaning, undefined);
  assert.deepEqual(found.hit?.why.words?.terms.toSorted(), ["leaves", "minutes", "steep"]);
  assert.deepEqual(found.others, [[], [], [{ label: found.others[2]?.[0]?.label, ids: ["now"], size: 1 }], ["now"]]);
  assert.deepEqual(found.again, { added: 0, updated: 0, unchanged: 3, passages: 0, embedded: 0 });
  // Each passage once, with the headings above it.
  assert.equal(found.made.length, 6);
  assert.ok(found.made.includes("Drinks › Tea\nSteep the leaves for four minutes."), found.made.join("\n"));
  assert.deepEqual(found.progress[0], { done: 0, total: 6, documents: 0, tokens: 0 });
  assert.deepEqual(found.progress.at(-1), { done: 6, total: 6, documents: 3, tokens: found.tokens });
  assert.equal(found.complete.waiting, 0);
  for (const mode of ["words", "hybrid", "meaning"]) assert.equal(found.after[mode]?.[0], "tea.md", mode);
  assert.deepEqual(found.clusters, ["alpha", "beta", "now", "tea.md"]);
  assert.equal(found.similar.length, 3);
  assert.deepEqual(found.unchanged, { added: 0, updated: 0, unchanged: 3, passages: 0, embedded: 0 });
  assert.equal(found.all, 6);
});

test("vectors that are made later are those that would have been made at once", async () => {
  const found = await environment.page.evaluate(async () => {
    const { document, open } = /** @type {any} */ (globalThis).later;
    const embedder = new FakeEmbedder();
    const documents = Array.from({ length: 30 }, (_, at) => document(`d${at}`, 1 + (at % 4)));
    const hits = async (/** @type {any} */ docs) => {
      const found = await docs.search("d7x1x3 d7x1x4 d20x0x1 old", { minScore: 0, limit: 30 });
      return found.map((/** @type {any} */ { id, score, passage, why }) => [id, score, passage.text, why.meaning?.cosine]);
    };
    const at = await open("at once", embedder, { memory: true });
    await at.add(documents);
    const expected = await hits(at);
    const exported = await new Response(at.export("jsonl")).text();
    const later = await open("later", embedder);
    // Some at once, some in calls of their own, so that rows and vectors have different numbers and segments are put together.
    for (const [i, document] of documents.entries()) await later.add([document], i % 3 === 0 ? {} : { meaning: "later" });
    await later.complete();
    const found = await hits(later);
    later.close();
    const again = await open("later", embedder);
    const reopened = await hits(again);
    const { waiting, passages } = again.info;
    const lines = (/** @type {string} */ text) => text.trim().split("\n").sort();
    const isSame = lines(await new Response(again.export("jsonl")).text()).join() === lines(exported).join();
    at.close();
    again.close();
    return { expected, found, reopened, waiting, passages, isSame };
  });
  assert.deepEqual([found.waiting, found.passages], [0, 75 - 2]);
  // The mean of the pairs that make scores depends on the order of the documents.
  const rounded = (/** @type {any[]} */ hits) => hits.map(([id, , text, cosine]) => [id, text, cosine]).sort();
  assert.deepEqual(rounded(found.found), rounded(found.expected));
  assert.deepEqual(rounded(found.reopened), rounded(found.expected));
  assert.ok(found.isSame, "an export has the same vectors");
});

test("of a document that has changed, passages that have not changed keep their vectors", async () => {
  const found = await environment.page.evaluate(async () => {
    const { ids, document, open } = /** @type {any} */ (globalThis).later;
    const embedder = new FakeEmbedder();
    const docs = await open("changes", embedder);
    const long = document("long", 12);
    await docs.add([long]);
    const changed = { ...long, text: long.text.replace("part5 old", "part5 new") };
    embedder.texts.length = 0;
    const result = await docs.add([changed], { meaning: "later" });
    const { waiting } = docs.info;
    const meant = await docs.search("part7 old long", { mode: "meaning", minScore: 0, where: { id: "long" } });
    const words = await docs.search("part5 new", { minScore: 0 });
    // Fields alone, while it waits.
    await docs.update("long", { tags: ["a"] }, { meaning: "later" });
    const still = docs.info.waiting;
    await docs.complete();
    const made = [...embedder.texts];
    const tags = (await docs.get("long"))?.tags;
    // What waits is embedded when it is added at once.
    await docs.add([document("other", 3)], { meaning: "later" });
    embedder.texts.length = 0;
    const now = await docs.add([document("other", 3)]);
    const done = [docs.info.waiting, embedder.texts.length];
    // What is removed waits no more.
    await docs.add([document("gone", 3)], { meaning: "later" });
    await docs.remove("gone");
    const removed = docs.info.waiting;
    docs.close();
    return { result, waiting, meant: ids(meant), words: words[0]?.passage.text, still, made, tags, now, done, removed };
  });
  assert.deepEqual([found.result.updated, found.result.embedded, found.waiting, found.still], [1, 0, 1, 1]);
  assert.deepEqual(found.meant, ["long"]);
  assert.match(String(found.words), /part5 new/);
  assert.equal(found.made.length, 1);
  assert.match(String(found.made[0]), /part5 new/);
  assert.deepEqual(found.tags, ["a"]);
  assert.deepEqual([found.now.updated, found.now.embedded, found.done], [1, 3, [0, 3]]);
  assert.equal(found.removed, 0);
});

test("what is written after a segment with and without vectors says nothing of the passages that wait there", async () => {
  const found = await environment.page.evaluate(async () => {
    const { document, open } = /** @type {any} */ (globalThis).later;
    const embedder = new FakeEmbedder();
    const docs = await open("mixed", embedder);
    await docs.add([document("alpha", 3), document("beta"), document("gamma")]);
    const changed = document("alpha", 3);
    // Two of its passages keep their vectors, and one waits.
    await docs.add([{ ...changed, text: changed.text.replace("alphax1x3", "replaced") }], { meaning: "later" });
    await docs.remove("beta");
    docs.close();
    const again = await open("mixed", embedder);
    const { waiting } = again.info;
    await again.complete();
    await again.remove("gamma");
    again.close();
    const last = await open("mixed", embedder);
    const { documents, passages, waiting: none } = last.info;
    last.close();
    return { waiting, documents, passages, none };
  });
  assert.deepEqual(found, { waiting: 1, documents: 1, passages: 3, none: 0 });
});

test("the newest documents come first, also those that are added meanwhile; an abort pauses, and the next call goes on", async () => {
  const found = await environment.page.evaluate(async () => {
    const { ids, document, open } = /** @type {any} */ (globalThis).later;
    const embedder = new FakeEmbedder();
    const docs = await open("order", embedder);
    // The third fits into one batch of adding.
    const add = async (/** @type {string} */ name, length = 40) => {
      await docs.add(
        Array.from({ length }, (_, at) => document(`${name}${at}`)),
        { meaning: "later" },
      );
      await new Promise((resolve) => setTimeout(resolve, 5));
    };
    await add("a");
    await add("b");
    // Embedding goes on when the others are stored.
    let added = Promise.resolve();
    const embed = embedder.embed.bind(embedder);
    embedder.embed = async (/** @type {any} */ input, /** @type {any} */ options) => {
      await added;
      return embed(input, options);
    };
    const pause = new AbortController();
    const progress = /** @type {any[]} */ ([]);
    const onProgress = (/** @type {any} */ step) => {
      progress.push(step);
      if (progress.length === 2) added = add("c", 30);
      if (progress.length === 3) pause.abort();
    };
    const first = await settle(docs.complete({ signal: pause.signal, onProgress }));
    const { waiting } = docs.info;
    const meant = ids(await docs.search("old", { mode: "meaning", minScore: 0, limit: 1000 }));
    const hybrid = ids(await docs.search("a3 a3x0x2", {}));
    const before = embedder.texts.length;
    docs.close();
    const next = await open("order", embedder);
    await next.complete();
    const { waiting: rest } = next.info;
    next.close();
    return { first, progress, waiting, meant: meant.length, hybrid: hybrid[0], before, texts: embedder.texts, rest };
  });
  assert.equal(found.first.code, "aborted");
  const { done } = found.progress.at(-1);
  assert.equal(found.waiting, 110 - done);
  assert.equal(found.meant, done);
  assert.equal(found.hybrid, "a3");
  const order = found.texts.map((text) => text[0]).join("");
  // Those that were added meanwhile come as soon as they are there, before the others of the first.
  // The abort comes while the first of them are being embedded.
  assert.match(order.slice(0, found.before), /^b+a*(c+[ab]*)?$/);
  assert.match(order.slice(found.before), /^c{30}b*a+$/);
  assert.equal(found.rest, 0);
  // Nothing is made twice but the batch that was cut off.
  assert.ok(
    found.texts.length < 110 + found.before - done + 1,
    `${found.texts.length} texts, ${found.before} of them before the abort`,
  );
});

test("searches go first while complete() embeds: each waits for a call of few texts at most", async () => {
  const { ahead, made } = await environment.page.evaluate(async () => {
    const { document, open } = /** @type {any} */ (globalThis).later;
    /** How many texts were being embedded when a query came. @type {number[]} */
    const ahead = [];
    // As an engine does, one call after another.
    class Engine extends FakeEmbedder {
      /** @type {Promise<unknown>} */
      last = Promise.resolve();
      busy = 0;

      /** @override @param {any} input @param {any} [options] @returns {Promise<any>} */
      embed(input, options) {
        const texts = Array.isArray(input) ? input.length : 0;
        if (texts === 0) ahead.push(this.busy);
        this.busy += texts;
        const result = this.last.then(() => super.embed(input, options)).finally(() => (this.busy -= texts));
        this.last = result.catch(() => undefined);
        return result;
      }
    }
    const embedder = new Engine();
    const docs = await open("pace", embedder, { memory: true });
    await docs.add(
      Array.from({ length: 400 }, (_, at) => document(`d${at}`)),
      { meaning: "later" },
    );
    embedder.delay = 10;
    const stop = new AbortController();
    await docs.search("d1 old");
    const completing = settle(docs.complete({ signal: stop.signal }));
    for (let at = 0; at < 8; at += 1) {
      await new Promise((resolve) => setTimeout(resolve, 230));
      await docs.search(`d${at} old`);
    }
    const made = embedder.texts.length;
    stop.abort();
    await completing;
    docs.close();
    return { ahead, made };
  });
  // A batch has 16 texts.
  assert.ok(ahead.length === 9 && Math.max(...ahead) <= 4, `${ahead.join(" ")} texts`);
  assert.ok(made > 0, "it goes on between searches");
});

test(`a tab that is killed while it embeds loses nothing: ${KILLS} kills`, { timeout: 30_000 + KILLS * 5000 }, async () => {
  const COUNT = 42 + KILLS * 42;
  const next = random(15);
  const setUp = await environment.newTab();
  await prepare(setUp);
  await setUp.evaluate(async (count) => {
    const { document, open } = /** @type {any} */ (globalThis).later;
    const docs = await open("killed", new FakeEmbedder());
    await docs.add(
      Array.from({ length: count }, (_, at) => document(`d${at}`, 1 + (at % 3))),
      { meaning: "later" },
    );
    docs.close();
  }, COUNT);
  await setUp.close();
  let [acknowledged, complete] = [0, 0];
  for (let round = 0; round < KILLS; round += 1) {
    const tab = await environment.newTab();
    await prepare(tab);
    acknowledged = 0;
    await tab.exposeFunction("acknowledge", (/** @type {number} */ done) => (acknowledged = done));
    await tab.evaluate(async () => {
      const scope = /** @type {any} */ (globalThis);
      const embedder = new FakeEmbedder();
      embedder.delay = 0.5;
      scope.docs = await scope.later.open("killed", embedder);
      void scope.docs.complete({ onProgress: (/** @type {any} */ { done }) => void scope.acknowledge(done) }).catch(() => {});
    });
    await new Promise((resolve) => setTimeout(resolve, 40 + next() * 250));
    if (round % 2 === 0) {
      const devtools = await tab.context().newCDPSession(tab);
      const crashed = tab.waitForEvent("crash");
      void devtools.send("Page.crash").catch(() => {});
      await crashed;
    }
    await tab.close().catch(() => {});
    const check = await environment.newTab();
    await prepare(check);
    const found = await check.evaluate(async (count) => {
      const { ids, open } = /** @type {any} */ (globalThis).later;
      const docs = await open("killed", new FakeEmbedder());
      const { documents, passages, waiting } = docs.info;
      const meant = ids(await docs.search("old", { mode: "meaning", minScore: 0, limit: 1000 }));
      const one = `d${count - 2}`;
      const words = ids(await docs.search(`${one}x0x3`, { mode: "words", minScore: 0 }));
      docs.close();
      return { documents, passages, waiting, meant: meant.length, isFound: words[0] === one };
    }, COUNT);
    await check.close();
    assert.deepEqual([found.documents, found.passages, found.isFound], [COUNT, COUNT * 2, true], `round ${round}`);
    const made = found.passages - found.waiting;
    assert.ok(made >= complete + acknowledged, `round ${round}: ${acknowledged} were acknowledged, ${made - complete} are there`);
    assert.ok(found.meant > 0 === made > 0 && found.meant <= made);
    complete = made;
  }
  const last = await environment.page.evaluate(async () => {
    const { open } = /** @type {any} */ (globalThis).later;
    const embedder = new FakeEmbedder();
    const docs = await open("killed", embedder);
    const { waiting } = docs.info;
    await docs.complete();
    const info = docs.info;
    docs.close();
    return { waiting, rest: info.waiting, texts: embedder.texts.length };
  });
  assert.deepEqual([last.rest, last.texts], [0, last.waiting]);
});

test("two tabs: each sees what the other completes, and both together embed each passage once", async () => {
  const [one, two] = [environment.page, await environment.newTab()];
  await prepare(two);
  for (const page of [one, two]) {
    await page.evaluate(async () => {
      const scope = /** @type {any} */ (globalThis);
      scope.embedder = new FakeEmbedder();
      scope.embedder.delay = 1;
      scope.docs = await scope.later.open("shared", scope.embedder);
    });
  }
  await one.evaluate(() => {
    const { docs, later } = /** @type {any} */ (globalThis);
    return docs.add(
      Array.from({ length: 100 }, (_, at) => later.document(`d${at}`)),
      { meaning: "later" },
    );
  });
  await two.waitForFunction(() => /** @type {any} */ (globalThis).docs.info.waiting === 100);
  const complete = () => /** @type {any} */ (globalThis).docs.complete();
  // One tab changes documents while the other completes them.
  const change = () => {
    const { docs, later } = /** @type {any} */ (globalThis);
    return docs.add([later.document("d3", 1, "new"), later.document("d90", 1, "new")], { meaning: "later" });
  };
  await Promise.all([one.evaluate(complete), two.evaluate(change).then(() => two.evaluate(complete))]);
  const states = [];
  for (const page of [one, two]) {
    await page.waitForFunction(() => /** @type {any} */ (globalThis).docs.info.waiting === 0);
    states.push(
      await page.evaluate(async () => {
        const { docs, embedder } = /** @type {any} */ (globalThis);
        const hits = await docs.search("d90 new", { mode: "meaning", minScore: 0, limit: 1 });
        docs.close();
        return { texts: embedder.texts.length, hit: hits[0]?.id, text: hits[0]?.passage.text.slice(0, 13) };
      }),
    );
  }
  await two.close();
  for (const { hit, text } of states) assert.deepEqual([hit, text], ["d90", "d90 part0 new"]);
  const made = states.reduce((sum, { texts }) => sum + texts, 0);
  assert.ok(made >= 100 && made <= 102, `${made} texts were embedded`);
});

test("no room: complete() says so, nothing is lost, and it goes on when there is room", async () => {
  const page = await environment.newTab();
  await prepare(page);
  const devtools = await page.context().newCDPSession(page);
  const { origin } = new URL(environment.url("/"));
  const before = await page.evaluate(async () => {
    const scope = /** @type {any} */ (globalThis);
    scope.embedder = new FakeEmbedder({ dimensions: 768, space: "wide" });
    scope.docs = await scope.later.open("full", scope.embedder);
    await scope.docs.add(
      Array.from({ length: 300 }, (_, at) => scope.later.document(`d${at}`)),
      { meaning: "later" },
    );
    return Number((await navigator.storage.estimate()).usage);
  });
  await devtools.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: before + 60_000 });
  const full = await page.evaluate(async () => {
    const { docs, later } = /** @type {any} */ (globalThis);
    const refused = await settle(docs.complete());
    const words = later.ids(await docs.search("d7x0x4", { mode: "words", minScore: 0 }));
    return { refused, waiting: docs.info.waiting, words };
  });
  assert.equal(full.refused.code, "quota-exceeded", full.refused.message);
  assert.ok(full.waiting > 0);
  assert.equal(full.words[0], "d7");
  await devtools.send("Storage.overrideQuotaForOrigin", { origin });
  const rest = await page.evaluate(async () => {
    const { docs } = /** @type {any} */ (globalThis);
    await docs.complete();
    const { waiting, documents } = docs.info;
    docs.close();
    return [waiting, documents];
  });
  assert.deepEqual(rest, [0, 300]);
  await page.close();
});

test("damaged: what would be embedded is checked; searches go on", async () => {
  const { settled, code, words, meaning } = await environment.page.evaluate(async () => {
    const { ids, open } = /** @type {any} */ (globalThis).later;
    const embedder = new FakeEmbedder();
    const docs = await open("damaged", embedder);
    await docs.add([{ id: "b", text: "almonds are bitter" }]);
    docs.close();
    const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle("felsic-search");
    const names = async () => {
      const found = /** @type {string[]} */ ([]);
      // @ts-ignore: TypeScript's library lacks it
      for await (const name of folder.keys()) found.push(name);
      return found;
    };
    const before = await names();
    const again = await open("damaged", embedder);
    await again.add([{ id: "a.md", text: "# Nuts\n\nA text about walnuts." }], { meaning: "later" });
    again.close();
    const name = String((await names()).find((name) => !before.includes(name)));
    const handle = await folder.getFileHandle(name);
    const whole = new Uint8Array(await (await handle.getFile()).arrayBuffer());
    const write = async (/** @type {Uint8Array<ArrayBuffer>} */ bytes) => {
      const writable = await handle.createWritable();
      await writable.write(bytes);
      await writable.close();
    };
    const hash = async (/** @type {Uint8Array<ArrayBuffer>} */ bytes) =>
      Array.from(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)), (byte) => byte.toString(16).padStart(2, "0")).join(
        "",
      );
    const start = 44 + new DataView(whole.buffer).getUint32(8, true);
    const header = JSON.parse(new TextDecoder().decode(whole.subarray(44, start)));
    const { at, bytes } = header.sections.documents;
    /** The file with other documents, whose hashes are right. @param {(all: any) => void} change */
    const changed = async (change) => {
      const all = JSON.parse(new TextDecoder().decode(whole.subarray(start + at, start + at + bytes)));
      change(all);
      const documents = new TextEncoder().encode(JSON.stringify(all));
      const sections = structuredClone(header.sections);
      sections.documents = { at: 0, bytes: documents.length, sha256: await hash(documents) };
      let end = documents.length;
      for (const section of ["rows", "fine", "texts"]) {
        sections[section].at = end;
        end += sections[section].bytes;
      }
      const head = new TextEncoder().encode(JSON.stringify({ ...header, sections }));
      const length = new Uint8Array(4);
      new DataView(length.buffer).setUint32(0, head.length, true);
      const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", head));
      const parts = [whole.subarray(0, 8), length, digest, head, documents, whole.subarray(start + bytes)];
      return new Uint8Array(await new Blob(parts).arrayBuffer());
    };
    const settled = [];
    for (const above of [undefined, 3]) {
      await write(await changed(({ documents }) => (documents[0].passages[0].above = above)));
      settled.push(await settle(open("damaged", embedder)));
    }
    await write(await changed(({ documents }) => delete documents[0].since));
    settled.push(await settle(open("damaged", embedder)));
    await write(await changed(({ documents }) => (documents[0].passages[0].above = "Fruits\n")));
    const docs2 = await open("damaged", embedder);
    const { code } = await settle(docs2.complete());
    const words = ids(await docs2.search("walnuts", { mode: "words" }));
    const meaning = ids(await docs2.search("almonds", { mode: "meaning", minScore: 0 }));
    docs2.close();
    return { settled, code, words, meaning };
  });
  for (const { code, message } of settled) assert.equal(code, "index-invalid", message);
  assert.equal(code, "index-invalid");
  assert.deepEqual(words, ["a.md"]);
  assert.deepEqual(meaning, ["b"]);
});

test("out into a file and in again: what waits comes, too", async () => {
  const found = await environment.page.evaluate(async () => {
    const { document, ids, open } = /** @type {any} */ (globalThis).later;
    const embedder = new FakeEmbedder();
    const docs = await open("out", embedder, { memory: true });
    const long = document("long", 4);
    await docs.add([long, document("other")]);
    await docs.add([{ ...long, text: long.text.replace("part2 old", "part2 new") }, document("late", 2)], { meaning: "later" });
    const results = [];
    for (const format of /** @type {const} */ (["jsonl", "parquet"])) {
      const file = await new Response(docs.export(format)).blob();
      const into = await open(`in ${format}`, embedder, { memory: true });
      embedder.texts.length = 0;
      const result = await into.import(file);
      const hits = ids(await into.search("late", { mode: "meaning", minScore: 0 }));
      results.push({
        result,
        info: into.info,
        hit: hits[0],
        text: (await into.get("long"))?.text.includes("part2 new"),
      });
      into.close();
    }
    const all = await open("all", embedder, { memory: true });
    await all.add([document("late", 2)], { meaning: "later" });
    const bare = await (await open("bare", embedder, { memory: true })).import(await new Response(all.export("jsonl")).blob());
    docs.close();
    return { results, bare };
  });
  for (const { result, info, hit, text } of found.results) {
    assert.deepEqual([result.documents, result.passages, result.embedded], [3, 7, 3]);
    assert.equal(result.agreement?.passages, 4);
    assert.deepEqual([info.documents, info.passages, info.waiting, hit, text], [3, 7, 0, "late", true]);
  }
  assert.deepEqual([found.bare.documents, found.bare.embedded, found.bare.agreement], [1, 2, undefined]);
});

test("another model: what waits takes any; reindex() makes all vectors", async () => {
  const found = await environment.page.evaluate(async () => {
    const { document, open } = /** @type {any} */ (globalThis).later;
    const [one, two] = [new FakeEmbedder(), new FakeEmbedder({ space: "other/96", dimensions: 96 })];
    // Segments of both are put together before there is any vector, and the first that makes vectors decides.
    for (let at = 0; at < 12; at += 1) {
      const docs = await open("both", at % 2 ? two : one);
      await docs.add([document(`d${at}`)], { meaning: "later" });
      docs.close();
    }
    const first = await open("both", one);
    await first.complete();
    const both = [
      first.info.state,
      first.info.dimensions,
      first.info.waiting,
      (await first.search("d7 part0 d7x0x1 d7x0x2 d7x0x3 d7x0x4", { mode: "meaning", minScore: 0 }))[0]?.id,
    ];
    first.close();
    one.texts.length = 0;
    const docs = await open("models", one);
    await docs.add([document("a", 2), document("b", 2)], { meaning: "later" });
    docs.close();
    const free = await open("models", two);
    const state = [free.info.state, free.info.space, free.info.waiting];
    free.close();
    const some = await open("models", one);
    await some.add([document("c", 2)]);
    some.close();
    const other = await open("models", two);
    const codes = [
      other.info.state,
      (await settle(other.complete())).code,
      (await settle(other.add([document("d")], { meaning: "later" }))).code,
    ];
    await other.reindex();
    const { waiting, space, passages } = other.info;
    const bad = [
      await settle(other.add([], { meaning: "soon" })),
      await settle(other.complete({ meaning: "later" })),
      await settle(other.reindex({ meaning: "later" })),
    ];
    other.close();
    return { both, state, codes, after: [waiting, space, passages], texts: two.texts.length, bad };
  });
  assert.deepEqual(found.both, ["ready", 64, 0, "d7"]);
  assert.deepEqual(found.state, ["ready", "other/96", 4]);
  assert.deepEqual(found.codes, ["needs-reindex", "needs-reindex", "needs-reindex"]);
  assert.deepEqual([found.after, found.texts], [[0, "other/96", 6], 6]);
  for (const { code } of found.bad) assert.equal(code, "input-invalid");
});
