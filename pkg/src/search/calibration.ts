/** What the cosines of a collection's own passages are like: measured anew when it has grown or shrunk a lot. */

import type { Contents } from "./contents.js";
import { type Calibration, calibrate } from "./score.js";

/** The pairs of passages that are measured. */
const PAIRS = 2000;
/** How many passages more or fewer there may be until it is measured again, as a factor. */
const DRIFT = 1.5;

interface Measured {
  readonly passages: number;
  readonly calibration: Calibration;
}

const measured = new WeakMap<Contents, Measured>();

/** Returns the calibration of a collection. Its rows must be there. */
export function calibrationOf(contents: Contents): Calibration {
  const { passages } = contents;
  const known = measured.get(contents);
  if (known && passages <= known.passages * DRIFT && passages >= known.passages / DRIFT) return known.calibration;
  const calibration = contents.calibration ?? calibrate(cosines(contents));
  measured.set(contents, { passages, calibration });
  return calibration;
}

/** The cosines of random pairs of passages, the same ones every time. */
function cosines(contents: Contents): Float32Array<ArrayBuffer> {
  const rows = [...contents.all()].flatMap(({ row, stored }) => stored.passages.map((_, at) => row + at));
  if (rows.length < 2) return new Float32Array();
  const next = random(1);
  const pick = () => Math.floor(next() * rows.length);
  const found = new Float32Array(Math.min(PAIRS, (rows.length * (rows.length - 1)) / 2));
  for (const at of found.keys()) {
    const first = pick();
    let second = pick();
    while (second === first) second = pick();
    found[at] = dot(contents.rows.vector(rows[first]!), contents.rows.vector(rows[second]!));
  }
  return found;
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += a[i]! * b[i]!;
  return sum;
}

/** Numbers from 0 to 1 that are the same every time. */
function random(seed: number): () => number {
  return () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed / 2 ** 32;
  };
}
