/** The examples, built with the bundlers that people use, from the packed package, and run in a browser. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { dist, launch, launchExtension } from "../browser/harness.mjs";
import { Server } from "../browser/server.mjs";
import { copyOf, install, use } from "./harness.mjs";

/** @typedef {import("./harness.mjs").Builders} Builders */

/**
 * One way of using the package.
 *
 * @typedef {object} Case
 * @property {string} name
 * @property {string} example
 * @property {(builders: Builders, folder: string) => string | Promise<string>} build returns the folder to serve
 */

/** @type {Case[]} */
const CASES = [
  { name: "a page with an import map", example: "page", build: ({ copied }, folder) => copied(folder) },
  { name: "a page with felsic of another origin", example: "page", build: (_, folder) => fromElsewhere(folder) },
  { name: "Vite", example: "vite", build: ({ viteBuild }, folder) => viteBuild(folder, "vite") },
  { name: "Vite 5", example: "vite", build: ({ viteBuild }, folder) => viteBuild(folder, "vite-5") },
  { name: "webpack", example: "page", build: ({ webpack }, folder) => webpack(folder) },
  { name: "Next with Turbopack", example: "next", build: ({ next }, folder) => next(folder, "--turbopack") },
  { name: "Next with webpack", example: "next", build: ({ next }, folder) => next(folder, "--webpack") },
  { name: "esbuild, a module", example: "esbuild", build: ({ esbuild }, folder) => esbuild(folder, "esm") },
  { name: "esbuild, a classic script", example: "esbuild", build: ({ esbuild }, folder) => esbuild(folder, "iife") },
  { name: "Rollup with node-resolve", example: "esbuild", build: ({ rollupResolved }, folder) => rollupResolved(folder) },
  { name: "Rollup with import-meta-assets", example: "page", build: ({ rollupAssets }, folder) => rollupAssets(folder) },
];

/** @type {Builders} */
let builders;
/** @type {Awaited<ReturnType<typeof launch>>} */
let browser;
/** A host that has the package's files and nothing of the page. @type {Server} */
let cdn;

before(async () => {
  builders = await install();
  browser = await launch();
  cdn = await Server.start({ "/felsic@0.1.0/": [dist] }, 0, "127.0.0.2");
});

after(async () => {
  await browser?.close();
  await cdn?.close();
});

/** Makes the page's import map name the other host; nothing else has to change. @param {string} folder */
function fromElsewhere(folder) {
  const file = join(folder, "index.html");
  writeFileSync(file, readFileSync(file, "utf8").replace("./felsic/index.js", cdn.url("/felsic@0.1.0/index.js")));
  return folder;
}

/** Uses the page at a URL in a profile of its own. @param {string} url */
async function inBrowser(url) {
  const context = await browser.newContext();
  await use(await context.newPage(), url);
  await context.close();
}

for (const { name, example, build } of CASES) {
  test(name, async () => {
    const folder = copyOf(example, name.replace(/\W+/g, "-").toLowerCase());
    const server = await Server.start({ "/": [await build(builders, folder)] });
    try {
      await inBrowser(server.url("/"));
    } finally {
      await server.close();
    }
    // Keeps a failed one for inspection.
    rmSync(folder, { recursive: true });
  });
}

for (const vite of /** @type {const} */ (["vite", "vite-5"])) {
  test(`the development server of ${vite}`, async () => {
    const { url, close } = await builders.viteDev(copyOf("vite", `${vite}-dev`), vite);
    try {
      await inBrowser(url);
    } finally {
      await close();
    }
  });
}

test("an extension with an offscreen document", async () => {
  const profile = mkdtempSync(join(tmpdir(), "felsic-extension-"));
  const { context, url } = await launchExtension(builders.copied(copyOf("extension", "extension")), profile);
  try {
    await use(await context.newPage(), url("popup.html"));
  } finally {
    await context.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
});
