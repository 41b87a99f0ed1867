/** What the cosines of a collection's own passages are like: measured anew when it has grown or shrunk a lot. */

import type { Contents } from "./contents.js";
import { cosineOf } from "./points.js";
import { type Calibration, calibrate, calibrationPairs } from "./score.js";

/** How many passages more or fewer there may be until it is measured again, as a factor. */
const DRIFT = 1.5;

interface Measured {
  readonly passages: number;
  readonly calibration: Calibration;
}

const measured = new WeakMap<Contents, Measured>();

/** Returns the calibration of a collection. Its rows must be there. */
export function calibrationOf(contents: Contents, dimensions: number): Calibration {
  const passages = contents.passages - contents.waiting;
  const known = measured.get(contents);
  if (known && passages <= known.passages * DRIFT && passages >= known.passages / DRIFT) return known.calibration;
  const calibration = contents.calibration ?? calibrate(cosines(contents, rowsOf(contents)), dimensions);
  measured.set(contents, { passages, calibration });
  return calibration;
}

/** The cosines of pairs of passages. */
function cosines(contents: Contents, used: readonly number[]): Float32Array<ArrayBuffer> {
  const pairs = calibrationPairs(used.length);
  return Float32Array.from(pairs, ([a, b]) => cosineOf(contents.vector(used[a]!)!, contents.vector(used[b]!)!));
}

/** The rows of all passages that have vectors, in the order of the documents. */
function rowsOf(contents: Contents): number[] {
  const rows = [...contents.all()].flatMap(({ row, stored }) => stored.passages.map((_, at) => row + at));
  return rows.filter((row) => contents.hasVector(row));
}
