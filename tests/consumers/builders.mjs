// @ts-nocheck: its imports are installed only in target/consumers.
/**
 * Builds each consumer. A copy of this runs in target/consumers, where the bundlers are installed and the packed package
 * beside them; every function takes the folder of a copied example and returns the folder to serve.
 */

import { spawn } from "node:child_process";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const modules = join(import.meta.dirname, "node_modules");

/** The package's files as somebody copies them. @param {string} folder @param {string} to */
export function copied(folder, to = "felsic") {
  cpSync(join(modules, "felsic/dist"), join(folder, to), { recursive: true });
  return folder;
}

/** Runs a program of a package to its end. @param {string} folder @param {string} program @param {string[]} args */
async function run(folder, program, ...args) {
  const env = { ...process.env, NEXT_TELEMETRY_DISABLED: "1", NODE_ENV: "production" };
  const child = spawn(process.execPath, [join(modules, program), ...args], {
    cwd: folder,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (output += data));
  const code = await new Promise((resolve) => child.on("close", resolve));
  if (code !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${code}\n${output}`);
}

/** Puts the page without its import map beside a bundle of its script. @param {string} folder */
function bundled(folder) {
  const page = readFileSync(join(folder, "index.html"), "utf8");
  writeFileSync(join(folder, "bundle/index.html"), page.replace(/<script type="importmap">.*?<\/script>/s, ""));
  return join(folder, "bundle");
}

/** @param {string} folder @param {"vite" | "vite-5"} vite */
export async function viteBuild(folder, vite) {
  await run(folder, `${vite}/bin/vite.js`, "build", "--logLevel", "warn");
  return join(folder, "dist");
}

/** The URL of a development server, and how to end it. @param {string} folder @param {"vite" | "vite-5"} vite */
export async function viteDev(folder, vite) {
  const { createServer } = await import(vite === "vite" ? "vite" : "vite-5");
  const server = await createServer({
    root: folder,
    logLevel: "warn",
    clearScreen: false,
    server: { host: "127.0.0.1", port: 0 },
  });
  await server.listen();
  return { url: server.resolvedUrls.local[0], close: () => server.close() };
}

/** @param {string} folder @param {"--turbopack" | "--webpack"} bundler */
export async function next(folder, bundler) {
  await run(folder, "next/dist/bin/next", "build", bundler);
  return join(folder, "out");
}

/** @param {string} folder */
export async function webpack(folder) {
  const { default: webpack } = await import("webpack");
  const output = { path: join(folder, "bundle") };
  const compiler = webpack({ mode: "production", context: folder, entry: "./main.js", output, performance: false });
  const stats = await new Promise((resolve, reject) => compiler.run((error, stats) => (error ? reject(error) : resolve(stats))));
  if (stats.hasErrors() || stats.hasWarnings()) throw new Error(stats.toString("errors-warnings"));
  return bundled(folder);
}

/** @param {string} folder @param {"esm" | "iife"} format */
export async function esbuild(folder, format) {
  const { build } = await import("esbuild");
  const outfile = join(folder, "public/main.js");
  await build({
    absWorkingDir: folder,
    entryPoints: ["main.js"],
    bundle: true,
    format,
    outfile,
    minify: true,
    logLevel: "error",
  });
  return copied(join(folder, "public"));
}

/** @param {string} folder @param {string} dir @param {import("rollup").Plugin[]} plugins */
async function rollupTo(folder, dir, plugins) {
  const { rollup } = await import("rollup");
  const { nodeResolve } = await import("@rollup/plugin-node-resolve");
  const bundle = await rollup({ input: join(folder, "main.js"), plugins: [nodeResolve(), ...plugins] });
  await bundle.write({ dir: join(folder, dir), format: "es" });
  await bundle.close();
}

/** With nothing that copies files. @param {string} folder */
export async function rollupResolved(folder) {
  await rollupTo(folder, "public", []);
  return copied(join(folder, "public"));
}

/** With the plugin that copies them. @param {string} folder */
export async function rollupAssets(folder) {
  const { importMetaAssets } = await import("@web/rollup-plugin-import-meta-assets");
  await rollupTo(folder, "bundle", [importMetaAssets()]);
  return bundled(folder);
}
