/** The benchmark page of the built site, with few runs. */

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { screenshots, start, workers } from "./harness.mjs";

/** @type {import("./harness.mjs").Environment} */
let environment;

const FEW = "loads=2&queries=3&batches=1&passages=3";

before(async () => {
  environment = await start({ gpu: false, page: "/www/bench.html" });
  mkdirSync(screenshots, { recursive: true });
});

after(() => environment?.close());

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
  await page.goto(environment.url(`/www/bench.html?${query}`));
  await page.getByRole("heading", { name: "Benchmark", exact: true }).waitFor();
  return { context, page, said, foreign };
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
  assert.deepEqual(report.plan, { loads: 2, queries: 3, batches: 1, passages: 3 });
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
  assert.equal(Number(String(shown[3]).replace(/,/g, "")), Number(cpu.query.toPrecision(3)));
  const bars = await page
    .getByRole("img", { name: /^Tokens a second/ })
    .locator("rect")
    .evaluateAll((rects) => rects.map((rect) => Number(rect.getAttribute("width"))));
  assert.equal(bars.length, report.rows.length);
  const most = Math.max(...report.rows.map((/** @type {any} */ row) => row.tokensPerSecond));
  for (const [at, row] of report.rows.entries()) {
    assert.ok(Math.abs(Number(bars[at]) / Math.max(...bars) - row.tokensPerSecond / most) < 0.01);
  }
  // What has been measured is gone.
  assert.equal(await workers(page, 0), 0);
  assert.deepEqual(opened.foreign, [], "nothing is asked of another host");
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
