/** The map on a page of its own, and its modules that need no browser. */

import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { rolldown } from "rolldown";
import { dist, launch, root } from "./harness.mjs";
import { Server } from "./server.mjs";

const here = import.meta.dirname;
const source = join(root, "www/src/map");

/** Without a GPU, WebGL is drawn by the processor, which the browser does only when it is told to. */
const SOFTWARE_GL = ["--enable-unsafe-swiftshader", "--use-gl=angle", "--use-angle=swiftshader"];

/** Names of modules: `./map/view.js` is the map's view.ts. @type {import("rolldown").Plugin} */
const modules = {
  name: "map",
  resolveId(id) {
    if (id === "./map/index.js") return join(source, "index.tsx");
    // The package is what the server has.
    if (id === "felsic/search") return { id: "/felsic/search.js", external: true };
    return /^\.\/(map|app)\//.test(id) ? join(root, "www/src", id.replace(/\.js$/, ".ts")) : undefined;
  },
  load: (id) => (id.endsWith(".css") ? { code: "", moduleType: "js" } : undefined),
};

/** Bundles the page into a folder. @param {string} folder */
async function writePage(folder) {
  const bundle = await rolldown({
    input: join(here, "map-page.js"),
    platform: "browser",
    plugins: [modules],
    tsconfig: join(root, "www/tsconfig.json"),
    // The page and its components take one preact.
    resolve: {
      alias: { preact: join(root, "node_modules/preact"), "@preact/signals": join(root, "node_modules/@preact/signals") },
    },
  });
  await bundle.write({ file: join(folder, "map-page.js"), format: "esm", codeSplitting: false });
  await bundle.close();
  copyFileSync(join(source, "map.css"), join(folder, "map.css"));
}

/** Serves the page and starts a browser. @param {{ gl?: boolean }} [options] */
export async function startMap({ gl = true } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "felsic-map-"));
  await writePage(folder);
  const server = await Server.start({ "/map/": [folder, here], "/felsic/": [dist, here] });
  const browser = await launch(gl ? SOFTWARE_GL : ["--disable-gpu", "--disable-3d-apis"]);
  return {
    server,
    browser,
    /**
     * Opens the page; what it writes to the console is in `said`.
     *
     * @param {import("playwright-core").BrowserContextOptions} [options]
     */
    async open(options = {}) {
      const context = await browser.newContext({ viewport: { width: 1100, height: 720 }, ...options });
      const page = await context.newPage();
      /** @type {string[]} */
      const said = [];
      page.on("console", (message) => {
        if (["error", "warning"].includes(message.type()) && !/GPU stall|swiftshader/i.test(message.text()))
          said.push(message.text());
      });
      page.on("pageerror", (error) => said.push(String(error)));
      await page.goto(server.url("/map/map.html"));
      await page.waitForFunction(() => "view" in globalThis);
      return { context, page, said };
    },
    async close() {
      await browser.close();
      await server.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/**
 * @typedef {object} MapModules
 * @property {any} view
 * @property {any} shapes
 * @property {any} grid
 * @property {any} label-places
 * @property {any} groups
 * @property {any} chart
 * @property {any} previews
 * @property {any} theme
 * @property {any} detail
 */

/** Bundles the map's modules that need no browser, and imports them. @returns {Promise<MapModules>} */
export async function mapModules() {
  const names = ["view", "shapes", "grid", "label-places", "groups", "chart", "previews", "theme", "detail"];
  const folder = mkdtempSync(join(tmpdir(), "felsic-map-"));
  try {
    const input = Object.fromEntries(names.map((name) => [name, join(source, `${name}.ts`)]));
    const bundle = await rolldown({ input, platform: "neutral" });
    await bundle.write({ dir: folder, format: "esm", entryFileNames: "[name].mjs", chunkFileNames: "[name]-[hash].mjs" });
    await bundle.close();
    const load = async (/** @type {string} */ name) => [name, await import(pathToFileURL(join(folder, `${name}.mjs`)).href)];
    return Object.fromEntries(await Promise.all(names.map(load)));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
