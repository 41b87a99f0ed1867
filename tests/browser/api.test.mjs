/** What the API promises, with the real engine on a tiny model. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { createEmbedder, goldens, largestDifference, longestTask, start, workers } from "./harness.mjs";

/** The tolerance for the order of additions. */
const SAME = 1e-6;
const DIMENSIONS = 64;

/** @type {import("./harness.mjs").Environment} */
let environment;
/** @type {import("./harness.mjs").EmbedderHandle} */
let embedder;

before(async () => {
  environment = await start({ needs: ["tiny-silu-f32", "tiny-silu-short"] });
  embedder = await createEmbedder(environment, environment.pack("tiny-silu-f32"));
});

after(() => environment?.close());

/** @typedef {import("felsic").EmbedOptions} EmbedOptions */

/** @param {string[]} texts @param {EmbedOptions} [options] */
function embedAll(texts, options = {}) {
  return embedder.evaluate(async (embedder, [texts, options]) => {
    const vectors = await embedder.embed(texts, options);
    return vectors.map((vector) => Array.from(vector));
  }, /** @type {const} */ ([texts, options]));
}

/** @param {string} text @param {EmbedOptions} [options] */
async function embedOne(text, options) {
  const [vector] = await embedAll([text], options);
  assert.ok(vector);
  return vector;
}

/** @param {string} text @param {import("felsic").TextOptions} [options] */
function tokenize(text, options = {}) {
  return embedder.evaluate(
    async (embedder, [text, options]) => Array.from(await embedder.tokenize(text, options)),
    /** @type {const} */ ([text, options]),
  );
}

/** @param {ArrayLike<number>} a @param {ArrayLike<number>} b */
function assertSame(a, b, what = "the vectors") {
  const difference = largestDifference(a, b);
  assert.ok(difference <= SAME, `${what} differ by ${difference}`);
}

test("info says what the embedder is", async () => {
  const info = await embedder.evaluate(({ info }) => info);
  assert.equal(info.dimensions, DIMENSIONS);
  assert.equal(info.maxTokens, 8192);
  assert.equal(info.device, "cpu");
  assert.match(info.model, /tiny-silu/);
  assert.ok(info.kernel.length > 0 && info.space.length > 0);
  assert.deepEqual([...info.prompts].sort(), ["document", "query"]);
  assert.equal(info.pooling, "cls");
});

test("one text and one of many get the same vector, in the texts' order", async () => {
  const texts = goldens("tiny-silu")
    .filter(({ ids }) => ids.length < 1000)
    .map(({ text }) => text);
  const together = await embedAll(texts);
  const backwards = (await embedAll([...texts].reverse())).reverse();
  for (const [index, text] of texts.entries()) {
    const alone = await embedder.evaluate(async (embedder, text) => Array.from(await embedder.embed(text)), text);
    assertSame(together[index] ?? [], alone, `vectors of ${JSON.stringify(text)}`);
    assertSame(backwards[index] ?? [], alone, `vectors of ${JSON.stringify(text)}, reversed`);
  }
});

test("vectors have unit length; dimensions cuts and normalises again", async () => {
  const text = "Granite is a coarse-grained rock.";
  const whole = await embedOne(text);
  assert.equal(whole.length, DIMENSIONS);
  for (const dimensions of [1, 16, 63, 64]) {
    const cut = await embedOne(text, { dimensions });
    const head = whole.slice(0, dimensions);
    const norm = Math.hypot(...head);
    assertSame(
      cut,
      head.map((value) => value / norm),
    );
    assert.ok(Math.abs(Math.hypot(...cut) - 1) < 1e-6);
  }
  const refused = await embedder.evaluate((embedder) => settle(embedder.embed("a", { dimensions: 65 })));
  assert.equal(refused.code, "input-invalid");
});

test("an empty text has a vector, and no texts have none", async () => {
  const golden = goldens("tiny-silu").find(({ name }) => name === "empty");
  assert.ok(golden);
  assert.ok(largestDifference(await embedOne(""), golden.embedding) < 1e-4);
  assert.deepEqual(await embedAll([]), []);
});

test("white space at the ends is stripped unless asked otherwise", async () => {
  assert.deepEqual(await tokenize(" \n a text\t\u3000"), await tokenize("a text", { strip: false }));
  assert.notDeepEqual(await tokenize(" a text ", { strip: false }), await tokenize("a text", { strip: false }));
  assertSame(await embedOne(" \n a text\t\u3000"), await embedOne("a text"));
});

test("a lone surrogate is read as U+FFFD", async () => {
  for (const [lone, replaced] of /** @type {const} */ ([
    ["\ud83d", "\ufffd"],
    ["a\udc00b\ud800", "a\ufffdb\ufffd"],
    ["\udc00\ud83d\ude00\ud83d é", "\ufffd😀\ufffd é"],
  ])) {
    // As numbers, so that the text reaches the page with its surrogates.
    const codes = [...Array(lone.length).keys()].map((index) => lone.charCodeAt(index));
    const [ids, vector] = await embedder.evaluate(async (embedder, codes) => {
      const text = String.fromCharCode(...codes);
      return [Array.from(await embedder.tokenize(text)), Array.from(await embedder.embed(text))];
    }, codes);
    assert.deepEqual(ids, await tokenize(replaced));
    assertSame(vector ?? [], await embedOne(replaced));
  }
});

test("special tokens in a text are matched, as the reference does", async () => {
  const golden = goldens("tiny-silu").find(({ name }) => name === "special_like");
  assert.ok(golden);
  assert.deepEqual(await tokenize(golden.text, { strip: false }), golden.ids);
});

test("countTokens counts special tokens and what truncation would cut", async () => {
  for (const { text, ids } of goldens("tiny-silu")) {
    const count = await embedder.evaluate((embedder, text) => embedder.countTokens(text, { strip: false }), text);
    assert.equal(count, ids.length);
  }
});

test("a text longer than the limit is truncated exactly as the reference does", async () => {
  const short = await createEmbedder(environment, environment.pack("tiny-silu-short"));
  const limit = await short.evaluate(({ info }) => info.maxTokens);
  assert.equal(limit, 32);
  let cut = 0;
  for (const { name, text, ids } of goldens("tiny-silu")) {
    const made = await short.evaluate(async (embedder, text) => {
      const [details] = await embedder.embedDetailed([text], { strip: false });
      const ids = await embedder.tokenize(text, { strip: false });
      return {
        tokens: details?.tokens,
        truncated: details?.truncated,
        ids: Array.from(ids),
        count: await embedder.countTokens(text, { strip: false }),
      };
    }, text);
    // The body is cut on the right so that the special tokens, one at each end, still fit.
    /** @type {number[]} */
    const expected = ids.length <= limit ? ids : [...ids.slice(0, limit - 1), ...ids.slice(-1)];
    assert.deepEqual(made, { tokens: expected.length, truncated: ids.length > limit, ids: expected, count: ids.length }, name);
    cut += Number(ids.length > limit);
  }
  assert.ok(cut > 10, "several goldens are longer than the limit");

  // The vector is that of the shorter text that has exactly these tokens.
  const golden = goldens("tiny-silu").find(({ name }) => name === "long_300");
  assert.ok(golden);
  const wanted = [...golden.ids.slice(0, limit - 1), ...golden.ids.slice(-1)];
  const prefix = await embedder.evaluate(async (embedder, [text, wanted]) => {
    for (let length = 1; length < 400; length += 1) {
      const ids = await embedder.tokenize(text.slice(0, length), { strip: false });
      if (ids.length === wanted.length && ids.every((id, index) => id === wanted[index])) return text.slice(0, length);
    }
    return undefined;
  }, /** @type {const} */ ([golden.text, wanted]));
  assert.ok(prefix, "a prefix of the text has exactly the tokens that are left");
  const truncated = await short.evaluate(
    async (embedder, text) => Array.from(await embedder.embed(text, { strip: false })),
    golden.text,
  );
  assertSame(truncated, await embedOne(prefix, { strip: false }));
  await short.evaluate((embedder) => embedder.destroy());
});

test("a task type without a prompt of its own changes nothing; an unknown prompt is refused", async () => {
  // The tiny models' prompts are empty, as Granite's are.
  assertSame(await embedOne("a text", { taskType: "retrieval-query" }), await embedOne("a text"));
  assertSame(await embedOne("a text", { taskType: "clustering" }), await embedOne("a text"));
  const refused = await embedder.evaluate((embedder) => settle(embedder.embed("a", { prompt: "nowhere" })));
  assert.equal(refused.code, "input-invalid");
  assert.match(refused.message ?? "", /nowhere/);
});

test("helpers give the bits that the engine alone gives", async () => {
  const texts = Array.from({ length: 60 }, (_, index) => `${index} ${"a longer text ".repeat(index % 13)}`);
  const alone = await embedAll(texts);
  const [ready, shared, bytes] = await environment.page.evaluate(
    async ({ model, texts }) => {
      const embedder = await felsic.Embedder.create({ model, workers: 3 });
      const ready = await embedder.warmUp();
      const alone = await embedder.memoryBytes();
      const vectors = await embedder.embed(texts);
      embedder.destroy();
      return /** @type {const} */ ([ready, vectors.map((vector) => Array.from(vector)), alone]);
    },
    { model: environment.pack("tiny-silu-f32"), texts },
  );
  assert.equal(ready, 3);
  assert.ok(bytes > 0);
  assert.deepEqual(shared, alone);
});

for (const pack of ["tiny-silu-int8", "tiny-silu-int4", "tiny-silu-f32"]) {
  test(`a vector is bit-for-bit identical whatever stands beside its text and however many workers there are: ${pack}`, async () => {
    const texts = Array.from({ length: 200 }, (_, index) => `${index} ${"a longer text with words ".repeat((index * 7) % 23)}`);
    const [alone, ...others] = await environment.page.evaluate(
      async ({ model, texts }) => {
        const all = [];
        for (const workers of [1, 2, 4]) {
          const embedder = await felsic.Embedder.create({ model, workers });
          await embedder.warmUp();
          if (workers === 1) all.push(await Promise.all(texts.map((text) => embedder.embed(text))));
          all.push(await embedder.embed(texts));
          all.push(
            await embedder
              .embed(texts.slice(30).reverse())
              .then((vectors) => [...texts.slice(0, 30).map(() => undefined), ...vectors.reverse()]),
          );
          embedder.destroy();
        }
        return all.map((vectors) => vectors.map((vector) => vector && Array.from(vector)));
      },
      { model: environment.pack(pack), texts },
    );
    for (const vectors of others) {
      for (const [index, vector] of vectors.entries()) {
        if (vector) assert.deepEqual(vector, alone?.[index], `text ${index}`);
      }
    }
    assert.equal(others.length, 6);
  });
}

test("helpers ask with the headers of their engine", async () => {
  const { page, server } = environment;
  const authorization = "Bearer secret";
  const model = server.spoilt("/packs/tiny-silu-int8/", { file: /./, token: authorization });
  const begun = server.log.length;
  const ready = await page.evaluate(
    async ({ model, authorization }) => {
      const embedder = await felsic.Embedder.create({ model, workers: 3, cache: "none", headers: { authorization } });
      const ready = await embedder.warmUp();
      embedder.destroy();
      return ready;
    },
    { model, authorization },
  );
  assert.equal(ready, 3);
  const asked = server.log.slice(begun).filter(({ path }) => path.startsWith(new URL(model).pathname));
  assert.ok(asked.filter(({ path }) => path.endsWith("manifest.json")).length === 3);
  assert.deepEqual([...new Set(asked.map((request) => request.authorization))], [authorization]);
});

test("abort stops the engine between batches", async () => {
  const once = () =>
    embedder.evaluate(async (embedder) => {
      const texts = Array.from({ length: 200 }, (_, index) => `${index} ${"a cat sleeps on the sill ".repeat(20)}`);
      const start = performance.now();
      await embedder.embed(texts);
      const whole = performance.now() - start;

      const controller = new AbortController();
      const work = settle(embedder.embed(texts, { signal: controller.signal, onProgress: () => controller.abort() }));
      const began = performance.now();
      const settled = await work;
      // The engine answers only when it is free again.
      await embedder.countTokens("a");
      return { code: settled.code, share: (performance.now() - began) / whole };
    });
  // Other work on the machine may hold up a round.
  let least = Infinity;
  for (let round = 0; round < 3 && least >= 1 / 3; round += 1) {
    const { code, share } = await once();
    assert.equal(code, "aborted");
    least = Math.min(least, share);
  }
  assert.ok(least < 1 / 3, `free after ${least} of the time that all texts take`);
});

test("aborting create() stops the download and leaves nothing", async () => {
  const { page, server } = environment;
  const living = page.workers().length;
  const model = server.spoilt("/packs/tiny-silu-f32/", { file: /\.safetensors$/, stallAfter: 1000 });
  const settled = await page.evaluate(async (model) => {
    const controller = new AbortController();
    const work = settle(felsic.Embedder.create({ model, cache: "none", signal: controller.signal }));
    setTimeout(() => controller.abort(new Error("too slow")), 500);
    return work;
  }, model);
  assert.equal(settled.code, "aborted");
  assert.equal(settled.cause, "Error: too slow");
  assert.equal(await workers(page, living), living);
});

test("destroy frees: twenty embedders one after another need no more memory than a few", async (context) => {
  const { page, browser } = environment;
  const living = page.workers().length;
  const session = await browser.newBrowserCDPSession();
  /** Returns the resident memory of all the browser's page processes, in bytes. */
  const resident = async () => {
    await page.requestGC();
    await page.waitForTimeout(300);
    const { processInfo } = await session.send("SystemInfo.getProcessInfo");
    const renderers = processInfo.filter(({ type }) => type === "renderer");
    const sizes = renderers.map(({ id }) => {
      const status = readFileSync(`/proc/${id}/status`, "utf8");
      return 1024 * Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]);
    });
    return sizes.reduce((sum, size) => sum + size, 0);
  };
  const cycle = () =>
    page.evaluate(async (model) => {
      const embedder = await felsic.Embedder.create({ model });
      await embedder.embed(Array(8).fill("a text ".repeat(200)));
      const bytes = await embedder.memoryBytes();
      embedder.destroy();
      return bytes;
    }, environment.pack("tiny-silu-f32"));

  let bytes = 0;
  for (let i = 0; i < 5; i += 1) bytes = await cycle();
  assert.equal(await workers(page, living), living);
  if (process.platform !== "linux") return context.diagnostic("memory is read from /proc, which is not there");
  const before = await resident();
  for (let i = 0; i < 20; i += 1) await cycle();
  assert.equal(await workers(page, living), living);
  const growth = (await resident()) - before;
  context.diagnostic(`an engine holds ${(bytes / 1e6).toFixed(1)} MB; twenty of them left ${(growth / 1e6).toFixed(1)} MB`);
  // One engine left behind among five would show.
  assert.ok(growth < 4 * bytes, `grew by ${growth} bytes; an engine holds ${bytes}`);
});

test("the main thread is never held for a frame while a pack is loaded and texts are embedded", async (context) => {
  const { page } = environment;
  const frame = 1000 / 60;
  const held = await longestTask(environment, () =>
    page.evaluate(async () => {
      await new Promise((resolve) => setTimeout(resolve));
      const start = performance.now();
      // Long enough to have the processor for a frame on a busy machine, too: tasks are measured by the processor's time.
      while (performance.now() < start + 1000);
    }),
  );
  assert.ok(held > frame, `a loop of a second was seen as ${held} ms`);

  const longest = await longestTask(environment, () =>
    page.evaluate(async (model) => {
      const embedder = await felsic.Embedder.create({ model, onProgress: () => {} });
      await embedder.embed(
        Array.from({ length: 1000 }, (_, index) => `${index} a cat sleeps on the sill`),
        { onProgress: () => {} },
      );
      embedder.destroy();
    }, environment.pack("tiny-silu-f32")),
  );
  context.diagnostic(`longest task ${longest.toFixed(1)} ms`);
  assert.ok(longest < frame, `held for ${longest} ms`);
});

test("without WebGPU it is refused as such, and auto embeds on the CPU", async (context) => {
  const plain = await start({ gpu: false, needs: ["tiny-silu-f32"] });
  try {
    const model = plain.pack("tiny-silu-f32");
    const result = await plain.page.evaluate(async (model) => {
      const availability = await felsic.Embedder.availability({ model, device: "webgpu" });
      const refused = await settle(felsic.Embedder.create({ model, device: "webgpu" }));
      const embedder = await felsic.Embedder.create({ model });
      const { length } = await embedder.embed("a text");
      const { device } = embedder.info;
      embedder.destroy();
      return { availability, refused, length, device };
    }, model);
    assert.deepEqual([result.device, result.length], ["cpu", DIMENSIONS]);
    if (result.availability !== "unavailable") return context.skip("this machine has a GPU that cannot be left out");
    assert.equal(result.refused.code, "device-unavailable");
  } finally {
    await plain.close();
  }
});

test("nothing was said on the console", () => {
  assert.deepEqual(environment.errors, []);
});
