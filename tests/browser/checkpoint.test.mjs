/** Straight from a checkpoint: the page makes the same pack as the command line, and stores it. */

import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { dist, largestDifference, packs, root, skipWithout, start, target, workers } from "./harness.mjs";
import { COMMIT, Hub } from "./hub.mjs";
import { Server } from "./server.mjs";

const MODEL = "tiny-gelu";
const ID = `felsic/${MODEL}`;
const PACK = `${MODEL}-int8`;
const TEXTS = ["A cat sleeps on the warm windowsill.", "Привет, как дела?", "東京は日本の首都です。", ""];
/** A GGUF file, and the pack of it that the command line has made. */
const GGUF = "tiny-silu-q8_0.gguf";
const GGUF_PACK = "tiny-silu-q8_0";
/** What else a page makes packs of, below the other origin, and the packs of it that the command line has made. */
const OTHERS = {
  "models/tiny-roberta/": "tiny-roberta-int8",
  "models/tiny-xlmr/": "tiny-xlmr-int8",
  "checkpoints/tiny-bert-dense/": "tiny-bert-dense-int8",
  "gguf/tiny-xlmr-f16.gguf": "tiny-xlmr-f16",
};
const models = join(root, "tests/fixtures/models");
const WEIGHTS = readFileSync(join(models, MODEL, "model.safetensors"));

/** @type {import("./harness.mjs").Environment} */
let environment;
/** Of another origin, with the checkpoints' folders. @type {Server} */
let elsewhere;
/** @type {Hub} */
let hub;
/** A checkpoint whose weights are in two files. */
const split = mkdtempSync(join(tmpdir(), "felsic-split-"));

before(async () => {
  splitInto(split);
  environment = await start({ needs: [PACK, GGUF_PACK, ...Object.values(OTHERS)] });
  elsewhere = await Server.start({
    "/felsic/": [dist],
    "/models/": [models],
    "/gguf/": [join(root, "tests/fixtures/gguf")],
    "/split/": [split],
    "/checkpoints/": [join(target, "checkpoints")],
  });
  hub = await Hub.start({ [ID]: { folder: join(models, MODEL), large: elsewhere.url(`/models/${MODEL}/`) } });
});

beforeEach(async () => {
  await environment.page.evaluate(() => felsic.Embedder.deleteCache());
  for (const { requests, log } of [environment.server, elsewhere]) (requests.splice(0), log.splice(0));
  hub.requests.splice(0);
});

after(async () => {
  await environment?.close();
  await hub?.close();
  await elsewhere?.close();
  rmSync(split, { recursive: true });
});

/**
 * Returns what an embedder reports and computes, or the code with which it fails.
 *
 * @param {Omit<Partial<import("felsic").CreateOptions>, "files">} options
 */
function load(options) {
  return environment.page.evaluate(
    async ({ options, texts }) => {
      /** @type {import("felsic").LoadProgress[]} */
      const progress = [];
      /** @type {string[]} */
      const warnings = [];
      const hear = {
        onProgress: (/** @type {import("felsic").LoadProgress} */ step) => void progress.push(step),
        onWarning: (/** @type {{ code: string }} */ { code }) => void warnings.push(code),
      };
      try {
        const embedder = await felsic.Embedder.create({ model: "", workers: 1, ...options, ...hear });
        const { info } = embedder;
        const vectors = (await embedder.embed(texts)).map((vector) => Array.from(vector));
        embedder.destroy();
        return { info, vectors, progress, warnings };
      } catch (error) {
        const { code, message } = /** @type {any} */ (error);
        return { code, message, progress, warnings };
      }
    },
    { options, texts: TEXTS },
  );
}

const checkpoint = () => elsewhere.url(`/models/${MODEL}/`);
const fromHub = () => ({ model: ID, hub: hub.url });
const weightRequests = () => elsewhere.log.filter(({ path, method }) => path.endsWith("model.safetensors") && method === "GET");

/** Reads the stored manifest, as an object. */
function storedManifest() {
  return environment.page.evaluate(async () => {
    const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle("felsic");
    for await (const [name, handle] of /** @type {any} */ (folder).entries()) {
      if (name.endsWith(".manifest")) return JSON.parse(await (await handle.getFile()).text());
    }
    return undefined;
  });
}

/** Returns the names of the stored files. */
function storedNames() {
  return environment.page.evaluate(async () => {
    const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle("felsic");
    const names = [];
    for await (const name of /** @type {any} */ (folder).keys()) names.push(String(name));
    return names;
  });
}

test("the pack is the one that the command line makes", async () => {
  const made = await load({ model: checkpoint() });
  const packed = await load({ model: environment.pack(PACK), cache: "none" });
  assert.equal(made.message, undefined);
  assert.deepEqual(made.info, packed.info);
  assert.deepEqual(made.vectors, packed.vectors);
  const { self_test: made_test, ...stored } = await storedManifest();
  const { self_test, ...manifest } = JSON.parse(readFileSync(join(packs, PACK, "manifest.json"), "utf8"));
  assert.deepEqual(stored, manifest);
  const shared = await load({ model: checkpoint(), workers: 2 });
  assert.deepEqual(shared.vectors, packed.vectors, "helpers are made of it, too");
  assert.equal((await storedNames()).filter((name) => name.endsWith(".manifest")).length, 1);
  // Other instructions made the vectors, which may differ in their last bits; the ids may not.
  const ids = (/** @type {{ ids: number[] }[]} */ tests) => tests.map((test) => test.ids);
  assert.deepEqual(ids(made_test), ids(self_test));
  const floats = (/** @type {{ embedding: string }} */ { embedding }) => {
    const bytes = Buffer.from(embedding, "base64");
    return Array.from({ length: bytes.length / 4 }, (_, at) => bytes.readFloatLE(4 * at));
  };
  for (const [at, test] of made_test.entries()) assert.ok(largestDifference(floats(test), floats(self_test[at])) <= 1e-6);
});

test("a hub's id is enough; of one commit; the second time nothing is asked for", async () => {
  const { page } = environment;
  const first = await load(fromHub());
  assert.equal(first.message, undefined);
  assert.equal(first.info?.revision, COMMIT);
  assert.equal(first.info?.space, `${MODEL}@${COMMIT}/int8-g32/64`);
  const atMain = hub.requests.filter((path) => !path.startsWith(`/${ID}/resolve/${COMMIT}/`));
  assert.deepEqual(
    [...new Set(atMain)],
    ["manifest.json", "config.json"].map((file) => `/${ID}/resolve/main/${file}`),
  );
  assert.ok(hub.requests.length > atMain.length);
  assert.equal(await page.evaluate((where) => felsic.Embedder.availability(where), fromHub()), "available");

  hub.requests.splice(0);
  elsewhere.requests.splice(0);
  const second = await load(fromHub());
  assert.deepEqual(second.vectors, first.vectors);
  assert.deepEqual([...hub.requests, ...elsewhere.requests], []);

  await page.evaluate((where) => felsic.Embedder.deleteCache(where), fromHub());
  assert.equal(await page.evaluate((where) => felsic.Embedder.availability(where), fromHub()), "downloadable");
  assert.equal(await storedManifest(), undefined);
});

test("a GGUF file becomes the pack that the command line makes of it, and is stored like others", async () => {
  const model = elsewhere.url(`/gguf/${GGUF}`);
  const made = await load({ model });
  const packed = await load({ model: environment.pack(GGUF_PACK), cache: "none" });
  assert.equal(made.message, undefined);
  assert.deepEqual(made.info, packed.info);
  assert.deepEqual(made.vectors, packed.vectors);
  const { self_test: _made, ...stored } = await storedManifest();
  const { self_test: _packed, ...manifest } = JSON.parse(readFileSync(join(packs, GGUF_PACK, "manifest.json"), "utf8"));
  assert.deepEqual(stored, manifest);
  assert.deepEqual([...new Set(elsewhere.log.map(({ path }) => path))], [`/gguf/${GGUF}`], "nothing else is asked for");
  assert.ok(made.progress.every(({ phase, file }) => phase === "checkpoint" && file === GGUF));
  const { loadedBytes, totalBytes } = made.progress.at(-1) ?? {};
  assert.equal(loadedBytes, totalBytes);

  elsewhere.log.splice(0);
  assert.deepEqual((await load({ model })).vectors, made.vectors);
  assert.deepEqual(elsewhere.log, []);
  assert.equal(await environment.page.evaluate((model) => felsic.Embedder.availability({ model }), model), "available");

  for (const cutAfter of [10, 30_000, 200_000]) {
    await environment.page.evaluate(() => felsic.Embedder.deleteCache());
    const spoilt = elsewhere.spoilt("/gguf/", { file: /gguf$/, cutAfter, times: 2 });
    assert.deepEqual((await load({ model: spoilt + GGUF })).vectors, made.vectors, `cut after ${cutAfter}`);
  }
});

for (const [path, pack] of Object.entries(OTHERS)) {
  test(`${path} becomes the pack that the command line makes of it`, async () => {
    const made = await load({ model: elsewhere.url(`/${path}`) });
    const packed = await load({ model: environment.pack(pack), cache: "none" });
    assert.equal(made.message, undefined);
    assert.deepEqual(made.info, packed.info);
    assert.deepEqual(made.vectors, packed.vectors);
    const { self_test: _made, ...stored } = await storedManifest();
    const { self_test: _packed, ...manifest } = JSON.parse(readFileSync(join(packs, pack, "manifest.json"), "utf8"));
    assert.deepEqual(stored, manifest);
  });
}

test("a GGUF file that is not there, or is none, has a code", async () => {
  const codes = [];
  for (const file of ["none.gguf", "goldens.json/x.gguf", "types.gguf"]) {
    codes.push((await load({ model: elsewhere.url(`/gguf/${file}`) })).code);
  }
  assert.deepEqual(codes, ["not-found", "not-found", "config-unsupported"]);
  const cut = elsewhere.spoilt("/models/", { file: /gguf$/, status: 404 });
  assert.equal((await load({ model: `${cut}x.gguf` })).code, "not-found");
  const pinned = await load({ model: elsewhere.url(`/gguf/${GGUF}`), integrity: `sha256-${"A".repeat(43)}=` });
  assert.equal(pinned.code, "file-integrity");
  assert.equal(await storedManifest(), undefined);
});

test("progress counts the checkpoint's bytes, never falls and ends at the total", async () => {
  const { progress } = await load(fromHub());
  const loaded = progress.map(({ loadedBytes }) => loadedBytes);
  assert.deepEqual(
    loaded,
    [...loaded].sort((a, b) => a - b),
  );
  assert.equal(loaded.at(-1), progress[0]?.totalBytes);
  assert.ok(progress.every(({ phase, totalBytes }) => phase === "checkpoint" && totalBytes === progress[0]?.totalBytes));
  assert.ok(Number(loaded.at(-1)) > WEIGHTS.length);
});

test("without a cache it works, and leaves nothing behind", async () => {
  const made = await load({ ...fromHub(), cache: "none" });
  const stored = await load(fromHub());
  assert.equal(made.message, undefined);
  assert.deepEqual(made.vectors, stored.vectors);
  assert.deepEqual(made.warnings, []);
  assert.equal(weightRequests().length, 2);
});

test("a cut transfer goes on where it broke", async () => {
  const whole = await load({ model: checkpoint() });
  for (const cutAfter of [1, 5000, WEIGHTS.length >> 1, WEIGHTS.length - 1]) {
    await environment.page.evaluate(() => felsic.Embedder.deleteCache());
    elsewhere.log.splice(0);
    const model = elsewhere.spoilt(`/models/${MODEL}/`, { file: /safetensors/, cutAfter, lull: 400, times: 2 });
    const made = await load({ model });
    assert.deepEqual(made.vectors, whole.vectors, `${made.message}`);
    assert.ok(
      weightRequests().some(({ range }) => range !== undefined),
      `cut after ${cutAfter}`,
    );
  }
});

test("a file that changes while it is fetched is never used", async () => {
  const tag = (/** @type {string} */ etag) => ({ etag, "access-control-expose-headers": "etag" });
  const weights = { file: /safetensors/ };
  const model = elsewhere.spoilt(
    `/models/${MODEL}/`,
    { ...weights, times: 1, cutAfter: 5000, lull: 400, headers: tag('"one"') },
    { ...weights, headers: tag('"two"') },
  );
  const { code, message } = await load({ model });
  assert.equal(code, "network");
  assert.match(String(message), /changed/);
  assert.equal(await storedManifest(), undefined);
});

test("of two at once one makes it", async () => {
  const both = await Promise.all([load(fromHub()), load(fromHub())]);
  assert.deepEqual(both[0].vectors, both[1].vectors);
  assert.equal(weightRequests().length, 1);
});

test("a token goes with every request for a checkpoint, by whichever worker, and its origin has no other", async () => {
  const whole = await load(fromHub());
  await environment.page.evaluate(() => felsic.Embedder.deleteCache());
  hub.token = "Bearer secret";
  elsewhere.log.splice(0);
  try {
    const refused = await load(fromHub());
    assert.equal(refused.code, "network");
    assert.match(String(refused.message), /private or gated.*headers/);
    const made = await load({ ...fromHub(), headers: { authorization: hub.token } });
    assert.deepEqual(made.vectors, whole.vectors, made.message);
    assert.ok(weightRequests().length > 0);
    assert.deepEqual([...new Set(elsewhere.log.map(({ authorization }) => authorization))], [undefined]);
  } finally {
    hub.token = undefined;
  }
});

test("weights in several files are one model", async () => {
  const made = await load({ model: elsewhere.url("/split/") });
  const whole = await load({ model: checkpoint() });
  assert.equal(made.message, undefined);
  assert.deepEqual(made.vectors, whole.vectors);
});

test("a server that compresses without saying so, whole and cut", async () => {
  const whole = await load({ model: checkpoint() });
  // The encoding is hidden from another origin, so the length is not that of the bytes that arrive.
  for (const fault of [{}, { cutAfter: 5000, times: 1 }]) {
    await environment.page.evaluate(() => felsic.Embedder.deleteCache());
    const faults = [
      { file: /safetensors/, gzip: true, ...fault },
      { file: /./, gzip: true },
    ];
    const { vectors, message, progress } = await load({ model: elsewhere.spoilt(`/models/${MODEL}/`, ...faults) });
    assert.deepEqual(vectors, whole.vectors, message);
    assert.equal(progress.at(-1)?.loadedBytes, progress[0]?.totalBytes);
  }
});

test("a stored file that is damaged or gone is made again", async () => {
  const { page } = environment;
  const first = await load(fromHub());
  const { shards } = await storedManifest();
  for (const harm of ["damage", "remove"]) {
    elsewhere.log.splice(0);
    await page.evaluate(
      async ({ name, harm }) => {
        const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle("felsic");
        if (harm === "remove") return folder.removeEntry(name);
        const file = await (await folder.getFileHandle(name)).createWritable({ keepExistingData: true });
        await file.write({ type: "write", position: 5000, data: new Uint8Array(8).fill(0x55) });
        await file.close();
      },
      { name: shards[0].sha256, harm },
    );
    const again = await load(fromHub());
    assert.deepEqual(again.vectors, first.vectors, again.message);
    assert.equal(weightRequests().length, 1, harm);
    assert.deepEqual(again.warnings, harm === "damage" ? ["cache-corrupt"] : []);
  }
});

test("a GPU reproduces the self-test that the page has made", async () => {
  const { info, message } = await load({ ...fromHub(), device: "webgpu" });
  assert.equal(message, undefined);
  assert.equal(info?.device, "webgpu");
});

test("the worker that makes packs comes from another origin with the others; where it is not, that is said", async () => {
  const here = await load({ model: elsewhere.url(`/models/${MODEL}/`), cache: "none" });
  elsewhere.requests.splice(0);
  const there = await load({ model: elsewhere.url(`/models/${MODEL}/`), cache: "none", baseUrl: elsewhere.url("/felsic/") });
  assert.deepEqual(there.vectors, here.vectors, there.message);
  for (const file of ["worker-packer.js", "felsic_packer_bg.wasm"])
    assert.ok(elsewhere.requests.includes(`/felsic/${file}`), file);

  const baseUrl = elsewhere.spoilt("/felsic/", { file: /^worker-packer/, status: 404 });
  const { code, message } = await load({ model: elsewhere.url(`/models/${MODEL}/`), cache: "none", baseUrl });
  assert.equal(code, "network");
  assert.match(message, /worker-packer\.js cannot be fetched: HTTP 404/);
  assert.equal(await workers(environment.page, 0), 0);
});

test("what is wrong with a checkpoint is said by a code, and no worker is left", async () => {
  const spoil = (/** @type {import("./server.mjs").Fault} */ fault) => elsewhere.spoilt(`/models/${MODEL}/`, fault);
  const header = Number(WEIGHTS.readBigUInt64LE(0));
  const renamed = (/** @type {Buffer} */ bytes) =>
    Buffer.from(bytes.toString("latin1").replace("layers.0.attn.Wo", "layers.0.attn.Wx"), "latin1");
  const notANumber = (/** @type {Buffer} */ bytes) => {
    const copy = Buffer.from(bytes);
    copy.fill(0xff, 8 + header, 16 + header);
    return copy;
  };
  /** @type {[string, string][]} */
  const cases = [
    ["not-found", elsewhere.url("/models/nothing/")],
    ["not-found", spoil({ file: /safetensors/, status: 404 })],
    ["not-found", spoil({ file: /tokenizer\.json/, status: 404 })],
    ["config-invalid", spoil({ file: /^config\.json/, change: () => "<!doctype html>" })],
    ["config-unsupported", spoil({ file: /^config\.json/, change: (bytes) => String(bytes).replaceAll('"gelu"', '"tanh"') })],
    ["tokenizer-invalid", spoil({ file: /tokenizer\.json/, change: (bytes) => bytes.subarray(0, 1000) })],
    ["tensor-missing", spoil({ file: /safetensors/, change: renamed })],
    ["weights-invalid", spoil({ file: /safetensors/, change: notANumber })],
    ["weights-invalid", spoil({ file: /safetensors/, change: (bytes) => bytes.subarray(0, -5) })],
    ["weights-invalid", spoil({ file: /safetensors/, change: (bytes) => Buffer.concat([bytes, Buffer.from([0])]) })],
    ["weights-invalid", spoil({ file: /safetensors/, change: () => "not weights at all" })],
    ["network", spoil({ file: /safetensors/, status: 403 })],
  ];
  for (const [code, model] of cases) {
    const found = await load({ model });
    assert.equal(found.code, code, `${found.message}`);
  }
  assert.equal((await load({ model: "felsic/nothing", hub: hub.url })).code, "network");
  assert.equal(await storedManifest(), undefined);
  assert.equal(await workers(environment.page, 0), 0);
});

test("a pinned manifest is none of a checkpoint", async () => {
  const integrity = `sha256-${Buffer.alloc(32).toString("base64")}`;
  assert.equal((await load({ model: checkpoint(), integrity })).code, "not-found");
  assert.equal(weightRequests().length, 0);
});

test("an abort ends it at once", async () => {
  const model = elsewhere.spoilt(`/models/${MODEL}/`, { file: /safetensors/, stallAfter: 5000 });
  const code = await environment.page.evaluate(async (model) => {
    const controller = new AbortController();
    const onProgress = () => setTimeout(() => controller.abort(), 50);
    const created = felsic.Embedder.create({ model, signal: controller.signal, onProgress });
    return created.catch((/** @type {{ code: string }} */ { code }) => code);
  }, model);
  assert.equal(code, "aborted");
  assert.equal(await workers(environment.page, 0), 0);
  const left = (await storedNames()).filter((name) => name.endsWith(".part"));
  assert.ok(left.length > 0, "there was something in progress");
  // The next pack that is stored removes it.
  await load(fromHub());
  assert.deepEqual(
    (await storedNames()).filter((name) => name.endsWith(".part")),
    [],
  );
});

test("the full 97M shape comes in pieces, too", { skip: skipWithout("granite-97m-int8") }, async (context) => {
  const begin = performance.now();
  const made = await load({ model: elsewhere.url("/checkpoints/granite-97m/"), prefetch: "none" });
  context.diagnostic(`${((performance.now() - begin) / 1000).toFixed(1)} s from a checkpoint to vectors`);
  assert.equal(made.message, undefined);
  const packed = await load({ model: environment.pack("granite-97m-int8"), prefetch: "none" });
  assert.deepEqual(made.vectors, packed.vectors);
});

/** Puts the weights into two files, and an index beside them. @param {string} folder */
function splitInto(folder) {
  cpSync(join(models, MODEL), folder, { recursive: true, filter: (file) => !file.endsWith("model.safetensors") });
  const length = Number(WEIGHTS.readBigUInt64LE(0));
  const data = WEIGHTS.subarray(8 + length);
  /** @type {Record<string, { dtype: string, shape: number[], data_offsets: [number, number] }>} */
  const { __metadata__, ...tensors } = JSON.parse(WEIGHTS.subarray(8, 8 + length).toString());
  /** @type {Record<string, string>} */
  const map = {};
  for (const part of [0, 1]) {
    const file = `model-0000${part + 1}-of-00002.safetensors`;
    /** @type {typeof tensors} */
    const header = {};
    const pieces = [];
    let at = 0;
    for (const [index, [name, tensor]] of Object.entries(tensors).entries()) {
      if (index % 2 !== part) continue;
      const piece = data.subarray(...tensor.data_offsets);
      header[name] = { ...tensor, data_offsets: [at, (at += piece.length)] };
      pieces.push(piece);
      map[name] = file;
    }
    const json = Buffer.from(JSON.stringify(header));
    const prefix = Buffer.alloc(8);
    prefix.writeBigUInt64LE(BigInt(json.length));
    writeFileSync(join(folder, file), Buffer.concat([prefix, json, ...pieces]));
  }
  writeFileSync(join(folder, "model.safetensors.index.json"), JSON.stringify({ weight_map: map }));
}

test("felsic/cpu makes no pack of a checkpoint, and says what to do", async () => {
  const model = elsewhere.url(`/models/${MODEL}/`);
  const refused = await environment.page.evaluate(async (model) => {
    /** @type {typeof import("felsic/cpu")} */
    const { Embedder } = await import(String("./cpu.js"));
    const { code, message } = await settle(Embedder.create({ model, workers: 1 }));
    return { code, message };
  }, model);
  assert.equal(refused.code, "not-found");
  assert.match(refused.message ?? "", /felsic pack/);
  assert.ok(!environment.server.requests.some((path) => path.includes("packer")), "nothing of the packer was fetched");
});
