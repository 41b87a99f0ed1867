/** What a bundler ships to a page that imports the package. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { build } from "vite";
import { install } from "./harness.mjs";

/** @type {ReturnType<typeof install>} */
let consumer;

before(() => {
  consumer = install([]);
});

after(() => consumer?.remove());

/** The files that Vite makes of a page with one import. @param {string} entry @param {string} [main] */
async function bundle(
  entry,
  main = `import { Embedder } from ${JSON.stringify(entry)};\nglobalThis.embedder = Embedder.create();\n`,
) {
  const root = consumer.folder;
  const outDir = join(root, entry.replace("/", "-"));
  writeFileSync(join(root, "main.js"), main);
  await build({
    root,
    configFile: false,
    logLevel: "error",
    worker: { format: "es" },
    build: { outDir, assetsInlineLimit: 0, rolldownOptions: { input: join(root, "main.js") } },
  });
  const names = readdirSync(outDir, { recursive: true, encoding: "utf8" });
  const scripts = names.filter((name) => name.endsWith(".js"));
  const read = (/** @type {string} */ name) => readFileSync(join(outDir, name), "utf8");
  return { names, read, text: scripts.map(read).join("\n") };
}

/** The binaries among them, without their hashes. @param {string[]} names */
const binaries = (names) => names.flatMap((name) => /felsic_([a-z]+)_bg-[\w-]+\.wasm$/.exec(name)?.[1] ?? []).sort();

test("felsic has four binaries, each with its worker", async () => {
  const { names, text } = await bundle("felsic");
  assert.deepEqual(binaries(names), ["cpu", "gpu", "packer", "relaxed"]);
  assert.equal(names.filter((name) => /worker-[a-z]+-[\w-]+\.js$/.test(name)).length, 4, names.join(" "));
  assert.doesNotMatch(text, /worker-search|felsic_search/, "a page that never searches has nothing of search");
});

test("felsic/search has its workers and its binary; an engine comes in a script of its own, which an index alone needs", async () => {
  const main = 'import { Collection } from "felsic/search";\nglobalThis.docs = Collection.open("docs", {});\n';
  const { names, read } = await bundle("felsic/search", main);
  assert.deepEqual(binaries(names), ["cpu", "gpu", "packer", "relaxed", "search"]);
  assert.deepEqual(
    names
      .filter((name) => /worker-[a-z]+-[\w-]+\.js$/.test(name))
      .map((name) => /worker-([a-z]+)/.exec(name)?.[1])
      .sort(),
    ["cpu", "gpu", "layout", "packer", "relaxed", "search"],
  );
  const scripts = names.filter((name) => name.endsWith(".js") && !name.includes("worker-"));
  const [own] = scripts.filter((name) => read(name).includes("felsic_search_bg"));
  assert.ok(own !== undefined && !/felsic_(cpu|gpu|relaxed|packer)_bg/.test(read(own)), scripts.join(" "));
});

test("felsic/cpu can pull in neither GPU nor packer", async () => {
  const { names, text } = await bundle("felsic/cpu");
  assert.deepEqual(binaries(names), ["cpu", "relaxed"]);
  assert.deepEqual(
    names.filter((name) => /gpu|packer/.test(name)),
    [],
  );
  assert.doesNotMatch(text, /worker-gpu|worker-packer|felsic_gpu|felsic_packer/);
});
