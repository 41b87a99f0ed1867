/** Chooses between the CPU's two binaries for this browser and processor. */

import type { Simd } from "./options.js";

/** The wasm binaries, by the names in their files. */
export type Binary = "cpu" | "relaxed" | "gpu";

/**
 * A module whose function returns the sum of four products of a weight and a byte, as `i32x4.relaxed_dot` computes it.
 * Its result for bytes above 127 differs from processor to processor.
 */
const DOT = Uint8Array.of(
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00], // magic, version 1
  ...[0x01, 0x07, 0x01, 0x60, 0x02, 0x7f, 0x7f, 0x01, 0x7f], // one type: (i32, i32) -> i32
  ...[0x03, 0x02, 0x01, 0x00], // one function of it
  ...[0x07, 0x07, 0x01, 0x03, 0x64, 0x6f, 0x74, 0x00, 0x00], // exported as "dot"
  ...[0x0a, 0x16, 0x01, 0x14, 0x00], // its code, without locals
  ...[0x20, 0x00, 0xfd, 0x0f, 0x20, 0x01, 0xfd, 0x0f], // both arguments, i8x16.splat
  ...[0x41, 0x00, 0xfd, 0x11], // i32.const 0, i32x4.splat
  ...[0xfd, 0x93, 0x02, 0xfd, 0x1b, 0x00, 0x0b], // i32x4.relaxed_dot_i8x16_i7x16_add_s, i32x4.extract_lane 0
);

/** Weights and bytes at their limits, where a processor that cuts sums to 16 bits has to cut them. */
const WEIGHTS = [-127, -1, 1, 127];
const BYTES = [0, 1, 127, 128, 129, 255];

/** Whether a dot product reads bytes as unsigned, or as signed, and sums exactly, as the relaxed binary requires. */
export function isExact(dot: (weight: number, byte: number) => number): boolean {
  const is = (meaning: (byte: number) => number) =>
    WEIGHTS.every((weight) => BYTES.every((byte) => dot(weight, byte) === 4 * weight * meaning(byte)));
  return is((byte) => byte) || is((byte) => (byte << 24) >> 24);
}

let exact: boolean | undefined;

/** Whether the relaxed binary runs here and is faster. */
export function hasExactDot(): boolean {
  exact ??= probe();
  return exact;
}

function probe(): boolean {
  try {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(DOT));
    return isExact(exports["dot"] as (weight: number, byte: number) => number);
  } catch {
    // No relaxed SIMD, or a page whose policy lets only its workers compile.
    return false;
  }
}

/** Chooses the CPU's binary. `auto` takes the plain one if the caller names a wasm file, which most likely is that one. */
export function cpuBinary(simd: Simd, bringsWasm: boolean): Binary {
  if (simd === "auto") return !bringsWasm && hasExactDot() ? "relaxed" : "cpu";
  return simd === "relaxed" ? "relaxed" : "cpu";
}
