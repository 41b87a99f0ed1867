/** What the tests of the private-search page share: opening it, asking, and what may not happen meanwhile. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

/** @typedef {import("playwright-core").Page} Page */
/** @typedef {import("./harness.mjs").Environment} Environment */

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** What a graphics driver says of its own speed is not the page's. */
const DRIVER = /GL Driver Message/;

/**
 * Opens the page for a visitor of their own. `said` is what it writes to the console, which must be nothing.
 *
 * @param {Environment} environment
 * @param {import("playwright-core").BrowserContextOptions} [options]
 * @param {string} [query]
 * @param {string} [script] that runs before the page's own, as for a browser that lacks something
 */
export async function openPage(environment, options = {}, query = "", script = "") {
  const context = await environment.browser.newContext({
    viewport: { width: 1280, height: 860 },
    locale: "en-GB",
    reducedMotion: "reduce",
    ...options,
  });
  const page = await context.newPage();
  if (script !== "") await page.addInitScript(script);
  /** @type {string[]} */
  const said = [];
  page.on("console", (message) => {
    if (!DRIVER.test(message.text())) said.push(`${message.type()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => said.push(String(error)));
  await page.goto(environment.url(`/www/index.html${query}`));
  return { context, page, said };
}

/** @param {Page} page */
export const field = (page) => page.getByRole("textbox", { name: "Search your files" });

/** Opens a view. @param {Page} page @param {"Search" | "Library" | "Map" | "Privacy" | "Settings"} name */
export const view = (page, name) => page.getByRole("navigation").getByRole("link", { name }).click();

/** Waits until something says something. @param {Page} page @param {string} selector @param {RegExp} text */
export async function shows(page, selector, text) {
  const shown = page.waitForFunction(
    ([selector, source]) => new RegExp(source, "u").test(document.querySelector(selector)?.textContent ?? ""),
    /** @type {const} */ ([selector, text.source]),
  );
  await shown.catch(async (error) => {
    const all = await page.evaluate(() => document.body.innerText);
    throw new Error(`${selector} does not show ${text}; the page has: ${all.slice(0, 2000)}`, { cause: error });
  });
}

/** Waits until so many files are there, and nothing is left to do. @param {Page} page @param {number} files */
export async function settled(page, files) {
  await page.waitForFunction(() => document.querySelector(".model.ready"));
  await shows(page, ".summary", files === 1 ? /^One file/ : new RegExp(`^${files} files`));
  await rested(page);
}

/** Waits until no work has been shown for a while: between two steps there may be a moment without. @param {Page} page */
export async function rested(page) {
  for (let rests = 0; rests < 4; rests += 1) {
    await page.waitForTimeout(60);
    if (await page.locator(".work-line").count()) rests = -1;
  }
}

/** Takes the samples and waits until all can be found. @param {Page} page */
export async function addSamples(page) {
  await page.getByRole("button", { name: "Try samples" }).click();
  await settled(page, SAMPLES);
}

/** The number of sample files. */
export const SAMPLES = 29;

/**
 * Chooses files as if in the browser's own dialogue.
 *
 * @param {Page} page
 * @param {Record<string, string | Buffer>} files
 */
export async function chooseFiles(page, files) {
  await page
    .getByLabel("Choose files", { exact: true })
    .and(page.locator("input"))
    .setInputFiles(
      Object.entries(files).map(([name, content]) => ({
        name,
        mimeType: "",
        buffer: Buffer.from(/** @type {string} */ (content)),
      })),
    );
}

/** The names of the files that were found, best first. @param {Page} page */
export const found = (page) => page.locator(".hit h3").allTextContents();

/** What the page's address says of the search. @param {Page} page */
export const address = (page) => new URLSearchParams(new URL(page.url()).hash.slice(1));

/** Waits until there are results, a file among them or not. @param {Page} page @param {string} name @param {boolean} listed */
export const lists = (page, name, listed) =>
  page.waitForFunction(([name, listed]) => {
    const names = [...document.querySelectorAll(".hit h3")].map(({ textContent }) => textContent);
    return names.length > 0 && names.includes(/** @type {string} */ (name)) === listed;
  }, /** @type {const} */ ([name, listed]));

/** What has the focus, by its id or its class. @param {Page} page */
export const focused = (page) => page.evaluate(() => document.activeElement?.id || document.activeElement?.className);

/** The place of the passage that has the focus; -1 if none has. @param {Page} page */
export const focusedPassage = (page) =>
  page.evaluate(() => [...document.querySelectorAll("a.passage")].indexOf(/** @type {Element} */ (document.activeElement)));

/** Takes the focus from whatever has it. @param {Page} page */
export const blur = (page) => page.locator("body").evaluate(() => /** @type {HTMLElement} */ (document.activeElement).blur());

/** Waits until the passage that was opened is in view in the reader. @param {Page} page */
export async function litInView(page) {
  await page.waitForFunction(() => {
    const [box, place] = [document.querySelector("#reading"), document.querySelector(".lit")].map((one) =>
      one?.getBoundingClientRect(),
    );
    return box && place && place.top >= box.top && place.bottom <= box.bottom;
  });
}

/** The text of `bills.csv`. */
export const BILLS = "month,what,amount\nMay,Oranges,12\nJune,Telescope,310\n";

/** Finds a row of {@link BILLS} and demands that the reader shows it in its table. @param {Page} page */
export async function readsBills(page) {
  await field(page).fill("telescope");
  await shows(page, ".hit h3", /^bills\.csv$/);
  await page.locator("a.passage").first().click();
  await shows(page, ".reading th", /^month$/);
  assert.deepEqual(await page.locator(".reading tr:has(.lit) td").allTextContents(), ["June", "Telescope", "310"]);
}

/** Imports a library of the samples, and finds one of them. @param {Page} page @param {string} exported */
export async function importsSamples(page, exported) {
  await page
    .getByLabel("Import", { exact: true })
    .and(page.locator("input"))
    .setInputFiles({ name: "library.jsonl", mimeType: "", buffer: Buffer.from(exported) });
  await field(page).fill("volcanoes");
  await shows(page, ".hit h3", /^Volcanoes\.txt$/);
}

/** Demands that axe finds nothing wrong. @param {Page} page @param {string} what */
export async function accessible(page, what) {
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(axe);
  // What fades in has not its colours yet. In Firefox what is folded away never ends to move.
  await page.evaluate(() => {
    const seen = document.getAnimations().filter(({ effect }) => /** @type {any} */ (effect).target.checkVisibility());
    return Promise.all(seen.map(({ finished }) => finished.catch(() => {})));
  });
  const { violations } = /** @type {any} */ (await page.evaluate("axe.run()"));
  const wrong = violations.map(
    (/** @type {any} */ { id, nodes }) => `${id}: ${nodes.map((/** @type {any} */ node) => node.html).join(" ")}`,
  );
  assert.deepEqual(wrong, [], what);
}

/** Demands that nothing is wider than the window. @param {Page} page @param {string} what */
export async function fits(page, what) {
  const wide = await page.evaluate(() => {
    const scrolls = (/** @type {Element} */ element) =>
      element.scrollWidth > element.clientWidth && getComputedStyle(element).overflowX !== "visible";
    const columns = [document.documentElement, ...document.querySelectorAll(".list, .pane, .scroller")];
    return columns
      .filter(
        (element) => element.scrollWidth > element.clientWidth + 1 && (element === document.documentElement || scrolls(element)),
      )
      .map((element) => `${element.className} ${element.scrollWidth} > ${element.clientWidth}`);
  });
  assert.deepEqual(wide, [], what);
}
