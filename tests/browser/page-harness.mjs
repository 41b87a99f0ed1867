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
 */
export async function openPage(environment, options = {}, query = "") {
  const context = await environment.browser.newContext({
    viewport: { width: 1280, height: 860 },
    locale: "en-GB",
    reducedMotion: "reduce",
    ...options,
  });
  const page = await context.newPage();
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
  await page.waitForFunction(
    ([selector, source]) => new RegExp(source, "u").test(document.querySelector(selector)?.textContent ?? ""),
    /** @type {const} */ ([selector, text.source]),
  );
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
