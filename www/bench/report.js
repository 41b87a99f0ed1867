// @ts-check
/** The report's shape, and the report as Markdown. Plain JavaScript: the page and `run.mjs` both use it. */

/**
 * @typedef {{engine: string, format: string, threads: number, batch: number, tokens: number,
 *   median_ms: number, min_ms: number, max_ms: number, runs: number,
 *   profile: Record<string, number> | null}} Row
 * @typedef {{engine: string, threads: number, wasm_bytes: number | null, wasm_peak_bytes: number | null,
 *   renderer_bytes: number | null, renderer_used_bytes: number | null}} Memory
 * @typedef {{engine: string, part: "runtime" | "tokenizer" | "weights", raw: number, gzip: number}} Bytes
 * @typedef {{engine: string, threads: number, ready_ms: number, first_vector_ms: number, runs: number}} Start
 * @typedef {{engine: string, visit: "first" | "second", first_vector_ms: number, bytes: number}} Visit
 * @typedef {{engine: string, part: string, message: string}} Failure of an engine, as `label` calls it
 * @typedef {{machine: string, browser: string, rows: Row[], memory: Memory[], bytes: Bytes[], start: Start[],
 *   line?: {mbit: number, delay: number}, visits: Visit[], failures: Failure[]}} Report
 */

/**
 * The middle value, or the mean of the middle two.
 * @param {number[]} values
 * @returns {number}
 */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 ? upper : (upper + (sorted[middle - 1] ?? NaN)) / 2;
}

/** @param {{engine: string, threads: number}} row */
export const label = ({ engine, threads }) => `${engine}, ${threads} thread${threads === 1 ? "" : "s"}`;

/** @param {number} ms */
const time = (ms) => (ms < 100 ? ms.toFixed(1) : ms.toFixed(0));
/** @param {number | null} bytes */
const megabytes = (bytes) => (bytes === null ? "not seen" : (bytes / 1e6).toFixed(bytes < 1e7 ? 2 : 0));

/**
 * @param {string[]} head
 * @param {string[][]} body
 */
function table(head, body) {
  const line = (/** @type {string[]} */ cells) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? "---" : "---:"))), ...body.map(line)].join("\n");
}

/**
 * How a row compares with felsic on the CPU: for felsic itself with several workers, how many times faster than one it
 * is; for others, how many times longer they take than felsic with as many threads, or with one if that was not run.
 * @param {Row} row
 * @param {Row[]} rows of the same shape
 */
function ratio(row, rows) {
  const felsic = rows.filter(({ engine }) => engine === "felsic-cpu");
  const one = felsic.find(({ threads }) => threads === 1);
  if (row.engine === "felsic-cpu") return one && row !== one ? one.median_ms / row.median_ms : null;
  const base = felsic.find(({ threads }) => threads === row.threads) ?? one;
  return base ? row.median_ms / base.median_ms : null;
}

/**
 * Times side by side, one line a shape, with ratios.
 * @param {Row[]} rows
 */
export function timesTable(rows) {
  const engines = [...new Set(rows.map(label))];
  const shapes = [...new Set(rows.map((row) => `${row.batch} x ${row.tokens}`))];
  const body = shapes.map((shape) => {
    const at = rows.filter((row) => `${row.batch} x ${row.tokens}` === shape);
    const cells = engines.map((engine) => {
      const row = at.find((row) => label(row) === engine);
      if (!row) return "";
      const times = ratio(row, at);
      const behind = times === null ? "" : `, ${times.toFixed(2)}x`;
      return `${time(row.median_ms)} (${time(row.min_ms)} to ${time(row.max_ms)})${behind}`;
    });
    return [shape, ...cells, String(at[0]?.runs ?? "")];
  });
  return table(["texts x tokens", ...engines, "runs"], body);
}

/**
 * Where felsic's time goes on the CPU: milliseconds of one call by operation, and its share.
 * @param {Row[]} rows
 */
function profileTable(rows) {
  const profiles = rows.flatMap(({ engine, batch, tokens, profile }) =>
    engine === "felsic-cpu" && profile ? [{ batch, tokens, profile }] : [],
  );
  const operations = [...new Set(profiles.flatMap(({ profile }) => Object.keys(profile)))];
  const body = profiles.map(({ batch, tokens, profile }) => {
    const all = Object.values(profile).reduce((sum, ms) => sum + ms, 0);
    const cells = operations.map((operation) => {
      const ms = profile[operation] ?? 0;
      return `${ms.toFixed(1)} (${((100 * ms) / all).toFixed(0)} %)`;
    });
    return [`${batch} x ${tokens}`, ...cells];
  });
  return body.length ? table(["texts x tokens", ...operations], body) : "";
}

/**
 * The whole report as Markdown.
 * @param {Report} report
 */
export function markdown(report) {
  const parts = [
    `${report.machine}; ${report.browser}`,
    `Median milliseconds (lowest to highest). Behind a peer: its median divided by that of felsic-cpu with as many threads, or with one. Behind felsic-cpu with several workers: how many times faster than one it is.\n\n${timesTable(report.rows)}`,
  ];
  const profile = profileTable(report.rows);
  if (profile)
    parts.push(
      `Where felsic-cpu's time goes, ms of one call; a norm or a gate counts with the rounding of its result.\n\n${profile}`,
    );
  if (report.start.length) {
    const rows = report.start.map((row) => [label(row), time(row.ready_ms), time(row.first_vector_ms), String(row.runs)]);
    parts.push(
      `Start, from the worker's start with every file served locally, median ms.\n\n${table(["engine", "ready", "first vector", "runs"], rows)}`,
    );
  }
  if (report.line) {
    const rows = report.visits.map((row) => [row.engine, row.visit, time(row.first_vector_ms), megabytes(row.bytes)]);
    const { mbit, delay } = report.line;
    parts.push(
      `Until the first vector over ${mbit} Mbit/s and ${delay} ms, ms and MB; scripts, WebAssembly, JSON and tokenizer files are compressed.\n\n` +
        table(["engine", "visit", "first vector", "transferred"], rows),
    );
  }
  if (report.memory.length) {
    const rows = report.memory.map((row) => [
      label(row),
      ...[row.wasm_bytes, row.wasm_peak_bytes, row.renderer_bytes, row.renderer_used_bytes].map(megabytes),
    ]);
    const head = [
      "engine",
      "wasm memory after load",
      "wasm memory at the end",
      "renderer after load",
      "renderer after 100 embeddings",
    ];
    parts.push(
      `Memory, each engine alone in a fresh browser, MB; the renderer's in a browser that nobody drives, 128 tokens an embedding.\n\n${table(head, rows)}`,
    );
  }
  if (report.bytes.length) {
    const rows = report.bytes.map((row) => [row.engine, row.part, megabytes(row.raw), megabytes(row.gzip)]);
    parts.push(`What is loaded until the first vector, MB.\n\n${table(["engine", "part", "raw", "gzipped"], rows)}`);
  }
  if (report.failures.length) {
    const rows = report.failures.map((row) => [row.engine, row.part, row.message.replaceAll(/[|\s]+/g, " ")]);
    parts.push(`What could not be measured.\n\n${table(["engine", "part", "why"], rows)}`);
  }
  return parts.join("\n\n") + "\n";
}
