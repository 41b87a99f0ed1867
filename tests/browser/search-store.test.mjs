/** What is stored of collections: killed tabs, several tabs, full disks, damaged files. */

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { deleteAll, startSearch } from "./search-harness.mjs";
import { random } from "./store-harness.mjs";

/** How often a tab is killed; `FELSIC_KILLS=200` for a long run. */
const KILLS = Number(process.env.FELSIC_KILLS ?? 12);
/** In a long run, after how many kills everything is read. */
const FULL = 20;
/** Documents of one batch. */
const BATCH = 7;
/** The latest moment of a kill, in milliseconds after the tab has begun to write. */
const LATEST = 400;

/** @type {import("./search-harness.mjs").SearchEnvironment} */
let environment;

before(async () => {
  environment = await startSearch();
});

beforeEach(() => deleteAll(environment.page));

after(() => environment?.close());

/** Ends a tab: the worker alone, the tab, or its whole process. @param {import("playwright-core").Page} page @param {number} way */
async function kill(page, way) {
  if (way === 0) return void (await page.evaluate(() => /** @type {any} */ (globalThis).docs?.close()));
  if (way === 1) return page.close();
  const devtools = await page.context().newCDPSession(page);
  const crashed = page.waitForEvent("crash");
  void devtools.send("Page.crash").catch(() => {});
  await crashed;
}

test(
  `after ${KILLS} kills everything that was acknowledged is there, and no batch is there in part`,
  { timeout: 30_000 + KILLS * 5000 },
  async (context) => {
    const next = random(20);
    /** Batches, by their number, that were acknowledged. @type {Set<number>} */
    const acknowledged = new Set();
    /** @type {Set<number>} */
    const removed = new Set();
    let batch = 0;
    /** What is there: the documents of each batch. @type {Map<number, number[]>} */
    const there = new Map();
    for (let round = 0; round < KILLS; round += 1) {
      const tab = await environment.newTab();
      await tab.exposeFunction("acknowledge", (/** @type {number} */ at) => acknowledged.add(at));
      await tab.exposeFunction("acknowledgeRemoval", (/** @type {number} */ at) => removed.add(at));
      const first = batch;
      batch += 1000;
      await tab.evaluate(
        async ({ first, size }) => {
          const scope = /** @type {any} */ (globalThis);
          scope.docs = await search.Collection.open("killed", { embedder: new FakeEmbedder() });
          const write = async () => {
            for (let at = first; ; at += 1) {
              await scope.docs.add(
                Array.from({ length: size }, (_, i) => ({ id: `${at}.${i}`, text: `text ${at} of document ${i}` })),
              );
              // The only document of such a batch is removed in another write.
              if (at % 5 === 4) {
                await scope.docs.remove(`${at}.0`);
                await scope.acknowledgeRemoval(at);
              }
              await scope.acknowledge(at);
            }
          };
          void write().catch(() => {});
        },
        { first, size: BATCH },
      );
      await new Promise((resolve) => setTimeout(resolve, next() * LATEST));
      await kill(tab, round % 3);
      if (!tab.isClosed()) await tab.close().catch(() => {});

      // In a long run what earlier rounds have found is read again from time to time; it is counted in every round.
      const isFull = round % FULL === 0 || round === KILLS - 1 || KILLS <= FULL;
      const check = await environment.newTab();
      const found = await check.evaluate(
        async ({ size, first, from }) => {
          const docs = await search.Collection.open("killed", { embedder: new FakeEmbedder() });
          const { documents, passages } = docs.info;
          const batches = /** @type {[number, number[]][]} */ ([]);
          for (let base = from; base <= first; base += 1000) {
            for (let at = base; ; at += 1) {
              const got = await Promise.all(Array.from({ length: size }, (_, i) => docs.get(`${at}.${i}`)));
              const there = got.flatMap((document, i) => (document?.text === `text ${at} of document ${i}` ? [i] : []));
              if (there.length === 0) break;
              batches.push([at, there]);
            }
          }
          const [last] = batches.at(-1) ?? [];
          const [hit] =
            last === undefined
              ? []
              : await docs.search(`text ${last} of document 1`, { where: { id: `${last}.1` }, minScore: 0 });
          docs.close();
          return { documents, passages, batches, last, hit: hit?.id };
        },
        { size: BATCH, first, from: isFull ? 0 : first },
      );
      await check.close();
      if (isFull) there.clear();
      for (const [at, documents] of found.batches) there.set(at, documents);
      for (const at of acknowledged) assert.ok(there.has(at), `round ${round}: batch ${at} was acknowledged and is gone`);
      for (const [at, documents] of there) {
        const isWhole = documents.length === BATCH;
        const isRemoved = at % 5 === 4 && documents.length === BATCH - 1 && !documents.includes(0);
        assert.ok(removed.has(at) ? isRemoved : isWhole || isRemoved, `round ${round}: batch ${at} has ${documents.join()}`);
      }
      const counted = [...there.values()].reduce((sum, documents) => sum + documents.length, 0);
      assert.deepEqual([found.documents, found.passages], [counted, counted], `round ${round}`);
      assert.equal(found.hit, found.last === undefined ? undefined : `${found.last}.1`);
    }
    context.diagnostic(`${acknowledged.size} batches acknowledged, ${there.size} there`);
    assert.ok(acknowledged.size >= KILLS, "tabs write something before they are killed");
  },
);

/** Kills of tabs that others do not notice; each takes longer than one of the test before. */
const NOTICED = Math.ceil(KILLS / 3);

test(
  `${NOTICED} tabs are killed while they load and write, and two others load and search as if nothing were`,
  { timeout: 30_000 + NOTICED * 8000 },
  async (context) => {
    const next = random(21);
    const [searching, loading] = [environment.page, await environment.newTab()];
    await searching.evaluate(async () => {
      const scope = /** @type {any} */ (globalThis);
      const docs = await search.Collection.open("watched", { embedder: new FakeEmbedder() });
      await docs.add([{ id: "stays", text: "the keeper of a lighthouse" }]);
      scope.ended = (async () => {
        let searches = 0;
        for (; !scope.ends; searches += 1) {
          const [hit] = await docs.search("lighthouse", { minScore: 0 });
          if (hit?.id !== "stays") throw new Error(`search ${searches} found ${hit?.id}`);
        }
        docs.close();
        return searches;
      })();
      // What fails before anybody waits for it is no unhandled rejection.
      scope.ended.catch(() => {});
    });
    await loading.evaluate(() => {
      const scope = /** @type {any} */ (globalThis);
      scope.ended = (async () => {
        let [first, loads] = ["", 0];
        for (; !scope.ends; loads += 1) {
          const embedder = await felsic.Embedder.create();
          const bits = new Uint32Array((await embedder.embed("a pet that rests")).buffer).join();
          embedder.destroy();
          if (loads > 0 && bits !== first) throw new Error(`load ${loads} gave another vector`);
          first = bits;
          // The next load has to fetch and to store.
          if (loads % 2 === 1) await felsic.Embedder.deleteCache();
        }
        return loads;
      })();
      scope.ended.catch(() => {});
    });
    for (let round = 0; round < NOTICED; round += 1) {
      const tab = await environment.newTab();
      await tab.evaluate((round) => {
        const write = async () => {
          const docs = await search.Collection.open("watched", { embedder: new FakeEmbedder() });
          for (let at = 0; ; at += 1) await docs.add([{ id: `${round}.${at}`, text: `text ${at} of tab ${round}` }]);
        };
        const load = async () => {
          for (;;) (await felsic.Embedder.create()).destroy();
        };
        void Promise.all([write(), load()]).catch(() => {});
      }, round);
      await new Promise((resolve) => setTimeout(resolve, next() * 3 * LATEST));
      await kill(tab, 1 + (round % 2));
      if (!tab.isClosed()) await tab.close().catch(() => {});
    }
    const counts = await Promise.all(
      [searching, loading].map((page) =>
        page.evaluate(() => {
          const scope = /** @type {any} */ (globalThis);
          scope.ends = true;
          return /** @type {Promise<number>} */ (scope.ended);
        }),
      ),
    );
    await loading.close();
    context.diagnostic(`${counts[0]} searches, ${counts[1]} loads`);
    assert.ok(
      counts.every((count) => count >= 2),
      "something goes on meanwhile",
    );
  },
);

test("two tabs: one sees what the other adds and removes; both at once lose nothing", async () => {
  const [one, two] = [environment.page, await environment.newTab()];
  const open = () => async () => {
    const scope = /** @type {any} */ (globalThis);
    scope.docs = await search.Collection.open("shared", { embedder: new FakeEmbedder() });
    scope.changes = 0;
    scope.docs.addEventListener("change", () => (scope.changes += 1));
  };
  await Promise.all([one.evaluate(open()), two.evaluate(open())]);

  await one.evaluate(() => /** @type {any} */ (globalThis).docs.add([{ id: "a", text: "whales sing at night" }]));
  await two.waitForFunction(() => /** @type {any} */ (globalThis).docs.info.documents === 1);
  const seen = await two.evaluate(async () => {
    const { docs, changes } = /** @type {any} */ (globalThis);
    const hits = /** @type {import("felsic/search").Hit[]} */ (await docs.search("whales", { minScore: 0 }));
    await docs.remove("a");
    return { hits: hits.map(({ id }) => id), changes };
  });
  assert.deepEqual(seen.hits, ["a"]);
  assert.ok(seen.changes >= 1);
  await one.waitForFunction(() => /** @type {any} */ (globalThis).docs.info.documents === 0);

  const add = (/** @type {import("playwright-core").Page} */ page, /** @type {string} */ name) =>
    page.evaluate(async (name) => {
      const { docs } = /** @type {any} */ (globalThis);
      for (let at = 0; at < 40; at += 1) {
        await docs.add([
          { id: `${name}${at}`, text: `document ${at} of tab ${name}` },
          { id: `both${at}`, text: `document ${at} of both, by ${name}` },
        ]);
      }
    }, name);
  await Promise.all([add(one, "one"), add(two, "two")]);
  const third = await environment.newTab();
  await third.evaluate(open());
  for (const page of [one, two, third]) {
    await page.waitForFunction(() => /** @type {any} */ (globalThis).docs.info.documents === 120);
    const ids = await page.evaluate(async () => {
      const { docs } = /** @type {any} */ (globalThis);
      const missing = [];
      for (let at = 0; at < 40; at += 1) {
        for (const name of ["one", "two", "both"]) {
          const document = await docs.get(`${name}${at}`);
          if (!document?.text.startsWith(`document ${at} of`)) missing.push(`${name}${at}`);
        }
      }
      const [hit] = await docs.search("document 33 of tab two", { where: { id: "two33" }, minScore: 0 });
      docs.close();
      return { missing, hit: hit?.id };
    });
    assert.deepEqual(ids, { missing: [], hit: "two33" });
  }
  await Promise.all([two.close(), third.close()]);
});

test("what a tab has read before the news of it come counts as a change, too", async () => {
  const found = await environment.page.evaluate(async () => {
    const embedder = new FakeEmbedder();
    const late = { workerUrl: "/felsic/late-search-worker.js" };
    const writes = await search.Collection.open("learned", { embedder });
    const learns = await search.Collection.open("learned", { embedder, ...late });
    let changes = 0;
    learns.addEventListener("change", () => (changes += 1));
    const seen = [];
    // A call that has nothing to write waits for its turn, and reads what is new.
    const learned = async () => {
      await learns.remove("absent");
      seen.push([learns.info.documents, changes]);
    };
    await writes.add([{ id: "a", text: "whales sing at night" }]);
    await learned();
    await writes.remove("a");
    await learned();
    // The news themselves bring nothing new.
    await new Promise((resolve) => setTimeout(resolve, 1000));
    seen.push([learns.info.documents, changes]);
    writes.close();
    learns.close();
    return seen;
  });
  assert.deepEqual(found, [
    [1, 1],
    [0, 2],
    [0, 2],
  ]);
});

test("what cannot be read when the news of it come is read a moment later", async () => {
  const documents = await environment.page.evaluate(async () => {
    const embedder = new FakeEmbedder();
    const writes = await search.Collection.open("hindered", { embedder });
    const learns = await search.Collection.open("hindered", { embedder, workerUrl: "/felsic/hindered-search-worker.js" });
    const change = new Promise((resolve) =>
      learns.addEventListener("change", () => resolve(learns.info.documents), { once: true }),
    );
    await writes.add([{ id: "a", text: "whales sing at night" }]);
    const late = new Promise((resolve) => setTimeout(resolve, 10_000, "nothing in ten seconds"));
    const documents = await Promise.race([change, late]);
    writes.close();
    learns.close();
    return documents;
  });
  assert.equal(documents, 1);
});

test("info has the bytes that are stored, also after segments were put together", async () => {
  const seen = await environment.page.evaluate(async () => {
    const open = () => search.Collection.open("merged", { embedder: new FakeEmbedder() });
    const docs = await open();
    const seen = [];
    for (let at = 0; at < 20; at += 1) {
      await docs.add([{ id: `d${at}`, text: `text ${at}` }]);
      // Segments are put together when the call has ended; on a busy machine that takes a while.
      await new Promise((resolve) => setTimeout(resolve, 50));
      const other = await open();
      const isSame = () => docs.info.bytes === other.info.bytes;
      for (const end = performance.now() + 10_000; !isSame() && performance.now() < end;) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      seen.push([docs.info.bytes, other.info.bytes]);
      other.close();
    }
    docs.close();
    return seen;
  });
  for (const [at, [bytes, anew]] of seen.entries()) assert.equal(bytes, anew, `after ${at + 1} documents`);
});

test("no room: a typed error, nothing torn, and what was there stays", async () => {
  const page = await environment.newTab();
  const devtools = await page.context().newCDPSession(page);
  const { origin } = new URL(environment.url("/"));
  const before = await page.evaluate(async () => {
    const scope = /** @type {any} */ (globalThis);
    scope.docs = await search.Collection.open("full", { embedder: new FakeEmbedder() });
    await scope.docs.add([{ id: "first", text: "what was there before" }]);
    return Number((await navigator.storage.estimate()).usage);
  });
  await devtools.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: before + 200_000 });
  const full = await page.evaluate(async () => {
    const { docs } = /** @type {any} */ (globalThis);
    let done = 0;
    const documents = Array.from({ length: 400 }, (_, at) => ({ id: `d${at}`, text: `${at} ${"long text ".repeat(300)}` }));
    const refused = await settle(docs.add(documents, { onProgress: (/** @type {any} */ progress) => (done = progress.done) }));
    const hits = await docs.search("what was there before", { minScore: 0, where: { id: "first" } });
    return { refused, done, info: { ...docs.info }, hit: hits[0]?.id };
  });
  assert.equal(full.refused.code, "quota-exceeded", full.refused.message);
  assert.match(String(full.refused.message), /nothing of it was stored/);
  assert.equal(full.hit, "first");
  assert.equal(full.info.documents, 1 + full.done);

  const other = await environment.newTab();
  const intact = await other.evaluate(async () => {
    const docs = await search.Collection.open("full", { embedder: new FakeEmbedder() });
    const first = await docs.get("first");
    const { documents } = docs.info;
    docs.close();
    return { first: first?.text, documents };
  });
  assert.deepEqual(intact, { first: "what was there before", documents: full.info.documents });

  await devtools.send("Storage.overrideQuotaForOrigin", { origin });
  const again = await page.evaluate(async () => {
    const { docs } = /** @type {any} */ (globalThis);
    const result = await docs.add([{ id: "last", text: "there is room again" }]);
    docs.close();
    return result.added;
  });
  assert.equal(again, 1);
  await Promise.all([page.close(), other.close()]);
});

test("a damaged file is an error that says what to do, and never a hit", async () => {
  const { page } = environment;
  const found = await page.evaluate(async () => {
    const embedder = new FakeEmbedder();
    const open = () => search.Collection.open("damaged", { embedder });
    const docs = await open();
    await docs.add([
      { id: "a", text: "a text about walnuts", title: "Nuts" },
      { id: "b", text: "something else" },
    ]);
    docs.close();
    const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle("felsic-search");
    const files = /** @type {string[]} */ ([]);
    // @ts-ignore: TypeScript's library lacks it
    for await (const name of folder.keys()) files.push(name);
    const handle = await folder.getFileHandle(String(files[0]));
    const whole = new Uint8Array(await (await handle.getFile()).arrayBuffer());
    const write = async (/** @type {Uint8Array<ArrayBuffer>} */ bytes) => {
      const writable = await handle.createWritable();
      await writable.write(bytes);
      await writable.close();
    };
    const start = 44 + new DataView(whole.buffer).getUint32(8, true);
    const { sections } = JSON.parse(new TextDecoder().decode(whole.subarray(44, start)));
    /** @type {Record<string, (bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>>} */
    const damages = {
      truncated: (bytes) => bytes.slice(0, -1),
      empty: () => new Uint8Array(),
      longer: (bytes) => new Uint8Array([...bytes, 0]),
      magic: (bytes) => ((bytes[0] = 0), bytes),
      "a header without end": (bytes) => (new DataView(bytes.buffer).setUint32(8, 0xffffffff, true), bytes),
    };
    const flip = (/** @type {Uint8Array<ArrayBuffer>} */ bytes, /** @type {number} */ at) => {
      bytes[at] = Number(bytes[at]) ^ 1;
      return bytes;
    };
    damages.header = (bytes) => flip(bytes, start - 30);
    for (const name of ["documents", "rows", "fine"]) {
      damages[name] = (bytes) => flip(bytes, start + sections[name].at + (sections[name].bytes >> 1));
    }
    const settled = [];
    for (const [name, damage] of Object.entries(damages)) {
      await write(damage(whole.slice()));
      settled.push({ ...(await settle(open())), name });
    }
    // Texts are checked when they are read.
    await write(flip(whole.slice(), start + sections.texts.at + 3));
    const readable = await open();
    for (const mode of /** @type {const} */ (["meaning", "words", "hybrid"])) {
      settled.push({ ...(await settle(readable.search("walnuts", { mode, minScore: 0 }))), name: `texts, ${mode}` });
    }
    readable.close();
    await search.Collection.delete("damaged");
    const anew = await open();
    await anew.add([{ id: "a", text: "a text about walnuts" }]);
    const [hit] = await anew.search("walnuts", { minScore: 0 });
    anew.close();
    return { settled, hit: hit?.id, files };
  });
  assert.equal(found.files.length, 1);
  for (const { name, code, message } of found.settled) {
    assert.equal(code, "index-invalid", `${name}: ${message}`);
    assert.match(String(message), /the collection "damaged" is damaged: .*Collection\.delete\("damaged"\) and add/, name);
  }
  assert.equal(found.hit, "a");
});
