export interface Calibration { readonly mean: number; readonly deviation: number; readonly count: number }
export const DEFAULT_MIN_SCORE = 0.3;
export function calibrate(cosines: Float32Array): Calibration {
  let mean = 0; for (const c of cosines) mean += c / cosines.length;
  let v = 0; for (const c of cosines) v += (c - mean) ** 2 / cosines.length;
  return { mean, deviation: Math.sqrt(v) || 0.1, count: cosines.length };
}
export function score(cosine: number, { mean, deviation }: Calibration, _found: { mean: number; deviation: number; seen: number }): number {
  return 1 / (1 + Math.exp(-((cosine - mean) / deviation - 2)));
}
