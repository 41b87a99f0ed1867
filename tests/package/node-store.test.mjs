/** What felsic keeps in Node: packs from a server, in a folder of the disk that several threads and processes use at once. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { Embedder, FelsicError } from "felsic";
import { Server } from "../browser/server.mjs";
import { golden, hex } from "./bits.mjs";
import { install, root, unpacked } from "./harness.mjs";

/** @type {Server} */
let server;
/** @type {ReturnType<typeof install>} */
let consumer;
/** @type {string} */
let cacheDirectory;
/** @type {import("felsic").Warning[]} */
const warnings = [];

before(async () => {
  server = await Server.start({
    "/pack/": [join(unpacked, "dist/model")],
    "/checkpoint/": [join(root, "tests/fixtures/models/tiny-silu")],
  });
  consumer = install([]);
});

beforeEach(() => {
  cacheDirectory = mkdtempSync(join(consumer.folder, "cache-"));
  server.requests.splice(0);
  server.log.splice(0);
  warnings.splice(0);
});

after(async () => {
  await server?.close();
  consumer?.remove();
});

const [TEXT = "", VECTOR] = [golden().texts[0], golden().vectors[0]];

/** Loads a model and returns the bits of a text. @param {import("felsic").CreateOptions} options */
async function load(options, text = TEXT) {
  const onWarning = (/** @type {import("felsic").Warning} */ warning) => void warnings.push(warning);
  const embedder = await Embedder.create({ cacheDirectory, workers: 1, prefetch: "all", onWarning, ...options });
  try {
    return hex(await embedder.embed(text));
  } finally {
    embedder.destroy();
  }
}

/** @param {string} code @param {RegExp} [message] */
const refusal = (code, message) => (/** @type {unknown} */ error) => {
  assert.ok(error instanceof FelsicError, String(error));
  assert.equal(error.code, code, error.message);
  if (message) assert.match(error.message, message);
  return true;
};

const kept = () => (existsSync(join(cacheDirectory, "felsic")) ? readdirSync(join(cacheDirectory, "felsic")) : []);
/** Names of files that were asked for, without their hashes. */
const asked = () => server.requests.map((path) => path.replace(/.*\/|-.*/g, ""));
/** Locks that are still held. */
const locks = () =>
  existsSync(join(cacheDirectory, "locks"))
    ? readdirSync(join(cacheDirectory, "locks")).filter((name) => name.endsWith(".lock"))
    : [];

test("a pack from a server is kept; the second time nothing but the manifest is asked for, and without a network nothing", async () => {
  const model = server.url("/pack/");
  assert.equal(await Embedder.availability({ model, cacheDirectory }), "downloadable");
  assert.equal(await load({ model }), VECTOR);
  const names = kept();
  assert.equal(names.filter((name) => /^[0-9a-f]{16}-[0-9a-f]{64}\.manifest$/.test(name)).length, 1, names.join());
  assert.equal(names.filter((name) => /^[0-9a-f]{64}$/.test(name)).length, names.length - 1, names.join());
  assert.equal(new Set(server.requests).size, server.requests.length, "no file is asked for twice");
  assert.equal(await Embedder.availability({ model, cacheDirectory }), "available");
  assert.deepEqual(locks(), []);

  server.requests.splice(0);
  assert.equal(await load({ model }), VECTOR);
  assert.deepEqual(asked(), ["manifest.json"]);

  const gone = await Server.start({ "/pack/": [join(unpacked, "dist/model")] });
  const offline = gone.url("/pack/");
  await load({ model: offline });
  await gone.close();
  assert.equal(await load({ model: offline }), VECTOR);
  assert.deepEqual(warnings, []);
});

test("cache: none keeps nothing and uses nothing that is kept", async () => {
  const model = server.url("/pack/");
  assert.equal(await load({ model, cache: "none" }), VECTOR);
  assert.ok(!existsSync(join(cacheDirectory, "felsic")));
  await load({ model });
  server.requests.splice(0);
  await load({ model, cache: "none" });
  assert.ok(asked().includes("layers"));
});

test("deleteCache() removes a pack, or all; availability() sees it", async () => {
  const model = server.url("/pack/");
  await load({ model });
  await Embedder.deleteCache({ model: server.url("/another/"), cacheDirectory });
  assert.ok(kept().length > 2);
  await Embedder.deleteCache({ model, cacheDirectory });
  assert.deepEqual(kept(), []);
  assert.equal(await Embedder.availability({ model, cacheDirectory }), "downloadable");
  await load({ model });
  await Embedder.deleteCache({ cacheDirectory });
  assert.deepEqual(kept(), []);
});

test("an interrupted load goes on where it stopped", async () => {
  const cut = { file: /^layers/, cutAfter: 1_500_000 };
  const model = server.spoilt("/pack/", cut);
  const abort = new AbortController();
  const loading = load({ model, signal: abort.signal });
  // A part may get its name between the two looks.
  const size = (/** @type {string} */ name) =>
    statSync(join(cacheDirectory, "felsic", name), { throwIfNoEntry: false })?.size ?? 0;
  while (!kept().some((name) => name.endsWith(".part") && size(name) >= 1_000_000)) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  abort.abort();
  await assert.rejects(loading, refusal("aborted"));
  server.log.splice(0);
  cut.cutAfter = Infinity;
  assert.equal(await load({ model }), VECTOR);
  const [layers] = server.log.filter(({ path }) => path.includes("layers"));
  assert.match(layers?.range ?? "", /^bytes=1\d{6}-$/);
  assert.deepEqual(
    kept().filter((name) => name.endsWith(".part")),
    [],
  );
});

test("a damaged file in the folder is fetched again, with a warning, and never used", async () => {
  const model = server.url("/pack/");
  await load({ model });
  const path = (/** @type {string} */ name) => join(cacheDirectory, "felsic", name);
  const largest = kept().sort((a, b) => statSync(path(b)).size - statSync(path(a)).size)[0] ?? "";
  const bytes = readFileSync(path(largest));
  bytes.writeUInt8(bytes.readUInt8(1000) ^ 1, 1000);
  writeFileSync(path(largest), bytes);
  assert.equal(await load({ model }), VECTOR);
  assert.deepEqual(
    warnings.map(({ code }) => code),
    ["cache-corrupt"],
  );
});

test("a server's faults have their errors: a wrong byte, a lost file, a refusal, no server", async () => {
  const change = (/** @type {Buffer} */ bytes) => {
    bytes.writeUInt8(bytes.readUInt8(5000) ^ 1, 5000);
    return bytes;
  };
  await assert.rejects(load({ model: server.spoilt("/pack/", { file: /^layers/, change }) }), refusal("file-integrity"));
  await assert.rejects(load({ model: server.url("/nothing/") }), refusal("not-found"));
  await assert.rejects(load({ model: server.spoilt("/pack/", { file: /./, token: "Bearer x" }) }), refusal("network", /401/));
  await assert.rejects(load({ model: "http://127.0.0.1:9/pack/" }), refusal("network"));
  const elsewhere = ["https://example.com"];
  await assert.rejects(
    load({ model: server.url("/pack/"), allowedOrigins: elsewhere }),
    refusal("input-invalid", /allowedOrigins/),
  );
});

test("headers go to the model's origin, and not where a redirect leads", async () => {
  const headers = { authorization: "Bearer x" };
  assert.equal(await load({ model: server.spoilt("/pack/", { file: /./, token: "Bearer x" }), headers }), VECTOR);
  const other = await Server.start({ "/pack/": [join(unpacked, "dist/model")] });
  const { createServer } = await import("node:http");
  const redirects = createServer((request, response) => {
    response.writeHead(302, { location: other.url((request.url ?? "").replace("/moved/", "/pack/")) }).end();
  });
  redirects.listen(0, "127.0.0.1");
  await once(redirects, "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (redirects.address());
  const model = `http://127.0.0.1:${port}/moved/`;
  assert.equal(await load({ model, headers }), VECTOR);
  assert.ok(other.log.length > 0 && other.log.every(({ authorization }) => authorization === undefined));
  await assert.rejects(load({ model, cache: "none", headers: { "x-key": "secret" } }), refusal("network", /redirects.*x-key/));
  await Promise.all([other.close(), new Promise((resolve) => redirects.close(resolve))]);
});

test("a checkpoint from a server is made into a pack once", async () => {
  const model = server.url("/checkpoint/");
  const vector = await load({ model });
  assert.deepEqual(
    kept().filter((name) => name.endsWith(".part")),
    [],
    "nothing unfinished is left",
  );
  server.requests.splice(0);
  assert.equal(await load({ model }), vector);
  assert.deepEqual(asked(), []);
  assert.equal(await Embedder.availability({ model, cacheDirectory }), "available");
});

test("two embedders at once fetch each file once", async () => {
  const model = server.spoilt("/pack/", { file: /^layers/, slow: 20 });
  const loads = await Promise.all([load({ model }), load({ model }), load({ model })]);
  assert.deepEqual(loads, [VECTOR, VECTOR, VECTOR]);
  assert.equal(asked().filter((name) => name === "layers").length, 1);
  assert.deepEqual(warnings, []);
});

/** Starts a process that loads a model. @param {string} model */
function loader(model) {
  const code = `import { Embedder } from "felsic";
const embedder = await Embedder.create({ model: ${JSON.stringify(model)}, cacheDirectory: ${JSON.stringify(cacheDirectory)}, prefetch: "all", onWarning: console.error });
console.log(Buffer.from((await embedder.embed(${JSON.stringify(TEXT)})).buffer).toString("hex"));`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", code], { cwd: consumer.folder });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (data) => (stdout += data));
  child.stderr.on("data", (data) => (stderr += data));
  return { child, ended: once(child, "close").then(([status]) => ({ status, stdout: stdout.trim(), stderr })) };
}

test("two processes at once fetch each file once", async () => {
  const model = server.spoilt("/pack/", { file: /^layers/, slow: 40 });
  const results = await Promise.all([loader(model).ended, loader(model).ended]);
  for (const result of results) assert.deepEqual(result, { status: 0, stdout: VECTOR, stderr: "" });
  assert.equal(asked().filter((name) => name === "layers").length, 1);
});

test("processes hear each other", async () => {
  const script = (/** @type {string} */ name, /** @type {string} */ code) => {
    writeFileSync(
      join(cacheDirectory, name),
      `addEventListener("message", () => {});const channel = new BroadcastChannel("felsic:test");${code}`,
    );
    return join(cacheDirectory, name);
  };
  const answer = '({ data }) => postMessage({ type: "failed", error: { code: "io", message: `heard ${data}` } })';
  const hearing = Embedder.create({ cacheDirectory, workerUrl: script("hears.js", `channel.onmessage = ${answer};`) });
  const heard = assert.rejects(hearing, refusal("io", /^heard 7$/));
  const tells = script("tells.js", "setInterval(() => channel.postMessage(7), 50);");
  const code = `import { Embedder } from "felsic";
await Embedder.create({ cacheDirectory: ${JSON.stringify(cacheDirectory)}, workerUrl: ${JSON.stringify(tells)} });`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", code], { cwd: consumer.folder });
  await heard;
  child.kill();
  await once(child, "close");
});

// It takes as long as it has to show that nobody gives up.
test(
  "a process waits for another as long as that one goes on",
  { skip: !process.env.FELSIC_TEST_FULL && "takes half a minute; set FELSIC_TEST_FULL" },
  async () => {
    const model = server.spoilt("/pack/", { file: /^layers/, slow: 2000 });
    const results = await Promise.all([loader(model).ended, loader(model).ended]);
    for (const result of results) assert.deepEqual(result, { status: 0, stdout: VECTOR, stderr: "" });
    assert.equal(asked().filter((name) => name === "layers").length, 1);
  },
);

test("a process that is killed leaves a part and locks that the next one takes over", async () => {
  const fault = { file: /^layers/, stallAfter: 2_000_000 };
  const model = server.spoilt("/pack/", fault);
  const { child, ended } = loader(model);
  // A part may get its name between the two looks.
  const size = (/** @type {string} */ name) =>
    statSync(join(cacheDirectory, "felsic", name), { throwIfNoEntry: false })?.size ?? 0;
  while (!kept().some((name) => name.endsWith(".part") && size(name) >= 1_000_000)) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  child.kill("SIGKILL");
  await ended;
  assert.ok(locks().length > 0);
  fault.file = /^no such file/;
  server.log.splice(0);
  const begin = performance.now();
  assert.equal(await load({ model }), VECTOR);
  assert.ok(performance.now() - begin < 15_000, "no wait for a dead process");
  assert.match(server.log.find(({ path }) => path.includes("layers"))?.range ?? "", /^bytes=[12]\d{6}-$/);
  assert.deepEqual(locks(), []);
  assert.deepEqual(warnings, []);
});

test("a lock of a machine that is gone counts for ten minutes", async () => {
  const model = server.url("/pack/");
  await load({ model });
  await Embedder.deleteCache({ cacheDirectory });
  const folder = join(cacheDirectory, "locks");
  mkdirSync(folder, { recursive: true });
  // Any lock that a load takes is held by somebody else.
  const { createHash } = await import("node:crypto");
  const manifest = JSON.parse(readFileSync(join(unpacked, "dist/model/manifest.json"), "utf8"));
  const name = `felsic:${manifest.tokenizer.sha256}`;
  const file = join(folder, `${createHash("sha256").update(name).digest("hex").slice(0, 32)}.lock`);
  writeFileSync(file, JSON.stringify({ host: `not-${hostname()}`, pid: 1, start: "1", thread: 1, token: "x" }));
  const loading = load({ model });
  const early = await Promise.race([loading, new Promise((resolve) => setTimeout(() => resolve("waiting"), 1000))]);
  assert.equal(early, "waiting");
  const old = new Date(Date.now() - 11 * 60_000);
  utimesSync(file, old, old);
  assert.equal(await loading, VECTOR);
  assert.deepEqual(warnings, []);
});
