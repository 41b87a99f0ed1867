/** Firefox with the extension, whose engine is in the background page, and a server of pages that can be remembered. */

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { manifest } from "../../extension/manifest.mjs";
import { launchFirefox, skipsBefore } from "../browser/firefox.mjs";
import { screenshots } from "../browser/harness.mjs";
import { copyWith, servePages, callsFrom } from "./harness.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core"), "utf8");

/** Returns what axe finds. WebDriver's scripts are not bound by the page's policy. */
const findings = Function(
  `${axe}; return axe.run().then(({ violations }) => violations.map(({ id, nodes }) => id + ": " + nodes[0].html));`,
);

const { browser_specific_settings } = /** @type {any} */ (manifest("firefox", "0"));
/** Why the extension cannot be installed in the Firefox of this machine, or `false`. */
export const skip = skipsBefore(Number.parseInt(browser_specific_settings.gecko.strict_min_version));

/** @typedef {Awaited<ReturnType<typeof startFirefox>>} FirefoxExtension */
/** @typedef {FirefoxExtension["view"]} View */

/**
 * Starts Firefox with the extension; all pages may be remembered.
 *
 * @param {string[]} hosts names that lead to this machine
 * @param {Record<string, string>} pages by their paths
 */
export async function startFirefox(hosts, pages) {
  /** What ends all that has been started. @type {(() => unknown)[]} */
  const ends = [];
  const close = async () => {
    for (const end of ends.splice(0).reverse()) await end();
  };
  try {
    return { ...(await start(hosts, pages, ends)), close };
  } catch (error) {
    // What went on would keep the tests from ending.
    await close();
    throw error;
  }
}

/** @param {string[]} hosts @param {Record<string, string>} pages @param {(() => unknown)[]} ends */
async function start(hosts, pages, ends) {
  const site = await servePages(pages);
  ends.push(site.close);
  const folder = copyWith("firefox", { hosts: ["http://*/*", "https://*/*"] });
  const downloads = mkdtempSync(join(tmpdir(), "felsic-downloads-"));
  ends.push(() => [folder, downloads].forEach((own) => rmSync(own, { recursive: true, force: true })));
  const firefox = await launchFirefox({
    "network.dns.localDomains": hosts.join(),
    "extensions.webextOptionalPermissionPrompts": false,
    // A colour that is on its way to another one is not what axe should judge.
    "ui.prefersReducedMotion": 1,
    "browser.download.folderList": 2,
    "browser.download.dir": downloads,
    "browser.download.useDownloadDir": true,
    // A panel of the browser's own takes the next click.
    "browser.download.alwaysOpenPanel": false,
  });
  ends.push(firefox.close);
  await firefox.install(folder);
  // The first-run page: Firefox lets nobody navigate to pages of extensions.
  const view = await firefox.pageOf("moz-extension");

  const { call, until } = callsFrom(view, 100);
  await call("settings.set", { mode: "all", readSeconds: 0, pauseInBackground: false });

  /**
   * Opens a view in a tab. What it says of errors is noted in it.
   *
   * @param {string} path
   * @param {number} [width]
   */
  async function open(path, width = 380) {
    await view.evaluate(async (path) => void (await chrome.tabs.create({ url: chrome.runtime.getURL(path) })), path);
    const page = await firefox.pageOf("moz-extension", path);
    await page.resize(width, 800);
    await shows(page, "main", "");
    await page.evaluate(() => {
      const errors = /** @type {string[]} */ ([]);
      Object.assign(globalThis, { errors });
      addEventListener("error", ({ message }) => errors.push(message));
      addEventListener("unhandledrejection", ({ reason }) => errors.push(String(reason)));
      const { error } = console;
      console.error = (...said) => (errors.push(said.join(" ")), error(...said));
    }, undefined);
    return page;
  }

  return {
    firefox,
    site,
    view,
    downloads,
    call,
    open,
    until,
  };
}

/** Closes a view, which has reported no error. @param {View} page */
export async function close(page) {
  assert.deepEqual(await page.evaluate(() => /** @type {any} */ (globalThis).errors, undefined), []);
  await page.close();
}

/** Waits until something in a view says something. @param {View} page @param {string} selector @param {string} text */
export function shows(page, selector, text) {
  return page.evaluate(
    async ([selector = "", text = ""]) => {
      const said = () => [...document.querySelectorAll(selector)].map(({ textContent }) => textContent ?? "");
      for (let i = 0; i < 1500 && !said().some((one) => one.includes(text)); i += 1)
        await new Promise((resolve) => setTimeout(resolve, 20));
      if (!said().some((one) => one.includes(text))) throw new Error(`${selector} says ${said().join()}, not ${text}`);
    },
    [selector, text],
  );
}

/** Waits until nothing in a view says something. @param {View} page @param {string} selector @param {string} text */
export function lacks(page, selector, text) {
  return page.evaluate(
    async ([selector = "", text = ""]) => {
      const isSaid = () => [...document.querySelectorAll(selector)].some(({ textContent }) => textContent?.includes(text));
      for (let i = 0; i < 1500 && isSaid(); i += 1) await new Promise((resolve) => setTimeout(resolve, 20));
      if (isSaid()) throw new Error(`${selector} still says ${text}`);
    },
    [selector, text],
  );
}

/** Clicks on what is called something, or has such a value. @param {View} page @param {string} selector @param {string} name */
export async function click(page, selector, name) {
  const place = await page.evaluate(
    ([selector = "", name = ""]) => {
      const found = [.../** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll(selector))];
      const one = found.find(
        ({ textContent, ariaLabel, value }) => value === name || (ariaLabel ?? textContent)?.trim() === name,
      );
      if (!one) throw new Error(`there is no ${selector} called ${name}`);
      const shown = one.labels?.[0] ?? one;
      shown.scrollIntoView({ block: "center", behavior: "instant" });
      const { x, y, width, height } = shown.getBoundingClientRect();
      return { x: Math.round(x + width / 2), y: Math.round(y + height / 2) };
    },
    [selector, name],
  );
  await page.click(place);
}

/** Writes into a field, and leaves it as a person does who is done. @param {View} page @param {string} label @param {string} text */
export function fill(page, label, text) {
  return page.evaluate(
    ([label = "", text = ""]) => {
      const labels = [...document.querySelectorAll("label")].filter(({ textContent }) => textContent?.startsWith(label));
      const field = /** @type {HTMLInputElement} */ (labels[0]?.control ?? document.querySelector(`[aria-label="${label}"]`));
      field.value = text;
      for (const type of ["input", "change"]) field.dispatchEvent(new Event(type, { bubbles: true }));
    },
    [label, text],
  );
}

/** Gives files to a field, by their names. @param {View} page @param {string} label @param {Record<string, Buffer>} files */
export function give(page, label, files) {
  const encoded = Object.entries(files).map(([name, bytes]) => [name, bytes.toString("base64")]);
  return page.evaluate(
    ({ label, encoded }) => {
      const labels = [...document.querySelectorAll("label")].filter(({ textContent }) => textContent?.startsWith(label));
      const field = /** @type {HTMLInputElement} */ (labels[0]?.control);
      const data = new DataTransfer();
      for (const [name = "", base64 = ""] of encoded) {
        data.items.add(new File([Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))], name));
      }
      field.files = data.files;
      field.dispatchEvent(new Event("change", { bubbles: true }));
    },
    { label, encoded },
  );
}

/** Demands that nothing is wider than the window and that axe finds nothing, and keeps a picture. @param {View} page @param {string} name */
export async function looks(page, name) {
  mkdirSync(screenshots, { recursive: true });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth, undefined);
  assert.ok(wide <= 0, `${name} is ${wide} pixels too wide`);
  assert.deepEqual(await page.evaluate(/** @type {() => Promise<string[]>} */ (findings), undefined), []);
  writeFileSync(join(screenshots, `firefox-extension-${name}.png`), await page.picture());
}
