/** A distribution's Firefox, driven by Playwright through WebDriver BiDi. */

import { writeFileSync } from "node:fs";
import { basename } from "node:path";
import { firefox } from "playwright-core";
import { executable } from "./firefox.mjs";

/** @typedef {Awaited<ReturnType<typeof launchFirefox>>} Firefox */

/** What every Firefox of these tests is set to. */
const PREFS = {
  // Playwright cannot ask this Firefox for less motion.
  "ui.prefersReducedMotion": 1,
  // The clipboard is read without a question.
  "security.dialog_enable_delay": 0,
  "dom.events.testing.asyncClipboard": true,
};

/**
 * What this version of Firefox does not know yet, and Playwright sends with each context: without an answer no context would begin.
 */
const UNKNOWN = "emulation.setMediaFeaturesOverride";

/** What Playwright has behind an object of its interface. @param {any} object */
const internal = (object) => object._connection.toImpl(object);

/** Starts Firefox. @param {Record<string, string | number | boolean>} [prefs] its settings */
export async function launchFirefox(prefs = {}) {
  const browser = await firefox.launch({
    channel: "moz-firefox",
    executablePath: executable,
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
