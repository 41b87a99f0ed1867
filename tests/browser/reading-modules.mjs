/** The reading of files for tests: in Node what needs no browser, and a page that is built as the page of felsic is. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { rolldown } from "rolldown";
import { build, loadConfigFromFile } from "vite";
import { root, target } from "./harness.mjs";

const src = join(root, "www/src/reading");
const NAMES = [
  "read",
  "work",
  "encoding",
  "zip",
  "html",
  "markdown",
  "names",
  "endings",
  "pdf-lines",
  "pdf-boxes",
  "mbox",
  "limits",
  "entities",
];

/** Bundles the modules and imports them. @returns {Promise<Record<string, any>>} */
export async function readingModules() {
  const folder = mkdtempSync(join(tmpdir(), "felsic-reading-"));
  try {
    const input = Object.fromEntries(NAMES.map((name) => [name, join(src, `${name}.ts`)]));
    input.policy = join(root, "www/src/policy.ts");
    const bundle = await rolldown({ input, platform: "node", external: /pdfjs-dist/, logLevel: "silent" });
    await bundle.write({ dir: folder, format: "esm", entryFileNames: "[name].mjs", chunkFileNames: "[name]-[hash].mjs" });
    await bundle.close();
    // What pdf.js would do is tested in browsers; without it, reading a PDF must fail as a refusal.
    const load = async (/** @type {string} */ name) => [name, await import(pathToFileURL(join(folder, `${name}.mjs`)).href)];
    const modules = Object.fromEntries(await Promise.all(Object.keys(input).map(load)));
    process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
    return modules;
  } catch (error) {
    rmSync(folder, { recursive: true });
    throw error;
  }
}

/** Builds the page of tests; returns its folder. */
export const buildReadingPage = () => buildTestPage("reading-page");

/** Builds a page of tests with the settings of felsic's page; returns its folder. @param {string} name of its folder here */
export async function buildTestPage(name) {
  const [page, outDir] = [join(root, "tests/browser", name), join(target, name)];
  const loaded = await loadConfigFromFile(
    { command: "build", mode: "production" },
    join(root, "www/vite.config.ts"),
    undefined,
    "silent",
  );
  const { base, worker, plugins = [], build: { target: browsers, assetsInlineLimit, modulePreload } = {} } = loaded?.config ?? {};
  const own = plugins.filter((plugin) => /pdf\.js/.test(Object(plugin).name));
  if (own.length !== 2 || !worker) throw new Error("www/vite.config.ts has lost what PDF needs");
  await build({
    configFile: false,
    root: page,
    base: String(base),
    logLevel: "error",
    worker,
    plugins: own,
    build: { outDir, emptyOutDir: true, target: browsers, assetsInlineLimit, modulePreload },
  });
  return outDir;
}
