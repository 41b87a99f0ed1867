/** Where the names of clusters stand: beside what they name, and never one over another. */

import type { Point, Size } from "./view.js";

/** A name that wants a place. */
export interface Label {
  /** Where its cluster is on the screen. */
  readonly at: Point;
  /** The size of the name, in CSS pixels. */
  readonly size: Size;
}

/** Pixels between two names, and from the edge. */
const GAP = 6;
/** Where a name may stand, first above the middle, so that it does not cover it: shifts in its own height and width. */
const SHIFTS: readonly (readonly [across: number, down: number])[] = [
  [0, -1],
  [0, 1],
  [0.6, 0],
  [-0.6, 0],
  [0, -2],
  [0, 2],
  [0.6, -1],
  [-0.6, 1],
  [0, 0],
];

/**
 * Returns where the middle of each name is; `undefined` for one that has no room. The first names choose first. A cluster that is out of
 * sight has no name.
 */
export function placeLabels(labels: readonly Label[], { width, height }: Size): (Point | undefined)[] {
  const taken: { readonly left: number; readonly right: number; readonly top: number; readonly bottom: number }[] = [];
  return labels.map(({ at, size }) => {
    if (at.x < 0 || at.x > width || at.y < 0 || at.y > height) return undefined;
    for (const [across, down] of SHIFTS) {
      const x = within(at.x + across * size.width, size.width, width);
      const y = within(at.y + down * (size.height + GAP), size.height, height);
      const box = { left: x - size.width / 2, right: x + size.width / 2, top: y - size.height / 2, bottom: y + size.height / 2 };
      const isFree = taken.every(
        ({ left, right, top, bottom }) =>
          box.left >= right + GAP || box.right + GAP <= left || box.top >= bottom + GAP || box.bottom + GAP <= top,
      );
      if (!isFree) continue;
      taken.push(box);
      return { x, y };
    }
    return undefined;
  });
}

/** Moves a middle so that what is around it does not cross the edges, if it fits. */
function within(middle: number, extent: number, room: number): number {
  const least = extent / 2 + GAP;
  return Math.max(least, Math.min(room - least, middle));
}
