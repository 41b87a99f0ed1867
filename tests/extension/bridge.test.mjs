/** Pages that use the extension's embedder, in Chromium: `Embedder.create({ provider: "extension" })`. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { dist } from "../browser/harness.mjs";
import { Server } from "../browser/server.mjs";
import { startExtension } from "./harness.mjs";

/** @type {Server} */
let server;
/** @type {import("./harness.mjs").Extension} */
let extension;
/** @type {import("playwright-core").Page} */
let page;

const HOST = "app.example";

before(async () => {
  server = await Server.start({ "/felsic/": [dist, new URL("../browser", import.meta.url).pathname] });
  extension = await startExtension({ hosts: ["http://*/*", "https://*/*"] });
  page = await extension.context.newPage();
});
after(async () => {
  await extension?.close();
  await server?.close();
});

/** Opens felsic's empty page on a host. @param {string} host */
async function open(host) {
  await page.goto(server.url("/felsic/blank.html").replace("127.0.0.1", host));
  await page.waitForFunction(() => "felsic" in globalThis);
}

/** Creates two embedders in the page, one of which asks for the extension's, and compares them. */
function compare() {
  return page.evaluate(async () => {
    const texts = ["A cat sleeps on the sill.", "", "Der Teig ruht über Nacht.", "x".repeat(5000)];
    const before = performance.getEntriesByType("resource").length;
    const shared = await felsic.Embedder.create({ provider: "extension" });
    const own = performance
      .getEntriesByType("resource")
      .slice(before)
      .some(({ name }) => name.includes("worker-"));
    const other = await felsic.Embedder.create();
    const [a, b] = await Promise.all([shared.embedDetailed(texts), other.embedDetailed(texts)]);
    const bits = (/** @type {Float32Array} */ vector) => new Uint32Array(vector.buffer).join();
    const equal = a.every((result, i) => bits(result.vector) === bits(b[i]?.vector ?? new Float32Array()));
    const counts = [await shared.countTokens(texts), await other.countTokens(texts)].map(String);
    const ids = [await shared.tokenize("a b c"), await other.tokenize("a b c")].map(String);
    const same = {
      space: shared.info.space === other.info.space,
      equal,
      counts: counts[0] === counts[1],
      ids: ids[0] === ids[1],
    };
    const tokens =
      a.map(({ tokens, truncated }) => [tokens, truncated]).join() ===
      b.map(({ tokens, truncated }) => [tokens, truncated]).join();
    shared.destroy();
    other.destroy();
    return { own, ...same, tokens };
  });
}

/** Creates an embedder through the extension, does something with it, and returns the code of the error. @param {string} what */
const codeOf = (what) =>
  page.evaluate(async (what) => {
    const embedder = await felsic.Embedder.create({ provider: "extension" });
    try {
      if (what === "revoked") {
        /** @type {any} */ (globalThis).kept = embedder;
        return "kept";
      }
      await embedder.embed(Array.from({ length: 300 }, () => "a"));
      return "none";
    } catch (error) {
      return /** @type {{ code: string }} */ (error).code;
    }
  }, what);

const SAME = { space: true, equal: true, counts: true, ids: true, tokens: true };

test("without the user's permission a page has its own embedder", async () => {
  await open(HOST);
  assert.deepEqual(await compare(), { own: true, ...SAME });
});

test("on an allowed site the extension computes, with the same bits", async () => {
  await extension.call("settings.set", { bridged: [HOST] });
  await open(HOST);
  assert.deepEqual(await compare(), { own: false, ...SAME });
  const [use] = await extension.call("bridge.use");
  assert.equal(use.site, HOST);
  assert.ok(use.texts >= 4);
});

test("what is below a site counts as the site", async () => {
  const [{ texts }] = await extension.call("bridge.use");
  await open(`one.${HOST}`);
  assert.deepEqual(await compare(), { own: false, ...SAME });
  const [use, ...others] = await extension.call("bridge.use");
  assert.equal(use.site, HOST);
  assert.ok(use.texts > texts);
  assert.deepEqual(others, []);
});

test("a site has its limits", async () => {
  await open(HOST);
  assert.equal(await codeOf("many"), "quota-exceeded");
});

test("nothing of the memory can be reached, and nothing else of the extension", async () => {
  const answers = await page.evaluate(async () => {
    const { port1, port2 } = new MessageChannel();
    /** @type {any[]} */
    const heard = [];
    port1.onmessage = ({ data }) => heard.push(data);
    window.postMessage({ felsic: "connect", version: 1 }, "*", [port2]);
    for (const [id, type] of ["memory.search", "settings.get", "engine.wake", "toString", "embed"].entries()) {
      port1.postMessage({ type, id, request: { texts: id === 4 ? [1, 2] : [], query: "a" } });
    }
    while (heard.length < 2) await new Promise((resolve) => setTimeout(resolve, 50));
    // As long as an answer to any of the others would need, and longer.
    await new Promise((resolve) => setTimeout(resolve, 1000));
    return heard;
  });
  assert.deepEqual(
    answers.map(({ type, error }) => error?.code ?? type),
    ["welcome", "input-invalid"],
  );
});

test("other sites have none of it, and the permission can be taken back at once", async () => {
  assert.equal(await codeOf("revoked"), "kept");
  await extension.call("settings.set", { bridged: [] });
  const code = await page.evaluate(() =>
    /** @type {any} */ (globalThis).kept.embed("a").then(
      () => "none",
      (/** @type {{ code: string }} */ { code }) => code,
    ),
  );
  assert.equal(code, "device-unavailable");
  assert.deepEqual(await compare(), { own: true, ...SAME });
  await extension.call("settings.set", { bridged: ["other.example"] });
  await open(HOST);
  assert.equal((await compare()).own, true);
});

test("a model cannot be named beside the extension", async () => {
  const code = await page.evaluate(() =>
    felsic.Embedder.create({ provider: "extension", model: "./pack/" }).catch(({ code }) => code),
  );
  assert.equal(code, "input-invalid");
});
