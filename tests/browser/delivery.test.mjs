/** How a pack of the full 97M shape reaches an engine: what is requested when, and what is not. */

import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { gzipSync } from "node:zlib";
import { dist, packs, skipWithout, start, workers } from "./harness.mjs";
import { Server } from "./server.mjs";

const PACK = "granite-97m-int8";
const folder = join(packs, PACK);
const EVERYDAY = "The weather is nice today, so we are going to the park after lunch.";
/** The largest number of bytes before the first vector of an everyday sentence. */
const FIRST_VECTOR = 38e6;
/** The largest wasm memory after the load, without any of the vocabulary table. */
const WASM_MEMORY = 60e6;

const skip = skipWithout(PACK);

/** @type {import("./harness.mjs").Environment} */
let environment;

before(async () => {
  if (!skip) environment = await start({ gpu: false, needs: [PACK] });
});

beforeEach(async () => {
  await environment?.page.evaluate(() => felsic.Embedder.deleteCache());
  environment?.server.requests.splice(0);
});

after(() => environment?.close());

/** Returns the requested files of the pack, in order. */
const asked = ({ requests } = environment.server) =>
  requests.map((path) => path.replace(/^.*\//, "")).filter((name) => /\.(json|bin|safetensors)$/.test(name));
const isTable = (/** @type {string} */ name) => name.startsWith("table-");
/** @type {() => { shards: { file: string, sha256: string }[], groups: { name: string }[] }} */
const manifest = () => JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8"));

/** The file of the first Cyrillic table group. */
function cyrillic() {
  const { shards, groups } = manifest();
  const files = shards.map(({ file }) => file).filter(isTable);
  return files[groups.findIndex(({ name }) => name.startsWith("Cyrillic"))] ?? "";
}

/**
 * Returns an embedder's vectors of texts, and what it reported meanwhile.
 *
 * @param {Omit<Partial<import("felsic").CreateOptions>, "files">} options
 * @param {string[]} texts
 */
function embed(options, texts) {
  return environment.page.evaluate(
    async ({ options, texts }) => {
      /** @type {import("felsic").LoadProgress[]} */
      const progress = [];
      const onProgress = (/** @type {import("felsic").LoadProgress} */ step) => void progress.push(step);
      const embedder = await felsic.Embedder.create({ workers: 1, ...options, onProgress });
      const vectors = (await embedder.embed(texts)).map((vector) => Array.from(vector));
      const memory = await embedder.memoryBytes();
      if (options.prefetch === "background") {
        for (let i = 0; i < 600 && progress.at(-1)?.loadedBytes !== progress.at(-1)?.totalBytes; i += 1) {
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      }
      embedder.destroy();
      return { vectors, memory, progress };
    },
    { options: { model: environment.pack(PACK), ...options }, texts },
  );
}

test("an everyday sentence needs the layers and one group of the table", { skip }, async (context) => {
  const { memory } = await embed({ prefetch: "none" }, [EVERYDAY]);
  const files = asked();
  assert.equal(files[0], "manifest.json");
  assert.ok(files[1]?.startsWith("tokenizer-"));
  assert.deepEqual(files.filter(isTable), [manifest().shards.find(({ file }) => isTable(file))?.file]);

  // Any server compresses scripts, wasm and tokenizer; hardly any compresses the weights.
  const compressed = (/** @type {string} */ path) => gzipSync(readFileSync(path)).length;
  const engine = ["index.js", "worker-cpu.js", "felsic_cpu_bg.wasm"].map((name) => compressed(join(dist, name)));
  const pack = files.map((name) =>
    name.endsWith(".safetensors") ? statSync(join(folder, name)).size : compressed(join(folder, name)),
  );
  const bytes = [...engine, ...pack].reduce((sum, size) => sum + size, 0);
  context.diagnostic(`${(bytes / 1e6).toFixed(1)} MB before the first vector, ${(memory / 1e6).toFixed(1)} MB of wasm memory`);
  assert.ok(bytes <= FIRST_VECTOR, `${bytes} bytes before the first vector`);
  assert.ok(memory <= WASM_MEMORY, `${memory} bytes of wasm memory`);
});

test("groups come when texts need them, and change no vector", { skip }, async () => {
  const texts = [EVERYDAY, "Привет, как дела?", "東京は日本の首都です。", "a zeitgeist of serendipitous onomatopoeia"];
  const needed = await embed({ prefetch: "none" }, texts);
  const some = asked().filter(isTable);
  const all = manifest()
    .shards.filter(({ file }) => isTable(file))
    .map(({ file }) => file);
  assert.ok(some.length > 2 && some.length < all.length / 2, `${some.length} of ${all.length} groups`);
  assert.equal(new Set(some).size, some.length, "none was asked for twice");

  environment.server.requests.splice(0);
  const whole = await embed({ prefetch: "all", cache: "none" }, texts);
  assert.deepEqual(asked().filter(isTable), all, "the order of the manifest, whatever the texts");
  assert.deepEqual(whole.vectors, needed.vectors);
});

test("in the background the rest follows, once, and progress ends at the total", { skip }, async () => {
  const { progress } = await embed({ prefetch: "background" }, ["Привет, как дела?"]);
  const tables = asked().filter(isTable);
  assert.deepEqual(
    [...tables].sort(),
    manifest()
      .shards.filter(({ file }) => isTable(file))
      .map(({ file }) => file)
      .sort(),
  );
  const loaded = progress.map(({ loadedBytes }) => loadedBytes);
  assert.deepEqual(
    loaded,
    [...loaded].sort((a, b) => a - b),
    "progress never falls",
  );
  assert.equal(loaded.at(-1), progress[0]?.totalBytes);
  assert.ok(progress.every(({ loadedBytes, totalBytes }) => loadedBytes <= totalBytes && totalBytes === progress[0]?.totalBytes));
});

test("a second visit needs nothing but the manifest, and without a network not even that", { skip }, async (context) => {
  const { page } = environment;
  const first = await embed({ prefetch: "none" }, [EVERYDAY]);
  assert.equal(await page.evaluate((model) => felsic.Embedder.availability({ model }), environment.pack(PACK)), "available");
  environment.server.requests.splice(0);
  const second = await embed({ prefetch: "none" }, [EVERYDAY]);
  assert.deepEqual(asked(), ["manifest.json"]);
  assert.deepEqual(second.vectors, first.vectors);

  await page.route(/\/packs\//, (route) => route.abort());
  const begin = performance.now();
  const offline = await embed({ prefetch: "none" }, [EVERYDAY]);
  context.diagnostic(`${(performance.now() - begin).toFixed(0)} ms from create() to a vector, offline`);
  await page.unroute(/\/packs\//);
  assert.deepEqual(offline.vectors, first.vectors);
});

test("a group that cannot be had fails the texts that need it, and no others", { skip }, async () => {
  const model = environment.server.spoilt(`/packs/${PACK}/`, { file: new RegExp(cyrillic()), status: 404 });
  const result = await environment.page.evaluate(async (model) => {
    const embedder = await felsic.Embedder.create({ model, cache: "none", prefetch: "none", workers: 1 });
    const russian = await settle(embedder.embed("Привет, как дела?"));
    const english = await settle(embedder.embed("The weather is nice today."));
    embedder.destroy();
    return { russian, english };
  }, model);
  assert.equal(result.russian.code, "not-found", result.russian.message);
  assert.equal(result.english.ok, true);
});

test("a call whose group stalls ends at once when it is aborted, and holds up no other", { skip }, async () => {
  const model = environment.server.spoilt(`/packs/${PACK}/`, { file: new RegExp(cyrillic()), stallAfter: 1000 });
  const result = await environment.page.evaluate(async (model) => {
    const embedder = await felsic.Embedder.create({ model, cache: "none", prefetch: "none", workers: 1 });
    const controller = new AbortController();
    const begin = performance.now();
    const aborted = settle(embedder.embed("Привет, как дела?", { signal: controller.signal }));
    const waiting = settle(embedder.embed(["Привет, как дела?"]));
    await new Promise((resolve) => setTimeout(resolve, 200));
    controller.abort();
    const { code } = await aborted;
    const english = await settle(embedder.embed("The weather is nice today."));
    const others = [
      await embedder.countTokens("Привет"),
      (await embedder.tokenize("a")).length,
      await embedder.memoryBytes(),
      await embedder.warmUp(),
    ];
    const milliseconds = performance.now() - begin;
    const still = await Promise.race([waiting, new Promise((resolve) => setTimeout(resolve, 100, "waiting"))]);
    embedder.destroy();
    return { code, english: english.ok, others: others.length, milliseconds, still };
  }, model);
  assert.deepEqual(
    { ...result, milliseconds: 0 },
    { code: "aborted", english: true, others: 4, milliseconds: 0, still: "waiting" },
  );
  assert.ok(result.milliseconds < 20_000, `${result.milliseconds} ms`);
});

test("a host of another origin is asked for the table in an order that no text changes", { skip }, async () => {
  const host = await Server.start({ "/packs/": [packs] });
  const texts = { none: [], russian: ["Привет, как дела?"], mixed: ["東京は日本の首都です。", "Привет", EVERYDAY] };
  /** @type {Record<string, string[]>} */
  const orders = {};
  try {
    for (const cache of /** @type {const} */ (["auto", "none"])) {
      for (const [name, some] of Object.entries(texts)) {
        // A worker that was ended may still be writing the group that came last.
        await workers(environment.page, 0);
        host.requests.splice(0);
        await environment.page.evaluate(() => felsic.Embedder.deleteCache());
        await embed({ prefetch: "background", cache, model: host.url(`/packs/${PACK}/`) }, some);
        orders[`${name}, cache ${cache}`] = asked(host).filter(isTable);
      }
    }
    const all = manifest()
      .shards.filter(({ file }) => isTable(file))
      .map(({ file }) => file);
    for (const [name, order] of Object.entries(orders)) assert.deepEqual(order, all, name);
  } finally {
    await host.close();
  }
});

test("what is stored of another origin's table does not wait for what is not, and is not asked for", { skip }, async () => {
  const host = await Server.start({ "/packs/": [packs] });
  const all = manifest().shards.filter(({ file }) => isTable(file));
  const second = all[1];
  const stall = { file: new RegExp(second?.file ?? ""), stallAfter: 1000, times: 0 };
  const model = host.spoilt(`/packs/${PACK}/`, stall);
  try {
    const { vectors } = await embed({ prefetch: "all", model }, ["Привет"]);
    await environment.page.evaluate(async (name) => {
      const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle("felsic");
      await folder.removeEntry(name);
    }, second?.sha256 ?? "");
    stall.times = Infinity;
    host.requests.splice(0);
    const again = (/** @type {number} */ patience) =>
      environment.page.evaluate(
        async ({ model, patience }) => {
          const embedder = await felsic.Embedder.create({ model, workers: 1 });
          // Called twice at once: the store is searched once.
          const found = Promise.all([embedder.embed("Привет"), embedder.embed("Привет")]).catch(() => undefined);
          const made = await Promise.race([found, new Promise((resolve) => setTimeout(resolve, patience))]);
          embedder.destroy();
          return Array.isArray(made) ? made.map((vector) => Array.from(vector)) : "waits";
        },
        { model, patience },
      );
    assert.deepEqual(await again(20_000), [vectors[0], vectors[0]]);
    const tables = () => asked(host).filter(isTable);
    assert.ok(
      tables().every((file) => file === second?.file),
      `${tables()}`,
    );

    // A stored shard that is damaged has to be requested, so it waits like one that is not stored.
    await environment.page.evaluate(
      async (name) => {
        const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle("felsic");
        const file = await folder.getFileHandle(name);
        const writable = await file.createWritable({ keepExistingData: true });
        await writable.write({ type: "write", position: 1000, data: Uint8Array.of(1, 2, 3, 4) });
        await writable.close();
      },
      all.find(({ file }) => file === cyrillic())?.sha256 ?? "",
    );
    assert.equal(await again(3_000), "waits");
    assert.ok(
      tables().every((file) => file === second?.file),
      `${tables()}`,
    );
  } finally {
    await host.close();
  }
});

test("the browser's languages, which every request tells, bring their groups forward", { skip }, async () => {
  const host = await Server.start({ "/packs/": [packs] });
  const context = await environment.browser.newContext({ locale: "ru-RU" });
  try {
    const page = await context.newPage();
    await page.goto(environment.server.url("/felsic/blank.html"));
    await page.waitForFunction(() => "felsic" in globalThis);
    const done = await page.evaluate(
      async (model) => {
        const embedder = await felsic.Embedder.create({ model, cache: "none", workers: 1 });
        const vector = await embedder.embed("Привет, как дела?");
        embedder.destroy();
        return vector.length;
      },
      host.url(`/packs/${PACK}/`),
    );
    assert.equal(done, 384);
    const tables = asked(host).filter(isTable);
    const all = manifest()
      .shards.filter(({ file }) => isTable(file))
      .map(({ file }) => file);
    assert.equal(tables[0], all[0], "everyday words, signs and digits first");
    assert.equal(tables[1], cyrillic());
    assert.ok(tables.length < all.length / 2, `${tables.length} of ${all.length} groups were asked for`);
  } finally {
    await context.close();
    await host.close();
  }
});

test(
  "a group that fails in its turn fails its texts, is not asked for by them, and comes later by itself",
  { skip, timeout: 120_000 },
  async () => {
    const host = await Server.start({ "/packs/": [packs] });
    try {
      const model = host.spoilt(`/packs/${PACK}/`, { file: new RegExp(cyrillic()), status: 404, times: 2 });
      const result = await environment.page.evaluate(async (model) => {
        const embedder = await felsic.Embedder.create({ model, cache: "none", workers: 1 });
        const first = await settle(embedder.embed("Привет, как дела?"));
        const second = await settle(embedder.embed("Привет"));
        let later = second;
        for (let i = 0; i < 60 && !later.ok; i += 1) {
          await new Promise((resolve) => setTimeout(resolve, 500));
          later = await settle(embedder.embed("Привет"));
        }
        embedder.destroy();
        return { codes: [first.code, second.code], later: later.ok };
      }, model);
      assert.deepEqual(result, { codes: ["not-found", "not-found"], later: true });
      // Twice in its turn, because a missing file is requested twice, and once in the next round.
      assert.equal(asked(host).filter((name) => name === cyrillic()).length, 3);
    } finally {
      await host.close();
    }
  },
);
