/** A grid over points on the plane: finds the one under the pointer, and those within a line, without looking at all. */

import { boxAround, isWithin } from "./shapes.js";
import type { Box, Point } from "./view.js";

/** The most cells of a side. */
const MOST = 256;

/** The points of a map, in cells. */
export class Grid {
  readonly #x: Float32Array;
  readonly #y: Float32Array;
  readonly #side: number;
  /** The points, cell after cell, and where each cell begins. */
  readonly #points: Uint32Array;
  readonly #starts: Uint32Array;

  /** `x` and `y` are from -1 to 1. */
  constructor(x: Float32Array, y: Float32Array) {
    this.#x = x;
    this.#y = y;
    this.#side = Math.max(1, Math.min(MOST, Math.ceil(Math.sqrt(x.length))));
    const cells = Uint32Array.from(x, (_, i) => this.#cell(y[i]!) * this.#side + this.#cell(x[i]!));
    this.#starts = new Uint32Array(this.#side ** 2 + 1);
    for (const cell of cells) this.#starts[cell + 1]! += 1;
    for (let cell = 0; cell < this.#side ** 2; cell += 1) this.#starts[cell + 1]! += this.#starts[cell]!;
    const next = this.#starts.slice();
    this.#points = new Uint32Array(x.length);
    for (const [i, cell] of cells.entries()) this.#points[next[cell]!++] = i;
  }

  /** Returns the point nearest to a place, if it is at most `distance` away. */
  nearest({ x, y }: Point, distance: number): number | undefined {
    let found: number | undefined;
    let best = distance ** 2;
    for (const i of this.#in({ left: x - distance, right: x + distance, low: y - distance, high: y + distance })) {
      const square = (this.#x[i]! - x) ** 2 + (this.#y[i]! - y) ** 2;
      if (square > best || (square === best && found !== undefined)) continue;
      [found, best] = [i, square];
    }
    return found;
  }

  /** Returns the points within a closed line, in order. */
  within(line: readonly Point[]): number[] {
    const box = boxAround(line);
    if (!box) return [];
    const found: number[] = [];
    for (const i of this.#in(box)) if (isWithin(line, this.#x[i]!, this.#y[i]!)) found.push(i);
    return found.sort((a, b) => a - b);
  }

  /** The points of the cells that a box touches. */
  *#in({ left, right, low, high }: Box): Iterable<number> {
    const [first, last] = [this.#cell(left), this.#cell(right)];
    const [bottom, top] = [this.#cell(low), this.#cell(high)];
    for (let row = bottom; row <= top; row += 1) {
      const begin = this.#starts[row * this.#side + first]!;
      const end = this.#starts[row * this.#side + last + 1]!;
      for (let at = begin; at < end; at += 1) yield this.#points[at]!;
    }
  }

  #cell(value: number): number {
    return Math.max(0, Math.min(this.#side - 1, Math.floor(((value + 1) / 2) * this.#side)));
  }
}
