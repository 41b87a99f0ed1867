// @ts-check
/** Search's binary in Node: its scan, its errors. Native code's results are in tests/fixtures/search/scan.jsonl. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const repository = join(import.meta.dirname, "../..");
/** @param {string} file */
const read = (file) => readFileSync(join(repository, file));

// The package has the glue only inside its worker.
const glue = "../../pkg/dist/felsic_search.js";
const { initSync, Rows, Sweep } = await import(glue);
initSync({ module: read("pkg/dist/felsic_search_bg.wasm") });

/** The generator of search/src/scan/tests.rs. @param {number} state */
function seeded(state) {
  const component = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state >>> 8) / 2 ** 24 - 0.5;
  };
  return (/** @type {number} */ dimensions) => {
    const values = Array.from({ length: dimensions }, component);
    const length = Math.sqrt(values.reduce((sum, v) => sum + v * v, 0));
    return Float32Array.from(values, (v) => v / length);
  };
}

/** @param {number} dimensions @param {number} count */
function collection(dimensions, count) {
  const next = seeded(dimensions);
  const vectors = new Float32Array(dimensions * count);
  for (let row = 0; row < count; row++) vectors.set(next(dimensions), row * dimensions);
  return { vectors, query: next(dimensions) };
}

/** @param {any} found */
function plain(found) {
  const { rows, scores, mean, deviation, seen } = found;
  const bits = [...new Uint32Array(new Float32Array(scores).buffer)];
  found.free();
  return { rows: [...rows], scores: bits, mean, deviation, seen };
}

const cases = read("tests/fixtures/search/scan.jsonl").toString().trim().split("\n");

test("a scan finds what native code finds, to the bit, in memory and block by block", () => {
  assert.equal(cases.length, 4);
  for (const line of cases) {
    const { dimensions, count, ...want } = JSON.parse(line);
    const { vectors, query } = collection(dimensions, count);
    const allowed = Uint8Array.from({ length: Math.ceil(count / 8) }, (_, at) => (at * 151) % 256);
    const rows = new Rows(dimensions);
    assert.equal(rows.add(vectors), 0);
    assert.equal(rows.length, count);
    assert.deepEqual(plain(rows.top(query, 20, allowed)), want);

    // The same again from rows that were read, and from blocks that do not lie in the binary's memory.
    const [scales, coarse, fine] = [rows.scales(0, count), rows.coarse(0, count), rows.fine(0, count)];
    const again = new Rows(dimensions);
    again.addRows(scales, coarse, fine);
    assert.deepEqual(plain(again.top(query, 20, allowed)), want);
    const part = (/** @type {Int8Array} */ all, /** @type {number} */ from, /** @type {number} */ end) =>
      all.subarray(from * dimensions, end * dimensions);
    const ofRow = (/** @type {number} */ row) => part(fine, row, row + 1);
    for (const isFunction of [false, true]) {
      const sweep = new Sweep(query, 20);
      for (let from = 0; from < count; from += 333) {
        const end = Math.min(from + 333, count);
        const here = isFunction ? ofRow : part(fine, from, end);
        sweep.block(scales.subarray(from, end), part(coarse, from, end), here, from, allowed);
      }
      assert.deepEqual(plain(sweep.finish()), want);
    }
    rows.clear();
    assert.equal(rows.length, 0);
    for (const made of [rows, again]) made.free();
  }
});

test("the ten best are those of a loop over Float32Array", () => {
  const [dimensions, count] = [384, 3000];
  const { vectors, query } = collection(dimensions, count);
  const rows = new Rows(dimensions);
  rows.add(vectors);
  const cosines = Array.from({ length: count }, (_, row) =>
    query.reduce((sum, v, at) => sum + v * /** @type {number} */ (vectors[row * dimensions + at]), 0),
  );
  const best = [...cosines.keys()].sort((a, b) => /** @type {number} */ (cosines[b]) - /** @type {number} */ (cosines[a]));
  const found = rows.top(query, 10);
  assert.deepEqual([...found.rows], best.slice(0, 10));
  const mean = cosines.reduce((sum, v) => sum + v, 0) / count;
  const deviation = Math.sqrt(cosines.reduce((sum, v) => sum + (v - mean) ** 2, 0) / count);
  assert.ok(Math.abs(found.mean - mean) < 1e-4 && Math.abs(found.deviation - deviation) < 1e-4);
  assert.equal(found.seen, count);
  const row = rows.vector(7);
  row.forEach((/** @type {number} */ v, /** @type {number} */ at) =>
    assert.ok(Math.abs(v - /** @type {number} */ (vectors[7 * dimensions + at])) < 2e-6),
  );
  found.free();
  rows.free();
});

test("the cosines of given rows are those of a scan, to the bit, in memory and of rows that were read", () => {
  const [dimensions, count] = [384, 500];
  const { vectors, query } = collection(dimensions, count);
  const rows = new Rows(dimensions);
  rows.add(vectors);
  const bits = (/** @type {Float32Array} */ cosines) => [...new Uint32Array(new Float32Array(cosines).buffer)];
  const found = rows.top(query, count);
  const [order, want] = [found.rows, bits(found.scores)];
  found.free();
  assert.deepEqual(bits(rows.cosines(query, order)), want);
  assert.equal(rows.cosines(query, new Uint32Array(0)).length, 0);
  const twice = Uint32Array.of(order[9], order[2], order[9]);
  assert.deepEqual(bits(rows.cosines(query, twice)), [want[9], want[2], want[9]]);

  // Rows that lie elsewhere: those that are asked about are put into rows of their own.
  const read = new Rows(dimensions);
  for (const row of twice) read.addRows(rows.scales(row, 1), rows.coarse(row, 1), rows.fine(row, 1));
  assert.deepEqual(bits(read.cosines(query, Uint32Array.of(0, 1, 2))), [want[9], want[2], want[9]]);

  refuses(() => rows.cosines(query, Uint32Array.of(0, count)), "input-invalid");
  refuses(() => rows.cosines(query.subarray(1), Uint32Array.of(0)), "input-invalid");
  refuses(() => rows.cosines(new Float32Array(dimensions), Uint32Array.of(0)), "input-invalid");
  for (const made of [rows, read]) made.free();
});

/** @param {() => unknown} call @param {string} code */
function refuses(call, code) {
  assert.throws(call, (/** @type {any} */ error) => {
    assert.ok(error instanceof Error);
    assert.deepEqual([error.name, /** @type {any} */ (error).code], ["FelsicError", code], error.message);
    return true;
  });
}

test("bad input is an error with a code, and leaves the rows as they were", () => {
  for (const dimensions of [0, 4097]) refuses(() => new Rows(dimensions), "input-invalid");
  const rows = new Rows(2);
  const one = Float32Array.of(1, 0);
  assert.equal(rows.add(one), 0);
  for (const bad of [[1], [NaN, 0], [Infinity, 0], [0, 0], [1, 1]])
    refuses(() => rows.add(Float32Array.from(bad)), "input-invalid");
  const scale = Float32Array.of(1 / 127);
  // The first thousands are sound: what has been added of them is taken back.
  const many = { scales: new Float32Array(3000).fill(1 / 127), coarse: new Int8Array(6000), fine: new Int8Array(6000) };
  for (let row = 0; row < 2999; row++) many.coarse[2 * row] = 127;
  refuses(() => rows.addRows(many.scales, many.coarse, many.fine), "index-invalid");
  assert.equal(rows.length, 1);
  refuses(() => rows.addRows(scale, Int8Array.of(127), undefined), "input-invalid");
  refuses(() => rows.addRows(scale, Int8Array.of(127, 0), Int8Array.of(0)), "input-invalid");
  refuses(() => rows.addRows(scale, Int8Array.of(127, 0), undefined), "input-invalid");
  refuses(() => rows.addRows(Float32Array.of(NaN), Int8Array.of(127, 0), Int8Array.of(0, 0)), "index-invalid");
  refuses(() => rows.top(one, 0), "input-invalid");
  refuses(() => rows.top(Float32Array.of(1), 1), "input-invalid");
  refuses(() => rows.top(one, 1, new Uint8Array(0)), "input-invalid");
  refuses(() => rows.scales(0, 2), "input-invalid");
  refuses(() => rows.vector(1), "input-invalid");
  refuses(() => new Sweep(Float32Array.of(2, 0), 1), "input-invalid");
  const sweep = new Sweep(one, 1);
  refuses(() => sweep.block(scale, Int8Array.of(1, 0), undefined, 0), "index-invalid");
  refuses(() => sweep.block(scale, Int8Array.of(127), undefined, 0), "input-invalid");
  const coarse = Int8Array.of(127, 0);
  refuses(() => sweep.block(scale, coarse, "none", 0), "input-invalid");
  refuses(() => new Sweep(one, 1).block(scale, coarse, () => Int8Array.of(1), 0), "input-invalid");
  refuses(() => new Sweep(one, 1).block(scale, coarse, () => 7, 0), "input-invalid");
  const thrown = () => {
    throw new RangeError("the disk is gone");
  };
  assert.throws(() => new Sweep(one, 1).block(scale, coarse, thrown, 0), RangeError);
  assert.deepEqual([...rows.top(one, 5).rows], [0]);
});

test("memory that does not suffice is out-of-memory, and the rows that are there can still be searched", () => {
  // 64 MiB at most, set where no other code has been started.
  const script = `
    import assert from "node:assert/strict";
    import { readFileSync } from "node:fs";
    const { initSync, Rows } = await import(process.argv[1]);
    initSync({ module: readFileSync(process.argv[2]) });
    const rows = new Rows(4096);
    const vectors = new Float32Array(1024 * 4096);
    for (let row = 0; row < 1024; row++) vectors[row * 4096 + row] = 1;
    let calls = 0;
    assert.throws(() => {
      for (; calls < 20; calls++) rows.add(vectors);
    }, { name: "FelsicError", code: "out-of-memory" });
    assert.ok(calls > 1);
    assert.equal(rows.length, 1024 * calls);
    assert.deepEqual([...rows.top(vectors.subarray(5 * 4096, 6 * 4096), 2).rows], [5, 1029]);
    rows.clear();
    assert.equal(rows.add(vectors), 0);`;
  const files = ["pkg/dist/felsic_search.js", "pkg/dist/felsic_search_bg.wasm"].map((file) => join(repository, file));
  const node = spawnSync(process.execPath, ["--wasm-max-mem-pages=1024", "--input-type=module", "-e", script, ...files]);
  assert.equal(node.status, 0, node.stderr.toString());
});
