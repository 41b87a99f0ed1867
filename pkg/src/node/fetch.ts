/** The `fetch` of Node's workers: also for files of this machine, and with what browsers add to an answer. */

import { stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { streamOf } from "./folders.js";

const RANGE = /^bytes=(\d+)-(\d+)?$/;

/** Makes a `fetch` from Node's own. */
export function withFiles(web: typeof fetch): typeof fetch {
  return async (input, init) => {
    const request = input instanceof Request ? input : undefined;
    const url = new URL(request?.url ?? String(input));
    if (url.protocol === "file:") return fromDisk(url, request ?? new Request("http://localhost/", init));
    const response = await web(input, init).catch(explained);
    // Browsers show nothing of a redirect that they do not follow.
    const isRedirect = response.status >= 300 && response.status < 400 && response.headers.has("location");
    if (init?.redirect === "manual" && isRedirect) Object.defineProperty(response, "type", { value: "opaqueredirect" });
    return response;
  };
}

/** Reads a file as a server would send it. */
async function fromDisk(url: URL, { method, headers, signal }: Request): Promise<Response> {
  signal.throwIfAborted();
  let path, size;
  try {
    path = fileURLToPath(url);
    const found = await stat(path);
    if (!found.isFile()) return answer(url, 404, "this is no file");
    size = found.size;
  } catch (error) {
    const { code, message } = error as { code?: unknown; message?: unknown };
    const isMissing = code === "ENOENT" || code === "ENOTDIR";
    return answer(url, isMissing ? 404 : 403, String(message));
  }
  const [, from = "0", to] = RANGE.exec(headers.get("range") ?? "") ?? [];
  const isPart = headers.has("range");
  const start = Number(from);
  const end = Math.min(to === undefined ? size : Number(to) + 1, size);
  if (isPart && (start >= size || end <= start)) return answer(url, 416, "no such part");
  return answer(url, isPart ? 206 : 200, "", method === "HEAD" ? undefined : streamOf(path, start, end - start), {
    "content-length": String(end - start),
    "content-type": url.pathname.endsWith(".wasm") ? "application/wasm" : "application/octet-stream",
    ...(isPart && { "content-range": `bytes ${start}-${end - 1}/${size}` }),
  });
}

function answer(
  url: URL,
  status: number,
  statusText: string,
  body?: ReadableStream,
  headers: Record<string, string> = {},
): Response {
  const text = statusText.replaceAll(/[^\x20-\x7e]/g, "?");
  const response = new Response(body ?? null, { status, statusText: text, headers });
  // An answer whose headers can be believed.
  Object.defineProperties(response, { type: { value: "basic" }, url: { value: url.href } });
  return response;
}

/** Node says "fetch failed", and why only in the cause. */
function explained(error: unknown): never {
  const { cause } = error as { cause?: { code?: unknown; message?: unknown } };
  if (!(error instanceof TypeError) || cause === undefined) throw error;
  const reason = cause.message || cause.code;
  throw reason ? new TypeError(`${error.message}: ${String(reason)}`, { cause }) : error;
}
