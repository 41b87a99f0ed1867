// @ts-check
/**
 * A small file server for the benchmark: folders at prefixes, byte ranges, and the two headers that give a page threads.
 */
import { createReadStream, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { setTimeout } from "node:timers/promises";
import { gzipSync } from "node:zlib";

/** @type {Record<string, string>} */
const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".json": "application/json",
  ".wasm": "application/wasm",
};

/**
 * The file behind a path, or null.
 * @param {Record<string, string>} folders
 * @param {string} path
 */
function locate(folders, path) {
  const prefix = Object.keys(folders)
    .filter((prefix) => path.startsWith(prefix))
    .sort((a, b) => b.length - a.length)[0];
  if (prefix === undefined) return null;
  const rest = normalize(path.slice(prefix.length) || ".");
  if (rest.startsWith("..")) return null;
  const file = join(/** @type {string} */ (folders[prefix]), rest, path.endsWith("/") ? "index.html" : "");
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat?.isFile() ? { file, size: stat.size } : null;
}

/**
 * A line that all answers share: so many megabits a second, and a delay in milliseconds before each of them.
 * @typedef {{mbit: number, delay: number}} Line
 */

/** Files that servers send compressed. */
const COMPRESSED = new Set([".html", ".css", ".js", ".mjs", ".json", ".wasm", ".bin"]);

/** Lets bytes pass at the speed of a line, whoever they are for. @param {Line} line */
function pacer({ mbit }) {
  let free = 0;
  return async (/** @type {number} */ bytes) => {
    free = Math.max(free, performance.now()) + (bytes * 8) / (mbit * 1000);
    const wait = free - performance.now();
    if (wait > 1) await setTimeout(wait);
  };
}

/**
 * Sends a body over a line.
 * @param {import("node:http").ServerResponse} response
 * @param {Buffer} body
 * @param {(bytes: number) => Promise<void>} pace
 * @param {number} delay
 */
async function sendPaced(response, body, pace, delay) {
  const PIECE = 16_384;
  await setTimeout(delay);
  for (let at = 0; at < body.length && !response.destroyed; at += PIECE) {
    await pace(Math.min(PIECE, body.length - at));
    response.write(body.subarray(at, at + PIECE));
  }
  response.end();
}

/**
 * Serves `folders` (prefix, such as "/packs/", to folder) on localhost; `served` hears of every file sent.
 * @param {Record<string, string>} folders
 * @param {number} port 0 for any
 * @param {(path: string, file: string, bytes: number) => void} [served] with the bytes that go over the line; also of what a page notes under /note/, without a file
 * @param {Line} [line] slows everything down, and compresses what servers compress
 * @returns {Promise<{url: string, close: () => void}>}
 */
export function serve(folders, port, served = () => {}, line) {
  const pace = line && pacer(line);
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? "/", "http://localhost").pathname);
    if (path.startsWith("/note/")) {
      served(path, "", 0);
      response.writeHead(204).end();
      return;
    }
    const found = locate(folders, path);
    if (!found) {
      response.writeHead(404).end("not found");
      return;
    }
    const gzipped = line && !request.headers.range && COMPRESSED.has(extname(found.file));
    const body = line && (gzipped ? gzipSync(readFileSync(found.file)) : readFileSync(found.file));
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
    const start = range ? Number(range[1]) : 0;
    const end = Math.min(range?.[2] ? Number(range[2]) : Infinity, found.size - 1);
    if (range && start > end) {
      response.writeHead(416, { "Content-Range": `bytes */${found.size}` }).end();
      return;
    }
    const sent = gzipped && body ? body : body?.subarray(start, end + 1);
    const length = sent?.length ?? end - start + 1;
    served(path, found.file, length);
    response.writeHead(range ? 206 : 200, {
      "Content-Type": TYPES[extname(found.file)] ?? "application/octet-stream",
      "Content-Length": length,
      ...(gzipped ? { "Content-Encoding": "gzip" } : {}),
      "Accept-Ranges": "bytes",
      "Cache-Control": "no-store",
      "Cross-Origin-Opener-Policy": "same-origin",
      "Cross-Origin-Embedder-Policy": "require-corp",
      ...(range ? { "Content-Range": `bytes ${start}-${end}/${found.size}` } : {}),
    });
    if (request.method === "HEAD" || found.size === 0) response.end();
    else if (line && pace && sent) void sendPaced(response, sent, pace, line.delay);
    else createReadStream(found.file, { start, end }).pipe(response);
  });
  return new Promise((resolve, reject) => {
    server.on("error", reject);
    server.listen(port, "localhost", () => {
      const address = server.address();
      if (address === null || typeof address === "string") return reject(new Error("no port"));
      resolve({ url: `http://localhost:${address.port}/`, close: () => server.closeAllConnections() ?? server.close() });
    });
  });
}
