/**
 * What collections store, and what indexes and files of passages say, changed at random: whatever is inside, with hashes that are right again,
 * it is read as something sound or refused with a code, within a second and within a multiple of its bytes. Without a browser.
 *
 * `FELSIC_FUZZ=100000 FELSIC_SEED=7 node --test search-random.test.mjs` tries more, and others; `FELSIC_CASE=N` runs one case again.
 */

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { odd, randomOf } from "./mutate.mjs";
import { searchModules } from "./search-modules.mjs";
import { HEAD, content, headerOf, withHeader } from "./segment-fixture.mjs";

const CASES = Number(process.env.FELSIC_FUZZ ?? 2000);
const SEED = Number(process.env.FELSIC_SEED ?? 1);
const ONLY = process.env.FELSIC_CASE === undefined ? undefined : Number(process.env.FELSIC_CASE);
/** Milliseconds that any input may take, and more for each megabyte. */
const [ANY, MEGABYTE] = [500, 1000];

/** @type {Awaited<ReturnType<typeof searchModules>>} */
let modules;

before(async () => {
  modules = await searchModules();
});

/** What segments begin with: a passage leads to its heading. */
function sound() {
  const all = content();
  all.documents.documents[1].passages[0].anchor = "t";
  return all;
}

/** Reads all of a segment, and checks that what it says of itself holds. @param {Uint8Array} bytes */
async function readSegment(bytes) {
  const { openSegment, readDocuments, readRows, readSection, readTexts } = modules.segments;
  const segment = await openSegment(new Blob([/** @type {Uint8Array<ArrayBuffer>} */ (bytes)]));
  const [read, vectors] = [await readDocuments(segment), await readRows(segment)];
  await readSection(segment, "texts");
  const { dimensions, rows, name, space } = segment.header;
  assert.ok(typeof name === "string" && typeof space === "string" && dimensions >= 1);
  assert.deepEqual(
    [vectors.scales.length, vectors.coarse.length, vectors.fine.length],
    [rows, rows * dimensions, rows * dimensions],
  );
  const ids = read.documents.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
  let passages = 0;
  for (const document of read.documents) {
    assert.ok(typeof document.id === "string" && document.id !== "");
    for (const passage of document.passages) {
      passages += "above" in passage ? 0 : 1;
      assert.equal((await readTexts(segment, passage.at, passage.bytes)).length, passage.bytes);
    }
  }
  assert.equal(passages, rows);
}

/** An index's manifest. */
function manifest() {
  const file = (/** @type {string} */ section) => ({
    file: `${"ab".repeat(16)}.${section}`,
    bytes: 100,
    sha256: "cd".repeat(32),
  });
  return {
    ...{ format: "felsic-index", version: 1, space: "s/3", dimensions: 3, documents: 2, passages: 3 },
    model: { name: "m", revision: "r", url: "https://example.org/pack/", integrity: `sha256-${"A".repeat(43)}=` },
    segments: [
      {
        rows: 3,
        documents: file("documents"),
        vectors: { ...file("vectors"), bytes: 3 * (4 + 3) },
        fine: { ...file("fine"), bytes: 3 * 3 },
        texts: { ...file("texts"), block: 16_384, blocks: ["ef".repeat(32)] },
      },
    ],
    words: file("words"),
    base: "https://example.org/",
  };
}

const LINES = [
  { id: "a", title: "A", kind: "text", start: 0, end: 3, text: "one", source: "one two", vector: [1, 0, 0], space: "s/3" },
  { id: "a", start: 4, end: 7, text: "two", trail: ["T"], vector: [0, 0.6, 0.8] },
  { id: 7, url: "/b", tags: ["x"], meta: { a: [1] }, text: "three", vector: [0, 1, 0] },
];

/**
 * What is read: how an input is made of what a case draws, how it is read, and the codes with which that may end.
 *
 * @type {Record<string, { make: (draw: import("./mutate.mjs").Draw) => Promise<Uint8Array>, read: (bytes: Uint8Array) => Promise<unknown>, codes: string[] }>}
 */
const TARGETS = {
  "segments whose documents are changed, with the right hashes": {
    async make(draw) {
      const all = sound();
      return modules.segments.encodeSegment(HEAD, { ...all, documents: draw.json(all.documents) });
    },
    read: readSegment,
    codes: ["index-invalid"],
  },
  "segments whose header is changed, with the right hash": {
    async make(draw) {
      const segment = await modules.segments.encodeSegment(HEAD, sound());
      const header = headerOf(segment);
      return withHeader(segment, draw.chance(4) ? draw.bytes(header) : draw.text(draw.json(JSON.parse(header.toString()))));
    },
    read: readSegment,
    codes: ["index-invalid"],
  },
  "segments with changed bytes": {
    async make(draw) {
      return draw.bytes(Buffer.from(await modules.segments.encodeSegment(HEAD, sound())));
    },
    read: readSegment,
    codes: ["index-invalid"],
  },
  "manifests of indexes": {
    async make(draw) {
      const bytes = draw.text(draw.json(manifest()));
      return draw.chance(8) ? draw.bytes(bytes) : bytes;
    },
    async read(bytes) {
      const read = modules["index-manifest"].checkedManifest(bytes, "https://example.org/index/index.json");
      const files = read.segments.flatMap(({ documents, vectors, fine, texts }) => [
        documents,
        vectors,
        texts,
        ...(fine ? [fine] : []),
      ]);
      for (const { file, bytes, sha256 } of [...files, read.words]) {
        assert.match(file, /^[0-9A-Za-z][0-9A-Za-z._-]*$/);
        assert.match(sha256, /^[0-9a-f]{64}$/);
        assert.ok(Number.isSafeInteger(bytes) && bytes >= 0);
      }
      for (const url of [read.model.url, read.base]) assert.ok(url === undefined || /^https?:\/\//.test(url), url);
    },
    codes: ["index-invalid"],
  },
  "lines of passages": {
    async make(draw) {
      const lines = LINES.map((line) => JSON.stringify(draw.chance(2) ? draw.json(line) : line));
      const bytes = Buffer.from(lines.join("\n"));
      return draw.chance(6) ? draw.bytes(bytes) : bytes;
    },
    async read(bytes) {
      for await (const rows of modules["transfer-lines"].readLines(new Blob([/** @type {any} */ (bytes)]), 3)) {
        for (const { id, text, vector } of rows) {
          assert.ok(typeof id === "string" && id !== "" && typeof text === "string");
          if (!vector) continue;
          const length = Math.hypot(...vector);
          assert.ok(vector.length === 3 && Math.abs(length - 1) < 1e-3, `a vector of length ${length}`);
        }
      }
    },
    codes: ["input-invalid", "vectors-disagree"],
  },
};

for (const [number, [name, { make, read, codes }]] of Object.entries(TARGETS).entries()) {
  test(`${CASES} ${name}`, async (context) => {
    context.diagnostic(`seed ${SEED}`);
    /** @type {Record<string, number>} */
    const ends = {};
    for (let which = ONLY ?? 0; which < (ONLY === undefined ? CASES : ONLY + 1); which += 1) {
      const where = `FELSIC_SEED=${SEED} FELSIC_CASE=${which}`;
      const bytes = await make(randomOf(SEED, number, which));
      const start = performance.now();
      const busy = process.cpuUsage();
      let end = "read";
      try {
        await read(bytes);
      } catch (error) {
        const { code, name, message } = /** @type {any} */ (error);
        assert.ok(name === "FelsicError" && codes.includes(code), `${where}: ${name}: ${message}`);
        assert.ok(
          /^[^\p{Cc}\u202a-\u202e\u2066-\u2069]{10,4000}$/u.test(message),
          `${where}: a message that cannot be shown: ${JSON.stringify(message)}`,
        );
        end = code;
      }
      // A machine that holds the process up does not make it slow.
      const { user, system } = process.cpuUsage(busy);
      const took = Math.min(performance.now() - start, (user + system) / 1000);
      assert.ok(took < ANY + (MEGABYTE * bytes.length) / 1e6, `${where}: ${took} ms for ${bytes.length} bytes`);
      ends[end] = (ends[end] ?? 0) + 1;
    }
    context.diagnostic(JSON.stringify(ends));
    // Where nothing was read, or nothing refused, the changes show little.
    assert.ok(ONLY !== undefined || ((ends.read ?? 0) > 0 && Object.keys(ends).length > 1), JSON.stringify(ends));
  });
}

test("what the changes begin with is sound", async () => {
  await readSegment(await modules.segments.encodeSegment(HEAD, sound()));
  const bytes = new TextEncoder().encode(JSON.stringify(manifest()));
  assert.equal(modules["index-manifest"].checkedManifest(bytes, "https://example.org/index/index.json").segments.length, 1);
  const lines = new Blob([LINES.map((line) => JSON.stringify(line)).join("\n")]);
  for await (const rows of modules["transfer-lines"].readLines(lines, 3)) assert.ok(rows.length > 0);
  assert.ok(odd(randomOf(1, 1, 1)) !== undefined);
});
