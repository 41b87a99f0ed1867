/** A pack that the page has itself: `create({ files })`. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { start } from "./harness.mjs";

const PACK = "tiny-silu-int8";
const TEXTS = ["A cat sleeps on the warm windowsill.", "Привет, как дела?"];

/** @type {import("./harness.mjs").Environment} */
let environment;

before(async () => {
  environment = await start({ needs: [PACK] });
  await environment.page.evaluate(async (pack) => {
    const address = (/** @type {string} */ name) => `/packs/${pack}/${name}`;
    const manifest = await (await fetch(address("manifest.json"))).json();
    const names = ["manifest.json", manifest.tokenizer.file, ...manifest.shards.map((/** @type {any} */ { file }) => file)];
    const files = await Promise.all(names.map(async (name) => [name, await (await fetch(address(name))).blob()]));
    Object.assign(globalThis, { given: Object.fromEntries(files), shard: manifest.shards[0].file, table: names.at(-1) });
  }, PACK);
});
after(async () => {
  await environment?.close();
});

/**
 * Returns the vectors of some texts, or the error's code and message.
 *
 * @param {string} options an expression that makes the options from `given`, `shard` and `table`
 */
const embed = (options) =>
  environment.page.evaluate(
    async ({ options, texts }) => {
      try {
        const embedder = await felsic.Embedder.create(eval(`(${options})`));
        const vectors = await embedder.embed(texts);
        embedder.destroy();
        return { vectors: vectors.map((vector) => [...vector]), model: embedder.info.model };
      } catch (error) {
        const { code, message } = /** @type {import("felsic").FelsicError} */ (error);
        return { code, message };
      }
    },
    { options, texts: TEXTS },
  );

test("given files make the same vectors, with helpers too, and nothing is requested or stored", async () => {
  const fetched = await embed(`{ model: "/packs/${PACK}/", cache: "none" }`);
  assert.equal(fetched.vectors?.length, 2);
  environment.server.requests.splice(0);
  for (const more of ["", "prefetch: 'none'", "workers: 2"]) assert.deepEqual(await embed(`{ files: given, ${more} }`), fetched);
  const requests = environment.server.requests.map((request) => /** @type {any} */ (request).url ?? request);
  assert.deepEqual(
    requests.filter((/** @type {any} */ url) => String(url).includes("/packs/")),
    [],
  );
  const stored = await environment.page.evaluate(async () => {
    const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle("felsic").catch(() => undefined);
    const names = [];
    for await (const name of folder?.keys() ?? []) names.push(name);
    return names;
  });
  assert.deepEqual(stored, []);
});

test("what is wrong with given files is said by a code", async () => {
  /** @type {[string, string, RegExp][]} */
  const cases = [
    ["{ files: {} }", "not-found", /no manifest\.json/],
    ["{ files: { ...given, [table]: undefined } }", "input-invalid", /object of files/],
    ["{ files: Object.fromEntries(Object.entries(given).filter(([name]) => name !== table)) }", "not-found", /files has no /],
    ["{ files: { ...given, [shard]: given[shard].slice(1) } }", "file-length", /the manifest states/],
    [
      "{ files: { ...given, [shard]: new Blob([new Uint8Array(given[shard].size)]) } }",
      "file-integrity",
      /does not have the hash/,
    ],
    ["{ files: { ...given, 'manifest.json': new Blob(['{']) } }", "manifest-invalid", /./],
    ["{ files: given, integrity: 'sha256-' + 'A'.repeat(43) + '=' }", "file-integrity", /integrity/],
    ["{ files: given, model: '/packs/' }", "input-invalid", /leave out model or files/],
    ["{ files: given, provider: 'extension' }", "input-invalid", /provider/],
    ["{ files: [] }", "input-invalid", /object of files/],
  ];
  for (const [options, code, message] of cases) {
    const failed = await embed(options);
    assert.equal(failed.code, code, `${options}: ${JSON.stringify(failed)}`);
    assert.match(failed.message ?? "", message, options);
  }
});
