/** The empty page with felsic/search on it. */

import { start } from "./harness.mjs";

/** @typedef {Awaited<ReturnType<typeof startSearch>>} SearchEnvironment */
/** @typedef {import("playwright-core").Page} Page */

/** Starts Chromium with an empty page that has felsic and felsic/search. */
export async function startSearch() {
  const environment = await start({ gpu: false });
  await environment.page.close();
  // A context of its own, in which there may be several tabs.
  const context = await environment.browser.newContext();
  const newTab = async () => {
    const page = await context.newPage();
    await page.goto(environment.url("/felsic/blank.html"));
    await addSearch(page);
    return page;
  };
  const page = await newTab();
  return {
    ...environment,
    page,
    /** Loads the page anew, as another visit does. */
    async reload() {
      await page.reload();
      await addSearch(page);
    },
    /** Opens another tab with the same storage. */
    newTab,
  };
}

/** @param {Page} page */
async function addSearch(page) {
  await page.addScriptTag({ type: "module", url: "/felsic/search-page.js" });
  await page.waitForFunction(() => "search" in globalThis && "felsic" in globalThis);
}

/** Removes all collections. @param {Page} page */
export function deleteAll(page) {
  return page.evaluate(async () => {
    for (const name of await search.Collection.list()) await search.Collection.delete(name);
  });
}

/** @param {number[]} values */
export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return Number(sorted[sorted.length >> 1]);
}
