/** The page's shell without its views, built as the page is and served under a sub-path by a plain server. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build, runnerImport } from "vite";
import { eventually } from "../support/patience.mjs";
import { launch, root } from "./harness.mjs";
import { Server } from "./server.mjs";

/** @typedef {Awaited<ReturnType<typeof startShell>>} ShellEnvironment */
/** @typedef {import("playwright-core").Page} Page */

/** Builds the shell with the page's own settings, and starts a browser. */
export async function startShell() {
  const dist = mkdtempSync(join(tmpdir(), "felsic-shell-"));
  /** @type {{ module: { app(): import("vite").Plugin, writeWorker(folder: string): Promise<unknown> } }} */
  const { module } = await runnerImport(join(root, "www/plugins/app.ts"));
  await build({
    root: join(import.meta.dirname, "shell"),
    configFile: false,
    publicDir: join(root, "www/public"),
    logLevel: "error",
    base: "./",
    build: { outDir: dist, emptyOutDir: true, target: "es2022", assetsInlineLimit: 0, modulePreload: { polyfill: false } },
    plugins: [module.app()],
  });
  const browser = await launch();
  /** What a server such as that of GitHub Pages says of every file. @type {import("./server.mjs").Fault} */
  const hosting = { file: /./, headers: { "cache-control": "max-age=600" } };
  /** Other faults, which come before. @type {import("./server.mjs").Fault[]} */
  const faults = [hosting];
  let server = await serve(0);
  const { port } = new URL(server.url("/"));

  /** @param {number} port */
  async function serve(port) {
    const started = await Server.start({ "/app/": [dist] }, port);
    started.spoilt("/app/", .../** @type {[import("./server.mjs").Fault]} */ (faults));
    return started;
  }

  return {
    dist,
    browser,
    /** The page, in a folder of its server. */
    url: server.url("/spoilt/0/"),
    faults,
    writeWorker: () => module.writeWorker(dist),
    /** Paths below the page's folder that the server was asked for, in order. */
    asked: () => server.requests.map((path) => path.replace("/spoilt/0/", "")),
    forget: () => void server.requests.splice(0),
    /** Ends the network. */
    goOffline: () => server.close(),
    async goOnline() {
      server = await serve(Number(port));
    },
    async close() {
      await browser.close();
      await server.close().catch(() => undefined);
      rmSync(dist, { recursive: true });
    },
  };
}

/**
 * Waits for a condition in the page, also across reloads of it.
 *
 * @param {Page} page
 * @param {() => unknown} condition
 */
export async function until(page, condition) {
  const holds = await eventually(() => page.evaluate(condition).catch(() => false), Boolean, 50);
  if (!holds) throw new Error(`never: ${condition}`);
}
