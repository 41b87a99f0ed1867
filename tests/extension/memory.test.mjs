/** The memory in Chromium: what is remembered and what never is, found again, and forgotten. */

import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { html, originsOf, servePages, startExtension } from "./harness.mjs";

const BREAD = "Let the dough rest overnight in the fridge before you put it into a hot oven.";
const CAT = "The kitten dozes on the window sill while the afternoon sun shines.";
const LAW = "A tenant may withhold a part of the rent until the landlord has repaired the heating.";

const pages = {
  "/bread": html("Sourdough", `<nav>Menu and login</nav><main><h1>Sourdough</h1><p>${BREAD}</p></main>`),
  "/cat": html("Cats", `<p>${CAT}</p>`),
  "/law": html("Tenants", `<p>${LAW}</p>`),
  "/noindex": html("No", "<p>Nobody should index this one.</p>", '<meta name="robots" content="noindex, follow">'),
  "/password": html("In", '<p>Welcome back to the club.</p><input type="password">'),
  "/card": html("Pay", '<p>Pay for the order.</p><input autocomplete="cc-number">'),
  "/shadow-password": html(
    "Deep",
    "<p>A form that hides.</p><x-form></x-form><script>document.querySelector('x-form').attachShadow({mode:'open'}).innerHTML='<input type=password>'</script>",
  ),
  "/frame-password": html("Framed", '<p>A club whose door is a frame.</p><iframe src="/password" title="Door"></iframe>'),
  "/empty": html("Empty", "<p> </p>"),
  "/deep": html(
    "Deep",
    `<p hidden>An unseen spaceship.</p><p style="display:none">An invisible submarine.</p><x-box></x-box><textarea>My own draft letter</textarea>
     <script>document.querySelector('x-box').attachShadow({mode:'open'}).innerHTML='<p>A lighthouse in the shadow tree.</p>'</script>`,
  ),
  "/app": html(
    "App",
    `<link rel="canonical" href="/app"><main id="view"><p>The first view is about volcanoes and lava.</p></main>
     <script>addEventListener('click',()=>{history.pushState(0,'','/app/glaciers');document.title='Glaciers';
     document.querySelector('#view').innerHTML='<p>The second view is about glaciers and ice.</p>'})</script>`,
  ),
  "/claims": html(
    "Claims",
    '<link rel="canonical" href="http://other.example/stolen"><p>This page claims the address of another host.</p>',
  ),
};

/** @type {Awaited<ReturnType<typeof servePages>>} */
let site;
/** @type {import("./harness.mjs").Extension} */
let extension;
/** @type {import("playwright-core").Page} */
let page;

before(async () => {
  site = await servePages(pages);
  extension = await startExtension({ hosts: ["http://*/*", "https://*/*"], permissions: ["tabs", "bookmarks"] });
  page = await extension.context.newPage();
});
after(async () => {
  await extension?.close();
  await site?.close();
});

/** Remembers pages in the mode "all". @param {...string} paths */
async function read(...paths) {
  for (const path of paths) {
    // A page counts as waiting until its job has gone, and by then as remembered, too.
    const { pages: known } = await extension.until("memory.state", ({ waiting }) => waiting === 0);
    await page.goto(site.url("news.example", path));
    await extension.until("memory.state", ({ pages, waiting }) => pages + waiting > known);
  }
  await extension.until("memory.state", ({ waiting }) => waiting === 0);
}

/**
 * Visits pages that must not be remembered, and then one that must: what comes before it has been decided by then. Returns what is remembered.
 *
 * @param {string} last @param {string[]} paths
 */
async function readInVain(last, paths) {
  for (const path of paths) {
    await page.goto(site.url("news.example", path));
    // As long as the script needs to look at a page that may be remembered, and longer.
    await page.waitForTimeout(150);
  }
  await read(last);
  const recent = await extension.call("memory.recent");
  return recent.map((/** @type {{ id: string }} */ { id }) => new URL(id).pathname);
}

beforeEach(async () => {
  await page.goto("about:blank");
  await extension.call("settings.set", {
    mode: "all",
    sites: [],
    denied: null,
    isPaused: false,
    keepDays: 365,
    keepMegabytes: 500,
    tabs: false,
    bookmarks: false,
  });
  await extension.call("memory.forgetAll");
});

describe("what is remembered", () => {
  test("nothing before it is switched on", async () => {
    await extension.call("settings.set", { mode: "off" });
    await page.goto(site.url("news.example", "/bread"));
    await page.waitForTimeout(200);
    assert.equal((await extension.call("memory.state")).pages, 0);
    assert.deepEqual(await extension.worker.evaluate(() => chrome.scripting.getRegisteredContentScripts()), []);
    const [tab] = await extension.worker.evaluate(() => chrome.tabs.query({ url: "http://news.example/*" }));
    await assert.rejects(extension.call("memory.remember", { tab: tab?.id }), { code: "off" });
  });

  test("a page that was read, found by its meaning, with its time, site and passage", async () => {
    const before = Date.now();
    await read("/bread", "/cat", "/law");
    const [hit, ...others] = await extension.call("memory.search", { query: "how is a loaf baked?" });
    assert.equal(hit.title, "Sourdough");
    assert.equal(hit.site, "news.example");
    assert.ok(hit.last >= before && hit.last <= Date.now());
    assert.equal(hit.passage, BREAD);
    assert.ok(others.every((/** @type {{ score: number }} */ { score }) => score < hit.score));
    const [word] = await extension.call("memory.search", { query: "landlord", mode: "words" });
    assert.equal(word.title, "Tenants");
    assert.deepEqual(
      word.highlights.map((/** @type {{ start: number, end: number }} */ { start, end }) => LAW.slice(start, end)),
      ["landlord"],
    );
    await page.goto(hit.link);
    assert.match(hit.link, /#:~:text=Let%20the%20dough/);
    assert.equal(new URL(page.url()).pathname, "/bread");
  });

  test("one page once, however often and from wherever it is visited", async () => {
    await read("/bread");
    await page.goto(site.url("news.example", "/bread?utm_source=letter&fbclid=1#top"));
    const [record] = await extension.until("memory.recent", ([record]) => record.visits.length === 2);
    assert.equal(record.id, site.url("news.example", "/bread"));
    assert.equal((await extension.call("memory.state")).pages, 1);
    const [hit] = await extension.call("memory.search", { query: "dough" });
    await extension.until("memory.search", ([hit]) => hit.visits === 2, { query: "dough" });
    assert.equal(hit.id, record.id);
  });

  test("each view of an application, under its own address", async () => {
    await read("/app");
    await page.click("body");
    await extension.until("memory.state", ({ pages, waiting }) => pages === 2 && waiting === 0);
    const [hit] = await extension.call("memory.search", { query: "glaciers and ice" });
    assert.equal(new URL(hit.id).pathname, "/app/glaciers");
    assert.equal(hit.title, "Glaciers");
    assert.match(hit.passage, /glaciers/);
  });

  test("what is visible, in shadow trees too, and nothing that is typed", async () => {
    await read("/deep");
    const words = async (/** @type {string} */ query) => (await extension.call("memory.search", { query, mode: "words" })).length;
    assert.equal(await words("lighthouse"), 1);
    for (const unseen of ["spaceship", "submarine", "draft"]) assert.equal(await words(unseen), 0, unseen);
  });

  test("never: pages that ask for it, with secrets, without text, or on the list", async () => {
    const paths = ["/noindex", "/password", "/shadow-password", "/card", "/empty"];
    assert.deepEqual(await readInVain("/cat", paths), ["/cat"]);
    await page.goto(site.url("mail.example", "/law"));
    await page.goto(site.url("my-bank.example", "/law"));
    await extension.call("settings.set", { denied: ["news.example/law*"] });
    assert.deepEqual(await readInVain("/bread", ["/law"]), ["/bread", "/cat"]);
  });

  test("a page is no other page", async () => {
    await read("/claims");
    const [{ id }] = await extension.call("memory.recent");
    assert.equal(id, site.url("news.example", "/claims"));
  });

  test("only chosen sites, with all below them", async () => {
    await extension.call("settings.set", { mode: "sites", sites: ["cats.example"] });
    await page.goto(site.url("news.example", "/bread"));
    await page.goto(site.url("www.cats.example", "/cat"));
    await extension.until("memory.state", ({ pages, waiting }) => pages === 1 && waiting === 0);
    const [{ site: found }] = await extension.call("memory.recent");
    assert.equal(found, "cats.example");
    const [script] = await extension.worker.evaluate(() => chrome.scripting.getRegisteredContentScripts());
    assert.deepEqual(script?.matches?.sort(), originsOf("cats.example").sort());
  });

  test("on a click, with the reason if it is refused", async () => {
    await extension.call("settings.set", { mode: "click" });
    const tab = async () => (await extension.worker.evaluate(() => chrome.tabs.query({ url: "http://*.example/*" })))[0]?.id;
    await page.goto(site.url("news.example", "/bread"));
    await extension.call("memory.remember", { tab: await tab() });
    await extension.until("memory.state", ({ pages, waiting }) => pages === 1 && waiting === 0);
    for (const [path, code] of [
      ["/password", "sensitive"],
      ["/frame-password", "sensitive"],
      ["/noindex", "noindex"],
      ["/empty", "empty"],
    ]) {
      await page.goto(site.url("news.example", path ?? ""));
      await assert.rejects(extension.call("memory.remember", { tab: await tab() }), { code });
    }
    await page.goto(site.url("login.example", "/cat"));
    await assert.rejects(extension.call("memory.remember", { tab: await tab() }), { code: "denied" });
  });

  test("a script in a page may hand over its own page, and ask nothing else", async () => {
    await page.goto(site.url("news.example", "/bread"));
    const codes = await extension.worker.evaluate(async () => {
      const [tab] = await chrome.tabs.query({ url: "http://news.example/*" });
      const [{ result } = { result: undefined }] = await chrome.scripting.executeScript({
        target: { tabId: tab?.id ?? 0 },
        func: async () => {
          /** @type {unknown[]} */
          const codes = [];
          const ask = async (/** @type {string} */ to, /** @type {string} */ name, /** @type {object} */ input) => {
            const answer = await chrome.runtime.sendMessage({ to, name, input, surroundings: {} }).catch(() => undefined);
            codes.push(answer?.error?.code ?? answer ?? null);
          };
          await ask("router", "memory.search", { query: "bread" });
          await ask("router", "settings.set", { mode: "all" });
          await ask("router", "memory.forgetAll", {});
          await ask("engine", "memory.recent", {});
          await ask("router", "memory.capture", { page: { url: "http://other.example/", title: "", html: "x" } });
          return codes;
        },
      });
      return result;
    });
    assert.deepEqual(codes, ["not-allowed", "not-allowed", "not-allowed", null, "not-allowed"]);
  });
});

describe("what is forgotten", () => {
  test("a page, a site, a span of time, everything", async () => {
    await read("/bread", "/law");
    await page.goto(site.url("cats.example", "/cat"));
    const recent = await extension.until("memory.recent", (pages) => pages.length === 3);
    await extension.until("memory.state", ({ waiting }) => waiting === 0);
    assert.equal(await extension.call("memory.forget", { ids: [site.url("news.example", "/law")] }), 1);
    assert.deepEqual(await extension.call("memory.search", { query: "landlord", mode: "words" }), []);
    assert.equal(await extension.call("memory.forget", { site: "news.example" }), 1);
    assert.deepEqual(await extension.call("memory.search", { query: "dough", mode: "words" }), []);
    assert.equal(await extension.call("memory.forget", { from: 0, to: recent[0].last }), 0);
    assert.equal(await extension.call("memory.forget", { from: recent[0].last, to: recent[0].last + 1 }), 1);
    assert.deepEqual(await extension.call("memory.search", { query: "kitten", mode: "words" }), []);
    await read("/bread");
    await extension.call("memory.forgetAll");
    assert.deepEqual(await extension.call("memory.search", { query: "dough", minScore: 0 }), []);
    assert.equal((await extension.call("memory.state")).pages, 0);
  });

  test("what waits, too", async () => {
    await extension.call("settings.set", { isPaused: true });
    await page.goto(site.url("news.example", "/bread"));
    const { pages: known } = await extension.until("memory.state", ({ waiting }) => waiting === 1);
    assert.equal(known, 0);
    assert.equal(await extension.call("memory.forget", { site: "news.example" }), 1);
    assert.equal((await extension.call("settings.set", { isPaused: false })).isPaused, false);
    assert.deepEqual(await extension.call("memory.recent"), []);
  });

  test("a copy brings it back, and a false copy changes nothing", async () => {
    await read("/bread", "/cat");
    const { file } = await extension.call("memory.export");
    await extension.call("memory.forgetAll");
    assert.deepEqual(await extension.call("memory.import", { file }), { pages: 2 });
    const [hit] = await extension.call("memory.search", { query: "how is a loaf baked?" });
    assert.equal(hit.title, "Sourdough");
    assert.equal((await extension.call("memory.recent")).length, 2);
    await extension.view.evaluate(async (name) => {
      const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle("copies");
      const text = await (await (await folder.getFileHandle(name)).getFile()).text();
      const writer = await (await folder.getFileHandle("false.jsonl", { create: true })).createWritable();
      await writer.write(text.replaceAll('"site":"news.example"', '"site":"other.example"'));
      await writer.close();
    }, file);
    await assert.rejects(extension.call("memory.import", { file: "false.jsonl" }), { code: "input-invalid" });
    assert.equal((await extension.call("memory.recent")).length, 2);
    const copies = () =>
      extension.view.evaluate(async () => {
        const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle("copies");
        const names = [];
        for await (const name of folder.keys()) names.push(name);
        return names.length;
      });
    assert.equal(await copies(), 2);
    // A view would have saved it by now.
    await extension.inEngine("{ const now = Date.now; Date.now = () => now() + 3_600_000; }");
    await extension.call("memory.forgetAll");
    assert.equal(await copies(), 0);
  });
});

describe("further sources", () => {
  test("bookmarks and open tabs, once they are switched on", async () => {
    await extension.worker.evaluate(() => chrome.bookmarks.create({ title: "Rye bread recipes", url: "http://rye.example/" }));
    await read("/law");
    const query = { query: "bread", mode: "words" };
    assert.deepEqual(await extension.call("memory.search", query), []);
    await extension.call("settings.set", { bookmarks: true, tabs: true });
    await page.goto(site.url("mail.example", "/bread"));
    const hits = await extension.until("memory.search", (hits) => hits.length === 1, query);
    assert.equal(hits[0].source, "bookmark");
    const [tab] = await extension.call("memory.search", { query: "sourdough", mode: "words" });
    assert.equal(tab.source, "tab");
    await extension.worker.evaluate(async () => {
      for (const { id } of await chrome.bookmarks.search("Rye")) await chrome.bookmarks.remove(id);
    });
    await extension.until("memory.search", (hits) => hits.length === 0, query);
  });
});
