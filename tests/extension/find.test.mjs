/** The find bar in Chromium: passages of the page in front by their meaning, and no trace of it afterwards. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { eventually } from "../support/patience.mjs";
import { html, servePages, startExtension } from "./harness.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core"), "utf8");

// Each is long enough to be a passage by itself.
const BREAD =
  "Let the dough rest overnight in the fridge before you put it into a very hot oven. Steam in the first ten minutes keeps the crust soft, so that it can rise. Flour, water, salt and a lively starter are all that you need for it, and plenty of patience.";
const LAW =
  "A tenant may withhold a part of the rent until the landlord has repaired the heating. The contract between both sides, and the civil code above it, say how much. Before that, a letter with a date has to be sent, and a copy of it should be kept for the court.";
const CAT =
  "The kitten dozes on the window sill while the afternoon sun shines. Later it will chase a ball of wool through all of the rooms, knock over a vase, and then look as if nothing at all had happened. Its whiskers tremble when a sparrow lands outside of the glass.";
const LIGHT =
  "At night its lamp turned slowly above the rocks, and captains on the dark sea knew by the rhythm of the beam which part of the coast they had before them. A keeper climbed two hundred steps each evening, filled the reservoir with oil and wound up the clockwork.";
const STAR =
  "Through the telescope the rings of the planet could be seen at once, thin and bright, and beside them four of the moons in a straight line. The astronomer drew them in the notebook, wrote down the hour, and waited for the next clear sky with growing impatience.";
const WAX =
  "Each comb that the insects build has walls thinner than paper, and six corners in every cell. The old woman with the veil lifts the frames out of the hive one by one, looks for the queen, and leaves enough of the golden store for the cold months of the year.";

const POLICY =
  "default-src 'none'; frame-src 'self'; style-src 'sha256-none' 'unsafe-hashes'; require-trusted-types-for 'script'; trusted-types 'none'";
const HOSTILE =
  "felsic-find, html > :not(head, body) { display: none !important; opacity: 0 !important } input, button, select, div, p { font-size: 40px !important; color: red !important } .bar { display: none }";
const filler = '<div style="height: 1500px"></div>';
const body = (
  /** @type {string} */ more,
) => `<main><h1>Reading</h1><p>${BREAD}</p><p>${LAW}</p><p hidden>An unseen baker's loaf.</p>
  <input value="loaf of bread"><p>${CAT.replace(". ", ".\n     ").replace("kitten", "<b>kitten</b>")}</p>${more}</main>`;

const pages = {
  "/deep": html(
    "Deep",
    body(`<x-box><template shadowrootmode="open"><p>${LIGHT}</p><slot></slot></template><p>${WAX}</p></x-box>${filler}
      <iframe src="/frame" title="Stars" width="400" height="300"></iframe>`),
  ),
  "/frame": html("Frame", `${filler}<p>${STAR}</p>${filler}`),
  "/strict": html("Strict", body(""), `<meta http-equiv="Content-Security-Policy" content="${POLICY}">`),
  "/hostile": html("Hostile", body(""), `<style>${HOSTILE}</style>`),
};

/** @type {Awaited<ReturnType<typeof servePages>>} */
let site;
/** @type {import("./harness.mjs").Extension} */
let extension;
/** @type {import("playwright-core").Page} */
let page;

before(async () => {
  site = await servePages(pages);
  extension = await startExtension({ hosts: ["http://*/*", "https://*/*"], permissions: ["tabs", "contextMenus"] });
  page = await extension.context.newPage();
});
after(async () => {
  await extension?.close();
  await site?.close();
});

/** Opens a page and its find bar, as the key does. @param {string} path @param {string} [query] */
async function find(path, query) {
  await page.goto(site.url("news.example", path));
  await page.bringToFront();
  await start(query);
  return barOf(page);
}

/** @param {string} [query] */
async function start(query) {
  const [tab] = await extension.worker.evaluate(() => chrome.tabs.query({ url: "http://news.example/*" }));
  await extension.call("find.start", { tab: tab?.id, ...(query !== undefined && { query }) });
}

/** Looks into the bar from the extension's own world: pages, and therefore tests, see nothing of it. @param {import("playwright-core").Page} of */
async function barOf(of) {
  const devtools = await extension.context.newCDPSession(of);
  const { frameTree } = await devtools.send("Page.getFrameTree");
  /** @type {number[]} */
  const worlds = [];
  devtools.on("Runtime.executionContextCreated", ({ context: { id, origin, auxData } }) => {
    if (origin.startsWith("chrome-extension:") && auxData?.frameId === frameTree.frame.id) worlds.push(id);
  });
  await devtools.send("Runtime.enable");
  /** @param {string} expression with `root` @returns {Promise<any>} */
  const evaluate = (expression) =>
    run(
      `(async () => { const host = document.querySelector("felsic-find"), root = host && chrome.dom.openOrClosedShadowRoot(host); return ${expression}; })()`,
    );
  /** @param {string} expression */
  const run = async (expression) => {
    const [contextId] = worlds;
    if (contextId === undefined) throw new Error("the extension is not in the page");
    const answer = await devtools.send("Runtime.evaluate", { contextId, expression, awaitPromise: true, returnByValue: true });
    if (answer.exceptionDetails) throw new Error(answer.exceptionDetails.exception?.description);
    return answer.result.value;
  };
  const shown = () =>
    evaluate(
      "({ count: root.querySelector('output').textContent, status: root.querySelector('.status').textContent, again: !root.querySelector('.below button').hidden })",
    );
  return {
    evaluate,
    run,
    shown,
    /** Waits until the bar shows something. @param {(shown: { count: string, status: string, again: boolean }) => boolean} fits */
    async until(fits) {
      const now = await eventually(shown, fits);
      assert.ok(fits(now), `the bar does not get there: ${JSON.stringify(now)}`);
      return now;
    },
    /** Chooses from a list. @param {string} label @param {string} value */
    choose: (label, value) =>
      evaluate(
        `(() => { const list = root.querySelector("select[aria-label='${label}']"); list.value = "${value}"; list.dispatchEvent(new Event("change")); })()`,
      ),
    /** Types a query and waits for its passages. @param {string} query */
    async search(query) {
      await evaluate("(root.querySelector('input').focus(), root.querySelector('input').select())");
      await page.keyboard.type(query);
      await page.waitForTimeout(250);
      return this.until(({ count, status }) => / of /.test(count) && status === "");
    },
  };
}

/** What is lit up in a frame. @param {string} name */
const lit = (name, frame = page.mainFrame()) =>
  frame.evaluate(
    (name) =>
      [...(CSS.highlights.get(name) ?? [])].map((range) => `${/** @type {Range} */ (range).toString().replace(/\s+/g, " ")}`),
    name,
  );

const CURRENT = "felsic-find-current";

/** Waits until a passage is the current one. @param {string} text */
async function lights(text, frame = page.mainFrame()) {
  const current = async () => (await lit(CURRENT, frame)).join("");
  assert.equal(await eventually(current, (now) => now === text), text);
}

test("passages are found by their meaning, also in shadow roots and frames, lit up exactly, and stepped through", async () => {
  const bar = await find("/deep");
  const before = await page.content();
  await bar.choose("Find by", "meaning");
  await bar.search("how is a loaf baked?");
  // A heading goes with what is below it.
  await lights(`Reading${BREAD}`);
  await bar.search("a playful young cat");
  // A passage that goes over several nodes.
  await lights(CAT);
  await bar.search("a tower that guides ships");
  await lights(LIGHT);
  assert.equal(
    await page.evaluate(
      () => [...(CSS.highlights.get("felsic-find-current") ?? [])][0]?.startContainer.getRootNode() instanceof ShadowRoot,
    ),
    true,
  );
  // In a slot, which has no box of its own.
  await bar.search("the queen of the hive");
  await lights(WAX);
  const frame = page.frames()[1];
  assert.ok(frame);
  await bar.search("astronomy: planets and moons");
  await lights(STAR, frame);
  await page.waitForFunction(() => {
    const box = document.querySelector("iframe")?.getBoundingClientRect();
    return box && box.top < innerHeight && box.bottom > 0;
  });
  await frame.waitForFunction(() => scrollY > 500);
  assert.equal(await page.content(), before);
});

test("keys go on and back, and the order can be that of the page", async () => {
  const bar = await find("/deep");
  await bar.search("tenant kitten dough");
  const { count } = await bar.shown();
  const most = Number(count.split(" ")[2]);
  assert.ok(most >= 3, count);
  const first = await lit(CURRENT);
  await page.keyboard.press("Enter");
  assert.equal((await bar.shown()).count, `2 of ${most}`);
  assert.notDeepEqual(await lit(CURRENT), first);
  await page.keyboard.press("Shift+Enter");
  await page.keyboard.press("Shift+F3");
  assert.equal((await bar.shown()).count, `${most} of ${most}`);
  await page.keyboard.press("F3");
  assert.deepEqual(await lit(CURRENT), first);
  const words = await lit("felsic-find-words");
  for (const word of ["dough", "tenant", "kitten"]) assert.ok(words.map((text) => text.toLowerCase()).includes(word), word);
  await bar.choose("Order", "page");
  const start = await bar.shown();
  const at = Number(start.count.split(" ")[0]);
  for (let i = at; i !== 1; i -= 1) await page.keyboard.press("Shift+F3");
  assert.deepEqual(await lit(CURRENT), ["Reading", BREAD]);
});

test("closing it leaves nothing: in the page, in the engine, on the disk", async () => {
  await page.goto(site.url("news.example", "/deep"));
  await page.evaluate(() => document.querySelector("input")?.focus());
  const before = await page.evaluate(() => document.documentElement.outerHTML);
  await start();
  const bar = await barOf(page);
  await bar.search("tenant");
  const ask = (/** @type {string} */ request) =>
    bar.evaluate(`chrome.runtime.sendMessage({ to: "router", name: "find.ask", input: { document: "any", ${request} } })`);
  await page.keyboard.press("Escape");
  const left = await page.evaluate(() => ({
    html: document.documentElement.outerHTML,
    highlights: CSS.highlights.size,
    sheets: document.adoptedStyleSheets.length,
    focus: document.activeElement?.localName,
  }));
  assert.deepEqual(left, { html: before, highlights: 0, sheets: 0, focus: "input" });
  assert.equal(await page.evaluate(() => document.querySelector("x-box")?.shadowRoot?.adoptedStyleSheets.length), 0);
  assert.equal((await ask('do: "state"')).error.code, "not-read");
  const stored = await extension.view.evaluate(async () => {
    const folder = await navigator.storage.getDirectory();
    const names = [];
    for await (const name of folder.keys()) names.push(name);
    return { names, local: Object.keys(await chrome.storage.local.get()), session: await chrome.storage.session.get() };
  });
  assert.deepEqual(
    stored.names.filter((name) => name.includes("find")),
    [],
  );
  assert.deepEqual(stored.local, ["settings"]);
  assert.deepEqual(stored.session, {});
});

test("without adopted sheets it has its style in elements, and leaves none behind", async () => {
  const bar = await find("/hostile");
  await page.keyboard.press("Escape");
  await bar.run("globalThis.CSSStyleSheet = class { constructor() { throw new Error('not here'); } }; 0");
  const styles = () => page.locator("style").count();
  const before = await styles();
  await start("landlord");
  await bar.until(({ count }) => / of /.test(count));
  assert.equal(await bar.evaluate("getComputedStyle(root.querySelector('input')).fontSize"), "14px");
  assert.equal(await styles(), before + 1);
  await page.keyboard.press("Escape");
  assert.equal(await styles(), before);
});

test("it stands in pages with a strict policy, and with rules against it; axe finds nothing", async () => {
  /** @type {string[]} */
  const errors = [];
  page.on("console", (message) => void (message.type() === "error" && errors.push(message.text())));
  for (const path of ["/strict", "/hostile"]) {
    const bar = await find(path, "tenant");
    await bar.until(({ count }) => / of /.test(count));
    await lights(LAW);
    const style = await bar.evaluate(
      "(({ width, height }, { fontSize, color }) => ({ isSeen: width > 300 && height > 50, fontSize, color }))(root.querySelector('.bar').getBoundingClientRect(), getComputedStyle(root.querySelector('input')))",
    );
    await page.setViewportSize({ width: 360, height: 700 });
    const narrow = await bar.evaluate(
      "[...root.querySelectorAll('.row')[0].children].map((child) => child.getBoundingClientRect()).every(({ top, right }, i, all) => right <= innerWidth && top < all[0].bottom)",
    );
    assert.ok(narrow, "the first row does not fit 360 pixels");
    await page.setViewportSize({ width: 1280, height: 720 });
    assert.deepEqual(style, { isSeen: true, fontSize: "14px", color: "rgb(32, 28, 25)" }, path);
    for (const colorScheme of /** @type {const} */ (["dark", "light"])) {
      await page.emulateMedia({ colorScheme });
      await bar.run(`${axe};0`);
      await bar.evaluate('Object.defineProperty(host, "shadowRoot", { value: root, configurable: true }) && 0');
      const found = await bar.evaluate(
        "axe.run(host).then(({ violations, passes }) => ({ passes: passes.length, violations: violations.map(({ id, nodes }) => id + ': ' + nodes[0].html) }))",
      );
      assert.ok(found.passes > 5);
      assert.deepEqual(found.violations, [], colorScheme);
    }
  }
  assert.deepEqual(errors, []);
});

test("a page that has changed is read again, and so is one that the engine has lost", async () => {
  const bar = await find("/deep");
  await bar.search("tenant");
  await page.evaluate(
    (text) => document.querySelector("main")?.append(document.createElement("hr"), text),
    STAR.replace("telescope", "spyglass"),
  );
  await bar.until(({ status, again }) => status === "The page has changed." && again);
  await bar.search("spyglass");
  assert.match((await lit(CURRENT)).join(""), /^Through the spyglass/);
  await extension.killEngine();
  await bar.search("landlord");
  await lights(LAW);
});

/** Has the browser's event happen, which a test cannot cause. @param {"key" | "menu"} by */
const happens = (by) =>
  extension.worker.evaluate(async (by) => {
    const [tab] = await chrome.tabs.query({ url: "http://news.example/*" });
    /** @typedef {{ dispatch(...values: unknown[]): void }} Event */
    const [key, menu] = /** @type {Event[]} */ (
      /** @type {unknown} */ ([chrome.commands.onCommand, chrome.contextMenus.onClicked])
    );
    if (by === "key") key?.dispatch("find-on-page", tab);
    else menu?.dispatch({ menuItemId: "find", selectionText: "landlord" }, tab);
  }, by);

test("the key opens it, and the context menu with what is selected", async () => {
  await page.goto(site.url("news.example", "/strict"));
  await happens("key");
  await page.waitForSelector("felsic-find", { state: "attached" });
  const bar = await barOf(page);
  await happens("menu");
  await bar.until(({ count, status }) => / of /.test(count) && status === "");
  assert.equal(await bar.evaluate("root.querySelector('input').value"), "landlord");
  assert.equal(await page.locator("felsic-find").count(), 1);
  await lights(LAW);
});

test("pages that let no extension in are named", async () => {
  const tabs = await extension.worker.evaluate(() => chrome.tabs.query({ url: "chrome-extension://*/*" }));
  await assert.rejects(extension.call("find.start", { tab: tabs[0]?.id }), {
    code: "not-allowed",
    message: /one of the browser's own/,
  });
  // One without the usual ending, in the browser's viewer.
  const pdf =
    "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj 3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]>>endobj trailer<</Root 1 0 R>>";
  await page.route("**/paper", (route) => route.fulfill({ contentType: "application/pdf", body: pdf }));
  await page.goto(site.url("news.example", "/paper"));
  assert.equal(await page.evaluate(() => document.contentType), "application/pdf");
  await assert.rejects(start(), { code: "not-allowed", message: /PDF viewer/ });
  await page.goto(site.url("news.example", "/paper.pdf"));
  await assert.rejects(start(), { code: "not-allowed", message: /PDF viewer/ });
  await happens("key");
  await extension.view.getByRole("alert").filter({ hasText: "The browser's own PDF viewer lets no extension read" }).waitFor();
});
