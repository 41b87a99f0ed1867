// @ts-check
/**
 * A small file server for the benchmark: folders at prefixes, byte ranges, and the two headers that give a page threads.
 */
import { createReadStream, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";

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
 * Serves `folders` (prefix, such as "/packs/", to folder) on localhost; `served` hears of every file sent.
 * @param {Record<string, string>} folders
 * @param {number} port 0 for any
 * @param {(path: string, file: string) => void} [served]
 * @returns {Promise<{url: string, close: () => void}>}
 */
export function serve(folders, port, served = () => {}) {
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? "/", "http://localhost").pathname);
    const found = locate(folders, path);
    if (!found) {
      response.writeHead(404).end("not found");
      return;
    }
    served(path, found.file);
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
    const start = range ? Number(range[1]) : 0;
    const end = Math.min(range?.[2] ? Number(range[2]) : Infinity, found.size - 1);
    if (range && start > end) {
      response.writeHead(416, { "Content-Range": `bytes */${found.size}` }).end();
      return;
    }
    response.writeHead(range ? 206 : 200, {
      "Content-Type": TYPES[extname(found.file)] ?? "application/octet-stream",
      "Content-Length": end - start + 1,
      "Accept-Ranges": "bytes",
      "Cache-Control": "no-store",
      "Cross-Origin-Opener-Policy": "same-origin",
      "Cross-Origin-Embedder-Policy": "require-corp",
      ...(range ? { "Content-Range": `bytes ${start}-${end}/${found.size}` } : {}),
    });
    if (request.method === "HEAD" || found.size === 0) response.end();
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
