/** What is drawn by hand to choose points: a lasso or a rectangle. */

import type { Box, Point } from "./view.js";

/** Returns the box around places; `undefined` if there are none. */
export function boxAround(points: Iterable<Point>): Box | undefined {
  let [left, right, low, high] = [Infinity, -Infinity, Infinity, -Infinity];
  for (const { x, y } of points) {
    left = Math.min(left, x);
    right = Math.max(right, x);
    low = Math.min(low, y);
    high = Math.max(high, y);
  }
  return left <= right ? { left, right, low, high } : undefined;
}

/** Returns the corners of the rectangle between two places. */
export function rectangle(a: Point, b: Point): Point[] {
  return [a, { x: b.x, y: a.y }, b, { x: a.x, y: b.y }];
}

/** Whether a place is within a closed line (by the even-odd rule: where a line crosses itself, what is enclosed twice is outside). */
export function isWithin(line: readonly Point[], x: number, y: number): boolean {
  let isInside = false;
  for (let i = 0, j = line.length - 1; i < line.length; j = i, i += 1) {
    const [a, b] = [line[i]!, line[j]!];
    if (a.y > y === b.y > y) continue;
    if (x < a.x + ((y - a.y) / (b.y - a.y)) * (b.x - a.x)) isInside = !isInside;
  }
  return isInside;
}
