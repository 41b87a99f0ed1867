/** Packs that cannot be loaded: each fault has its own code, and leaves nothing behind. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, test } from "node:test";
import { startFirefox } from "./firefox.mjs";
import { flipped, start, workers } from "./harness.mjs";

/** @typedef {import("./server.mjs").Fault} Fault */

/**
 * The parts of a manifest that are spoilt here.
 *
 * @typedef {object} Manifest
 * @property {string} format
 * @property {number} version
 * @property {{ model: Record<string, any>, max_tokens: any, pooling: any }} config
 * @property {{ file: string, bytes: number, sha256: string, format: string }} tokenizer
 * @property {{ file: string, bytes: number, sha256: string }[]} shards
 * @property {Record<string, { type: string, shape: number[], shard: number }>} tensors
 * @property {{ text: string, ids: number[], embedding: string }[]} self_test
 */

const PACK = "/packs/tiny-silu-f32/";
const MANIFEST = /^manifest\.json$/;
const SHARD = /^layers-/;
const TOKENIZER = /tokenizer/;
const NORM = "layers.1.attn_norm.weight";

const inFirefox = process.env.FELSIC_TEST_BROWSER === "firefox";

/** @type {Omit<Awaited<ReturnType<typeof startFirefox>>, "process" | "collect">} */
let environment;
/** Firefox does not say what workers there are. @type {import("playwright-core").Page | undefined} */
let chromiumPage;

before(async () => {
  if (inFirefox) return void (environment = await startFirefox());
  const { page, ...others } = await start({ needs: ["tiny-silu-f32"] });
  chromiumPage = page;
  environment = { ...others, page: { evaluate: (work, argument) => page.evaluate(/** @type {any} */ (work), argument) } };
});

after(() => environment?.close());

/** How an attempt at an embedder ended. @param {Omit<import("felsic").CreateOptions, "files">} options */
async function create(options) {
  const settled = await environment.page.evaluate(async (options) => {
    const created = felsic.Embedder.create(options);
    const settled = await settle(created);
    if (settled.ok) (await created).destroy();
    return settled;
  }, options);
  if (chromiumPage) assert.equal(await workers(chromiumPage, 0), 0, "a worker is left");
  return settled;
}

/** Makes a fault in the manifest, which stays JSON. @param {(manifest: Manifest) => void} change @returns {Fault} */
function manifest(change) {
  return {
    file: MANIFEST,
    change(bytes) {
      const value = JSON.parse(bytes.toString());
      change(value);
      return JSON.stringify(value);
    },
  };
}

/**
 * Puts other bytes into a file, and their hash into the manifest: the reader of that format has to find the fault.
 *
 * @param {(manifest: Manifest) => { file: string, bytes: number, sha256: string } | undefined} entry
 * @param {RegExp} file
 * @param {Buffer} bytes
 * @returns {Fault[]}
 */
function vouched(entry, file, bytes) {
  const listed = manifest((value) => {
    Object.assign(entry(value) ?? {}, { bytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") });
  });
  return [listed, { file, change: () => bytes }];
}

/** A safetensors file of one header. @param {string} header */
function safetensors(header) {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, Buffer.from(header), Buffer.alloc(1 << 20)]);
}

/** @type {[name: string, code: import("felsic").FelsicErrorCode, faults: Fault[]][]} */
const FAULTS = [
  ["no manifest (404)", "not-found", [{ file: MANIFEST, status: 404 }]],
  ["a server error", "network", [{ file: MANIFEST, status: 500 }]],
  [
    "a page instead of the manifest and of a checkpoint's files",
    "not-found",
    [{ file: MANIFEST, type: "text/html", change: () => "<!doctype html><title>Hello</title>" }],
  ],
  ["an empty manifest", "manifest-invalid", [{ file: MANIFEST, change: () => "" }]],
  ["a manifest that ends early", "manifest-invalid", [{ file: MANIFEST, change: (bytes) => bytes.subarray(0, 300) }]],
  ["JSON of another kind", "manifest-invalid", [{ file: MANIFEST, change: () => '{"name": "package"}' }]],
  ["a manifest without shards", "manifest-invalid", [manifest((value) => void (value.shards = []))]],
  [
    "a file name that leaves the folder",
    "manifest-invalid",
    [manifest(({ tokenizer }) => void (tokenizer.file = "../../secret"))],
  ],
  ["a manifest of a later version", "manifest-unsupported", [manifest((value) => void (value.version = 99))]],
  ["a config with a zero size", "config-invalid", [manifest(({ config }) => void (config.model.hidden_size = 0))]],
  ["a config with an absurd size", "config-invalid", [manifest(({ config }) => void (config.model.vocab_size = 1e15))]],
  [
    "a config with a size that is not a number",
    "config-invalid",
    [manifest(({ config }) => void (config.model.num_heads = "four"))],
  ],
  ["a tensor that is not listed", "tensor-missing", [manifest(({ tensors }) => void delete tensors[NORM])]],
  [
    "a tensor of another shape",
    "tensor-shape",
    [manifest(({ tensors }) => void Object.assign(tensors[NORM] ?? {}, { shape: [63] }))],
  ],
  ["no shard (404)", "not-found", [{ file: SHARD, status: 404 }]],
  ["a shard that ends early", "file-length", [{ file: SHARD, change: (bytes) => bytes.subarray(0, bytes.length - 1) }]],
  ["a shard that is longer", "file-length", [{ file: SHARD, change: (bytes) => Buffer.concat([bytes, bytes.subarray(0, 1)]) }]],
  ["a page instead of a shard", "file-length", [{ file: SHARD, type: "text/html", change: () => "<!doctype html>" }]],
  ["a shard with one bit flipped", "file-integrity", [{ file: SHARD, change: flipped }]],
  ["a connection that breaks", "network", [{ file: SHARD, cutAfter: 5000 }]],
  ["a shard that is not safetensors", "weights-invalid", vouched(({ shards }) => shards[0], SHARD, Buffer.alloc(1 << 20, 7))],
  [
    "a shard with a header that lies",
    "weights-invalid",
    vouched(({ shards }) => shards[0], SHARD, safetensors('{"a":{"dtype":"F32","shape":[9],"data_offsets":[0,4]}}')),
  ],
  ["a shard of another model", "weights-invalid", vouched(({ shards }) => shards[0], SHARD, safetensors("{}"))],
  ["no tokenizer (404)", "not-found", [{ file: TOKENIZER, status: 404 }]],
  ["a tokenizer with one bit flipped", "file-integrity", [{ file: TOKENIZER, change: flipped }]],
  [
    "a tokenizer of another kind",
    "tokenizer-invalid",
    vouched(({ tokenizer }) => tokenizer, TOKENIZER, Buffer.from("not a tokenizer at all, but long enough to be one")),
  ],
];

for (const [name, code, faults] of FAULTS) {
  test(`${name}: ${code}`, async () => {
    const settled = await create({ model: environment.server.spoilt(PACK, ...faults), cache: "none" });
    assert.equal(settled.code, code, settled.message);
    assert.equal(settled.isFelsicError, true);
    assert.match(settled.message ?? "", /^[^\n]{10,300}$/, "the message is one line");
  });
}

test(
  "a GPU that does not reproduce the pack's vectors: self-test-failed",
  { skip: inFirefox && "Firefox has no GPU here" },
  async () => {
    // The vectors of two texts are swapped, as if the device computed something else.
    const swapped = manifest(({ self_test: [first, second] }) => {
      assert.ok(first && second);
      [first.embedding, second.embedding] = [second.embedding, first.embedding];
    });
    const settled = await create({ model: environment.server.spoilt(PACK, swapped), device: "webgpu" });
    assert.equal(settled.code, "self-test-failed", settled.message);
  },
);

test("after all of that the good pack loads", async () => {
  const { page } = environment;
  const length = await page.evaluate(async (model) => {
    const embedder = await felsic.Embedder.create({ model });
    const { length } = await embedder.embed("a text");
    embedder.destroy();
    return length;
  }, environment.pack("tiny-silu-f32"));
  assert.equal(length, 64);
});

test("a slow server is waited for", async () => {
  const model = environment.server.spoilt(PACK, { file: SHARD, delay: 1500 });
  assert.equal((await create({ model })).ok, true);
});
