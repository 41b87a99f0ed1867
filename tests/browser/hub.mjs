/** A server in the layout of the Hugging Face hub: it serves small files itself, and large ones from another origin. */

import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";

/** The commit of the hub's branch `main`. */
export const COMMIT = "0123456789abcdef0123456789abcdef01234567";

/** The headers that pages of other origins may see in its answers. */
const EXPOSED = "X-Repo-Commit,X-Request-Id,X-Error-Code,X-Error-Message,X-Total-Count,ETag,Link,Accept-Ranges,Content-Range";
const LARGE = new Set(["model.safetensors", "tokenizer.json"]);

export class Hub {
  #models;
  #http = createServer((request, response) => {
    this.#answer(request, response).catch((error) => response.destroy(error));
  });

  /** Paths that were asked for, in order. @type {string[]} */
  requests = [];

  /** What requests need as their `authorization`, if anything. @type {string | undefined} */
  token;

  /** @param {Record<string, { folder: string, large: string }>} models by owner and name: where its files are, and the
   *   URL of the folder that its large files are served from */
  constructor(models) {
    this.#models = models;
  }

  /** @param {Hub["models"]} models */
  static async start(models) {
    const hub = new Hub(models);
    hub.#http.listen(0, "127.0.0.1");
    await once(hub.#http, "listening");
    return hub;
  }

  get models() {
    return this.#models;
  }

  /** Its address, ending in a slash. */
  get url() {
    const address = this.#http.address();
    if (address === null || typeof address === "string") throw new Error("the hub is not listening");
    return `http://127.0.0.1:${address.port}/`;
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
    const { pathname } = new URL(request.url ?? "/", "http://hub");
    this.requests.push(pathname);
    response.setHeader("access-control-allow-origin", request.headers.origin ?? "*");
    response.setHeader("access-control-expose-headers", EXPOSED);
    response.setHeader("vary", "Origin");
    if (request.method === "OPTIONS")
      return void response.writeHead(204, { "access-control-allow-headers": "authorization" }).end();
    if (this.token !== undefined && request.headers.authorization !== this.token) return refuse(response, 401, "GatedRepo");
    const [, id = "", revision = "", file = ""] = /^\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(pathname) ?? [];
    const model = this.#models[id];
    // The hub does not reveal whether a repository is private or missing.
    if (!model) return refuse(response, 401, "RepoNotFound");
    if (revision !== "main" && revision !== COMMIT) return refuse(response, 404, "RevisionNotFound");
    response.setHeader("x-repo-commit", COMMIT);
    const bytes = await readFile(join(model.folder, file)).catch(() => undefined);
    if (!bytes) return refuse(response, 404, "EntryNotFound");
    if (LARGE.has(file)) return void response.writeHead(302, { location: model.large + file }).end();
    response.writeHead(200, { "content-type": "text/plain; charset=utf-8", "content-length": bytes.length }).end(bytes);
  }
}

/** @param {import("node:http").ServerResponse} response @param {number} status @param {string} code */
function refuse(response, status, code) {
  response.writeHead(status, { "x-error-code": code }).end();
}
