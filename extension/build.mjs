/**
 * Builds the extension for both browsers: `target/extension/chromium` and `target/extension/firefox`, and beside each folder a zip for
 * its store. The same sources give the same bytes. The package must be built (`npm run build -w pkg`).
 */
import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { zipSync } from "fflate";
import { rolldown } from "rolldown";
import { noticesOf, packagesOf } from "../ui/notices.mjs";
import { manifest } from "./manifest.mjs";

const here = import.meta.dirname;
const root = resolve(here, "..");
const target = process.env.CARGO_TARGET_DIR ? resolve(root, process.env.CARGO_TARGET_DIR) : join(root, "target");
/** The package as it is published. */
const felsic = join(target, "package/dist");

/** The scripts of the views, each of which has a page. */
const VIEWS = { panel: "views/panel.tsx", options: "views/options.tsx", welcome: "views/welcome.tsx" };
/** The scripts that are loaded as modules, which have chunks in common. */
const MODULES = { background: "background/index.ts", ...VIEWS };
/** The scripts that are put into pages: each is complete in one file. */
const CONTENT = { capture: "content/capture.ts", bridge: "content/bridge.ts", find: "content/find/index.ts" };
/** What the engine loads at run time: the CPU's workers and search's. The GPU's binary would be three quarters of the zip. */
const ENGINE_FILES = [
  "worker-cpu.js",
  "worker-relaxed.js",
  "worker-search.js",
  "felsic_cpu_bg.wasm",
  "felsic_relaxed_bg.wasm",
  "felsic_search_bg.wasm",
];

/**
 * Takes felsic from the package as it is published: `index.js` is the CPU's entry, since the GPU's worker is not shipped, and no script
 * contains the address of a model hub.
 *
 * @type {import("rolldown").Plugin}
 */
const packaged = {
  name: "felsic",
  resolveId(source, importer) {
    if (source === "felsic/cpu" || (source === "./index.js" && importer?.startsWith(felsic))) return join(felsic, "cpu.js");
    if (source === "felsic/search") return join(felsic, "search.js");
    return undefined;
  },
  transform(code, id) {
    if (id !== join(felsic, "cpu.js")) return undefined;
    const parts = code.split("https://huggingface.co/");
    if (parts.length !== 2) throw new Error("felsic/cpu has changed: the hub's address is not there once");
    return parts.join("https://felsic.invalid/");
  },
};

/** Takes the modules that differ between the browsers: `#door` is how the background reaches the engine. @param {string} browser */
const chosen = (browser) => ({
  name: "browser",
  /** @param {string} source */
  resolveId: (source) => (source === "#door" ? join(here, `src/background/door-${browser}.ts`) : undefined),
});

const output = /** @type {const} */ ({
  format: "esm",
  minify: { mangle: { keepNames: { function: false, class: true } } },
  comments: { legal: true, annotation: true },
});

/**
 * Builds the scripts; returns the paths of the modules in them.
 *
 * @param {import("./manifest.mjs").Browser} browser
 * @param {string} folder
 * @returns {Promise<string[]>}
 */
async function scripts(browser, folder) {
  const at = (/** @type {string} */ path) => join(here, "src", path);
  const engine = browser === "chromium" ? { engine: "engine/offscreen.ts" } : {};
  const input = Object.fromEntries(Object.entries({ ...MODULES, ...engine }).map(([name, path]) => [name, at(path)]));
  const options = {
    platform: /** @type {const} */ ("browser"),
    plugins: [chosen(browser), packaged],
    moduleTypes: { ".txt": /** @type {const} */ ("text") },
    // The model is imported by search for indexes on hosts, which the extension has none of, and by the engine anyway.
    checks: { ineffectiveDynamicImport: false },
  };
  const bundle = await rolldown({ ...options, input });
  const { output: parts } = await bundle.write({
    ...output,
    dir: folder,
    entryFileNames: "[name].js",
    chunkFileNames: "chunks/[name]-[hash].js",
  });
  await bundle.close();
  const modules = parts.flatMap((part) => (part.type === "chunk" ? part.moduleIds : []));
  for (const [name, path] of Object.entries(CONTENT)) {
    const content = await rolldown({ ...options, input: at(path) });
    const { output: parts } = await content.write({ ...output, format: "iife", file: join(folder, `content/${name}.js`) });
    await content.close();
    modules.push(...parts.flatMap((part) => (part.type === "chunk" ? part.moduleIds : [])));
  }
  return modules;
}

/** Returns a style sheet with what it imports in its place. @param {string} file @returns {string} */
function style(file) {
  const rules = readFileSync(file, "utf8");
  return rules.replace(/@import "(.+?)";/g, (_, name) => style(join(dirname(file), name)));
}

/** Returns the page of a view, which its script fills. @param {string} name */
const page = (name) => `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width" />
    <title>felsic</title>
    <link rel="icon" href="icons/32.png" />
    <link rel="stylesheet" href="style.css" />
    <script type="module" src="${name}.js"></script>
  </head>
  <body class="${name}"></body>
</html>
`;

/** @param {import("./manifest.mjs").Browser} browser */
async function build(browser) {
  const folder = join(target, "extension", browser);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, "felsic"), { recursive: true });
  const modules = await scripts(browser, folder);
  writeFileSync(join(folder, "style.css"), style(join(root, "ui/src/style.css")) + style(join(here, "src/views/style.css")));
  for (const name of ENGINE_FILES) copyFileSync(join(felsic, name), join(folder, "felsic", name));
  cpSync(join(felsic, "model"), join(folder, "felsic/model"), { recursive: true });
  for (const name of Object.keys(VIEWS)) writeFileSync(join(folder, `${name}.html`), page(name));
  if (browser === "chromium") copyFileSync(join(here, "src/engine/engine.html"), join(folder, "engine.html"));
  cpSync(join(here, "icons"), join(folder, "icons"), { recursive: true, filter: (path) => !path.endsWith(".svg") });
  copyFileSync(join(root, "LICENSE"), join(folder, "LICENSE"));
  const notices = readFileSync(join(target, "package/THIRD-PARTY-NOTICES.txt"), "utf8") + noticesOf(packagesOf(modules));
  writeFileSync(join(folder, "THIRD-PARTY-NOTICES.txt"), notices);
  const { version } = JSON.parse(readFileSync(join(root, "pkg/package.json"), "utf8"));
  writeFileSync(join(folder, "manifest.json"), `${JSON.stringify(manifest(browser, version), undefined, 2)}\n`);
  zip(folder, `${folder}.zip`);
}

/** Puts a folder's files into a zip, in order and without their times. @param {string} folder @param {string} file */
function zip(folder, file) {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => statSync(join(folder, name)).isFile())
    .map((name) => [relative(folder, join(folder, name)).split(sep).join("/"), readFileSync(join(folder, name))])
    .sort(([a], [b]) => (a < b ? -1 : 1));
  // A zip has local times: the first one that it can have is the same everywhere.
  const bytes = zipSync(Object.fromEntries(files), { level: 9, mtime: new Date(1980, 0, 1), os: 3 });
  writeFileSync(file, bytes);
  console.log(`${relative(root, file)}: ${files.length} files, ${bytes.length} bytes`);
}

if (!existsSync(join(felsic, "felsic_cpu_bg.wasm"))) {
  console.error("target/package is not there; run `cargo xtask build`");
  process.exit(1);
}
for (const browser of /** @type {const} */ (["chromium", "firefox"])) await build(browser);
