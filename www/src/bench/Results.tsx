/** What was measured: a table, two charts that show the same, a picture of speed by size, and a text to copy. */

import { Button } from "felsic-ui";
import { useState } from "preact/hooks";
import { bytes, number, t } from "../app/messages/index.js";
import { Curves } from "./Curves.js";
import { rounded } from "./digits.js";
import type { Figures } from "./measure.js";
import type { Report } from "./report.js";

/** A result for people. */
export function Results({ report }: { readonly report: Report }) {
  const { rows, failures } = report;
  return (
    <section aria-labelledby="bench-results">
      <h2 id="bench-results">{t("bench.results")}</h2>
      {rows.length > 0 && (
        <>
          <Table rows={rows} />
          <div class="bench-charts">
            <Chart title={t("bench.chart.tokens")} rows={rows} value={({ tokensPerSecond }) => tokensPerSecond} />
            <Chart title={t("bench.chart.query")} rows={rows} value={({ query }) => query} />
          </div>
          <Curves rows={rows} />
        </>
      )}
      {failures.length > 0 && (
        <ul>
          {failures.map(({ engine, code, message }) => (
            <li key={engine}>
              {t("bench.no-figures", { engine: t(`bench.engine.${engine}`), message })} <code>{code}</code>
            </li>
          ))}
        </ul>
      )}
      <p class="bench-note">{t("bench.rules")}</p>
      <Copy report={report} />
    </section>
  );
}

const milliseconds = (value: number | undefined) => (value === undefined ? "–" : number(rounded(value)));

/** The least cosine of two vectors of one text that are one model's, with weights of 8 bits on both sides. */
const CLOSE = 0.95;

function Table({ rows }: { readonly rows: readonly Figures[] }) {
  return (
    <div class="bench-scroll" tabIndex={0} role="group" aria-label={t("bench.results")}>
      <table>
        <thead>
          <tr>
            <th scope="col">{t("bench.column.engine")}</th>
            <th class="model" scope="col">
              {t("bench.column.model")}
            </th>
            <th scope="col">{t("bench.column.first-load")}</th>
            <th scope="col">{t("bench.column.load")}</th>
            <th scope="col">{t("bench.column.first-vector")}</th>
            <th scope="col">{t("bench.column.query")}</th>
            <th scope="col">{t("bench.column.tokens")}</th>
            <th scope="col">{t("bench.column.memory")}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.engine}>
              <th scope="row">
                {t(`bench.engine.${row.engine}`)}{" "}
                <span class="about">{t("bench.about", { kernel: row.kernel, count: row.workers })}</span>
              </th>
              <td class="model">
                {row.model} <span class="about">{row.format}</span>
                {row.otherModel && <strong class="mark">{t("bench.other-model")}</strong>}
                {row.cosine !== undefined && (
                  <span class={row.cosine < CLOSE ? "mark" : "about"}>
                    {t(row.cosine < CLOSE ? "bench.cosine-far" : "bench.cosine", { cosine: row.cosine.toFixed(3) })}
                  </span>
                )}
              </td>
              <td>{milliseconds(row.firstLoad)}</td>
              <td>{milliseconds(row.load)}</td>
              <td>{milliseconds(row.firstVector)}</td>
              <td>{milliseconds(row.query)}</td>
              <td>{number(rounded(row.tokensPerSecond))}</td>
              <td>{bytes(row.memory)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface ChartProps {
  readonly title: string;
  readonly rows: readonly Figures[];
  readonly value: (row: Figures) => number;
}

/** The height of a bar with its name, and the room for its figure, in the drawing's units. */
const BAR = { height: 44, bar: 16, width: 320, room: 70 };

/** Bars. The table has the same figures. */
function Chart({ title, rows, value }: ChartProps) {
  const most = Math.max(...rows.map(value));
  const names = rows.map((row) => `${t(`bench.engine.${row.engine}`)}: ${number(rounded(value(row)))}`);
  return (
    <figure>
      <figcaption>{title}</figcaption>
      <svg viewBox={`0 0 ${BAR.width} ${BAR.height * rows.length}`} role="img" aria-label={`${title}. ${names.join("; ")}`}>
        {rows.map((row, at) => {
          const width = Math.max(1, ((BAR.width - BAR.room) * value(row)) / most);
          const top = at * BAR.height;
          return (
            <g key={row.engine}>
              <text x="0" y={top + 14}>
                {t(`bench.engine.${row.engine}`)}
              </text>
              <rect x="0" y={top + 20} width={width} height={BAR.bar} rx="3" />
              <text class="figure" x={width + 6} y={top + 33}>
                {number(rounded(value(row)))}
              </text>
            </g>
          );
        })}
      </svg>
    </figure>
  );
}

/** The report as JSON. */
function Copy({ report }: { readonly report: Report }) {
  const [isCopied, setCopied] = useState<boolean | undefined>(undefined);
  const text = JSON.stringify(report, null, 1);
  const copy = () =>
    navigator.clipboard.writeText(text).then(
      () => setCopied(true),
      () => setCopied(false),
    );
  return (
    <>
      <div class="bench-row">
        <Button onClick={() => void copy()}>{t("bench.copy")}</Button>
        <span role="status">{isCopied === undefined ? "" : t(isCopied ? "bench.copied" : "bench.not-copied")}</span>
      </div>
      <details open={isCopied === false}>
        <summary>{t("bench.json")}</summary>
        <pre class="bench-json" tabIndex={0}>
          {text}
        </pre>
      </details>
    </>
  );
}
