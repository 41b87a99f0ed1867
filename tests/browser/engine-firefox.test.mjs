/** The engine itself in Firefox, where there is one: the vectors of the reference implementation, kept in Firefox's store. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { hasFirefox, launchFirefox } from "./firefox.mjs";
import { cosine, goldens, root } from "./harness.mjs";
import { Server } from "./server.mjs";

const MODEL = "tiny-silu";
const PACK = `${MODEL}-int8`;
/** Lowest cosine with int8 weights. */
const COSINE = 0.999;
const skip = hasFirefox ? false : "there is no Firefox";

/** @type {Server} */
let server;
/** @type {Awaited<ReturnType<typeof launchFirefox>>} */
let firefox;

before(async () => {
  if (skip) return;
  server = await Server.start({
    "/felsic/": [join(root, "pkg/dist"), import.meta.dirname],
    "/packs/": [join(root, "target/test-packs")],
  });
  firefox = await launchFirefox();
});

after(async () => {
  await firefox?.close();
  await server?.close();
});

test("vectors are those of the reference, the second time without a request for the pack", { skip }, async (context) => {
  const expected = goldens(MODEL);
  const page = await firefox.newPage(server.url("/felsic/blank.html"));
  const argument = { model: server.url(`/packs/${PACK}/`), texts: expected.map(({ text }) => text) };
  /** @param {typeof argument} argument */
  const work = async ({ model, texts }) => {
    while (!("felsic" in globalThis)) await new Promise((resolve) => setTimeout(resolve, 20));
    const embedder = await felsic.Embedder.create({ model, workers: 1 });
    const vectors = (await embedder.embed(texts, { strip: false })).map((vector) => Array.from(vector));
    const { kernel } = embedder.info;
    embedder.destroy();
    return { kernel, vectors };
  };
  const first = await page.evaluate(work, argument);
  context.diagnostic(`kernel ${first.kernel}`);
  for (const [index, golden] of expected.entries()) {
    const near = cosine(first.vectors[index] ?? [], golden.embedding);
    assert.ok(near >= COSINE, `${golden.name} has cosine ${near}`);
  }
  server.requests.splice(0);
  const second = await page.evaluate(work, argument);
  assert.deepEqual(second.vectors, first.vectors);
  assert.deepEqual(server.requests.filter((path) => path.startsWith("/packs/")), [`/packs/${PACK}/manifest.json`]);
  await page.close();
});
