/** The engine in Chromium: what is acknowledged is never lost, and it keeps to its limits. */

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { html, servePages, startExtension } from "./harness.mjs";

const TOPICS = ["volcano", "glacier", "harbour", "orchard", "violin", "comet"];

/** @type {Record<string, string>} */
const pages = {};
for (const [i, topic] of TOPICS.entries()) {
  const sentences = Array.from(
    { length: 80 },
    (_, j) => `The ${topic} of chapter ${j} has ${i * 100 + j} visitors and a guide who explains it.`,
  );
  pages[`/${topic}`] = html(topic, `<main><h1>The ${topic}</h1><p>${sentences.join(" ")}</p></main>`);
}

/** @type {Awaited<ReturnType<typeof servePages>>} */
let site;
/** @type {import("./harness.mjs").Extension} */
let extension;

before(async () => {
  site = await servePages(pages);
  extension = await startExtension({ hosts: ["http://*/*", "https://*/*"], settings: { mode: "all" } });
});
after(async () => {
  await extension?.close();
  await site?.close();
});
beforeEach(async () => {
  await extension.call("settings.set", {
    isPaused: false,
    pauseOnBattery: false,
    engineMegabytes: 400,
    keepMegabytes: 500,
    keepDays: 365,
  });
  await extension.call("memory.forgetAll");
});

/** Opens pages until each has been acknowledged. @param {string[]} topics */
async function capture(topics) {
  const page = await extension.context.newPage();
  for (const topic of topics) {
    const { waiting, pages } = await extension.call("memory.state");
    await page.goto(site.url("news.example", `/${topic}`));
    await extension.until("memory.state", (state) => state.waiting > waiting || state.pages > pages);
  }
  await page.close();
}

/** @param {string[]} topics */
async function allFound(topics) {
  await extension.until("memory.state", ({ waiting, pages }) => waiting === 0 && pages === topics.length);
  for (const topic of topics) {
    const [hit] = await extension.call("memory.search", { query: topic, mode: "words" });
    assert.equal(hit?.title, topic);
  }
}

test("nothing that was acknowledged is lost when service worker and offscreen document are ended in mid-work", async () => {
  await extension.call("settings.set", { isPaused: true });
  await capture(TOPICS);
  await extension.call("settings.set", { isPaused: false });
  let kills = 0;
  for (let i = 0; i < 8; i += 1) {
    await extension.killWorker();
    kills += Number(await extension.killEngine());
    const { waiting } = await extension.call("memory.state");
    if (waiting === 0) break;
    // Each time it comes a little further.
    await new Promise((resolve) => setTimeout(resolve, 40 * i));
  }
  assert.ok(kills >= 3, `${kills} kills`);
  await allFound(TOPICS);
  const { failed } = await extension.call("memory.state");
  assert.equal(failed, 0);
});

test("a page that is handed over while there is no engine starts it", async () => {
  await extension.killEngine();
  await extension.killWorker();
  const page = await extension.context.newPage();
  await page.goto(site.url("news.example", "/violin"));
  await extension.until("memory.state", ({ pages, waiting }) => pages === 1 && waiting === 0);
  await page.close();
});

test("a search whose engine is ended is answered by the next one", async () => {
  await capture(["comet"]);
  await extension.until("memory.state", ({ waiting }) => waiting === 0);
  const answers = Promise.all(Array.from({ length: 5 }, () => extension.call("memory.search", { query: "comet" })));
  await extension.killEngine();
  for (const [hit] of await answers) assert.equal(hit.title, "comet");
});

test("indexing waits on the battery, and a search does not", async () => {
  await capture(["harbour"]);
  await extension.until("memory.state", ({ waiting }) => waiting === 0);
  const charging = (/** @type {boolean} */ is) =>
    extension.inEngine(`navigator.getBattery().then((battery) => {
      Object.defineProperty(battery, "charging", { value: ${is}, configurable: true });
      battery.dispatchEvent(new Event("chargingchange"));
    })`);
  await charging(false);
  await extension.call("settings.set", { pauseOnBattery: true });
  await capture(["orchard"]);
  const { pauses, waiting } = await extension.call("memory.state");
  assert.deepEqual(pauses, ["battery"]);
  assert.equal(waiting, 1);
  const [hit] = await extension.call("memory.search", { query: "harbour" });
  assert.equal(hit.title, "harbour");
  await charging(true);
  await extension.until("memory.state", ({ waiting }) => waiting === 0);
});

test("an engine that holds more than it may is started anew, and the work goes on", async () => {
  await extension.call("settings.set", { engineMegabytes: 1 });
  await extension.killEngine();
  const topics = TOPICS.slice(0, 3);
  await capture(topics);
  await allFound(topics);
  const { restarts } = await extension.call("memory.state");
  assert.ok(restarts >= 1, `${restarts} restarts`);
  // What a fresh engine needs is no reason to start it anew, or it would be with each page.
  assert.ok(restarts <= topics.length, `${restarts} restarts`);
});

test("the oldest pages go when there are too many, and those that are too old", async () => {
  const topics = TOPICS.slice(0, 4);
  await capture(topics);
  await extension.until("memory.state", ({ waiting }) => waiting === 0);
  const [latest, second] = await extension.call("memory.recent");
  // Room for two of them and a half.
  await extension.call("settings.set", { keepMegabytes: (latest.bytes * 2.5) / 1e6 });
  await extension.inEngine(`{ const now = Date.now; Date.now = () => now() + 2 * 3_600_000; }`);
  await extension.call("settings.set", { isPaused: false });
  const left = await extension.until("memory.recent", (pages) => pages.length === 2);
  assert.deepEqual(left, [latest, second]);
  await extension.call("settings.set", { keepDays: 1 });
  // A day passes in the engine alone: it is the one that cleans.
  await extension.inEngine(`{ const now = Date.now; Date.now = () => now() + 25 * 3_600_000; }`);
  await extension.call("settings.set", { isPaused: false });
  await extension.until("memory.state", ({ pages }) => pages === 0);
  assert.deepEqual(await extension.call("memory.search", { query: latest.title, mode: "words" }), []);
  await extension.killEngine();
});
