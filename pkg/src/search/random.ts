/** Numbers that look random and are the same each time. */

/** Returns a function whose numbers, from 0 to below 1, follow from `seed` alone (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Returns `most` of the numbers from 0 to below `count`, in order: of each step one, by chance, since even steps may miss what repeats. */
export function sampled(count: number, most: number, random: () => number): number[] {
  return Array.from({ length: most }, (_, i) => Math.min(count - 1, Math.floor(((i + random()) * count) / most)));
}
