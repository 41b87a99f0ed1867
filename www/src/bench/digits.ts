/** Figures for people. */

/** Three digits say all that a measurement knows. */
export const rounded = (value: number): number => Number(value.toPrecision(value < 1000 ? 3 : 4));
