/** A page with the library of the private-search page on it, built as that page is. */

import { start } from "./harness.mjs";
import { buildTestPage } from "./reading-modules.mjs";

/** @typedef {Awaited<ReturnType<typeof startLibrary>>} LibraryEnvironment */
/** @typedef {import("playwright-core").Page} Page */

/** Starts Chromium, and serves the page under `/library/`. */
export async function startLibrary() {
  const folder = await buildTestPage("library-page");
  const environment = await start({ gpu: false });
  await environment.page.close();
  Object.assign(environment.mounts, { "/library/": [folder] });

  const open = async (/** @type {import("playwright-core").BrowserContext} */ context) => {
    const page = await context.newPage();
    page.on("pageerror", (error) => environment.errors.push(String(error)));
    await page.goto(environment.url("/library/"));
    await page.waitForFunction(() => "lib" in globalThis);
    return page;
  };
  return {
    ...environment,
    /** A visitor with storage of their own: their first tab, and how to open others. */
    async visitor() {
      const context = await environment.browser.newContext();
      return { context, page: await open(context), newTab: () => open(context) };
    },
  };
}

/** Loads the page anew, as another visit does. @param {Page} page */
export async function reload(page) {
  await page.reload();
  await page.waitForFunction(() => "lib" in globalThis);
}
