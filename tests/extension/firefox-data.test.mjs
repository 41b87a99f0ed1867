/** The extension in Firefox: copies of the memory, another model, pages that use its embedder. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { eventually } from "../support/patience.mjs";
import { dist, target } from "../browser/harness.mjs";
import { Server } from "../browser/server.mjs";
import { click, close, give, lacks, shows, skip, startFirefox } from "./firefox-harness.mjs";
import { html } from "./harness.mjs";

const [HOST, APP] = ["news.example", "app.example"];
const PACK = join(target, "test-packs/tiny-silu-int8");
const BREAD = "Let the dough rest overnight in the fridge before you put it into a hot oven.";
const pages = {
  "/bread": html("Sourdough", `<main><h1>Sourdough</h1><p>${BREAD}</p></main>`),
  "/cat": html("Cats", "<p>The kitten dozes on the window sill while the afternoon sun shines.</p>"),
};

/** @type {import("./firefox-harness.mjs").FirefoxExtension} */
let started;
/** @type {Server} */
let server;
before(async () => {
  if (skip) return;
  started = await startFirefox([HOST, APP], pages);
  server = await Server.start({ "/felsic/": [dist, new URL("../browser", import.meta.url).pathname] });
  const { firefox, site, until } = started;
  for (const [known, path] of ["/bread", "/cat"].entries()) {
    const reader = await firefox.newPage(site.url(HOST, path));
    await until("memory.state", ({ pages, waiting }) => pages === known + 1 && waiting === 0);
    await reader.close();
  }
});
after(async () => {
  await started?.close();
  await server?.close();
});

const find = async (/** @type {string} */ query) => {
  const hits = await started.call("memory.search", { query, mode: "meaning" });
  return hits.map((/** @type {{ url: string }} */ { url }) => new URL(url).pathname);
};

test("Firefox: a copy of the memory is saved as a file, and taken in after everything was forgotten", { skip }, async () => {
  const { downloads } = started;
  const options = await started.open("options.html", 1000);
  await click(options, "button", "Save a copy");
  const copy = () => {
    const [name] = readdirSync(downloads).filter((name) => name.endsWith(".jsonl"));
    return name === undefined ? Buffer.alloc(0) : readFileSync(join(downloads, name));
  };
  const saved = await eventually(copy, (bytes) => bytes.includes("/cat"), 100);
  assert.equal(saved.toString().trim().split("\n").length, 2);

  await click(options, "button", "Forget everything");
  await shows(options, "dialog[open]", "All remembered pages are deleted");
  await click(options, "dialog button", "Forget everything");
  await started.until("memory.state", ({ pages }) => pages === 0);
  assert.deepEqual(await find("baking bread"), []);
  await give(options, "Take in a copy", { "half.jsonl": saved.subarray(0, saved.length / 2) });
  await shows(options, "[role=alert]", "it is not JSON");
  assert.deepEqual(await started.call("memory.recent"), []);
  await give(options, "Take in a copy", { "copy.jsonl": saved });
  await shows(options, "[role=status]", "2 pages are taken in.");
  assert.equal((await find("baking bread"))[0], "/bread");
  await close(options);
});

test("Firefox: a pack takes the built-in model's place, and gives it back", { skip }, async () => {
  const { model: built } = await started.call("memory.state");
  const options = await started.open("options.html#model", 1000);
  const files = Object.fromEntries(readdirSync(PACK).map((name) => [name, readFileSync(join(PACK, name))]));
  const table = Object.keys(files).find((name) => name.startsWith("table")) ?? "";
  const { [table]: _, ...half } = files;
  await give(options, "Use another model", half);
  await shows(options, "[role=alert]", `The pack lacks ${table}`);
  await give(options, "Use another model", files);
  await shows(options, "[role=status]", "is used from now on.");
  const isDone = (/** @type {any} */ { model, reindexing }) => model !== undefined && !reindexing;
  await started.until("memory.state", (state) => isDone(state) && state.model !== built);
  assert.equal((await find(BREAD))[0], "/bread");
  // A line that goes moves the button.
  await lacks(options, "[role=status]", "embedded anew");
  await click(options, "button", "Use the built-in model");
  await started.until("memory.state", (state) => isDone(state) && state.model === built);
  assert.equal((await find("baking bread"))[0], "/bread");
  await close(options);
});

test("Firefox: a page of an allowed site has its texts embedded by the extension, with the same bits", { skip }, async () => {
  const address = server.url("/felsic/blank.html").replace("127.0.0.1", APP);
  const compare = async () => {
    const page = await started.firefox.newPage(address);
    const compared = await page.evaluate(async () => {
      while (!("felsic" in globalThis)) await new Promise((resolve) => setTimeout(resolve, 20));
      const workers = () => performance.getEntriesByType("resource").filter(({ name }) => name.includes("worker-")).length;
      const before = workers();
      const shared = await felsic.Embedder.create({ provider: "extension" });
      const own = workers() > before;
      const other = await felsic.Embedder.create();
      const texts = ["A cat sleeps on the sill.", "", "Der Teig ruht über Nacht."];
      const bits = async (/** @type {typeof shared} */ embedder) =>
        (await embedder.embed(texts)).map((vector) => new Uint32Array(vector.buffer).join()).join();
      const same = (await bits(shared)) === (await bits(other));
      shared.destroy();
      other.destroy();
      return { own, same };
    }, undefined);
    await page.close();
    return compared;
  };
  assert.deepEqual(await compare(), { own: true, same: true });
  await started.call("settings.set", { bridged: [APP] });
  assert.deepEqual(await compare(), { own: false, same: true });
  const [use] = await started.call("bridge.use");
  assert.equal(use.site, APP);
  assert.ok(use.texts >= 3);
  await started.call("settings.set", { bridged: [] });
  assert.deepEqual(await compare(), { own: true, same: true });
});
