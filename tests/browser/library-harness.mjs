/** The empty page with the library of the private-search page on it. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rolldown } from "rolldown";
import { start } from "./harness.mjs";

/** @typedef {Awaited<ReturnType<typeof startLibrary>>} LibraryEnvironment */
/** @typedef {import("playwright-core").Page} Page */

/** Starts Chromium with an empty page that has the library, in a context of its own for each visitor. */
export async function startLibrary() {
  const environment = await start({ gpu: false });
  await environment.page.close();
  const folder = mkdtempSync(join(tmpdir(), "felsic-library-"));
  await bundle(folder);
  environment.mounts["/library/"] = [folder];

  const open = async (/** @type {import("playwright-core").BrowserContext} */ context) => {
    const page = await context.newPage();
    page.on("pageerror", (error) => environment.errors.push(String(error)));
    await page.goto(environment.url("/felsic/blank.html"));
    await addLibrary(page);
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
  await addLibrary(page);
}

/** @param {Page} page */
async function addLibrary(page) {
  await page.addScriptTag({ type: "module", url: "/library/library-page.js" });
  await page.waitForFunction(() => "lib" in globalThis);
}

/** Bundles the library; felsic itself is the package that the server shows. @param {string} folder */
async function bundle(folder) {
  const felsic = {
    name: "felsic of the server",
    resolveId: (/** @type {string} */ id) =>
      id === "felsic"
        ? { id: "/felsic/index.js", external: true }
        : id === "felsic/search"
          ? { id: "/felsic/search.js", external: true }
          : undefined,
  };
  const built = await rolldown({
    input: join(import.meta.dirname, "library-page.js"),
    platform: "browser",
    plugins: [felsic],
    resolve: { extensionAlias: { ".js": [".ts", ".tsx", ".js"] } },
  });
  await built.write({ dir: folder, format: "esm", entryFileNames: "[name].js" });
  await built.close();
}
