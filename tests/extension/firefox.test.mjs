/** The extension in Firefox, where the engine is in the background page. */

import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { hasFirefox, launchFirefox } from "../browser/firefox.mjs";
import { copyWith, html, servePages } from "./harness.mjs";

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

/** @typedef {Awaited<ReturnType<typeof launchFirefox>>} Firefox */

/** @type {Firefox} */
let firefox;
/** @type {Awaited<ReturnType<Firefox["pageOf"]>>} */
let view;
/** @type {Awaited<ReturnType<typeof servePages>>} */
let site;
/** @type {string} */
let folder;

before(async () => {
  if (!hasFirefox) return;
  site = await servePages(pages);
  folder = copyWith("firefox", { hosts: ["http://*/*", "https://*/*"] });
  firefox = await launchFirefox({ "network.dns.localDomains": HOST });
  await firefox.install(folder);
  // The first-run page: Firefox lets nobody navigate to pages of extensions.
  view = await firefox.pageOf("moz-extension");
  await call("settings.set", { mode: "all", readSeconds: 0, pauseInBackground: false });
});
after(async () => {
  await firefox?.close();
  await site?.close();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

/** @param {string} name @param {object} [input] @returns {Promise<any>} */
async function call(name, input = {}) {
  const answer = await view.evaluate((message) => chrome.runtime.sendMessage(message), { to: "router", name, input });
  if (answer?.ok) return answer.value;
  throw Object.assign(new Error(answer?.error.message ?? "no answer"), { code: answer?.error.code });
}

/** @param {string} name @param {(value: any) => boolean} fits */
async function until(name, fits) {
  /** @type {any} */
  let value;
  for (let i = 0; i < 150; i += 1) {
    value = await call(name);
    if (fits(value)) return value;
    await sleep(100);
  }
  throw new Error(`${name} does not get there: ${JSON.stringify(value)}`);
}

test("Firefox: a page that was read is found by its meaning, and forgotten", { skip: !hasFirefox }, async () => {
  const reader = await firefox.newPage(site.url(HOST, "/bread"));
  await until("memory.state", ({ pages, waiting }) => pages === 1 && waiting === 0);
  await reader.close();
  const others = [await firefox.newPage(site.url(HOST, "/password")), await firefox.newPage(site.url(HOST, "/cat"))];
  await until("memory.state", ({ pages, waiting }) => pages === 2 && waiting === 0);
  for (const other of others) await other.close();
  const [hit] = await call("memory.search", { query: "how is a loaf baked?" });
  assert.equal(hit.title, "Sourdough");
  assert.equal(hit.passage, BREAD);
  assert.match(hit.link, /#:~:text=Let%20the%20dough/);
  assert.equal(await call("memory.forget", { site: HOST }), 2);
  assert.deepEqual(await call("memory.search", { query: "dough", mode: "words" }), []);
});

test(
  "Firefox: the find bar finds a passage by its meaning, under a strict policy, and leaves nothing",
  { skip: !hasFirefox },
  async () => {
    const reader = await firefox.newPage(site.url(HOST, "/find"));
    const tab = await view.evaluate(async (url) => (await chrome.tabs.query({ url }))[0]?.id, `http://${HOST}/*`);
    await call("find.start", { tab, query: "how is a loaf baked?" });
    /** What is in the page, and in the bar. */
    const look = async () => {
      const lit = await reader.evaluate(
        () => [...(CSS.highlights.get("felsic-find-current") ?? [])].map((range) => String(range)).join(""),
        undefined,
      );
      const bar = await view.evaluate(async (tabId) => {
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
      return { lit, ...bar };
    };
    let now = await look();
    for (let i = 0; i < 100 && (now.lit === "" || now.status !== ""); i += 1) {
      await sleep(100);
      now = await look();
    }
    assert.deepEqual(now, { lit: `${BREAD} ${MORE}`, count: now.count, status: "", size: "14px" });
    assert.match(now.count ?? "", /^1 of \d$/);
    await view.evaluate(async (tabId) => {
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
  },
);
