/** What `felsic index` writes is what a page reads: the page's own checks of every file, its words and its calibration. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { gunzipSync } from "node:zlib";
import { rolldown } from "rolldown";
import { bounded } from "../../pkg/bundle.mjs";
import { root } from "./harness.mjs";
import { searchModules } from "./search-modules.mjs";

const felsic = join(root, `target/release/felsic${process.platform === "win32" ? ".exe" : ""}`);
const skip = existsSync(felsic) || process.env.CI ? false : "`cargo build --release --bin felsic` makes the command line";

const PAGES = {
  "bread.md": "# Sourdough\n\nFlour and water ferment for a day.\n\n## Baking\n\nThe loaf bakes at a high temperature.\n",
  "harbour/index.html": "<title>The harbour</title><main><h1>The harbour</h1><p>A pilot guides ships to the quay.</p></main>",
  "notes/東京.txt": "東京タワーは東京にある。\n\nÀ bientôt, Łódź!\n",
};

/** @type {import("./search-modules.mjs").Modules} */
let modules;
const folder = mkdtempSync(join(tmpdir(), "felsic-index-"));
const out = join(folder, "out");

before(async () => {
  modules = await searchModules();
  for (const [name, text] of Object.entries(PAGES)) {
    mkdirSync(join(folder, "site", name, ".."), { recursive: true });
    writeFileSync(join(folder, "site", name), text);
  }
  if (!skip) execFileSync(felsic, ["index", join(folder, "site"), out, "--base-url", "/docs/", "--fine"]);
});

after(() => rmSync(folder, { recursive: true }));

/** Reads a file of the index as a page would. @param {{ file: string, bytes: number, sha256: string }} entry */
function read({ file, bytes, sha256 }) {
  const content = readFileSync(join(out, file));
  assert.equal(content.length, bytes);
  assert.equal(createHash("sha256").update(content).digest("hex"), sha256);
  return content;
}

/** @param {string} why @returns {never} */
const damaged = (why) => assert.fail(why);

function readIndex() {
  const bytes = new Uint8Array(readFileSync(join(out, "index.json")));
  const manifest = modules["index-manifest"].checkedManifest(bytes, "https://example.org/docs/index/index.json");
  const documents = manifest.segments.flatMap(({ rows, documents, texts }) => {
    const json = JSON.parse(gunzipSync(read(documents)).toString());
    return modules["stored-check"].checkedDocuments(json, { rows, texts: texts.bytes }, /** @type {any} */ (damaged)).documents;
  });
  return { manifest, documents };
}

test("a page takes every file of an index", { skip }, () => {
  const { manifest, documents } = readIndex();
  assert.deepEqual(
    documents.map(({ id, title, url, kind }) => [id, title, url, kind]),
    [
      ["bread.md", "Sourdough", "/docs/bread.md", "markdown"],
      ["harbour/index.html", "The harbour", "/docs/harbour/", "html"],
      ["notes/東京.txt", undefined, "/docs/notes/%E6%9D%B1%E4%BA%AC.txt", "text"],
    ],
  );
  assert.deepEqual(
    documents.map(({ passages }) => passages.map(({ anchor }) => anchor)),
    [[undefined, "baking"], [undefined], [undefined]],
  );
  assert.equal(manifest.base, "https://example.org/docs/");
  assert.equal(manifest.documents, documents.length);
  const listed = manifest.segments.flatMap(({ documents, vectors, fine, texts }) => [documents, vectors, fine, texts]);
  const names = [...listed, manifest.words].map((file) => file?.file);
  assert.deepEqual(readdirSync(out).toSorted(), [...names, "index.json"].toSorted());
});

test("a page finds the words of an index", { skip }, () => {
  const { manifest, documents } = readIndex();
  const owners = documents.flatMap(({ id, passages }) => passages.map(() => id));
  assert.equal(owners.length, manifest.passages);
  const words = modules.words.Words.load(gunzipSync(read(manifest.words)).toString(), manifest.passages);
  for (const [query, id] of [
    ["flour", "bread.md"],
    ["pilot ships", "harbour/index.html"],
    ["東京", "notes/東京.txt"],
    ["lodz", "notes/東京.txt"],
  ]) {
    assert.equal(owners[words.search(String(query))[0]?.row ?? -1], id, query);
  }
});

test("an index has the calibration that a page measures", { skip }, () => {
  const { manifest } = readIndex();
  const { dimensions, passages, calibration, segments } = manifest;
  const [segment] = segments;
  assert.ok(segment && segments.length === 1 && passages >= 3);
  const bytes = read(segment.vectors);
  const vector = (/** @type {number} */ row) => {
    const coarse = bytes.subarray(passages * 4 + row * dimensions, passages * 4 + (row + 1) * dimensions);
    return Array.from(coarse, (byte) => ((byte << 24) >> 24) * bytes.readFloatLE(row * 4));
  };
  const cosines = modules.score.calibrationPairs(passages).map(([a, b]) => {
    const other = vector(b);
    return vector(a).reduce((sum, value, at) => sum + value * (other[at] ?? NaN), 0);
  });
  const measured = modules.score.calibrate(cosines, dimensions);
  assert.deepEqual([calibration?.dimensions, calibration?.count], [measured.dimensions, measured.count]);
  assert.ok(Math.abs(measured.mean - (calibration?.mean ?? NaN)) < 1e-6);
});

test("an export of a collection becomes an index, as JSON lines and as Parquet", { skip }, async () => {
  const bundle = await rolldown({ input: join(root, "pkg/src/search/transfer.ts"), platform: "browser", plugins: [bounded] });
  await bundle.write({ dir: join(folder, "built"), format: "esm", entryFileNames: "[name].mjs", chunkFileNames: "[name].mjs" });
  await bundle.close();
  /** @type {typeof import("../../pkg/dist/types/search/transfer.js")} */
  const transfer = await import(pathToFileURL(join(folder, "built/transfer.mjs")).href);
  const passages = [
    { id: "bread.md", title: "Sourdough", tags: ["guide"], meta: { year: 2024 }, text: "Flour and water ferment for a day." },
    {
      id: "bread.md",
      title: "Sourdough",
      tags: ["guide"],
      meta: { year: 2024 },
      trail: ["Baking"],
      anchor: "baking",
      text: "The loaf bakes.",
    },
    { id: "tides", url: "/tides", text: "The moon moves the sea.\n" },
  ];
  const inputs = passages.map(({ title, trail = [], text }) =>
    [[title, ...trail].filter(Boolean).join(" › "), text].filter(Boolean).join("\n"),
  );
  const made = execFileSync(felsic, ["embed"], {
    input: inputs.map((input) => `${JSON.stringify(input)}\n`).join(""),
  }).toString();
  const vectors = made
    .trim()
    .split("\n")
    .map((line) => Float32Array.from(JSON.parse(line).embedding));
  const kind = /** @type {const} */ ("markdown");
  const rows = passages.map((passage, at) => ({
    ...passage,
    kind,
    start: 40 * at,
    end: 40 * at + passage.text.length,
    ...(at === 0 && { source: "The whole text." }),
    vector: /** @type {Float32Array<ArrayBuffer>} */ (vectors[at]),
  }));
  const source = {
    space: "felsic-small-english@1/int8-g32/256",
    model: "felsic-small-english",
    dimensions: 256,
    async *passages() {
      yield rows;
    },
  };
  const found = [];
  for (const format of /** @type {const} */ (["jsonl", "parquet"])) {
    const [file, index] = [join(folder, `export.${format}`), join(folder, `of-${format}`)];
    const bytes = await new Response(transfer.exportPassages(source, format)).arrayBuffer();
    writeFileSync(file, new Uint8Array(bytes));
    execFileSync(felsic, ["index", file, index, "--vectors"]);
    const manifest = JSON.parse(readFileSync(join(index, "index.json"), "utf8"));
    const documents = gunzipSync(readFileSync(join(index, manifest.segments[0].documents.file))).toString();
    found.push({ documents: JSON.parse(documents).documents, vectors: manifest.segments[0].vectors.sha256 });
  }
  assert.deepEqual(found[0], found[1]);
  const [bread, tides] = found[0]?.documents ?? [];
  assert.deepEqual([bread.id, bread.title, bread.tags, bread.meta], ["bread.md", "Sourdough", ["guide"], { year: 2024 }]);
  assert.deepEqual(
    bread.passages.map((/** @type {any} */ { start, trail, anchor }) => [start, trail, anchor]),
    [
      [0, undefined, undefined],
      [40, ["Baking"], "baking"],
    ],
  );
  assert.deepEqual([tides.id, tides.url, tides.kind, tides.title], ["tides", "/tides", "markdown", undefined]);
});
