/** `<felsic-search>`: keys, what screen readers hear, words before meaning, metered lines, hostile results, strict policies. */

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { writePage } from "../../pkg/bundle.mjs";
import { still } from "../support/patience.mjs";
import { hasFirefox, launchFirefox } from "./firefox.mjs";
import { launch } from "./harness.mjs";
import { Server } from "./server.mjs";

/** @typedef {import("playwright-core").Page} Page */
/** @typedef {import("../../pkg/dist/types/search-box.js").BoxHit} BoxHit */

/** What box.js puts on the page. */
/** @typedef {any} Fake */

/** @type {string} */
let folder;
/** @type {Server} */
let server;
/** @type {Awaited<ReturnType<typeof launch>>} */
let browser;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "felsic-box-"));
  await writePage("search-box", folder, []);
  server = await Server.start({ "/": [folder, import.meta.dirname] });
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await server?.close();
  rmSync(folder, { recursive: true, force: true });
});

/**
 * A page with the box.
 *
 * `stopped` stops its clock: timers fire in `pass` alone, however busy the machine is.
 *
 * @param {{ url?: string, saveData?: boolean, stopped?: boolean, context?: import("playwright-core").BrowserContextOptions, from?: import("playwright-core").BrowserContext }} [options]
 */
async function boxPage({ url = server.url("/box.html"), saveData = false, stopped = false, context, from } = {}) {
  const own = from ?? (await browser.newContext(context));
  const page = await own.newPage();
  if (stopped) await page.clock.install({ time: 0 });
  /** @type {string[]} */
  const errors = [];
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  page.on("pageerror", (error) => errors.push(String(error)));
  if (saveData) await page.addInitScript(() => Object.defineProperty(navigator, "connection", { value: { saveData: true } }));
  await page.goto(url);
  await page.waitForFunction(() => "box" in globalThis);
  if (stopped) await page.clock.pauseAt(3_600_000);
  return {
    page,
    /** Lets time pass on a page whose clock is stopped. @param {number} milliseconds */
    pass: (milliseconds) => page.clock.runFor(milliseconds),
    errors,
    context: own,
    /** @param {(fake: Fake) => unknown} work */
    fake: (work) => page.evaluate(`(${work})(globalThis.fake)`),
    input: page.getByRole("combobox"),
    options: page.getByRole("option"),
    /** The titles of the results, that of the selected one in brackets. */
    titles: () =>
      page.getByRole("option").evaluateAll((options) =>
        options.map((option) => {
          const title = option.querySelector(".title")?.textContent?.replace("Document ", "") ?? "";
          return option.getAttribute("aria-selected") === "true" ? `[${title}]` : title;
        }),
      ),
    close: () => (from ? page.close() : own.close()),
  };
}

/** Milliseconds after the last key within which the box has begun to search. */
const PAUSE = 200;

/** Waits until a number of results is shown. @param {Page} page @param {number} count */
const results = (page, count) =>
  page.waitForFunction((count) => globalThis.box.shadowRoot.querySelectorAll('[role="option"]').length === count, count);

test("the dialog opens by a click, by / and by Ctrl-K, not while someone writes, and gives the focus back", async () => {
  const { page, input, close } = await boxPage();
  const dialog = page.getByRole("dialog");
  const button = page.getByRole("button", { name: "Search" });
  await button.click();
  await dialog.waitFor();
  assert.equal(await input.evaluate((input) => globalThis.box.shadowRoot.activeElement === input), true);
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "hidden" });
  assert.equal(await page.evaluate(() => document.activeElement?.tagName), "FELSIC-SEARCH");

  await page.locator("#field").focus();
  await page.keyboard.type("a/b");
  assert.equal(await page.locator("#field").inputValue(), "a/b");
  assert.equal(await dialog.isVisible(), false);
  await page.keyboard.press("Control+k");
  await dialog.waitFor();
  // The same keys close it, and / is a character in its own field.
  await page.keyboard.type("a/b");
  assert.equal(await input.inputValue(), "a/b");
  await page.keyboard.press("Control+k");
  await dialog.waitFor({ state: "hidden" });
  assert.equal(await page.evaluate(() => document.activeElement?.id), "field");

  await page.evaluate(() => /** @type {HTMLElement} */ (document.activeElement).blur());
  await page.keyboard.press("/");
  await dialog.waitFor();
  assert.equal(await input.inputValue(), "a/b");
  // Behind the dialog nothing can have the focus.
  for (let i = 0; i < 6; i += 1) {
    await page.keyboard.press("Tab");
    assert.match((await page.evaluate(() => document.activeElement?.tagName)) ?? "", /^(FELSIC-SEARCH|BODY)$/);
  }
  await page.mouse.click(4, 400);
  await dialog.waitFor({ state: "hidden" });
  await close();
});

test("the keys walk through the results, and Enter follows a link", async () => {
  const { page, input, titles, fake, close } = await boxPage();
  await fake((fake) => (fake.bytes = 0));
  await fake((fake) => (fake.hits.hybrid = [..."abcdefg"].map((id) => fake.hit(id))));
  await page.keyboard.press("/");
  await page.keyboard.insertText("undo");
  await results(page, 7);
  assert.deepEqual(await titles(), ["[a]", "b", "c", "d", "e", "f", "g"]);
  const selected = async () => (await titles()).find((title) => title.startsWith("["));
  /** @type {[string, string][]} */
  const walk = [
    ["ArrowDown", "[b]"],
    ["ArrowUp", "[a]"],
    ["ArrowUp", "[g]"],
    ["ArrowDown", "[a]"],
    ["PageDown", "[f]"],
    ["PageDown", "[g]"],
    ["PageUp", "[b]"],
    ["Control+End", "[g]"],
    ["Control+Home", "[a]"],
    ["ArrowDown", "[b]"],
  ];
  for (const [key, expected] of walk) {
    await page.keyboard.press(key);
    assert.equal(await selected(), expected, key);
    const active = await input.getAttribute("aria-activedescendant");
    assert.equal(await page.locator(`#${active} .title`).textContent(), `Document ${expected.slice(1, -1)}`);
  }
  // Home and End alone are the field's.
  await page.keyboard.press("Home");
  assert.equal(await input.evaluate((input) => /** @type {HTMLInputElement} */ (input).selectionStart), 0);
  assert.equal(await selected(), "[b]");
  const [other] = await Promise.all([page.context().waitForEvent("page"), page.keyboard.press("Control+Enter")]);
  assert.match(other.url(), /\/b\.html/);
  assert.equal(await page.getByRole("dialog").isVisible(), true);
  await other.close();
  await Promise.all([page.waitForURL(/\/b\.html/), page.keyboard.press("Enter")]);
  await close();
});

test("a page can follow links itself, and a click selects what is under the pointer", async () => {
  const { page, fake, titles, close } = await boxPage();
  await fake((fake) => (fake.bytes = 0));
  await page.evaluate(() => {
    globalThis.chosen = [];
    globalThis.box.addEventListener("felsic-search-select", (/** @type {any} */ event) => {
      event.preventDefault();
      globalThis.chosen.push(event.detail.hit.id, event.detail.url);
    });
  });
  await page.keyboard.press("/");
  await page.keyboard.insertText("undo");
  await results(page, 3);
  await page.getByRole("option").nth(2).hover();
  assert.deepEqual(await titles(), ["d", "b", "[e]"]);
  await page.getByRole("option").nth(1).click();
  assert.match(page.url(), /box\.html$/);
  const chosen = /** @type {string[]} */ (await page.evaluate("globalThis.chosen"));
  assert.equal(chosen[0], "b");
  assert.match(chosen[1] ?? "", /\/b\.html#:~:text=To%20undo%20the%20last%20commit%20and$/);
  assert.equal(await page.getByRole("dialog").isVisible(), false);
  await close();
});

test("screen readers hear a combobox, its results and how many there are", async () => {
  const { page, input, fake, close } = await boxPage();
  await fake((fake) => (fake.bytes = 0));
  await page.keyboard.press("/");
  assert.equal(await input.getAttribute("aria-expanded"), "false");
  await page.keyboard.insertText("undo");
  await results(page, 3);
  const tree = await page.getByRole("dialog", { name: "Search" }).ariaSnapshot();
  for (const line of [
    '- combobox "Search by word or meaning" [expanded]',
    '- listbox "Results"',
    '- option "Document d Branches › Undoing To undo the last commit',
    "[selected]",
    "- status: 3 results",
    '- button "Close"',
  ]) {
    assert.ok(tree.includes(line), `${line} is not in\n${tree}`);
  }
  await input.fill("nothing");
  await page.getByRole("status").filter({ hasText: "Nothing found for “nothing”." }).waitFor();
  assert.equal(await input.getAttribute("aria-expanded"), "false");
  assert.equal(await input.getAttribute("aria-activedescendant"), null);
  await close();
});

test("axe finds nothing wrong: empty, with results, asking, failed; light and dark", async () => {
  const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
    const { page, fake, close } = await boxPage({ saveData: true, context: { colorScheme } });
    await page.evaluate(axe);
    const check = async (/** @type {string} */ what) => {
      await still(page);
      const { violations } = /** @type {any} */ (await page.evaluate("axe.run()"));
      const found = violations.map(
        (/** @type {any} */ { id, nodes }) => `${id}: ${nodes.map((/** @type {any} */ node) => node.html).join(" ")}`,
      );
      assert.deepEqual(found, [], `${colorScheme}, ${what}`);
    };
    await check("closed");
    await page.keyboard.press("/");
    await check("empty");
    await page.keyboard.insertText("undo");
    await results(page, 3);
    await check("asking");
    await fake((fake) => (fake.fails.prepare = "there is no network"));
    await page.getByRole("button", { name: "Download" }).click();
    await page.getByText("there is no network").waitFor();
    await check("failed");
    await fake((fake) => (fake.fails = {}));
    await page.getByRole("button", { name: "Try again" }).click();
    await page.waitForFunction(() => globalThis.fake.loading !== undefined);
    await fake((fake) => fake.loading.finish());
    await results(page, 5);
    await check("merged");
    await close();
  }
});

test("words come at once, meaning below them when it is there, and the selected result stays", async () => {
  const { page, titles, fake, errors, close } = await boxPage();
  await page.keyboard.press("/");
  await page.keyboard.insertText("undo");
  await results(page, 3);
  await page.getByText("Fetching 8.3 MB for search by meaning: 0%").waitFor();
  await fake((fake) => fake.loading.report(0.42));
  await page.getByText("Fetching 8.3 MB for search by meaning: 42%").waitFor();
  await page.keyboard.press("ArrowDown");
  const place = () => page.getByRole("option").nth(1).boundingBox();
  const before = await place();
  await fake((fake) => fake.loading.finish());
  await results(page, 5);
  assert.deepEqual(await titles(), ["a", "[b]", "c", "d", "e"]);
  assert.deepEqual((await place())?.y, before?.y);
  await page.getByRole("status").filter({ hasText: "5 results" }).waitFor();
  assert.match(await page.getByRole("listbox").ariaSnapshot(), /group "By meaning"/);
  // The next query is answered by both, in their order.
  await page.keyboard.insertText("ne");
  await page.getByRole("status").filter({ hasText: "3 results" }).waitFor();
  assert.deepEqual(await titles(), ["[d]", "b", "e"]);
  assert.deepEqual(await fake((fake) => fake.log), ["prepare", "words: undo", "hybrid: undo", "hybrid: undone"]);
  // If meaning is slow, words do not wait for it.
  await fake((fake) => {
    fake.gate = new Promise((resolve) => (fake.letGo = () => resolve(undefined)));
  });
  await page.getByRole("combobox").fill("slow");
  await page.getByRole("option", { name: "Document a" }).waitFor();
  assert.deepEqual(await titles(), ["[a]", "b", "c"]);
  await fake((fake) => fake.letGo());
  await results(page, 5);
  assert.deepEqual(errors, []);
  await close();
});

test("only what was typed last is searched, and stale answers are dropped", async () => {
  const { page, pass, titles, fake, input, close } = await boxPage({ stopped: true });
  await fake((fake) => (fake.bytes = 0));
  await page.keyboard.press("/");
  await page.waitForFunction(() => globalThis.fake.log.includes("prepare"));
  for (const key of "undo") {
    await page.keyboard.type(key);
    await pass(10);
  }
  await pass(PAUSE);
  await results(page, 3);
  assert.deepEqual(await fake((fake) => fake.log.slice(1)), ["hybrid: undo"]);
  await fake((fake) => (fake.delay.hybrid = 250));
  await input.fill("first");
  await pass(PAUSE);
  assert.deepEqual(await fake((fake) => fake.log.at(-1)), "hybrid: first");
  await fake((fake) => (fake.delay.hybrid = 0));
  await fake((fake) => (fake.hits.hybrid = [fake.hit("z")]));
  await input.fill("second");
  await pass(PAUSE);
  await results(page, 1);
  await pass(250);
  assert.deepEqual(await fake((fake) => fake.log.slice(2)), ["hybrid: first", "hybrid: second", "aborted: first"]);
  assert.deepEqual(await titles(), ["[z]"]);
  await input.fill("");
  await page.getByText("Search in 2,043 pages.").waitFor();
  await results(page, 0);
  await close();
});

test("what is chosen while further results are on their way stays chosen, if they have it", async () => {
  const { page, pass, titles, fake, input, close } = await boxPage({ stopped: true });
  await fake((fake) => (fake.bytes = 0));
  await fake((fake) => (fake.hits.hybrid = [..."abcdefg"].map((id) => fake.hit(id))));
  await page.keyboard.press("/");
  await page.waitForFunction(() => globalThis.fake.log.includes("prepare"));
  // As slowly as people type: the beginning of the query is searched by itself.
  await page.keyboard.type("und");
  await pass(PAUSE);
  await results(page, 7);
  await fake((fake) => (fake.hits.hybrid = [..."cba"].map((id) => fake.hit(id))));
  await fake((fake) => (fake.delay.hybrid = 150));
  await page.keyboard.type("o");
  await pass(PAUSE);
  await page.keyboard.press("ArrowDown");
  const chosen = await input.getAttribute("aria-activedescendant");
  await pass(150);
  await results(page, 3);
  assert.deepEqual(await titles(), ["c", "[b]", "a"]);
  assert.equal(await input.getAttribute("aria-activedescendant"), chosen);

  // A pointer chooses as well, and a click that began before the results came counts.
  await fake((fake) => (fake.hits.hybrid = [..."acd"].map((id) => fake.hit(id))));
  await page.keyboard.type(" x");
  await page.getByRole("option", { name: "Document a" }).hover();
  await pass(PAUSE + 150);
  await page.getByRole("option", { name: "Document d" }).waitFor();
  assert.deepEqual(await titles(), ["[a]", "c", "d"]);

  // What has been chosen and is not found any more is nothing to stay at; and who types on chooses anew.
  await fake((fake) => (fake.hits.hybrid = [..."ef"].map((id) => fake.hit(id))));
  await page.keyboard.type("y");
  await page.keyboard.press("ArrowDown");
  await pass(PAUSE + 150);
  await results(page, 2);
  assert.deepEqual(await titles(), ["[e]", "f"]);
  await page.keyboard.press("ArrowDown");
  await fake((fake) => (fake.hits.hybrid = [..."gef"].map((id) => fake.hit(id))));
  await page.keyboard.type("z");
  await pass(PAUSE + 150);
  await results(page, 3);
  assert.deepEqual(await titles(), ["[g]", "e", "f"]);
  await close();
});

test("on a metered line the box asks first, and remembers the answer", async () => {
  const { page, context, fake, close } = await boxPage({ saveData: true });
  await page.keyboard.press("/");
  // In one go: someone who is slow to type searches for a part of it, too.
  await page.keyboard.insertText("undo");
  await results(page, 3);
  await page.getByText("Search by meaning needs 8.3 MB, once.").waitFor();
  assert.deepEqual(await fake((fake) => fake.log), ["words: undo"]);
  await page.getByRole("button", { name: "Words only" }).click();
  assert.equal(await page.getByRole("combobox").evaluate((input) => input.matches(":focus")), true);
  await page.getByRole("button", { name: "Search by meaning (8.3 MB)" }).waitFor();
  // The choice holds for the next page too, on whatever line.
  const second = await boxPage({ from: context });
  await second.page.keyboard.press("/");
  await second.page.getByRole("button", { name: "Search by meaning (8.3 MB)" }).click();
  await second.page.waitForFunction(() => globalThis.fake.loading !== undefined);
  const third = await boxPage({ from: context, saveData: true });
  await third.page.keyboard.press("/");
  await third.page.getByText("Fetching 8.3 MB").waitFor();
  assert.deepEqual(await third.fake((fake) => fake.log), ["prepare"]);
  await close();
});

test("what fails is said in words, and the search for words goes on", async () => {
  const { page, input, fake, titles, close } = await boxPage();
  await fake((fake) => (fake.fails = { prepare: "the model is gone" }));
  await page.keyboard.press("/");
  await page.keyboard.insertText("undo");
  await page.getByText("Search by meaning is not available; words are searched. the model is gone").waitFor();
  await results(page, 3);
  await fake((fake) => (fake.fails = { hybrid: "the engine crashed" }));
  await page.getByRole("button", { name: "Try again" }).click();
  await page.waitForFunction(() => globalThis.fake.loading !== undefined);
  await fake((fake) => fake.loading.finish());
  await page.getByText("the engine crashed").waitFor();
  await input.fill("other");
  await page.waitForFunction(() => globalThis.fake.log.at(-1) === "words: other");
  assert.deepEqual(await titles(), ["[a]", "b", "c"]);
  await fake((fake) => (fake.fails = { words: "the index is damaged" }));
  await input.fill("third");
  await page.getByRole("status").filter({ hasText: "Search is not available. the index is damaged" }).waitFor();
  await results(page, 0);
  // The same query once more is another attempt.
  await fake((fake) => (fake.fails = {}));
  await input.fill("thir");
  await results(page, 3);
  await close();
});

test("a hostile result is text, and leads nowhere", async () => {
  const { page, fake, errors, close } = await boxPage();
  await fake((fake) => {
    fake.bytes = 0;
    const text = `<img src=x onerror="globalThis.hit = 1"> \u202e<script>globalThis.hit = 2</script>`;
    const passage = { text, trail: ["<b>trail</b>"] };
    const urls = [
      "javascript:globalThis.hit=3",
      "data:text/html,x",
      "vbscript:x",
      "java\nscript:globalThis.hit=4",
      "http://[",
      undefined,
      "//other.example/a",
      "b.html#part",
    ];
    const highlights = [
      { start: -1, end: 3 },
      { start: 4, end: 1e9 },
      { start: 9, end: 2 },
      { start: NaN, end: 1 },
      { start: 0, end: 4 },
    ];
    fake.hits.hybrid = urls.map((url, index) => fake.hit(String(index), { title: "<i>title</i>", url, passage, highlights }));
  });
  await page.keyboard.press("/");
  await page.keyboard.type("x");
  await results(page, 8);
  const shown = await page.getByRole("option").evaluateAll((options) =>
    options.map((option) => ({
      href: option.getAttribute("href"),
      elements: [...option.querySelectorAll("*")].map(({ localName }) => localName),
    })),
  );
  assert.deepEqual(
    shown.map(({ href }) => href && new URL(href).href.replace(server.url(""), "").replace(/:~:.*/, "")),
    [null, null, null, null, null, null, "http://other.example/a", "/b.html#part"],
  );
  for (const { elements } of shown) assert.deepEqual(elements, ["span", "span", "span", "mark"]);
  assert.match((await page.getByRole("option").first().textContent()) ?? "", /<i>title<\/i><b>trail<\/b><img src=x onerror=/);
  await page.getByRole("option").first().click();
  await page.keyboard.press("Enter");
  assert.match(page.url(), /box\.html$/);
  assert.equal(await page.evaluate("globalThis.hit"), undefined);
  assert.deepEqual(errors, []);
  await close();
});

test("a page with a strict policy and Trusted Types runs it as it is", async () => {
  const policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; require-trusted-types-for 'script'; trusted-types 'none'";
  const url = `${server.spoilt("/", { file: /^box\.html/, headers: { "content-security-policy": policy } })}box.html`;
  const { page, errors, fake, close } = await boxPage({ url });
  await page.keyboard.press("/");
  await page.keyboard.insertText("undo");
  await results(page, 3);
  await fake((fake) => fake.loading.report(0.5));
  assert.equal(await page.getByRole("dialog").evaluate((dialog) => getComputedStyle(dialog).position), "fixed");
  await page.waitForFunction(() => globalThis.box.shadowRoot.querySelector(".bar").style.getPropertyValue("--share") === "0.5");
  // The icon is a data URL, which this policy forbids.
  assert.deepEqual(
    errors.filter((error) => !/data:/.test(error)),
    [],
  );
  await close();
});

test("attributes: theme, limit, labels, no button, no shortcuts", async () => {
  const { page, fake, input, close } = await boxPage({ context: { colorScheme: "dark" } });
  const background = () =>
    page.evaluate(() => getComputedStyle(globalThis.box.shadowRoot.querySelector(".sheet")).backgroundColor);
  assert.equal(await background(), "rgb(26, 29, 34)");
  await page.evaluate(() => globalThis.box.setAttribute("theme", "light"));
  assert.equal(await background(), "rgb(255, 255, 255)");
  await page.evaluate(() => globalThis.box.style.setProperty("--felsic-search-background", "rgb(1, 2, 3)"));
  assert.equal(await background(), "rgb(1, 2, 3)");
  await page.evaluate(() => {
    const { box } = globalThis;
    box.toggleAttribute("no-button", true);
    box.toggleAttribute("no-shortcuts", true);
    box.setAttribute("limit", "2");
    const found = { one: "1 Treffer", other: "{count} Treffer" };
    box.setAttribute(
      "labels",
      JSON.stringify({ search: "Suche", found, nothing: "Nichts zu „{query}“", unknown: "x", close: 5 }),
    );
  });
  assert.equal(await page.getByRole("button").count(), 0);
  await page.keyboard.press("/");
  assert.equal(await page.getByRole("dialog").count(), 0);
  await fake((fake) => (fake.bytes = 0));
  await page.evaluate(() => globalThis.box.open());
  await page.getByRole("dialog", { name: "Suche" }).waitFor();
  await input.fill("rückgängig");
  await page.getByRole("status").filter({ hasText: "2 Treffer" }).waitFor();
  await page.getByRole("button", { name: "Close" }).waitFor();
  await input.fill("nothing {count}");
  await page.getByRole("status").filter({ hasText: "Nichts zu „nothing {count}“" }).waitFor();
  await page.evaluate(() => globalThis.box.setAttribute("labels", "{"));
  await page.getByRole("dialog", { name: "Search" }).waitFor();
  // An element that has left the page lets go of everything, and the page's own collection stays open.
  await page.evaluate(() => globalThis.box.remove());
  assert.equal(await page.getByRole("dialog").count(), 0);
  assert.equal(await fake((fake) => fake.log.includes("close")), false);
  await close();
});

test("on a phone the dialog is a sheet as large as the screen", async () => {
  const context = { viewport: { width: 390, height: 780 }, hasTouch: true, isMobile: true };
  const { page, close } = await boxPage({ context, saveData: true });
  await page.getByRole("button", { name: "Search" }).tap();
  await page.keyboard.insertText("undo");
  await results(page, 3);
  await still(page);
  const box = await page.locator(".sheet").boundingBox();
  assert.deepEqual(box, { x: 0, y: 0, width: 390, height: 780 });
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
  await close();
});

test("of a passage the part with the first mark is shown, in whole words and characters", async () => {
  await writePage("search-box/links", folder, []);
  /** @type {typeof import("../../pkg/dist/types/search-box/links.js")} */
  const { linkOf, piecesOf } = await import(join(folder, "search-box/links.js"));
  const shown = (/** @type {string} */ text, /** @type {[number, number][]} */ ...ranges) =>
    piecesOf(
      text,
      ranges.map(([start, end]) => ({ start, end })),
    )
      .map(({ text, isMarked }) => (isMarked ? `[${text}]` : text))
      .join("");
  assert.equal(shown("one two", [4, 7]), "one [two]");
  assert.equal(shown("one two three", [8, 13], [0, 3], [2, 6]), "[one][ tw]o [three]");
  assert.equal(shown("a\n\n  b", [0, 1]), "[a] b");
  const long = "word ".repeat(200);
  const part = shown(long, [500, 504]);
  assert.match(part, /^… (word ){11}\[word\]( word)+ …$/);
  assert.ok(part.length < 240);
  // Without spaces, and with characters of two units on every edge.
  const faces = "🙂".repeat(400);
  for (const at of [301, 302, 303]) assert.equal(/\p{Cs}/u.test(shown(faces, [at & ~1, (at & ~1) + 2])), false);

  const link = (/** @type {string} */ text, start = 0, url = "a.html") =>
    linkOf({ id: "a", url, passage: { text, trail: [] }, highlights: [{ start, end: start + 1 }] }, "https://example.org/docs/");
  const words = (/** @type {string} */ text, start = 0) => decodeURIComponent(link(text, start)?.split(":~:text=")[1] ?? "");
  assert.equal(
    link("Undo the last commit", 0, "b.html#part"),
    "https://example.org/docs/b.html#part:~:text=Undo%20the%20last%20commit",
  );
  assert.equal(words("First sentence. Then the second-one, which has more words", 20), "Then the second-one, which has more");
  // Of Markdown, only what stands on the page as well.
  assert.equal(words("Run the command `git reset` now", 4), "Run the command");
  assert.equal(words("# Heading\n\nThe text", 3), "");
  assert.equal(words("word"), "");
  assert.equal(link("\ud83d half a face", 0), "https://example.org/docs/a.html");
});

test("importing it where there are no elements does nothing", async () => {
  const { FelsicSearch } = await import(join(folder, "search-box.js"));
  assert.equal(typeof FelsicSearch, "function");
});

test("in Firefox: keys, words, meaning", { skip: !hasFirefox && "there is no Firefox" }, async () => {
  const firefox = await launchFirefox();
  try {
    const page = await firefox.newPage(server.url("/box.html"));
    const outcome = await page.evaluate(async () => {
      const until = async (/** @type {() => unknown} */ condition) => {
        for (let i = 0; i < 1200 && !condition(); i += 1) await new Promise((resolve) => setTimeout(resolve, 25));
        if (!condition()) throw new Error(`not in time: ${condition}`);
      };
      await until(() => "box" in globalThis);
      const { box, fake } = globalThis;
      document.dispatchEvent(new KeyboardEvent("keydown", { key: "/", bubbles: true, cancelable: true }));
      const root = box.shadowRoot;
      const input = root.querySelector("input");
      const isOpen = root.querySelector("dialog").open && root.activeElement === input;
      input.value = "undo";
      input.dispatchEvent(new Event("input"));
      await until(() => root.querySelectorAll('[role="option"]').length === 3);
      input.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowDown", bubbles: true, cancelable: true }));
      await until(() => fake.loading);
      fake.loading.finish();
      await until(() => root.querySelectorAll('[role="option"]').length === 5);
      const selected = root.querySelector('[aria-selected="true"] .title').textContent;
      return { isOpen, selected, background: getComputedStyle(root.querySelector(".sheet")).borderRadius };
    }, undefined);
    assert.deepEqual(outcome, { isOpen: true, selected: "Document b", background: "12px" });
  } finally {
    await firefox.close();
  }
});
