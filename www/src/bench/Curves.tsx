/** A picture: tokens of a call against tokens a second, a line for each engine. Where two lines cross, another engine wins. */

import { number, t } from "../app/messages/index.js";
import { rounded } from "./digits.js";
import type { Figures } from "./measure.js";

/** The drawing, and the room around it for the axes' names, in its own units. */
const [WIDTH, HEIGHT] = [640, 300];
const ROOM = { left: 62, right: 16, top: 12, bottom: 44 };
/** Lines differ by their dashes and their marks, so that nobody has to tell colours apart. */
const DASHES = ["none", "7 4", "2 4", "12 4 2 4"];
/** At most so many values stand at the axis of speed. */
const MOST_MARKS = 5;

/** Draws what was measured; nothing, if there was one size only. */
export function Curves({ rows }: { readonly rows: readonly Figures[] }) {
  const points = rows.flatMap(({ curve }) => curve);
  const sizes = points.map(({ tokens }) => tokens);
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
  if (!(most > least)) return null;
  const step = stepOf(Math.max(...points.map(({ tokensPerSecond }) => tokensPerSecond)));
  const marks = Math.ceil(Math.max(...points.map(({ tokensPerSecond }) => tokensPerSecond)) / step);
  const right = WIDTH - ROOM.right;
  const bottom = HEIGHT - ROOM.bottom;
  const x = (tokens: number) => ROOM.left + ((right - ROOM.left) * Math.log(tokens / least)) / Math.log(most / least);
  const y = (rate: number) => bottom - ((bottom - ROOM.top) * rate) / (marks * step);
  const said = rows.map(({ engine, curve }) => {
    const values = curve.map(({ tokens, tokensPerSecond }) => `${number(rounded(tokens))}: ${number(rounded(tokensPerSecond))}`);
    return `${t(`bench.engine.${engine}`)}: ${values.join(", ")}`;
  });
  return (
    <figure class="bench-curves">
      <figcaption>{t("bench.curves")}</figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={`${t("bench.curves")}. ${said.join("; ")}`}>
        {Array.from({ length: marks + 1 }, (_, at) => (
          <g key={at}>
            <line class="grid" x1={ROOM.left} x2={right} y1={y(at * step)} y2={y(at * step)} />
            <text x={ROOM.left - 8} y={y(at * step) + 4} text-anchor="end">
              {number(at * step)}
            </text>
          </g>
        ))}
        {rows[0]!.curve.map(({ tokens }, at) => (
          <text key={at} x={x(tokens)} y={bottom + 18} text-anchor="middle">
            {number(Math.round(tokens))}
          </text>
        ))}
        <text x={(ROOM.left + right) / 2} y={HEIGHT - 6} text-anchor="middle">
          {t("bench.curves.tokens")}
        </text>
        {rows.map(({ engine, curve }, at) => (
          <g key={engine} class={`curve curve-${at % DASHES.length}`}>
            <polyline
              points={curve.map(({ tokens, tokensPerSecond }) => `${x(tokens)},${y(tokensPerSecond)}`).join(" ")}
              stroke-dasharray={DASHES[at % DASHES.length]}
            />
            {curve.map(({ tokens, tokensPerSecond }) => (
              <circle key={tokens} cx={x(tokens)} cy={y(tokensPerSecond)} r="3" />
            ))}
          </g>
        ))}
      </svg>
      <ul class="bench-legend">
        {rows.map(({ engine }, at) => (
          <li key={engine}>
            <svg viewBox="0 0 36 10" class={`curve curve-${at % DASHES.length}`} aria-hidden="true">
              <polyline points="0,5 36,5" stroke-dasharray={DASHES[at % DASHES.length]} />
            </svg>
            {t(`bench.engine.${engine}`)}
          </li>
        ))}
      </ul>
    </figure>
  );
}

/** Returns a round step with which a few marks reach a value. */
function stepOf(most: number): number {
  const rough = most / MOST_MARKS;
  const power = 10 ** Math.floor(Math.log10(rough));
  return power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10);
}
