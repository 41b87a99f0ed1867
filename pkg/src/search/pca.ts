/**
 * Principal components: the directions in which points differ most. They are found by powers of the covariance matrix, applied to a random
 * subspace from a fixed seed, and exactly within that subspace (Rayleigh and Ritz; Jacobi's rotations).
 */

import { dot, normalize, type Points } from "./points.js";
import { seeded } from "./random.js";

const SEED = 2;
const POWERS = 12;
/** How many points there are between two reports. */
const STEP = 1000;
/** Directions of the subspace beyond those that are wanted, which make these exact. */
const MORE = 10;

/** The directions in which points differ most, and the middle that they are seen from. */
export interface Axes {
  /** [dimensions] */
  readonly mean: Float64Array<ArrayBuffer>;
  readonly directions: Points;
}

/** Returns the coordinates of points along their first `count` principal components, in falling order of variance. */
export function principal(points: Points, count: number, progress: (done: number, total: number) => void): Points {
  return along(points, axesOf(points, count, progress));
}

/** Returns the first `count` principal components of points, in falling order of variance. */
export function axesOf(points: Points, count: number, progress: (done: number, total: number) => void): Axes {
  const { dimensions } = points;
  const wanted = Math.min(count, dimensions);
  const mean = meanOf(points);
  const covariance = covarianceOf(withoutMean(points, mean), progress);
  const size = Math.min(wanted + MORE, dimensions);
  const random = seeded(SEED);
  // `size` directions, each of `dimensions` components.
  let basis: Float32Array<ArrayBuffer> = Float32Array.from({ length: size * dimensions }, () => random() - 0.5);
  for (let power = 0; power < POWERS; power += 1) {
    orthonormalize(basis, size, dimensions);
    basis = times(covariance, basis, size);
  }
  orthonormalize(basis, size, dimensions);
  const image = times(covariance, basis, size);
  const small = Array.from({ length: size }, (_, i) =>
    Float64Array.from({ length: size }, (_, j) => dot(basis, i * dimensions, image, j * dimensions, dimensions)),
  );
  const directions = turned(basis, eigenvectors(small).slice(0, wanted), dimensions);
  return { mean, directions: { data: directions, count: wanted, dimensions } };
}

/** Returns the coordinates of points, which need not be those that the axes are made of. */
export function along({ data: points, count, dimensions }: Points, { mean, directions }: Axes): Points {
  const { data: axes, count: wanted } = directions;
  const data = new Float32Array(count * wanted);
  const centred = new Float32Array(dimensions);
  for (let i = 0; i < count; i += 1) {
    for (let d = 0; d < dimensions; d += 1) centred[d] = points[i * dimensions + d]! - mean[d]!;
    for (let c = 0; c < wanted; c += 1) data[i * wanted + c] = dot(centred, 0, axes, c * dimensions, dimensions);
  }
  return { data, count, dimensions: wanted };
}

function meanOf({ data, count, dimensions }: Points): Float64Array<ArrayBuffer> {
  const mean = new Float64Array(dimensions);
  for (const [i, value] of data.entries()) mean[i % dimensions]! += value / count;
  return mean;
}

function withoutMean({ data, count, dimensions }: Points, mean: Float64Array): Points {
  return { data: data.map((value, i) => value - mean[i % dimensions]!), count, dimensions };
}

/** Returns the covariance matrix of centred points, [dimensions, dimensions]. */
function covarianceOf({ data, count, dimensions }: Points, progress: (done: number, total: number) => void): Points {
  const sums = new Float64Array(dimensions * dimensions);
  for (let i = 0; i < count; i += 1) {
    const row = data.subarray(i * dimensions, (i + 1) * dimensions);
    for (let a = 0; a < dimensions; a += 1) {
      const value = row[a]!;
      const at = a * dimensions;
      // It is symmetric: half of it is enough.
      for (let b = 0; b <= a; b += 1) sums[at + b]! += value * row[b]!;
    }
    if ((i + 1) % STEP === 0) progress(i + 1, count);
  }
  const matrix = new Float32Array(sums.length);
  for (let a = 0; a < dimensions; a += 1) {
    for (let b = 0; b <= a; b += 1) {
      const value = sums[a * dimensions + b]! / count;
      matrix[a * dimensions + b] = value;
      matrix[b * dimensions + a] = value;
    }
  }
  return { data: matrix, count: dimensions, dimensions };
}

/** Returns a symmetric matrix times each of `size` directions. */
function times({ data, dimensions }: Points, basis: Float32Array, size: number): Float32Array<ArrayBuffer> {
  const result = new Float32Array(size * dimensions);
  for (let s = 0; s < size; s += 1) {
    for (let d = 0; d < dimensions; d += 1) {
      result[s * dimensions + d] = dot(data, d * dimensions, basis, s * dimensions, dimensions);
    }
  }
  return result;
}

/** Makes directions orthonormal (Gram and Schmidt, twice); one that depends on those before it becomes zero. */
function orthonormalize(basis: Float32Array, size: number, dimensions: number): void {
  for (let s = 0; s < size; s += 1) {
    const at = s * dimensions;
    if (!normalize(basis, at, dimensions)) basis.fill(0, at, at + dimensions);
    for (let pass = 0; pass < 2; pass += 1) {
      for (let before = 0; before < at; before += dimensions) {
        const share = dot(basis, at, basis, before, dimensions);
        for (let d = 0; d < dimensions; d += 1) basis[at + d]! -= share * basis[before + d]!;
      }
      // What is left of a dependent direction is rounding.
      const isLeft = dot(basis, at, basis, at, dimensions) > 1e-10;
      if (!isLeft || !normalize(basis, at, dimensions)) basis.fill(0, at, at + dimensions);
    }
  }
}

/** Returns sums of directions with the given weights. Of a direction and its opposite, the one whose largest component is positive. */
function turned(basis: Float32Array, weights: readonly Float64Array[], dimensions: number): Float32Array<ArrayBuffer> {
  const result = new Float32Array(weights.length * dimensions);
  for (const [c, vector] of weights.entries()) {
    const own = result.subarray(c * dimensions, (c + 1) * dimensions);
    for (const [s, weight] of vector.entries()) {
      for (let d = 0; d < dimensions; d += 1) own[d]! += weight * basis[s * dimensions + d]!;
    }
    const largest = own.reduce((best, value) => (Math.abs(value) > Math.abs(best) ? value : best), 0);
    if (largest < 0) for (const [d, value] of own.entries()) own[d] = -value;
  }
  return result;
}

/** Returns the eigenvectors of a symmetric matrix, that of the largest eigenvalue first. The matrix is used up. */
export function eigenvectors(matrix: readonly Float64Array[]): Float64Array[] {
  const n = matrix.length;
  const vectors = matrix.map((_, i) => Float64Array.from({ length: n }, (_, j) => (i === j ? 1 : 0)));
  for (let sweep = 0; sweep < 60; sweep += 1) {
    let outside = 0;
    let inside = 0;
    for (let i = 0; i < n; i += 1) {
      inside += matrix[i]![i]! ** 2;
      for (let j = 0; j < i; j += 1) outside += matrix[i]![j]! ** 2;
    }
    if (outside <= 1e-24 * inside) break;
    for (let p = 0; p < n; p += 1) for (let q = p + 1; q < n; q += 1) rotate(matrix, vectors, p, q);
  }
  const order = matrix.map((row, i) => ({ value: row[i]!, i })).sort((a, b) => b.value - a.value || a.i - b.i);
  return order.map(({ i }) => vectors[i]!);
}

/** Jacobi's rotation, which makes one element zero. */
function rotate(matrix: readonly Float64Array[], vectors: readonly Float64Array[], p: number, q: number): void {
  const [rowP, rowQ] = [matrix[p]!, matrix[q]!];
  const element = rowP[q]!;
  if (element === 0) return;
  const theta = (rowQ[q]! - rowP[p]!) / (2 * element);
  const tangent = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
  const cosine = 1 / Math.sqrt(tangent * tangent + 1);
  const sine = tangent * cosine;
  const turn = (a: Float64Array, i: number, b: Float64Array, j: number) => {
    const [x, y] = [a[i]!, b[j]!];
    a[i] = cosine * x - sine * y;
    b[j] = sine * x + cosine * y;
  };
  for (const row of matrix) turn(row, p, row, q);
  for (let k = 0; k < matrix.length; k += 1) turn(rowP, k, rowQ, k);
  for (let k = 0; k < matrix.length; k += 1) turn(vectors[p]!, k, vectors[q]!, k);
}
