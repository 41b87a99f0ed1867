/** The extension in Firefox: its views, the memory, the find bar. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eventually } from "../support/patience.mjs";
import { click, close, fill, looks, shows, skip, startFirefox } from "./firefox-harness.mjs";
import { html } from "./harness.mjs";

const HOST = "news.example";
const BREAD = "Let the dough rest overnight in the fridge before you put it into a hot oven.";
// Each is long enough to be a passage by itself.
const MORE =
  "Steam in the first ten minutes keeps the crust soft. Flour, water, salt and a lively starter are all that you need, and patience.";
const LAW =
  "A tenant may withhold a part of the rent until the landlord has repaired the heating. The contract between both sides, and the civil code above it, say how much. Before that, a letter with a date has to be sent, and a copy of it should be kept for the court.";
const pages = {
  "/bread": html("Sourdough", `<main><h1>Sourdough</h1><p>${BREAD}</p></main>`),
  "/cat": html("Cats", "<p>The kitten dozes on the window sill while the afternoon sun shines.</p>"),
  "/find": html(
    "Find",
    `<p>${BREAD} ${MORE}</p><p>${LAW}</p>`,
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'">`,
  ),
  "/password": html("In", '<p>Welcome back to the club.</p><input type="password">'),
};

/** @type {import("./firefox-harness.mjs").FirefoxExtension} */
let started;
before(async () => {
  if (!skip) started = await startFirefox([HOST], pages);
});
after(() => started?.close());

test("Firefox: the first-run page and the options switch the memory on, and what is chosen stays", { skip }, async () => {
  const welcome = await started.open("welcome.html#again", 1000);
  await looks(welcome, "welcome");
  await click(welcome, "button", "Remember pages when I click");
  await shows(welcome, "main", "Pages are remembered when you click for it.");
  assert.equal((await started.call("settings.get")).mode, "click");
  await click(welcome, "button", "Remember all pages that I read");
  await shows(welcome, "main", "Pages that you read are remembered from now on.");
  assert.equal((await started.call("settings.get")).mode, "all");
  await close(welcome);
  const options = await started.open("options.html", 1000);
  await looks(options, "options");
  await click(options, "input[type=radio]", "click");
  await shows(options, "main", "A page is remembered when you click");
  await click(options, "input[type=radio]", "all");
  await shows(options, "main", "All pages that you have read are remembered");
  await fill(options, "Days until a page is forgotten", "180");
  await started.until("settings.get", ({ keepDays, mode }) => keepDays === 180 && mode === "all");
  await fill(options, "Allow a site", "app.example");
  await click(options, "button", "Allow");
  await shows(options, ".sites li", "app.example0 texts");
  assert.deepEqual((await started.call("settings.get")).bridged, ["app.example"]);
  await click(options, ".sites button", "Remove");
  await started.until("settings.get", ({ bridged }) => bridged.length === 0);
  await close(options);
  const again = await started.open("options.html", 360);
  await shows(again, "main", "All pages that you have read are remembered");
  const days = () => [...document.querySelectorAll("input")].map(({ value }) => value);
  assert.ok((await again.evaluate(days, undefined)).includes("180"));
  await looks(again, "options-phone");
  await close(again);
});

test("Firefox: the panel shows what was read, finds and forgets it; the sidebar opens a hit", { skip }, async () => {
  const panel = await started.open("panel.html");
  await shows(panel, "main", "Nothing yet");
  const reader = await started.firefox.newPage(started.site.url(HOST, "/bread"));
  await started.until("memory.state", ({ pages, waiting }) => pages === 1 && waiting === 0);
  await shows(panel, ".recent a", "Sourdough");
  await fill(panel, "Search what you have read", "how is a loaf baked");
  await shows(panel, "article", BREAD);
  await looks(panel, "panel");
  await reader.close();

  // As the toolbar's button does: Firefox opens it in the answer to a click alone.
  await panel.evaluate(() => {
    addEventListener("click", () => void (/** @type {any} */ (chrome).sidebarAction.open()), { once: true });
  }, undefined);
  await panel.click({ x: 2, y: 2 });
  const sidebar = await started.view.evaluate(async (query) => {
    const views = () => /** @type {any[]} */ (chrome.extension.getViews(/** @type {any} */ ({ type: "sidebar" })));
    /** Waits for something there. @param {string} selector */
    const find = async (selector) => {
      for (let i = 0; i < 500; i += 1) {
        const found = views()[0]?.document.querySelector(selector);
        if (found) return found;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      throw new Error(`no ${selector}: ${views()[0]?.document.body.textContent}`);
    };
    const field = await find("input[type=search]");
    field.value = query;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    const hit = await find("article a");
    const { document, innerWidth } = views()[0];
    const { textContent: text } = await find("article");
    const tab = await chrome.tabs.create({ url: "about:blank" });
    hit.click();
    for (let i = 0; i < 500; i += 1) {
      const { id, url, status } = await chrome.tabs.get(tab.id ?? 0);
      if (url?.startsWith("http") && status === "complete") {
        await chrome.tabs.remove(id ?? 0);
        return { text, url, wide: document.documentElement.scrollWidth - innerWidth, place: document.body.dataset.place };
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error("the hit is not opened");
  }, "how is a loaf baked");
  assert.match(sidebar.text, /Let the dough rest/);
  assert.match(sidebar.url, /\/bread/);
  assert.ok(sidebar.wide <= 0, `the sidebar is ${sidebar.wide} pixels too wide`);
  assert.equal(sidebar.place, undefined);

  await click(panel, "article button", "Forget page");
  await shows(panel, "main", `1 page of ${HOST} forgotten.`);
  assert.deepEqual(await started.call("memory.recent"), []);
  await close(panel);
  const query = await started.open("panel.html?q=kitten");
  await shows(query, "main", "Nothing fits");
  await close(query);
});

test("Firefox: a page that was read is found by its meaning, and forgotten", { skip }, async () => {
  const reader = await started.firefox.newPage(started.site.url(HOST, "/bread"));
  await started.until("memory.state", ({ pages, waiting }) => pages === 1 && waiting === 0);
  await reader.close();
  const others = [
    await started.firefox.newPage(started.site.url(HOST, "/password")),
    await started.firefox.newPage(started.site.url(HOST, "/cat")),
  ];
  await started.until("memory.state", ({ pages, waiting }) => pages === 2 && waiting === 0);
  for (const other of others) await other.close();
  const [hit] = await started.call("memory.search", { query: "how is a loaf baked?" });
  assert.equal(hit.title, "Sourdough");
  assert.equal(hit.passage, BREAD);
  assert.match(hit.link, /#:~:text=Let%20the%20dough/);
  assert.equal(await started.call("memory.forget", { site: HOST }), 2);
  assert.deepEqual(await started.call("memory.search", { query: "dough", mode: "words" }), []);
});

test("Firefox: the find bar finds a passage by its meaning, under a strict policy, and leaves nothing", { skip }, async () => {
  const reader = await started.firefox.newPage(started.site.url(HOST, "/find"));
  const tab = await started.view.evaluate(async (url) => (await chrome.tabs.query({ url }))[0]?.id, `http://${HOST}/*`);
  await started.call("find.start", { tab, query: "how is a loaf baked?" });
  /** What is in the page, and in the bar. */
  const look = async () => {
    // The bar first: what is lit when it has no more to say is not lit by words alone.
    const bar = await started.view.evaluate(async (tabId) => {
      const [done] = await chrome.scripting.executeScript({
        target: { tabId: tabId ?? 0 },
        func: () => {
          const host = document.querySelector("felsic-find");
          const root = /** @type {any} */ (host)?.openOrClosedShadowRoot;
          const text = (/** @type {string} */ selector) => root?.querySelector(selector)?.textContent;
          const size = root && getComputedStyle(root.querySelector("input")).fontSize;
          return root ? { count: text("output"), status: text(".status"), size } : undefined;
        },
      });
      return done?.result;
    }, tab);
    const lit = await reader.evaluate(
      () => [...(CSS.highlights.get("felsic-find-current") ?? [])].map((range) => String(range)).join(""),
      undefined,
    );
    return { lit, ...bar };
  };
  const now = await eventually(look, ({ lit, status }) => lit !== "" && status === "", 100);
  assert.deepEqual(now, { lit: `${BREAD} ${MORE}`, count: now.count, status: "", size: "14px" });
  assert.match(now.count ?? "", /^1 of \d$/);
  await started.view.evaluate(async (tabId) => {
    await chrome.scripting.executeScript({
      target: { tabId: tabId ?? 0 },
      func: () => {
        const root = /** @type {any} */ (document.querySelector("felsic-find")).openOrClosedShadowRoot;
        root.querySelector("button[aria-label=Close]").click();
      },
    });
  }, tab);
  assert.deepEqual(await look(), { lit: "" });
  const left = await reader.evaluate(
    () => [CSS.highlights.size, document.querySelectorAll("style, felsic-find").length],
    undefined,
  );
  assert.deepEqual(left, [0, 0]);
  await reader.close();
});
