/**
 * A page without HTTPS, such as one on another machine in the same network: browsers compute no hashes for it, keep no files, and
 * offer neither locks nor WebGPU.
 */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, test } from "node:test";
import { start, workers } from "./harness.mjs";

const MODEL = "tiny-gelu";
const PACK = `${MODEL}-int8`;
const TEXTS = ["A cat sleeps on the warm windowsill.", "Привет, как дела?", "東京は日本の首都です。", "four", "five", "six"];

/** @type {import("./harness.mjs").Environment} */
let environment;
/** The vectors that a page with HTTPS gets. @type {number[][]} */
let vectors;

before(async () => {
  environment = await start({ insecure: true, needs: [PACK] });
  const secure = await environment.browser.newPage();
  await secure.goto(environment.server.url("/felsic/blank.html"));
  await secure.waitForFunction(() => "felsic" in globalThis && isSecureContext);
  vectors = (await load({ model: environment.server.url(`/packs/${PACK}/`) }, secure)).vectors ?? [];
  await secure.close();
});

after(() => environment?.close());

/**
 * Returns what an embedder reports and computes, or the code with which it fails.
 *
 * @param {Omit<Partial<import("felsic").CreateOptions>, "files">} options
 */
function load(options, page = environment.page) {
  return page.evaluate(
    async ({ options, texts }) => {
      /** @type {import("felsic").Warning[]} */
      const warnings = [];
      try {
        const embedder = await felsic.Embedder.create({ ...options, onWarning: (warning) => void warnings.push(warning) });
        const started = await embedder.warmUp();
        const vectors = (await embedder.embed(texts)).map((vector) => Array.from(vector));
        embedder.destroy();
        return { started, vectors, warnings };
      } catch (error) {
        const { code, message } = /** @type {any} */ (error);
        return { code, message, warnings };
      }
    },
    { options, texts: TEXTS },
  );
}

test("the page is no secure context, so that these tests show something", async () => {
  const there = await environment.page.evaluate(() => [
    isSecureContext,
    "subtle" in crypto,
    "caches" in globalThis,
    "locks" in navigator,
    "storage" in navigator,
    "gpu" in navigator,
  ]);
  assert.deepEqual(there, [false, false, false, false, false, false]);
});

test("a pack loads, pinned or not, with its helpers; one warning says why nothing is stored", async () => {
  const model = environment.pack(PACK);
  const manifest = await (await fetch(environment.server.url(`/packs/${PACK}/manifest.json`))).arrayBuffer();
  const integrity = `sha256-${createHash("sha256").update(new Uint8Array(manifest)).digest("base64")}`;
  for (const options of [{}, { integrity }, { cache: /** @type {const} */ ("none"), integrity }]) {
    const { message, started, warnings, ...made } = await load({ model, workers: 2, ...options });
    assert.equal(message, undefined);
    assert.equal(started, 2);
    assert.deepEqual(made.vectors, vectors);
    assert.deepEqual(
      warnings.map(({ code }) => code),
      options.cache === "none" ? [] : ["cache-unavailable"],
    );
    for (const { message } of warnings) assert.match(message, /not stored.*HTTPS/);
  }
  assert.equal(await workers(environment.page, 0), 0);
});

test("a pack with another hash than the one that is asked for is refused", async () => {
  const integrity = `sha256-${Buffer.alloc(32).toString("base64")}`;
  const { code } = await load({ model: environment.pack(PACK), integrity });
  assert.equal(code, "file-integrity");
});

test("the built-in model loads, which is always pinned", async () => {
  const { message, vectors } = await load({});
  assert.equal(message, undefined);
  assert.equal(vectors?.[0]?.length, 256);
});

test("a checkpoint becomes a pack, in memory", async () => {
  const { message, warnings, ...made } = await load({ model: environment.url(`/models/${MODEL}/`), workers: 1 });
  assert.equal(message, undefined);
  assert.deepEqual(made.vectors, vectors);
  assert.deepEqual([...new Set(warnings.map(({ code }) => code))], ["cache-unavailable"]);
});

test("what can be had here is told as it is", async () => {
  const { page } = environment;
  const model = environment.url("/packs/tiny-silu-int8/");
  const states = await page.evaluate(async (model) => {
    const before = await felsic.Embedder.availability({ model });
    const gpu = await felsic.Embedder.availability({ model, device: "webgpu" });
    await felsic.Embedder.deleteCache();
    return [before, gpu];
  }, model);
  assert.deepEqual(states, ["downloadable", "unavailable"]);
  const { code, message } = await load({ model, device: "webgpu" });
  assert.equal(code, "device-unavailable", message);
});
