/** How many of the points are drawn while the map moves: where all of them would take too long, fewer, and all when it rests. */

/** Milliseconds between two frames: with more there are fewer points in the next one, with less there are more. */
const SLOW = 34;
const QUICK = 24;
/** A gap this long is no slow frame but a pause. */
const PAUSE = 400;
const LEAST = 0.08;
const STEP = { down: 0.6, up: 1.15 };
/** Milliseconds without movement after which the map rests. */
export const REST = 160;

/** The detail of one map. */
export class Detail {
  #share = 1;
  #last = -Infinity;
  #moved = -Infinity;

  /** The map has moved. */
  moved(now: number): void {
    this.#moved = now;
  }

  /** Returns the share of the points to draw in a frame. */
  share(now: number): number {
    const took = now - this.#last;
    const hasMoved = now - this.#moved < REST;
    this.#last = now;
    if (!hasMoved) return 1;
    if (took > SLOW && took < PAUSE) this.#share = Math.max(LEAST, this.#share * STEP.down);
    else if (took < QUICK) this.#share = Math.min(1, this.#share * STEP.up);
    return this.#share;
  }
}
