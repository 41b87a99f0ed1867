/** The published site: the page, under a sub-path of a plain server that sends no headers, in Chromium and Firefox. */

import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { assemble, check } from "../../www/site.mjs";
import { hasFirefox, launchFirefox } from "./firefox.mjs";
import { launch } from "./harness.mjs";
import { Server } from "./server.mjs";

const PATH = "/someone/felsic/";
const FOREIGN = "127.0.0.2";
/** A worker that says whether it may ask for an address. */
const PROBE = `onmessage = ({ data }) => fetch(data).then(() => "answered", () => "refused").then((said) => postMessage(said));`;

/**
 * What both browsers do with the page.
 *
 * @typedef {object} Visit
 * @property {<A, R>(work: (argument: A) => R, argument: A) => Promise<Awaited<R>>} evaluate
 * @property {(url: string) => Promise<unknown>} navigate
 */

const site = mkdtempSync(join(tmpdir(), "felsic-site-"));
/** @type {Server} */
let server;
/** @type {Server} */
let foreign;
/** @type {Awaited<ReturnType<typeof launch>>} */
let browser;

before(async () => {
  browser = await launch();
  assemble(site, { documents: false });
  writeFileSync(join(site, "probe.js"), PROBE);
  server = await Server.start({ [PATH]: [site] });
  foreign = await Server.start({ "/": [site] }, 0, FOREIGN);
});

after(async () => {
  await browser?.close();
  await server?.close().catch(() => undefined);
  await foreign?.close();
  rmSync(site, { recursive: true });
});

/** Adds a file, or finds it there from the visit before, and searches; resolves when the page shows what was found. @param {boolean} adds */
async function useThePage(adds) {
  const deadline = Date.now() + 40_000;
  const until = async (/** @type {() => unknown} */ condition) => {
    while (!condition()) {
      if (Date.now() > deadline) throw new Error(`never: ${condition}; the page says: ${document.body.innerText.slice(0, 500)}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  const field = (/** @type {string} */ selector) => /** @type {HTMLInputElement | null} */ (document.querySelector(selector));
  if (adds) {
    await until(() => field("input[type=file]"));
    const files = new DataTransfer();
    const text = "A cat sleeps on the warm windowsill.\n\nThe central bank has raised its interest rates.\n";
    files.items.add(new File([text], "notes.txt", { type: "text/plain" }));
    Object.assign(field("input[type=file]") ?? {}, { files: files.files });
    field("input[type=file]")?.dispatchEvent(new Event("change", { bubbles: true }));
  }
  await until(() => field("input[enterkeyhint=search]"));
  const box = field("input[enterkeyhint=search]");
  Object.assign(box ?? {}, { value: "a pet that rests" });
  box?.dispatchEvent(new Event("input", { bubbles: true }));
  await until(() => document.querySelector("main")?.textContent?.includes("A cat sleeps on the warm"));
}

/** Resolves when all files are kept: the service worker is there, and the page under it. */
async function isKept() {
  await navigator.serviceWorker.ready;
  while (!navigator.serviceWorker.controller) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** @param {string} url */
const ask = (url) =>
  fetch(url).then(
    () => "answered",
    () => "refused",
  );

/** Asks in a worker. @param {string} url @returns {Promise<string>} */
const askInWorker = (url) =>
  new Promise((resolve, reject) => {
    const worker = new Worker("./probe.js");
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(message || "the worker does not start"));
    worker.postMessage(url);
  });

/** Visits the page twice, the second time without a network. @param {Visit} visit */
async function visits({ evaluate, navigate }) {
  const url = server.url(PATH);
  const elsewhere = foreign.url("/favicon.svg");
  const { port } = new URL(url);
  await navigate(url);
  await evaluate(useThePage, true);
  assert.equal(await evaluate(ask, elsewhere), "refused");
  await evaluate(isKept, undefined);
  await server.close();
  try {
    await navigate(url);
    await evaluate(useThePage, false);
  } finally {
    server = await Server.start({ [PATH]: [site] }, Number(port));
  }
  assert.equal(await evaluate(ask, elsewhere), "refused");
  // The server sends no policy with a worker's script, so the service worker has put one there.
  assert.equal(await evaluate(askInWorker, elsewhere), "refused");
  assert.equal(await evaluate(askInWorker, url), "answered");
  assert.deepEqual(foreign.requests, []);
  assert.deepEqual(
    server.requests.filter((path) => !path.startsWith(PATH)),
    [],
  );
}

test("Chromium: the page works, and after the first visit without a network", async () => {
  const page = await browser.newPage();
  await visits({
    evaluate: (work, argument) => page.evaluate(/** @type {any} */ (work), argument),
    navigate: (url) => page.goto(url),
  });
  await page.close();
});

test("Firefox: the page works, and after the first visit without a network", { skip: !hasFirefox }, async () => {
  const firefox = await launchFirefox();
  try {
    const page = await firefox.newPage("about:blank");
    await visits(page);
  } finally {
    await firefox.close();
  }
});

test("the browser accepts the web app manifest, and offers to install the page", async () => {
  const page = await browser.newPage();
  await page.goto(server.url(PATH));
  const session = await page.context().newCDPSession(page);
  const { url, errors, data } = await session.send("Page.getAppManifest");
  assert.equal(url, server.url(`${PATH}app.webmanifest`));
  assert.deepEqual(errors, []);
  const { installabilityErrors } = await session.send("Page.getInstallabilityErrors");
  assert.deepEqual(
    installabilityErrors.filter(({ errorId }) => errorId !== "in-incognito"),
    [],
  );
  const { icons, share_target: share } = JSON.parse(data ?? "{}");
  for (const { src, sizes, type } of icons) {
    const bytes = readFileSync(join(site, src));
    if (type !== "image/png") continue;
    const size = [bytes.readUInt32BE(16), bytes.readUInt32BE(20)].join("x");
    assert.equal(size, sizes);
  }
  assert.deepEqual([share.action, share.method, share.enctype], ["./share", "POST", "multipart/form-data"]);
  await page.close();
});

test("the licences of all libraries are published with the page", () => {
  const notices = readFileSync(join(site, "THIRD-PARTY-NOTICES.txt"), "utf8");
  const libraries = ["burn-flex", "minisearch", "preact", "pdfjs-dist", "fflate", "saxes", "postal-mime", "workbox-precaching"];
  for (const name of libraries) assert.ok(notices.includes(name), name);
});

test("an address with nothing leads to the page, from any depth", async () => {
  const html = readFileSync(join(site, "404.html"), "utf8");
  const page = await browser.newPage();
  for (const path of ["missing", "a/deep/path/that/never/was"]) {
    await page.route("**/*", async (route) => {
      if (route.request().isNavigationRequest()) await route.fulfill({ status: 404, contentType: "text/html", body: html });
      else await route.continue();
    });
    await page.goto(server.url(PATH + path));
    await page.waitForFunction((path) => document.querySelector("a")?.pathname === path, PATH);
  }
  await page.close();
});

test("a reference that would not work in another folder is found", () => {
  assert.deepEqual(check(site), []);
  const file = join(site, "wrong.html");
  writeFileSync(file, `<img src="/favicon.svg"><a href="./nowhere.html"></a><a href="https://example.org/">x</a>`);
  assert.deepEqual(check(site), [
    "wrong.html refers to /favicon.svg, from the host's root",
    "wrong.html refers to ./nowhere.html, which is not there",
  ]);
  rmSync(file);
  assert.ok(existsSync(join(site, ".nojekyll")) && existsSync(join(site, "sw.js")));
});
