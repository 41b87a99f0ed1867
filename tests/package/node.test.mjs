/** felsic in Node: the same vectors as in a browser, from packs on the disk, with threads as workers. */

import assert from "node:assert/strict";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Embedder, FelsicError } from "felsic";
import * as cpu from "felsic/cpu";
import { Server } from "../browser/server.mjs";
import { golden, hex } from "./bits.mjs";
import { root, unpacked } from "./harness.mjs";

/** The built-in model as a pack on the disk. */
const PACK = join(unpacked, "dist/model");
const CHECKPOINT = join(root, "tests/fixtures/models/tiny-silu");

setFlagsFromString("--expose-gc");
const gc = /** @type {() => void} */ (runInNewContext("gc"));

/** @type {string} */
let folder;
/** Where nothing has been kept yet. @type {string} */
let cacheDirectory;

before(() => {
  folder = mkdtempSync(join(tmpdir(), "felsic-node-"));
  cacheDirectory = join(folder, "cache");
});

after(() => rmSync(folder, { recursive: true, force: true }));

/** @typedef {import("felsic").CreateOptions} Options */

/**
 * Creates an embedder for some work.
 *
 * @template T
 * @param {Options} options
 * @param {(embedder: Embedder) => Promise<T>} work
 */
async function using(options, work) {
  const embedder = await Embedder.create({ cacheDirectory, ...options });
  try {
    return await work(embedder);
  } finally {
    embedder.destroy();
  }
}

/** @param {Options} options */
const bits = (options) => using(options, async (embedder) => (await embedder.embed(golden().texts)).map(hex));

/** @param {string} code @param {RegExp} [message] */
const refusal = (code, message) => (/** @type {unknown} */ error) => {
  assert.ok(error instanceof FelsicError, String(error));
  assert.equal(error.code, code, error.message);
  if (message) assert.match(error.message, message);
  return true;
};

/** A pack of its own, with a change to one of its files. @param {string} name @param {(folder: string) => void} [change] */
function packAt(name, change) {
  const copy = join(folder, name);
  cpSync(PACK, copy, { recursive: true });
  change?.(copy);
  return copy;
}

const layers = (/** @type {string} */ pack) => join(pack, readdirSync(pack).find((name) => name.startsWith("layers")) ?? "");

test("the built-in model comes from the package's own files: nothing is fetched, nothing is kept", async () => {
  assert.equal(await Embedder.availability({ cacheDirectory }), "available");
  const vector = await using({}, async (embedder) => {
    assert.equal(embedder.info.model, "felsic-small-english");
    assert.equal(embedder.info.device, "cpu");
    return embedder.embed("A cat sleeps on the sill.");
  });
  const length = Math.hypot(...vector);
  assert.ok(vector instanceof Float32Array && Math.abs(length - 1) < 1e-5, String(length));
  assert.ok(!existsSync(join(cacheDirectory, "felsic")));
});

test("a vector has the bits that it has in a browser, with any number of workers and either binary", async () => {
  const { vectors } = golden();
  for (const workers of [1, 2, 3]) assert.deepEqual(await bits({ workers }), vectors, `${workers} workers`);
  assert.deepEqual(await bits({ simd: "plain", prefetch: "all" }), vectors);
});

test("helpers start, and compute their share", async () => {
  await using({ workers: 3 }, async (embedder) => {
    assert.equal(await embedder.warmUp(), 3);
    /** @type {number[]} */
    const done = [];
    const texts = Array.from({ length: 40 }, (_, n) => `text number ${n}, ${"about stones ".repeat(n)}`);
    const many = await embedder.embed(texts, { onProgress: (progress) => done.push(progress.done) });
    assert.equal(done.at(-1), 40);
    const one = await embedder.embed(texts[7] ?? "");
    assert.equal(hex(/** @type {Float32Array} */ (many[7])), hex(one));
  });
});

test("tokens, details, dimensions and prompts are what they are in a page", async () => {
  await using({}, async (embedder) => {
    const ids = await embedder.tokenize("A cat sleeps on the sill.");
    assert.equal(ids.length, await embedder.countTokens("A cat sleeps on the sill."));
    const [detailed] = await embedder.embedDetailed(["word ".repeat(3000)], { dimensions: 64 });
    assert.ok(detailed?.truncated && detailed.tokens === embedder.info.maxTokens && detailed.vector.length === 64);
    assert.equal((await embedder.embed("cats", { taskType: "retrieval-query" })).length, embedder.info.dimensions);
    await assert.rejects(embedder.embed("cats", { prompt: "no such prompt" }), refusal("input-invalid"));
    assert.ok((await embedder.memoryBytes()) > 1e6);
  });
});

test("felsic/cpu is the same module: one FelsicError, the same vectors", async () => {
  assert.equal(cpu.FelsicError, FelsicError);
  const embedder = await cpu.Embedder.create({ cacheDirectory });
  assert.equal(hex(await embedder.embed(golden().texts[0] ?? "")), golden().vectors[0]);
  embedder.destroy();
});

test("a pack on the disk is named by a path, relative or not, or by a file: URL; nothing of it is kept again", async () => {
  const odd = packAt("a b #1 100% ü");
  for (const model of [odd, `${odd}/`, `./${relative(process.cwd(), odd)}`, pathToFileURL(odd), pathToFileURL(odd).href]) {
    const vector = await using({ model, workers: 1 }, (embedder) => embedder.embed(golden().texts[0] ?? ""));
    assert.equal(hex(vector), golden().vectors[0], String(model));
    assert.equal(await Embedder.availability({ model, cacheDirectory }), "available");
  }
  assert.ok(!existsSync(join(cacheDirectory, "felsic")));
  assert.equal(await Embedder.availability({ model: join(folder, "nothing"), cacheDirectory }), "downloadable");
});

test("a checkpoint on the disk becomes a pack, each time, as it may have changed", async () => {
  /** @type {Set<string>} */
  const phases = new Set();
  const work = async (/** @type {Embedder} */ embedder) => ({
    info: embedder.info,
    vector: hex(await embedder.embed("A text.")),
  });
  const onProgress = (/** @type {import("felsic").LoadProgress} */ { phase }) => void phases.add(phase);
  const first = await using({ model: CHECKPOINT, onProgress }, work);
  assert.equal(first.info.format, "int8-g32");
  assert.ok(phases.has("checkpoint"), [...phases].join());
  assert.deepEqual(await using({ model: pathToFileURL(CHECKPOINT) }, work), first);
  assert.equal(existsSync(join(cacheDirectory, "felsic")), false);
});

test("a damaged pack, one that is not there, and one that cannot be read each have their error", async () => {
  const flipped = packAt("flipped", (pack) => {
    const bytes = readFileSync(layers(pack));
    bytes.writeUInt8(bytes.readUInt8(bytes.length >> 1) ^ 1, bytes.length >> 1);
    writeFileSync(layers(pack), bytes);
  });
  const short = packAt("short", (pack) => writeFileSync(layers(pack), readFileSync(layers(pack)).subarray(0, -1)));
  const lacking = packAt("lacking", (pack) => unlinkSync(layers(pack)));
  const senseless = packAt("senseless", (pack) => writeFileSync(join(pack, "manifest.json"), "{}"));
  // A link to itself: even the administrator cannot read it.
  const unreadable = packAt("unreadable", (pack) => {
    const file = layers(pack);
    unlinkSync(file);
    symlinkSync(file, file);
  });
  const refused = (/** @type {string} */ model) => () => Embedder.create({ model, cacheDirectory });
  await assert.rejects(refused(flipped), refusal("file-integrity"));
  await assert.rejects(refused(short), refusal("file-length"));
  await assert.rejects(refused(lacking), refusal("not-found", /does not exist/));
  await assert.rejects(refused(senseless), refusal("manifest-invalid"));
  await assert.rejects(refused(unreadable), refusal("io", /cannot be read/));
  await assert.rejects(refused(join(folder, "nothing")), refusal("not-found"));
});

test("what Node cannot do is refused: a GPU, scripts from the network, a folder of a server, unknown options", async () => {
  await assert.rejects(Embedder.create({ device: "webgpu" }), refusal("device-unavailable", /Node has no WebGPU/));
  assert.equal(await Embedder.availability({ device: "webgpu" }), "unavailable");
  await assert.rejects(
    Embedder.create({ workerUrl: "https://example.com/worker-cpu.js" }),
    refusal("input-invalid", /from the disk/),
  );
  await assert.rejects(Embedder.create({ cacheDirectory: "https://example.com/" }), refusal("input-invalid", /cacheDirectory/));
  const odd = /** @type {Options} */ (/** @type {unknown} */ ({ cacheDirectory: 7 }));
  await assert.rejects(Embedder.create(odd), refusal("input-invalid", /cacheDirectory/));
  await assert.rejects(
    Embedder.create(/** @type {Options} */ ({ modell: PACK })),
    refusal("input-invalid", /"modell".*\bmodel\b/),
  );
});

test("an abort and destroy() end what is pending, and the embedder says so afterwards", async () => {
  const reason = new Error("enough");
  const signal = AbortSignal.abort(reason);
  await assert.rejects(Embedder.create({ signal, cacheDirectory }), refusal("aborted"));
  const embedder = await Embedder.create({ cacheDirectory, workers: 2 });
  const abort = new AbortController();
  const texts = Array.from({ length: 300 }, (_, n) => `${n} ${"stones and rivers ".repeat(30)}`);
  const aborted = embedder.embed(texts, { signal: abort.signal });
  setTimeout(() => abort.abort(reason), 50);
  await assert.rejects(aborted, (error) => refusal("aborted")(error) && /** @type {Error} */ (error).cause === reason);
  assert.equal(hex(await embedder.embed(golden().texts[0] ?? "")), golden().vectors[0]);
  const pending = embedder.embed(texts);
  embedder.destroy();
  await assert.rejects(pending, refusal("destroyed"));
  await assert.rejects(embedder.embed("late"), refusal("destroyed"));
});

test("a worker that ends, throws, or is none is an error, and the process goes on", async () => {
  const script = readFileSync(join(unpacked, "dist/worker-cpu.js"), "utf8");
  const broken = (/** @type {string} */ name, /** @type {string} */ code) => {
    const file = join(folder, name);
    writeFileSync(file, code);
    return { workerUrl: file, wasmUrl: join(unpacked, "dist/felsic_cpu_bg.wasm"), workers: 1, cacheDirectory };
  };
  const at = (/** @type {string} */ type, /** @type {string} */ what) =>
    `${script};addEventListener("message", ({ data }) => { if (data.type === "${type}") ${what} });`;
  for (const [name, what] of [
    ["exits.js", "process.exit(3)"],
    ["throws.js", 'setTimeout(() => { throw new Error("a defect") })'],
  ]) {
    const embedder = await Embedder.create(broken(name ?? "", at("embed", what ?? "")));
    await assert.rejects(embedder.embed("A text."), refusal("internal", /create a new embedder/));
    await assert.rejects(embedder.embed("A text."), refusal("internal"));
  }
  await assert.rejects(Embedder.create(broken("early.js", "throw new Error('not felsic')")), refusal("io", /does not run/));
  await assert.rejects(Embedder.create({ ...broken("x.js", ""), workerUrl: join(folder, "no.js") }), refusal("not-found"));
  assert.equal((await bits({}))[0], golden().vectors[0]);
});

test("a helper that ends is left out, and the vectors stay the same", async () => {
  const dist = join(folder, "dist");
  cpSync(join(unpacked, "dist"), dist, { recursive: true });
  for (const name of ["worker-cpu.js", "worker-relaxed.js"]) {
    const lost =
      'addEventListener("message", ({ data }) => { if (data.type === "help") setTimeout(() => process.exit(1), 30) });';
    writeFileSync(join(dist, name), `${readFileSync(join(dist, name), "utf8")};${lost}`);
  }
  await using({ baseUrl: dist, workers: 3 }, async (embedder) => {
    await embedder.warmUp();
    for (let round = 0; round < 3; round += 1) {
      assert.deepEqual((await embedder.embed(golden().texts)).map(hex), golden().vectors);
    }
  });
});

test("progress comes as callbacks and as the proposal's events", async () => {
  /** @type {number[]} */
  const loaded = [];
  /** @type {string[]} */
  const phases = [];
  const monitor = (/** @type {EventTarget} */ target) => {
    target.addEventListener("downloadprogress", (event) => loaded.push(/** @type {ProgressEvent} */ (event).loaded));
  };
  await using({ monitor, prefetch: "all", onProgress: ({ phase }) => phases.push(phase) }, async () => {});
  assert.equal(loaded.at(-1), 1);
  assert.ok(phases.length > 0);
});

test("thousands of texts leave no memory behind", async () => {
  await using({ workers: 2 }, async (embedder) => {
    const texts = Array.from({ length: 300 }, (_, n) => `the stone with the number ${n}`);
    const held = async () => {
      await embedder.embed(texts);
      for (const text of texts.slice(0, 60)) await embedder.embed(text);
      gc();
      const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
      return { js: heapUsed + arrayBuffers, wasm: await embedder.memoryBytes(), rss };
    };
    await held();
    const before = await held();
    await held();
    const after = await held();
    assert.ok(after.wasm - before.wasm <= 1 << 20, JSON.stringify({ before, after }));
    assert.ok(after.js - before.js < 4e6, JSON.stringify({ before, after }));
    assert.ok(after.rss - before.rss < 40e6, JSON.stringify({ before, after }));
  });
});

test("a folder that nothing can be written to is a warning", async () => {
  const file = join(folder, "a file");
  writeFileSync(file, "");
  mkdirSync(join(folder, "models"), { recursive: true });
  /** @type {string[]} */
  const codes = [];
  const server = await Server.start({ "/pack/": [PACK] });
  await using(
    { model: server.url("/pack/"), cacheDirectory: join(file, "cache"), onWarning: ({ code }) => codes.push(code) },
    async (embedder) => assert.equal(hex(await embedder.embed(golden().texts[0] ?? "")), golden().vectors[0]),
  );
  await server.close();
  assert.deepEqual(codes, ["cache-unavailable"]);
});
