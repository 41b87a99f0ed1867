/** A distribution's Firefox, driven through its own WebDriver BiDi. Has only what the store's tests need. */

import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { once } from "node:events";
// @ts-ignore: without types
import * as bundle from "playwright-core/lib/utilsBundle";
import { eventually } from "../support/patience.mjs";
import { MOUNTS } from "./harness.mjs";
import { Server } from "./server.mjs";

export const executable = process.env.FIREFOX_PATH ?? "/usr/bin/firefox-esr";

export const hasFirefox = existsSync(executable);

/** Returns why tests that need a Firefox of at least a version do not run here, or `false`. @param {number} version */
export function skipsBefore(version) {
  if (!hasFirefox) return "there is no Firefox";
  const name = execFileSync(executable, ["--version"], { encoding: "utf8" }).trim();
  return Number(/ (\d+)\./.exec(name)?.[1]) < version && `they need Firefox ${version}, and this is ${name}`;
}

/**
 * Starts Firefox, a server and an empty page with felsic on it, like the harness's `start` with Chromium.
 *
 * @param {{ collects?: boolean }} [options] whether garbage can be collected from outside
 */
export async function startFirefox({ collects = false } = {}) {
  const server = await Server.start(MOUNTS);
  const firefox = await launchFirefox({}, collects ? ["--remote-allow-system-access"] : []);
  // Opened first, since the timers of a page that is not in front are slow.
  const own = collects ? await firefox.newPage("about:memory") : undefined;
  const page = await firefox.newPage(server.url("/felsic/blank.html"));
  await page.evaluate(async () => {
    while (!("felsic" in globalThis)) await new Promise((resolve) => setTimeout(resolve, 20));
  }, undefined);
  return {
    server,
    page: { evaluate: page.evaluate },
    /** The number of the browser's process. */
    process: firefox.process,
    /** Has garbage collected in all processes, as a button of about:memory does; they take a moment for it. */
    collect: async () =>
      own?.evaluate(() => /** @type {any} */ (globalThis).Services.obs.notifyObservers(null, "child-mmu-request"), undefined),
    /** @param {string} name of a pack */
    pack: (name) => server.url(`/packs/${name}/`),
    async close() {
      await firefox.close();
      await server.close();
    },
  };
}

/**
 * Starts Firefox with its own profile.
 *
 * @param {Record<string, string | number | boolean>} [prefs] its settings
 * @param {string[]} [flags] more of its command line
 */
export async function launchFirefox(prefs = {}, flags = []) {
  const profile = mkdtempSync(join(tmpdir(), "felsic-firefox-"));
  const lines = Object.entries(prefs).map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`);
  writeFileSync(join(profile, "user.js"), lines.join(""));
  const process = spawn(executable, ["--headless", "--no-remote", "--profile", profile, "--remote-debugging-port=0", ...flags]);
  const session = await Session.open(await addressOf(process));
  await session.send("session.new", { capabilities: {} });
  /** Waits for a page. @param {(url: string) => boolean} fits @param {string} what */
  const find = async (fits, what) => {
    const look = async () => {
      const { contexts } = await session.send("browsingContext.getTree", {});
      return contexts.find((/** @type {{ url: string }} */ { url }) => fits(url));
    };
    const found = await eventually(look, (one) => one !== undefined, 100);
    if (found === undefined) throw new Error(`nothing opens ${what}`);
    return String(found.context);
  };
  /** @param {string} context */
  const evaluateIn =
    (context) =>
    /**
     * @template A, R
     * @param {(argument: A) => R} work
     * @param {A} argument
     * @returns {Promise<Awaited<R>>}
     */
    (work, argument) =>
      session.evaluate(context, work, argument);
  return {
    process: Number(process.pid),
    /** Installs an extension until Firefox ends. @param {string} path of its folder */
    install: (path) => session.send("webExtension.install", { extensionData: { type: "path", path } }),
    /** Opens a page in its own container, which shares no stored files. @param {string} url */
    async newPage(url) {
      const { userContext } = await session.send("browser.createUserContext", {});
      const { context } = await session.send("browsingContext.create", { type: "tab", userContext });
      await session.send("browsingContext.navigate", { context, url, wait: "complete" });
      return {
        evaluate: evaluateIn(context),
        /** Loads another address, or the same again. @param {string} url */
        navigate: (url) => session.send("browsingContext.navigate", { context, url, wait: "complete" }),
        close: () => session.send("browser.removeUserContext", { userContext }),
      };
    },
    /**
     * Waits for a page that something else opens, such as an extension.
     *
     * @param {string} scheme
     * @param {string} [ending] of its address
     */
    async pageOf(scheme, ending = "") {
      const fits = (/** @type {string} */ url) => url.startsWith(`${scheme}:`) && url.endsWith(ending);
      const context = await find(fits, `a page with ${scheme}: ${ending}`);
      return {
        evaluate: evaluateIn(context),
        /** @param {number} width @param {number} height */
        resize: (width, height) => session.send("browsingContext.setViewport", { context, viewport: { width, height } }),
        /** Clicks as a person does: for some things browsers want more than a script. @param {{ x: number, y: number }} place */
        click: ({ x, y }) =>
          session.send("input.performActions", {
            context,
            actions: [
              {
                type: "pointer",
                id: "mouse",
                actions: [
                  { type: "pointerMove", x, y },
                  { type: "pointerDown", button: 0 },
                  { type: "pointerUp", button: 0 },
                ],
              },
            ],
          }),
        /** Returns a picture of it, as PNG. */
        picture: async () => Buffer.from((await session.send("browsingContext.captureScreenshot", { context })).data, "base64"),
        close: () => session.send("browsingContext.close", { context }),
      };
    },
    async close() {
      await session.send("browser.close", {}).catch(() => {});
      if (process.exitCode === null) await once(process, "exit");
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Where it listens. @param {import("node:child_process").ChildProcessWithoutNullStreams} process @returns {Promise<string>} */
function addressOf(process) {
  return new Promise((resolve, reject) => {
    let said = "";
    process.stderr.on("data", (text) => {
      said += text;
      const address = /WebDriver BiDi listening on (ws:\S+)/.exec(said)?.[1];
      if (address) resolve(address);
    });
    process.on("exit", () => reject(new Error(`Firefox does not start: ${said}`)));
  });
}

class Session {
  #socket;
  #last = 0;
  /** @type {Map<number, { resolve: (result: any) => void, reject: (error: Error) => void }>} */
  #pending = new Map();

  /** @param {any} socket */
  constructor(socket) {
    this.#socket = socket;
    socket.on("message", (/** @type {Buffer} */ data) => {
      const { id, result, error, message } = JSON.parse(String(data));
      const pending = this.#pending.get(id);
      this.#pending.delete(id);
      if (error) pending?.reject(new Error(`${error}: ${message}`));
      else pending?.resolve(result);
    });
    socket.on("close", () => {
      for (const { reject } of this.#pending.values()) reject(new Error("Firefox has gone"));
    });
  }

  /** @param {string} address */
  static async open(address) {
    const socket = new bundle.ws(`${address}/session`);
    await once(socket, "open");
    return new Session(socket);
  }

  /** @param {string} method @param {object} params @returns {Promise<any>} */
  send(method, params) {
    const id = ++this.#last;
    this.#socket.send(JSON.stringify({ id, method, params }));
    return new Promise((resolve, reject) => this.#pending.set(id, { resolve, reject }));
  }

  /** @param {string} context @param {Function} work @param {unknown} argument */
  async evaluate(context, work, argument) {
    const { result, exceptionDetails } = await this.send("script.callFunction", {
      functionDeclaration: `async (json) => JSON.stringify({ value: await (${work})(JSON.parse(json).argument) })`,
      arguments: [{ type: "string", value: JSON.stringify({ argument }) }],
      awaitPromise: true,
      target: { context },
    });
    if (exceptionDetails) throw new Error(exceptionDetails.text);
    return JSON.parse(result.value).value;
  }
}
