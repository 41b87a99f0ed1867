/** Sets of rows: row `r` is bit `r % 8` of byte `r >> 3`. */

/** Returns a set of rows, of which there are `count`. */
export function bitsOf(rows: Iterable<number>, count: number): Uint8Array<ArrayBuffer> {
  const bits = new Uint8Array((count + 7) >> 3);
  for (const row of rows) bits[row >> 3]! |= 1 << (row & 7);
  return bits;
}

/** Whether a row is in a set; without a set every row is. */
export function hasBit(bits: Uint8Array | undefined, row: number): boolean {
  return bits === undefined || ((bits[row >> 3] ?? 0) & (1 << (row & 7))) !== 0;
}
