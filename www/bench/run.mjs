// @ts-check
/**
 * Runs the benchmark page in Chromium and writes the report. `cargo xtask bench` prepares everything and calls this.
 */
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { cpus, platform, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { chromium } from "playwright-core";
import { parseEngine } from "./engines.js";
import { QUIET } from "./quiet.mjs";
import { label, markdown, median } from "./report.js";
import { measureResident } from "./resident.mjs";
import { serve } from "./server.mjs";

/**
 * @typedef {import("./protocol").EngineChoice} EngineChoice
 * @typedef {import("./report.js").Report} Report
 */

const { values: options } = parseArgs({
  options: {
    site: { type: "string" }, // the built site, with bench/ in it
    packs: { type: "string" }, // folder of packs
    pack: { type: "string" }, // the pack's name there
    peer: { type: "string" }, // the peers' model folder, laid out as on the Hugging Face Hub
    out: { type: "string" },
    chromium: { type: "string" },
    engines: { type: "string" }, // e.g. felsic-cpu,ort-web,ort-web:2,transformers-js
    shapes: { type: "string" }, // e.g. 1x16,8x128
    line: { type: "string" }, // MBIT,MS: every start once more over such a line
    runs: { type: "string" }, // number for every shape, instead of the defaults below
    starts: { type: "string" },
    port: { type: "string" },
    serve: { type: "boolean" }, // serve the page and wait
  },
});

/** @param {"site" | "packs" | "pack" | "out" | "chromium" | "engines" | "shapes"} name */
function need(name) {
  const value = options[name];
  if (!value) throw new Error(`run.mjs: --${name} is missing`);
  return value;
}

const FLAGS = ["--enable-unsafe-webgpu", ...QUIET];

/** Fewer where one call takes seconds. @param {number} tokens tokens in one call */
const defaultRuns = (tokens) => (tokens <= 16 ? 15 : tokens <= 128 ? 9 : 7);

/** @param {string} text */
function parseShape(text) {
  const match = /^(\d+)x(\d+)$/.exec(text);
  if (!match) throw new Error(`a shape is BATCHxTOKENS, such as 8x128, not ${text}`);
  const [batch, tokens] = [Number(match[1]), Number(match[2])];
  return { batch, tokens, runs: options.runs ? Number(options.runs) : defaultRuns(batch * tokens) };
}

/** Addresses of the models on the server at `url`. @param {string} url */
const models = (url) => ({ pack: `${url}packs/${need("pack")}/`, peer: options.peer ? `${url}peer/` : "" });

function launch() {
  return chromium.launch({
    executablePath: need("chromium"),
    args: FLAGS,
  });
}

/**
 * Opens the page in a fresh browser and hands it to `use`.
 * @template T
 * @param {string} url
 * @param {(page: import("playwright-core").Page, browser: import("playwright-core").Browser) => Promise<T>} use
 */
async function withPage(url, use) {
  const browser = await launch();
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(0);
    page.on("console", (message) => console.log(`  ${message.text()}`));
    await page.goto(`${url}bench/`);
    await page.waitForFunction("window.felsicBench !== undefined");
    return await use(page, browser);
  } finally {
    await browser.close();
  }
}

/**
 * Resident memory of the renderer of a page with one engine: after its load, and after a hundred embeddings.
 * @param {string} url
 * @param {EngineChoice} choice
 */
function rendererMemory(url, { engine, threads }) {
  if (platform() !== "linux") return [null, null];
  const query = new URLSearchParams({ ...models(url), alone: `${engine}:${threads}` });
  return measureResident(need("chromium"), FLAGS, `${url}bench/?${query}`, ["loaded", "done"], noted);
}

/** Milliseconds to the microsecond; what lies below is noise. @param {number} ms */
const round = (ms) => Math.round(ms * 1000) / 1000;

/** What has been served while one engine ran, path to file. @type {Map<string, string>} */
const served = new Map();
/** Bytes of it. */
let servedBytes = 0;

/** Who waits for what a page notes. @type {Map<string, () => void>} */
const waiting = new Map();
/** @param {string} step @returns {Promise<void>} */
const noted = (step) => new Promise((resolve) => waiting.set(`/note/${step}`, resolve));

/** @param {string} path @param {string} file @param {number} bytes */
function note(path, file, bytes) {
  if (!file) return waiting.get(path)?.();
  served.set(path, file);
  servedBytes += bytes;
}

/**
 * Which part of an engine a served file is, or null for the page itself.
 * @param {string} path
 */
function partOf(path) {
  if (/\.(safetensors|onnx|gguf)$/.test(path)) return "weights";
  if (/^\/(packs|peer)\//.test(path)) return "tokenizer";
  return /\.(js|mjs|wasm)$/.test(path) && !/\/index-[^/]*\.js$/.test(path) ? "runtime" : null;
}

/** @param {string} engine @returns {Report["bytes"]} */
function countBytes(engine) {
  /** @type {Map<string, {raw: number, gzip: number}>} */
  const parts = new Map();
  const add = (/** @type {string} */ part, /** @type {string} */ file) => {
    const sum = parts.get(part) ?? { raw: 0, gzip: 0 };
    parts.set(part, { raw: sum.raw + statSync(file).size, gzip: sum.gzip + gzipSync(readFileSync(file)).length });
  };
  for (const [path, file] of served) {
    const part = partOf(path);
    if (part) add(part, file);
  }
  // onnxruntime-web is fed with ids; a page that uses it loads the checkpoint's own tokenizer file.
  if (engine.startsWith("ort-") && options.peer) add("tokenizer", join(options.peer, "tokenizer.json"));
  return [...parts].map(([part, sum]) => ({ engine, part: /** @type {"runtime"} */ (part), ...sum }));
}

/**
 * Starts one engine alone, several times, each in a fresh browser; the last one also runs every shape once.
 * @param {string} url
 * @param {EngineChoice} choice
 * @param {{batch: number, tokens: number}[]} shapes
 */
async function measureAlone(url, choice, shapes) {
  const repeats = Number(options.starts ?? 3);
  const { engine, threads } = choice;
  /** @type {{ready_ms: number, first_vector_ms: number}[]} */
  const starts = [];
  /** @type {Report["memory"]} */
  const memory = [];
  /** @type {Report["bytes"]} */
  let bytes = [];
  for (let i = 1; i <= repeats; i++) {
    console.log(`${label(choice)}: start ${i} of ${repeats}`);
    served.clear();
    await withPage(url, async (page) => {
      const { wasm_bytes, ...times } = await page.evaluate((choice) => window.felsicBench.start(choice), choice);
      starts.push(times);
      if (i < repeats) return;
      bytes = countBytes(engine);
      const wasm_peak_bytes = await page.evaluate((shapes) => window.felsicBench.fill(shapes), shapes);
      memory.push({ engine, threads, wasm_bytes, wasm_peak_bytes, renderer_bytes: null, renderer_used_bytes: null });
    });
  }
  const start = {
    engine,
    threads,
    ready_ms: median(starts.map((times) => times.ready_ms)),
    first_vector_ms: median(starts.map((times) => times.first_vector_ms)),
    runs: repeats,
  };
  return { start, memory, bytes };
}

/**
 * The first vector over a line: a first visit, then another of the same browser.
 * @param {string} url
 * @param {EngineChoice} choice
 */
async function measureLine(url, choice) {
  /** @type {import("./report.js").Visit[]} */
  const visits = [];
  console.log(`${label(choice)}: over a line`);
  await withPage(url, async (page) => {
    // The peers' caches are off, see docs/benchmark.md: a second visit would say nothing of them.
    /** @type {("first" | "second")[]} */
    const wanted = choice.engine.startsWith("felsic-") ? ["first", "second"] : ["first"];
    for (const visit of wanted) {
      await page.reload();
      await page.waitForFunction("window.felsicBench !== undefined");
      servedBytes = 0;
      const { first_vector_ms } = await page.evaluate((choice) => window.felsicBench.start(choice), choice);
      visits.push({ engine: choice.engine, visit, first_vector_ms, bytes: servedBytes });
    }
  });
  return visits;
}

/** @type {Report} */
const report = {
  machine: `${cpus()[0]?.model ?? "unknown processor"}, ${cpus().length} threads, ${Math.round(totalmem() / 2 ** 30)} GiB, ${platform()}`,
  browser: "",
  rows: [],
  memory: [],
  bytes: [],
  start: [],
  visits: [],
  failures: [],
};

/** Writes what is there: a run of an hour loses nothing that it has measured, however it ends. */
function save() {
  const out = need("out");
  mkdirSync(out, { recursive: true });
  writeFileSync(
    join(out, "report.json"),
    JSON.stringify(report, (key, value) => (key.endsWith("_ms") ? round(value) : value), 1) + "\n",
  );
  writeFileSync(join(out, "report.md"), markdown(report));
}

/**
 * Measures one part and saves the report; if it fails, that is a row of the report, and the other parts go on.
 * @param {string} engine
 * @param {string} part
 * @param {() => Promise<void>} work
 */
async function measured(engine, part, work) {
  try {
    await work();
  } catch (error) {
    const [message = ""] = (error instanceof Error ? error.message : String(error)).split("\n");
    console.log(`${engine}: ${part} failed: ${message}`);
    report.failures.push({ engine, part, message });
  }
  save();
}

/** @param {string} url */
async function measureAll(url) {
  const choices = need("engines")
    .split(",")
    .map((text) => parseEngine(text, models(url)));
  const loads = need("shapes").split(",").map(parseShape);
  // Without starts only times are measured: a software adapter takes minutes for the rest.
  for (const choice of options.starts === "0" ? [] : choices) {
    await measured(label(choice), "start", async () => {
      const alone = await measureAlone(url, choice, loads);
      report.start.push(alone.start);
      report.memory.push(...alone.memory);
      if (!report.bytes.some(({ engine }) => engine === choice.engine)) report.bytes.push(...alone.bytes);
    });
    await measured(label(choice), "renderer memory", async () => {
      const [loaded = null, used = null] = await rendererMemory(url, choice);
      const rows = report.memory.filter(({ engine, threads }) => engine === choice.engine && threads === choice.threads);
      for (const row of rows) Object.assign(row, { renderer_bytes: loaded, renderer_used_bytes: used });
    });
  }
  await measured("all engines", "times", () =>
    withPage(url, async (page, browser) => {
      report.browser = `Chromium ${browser.version()}, headless`;
      /** @param {import("./measure").Compared} compared */
      const take = ({ rows, failures }) => {
        report.rows = rows;
        report.failures = [...report.failures.filter((failure) => !compared.includes(failure)), ...failures];
        compared = failures;
        save();
      };
      /** @type {import("./report.js").Failure[]} */
      let compared = [];
      await page.exposeFunction("felsicCompared", take);
      take(await page.evaluate(({ choices, loads }) => window.felsicBench.compare(choices, loads), { choices, loads }));
    }),
  );
}

/** @param {Record<string, string>} folders @param {string} line */
async function measureLines(folders, line) {
  const [mbit = NaN, delay = NaN] = line.split(",").map(Number);
  if (!(mbit > 0 && delay >= 0)) throw new Error(`a line is MBIT,MS, such as 50,40, not ${line}`);
  report.line = { mbit, delay };
  const slow = await serve(folders, 0, note, report.line);
  for (const text of need("engines").split(",")) {
    const choice = parseEngine(text, models(slow.url));
    await measured(label(choice), "over a line", async () => void report.visits.push(...(await measureLine(slow.url, choice))));
  }
  slow.close();
}

/** @type {Record<string, string>} */
const folders = { "/": need("site"), "/packs/": need("packs") };
if (options.peer) folders["/peer/"] = options.peer;
const server = await serve(folders, Number(options.port ?? 0), note);
if (options.serve) {
  console.log(`The benchmark page: ${server.url}bench/?${new URLSearchParams(models("../"))} (Ctrl-C ends it)`);
} else {
  await measureAll(server.url);
  server.close();
  if (options.line) await measureLines(folders, options.line);
  console.log(`\n${markdown(report)}\n${join(need("out"), "report.json")} and report.md`);
  if (report.failures.length) process.exitCode = 1;
}
