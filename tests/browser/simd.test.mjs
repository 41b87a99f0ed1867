/** Which of the CPU's binaries a page gets, and that the vectors of both are bit-for-bit identical. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { goldens, start } from "./harness.mjs";

const MODEL = "tiny-silu-int8";

/** @type {import("./harness.mjs").Environment} */
let environment;

before(async () => {
  environment = await start({ gpu: false, needs: [MODEL] });
});

after(() => environment?.close());

/**
 * Returns kernel and vectors, or the code of the error.
 *
 * @param {import("felsic").Simd} simd
 * @param {string[]} [texts]
 */
function embed(simd, texts = ["a cat"]) {
  return environment.page.evaluate(
    async ({ model, simd, texts }) => {
      try {
        const embedder = await felsic.Embedder.create({ model, simd, workers: 1 });
        const vectors = (await embedder.embed(texts)).map((vector) => Array.from(vector));
        embedder.destroy();
        return { kernel: embedder.info.kernel, vectors };
      } catch (error) {
        return { code: /** @type {any} */ (error).code };
      }
    },
    { model: environment.pack(MODEL), simd, texts },
  );
}

test("the plain binary runs everywhere", async () => {
  assert.equal((await embed("plain")).kernel, "simd");
});

test("both binaries give the same bits, or the relaxed one is refused and not chosen", async (context) => {
  const texts = goldens("tiny-silu").map(({ text }) => text);
  const [plain, relaxed, chosen] = [await embed("plain", texts), await embed("relaxed", texts), await embed("auto", texts)];
  context.diagnostic(relaxed.code ?? "relaxed SIMD is exact here");
  if (relaxed.code === undefined) {
    assert.equal(relaxed.kernel, "relaxed");
    assert.equal(chosen.kernel, "relaxed");
    assert.deepEqual(relaxed.vectors, plain.vectors);
  } else {
    assert.equal(relaxed.code, "device-unavailable");
    assert.equal(chosen.kernel, "simd");
  }
  assert.deepEqual(chosen.vectors, plain.vectors);
});

/**
 * Returns what `auto` chooses in a page whose processor multiplies like `dot`.
 *
 * @param {string} dot a function of a weight and a byte
 */
async function chosen(dot) {
  const page = await environment.browser.newPage();
  await page.addInitScript(`WebAssembly.Instance = class { exports = { dot: ${dot} } };`);
  await page.goto(environment.server.url("/felsic/blank.html"));
  await page.waitForFunction(() => "felsic" in globalThis);
  const started = page.waitForEvent("worker");
  await page.evaluate((model) => void felsic.Embedder.create({ model }).catch(() => undefined), environment.pack(MODEL));
  const name = (await started).url().replace(/^.*\/worker-|\.js$/g, "");
  await page.close();
  return name;
}

test("a processor is fit that sums exactly, whatever its bytes are", async () => {
  assert.equal(await chosen("(weight, byte) => 4 * weight * byte"), "relaxed");
  assert.equal(await chosen("(weight, byte) => 4 * weight * ((byte << 24) >> 24)"), "relaxed");
  const cut = "Math.max(-32768, Math.min(32767, 2 * weight * byte))";
  assert.equal(await chosen(`(weight, byte) => 2 * ${cut}`), "cpu");
});

test("a wasm file of the caller's own is taken for the plain one", async () => {
  const { page, server } = environment;
  const kernel = await page.evaluate(
    async ({ model, wasmUrl }) => {
      const embedder = await felsic.Embedder.create({ model, wasmUrl });
      embedder.destroy();
      return embedder.info.kernel;
    },
    { model: environment.pack(MODEL), wasmUrl: server.url("/felsic/felsic_cpu_bg.wasm") },
  );
  assert.equal(kernel, "simd");
});

test("an unknown choice is refused", async () => {
  // @ts-expect-error: not one of the three
  assert.deepEqual(await embed("fast"), { code: "input-invalid" });
});
