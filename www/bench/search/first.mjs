// @ts-check
/**
 * Measures how soon a page finds something in an index over a line: the first hit by words, the first by meaning, and the bytes
 * that were fetched by then; then the same at a second visit. `cargo xtask bench index` prepares everything and calls this.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";
import { QUIET } from "../quiet.mjs";
import { median } from "../report.js";
import { serve } from "../server.mjs";

const { values: options } = parseArgs({
  options: {
    chromium: { type: "string" },
    felsic: { type: "string" }, // the package's dist
    index: { type: "string" }, // folder that `felsic index` has made
    out: { type: "string" },
    line: { type: "string", default: "50,40" }, // Mbit/s and ms
    query: { type: "string", default: "how do I wait until a thread has ended" },
    runs: { type: "string", default: "3" },
  },
});

/** @param {"chromium" | "felsic" | "index" | "out"} name */
function need(name) {
  const value = options[name];
  if (!value) throw new Error(`first.mjs: --${name} is missing`);
  return value;
}

const [mbit = NaN, delay = NaN] = options.line.split(",").map(Number);
/** What went over the line: when, and how many bytes. @type {{ at: number, bytes: number }[]} */
let sent = [];
const folders = { "/": import.meta.dirname, "/felsic/": need("felsic"), "/index/": need("index") };
const server = await serve(folders, 0, (_, file, bytes) => file && sent.push({ at: performance.now(), bytes }), { mbit, delay });

/** @typedef {{ ms: number, hits: number, best?: string }} Answer */
/** @typedef {{ opened: number, words: Answer, meaning: Answer, later: number, documents: number, passages: number }} First */

/** @param {import("playwright-core").BrowserContext} context */
async function visit(context) {
  sent = [];
  const page = await context.newPage();
  const start = performance.now();
  await page.goto(`${server.url}first.html`);
  const result = await page.evaluate(
    (query) => /** @type {{ first(query: string): Promise<First> }} */ (/** @type {unknown} */ (globalThis)).first(query),
    options.query,
  );
  await page.close();
  const until = (/** @type {number} */ ms) =>
    sent.filter(({ at }) => at - start <= ms).reduce((sum, { bytes }) => sum + bytes, 0);
  return { ...result, words_bytes: until(result.words.ms), meaning_bytes: until(result.meaning.ms), load: loadavg()[0] };
}

/** @type {Record<"first" | "second", Awaited<ReturnType<typeof visit>>[]>} */
const visits = { first: [], second: [] };
for (let run = 0; run < Number(options.runs); run += 1) {
  const profile = mkdtempSync(join(tmpdir(), "felsic-index-bench-"));
  const context = await chromium.launchPersistentContext(profile, { executablePath: need("chromium"), args: QUIET });
  try {
    visits.first.push(await visit(context));
    visits.second.push(await visit(context));
  } finally {
    await context.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}
server.close();

const of = (/** @type {keyof typeof visits} */ name, /** @type {(visit: Awaited<ReturnType<typeof visit>>) => number} */ pick) =>
  median(visits[name].map(pick));
const row = (/** @type {keyof typeof visits} */ name) =>
  `| ${name} visit | ${(of(name, (v) => v.words.ms) / 1000).toFixed(2)} | ${(of(name, (v) => v.words_bytes) / 1e6).toFixed(2)} | ` +
  `${(of(name, (v) => v.meaning.ms) / 1000).toFixed(2)} | ${(of(name, (v) => v.meaning_bytes) / 1e6).toFixed(2)} | ${of(name, (v) => v.later).toFixed(0)} |`;
const { documents, passages } = /** @type {First} */ (visits.first[0]);
const table = [
  `${documents} documents, ${passages} passages, ${mbit} Mbit/s and ${delay} ms, medians of ${options.runs} runs`,
  "",
  "| | first hit by words, s | MB by then | first hit by meaning, s | MB by then | a later query, ms |",
  "| --- | ---: | ---: | ---: | ---: | ---: |",
  row("first"),
  row("second"),
].join("\n");
mkdirSync(need("out"), { recursive: true });
writeFileSync(join(need("out"), "index.json"), JSON.stringify({ mbit, delay, visits }, null, 1) + "\n");
writeFileSync(join(need("out"), "index.md"), table + "\n");
console.log(table);
