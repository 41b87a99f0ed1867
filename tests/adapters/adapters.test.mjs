/** The adapters with the real libraries: their types, and real calls in a page. */

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { dist, launch, largestDifference, root, workers } from "../browser/harness.mjs";
import { Server } from "../browser/server.mjs";
import { node, program } from "../package/harness.mjs";
import { bundlePage, install, installed } from "./harness.mjs";

const TEXTS = ["How do I undo a commit?", "The cat sleeps on the sill.", "Revert the last change in git."];

/** @type {Awaited<ReturnType<typeof launch>>} */
let browser;
/** @type {Server} */
let server;
/** @type {import("playwright-core").Page} */
let page;
/** @type {string[]} */
const errors = [];
/** The vectors that every adapter has to return. @type {number[][]} */
let expected;

before(async () => {
  install();
  server = await Server.start({ "/": [await bundlePage()], "/felsic/": [dist] });
  browser = await launch();
  page = await browser.newPage();
  page.on("console", (message) => void (message.type() === "error" && errors.push(message.text())));
  page.on("pageerror", (error) => errors.push(String(error)));
  await page.goto(server.url("/index.html"));
  await page.waitForFunction(() => "adapters" in globalThis);
  await call("start");
  expected = await call("felsic", TEXTS);
});

after(async () => {
  await browser?.close();
  await server?.close();
});

/** Calls a function of the page. @param {string} name @param {unknown[]} parameters @returns {Promise<any>} */
function call(name, ...parameters) {
  return page.evaluate(
    ([name, parameters]) => /** @type {any} */ (globalThis).adapters[name](...parameters),
    /** @type {const} */ ([name, parameters]),
  );
}

/** @param {number[][]} vectors @param {number[][]} [wanted] */
function assertVectors(vectors, wanted = expected) {
  assert.equal(vectors.length, wanted.length);
  vectors.forEach((vector, index) => assert.equal(largestDifference(vector, wanted[index] ?? []), 0, `vector ${index}`));
}

/** Compiles files of the folder of the consumer. @param {object} compilerOptions @param {object} files */
function compile(compilerOptions, files) {
  const shared = { target: "es2022", lib: ["es2023", "esnext.disposable", "dom", "dom.iterable"], types: [], noEmit: true };
  const config = join(installed, "tsconfig.json");
  // The libraries' own declarations are their affair.
  const options = { ...shared, strict: true, noUncheckedIndexedAccess: true, skipLibCheck: true, ...compilerOptions };
  writeFileSync(config, JSON.stringify({ compilerOptions: options, ...files }));
  const { status, output } = node(program("typescript", "bin/tsc"), ["-p", config]);
  assert.equal(status, 0, output);
}

test("the adapters are what the libraries' types ask for", () => {
  compile({ module: "esnext", moduleResolution: "bundler" }, { files: ["consumer.ts"] });
});

test("the adapters' sources compile against the real libraries, not only against felsic's stand-ins", () => {
  const own = JSON.parse(readFileSync(join(root, "pkg/tsconfig.json"), "utf8")).compilerOptions;
  const { strict, noImplicitOverride, verbatimModuleSyntax, isolatedModules } = own;
  const rules = { strict, noImplicitOverride, verbatimModuleSyntax, isolatedModules };
  compile({ module: "nodenext", moduleResolution: "nodenext", ...rules }, { include: ["src/adapters", "src/*.d.ts"] });
});

test("LangChain's embeddings", async () => {
  const { documents, query, short, refused } = await call("langchain", TEXTS);
  assertVectors(documents);
  assertVectors([query], expected.slice(0, 1));
  assert.equal(short, 8);
  assert.equal(refused[0], "input-invalid");
});

test("LangChain's vector store over a collection", async () => {
  const { scored, retrieved, ids, left, vectors, byVector, wrongIds } = await call("vectorStore", TEXTS);
  assert.equal(scored.length, 2);
  const [[best, score]] = scored;
  assert.deepEqual([best.id, best.pageContent, best.metadata], ["d1", TEXTS[1], { title: "T1", tags: ["t"], page: 1 }]);
  assert.ok(score > scored[1][1] && score <= 1, String(score));
  assert.deepEqual([retrieved.length, retrieved[0].id], [1, "d0"]);
  assert.deepEqual([ids, left], [["more"], ["d0", "d2", "more"]]);
  for (const refusal of [vectors, byVector, wrongIds]) assert.equal(refusal[0], "input-invalid", refusal[1]);
});

test("the AI SDK, version 7 and version 6", async () => {
  const { embeddings, tokens, counted, sdk6, short, warnings, aborted, unknown } = await call("ai", TEXTS);
  assertVectors(embeddings);
  assertVectors(sdk6);
  assert.equal(
    tokens,
    counted.reduce((/** @type {number} */ sum, /** @type {number} */ count) => sum + count, 0),
  );
  assert.equal(short, 8);
  assert.match(warnings[0]?.message, /^1 of 1 texts is longer than the \d+ tokens/);
  assert.equal(aborted[0], "aborted");
  assert.equal(unknown[0], "input-invalid");
  assert.match(unknown[1], /"dimension"/);
});

test("LlamaIndex", async () => {
  const { isModel, documents, one, query, image, nodes } = await call("llamaindex", TEXTS);
  assert.ok(isModel);
  assertVectors(documents);
  assertVectors([one, query], [expected[0] ?? [], expected[0] ?? []]);
  assertVectors(nodes);
  assert.equal(image, null);
});

test("the call shape of transformers.js, and what it cannot honour", async () => {
  const { list, data, dims, size, iterated, one, none, refused } = await call("transformers", TEXTS);
  const width = expected[0]?.length ?? 0;
  assertVectors(list);
  assertVectors([data], [expected.flat()]);
  assert.deepEqual([dims, size, none], [[TEXTS.length, width], TEXTS.length * width, [0, width]]);
  assertVectors(iterated.map((/** @type {[number[], number[]]} */ [, vector]) => vector));
  assert.deepEqual(iterated[0][0], [width]);
  assertVectors(one[1], expected.slice(0, 1));
  assert.deepEqual(one[0], [1, width]);
  const named = {
    default: /pooling: "cls"/,
    mean: /is mean, .* is cls/,
    unnormalised: /normalize: true/,
    bits: /quantize/,
    task: /text-generation/,
  };
  for (const [name, message] of Object.entries(named)) {
    assert.equal(refused[name]?.[0], "input-invalid", name);
    assert.match(refused[name][1], message);
  }
});

test("React: components share one embedder, strict mode starts no second one, and none is left behind", async () => {
  await call("stop");
  assert.equal(await workers(page, 0), 0);
  let most = 0;
  page.on("worker", () => (most = Math.max(most, page.workers().length)));
  await call("reactShow", ["a", "b"]);
  await page.waitForFunction(() => document.querySelector("#a")?.textContent === "ready felsic-small-english");
  await page.waitForFunction(() => document.querySelector("#b")?.textContent === "ready felsic-small-english");
  assert.deepEqual(await call("reactShown"), { a: ["idle", "loading", "ready"], b: ["idle", "loading", "ready"] });
  assertVectors([await call("reactEmbed", TEXTS[0])], expected.slice(0, 1));
  const { loadedBytes, totalBytes } = await call("reactProgress");
  assert.ok(loadedBytes > 0 && loadedBytes <= totalBytes);
  // One component goes, then another comes while the first goes: still the same worker.
  await call("reactShow", ["a"]);
  await call("reactShow", ["b"]);
  await page.waitForFunction(() => document.querySelector("#b")?.textContent === "ready felsic-small-english");
  assert.deepEqual([most, page.workers().length], [1, 1]);
  await call("reactLeave");
  assert.equal(await workers(page, 0), 0);
  assert.deepEqual(errors, []);
});

test("React: a component that goes during the load ends it; a failure can be tried again", async () => {
  await call("reactShow", ["a"]);
  await call("reactLeave");
  assert.equal(await workers(page, 0), 0);
  await call("reactShow", ["a"], { baseUrl: "/nowhere/" });
  await page.waitForFunction(() => document.querySelector("#a")?.textContent?.startsWith("failed"));
  const before = (await call("reactShown")).a.length;
  await call("reactRetry");
  await page.waitForFunction((before) => /** @type {any} */ (globalThis).adapters.reactShown().a.length >= before + 2, before);
  assert.deepEqual((await call("reactShown")).a.slice(-3), ["failed", "loading", "failed"]);
  await call("reactLeave");
  assert.equal(await workers(page, 0), 0);
});

test("React: a collection waits for its embedder, is shared, tells of changes and is closed", async () => {
  await call("reactDocs");
  await page.waitForFunction(() => document.querySelector("#docs")?.textContent === "ready 0 0");
  // The engine's worker and the search worker.
  assert.equal(await workers(page, 2), 2);
  await call("reactAdd", TEXTS[0]);
  await page.waitForFunction(() => /^ready [1-9]\d* 1$/.test(document.querySelector("#docs")?.textContent ?? ""));
  await call("reactLeave");
  assert.equal(await workers(page, 0), 0);
});

test("React on a server: the state is idle, and the process ends by itself", () => {
  const { status, output } = node(join(installed, "server.js"), [], installed);
  assert.deepEqual([status, output], [0, "<p>idle undefined undefined</p>\n"]);
});
