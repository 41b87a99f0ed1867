/**
 * What the private-search page keeps, asks for and draws in Firefox, in one visit: each test goes on where the one before has ended. Begins
 * after `page-firefox.test.mjs`, which shows the search.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  accessible,
  addSamples,
  chooseFiles,
  field,
  fits,
  found,
  importsSamples,
  settled,
  shows,
  view,
} from "./page-harness.mjs";
import { skipsPlaywright, startFirefoxPage } from "./playwright-firefox.mjs";

const REQUESTED = Boolean(process.env.FELSIC_TEST_FULL);
const skip = skipsPlaywright || (!REQUESTED && "on request: FELSIC_TEST_FULL=1");
const options = { skip, timeout: 60_000 };

/** @type {import("./playwright-firefox.mjs").Firefox} */
let firefox;
/** @type {Awaited<ReturnType<import("./playwright-firefox.mjs").Firefox["open"]>>} */
let visit;
/** @type {import("playwright-core").Page} */
let page;

before(async () => {
  if (skip) return;
  firefox = await startFirefoxPage();
  visit = await firefox.open();
  page = visit.page;
});

after(() => firefox?.close());

/** What the page has said, without the refusals that these tests ask for: Firefox reports those some time later. */
const unexpected = () => visit.said.filter((one) => !/^Content-Security-Policy: .*connect-src.*127\.0\.0\.2/.test(one));

/** Asks for a file of a host; says whether there was an answer. @param {string} url */
const ask = (url) =>
  fetch(url).then(
    () => "answered",
    () => "refused",
  );

test("Firefox: the work shows how far it is, pauses, is still paused after a reload, and goes on", options, async () => {
  await page.locator(".model.ready").waitFor();
  const text = (/** @type {number} */ file) =>
    Array.from({ length: 120 }, (_, i) => `Sentence ${file * 1000 + i} has some length.`).join(" ");
  await chooseFiles(page, Object.fromEntries(Array.from({ length: 4 }, (_, i) => [`long-${i}.txt`, text(i)])));
  // Chosen files that are not read yet would be gone with the reload: no browser gives them to the page again.
  await shows(page, ".work-line", /^Meaning of/);
  await page.locator(".work-line").getByRole("button", { name: "Pause" }).click();
  await shows(page, ".work-line", /Paused/);
  await page.reload();
  await page.locator(".model.ready").waitFor();
  await shows(page, ".work-line", /Paused/);
  await view(page, "Library");
  const work = page.locator(".pane .work");
  await work.getByText("Paused").waitFor();
  await work.getByRole("button", { name: "Go on" }).click();
  await work.waitFor({ state: "hidden" });
  await settled(page, 4);
  // Each file is a whole one, though the work was interrupted.
  await field(page).fill("Sentence 3119");
  await page.getByRole("radio", { name: "Words" }).check();
  await shows(page, ".hit h3", /^long-3\.txt$/);
  await page.getByRole("radio", { name: "Both" }).check();
  await page.getByRole("button", { name: "Remove files" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
  await field(page).fill("");
  await shows(page, ".welcome", /Find your files/);
});

test(
  "Firefox: the map is drawn where there is WebGL2, and is a list of groups where there is none; a group on it filters the list",
  options,
  async () => {
    await addSamples(page);
    await field(page).fill("water");
    await shows(page, ".hit h3", /./);
    const before = (await found(page)).length;
    await view(page, "Map");
    await page.locator(".map-groups button").first().waitFor();
    const drawn = await page.evaluate(() => document.querySelector(".map-stage canvas") !== null);
    const hasWebGl = await page.evaluate(() => document.createElement("canvas").getContext("webgl2") !== null);
    assert.equal(drawn, hasWebGl);
    await page.locator(".map-groups button").first().click();
    await shows(page, ".chip.on > span", /^(One document|\d+ documents) on the map$/);
    await page.waitForFunction((before) => document.querySelectorAll(".hit").length < before, before);
    await visit.picture("map");
    await accessible(page, "Firefox, map");
    const chosen = (await found(page)).length;
    await page.getByRole("button", { name: "Remove the selection on the map" }).click();
    await page.waitForFunction((chosen) => document.querySelectorAll(".hit").length > chosen, chosen);
    assert.deepEqual(unexpected(), []);
  },
);

test("Firefox: the page starts without a network, asks for nothing, and may ask no other host", options, async () => {
  const { foreign } = firefox;
  await page.locator(".offline").waitFor();
  await firefox.withoutNetwork(async () => {
    await page.reload();
    await page.locator(".model.ready").waitFor();
    await field(page).fill("a pet that rests");
    await shows(page, ".hit h3", /^(Afternoon|Kitten)\.txt$/);
  });
  await view(page, "Privacy");
  await shows(page, ".verdict.good", /No request has left this page/);
  await page.getByText(/requests in all/).click();
  await shows(page, ".requests tbody", /\/www\/index\.html/);
  const from = await page.locator(".requests tbody td:nth-child(3)").allTextContents();
  assert.ok(from.length > 3 && from.every((one) => one === "this device"), from.join());
  const facts = await page.locator(".panel").innerText();
  for (const fact of [/felsic-small-english/, /CPU/, /int8/, /Documents\s+29/, /Library\s+[\d.]+ kB/]) assert.match(facts, fact);
  await visit.picture("privacy");
  await accessible(page, "Firefox, privacy");

  const elsewhere = foreign.url("/www/favicon.svg");
  assert.equal(await page.evaluate(ask, elsewhere), "refused");
  assert.deepEqual(foreign.requests, []);
});

test("Firefox: everything is exported, deleted in one click, and imported again", options, async () => {
  await page.getByRole("button", { name: "As JSON lines" }).click();
  const exported = await firefox.downloaded("felsic-library.jsonl");
  assert.match(exported, /Volcanoes form where molten rock/);
  await page.getByRole("button", { name: "Delete everything" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete everything" }).click();
  await shows(page, ".notices", /Everything has been deleted/);
  await shows(page, ".welcome", /Find your files/);
  const left = await page.evaluate(async () => [
    Object.keys(localStorage),
    (await indexedDB.databases()).map(({ name }) => name),
    await caches.keys(),
    (await navigator.serviceWorker.getRegistrations()).length,
  ]);
  assert.deepEqual(left, [[], [], [], 0]);
  await view(page, "Privacy");
  await importsSamples(page, exported);
  assert.deepEqual(unexpected(), []);
});

test("Firefox: German, dark, and as narrow as a phone", options, async () => {
  const narrow = await firefox.open({ locale: "de-DE", viewport: { width: 360, height: 740 } });
  const { page: phone } = narrow;
  await phone.getByRole("heading", { name: "Finden Sie Ihre Dateien nach ihrem Sinn" }).waitFor();
  assert.equal(await phone.evaluate(() => document.documentElement.lang), "de");
  await fits(phone, "welcome");
  await narrow.picture("phone-welcome");
  await phone.getByRole("link", { name: "Optionen" }).click();
  const ground = () => phone.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await ground();
  await phone.getByRole("radio", { name: "Dunkel" }).check();
  await phone.waitForFunction((light) => getComputedStyle(document.body).backgroundColor !== light, light);
  await fits(phone, "settings");
  await accessible(phone, "Firefox, settings on a phone");
  await narrow.picture("phone-settings");
  await phone.getByRole("link", { name: "Suche" }).click();
  await phone.getByRole("button", { name: /Beispiele/ }).click();
  await phone.getByRole("textbox").first().fill("ein Vertrag");
  await shows(phone, ".hit h3", /./);
  await fits(phone, "results");
  await narrow.picture("phone-results");
  assert.deepEqual(narrow.said, []);
  await narrow.context.close();
});

test("Firefox: the benchmark page measures what there is, and names what there is not", options, async () => {
  await page.goto(new URL("./bench.html?loads=2&queries=1&batches=1&passages=1&sizes=1", page.url()).href);
  await page.getByRole("button", { name: "Start", exact: true }).click();
  await page.getByRole("status").filter({ hasText: "Done." }).waitFor({ timeout: 40_000 });
  await page.getByRole("button", { name: "Copy as JSON" }).click();
  await page.getByText("Copied.").waitFor();
  const report = JSON.parse(await page.evaluate(() => navigator.clipboard.readText()));
  assert.equal(report.device.userAgent, await page.evaluate(() => navigator.userAgent));
  const [cpu] = report.rows;
  assert.equal(cpu.engine, "cpu");
  for (const name of ["firstLoad", "load", "firstVector", "query", "batch", "tokensPerSecond"]) assert.ok(cpu[name] > 0, name);
  const missing = report.failures.map((/** @type {any} */ { engine, code }) => `${engine}: ${code}`);
  assert.ok(
    missing.every((/** @type {string} */ one) => one === "webgpu: device-unavailable"),
    missing.join(),
  );
  await fits(page, "benchmark");
  await accessible(page, "Firefox, benchmark");
  await visit.picture("bench");
  assert.deepEqual(unexpected(), []);
});
