/** A distribution's Firefox, driven by Playwright through WebDriver BiDi. */

import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { firefox } from "playwright-core";
import { executable, skipsBefore } from "./firefox.mjs";
import { MOUNTS, screenshots } from "./harness.mjs";
import { openPage } from "./page-harness.mjs";
import { Server } from "./server.mjs";

/** @typedef {Awaited<ReturnType<typeof startFirefoxPage>>} Firefox */

/** What every Firefox of these tests is set to. */
const PREFS = {
  // Playwright cannot ask this Firefox for less motion.
  "ui.prefersReducedMotion": 1,
  // The clipboard is read without a question.
  "security.dialog_enable_delay": 0,
  // Without a graphics card it is drawn in software, where there is such a driver.
  "webgl.force-enabled": true,
  "dom.events.testing.asyncClipboard": true,
};

/**
 * What this version of Firefox does not know yet, and Playwright sends with each context: without an answer no context would begin.
 */
const UNKNOWN = "emulation.setMediaFeaturesOverride";

/**
 * Why Playwright cannot drive the Firefox of this machine, or `false`. The oldest that these tests have run in is 153; 140 does not know
 * `network.addDataCollector`, which Playwright sends at its start, and lets a page's policy forbid Playwright's own scripts.
 */
export const skipsPlaywright = skipsBefore(153);

/** Starts Firefox and opens the private-search page in it, as `openPage()` does with Chromium. `foreign` is another host. */
export async function startFirefoxPage() {
  mkdirSync(screenshots, { recursive: true });
  let server = await Server.start(MOUNTS);
  const foreign = await Server.start(MOUNTS, 0, "127.0.0.2");
  const browser = await launchFirefox();
  const open = async (options = {}, query = "") => {
    const environment = /** @type {any} */ ({ browser, url: (/** @type {string} */ path) => server.url(path) });
    const opened = await openPage(environment, options, query);
    opened.page.setDefaultTimeout(15_000);
    /** Keeps a picture. @param {string} name */
    const picture = (name) => browser.picture(opened.page, join(screenshots, `firefox-${name}.png`));
    return { ...opened, picture };
  };
  return {
    browser,
    foreign,
    open,
    /** Does something while the page's host cannot be reached. @param {() => Promise<unknown>} work */
    async withoutNetwork(work) {
      const { port } = new URL(server.url("/"));
      await server.close();
      try {
        await work();
      } finally {
        server = await Server.start(MOUNTS, Number(port));
      }
    },
    /** Returns what was downloaded, when all of it is there: Playwright hears nothing of it. @param {string} name */
    async downloaded(name) {
      const file = join(browser.downloads, name);
      for (let tries = 0; tries < 200; tries += 1) {
        if (existsSync(file) && !existsSync(`${file}.part`) && statSync(file).size > 0) return readFileSync(file, "utf8");
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      throw new Error(`${name} is not downloaded: ${readdirSync(browser.downloads).join()}`);
    },
    async close() {
      await browser.close();
      rmSync(browser.downloads, { recursive: true });
      await server.close();
      await foreign.close();
    },
  };
}

/** What Playwright has behind an object of its interface. @param {any} object */
const internal = (object) => object._connection.toImpl(object);

/** Starts Firefox. @param {Record<string, string | number | boolean>} [prefs] its settings */
export async function launchFirefox(prefs = {}) {
  const downloads = mkdtempSync(join(tmpdir(), "felsic-downloads-"));
  const browser = await firefox.launch({
    channel: "moz-firefox",
    executablePath: executable,
    downloadsPath: downloads,
    firefoxUserPrefs: { ...PREFS, ...prefs },
    args: ["--remote-allow-system-access"],
  });
  const session = internal(browser)._browserSession;
  const send = session.send.bind(session);
  session.send = (/** @type {string} */ method, /** @type {object} */ params) =>
    method === UNKNOWN ? Promise.resolve({}) : send(method, params);

  /** The browser's own window. @type {string | undefined} */
  let chrome;
  /**
   * Runs a function in the browser's own window, with all that the browser may do.
   *
   * @template A, R
   * @param {(argument: A) => R} work
   * @param {A} argument
   * @returns {Promise<Awaited<R>>}
   */
  const privileged = async (work, argument) => {
    chrome ??= (await send("browsingContext.getTree", { "moz:scope": "chrome" })).contexts[0].context;
    const { result, exceptionDetails } = await send("script.callFunction", {
      functionDeclaration: `async (json) => JSON.stringify({ value: await (${work})(JSON.parse(json).argument) })`,
      arguments: [{ type: "string", value: JSON.stringify({ argument }) }],
      awaitPromise: true,
      target: { context: chrome },
    });
    if (exceptionDetails) throw new Error(exceptionDetails.text);
    return JSON.parse(result.value).value;
  };
  return Object.assign(browser, {
    privileged,
    downloads,
    /**
     * Keeps a picture of a page. Playwright's own would add a style to the page, which a strict policy reports.
     *
     * @param {import("playwright-core").Page} page
     * @param {string} path
     */
    async picture(page, path) {
      const { sessionId: context } = internal(page).delegate._session;
      writeFileSync(path, Buffer.from((await send("browsingContext.captureScreenshot", { context })).data, "base64"));
    },
    /**
     * Picks a folder as a person does: in the browser's dialogue, and in its question whether the page may have all of its files.
     *
     * @param {string} path
     * @param {() => Promise<unknown>} open what makes the page open the dialogue
     */
    async pickFolder(path, open) {
      await privileged(answers, path);
      await open();
      const question = await privileged(() => /** @type {any} */ (globalThis).felsicAsked, undefined);
      if (!question.includes(basename(path))) throw new Error(`Firefox asks: ${question}`);
    },
  });
}

/**
 * Answers what Firefox asks a person who picks a folder: the system's dialogue, which this takes the place of, and whether the page may have
 * all files. Returns the second question. Runs in the browser's window.
 *
 * @param {string} path
 */
function answers(path) {
  const { Components, Ci, ChromeUtils, Services } = /** @type {any} */ (globalThis);
  const { FileUtils } = ChromeUtils.importESModule("resource://gre/modules/FileUtils.sys.mjs");
  const registrar = Components.manager.QueryInterface(Ci.nsIComponentRegistrar);
  const picker = {
    QueryInterface: ChromeUtils.generateQI(["nsIFilePicker"]),
    mode: Ci.nsIFilePicker.modeGetFolder,
    init() {},
    appendFilter() {},
    appendFilters() {},
    appendRawFilter() {},
    isModeSupported: async () => true,
    open(/** @type {any} */ callback) {
      Services.tm.dispatchToMainThread(() => callback.done(Ci.nsIFilePicker.returnOK));
    },
    file: new FileUtils.File(path),
  };
  const factory = {
    QueryInterface: ChromeUtils.generateQI(["nsIFactory"]),
    createInstance: (/** @type {any} */ wanted) => picker.QueryInterface(wanted),
  };
  registrar.registerFactory(Components.ID(`{${crypto.randomUUID()}}`), "", "@mozilla.org/filepicker;1", factory);
  /** @type {any} */ (globalThis).felsicAsked = new Promise((resolve) => {
    const loaded = "common-dialog-loaded";
    const answer = (/** @type {any} */ dialog) => {
      Services.obs.removeObserver(answer, loaded);
      dialog.Dialog.ui.button0.click();
      resolve(dialog.Dialog.ui.infoBody.textContent);
    };
    Services.obs.addObserver(answer, loaded);
  });
}
