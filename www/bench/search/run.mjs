// @ts-check
/**
 * Compares felsic's search over vectors with other ways of searching them in a page: each alone in a fresh Chromium, in a
 * worker. `cargo xtask bench search` prepares everything and calls this.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, platform, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { chromium } from "playwright-core";
import { QUIET } from "../quiet.mjs";
import { median } from "../report.js";
import { serve } from "../server.mjs";

const { values: options } = parseArgs({
  options: {
    chromium: { type: "string" },
    felsic: { type: "string" }, // folder with felsic's binary and its glue
    out: { type: "string" },
    engines: { type: "string" },
    rows: { type: "string" }, // numbers of rows, such as 10000,100000
    dimensions: { type: "string", default: "384" },
    queries: { type: "string", default: "60" },
    limit: { type: "string", default: "300" }, // seconds that an engine may take to be filled
  },
});

/** @param {"chromium" | "felsic" | "out" | "engines" | "rows"} name */
function need(name) {
  const value = options[name];
  if (!value) throw new Error(`run.mjs: --${name} is missing`);
  return value;
}

const FLAGS = ["--js-flags=--expose-gc", ...QUIET];

/** Which exact search the others are compared with. */
const EXACT = "loop";

/**
 * @typedef {object} Row
 * @property {string} engine
 * @property {number} rows
 * @property {number} [build_ms]
 * @property {number} [query_ms] median
 * @property {number} [fastest_ms]
 * @property {number} [cpu_ms] time of processors that a query takes, mean
 * @property {number} [recall] share of the ten best that are those of the exact search
 * @property {number} [memory_bytes] resident, of the renderer, less that of a page without an engine
 * @property {number} [gzipped] bytes of scripts and binaries
 * @property {string} [failed]
 * @property {number} load how many processes waited for a processor, over the last minute
 */

/** Scripts and binaries that have been served since, path to file. @type {Map<string, string>} */
const served = new Map();
const isEngine = (/** @type {string} */ path) => /^\/(node_modules|felsic)\//.test(path);

const server = await serve({ "/": import.meta.dirname, "/felsic/": need("felsic") }, 0, (path, file) => {
  if (file && isEngine(path)) served.set(path, file);
});

/** Ticks of the kernel's clock in a second, as every Linux has them. */
const TICKS = 100;

/**
 * What the largest renderer of a browser takes: resident bytes, and milliseconds of a processor since it started.
 * @param {import("playwright-core").Browser | null} browser
 */
async function renderer(browser) {
  if (platform() !== "linux" || browser === null) return null;
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  await session.detach();
  const all = processInfo
    .filter(({ type }) => type === "renderer")
    .map(({ id }) => {
      const resident = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${id}/status`, "utf8"))?.[1];
      // The fields after the name, which is in parentheses: user and system time are numbers 14 and 15 of all.
      const fields = readFileSync(`/proc/${id}/stat`, "utf8")
        .replace(/^.*\) /s, "")
        .split(" ");
      const ticks = Number(fields[11]) + Number(fields[12]);
      return { bytes: Number(resident ?? 0) * 1024, cpu_ms: (ticks * 1000) / TICKS };
    });
  return all.sort((a, b) => b.bytes - a.bytes)[0] ?? null;
}

/** The exact search's results, by the number of rows. @type {Map<number, number[][]>} */
const exact = new Map();

/** @param {string} engine @param {number} count @returns {Promise<Row>} */
async function measure(engine, count) {
  /** @type {Row} */
  const row = { engine, rows: count, load: 0 };
  served.clear();
  // A profile on disk: without one, a browser keeps files of the origin private file system in another process's memory.
  const profile = mkdtempSync(join(tmpdir(), "felsic-bench-"));
  const context = await chromium.launchPersistentContext(profile, { executablePath: need("chromium"), args: FLAGS });
  try {
    const browser = context.browser();
    const page = await context.newPage();
    page.setDefaultTimeout(0);
    await page.goto(`${server.url}page.html`);
    await page.waitForFunction("globalThis.ask !== undefined");
    const ask = (/** @type {object} */ message) =>
      page.evaluate((message) => /** @type {any} */ (globalThis).ask(message), message);
    const before = await renderer(browser);
    const limit = Number(options.limit) * 1000;
    const [dimensions, queries] = [Number(options.dimensions), Number(options.queries)];
    Object.assign(row, await ask({ step: "build", name: engine, dimensions, count, queries, limit }));
    await ask({ step: "warmUp" });
    const begin = await renderer(browser);
    const { times, found } = await ask({ step: "search", limit: 30_000 });
    const end = await renderer(browser);
    await ask({ step: "tidy" });
    const after = await renderer(browser);
    row.query_ms = median(times);
    row.fastest_ms = Math.min(...times);
    if (before && begin && end && after) {
      row.cpu_ms = (end.cpu_ms - begin.cpu_ms) / times.length;
      row.memory_bytes = after.bytes - before.bytes;
    }
    if (engine === EXACT) exact.set(count, found);
    const want = exact.get(count);
    if (want) {
      const hits = found.flatMap((/** @type {number[]} */ rows, /** @type {number} */ at) =>
        rows.filter((row) => want[at]?.includes(row)),
      );
      row.recall = hits.length / found.flat().length;
    }
  } catch (error) {
    [row.failed] = (error instanceof Error ? error.message : String(error)).split("\n");
  } finally {
    await context.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
  row.gzipped = [...served.values()].reduce((sum, file) => sum + gzipSync(readFileSync(file)).length, 0);
  row.load = loadavg()[0] ?? 0;
  return row;
}

/** @type {Row[]} */
const rows = [];
const machine = `${cpus()[0]?.model ?? "unknown processor"}, ${cpus().length} threads, ${Math.round(totalmem() / 2 ** 30)} GiB, ${platform()}`;

/** @param {number | undefined} value @param {number} digits */
const shown = (value, digits) => (value === undefined ? "" : value.toFixed(digits));

function markdown() {
  const lines = rows.map((row) => {
    const cells = [
      row.engine,
      row.rows.toLocaleString("en"),
      shown(row.build_ms && row.build_ms / 1000, 1),
      row.failed ?? shown(row.query_ms, 1),
      shown(row.fastest_ms, 1),
      shown(row.cpu_ms, 1),
      shown(row.recall, 3),
      shown(row.memory_bytes && row.memory_bytes / 1e6, 0),
      shown(row.gzipped && row.gzipped / 1000, 0),
      row.load.toFixed(1),
    ];
    return `| ${cells.join(" | ")} |`;
  });
  const head =
    "| engine | rows | filled in, s | query, ms: median | fastest | processor | recall of ten | memory, MB | kB gzipped | load |\n" +
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n";
  return `${machine}; ${options.dimensions} dimensions\n\n${head}${lines.join("\n")}\n`;
}

for (const count of need("rows").split(",").map(Number)) {
  for (const engine of need("engines").split(",")) {
    console.log(`${engine}, ${count} rows`);
    const row = await measure(engine, count);
    rows.push(row);
    mkdirSync(need("out"), { recursive: true });
    writeFileSync(join(need("out"), "search.json"), JSON.stringify({ machine, rows }, null, 1) + "\n");
    writeFileSync(join(need("out"), "search.md"), markdown());
    console.log(`  ${row.failed ?? `filled in ${shown(row.build_ms, 0)} ms, a query ${shown(row.query_ms, 2)} ms`}`);
  }
}
server.close();
console.log(`\n${markdown()}\n${join(need("out"), "search.json")} and search.md`);
