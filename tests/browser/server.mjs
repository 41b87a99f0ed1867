/** A static web server that can spoil what it serves. */

import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize, sep } from "node:path";
import { gzipSync } from "node:zlib";

/** @type {Record<string, string>} */
const TYPES = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
};

/**
 * A fault of the files whose names match.
 *
 * @typedef {object} Fault
 * @property {RegExp} file which files, by their name
 * @property {(bytes: Buffer) => Buffer | string} [change] serves other bytes, of whatever length
 * @property {string} [type] of the changed bytes
 * @property {number} [status] answers with this status and no bytes
 * @property {boolean} [page] answers with a page, as a server of a single-page application does for every missing file
 * @property {Record<string, string>} [headers] of any answer
 * @property {number} [cutAfter] announces the full length and breaks the connection after this many bytes of the file
 * @property {number} [lull] milliseconds before it breaks the connection, in which what was sent arrives and is read; 50 by default, and more where
 *   a test needs it on a busy machine
 * @property {number} [endAfter] announces no length and ends after this many bytes of the file as if they were all
 * @property {number} [stallAfter] sends this many bytes of the file and then nothing, and keeps the connection
 * @property {number} [dribbleAfter] sends this many bytes of the file and then one every 20 milliseconds
 * @property {number} [delay] waits this many milliseconds first
 * @property {number} [slow] sends 16 pieces and waits this many milliseconds before each
 * @property {boolean} [gzip] sends compressed bytes; a range counts those
 * @property {"ignored" | "wrong"} [ranges] sends the whole file whatever range is asked for; or a part that starts
 *   later than asked for
 * @property {string} [token] asks for a login (401) unless this is the request's `authorization`
 * @property {boolean} [noHeaders] allows pages of other origins no headers
 * @property {number} [times] spoils only this many requests; HEAD requests do not count
 */

/**
 * Folders under URL prefixes. If several folders have one prefix, the first that has a file serves it.
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

  /**
   * The requests, with their methods and some headers.
   *
   * @type {{ path: string, method: string | undefined, range: string | undefined, cookie: string | undefined, authorization: string | undefined, key: string | undefined }[]}
   */
  log = [];

  /** @param {Mounts} mounts */
  constructor(mounts) {
    this.#mounts = mounts;
  }

  /** @param {Mounts} mounts @param {number} [port] any that is free, if not given @param {string} [host] */
  static async start(mounts, port = 0, host = "127.0.0.1") {
    const server = new Server(mounts);
    server.#http.listen(port, host);
    await once(server.#http, "listening");
    return server;
  }

  /** @param {string} path */
  url(path) {
    const address = this.#http.address();
    if (address === null || typeof address === "string") throw new Error("the server is not listening");
    return `http://${address.address}:${address.port}${path}`;
  }

  /**
   * Returns the URL of a folder with spoilt files; the folder itself is served unspoilt as before.
   *
   * @param {string} folder URL path of the folder, ending in a slash
   * @param {Fault[]} faults the first that matches a file counts
   */
  spoilt(folder, ...faults) {
    this.#faults.push({ folder, faults });
    return this.url(`/spoilt/${this.#faults.length - 1}/`);
  }

  /** Has a URL from {@link spoilt} show another folder. @param {string} url @param {string} folder */
  retarget(url, folder) {
    const entry = this.#faults[Number(/\/spoilt\/(\d+)\/$/.exec(url)?.[1])];
    if (entry) entry.folder = folder;
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
    response.setHeader("access-control-allow-origin", "*");
    response.setHeader("cache-control", "no-store");

    const spoilt = /^\/spoilt\/(\d+)\/(.*)$/.exec(path);
    const entry = spoilt ? this.#faults[Number(spoilt[1])] : undefined;
    const real = entry ? entry.folder + spoilt?.[2] : path;
    const name = real.slice(real.lastIndexOf("/") + 1);
    const fault = entry?.faults.find(({ file, times }) => file.test(name) && times !== 0);
    if (request.method === "OPTIONS") {
      const allowed = fault?.noHeaders ? "" : (request.headers["access-control-request-headers"] ?? "");
      return void response.writeHead(204, { "access-control-allow-headers": allowed }).end();
    }
    this.requests.push(path);
    const { range, cookie, authorization, "x-key": key } = request.headers;
    this.log.push({ path, method: request.method, range, cookie, authorization, key: key?.toString() });
    const isHead = request.method === "HEAD";
    if (fault?.times && !isHead) fault.times -= 1;

    if (fault?.delay) await sleep(fault.delay);
    for (const [header, value] of Object.entries(fault?.headers ?? {})) response.setHeader(header, value);
    if (fault?.token !== undefined && authorization !== fault.token) {
      response.writeHead(401, { "www-authenticate": "Basic" }).end();
      return;
    }
    if (fault?.status) {
      response.writeHead(fault.status).end();
      return;
    }
    if (fault?.page) {
      response
        .writeHead(200, { "content-type": "text/html; charset=utf-8" })
        .end(isHead ? undefined : "\n<!doctype html><p>A page.");
      return;
    }
    const file = await this.#read(real);
    if (!file) {
      response.writeHead(404, { "content-type": "text/plain" }).end("not found");
      return;
    }
    const changed = fault?.change ? Buffer.from(fault.change(file.bytes)) : file.bytes;
    const bytes = fault?.gzip ? gzipSync(changed) : changed;
    if (fault?.gzip) response.setHeader("content-encoding", "gzip");
    response.setHeader("content-type", fault?.type ?? file.type);
    const start = startOf(request.headers.range, fault?.ranges);
    const last = Number(/^bytes=\d+-(\d+)$/.exec(request.headers.range ?? "")?.[1] ?? Infinity);
    const end = start === undefined ? bytes.length : Math.min(last + 1, bytes.length);
    if (start !== undefined && start >= bytes.length) {
      response.writeHead(416, { "content-range": `bytes */${bytes.length}` }).end();
      return;
    }
    if (start !== undefined) response.setHeader("content-range", `bytes ${start}-${end - 1}/${bytes.length}`);
    const from = start ?? 0;
    if (fault?.endAfter === undefined) response.setHeader("content-length", end - from);
    response.writeHead(start === undefined ? 200 : 206);
    if (isHead) return void response.end();
    await send(response, bytes.subarray(0, end), from, fault ?? {});
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

/**
 * Sends a file from an offset on, as far as its fault allows.
 *
 * @param {import("node:http").ServerResponse} response
 * @param {Buffer} bytes
 * @param {number} from
 * @param {Partial<Fault>} fault
 */
async function send(response, bytes, from, { cutAfter, lull = 50, endAfter, stallAfter, dribbleAfter, slow }) {
  const stop = cutAfter ?? endAfter ?? stallAfter ?? dribbleAfter;
  const sent = bytes.subarray(from, stop === undefined ? undefined : Math.max(stop, from));
  for (let piece = 0; slow !== undefined && piece < 16; piece += 1) {
    await sleep(slow);
    response.write(sent.subarray((piece * sent.length) >> 4, ((piece + 1) * sent.length) >> 4));
  }
  if (slow === undefined) response.write(sent);
  for (let at = from + sent.length; dribbleAfter !== undefined && at < bytes.length && !response.destroyed; at += 1) {
    await sleep(20);
    response.write(bytes.subarray(at, at + 1));
  }
  // Waits, or bytes that are still on their way are lost with the connection.
  if (cutAfter !== undefined) setTimeout(() => response.destroy(), lull);
  else if (stallAfter === undefined) response.end();
}

/** Where the range of a request starts, as far as the server does ranges. @param {string | undefined} range @param {Fault["ranges"]} ranges */
function startOf(range, ranges) {
  const start = /^bytes=(\d+)-\d*$/.exec(range ?? "")?.[1];
  if (start === undefined || ranges === "ignored") return undefined;
  return Number(start) + (ranges === "wrong" ? 1 : 0);
}

/** @param {number} ms */
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
