/** The benchmark page of the built site, with few runs. */

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { screenshots, start, workers } from "./harness.mjs";
import { writeExport } from "./onnx-maker.mjs";
import { Server } from "./server.mjs";

/** @type {import("./harness.mjs").Environment} */
let environment;

/** ONNX exports, on another host than the page. */
const folder = mkdtempSync(join(tmpdir(), "felsic-onnx-"));
/** @type {Server} */
let exports;

/** Files of transformers.js and its runtime. */
const OTHERS = /transformers|ort-wasm/;
const FEW = "loads=2&queries=3&batches=1&passages=3&sizes=1";

before(async () => {
  environment = await start({ gpu: false, page: "/www/bench.html" });
  exports = await Server.start({ "/": [folder] });
  writeExport(join(folder, "tiny"), 64);
  // The name of the built-in model and its width, but not its weights.
  writeExport(join(folder, "felsic-small-english"), 384);
  mkdirSync(screenshots, { recursive: true });
});

after(async () => {
  await environment?.close();
  await exports?.close();
  rmSync(folder, { recursive: true });
});

/** Opens the page. @param {string} query @param {import("playwright-core").BrowserContextOptions} [options] */
async function open(query, options = {}) {
  const context = await environment.browser.newContext({ viewport: { width: 1100, height: 900 }, ...options });
  const page = await context.newPage();
  /** @type {string[]} */
  const said = [];
  page.on("console", (message) => {
    // The browser itself says that there is no graphics card.
    if (["error", "warning"].includes(message.type()) && message.text() !== "No available adapters.") said.push(message.text());
  });
  page.on("pageerror", (error) => said.push(String(error)));
  /** @type {string[]} */
  const foreign = [];
  page.on("request", (request) => {
    if (!request.url().startsWith(environment.url("/")) && !request.url().startsWith("data:")) foreign.push(request.url());
  });
  const own = /** @type {string[]} */ ([]);
  page.on("request", (request) => own.push(new URL(request.url()).pathname));
  await page.goto(environment.url(`/www/bench.html?${query}`));
  await page.getByRole("heading", { name: "Benchmark", exact: true }).waitFor();
  return { context, page, said, foreign, own };
}

/** What axe finds. @param {import("playwright-core").Page} page */
async function axe(page) {
  await page.evaluate(readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8"));
  const { violations } = /** @type {any} */ (await page.evaluate("axe.run()"));
  return violations.map(
    (/** @type {any} */ { id, nodes }) => `${id}: ${nodes.map((/** @type {any} */ node) => node.html).join(" ")}`,
  );
}

test("one click measures the engines of this browser; table, charts and JSON agree", async (context) => {
  const opened = await open(FEW, { permissions: ["clipboard-read", "clipboard-write"] });
  const { page } = opened;
  assert.equal(await workers(page, 0), 0, "nothing is loaded before the click");
  await page.getByRole("button", { name: "Start", exact: true }).click();
  await page.getByRole("status").filter({ hasText: "Done." }).waitFor({ timeout: 120_000 });
  await page.getByRole("button", { name: "Copy as JSON" }).click();
  await page.getByText("Copied.").waitFor();
  const report = JSON.parse(await page.evaluate(() => navigator.clipboard.readText()));
  assert.deepEqual(report.plan, { loads: 2, queries: 3, batches: 1, passages: 3, sizes: 1 });
  assert.match(report.felsic, /^\d+\.\d+\.\d+/);
  assert.equal(report.device.userAgent, await page.evaluate(() => navigator.userAgent));
  assert.equal(report.device.cores, await page.evaluate(() => navigator.hardwareConcurrency));
  assert.ok(Math.abs(Date.now() - Date.parse(report.date)) < 60_000);

  const [cpu] = report.rows;
  assert.equal(cpu.engine, "cpu");
  assert.equal(cpu.workers, 1);
  assert.ok(["simd", "relaxed"].includes(cpu.kernel), cpu.kernel);
  assert.equal(cpu.model, "felsic-small-english");
  for (const row of report.rows) {
    for (const name of ["firstLoad", "load", "firstVector", "query", "batch", "tokens", "tokensPerSecond", "memory"]) {
      assert.ok(row[name] > 0 && Number.isFinite(row[name]), `${row.engine}: ${name} is ${row[name]}`);
    }
    assert.equal(row.runs.query.length, 3);
    assert.equal(row.runs.batch.length, 1);
    assert.equal(row.query, row.runs.query.toSorted((/** @type {number} */ a, /** @type {number} */ b) => a - b)[1]);
    assert.ok(row.firstVector > row.load * 0.5);
    assert.ok(row.tokens > 3 * 80 && row.tokens < 3 * 200, `${row.tokens} tokens of three passages`);
    assert.deepEqual(
      row.curve.map((/** @type {any} */ { passages }) => passages),
      [1, 2, 3],
    );
    assert.ok(row.curve[0].tokens < row.curve[1].tokens && row.curve[1].tokens < row.tokens);
    assert.equal(row.curve[2].tokensPerSecond, row.tokensPerSecond);
    assert.ok(Math.abs(row.tokensPerSecond - (1000 * row.tokens) / row.runs.batch[0]) < 1e-6 * row.tokensPerSecond);
  }
  // This browser has no graphics card for it: no figures, and the reason.
  assert.deepEqual(
    report.failures.map((/** @type {any} */ { engine, code }) => [engine, code]),
    [["webgpu", "device-unavailable"]],
  );
  await page.getByText("WebGPU: no figures, because this browser offers no WebGPU adapter.").waitFor();
  assert.equal(await page.locator("tbody tr").count(), report.rows.length);
  const shown = await page.locator("tbody tr").first().locator("td").allInnerTexts();
  assert.equal(Number(String(shown[4]).replace(/,/g, "")), Number(cpu.query.toPrecision(3)));
  const bars = await page
    .getByRole("img", { name: /^Tokens a second: more/ })
    .locator("rect")
    .evaluateAll((rects) => rects.map((rect) => Number(rect.getAttribute("width"))));
  assert.equal(bars.length, report.rows.length);
  const most = Math.max(...report.rows.map((/** @type {any} */ row) => row.tokensPerSecond));
  for (const [at, row] of report.rows.entries()) {
    assert.ok(Math.abs(Number(bars[at]) / Math.max(...bars) - row.tokensPerSecond / most) < 0.01);
  }
  // The picture has a line for each engine, with a point for each size; what is higher up was faster.
  const lines = await page
    .getByRole("img", { name: /^Tokens a second by the size of a call/ })
    .locator("polyline")
    .evaluateAll((lines) =>
      lines.map((line) => (line.getAttribute("points") ?? "").split(" ").map((point) => point.split(",").map(Number))),
    );
  assert.equal(lines.length, report.rows.length);
  for (const [at, { curve }] of report.rows.entries()) {
    const heights = curve.map((/** @type {any} */ { tokensPerSecond }) => tokensPerSecond);
    const places = (lines[at] ?? []).map(([, y = NaN]) => y);
    assert.equal(places.indexOf(Math.min(...places)), heights.indexOf(Math.max(...heights)));
    assert.ok(places.every((y) => y > 0 && y < 300));
  }
  // What has been measured is gone.
  assert.equal(await workers(page, 0), 0);
  assert.deepEqual(opened.foreign, [], "nothing is asked of another host");
  assert.deepEqual(
    opened.own.filter((path) => OTHERS.test(path)),
    [],
    "nothing of transformers.js is fetched",
  );
  assert.deepEqual(await axe(page), []);
  await page.screenshot({ path: join(screenshots, "bench.png"), fullPage: true });
  context.diagnostic(
    report.rows.map((/** @type {any} */ row) => `${row.engine}: ${row.tokensPerSecond.toFixed()} tokens/s`).join(", "),
  );
  assert.deepEqual(opened.said, []);
  await opened.context.close();
});

test("a measurement can be stopped at once, and begun again", async () => {
  const { page, said, context } = await open("loads=50");
  const begin = page.getByRole("button", { name: "Start", exact: true });
  for (let time = 0; time < 2; time += 1) {
    await begin.click();
    await page.getByRole("progressbar").waitFor();
    await page.getByRole("button", { name: "Stop" }).click();
    await page.getByText("Stopped.").waitFor({ timeout: 5000 });
    assert.equal(await workers(page, 0), 0);
  }
  assert.deepEqual(said, []);
  await context.close();
});

test("a model of another host is named, with the host, before anything is asked of it; dark, narrow, in German", async () => {
  const { page, foreign, context } = await open(`pack=ibm-granite/granite-embedding&${FEW}`, {
    viewport: { width: 360, height: 740 },
    colorScheme: "dark",
    locale: "de-DE",
  });
  await page.getByText("Das Modell ibm-granite/granite-embedding kommt von https://huggingface.co.").waitFor();
  await page.getByRole("button", { name: "Herunterladen und beginnen" }).waitFor();
  assert.deepEqual(foreign, []);
  assert.deepEqual(await axe(page), []);
  const { scrolls, width } = await page.evaluate(() => ({ scrolls: document.documentElement.scrollWidth, width: innerWidth }));
  assert.ok(scrolls <= width, `${scrolls} of ${width}`);
  // Without an address it is the built-in model again.
  await page.getByLabel("Adresse eines Packs").fill("");
  await page.getByRole("button", { name: "Wählen" }).click();
  await page.getByRole("button", { name: "Beginnen", exact: true }).waitFor();
  assert.equal(new URL(page.url()).search, "");
  await context.close();
});

/** Measures with an ONNX export, and returns the report. @param {Awaited<ReturnType<typeof open>>} opened */
async function measured({ page }) {
  await page.getByRole("button", { name: "Download and start" }).click();
  await page.getByRole("status").filter({ hasText: "Done." }).waitFor({ timeout: 60_000 });
  return JSON.parse(String(await page.locator(".bench-json").textContent()));
}

test("transformers.js is a row if an ONNX export is given: loaded after the click, its model named and marked", async (context) => {
  const opened = await open(`onnx=${exports.url("/tiny/")}&${FEW}`);
  const { page, foreign, own, said } = opened;
  await page.getByText(`comes from ${new URL(exports.url("/")).origin}.`).waitFor();
  assert.deepEqual([foreign, own.filter((path) => OTHERS.test(path))], [[], []], "nothing of it before the click");
  const { rows, failures } = await measured(opened);
  const row = rows.find((/** @type {any} */ { engine }) => engine === "transformers");
  assert.ok(row, JSON.stringify(failures));
  for (const name of ["firstLoad", "load", "firstVector", "query", "batch", "tokens", "tokensPerSecond", "memory"])
    assert.ok(row[name] > 0 && Number.isFinite(row[name]), `${name} is ${row[name]}`);
  assert.deepEqual([row.model, row.format, row.otherModel, row.cosine], ["tiny", "ONNX q8, cls", true, undefined]);
  assert.match(row.kernel, /^onnxruntime-web \d/);
  assert.equal(row.runs.query.length, 3);
  const shown = page.locator("tbody tr").filter({ hasText: "transformers.js" });
  assert.match(await shown.innerText(), /tiny[^]*Another model than felsic’s/);
  assert.match(
    String(await page.getByRole("img", { name: /^Tokens a second: more/ }).getAttribute("aria-label")),
    /transformers\.js: \d/,
  );
  // Only the export's host was asked, once for each file, and nothing of it stays.
  assert.ok(
    foreign.every((url) => url.startsWith(exports.url("/tiny/"))),
    foreign.join(" "),
  );
  assert.equal(foreign.filter((url) => url.endsWith("/onnx/model_quantized.onnx")).length, 1, foreign.join(" "));
  assert.ok(own.some((path) => /\/www\/assets\/ort-wasm.*\.wasm$/.test(path)));
  assert.equal(await page.evaluate(() => caches.has("felsic-bench-transformers")), false);
  assert.equal(await workers(page, 0), 0);
  assert.deepEqual(await axe(page), []);
  await page.screenshot({ path: join(screenshots, "bench-transformers.png"), fullPage: true });
  assert.deepEqual(said, []);
  context.diagnostic(`transformers.js: ${row.tokensPerSecond.toFixed()} tokens/s, ${row.memory} bytes`);
  await opened.context.close();
});

test("vectors of the same name that are not felsic's show; an export that is missing is a row's failure; the row can be left out", async () => {
  const few = "loads=1&queries=1&batches=1&passages=2&sizes=1";
  const same = await open(`onnx=${exports.url("/felsic-small-english")}&${few}`);
  const row = (await measured(same)).rows.find((/** @type {any} */ { engine }) => engine === "transformers");
  assert.equal(row.otherModel, false);
  assert.ok(Math.abs(row.cosine) < 0.5, `cosine ${row.cosine}`);
  await same.page.getByText("Its vector is not felsic’s: cosine").waitFor();
  await same.context.close();

  const missing = await open(`onnx=${exports.url("/nowhere/")}&${few}`);
  const { rows, failures } = await measured(missing);
  assert.ok(rows.some((/** @type {any} */ { engine }) => engine === "cpu"));
  assert.ok(failures.some((/** @type {any} */ { engine }) => engine === "transformers"));
  await missing.page.getByText(/transformers\.js: no figures, because .+/).waitFor();
  const asked = missing.foreign.length;
  await missing.page.getByRole("checkbox", { name: /transformers\.js/ }).uncheck();
  await missing.page.getByRole("button", { name: "Start", exact: true }).click();
  await missing.page.getByRole("progressbar").waitFor();
  await missing.page.getByRole("status").filter({ hasText: "Done." }).waitFor({ timeout: 60_000 });
  assert.equal(missing.foreign.length, asked, "nothing of it is fetched");
  await missing.context.close();
});
