/** Vectors of documents, one after another, and arithmetic with them. */

/** Vectors of one length, one after another. */
export interface Points {
  /** [count, dimensions] */
  readonly data: Float32Array<ArrayBuffer>;
  readonly count: number;
  readonly dimensions: number;
}

/** Returns the scalar product of `length` components of `a` from `atA` on and of `b` from `atB` on. */
export function dot(a: Float32Array, atA: number, b: Float32Array, atB: number, length: number): number {
  // Four sums, since each addition has to wait for the one before it.
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  let i = 0;
  for (; i + 3 < length; i += 4) {
    s0 += a[atA + i]! * b[atB + i]!;
    s1 += a[atA + i + 1]! * b[atB + i + 1]!;
    s2 += a[atA + i + 2]! * b[atB + i + 2]!;
    s3 += a[atA + i + 3]! * b[atB + i + 3]!;
  }
  for (; i < length; i += 1) s0 += a[atA + i]! * b[atB + i]!;
  return s0 + s1 + (s2 + s3);
}

/** Returns the cosine of two vectors of unit length: the products in their order, so that all who compute it get the same. */
export function cosineOf(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += a[i]! * b[i]!;
  return sum;
}

/** Scales a vector to unit length; returns false, and leaves it, if it has no direction. */
export function normalize(data: Float32Array, at: number, length: number): boolean {
  const norm = Math.sqrt(dot(data, at, data, at, length));
  if (!(norm > 1e-12)) return false;
  for (let i = at; i < at + length; i += 1) data[i]! /= norm;
  return true;
}
