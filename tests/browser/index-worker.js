/** Reads a search index as the search worker does, without a search. */

// The bundle that the test makes.
// @ts-ignore
import * as files from "./index-files.js";

/** @type {typeof import("../../pkg/dist/types/search/index-files.js")} */
const { openIndexFiles } = files;

self.addEventListener("message", async ({ data }) => {
  /** @type {import("./index-files.test.mjs").Reading} */
  const { url, cache = "auto", read, abortAfter } = data;
  const abort = new AbortController();
  if (abortAfter !== undefined) setTimeout(() => abort.abort(), abortAfter);
  /** @type {string[]} */
  const warnings = [];
  /** @type {unknown[]} */
  const results = [];
  try {
    const warn = (/** @type {{ code: string }} */ { code }) => warnings.push(code);
    const index = await openIndexFiles({ url, cache, access: { credentials: "omit" }, signal: abort.signal, warn });
    for (const what of read) {
      if (what === "words") results.push(await index.words());
      else if (what === "documents") results.push(await index.documents(0));
      else if (what === "rows") results.push(await index.rows(0));
      else {
        const read = what.map(({ at, bytes }) => index.read(0, at, bytes));
        results.push((await Promise.all(read)).map((bytes) => new TextDecoder().decode(bytes)));
      }
    }
    postMessage({ ok: true, warnings, results, vectorBytes: index.vectorBytes });
  } catch (error) {
    const { name, code, message } = /** @type {any} */ (error);
    postMessage({ ok: false, name, code, message, warnings, results });
  }
});
