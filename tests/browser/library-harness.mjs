/** A page with the library of the private-search page on it, built as that page is. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "vite";
import { root, start } from "./harness.mjs";

/** @typedef {Awaited<ReturnType<typeof startLibrary>>} LibraryEnvironment */
/** @typedef {import("playwright-core").Page} Page */

/** Starts Chromium, and serves the page under `/library/`. */
export async function startLibrary() {
  const environment = await start({ gpu: false });
  await environment.page.close();
  const folder = mkdtempSync(join(tmpdir(), "felsic-library-"));
  await build({
    configFile: join(root, "www/vite.config.ts"),
    root: join(root, "tests/browser/library-page"),
    logLevel: "error",
    build: { outDir: folder, emptyOutDir: true },
  });
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
    async close() {
      await environment.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** Loads the page anew, as another visit does. @param {Page} page */
export async function reload(page) {
  await page.reload();
  await page.waitForFunction(() => "lib" in globalThis);
}
