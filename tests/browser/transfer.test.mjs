/** Collections in and out: both formats there and back, files of other tools, vectors of other models, damaged files. Runs in Node. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { rolldown } from "rolldown";
import { bounded } from "../../pkg/bundle.mjs";
import { python } from "../support/python.mjs";
import { root } from "./harness.mjs";
import { Server } from "./server.mjs";

/** @typedef {typeof import("../../pkg/dist/types/search/transfer.js")} Transfer */
/** @typedef {import("../../pkg/dist/types/search/transfer.js").PassageRow} Row */
/** @typedef {import("../../pkg/dist/types/search/transfer.js").CutDocument} CutDocument */
/** @typedef {import("../../pkg/dist/types/search/transfer.js").WholeDocument} WholeDocument */
/** @typedef {"jsonl" | "parquet"} Format */

const D = 48;
/** @type {Format[]} */
const FORMATS = ["jsonl", "parquet"];
/** @type {string} */
let folder;
/** @type {Transfer} */
let transfer;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "felsic-transfer-"));
  const bundle = await rolldown({ input: join(root, "pkg/src/search/transfer.ts"), platform: "browser", plugins: [bounded] });
  await bundle.write({ dir: join(folder, "built"), format: "esm", entryFileNames: "[name].mjs", chunkFileNames: "[name].mjs" });
  await bundle.close();
  transfer = await import(pathToFileURL(join(folder, "built/transfer.mjs")).href);
});

after(() => rmSync(folder, { recursive: true, force: true }));

/** Numbers from -1 to 1 that a text decides. @param {string} text */
function noise(text) {
  let state = 2166136261;
  for (const character of text) state = Math.imul(state ^ (character.codePointAt(0) ?? 0), 16777619);
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state / 2 ** 31;
  };
}

/** @param {Float32Array<ArrayBuffer>} vector */
function unit(vector) {
  const length = Math.hypot(...vector);
  return vector.map((x) => x / length);
}

/** A model: texts that differ have vectors that do. @param {string} text */
function embedded(text) {
  const next = noise(text);
  return unit(Float32Array.from({ length: D }, next));
}

/** The same vector, off by noise of a length. @param {Float32Array<ArrayBuffer>} vector @param {number} length @param {string} seed */
function noised(vector, length, seed) {
  const off = embedded(`noise ${seed}`);
  return unit(vector.map((x, i) => x + length * /** @type {number} */ (off[i])));
}

/** @param {Row} row */
const inputOf = ({ title, trail = [], text }) => {
  const line = [...(title ? [title] : []), ...trail].join(" › ");
  return line ? `${line}\n${text}` : text;
};

/** Documents of one to four passages each. @param {number} documents @returns {Row[]} */
function rowsOf(documents) {
  return Array.from({ length: documents }, (_, n) => {
    const optional = n % 2 ? { title: `Title ${n} “ü”`, url: `https://example.com/${n}`, tags: ["guide", `t${n % 3}`] } : {};
    const meta = n % 3 ? { meta: { page: n, deep: { list: [1, null, "x"] }, yes: true } } : {};
    return Array.from({ length: 1 + (n % 4) }, (_, p) => {
      const trail = p > 0 ? { trail: ["Chapter", `Part ${p}`], anchor: `part-${p}` } : {};
      const row = {
        id: `d${n}`,
        ...optional,
        ...meta,
        kind: /** @type {const} */ ("markdown"),
        start: p * 20,
        end: p * 20 + 25,
        ...trail,
      };
      const whole = { ...row, text: `Passage ${p} of ${n}: 𝄞\n"quoted" and\ttabs` };
      const source = p === 0 ? { source: `The whole text of ${n}, with headings.` } : {};
      return { ...whole, ...source, vector: embedded(inputOf(whole)) };
    });
  }).flat();
}

/** @param {Row[]} rows @param {number} [size] */
function sourceOf(rows, size = 700) {
  return {
    space: "test@1/int8-g32/48",
    model: "test",
    dimensions: D,
    async *passages() {
      for (let at = 0; at < rows.length; at += size) yield rows.slice(at, at + size);
    },
  };
}

/** A collection that only remembers. @param {string} [format] */
function sink(format = "int8-g32") {
  const state = {
    model: "test",
    format,
    dimensions: D,
    /** @type {CutDocument[]} */
    cut: [],
    /** @type {WholeDocument[]} */
    whole: [],
    embedded: 0,
    puts: 0,
    /** @param {Row} row */
    check({ title = "" }) {
      if (title.length > 100) throw new Error("its title is too long");
    },
    /** @param {readonly string[]} texts */
    async embed(texts) {
      state.embedded += texts.length;
      return texts.map(embedded);
    },
    /** @param {readonly CutDocument[]} documents */
    async put(documents) {
      state.puts += 1;
      state.cut.push(...documents);
    },
    /** @param {readonly WholeDocument[]} documents */
    async add(documents) {
      state.whole.push(...documents);
      return documents.length;
    },
    get isEmpty() {
      return state.cut.length + state.whole.length === 0;
    },
  };
  return state;
}

/** @param {Row[]} rows @param {Format} format */
async function file(rows, format) {
  const stream = transfer.exportPassages(sourceOf(rows), format);
  return new Response(stream).blob();
}

/** The rows that a collection has taken in. @param {CutDocument[]} documents @returns {Row[]} */
const flat = (documents) =>
  documents.flatMap(({ passages, source, ...document }) =>
    passages.map(({ trail, input: _, ...passage }, at) => ({
      ...(at === 0 && source !== undefined && { source }),
      ...document,
      ...passage,
      ...(trail.length > 0 && { trail }),
    })),
  );

/** The code and message of what an import is refused with. @param {Promise<unknown>} work */
async function refusal(work) {
  try {
    await work;
  } catch (error) {
    const { name, code, message } = /** @type {any} */ (error);
    assert.equal(name, "FelsicError", String(error));
    return { code, message };
  }
  return { code: undefined, message: "" };
}

for (const format of FORMATS) {
  test(`there and back: ${format}`, async () => {
    const rows = rowsOf(1500);
    const parts = [];
    for await (const part of transfer.exportPassages(sourceOf(rows), format)) parts.push(part.length);
    assert.ok(parts.length >= Math.ceil(rows.length / 1000), "the file comes in parts");
    const target = sink();
    /** @type {unknown[]} */
    const progress = [];
    const onProgress = (/** @type {unknown} */ news) => progress.push(news);
    const result = await transfer.importPassages(await file(rows, format), target, { onProgress });
    assert.deepEqual(flat(target.cut), rows);
    const { agreement, ...counts } = result;
    assert.deepEqual(counts, { documents: 1500, passages: rows.length, embedded: 0 });
    assert.equal(agreement?.passages, 32);
    assert.ok((agreement?.lowest ?? 0) > 0.99999, String(agreement?.lowest));
    assert.ok(target.embedded >= 32 && target.embedded <= 64, String(target.embedded));
    assert.deepEqual(progress.at(-1), { done: rows.length, total: rows.length });
    assert.ok(target.puts > 1);
  });

  test(`without vectors, passages are embedded as they are: ${format}`, async () => {
    const rows = rowsOf(10);
    const target = sink();
    const bare = rows.map(({ vector: _, ...row }) => row);
    const result = await transfer.importPassages(await file(bare, format), target);
    assert.deepEqual(flat(target.cut), rows);
    assert.deepEqual(result, { documents: 10, passages: rows.length, embedded: rows.length });
  });

  test(`vectors of another model are refused, and nothing is imported: ${format}`, async () => {
    const rows = rowsOf(200);
    const next = rows.map((row, at) => ({ ...row, vector: rows[(at + 1) % rows.length]?.vector }));
    const turned = rows.map((row) => {
      const [first = 0, second = 0, ...rest] = row.vector ?? [];
      return { ...row, vector: Float32Array.of(second, first, ...rest) };
    });
    // A cosine of about 0.99, as another revision has; a tenth of that is what int8 weights change.
    const noisy = rows.map((row, at) => ({ ...row, vector: noised(/** @type {any} */ (row.vector), 0.15, `${at}`) }));
    const rounded = rows.map((row, at) => ({ ...row, vector: noised(/** @type {any} */ (row.vector), 0.03, `${at}`) }));
    for (const [name, wrong] of Object.entries({ next, turned, noisy })) {
      const target = sink();
      const { code, message } = await refusal(transfer.importPassages(await file(/** @type {Row[]} */ (wrong), format), target));
      assert.equal(code, "vectors-disagree", name);
      assert.match(message, /of 32 texts .* mean cosine is -?\d\.\d{4} .* lowest -?\d\.\d{4} /, name);
      assert.ok(target.isEmpty, name);
    }
    const { agreement } = await transfer.importPassages(await file(rounded, format), sink());
    assert.ok(agreement && agreement.lowest > 0.999 && agreement.lowest < 0.99999, String(agreement?.lowest));
    // Int4 weights change vectors more than that by themselves.
    await transfer.importPassages(await file(noisy, format), sink("int4-g32"));
  });
}

test("vectors of the text alone are accepted, as tools make them that know nothing of titles", async () => {
  const rows = rowsOf(60).map((row) => ({ ...row, vector: embedded(row.text) }));
  const { agreement } = await transfer.importPassages(await file(rows, "jsonl"), sink());
  assert.ok((agreement?.lowest ?? 0) > 0.99999);
  assert.equal(agreement?.of, "bare");
  // Not some of them this way and some of them that way.
  const mixed = rowsOf(60).map((row, at) => (at % 2 ? row : { ...row, title: "A title", vector: embedded(row.text) }));
  assert.equal((await refusal(transfer.importPassages(await file(mixed, "jsonl"), sink()))).code, "vectors-disagree");
});

/** @param {unknown[]} lines */
const lines = (lines) => new Blob([lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line))).join("\n")]);
const good = Array.from(embedded("x"));

test("a file of another tool: whole documents, numbers as ids, other fields", async () => {
  const target = sink();
  const documents = lines([
    { id: 1, text: "one", other: [3] },
    "",
    { id: "b", text: "two", title: null, tags: [], meta: '{"a":1}' },
  ]);
  const result = await transfer.importPassages(documents.stream(), target);
  assert.deepEqual(target.whole, [
    { id: "1", text: "one" },
    { id: "b", text: "two", meta: { a: 1 } },
  ]);
  assert.deepEqual(result, { documents: 2, passages: 2, embedded: 2 });
  const long = good.map((x) => 3 * x);
  const withVectors = sink();
  await transfer.importPassages(lines([{ id: "a", text: "x", embedding: long }]), withVectors);
  const [passage] = withVectors.cut[0]?.passages ?? [];
  assert.deepEqual([passage?.start, passage?.end, passage?.trail], [0, 1, []]);
  assert.ok(Math.abs(Math.hypot(...(passage?.vector ?? [])) - 1) < 1e-6, "vectors become unit vectors");
  assert.deepEqual(await transfer.importPassages(new Blob([]), sink()), { documents: 0, passages: 0, embedded: 0 });
});

test("a file that is not sound is refused by line, and nothing is imported, even if its end is at fault", async () => {
  const fine = Array.from({ length: 3000 }, (_, n) => ({ id: `f${n}`, text: "x", vector: good }));
  /** @type {Record<string, [unknown, RegExp]>} */
  const cases = {
    json: ["{", /line 3001 .*not JSON/],
    array: [[], /not an object/],
    id: [{ text: "a" }, /"id"/],
    emptyId: [{ id: "", text: "a" }, /"id"/],
    text: [{ id: "a" }, /"text" is missing/],
    textType: [{ id: "a", text: 3 }, /"text" must be a string/],
    tags: [{ id: "a", text: "a", tags: "t" }, /"tags"/],
    kind: [{ id: "a", text: "a", kind: "pdf" }, /"kind"/],
    meta: [{ id: "a", text: "a", meta: [1] }, /"meta"/],
    sinks: [{ id: "a", text: "a", title: "t".repeat(200) }, /row 3001 .* title is too long/],
    source: [{ id: "f2999", text: "a", start: 1, end: 2, source: "s", vector: good }, /"source" belongs to the first/],
    metaJson: [{ id: "a", text: "a", meta: "{" }, /"meta" is not JSON/],
    place: [{ id: "a", text: "a", start: 3, end: 1 }, /"start" and "end"/],
    half: [{ id: "a", text: "a", start: 3 }, /"start" and "end"/],
    vector: [{ id: "a", text: "a", vector: "x" }, /"vector"/],
    words: [{ id: "a", text: "a", vector: good.map(String) }, /"vector"/],
    zero: [{ id: "a", text: "a", vector: good.map(() => 0) }, /zero/],
    infinite: [`{"id":"a","text":"a","vector":[${good.map(() => "1e39").join()}]}`, /not finite/],
    some: [{ id: "a", text: "a" }, /some rows .* have none/],
    twice: [{ id: "f0", text: "a", vector: good }, /"f0" do not stand together/],
    again: [{ id: "f2999", text: "a", vector: good }, /is there twice/],
  };
  for (const [name, [line, message]] of Object.entries(cases)) {
    const target = sink();
    const found = await refusal(transfer.importPassages(lines([...fine, line]), target));
    assert.equal(found.code, "input-invalid", `${name}: ${found.message}`);
    assert.match(found.message, message, name);
    assert.ok(target.isEmpty, name);
  }
  const short = await refusal(transfer.importPassages(lines([{ id: "a", text: "a", vector: [1, 0] }]), sink()));
  assert.deepEqual([short.code, /2 components; this collection's have 48/.test(short.message)], ["vectors-disagree", true]);
  const binary = await refusal(transfer.importPassages(new Blob([Uint8Array.of(0x22, 0xff, 0xfe)]), sink()));
  assert.deepEqual([binary.code, /UTF-8/.test(binary.message)], ["input-invalid", true]);
  const format = await refusal(transfer.importPassages(new Blob([]), sink(), { format: /** @type {any} */ ("csv") }));
  assert.equal(format.code, "input-invalid");
});

test("damaged Parquet is refused or read right, whatever byte is wrong", async () => {
  const rows = rowsOf(12);
  const bytes = new Uint8Array(await (await file(rows, "parquet")).arrayBuffer());
  const wrong = { refused: 0, right: 0, other: 0 };
  const next = noise("damage");
  for (let n = 0; n < 400; n += 1) {
    const damaged = bytes.slice();
    // Half of them in the metadata at the end, where everything else is described.
    const at = Math.floor(((next() + 1) / 2) * (n % 2 ? bytes.length : 2000));
    const place = n % 2 ? at : bytes.length - 1 - at;
    damaged[place] = (damaged[place] ?? 0) ^ (1 << (n % 8));
    const target = sink();
    const { code } = await refusal(transfer.importPassages(new Blob([damaged]), target, { format: "parquet" }));
    if (code !== undefined) {
      assert.ok(["input-invalid", "vectors-disagree"].includes(code), code);
      assert.ok(target.isEmpty);
      wrong.refused += 1;
    } else if (JSON.stringify(flat(target.cut)) === JSON.stringify(rows)) wrong.right += 1;
    // Parquet has no hashes: a flipped letter is another text, and its vector may still be near enough.
    else wrong.other += 1;
  }
  assert.equal(wrong.refused + wrong.right + wrong.other, 400);
  assert.ok(wrong.refused > 100, JSON.stringify(wrong));
  for (const length of [0, 3, 4, 11, 12, 100, bytes.length - 1]) {
    const { code } = await refusal(transfer.importPassages(new Blob([bytes.slice(0, length)]), sink(), { format: "parquet" }));
    assert.equal(code, "input-invalid", `${length} bytes`);
  }
});

test("an abort ends both; a stream that is given up ends its source", async () => {
  const rows = rowsOf(3000);
  const abort = new AbortController();
  const target = sink();
  const work = transfer.importPassages(await file(rows, "jsonl"), target, {
    signal: abort.signal,
    onProgress: ({ done }) => void (done > 0 && abort.abort()),
  });
  assert.equal((await refusal(work)).code, "aborted");
  assert.equal(target.puts, 1);
  const stopped = new AbortController();
  stopped.abort();
  const stream = transfer.exportPassages(sourceOf(rows), "parquet", { signal: stopped.signal });
  assert.equal((await refusal(new Response(stream).blob())).code, "aborted");
  let ended = false;
  const endless = {
    ...sourceOf(rows),
    async *passages() {
      try {
        for (;;) yield rows;
      } finally {
        ended = true;
      }
    },
  };
  const reader = transfer.exportPassages(endless, "jsonl").getReader();
  await reader.read();
  await reader.cancel();
  assert.ok(ended);
});

test("a URL is fetched; one that is not there is not-found", async () => {
  const rows = rowsOf(5);
  writeFileSync(join(folder, "rows.jsonl"), new Uint8Array(await (await file(rows, "jsonl")).arrayBuffer()));
  const server = await Server.start({ "/": [folder] });
  const gone = server.url("/rows.jsonl");
  try {
    const target = sink();
    await transfer.importPassages(new URL(server.url("/rows.jsonl")), target);
    assert.deepEqual(flat(target.cut), rows);
    assert.equal((await refusal(transfer.importPassages(server.url("/none.jsonl"), sink()))).code, "not-found");
  } finally {
    await server.close();
  }
  assert.equal((await refusal(transfer.importPassages(gone, sink()))).code, "network");
});

test("who does not use Parquet loads none of it", () => {
  const scripts = readdirSync(join(folder, "built"));
  const own = readFileSync(join(folder, "built/transfer.mjs"), "utf8");
  assert.ok(
    scripts.some((name) => name.startsWith("transfer-parquet")),
    scripts.join(" "),
  );
  assert.doesNotMatch(own, /PAR1.*thrift|snappy/is);
});

test("pyarrow reads what felsic writes, and felsic reads what pyarrow writes", async (context) => {
  const { program, why } = python(["pyarrow"]);
  if (program === undefined) return context.skip(why);
  const rows = rowsOf(1200);
  writeFileSync(join(folder, "ours.parquet"), new Uint8Array(await (await file(rows, "parquet")).arrayBuffer()));
  const script = `
import json, sys
import pyarrow as pa, pyarrow.parquet as pq
ours = pq.ParquetFile("ours.parquet")
table = ours.read()
row = table.slice(4, 1).to_pylist()[0]
about = json.loads(ours.metadata.metadata[b"felsic"])
print(json.dumps({"rows": table.num_rows, "groups": ours.num_row_groups, "schema": {f.name: str(f.type) for f in table.schema}, "row": row, "about": about}))
table = table.select(["id", "text", "vector"]).slice(0, 1)
ids = pa.array([10, 11], pa.int64())
vector = table.column("vector").to_pylist()[0]
text = table.column("text").to_pylist()[0]
theirs = {"id": ids, "text": [text, text], "embedding": pa.array([vector, vector], pa.list_(pa.float64(), ${D}))}
for name in ["snappy", "none", "zstd"]:
    pq.write_table(pa.table(theirs), name + ".parquet", compression=name)
`;
  const { status, stdout, stderr } = spawnSync(program, ["-c", script], { cwd: folder, encoding: "utf8" });
  assert.equal(status, 0, stderr);
  const { row, schema, about, ...counts } = JSON.parse(stdout);
  assert.deepEqual(counts, { rows: rows.length, groups: Math.ceil(rows.length / 1000) });
  assert.equal(row.source, rows[4]?.source ?? null);
  const { vector, meta, ...expected } = /** @type {Row} */ (rows[4]);
  const { vector: theirVector, meta: theirMeta, ...found } = row;
  assert.deepEqual(Object.fromEntries(Object.entries(found).filter(([, value]) => value !== null)), expected);
  assert.deepEqual(JSON.parse(theirMeta), meta);
  assert.deepEqual(theirVector, Array.from(vector ?? []));
  assert.deepEqual([schema.vector, schema.text, schema.start], ["list<element: float not null>", "string", "int32"]);
  assert.deepEqual(about, { version: 1, space: "test@1/int8-g32/48", model: "test", dimensions: D });
  const read = (/** @type {string} */ name, target = sink()) =>
    transfer.importPassages(new Blob([readFileSync(join(folder, `${name}.parquet`))]), target).then(() => target);
  for (const name of ["snappy", "none"]) {
    const target = await read(name);
    assert.deepEqual(
      target.cut.map(({ id, passages }) => [id, passages[0]?.text, passages[0]?.vector]),
      [10, 11].map((id) => [String(id), rows[0]?.text, rows[0]?.vector]),
    );
  }
  const zstd = await refusal(read("zstd"));
  assert.deepEqual([zstd.code, /snappy/.test(zstd.message)], ["input-invalid", true], zstd.message);
});
