/** A static web server that can spoil what it serves. */

import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize, sep } from "node:path";

/** @type {Record<string, string>} */
const TYPES = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
};

/**
 * What is done to a file whose name matches.
 *
 * @typedef {object} Fault
 * @property {RegExp} file which files, by their name
 * @property {(bytes: Buffer) => Buffer | string} [change] serves other bytes, of whatever length
 * @property {string} [type] of the changed bytes
 * @property {number} [status] answers with this status and no bytes
 * @property {number} [cutAfter] announces the full length and breaks the connection after so many bytes
 * @property {number} [stallAfter] sends so many bytes and then nothing, keeping the connection
 * @property {number} [delay] waits so many milliseconds first
 */

/**
 * Folders under URL prefixes. Of several folders under one prefix the first that has a file serves it.
 *
 * @typedef {Record<string, string[]>} Mounts
 */

export class Server {
  /** @type {Mounts} */
  #mounts;
  /** @type {{ folder: string, faults: Fault[] }[]} */
  #faults = [];
  #http = createServer((request, response) => {
    this.#answer(request, response).catch((error) => response.destroy(error));
  });

  /** Paths that were asked for, in order. @type {string[]} */
  requests = [];

  /** @param {Mounts} mounts */
  constructor(mounts) {
    this.#mounts = mounts;
  }

  /** @param {Mounts} mounts */
  static async start(mounts) {
    const server = new Server(mounts);
    server.#http.listen(0, "127.0.0.1");
    await once(server.#http, "listening");
    return server;
  }

  /** @param {string} path */
  url(path) {
    const address = this.#http.address();
    if (address === null || typeof address === "string") throw new Error("the server is not listening");
    return `http://127.0.0.1:${address.port}${path}`;
  }

  /**
   * The URL of a folder in which files are spoilt; the folder itself is served unspoilt as before.
   *
   * @param {string} folder URL path of the folder, ending in a slash
   * @param {Fault[]} faults of which the first that matches a file counts
   */
  spoilt(folder, ...faults) {
    this.#faults.push({ folder, faults });
    return this.url(`/spoilt/${this.#faults.length - 1}/`);
  }

  async close() {
    this.#http.closeAllConnections();
    this.#http.close();
    await once(this.#http, "close");
  }

  /**
   * @param {import("node:http").IncomingMessage} request
   * @param {import("node:http").ServerResponse} response
   */
  async #answer(request, response) {
    const path = decodeURIComponent(new URL(request.url ?? "/", "http://server").pathname);
    this.requests.push(path);
    response.setHeader("access-control-allow-origin", "*");
    response.setHeader("cache-control", "no-store");

    const spoilt = /^\/spoilt\/(\d+)\/(.*)$/.exec(path);
    const entry = spoilt ? this.#faults[Number(spoilt[1])] : undefined;
    const real = entry ? entry.folder + spoilt?.[2] : path;
    const name = real.slice(real.lastIndexOf("/") + 1);
    const fault = entry?.faults.find(({ file }) => file.test(name));

    if (fault?.delay) await new Promise((resolve) => setTimeout(resolve, fault.delay));
    if (fault?.status) {
      response.writeHead(fault.status).end();
      return;
    }
    const file = await this.#read(real);
    if (!file) {
      response.writeHead(404, { "content-type": "text/plain" }).end("not found");
      return;
    }
    const bytes = fault?.change ? Buffer.from(fault.change(file.bytes)) : file.bytes;
    const stop = fault?.cutAfter ?? fault?.stallAfter;
    response.writeHead(200, { "content-type": fault?.type ?? file.type, "content-length": bytes.length });
    if (stop === undefined) {
      response.end(bytes);
      return;
    }
    response.write(bytes.subarray(0, stop));
    if (fault?.cutAfter !== undefined) setTimeout(() => response.destroy(), 50);
  }

  /** @param {string} path */
  async #read(path) {
    const name = path.endsWith("/") ? `${path}index.html` : path;
    const prefixes = Object.keys(this.#mounts).filter((prefix) => name.startsWith(prefix));
    const prefix = prefixes.sort((a, b) => b.length - a.length)[0];
    if (prefix === undefined) return undefined;
    for (const folder of this.#mounts[prefix] ?? []) {
      const file = normalize(join(folder, name.slice(prefix.length)));
      if (!file.startsWith(normalize(folder + sep))) continue;
      const bytes = await readFile(file).catch(() => undefined);
      if (bytes) return { bytes, type: TYPES[extname(file)] ?? "application/octet-stream" };
    }
    return undefined;
  }
}
