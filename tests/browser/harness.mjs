/** A browser, a server and an empty page with felsic on it. */

import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { chromium } from "playwright-core";
import { writeWorker } from "../../pkg/bundle.mjs";
import { eventually } from "../support/patience.mjs";
import { Server } from "./server.mjs";

export const root = resolve(import.meta.dirname, "../..");
/** The folder of what is built; cargo's own variable moves it. */
export const target = process.env.CARGO_TARGET_DIR ? resolve(root, process.env.CARGO_TARGET_DIR) : join(root, "target");
export const packs = join(target, "test-packs");

/** The scripts and binaries of the package as it is published; `npm run build` packs and unpacks it. */
export const dist = join(target, "package/dist");

/** The folder for screenshots. */
export const screenshots = join(target, "screenshots");

/** What every Chromium of the tests is started with. */
export const FLAGS = [
  "--no-sandbox",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** The flag that gives a machine without a GPU a WebGPU adapter in software. */
const SOFTWARE_GPU = "--enable-unsafe-webgpu";

/** A host that is not a secure context without HTTPS. */
const INSECURE = "felsic.test";

/** What a server of the tests serves where: felsic, packs, checkpoints, and the built page. */
export const MOUNTS = {
  "/felsic/": [dist, import.meta.dirname],
  "/packs/": [packs],
  "/models/": [join(root, "tests/fixtures/models")],
  "/www/": [join(root, "www/dist")],
  "/www/packs/demo/": [join(packs, "tiny-silu-int8")],
};

/** @typedef {Awaited<ReturnType<typeof start>>} Environment */
/** @typedef {import("playwright-core").JSHandle<import("felsic").Embedder>} EmbedderHandle */

/**
 * Serves felsic under `/felsic/`, the same with the engine of `fake/` under `/fake/`, packs under `/packs/` and the
 * built page under `/www/`, and opens the empty page.
 *
 * @param {{ fake?: boolean, gpu?: boolean, insecure?: boolean, page?: string, needs?: string[] }} [options] whether to
 *   use a software GPU; whether the page is not a secure context; which page to open; packs that the tests cannot do without
 */
export async function start({ fake = false, gpu = true, insecure = false, page: path, needs = [] } = {}) {
  require(join(dist, "index.js"), "npm run build");
  if (!fake) require(join(dist, "felsic_cpu_bg.wasm"), "cargo xtask build");
  for (const name of needs) require(join(packs, name), "cargo xtask test");
  const here = import.meta.dirname;
  const fakes = fake ? await fakeWorkers(join(here, "fake")) : undefined;
  const mounts = { ...MOUNTS, "/fake/": [...(fakes ? [fakes] : []), join(here, "fake"), dist, here] };
  const server = await Server.start(mounts);
  const url = (/** @type {string} */ path) => (insecure ? server.url(path).replace("127.0.0.1", INSECURE) : server.url(path));
  const browser = await launch([
    ...(gpu ? [SOFTWARE_GPU] : []),
    ...(insecure ? [`--host-resolver-rules=MAP ${INSECURE} 127.0.0.1`] : []),
  ]);
  const page = await browser.newPage();
  /** @type {string[]} */
  const errors = [];
  page.on("console", (message) => {
    if (message.type() === "error") errors.push(message.text());
  });
  page.on("pageerror", (error) => errors.push(String(error)));
  await page.goto(url(path ?? (fake ? "/fake/blank.html" : "/felsic/blank.html")));
  if (path === undefined) await page.waitForFunction(() => "felsic" in globalThis);

  return {
    server,
    /** The server's folders, for another server of the same ones. */
    mounts,
    browser,
    page,
    /** Errors on the console and uncaught ones, in order. */
    errors,
    /** Returns the URL of a path on the page's host. */
    url,
    /** @param {string} name of a pack */
    pack: (name) => url(`/packs/${name}/`),
    async close() {
      await browser.close();
      await server.close();
      if (fakes) rmSync(fakes, { recursive: true });
    },
  };
}

/** The package's workers with the engine of a folder, in a folder of their own. @param {string} engine */
async function fakeWorkers(engine) {
  const folder = mkdtempSync(join(tmpdir(), "felsic-fake-"));
  for (const name of ["cpu", "relaxed", "gpu"]) await writeWorker(`worker-${name}`, folder, engine);
  return folder;
}

/** Starts the browser. @param {string[]} [flags] */
export function launch(flags = []) {
  return chromium.launch({
    executablePath: process.env.CHROMIUM_PATH ?? "/usr/bin/chromium",
    args: [...FLAGS, ...flags],
  });
}

/** Starts the browser with an extension that has a service worker. @param {string} folder @param {string} profile */
export async function launchExtension(folder, profile) {
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM_PATH ?? "/usr/bin/chromium",
    args: [...FLAGS, `--disable-extensions-except=${folder}`, `--load-extension=${folder}`],
    ignoreDefaultArgs: ["--disable-extensions"],
  });
  const worker = context.serviceWorkers()[0] ?? (await context.waitForEvent("serviceworker"));
  return { context, url: (/** @type {string} */ path) => new URL(path, worker.url()).href };
}

/**
 * Creates an embedder in the page.
 *
 * @param {Environment} environment
 * @param {string} model URL of a pack
 * @param {"auto" | "cpu" | "webgpu"} [device]
 * @returns {Promise<EmbedderHandle>}
 */
export function createEmbedder({ page }, model, device = "cpu") {
  return page.evaluateHandle(
    ([model, device]) => felsic.Embedder.create({ model, device }),
    /** @type {const} */ ([model, device]),
  );
}

/**
 * Waits until the expected number of workers is alive; returns the last number.
 *
 * @param {Environment["page"]} page
 * @param {number} expected
 */
export function workers(page, expected) {
  return eventually(
    () => page.workers().length,
    (count) => count === expected,
  );
}

/**
 * Returns the longest task of the page's main thread during `work`, in milliseconds of its own processor time:
 * the work of other programs on the machine does not count.
 *
 * @param {Environment} environment
 * @param {() => Promise<unknown>} work
 */
export async function longestTask({ browser, page }, work) {
  await browser.startTracing(page, { categories: ["toplevel"] });
  await work();
  /** @type {{ traceEvents: { name: string, ph: string, pid: number, tid: number, dur?: number, tdur?: number, args: { name?: string } }[] }} */
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString());
  const names = traceEvents.filter(({ name, args }) => name === "thread_name" && args.name === "CrRendererMain");
  const mains = new Set(names.map(({ pid, tid }) => `${pid}:${tid}`));
  const tasks = traceEvents.filter(
    ({ name, ph, pid, tid }) => name.endsWith("RunTask") && ph === "X" && mains.has(`${pid}:${tid}`),
  );
  // The task that the trace ends in has no end of its own, and `work` was over before it. A task without processor
  // time has been measured by the clock alone, which can only be longer.
  const ended = tasks.filter(({ dur, tdur }) => (tdur ?? dur) !== undefined);
  return Math.max(...ended.map(({ dur = NaN, tdur = dur }) => tdur)) / 1000;
}

/**
 * Returns why tests of a large pack are left out, or false: unless all tests are requested, they run only if the pack exists.
 *
 * @param {string} name of the pack
 */
export function skipWithout(name) {
  if (existsSync(join(packs, name)) || process.env.FELSIC_TEST_FULL) return false;
  return `target/test-packs/${name} is not there; \`cargo xtask packs\` makes it`;
}

/** Flips the lowest bit of the byte in the middle. @param {Buffer} bytes */
export function flipped(bytes) {
  const copy = Buffer.from(bytes);
  const middle = copy.length >> 1;
  copy.writeUInt8(copy.readUInt8(middle) ^ 1, middle);
  return copy;
}

/**
 * A text, and its ids and vector from the reference implementation.
 *
 * @typedef {object} Golden
 * @property {string} name
 * @property {string} text
 * @property {number[]} ids
 * @property {Float32Array} embedding
 */

/** @param {string} model @returns {Golden[]} */
export function goldens(model) {
  const file = join(root, "tests/fixtures/goldens", `${model}.json`);
  const { texts } = JSON.parse(readFileSync(file, "utf8"));
  return texts.map((/** @type {Golden & { embedding: unknown }} */ golden) => {
    const bytes = Buffer.from(String(golden.embedding), "base64");
    const floats = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
    return { ...golden, embedding: new Float32Array(floats) };
  });
}

/** @param {ArrayLike<number>} a @param {ArrayLike<number>} b */
export function largestDifference(a, b) {
  if (a.length !== b.length) return Infinity;
  let largest = 0;
  for (let i = 0; i < a.length; i += 1) {
    const difference = Math.abs(Number(a[i]) - Number(b[i]));
    // NaN counts as infinitely far off; Math.max alone would lose it later.
    largest = Math.max(largest, Number.isNaN(difference) ? Infinity : difference);
  }
  return largest;
}

/** @param {ArrayLike<number>} a @param {ArrayLike<number>} b */
export function cosine(a, b) {
  if (a.length !== b.length) return -1;
  let [dot, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i += 1) {
    const [x, y] = [Number(a[i]), Number(b[i])];
    dot += x * y;
    aa += x * x;
    bb += y * y;
  }
  return dot / Math.sqrt(aa * bb);
}

/** @param {string} path @param {string} command */
function require(path, command) {
  if (!existsSync(path)) throw new Error(`${path} is not there; \`${command}\` makes it`);
}
