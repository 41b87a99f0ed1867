/** A browser with the extension, and a server of pages that can be remembered. */

import { once } from "node:events";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { FLAGS, target } from "../browser/harness.mjs";
import { eventually } from "../support/patience.mjs";

export const built = join(target, "extension");

/** Pages of this machine are never remembered, so those of the tests have names. */
const NAMES = "--host-resolver-rules=MAP *.example 127.0.0.1";

/** @typedef {Awaited<ReturnType<typeof startExtension>>} Extension */

/** Serves pages by their paths. @param {Record<string, string | (() => string)>} pages */
export async function servePages(pages) {
  const http = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://any.example");
    const page = Object.hasOwn(pages, pathname) ? pages[pathname] : undefined;
    response.writeHead(page === undefined ? 404 : 200, { "content-type": "text/html; charset=utf-8" });
    response.end(typeof page === "function" ? page() : (page ?? "<title>None</title>"));
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (http.address());
  return {
    pages,
    /** @param {string} host @param {string} path */
    url: (host, path) => `http://${host}:${port}${path}`,
    async close() {
      http.closeAllConnections();
      http.close();
      await once(http, "close");
    },
  };
}

/**
 * Calls the extension from one of its views.
 *
 * @param {{ evaluate(work: (message: object) => Promise<any>, message: object): Promise<any> }} view
 * @param {number} pause in milliseconds, between two looks of `until`
 */
export function callsFrom(view, pause) {
  /** @param {string} name @param {object} [input] @returns {Promise<any>} */
  async function call(name, input = {}) {
    const answer = await view.evaluate((message) => chrome.runtime.sendMessage(message), { to: "router", name, input });
    if (answer?.ok) return answer.value;
    throw Object.assign(new Error(answer?.error.message ?? "no answer"), { code: answer?.error.code });
  }

  /** Waits until a call's answer fits. @param {string} name @param {(value: any) => boolean} fits @param {object} [input] */
  async function until(name, fits, input = {}) {
    const value = await eventually(() => call(name, input), fits, pause);
    if (fits(value)) return value;
    throw new Error(`${name} does not get there: ${JSON.stringify(value)}`);
  }

  return { call, until };
}

/**
 * Copies the built extension with other permissions: the prompt that grants them cannot be answered by a test. Nothing but the manifest
 * differs.
 *
 * @param {"chromium" | "firefox"} browser
 * @param {{ hosts?: string[], permissions?: string[] }} granted
 */
export function copyWith(browser, { hosts = [], permissions = [] }) {
  const from = join(built, browser);
  if (!existsSync(from)) throw new Error(`${from} is not there; \`cargo xtask extension\` makes it`);
  const folder = mkdtempSync(join(tmpdir(), "felsic-extension-"));
  cpSync(from, folder, { recursive: true });
  const file = join(folder, "manifest.json");
  const manifest = JSON.parse(readFileSync(file, "utf8"));
  manifest.host_permissions = hosts;
  manifest.permissions.push(...permissions);
  writeFileSync(file, JSON.stringify(manifest));
  return folder;
}

/**
 * Starts Chromium with the extension, which has been granted some hosts and permissions.
 *
 * @param {{ hosts?: string[], permissions?: string[], settings?: Record<string, unknown>, flags?: string[] }} [options]
 */
export async function startExtension({ hosts, permissions, settings = {}, flags = [] } = {}) {
  const folder = copyWith("chromium", { hosts, permissions });
  const profile = mkdtempSync(join(tmpdir(), "felsic-profile-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM_PATH ?? "/usr/bin/chromium",
    args: [...FLAGS, NAMES, `--disable-extensions-except=${folder}`, `--load-extension=${folder}`, ...flags],
    ignoreDefaultArgs: ["--disable-extensions"],
  });
  const worker = context.serviceWorkers()[0] ?? (await context.waitForEvent("serviceworker"));
  const url = (/** @type {string} */ path) => new URL(path, worker.url()).href;
  // A page of the extension that calls as the views do.
  const view = await context.newPage();
  await view.goto(url("panel.html"));
  const { call, until } = callsFrom(view, 50);
  // Nothing may depend on which window the machine has in front.
  await call("settings.set", { pauseInBackground: false, pauseOnBattery: false, readSeconds: 0, ...settings });
  const devtools = await context.newCDPSession(view);
  const engineTarget = async () => {
    const { targetInfos } = await devtools.send("Target.getTargets");
    return targetInfos.find(({ url: at }) => at === url("engine.html"))?.targetId;
  };
  return {
    context,
    worker,
    profile,
    /** Ends the offscreen document as the browser does when it is short of memory; returns whether there was one. */
    async killEngine() {
      const targetId = await engineTarget();
      if (targetId) await devtools.send("Target.closeTarget", { targetId });
      return targetId !== undefined;
    },
    /** Ends the service worker. */
    async killWorker() {
      await devtools.send("ServiceWorker.enable");
      await devtools.send("ServiceWorker.stopAllWorkers");
    },
    /** Evaluates an expression in the offscreen document. @param {string} expression */
    async inEngine(expression) {
      const targetId = await engineTarget();
      if (!targetId) throw new Error("there is no offscreen document");
      const { sessionId } = await devtools.send("Target.attachToTarget", { targetId });
      const answered = new Promise((resolve) => devtools.once("Target.receivedMessageFromTarget", resolve));
      const params = { expression, awaitPromise: true, returnByValue: true };
      const message = JSON.stringify({ id: 1, method: "Runtime.evaluate", params });
      await devtools.send("Target.sendMessageToTarget", { sessionId, message });
      const { result } = JSON.parse((await answered).message);
      await devtools.send("Target.detachFromTarget", { sessionId });
      if (result.exceptionDetails) throw new Error(result.exceptionDetails.text);
      return result.result.value;
    },
    view,
    url,
    call,
    until,
    async close() {
      await context.close();
      for (const used of [profile, folder]) rmSync(used, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Returns a page. @param {string} title @param {string} body @param {string} [head] */
export function html(title, body, head = "") {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${title}</title>${head}</head><body>${body}</body></html>`;
}

/** What the browser has to grant for a site. @param {string} site */
export function originsOf(site) {
  return ["http://", "https://", "http://*.", "https://*."].map((begin) => `${begin}${site}/*`);
}
