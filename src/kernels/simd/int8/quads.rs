//! The body for processors that multiply and add four bytes at once: `i32x4.relaxed_dot_i8x16_i7x16_add_s`.
//!
//! A relaxed instruction leaves to the processor what a byte above 127 of its second operand means, and whether the sums of two
//! products keep within 16 bits; [`Bytes::here`] finds out. The second operand are the weights.
//!
//! | the second operand's bytes are | on | the byte of a weight `w` is | the sums of a token's group start at |
//! | --- | --- | --- | --- |
//! | unsigned | x86-64 with AVX-VNNI (`vpdpbusd`) | `w + 128` | `-128 Σ a` |
//! | signed | ARM with dot products (`sdot`) | `w` | 0 |
//!
//! Sums start higher than that by the bits of 1.5 * 2^23, so that each is in the end the low bits of a number: one subtraction makes
//! it that of the sum alone, exactly. On x86-64 the subtraction has a port that the products leave free; a conversion has not.
//!
//! Where sums of two products are cut to 16 bits (x86-64 without AVX-VNNI), bytes would have to stay within seven
//! bits, and the instruction becomes three: [`super::pairs`] is as fast there.

use super::body::{Block, Body, Sums, clear, for_columns, put, round_groups};
use super::{BAND, QUAD};
use crate::kernels::simd::maths::{ROUNDER, narrow, to_integers};
use wide::{f32x4, i8x16, i32x4};

/// How the processor reads the bytes of the second operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bytes {
    /// 0..=255.
    Unsigned,
    /// -128..=127.
    Signed,
}

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct Quads(pub Bytes);

/// Weights of a step: [8, 4].
type Weights = [i8; BAND * QUAD];

/// Of a token's group: its step, and where its sums start.
#[derive(Clone, Copy, Debug, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub struct Step {
    pub step: f32,
    pub start: i32,
}

impl Body for Quads {
    const COLUMNS: usize = QUAD;
    /// Twelve sums, two registers of weights and one of activations.
    const TOKENS: usize = 6;
    /// With their weights all tiles of a chunk fit the first-level cache, so that each weight comes there once.
    const BANDS: usize = 4;
    /// Processors that have the instruction have larger caches, and what is multiplied so fast waits for weights the more often.
    const CHUNK: usize = 64;
    type Weights = Weights;
    /// Four columns, once: a load spreads them over a register. As a whole register a tile would take four times the room.
    type Word = i32;
    type Step = Step;

    #[inline(always)]
    fn round(self, row: &[f32], group: usize, words: &mut [i32], steps: &mut [Step], place: [usize; 2]) {
        round_groups::<Self>(row, group, words, steps, place, |group, [inverse, step], words| {
            let (mut at, mut total) = (place[0], i32x4::ZERO);
            for_columns(group, |columns: [f32; 16]| {
                let columns: [[f32x4; 2]; 2] = bytemuck::cast(columns);
                let integers = columns.map(|v| v.map(|v| to_integers(v * f32x4::splat(inverse))));
                integers.as_flattened().iter().for_each(|integers| total += *integers);
                let bytes = i8x16::from_i16x16_saturate(bytemuck::cast(integers.map(narrow)));
                put(words, at, place[1], bytemuck::cast(bytes), |word| word);
                at += 4 * place[1];
            });
            Step { step, start: self.0.start(total) }
        });
    }

    fn keep(self, values: &mut [i8]) {
        self.0.keep(values);
    }

    fn add<const T: usize>(self, block: &Block<'_, Self, T>, new: bool, sums: &mut Sums<T>) {
        clear(new, sums);
        instruction::add(self.0, block, sums);
    }
}

/// The body for WebAssembly that has the instruction.
#[cfg(all(target_arch = "wasm32", feature = "relaxed"))]
mod instruction {
    use super::super::body::scale;
    use super::*;
    use crate::kernels::simd::exact::WIDTH;
    use std::arch::wasm32::{i8x16_splat, i32x4_relaxed_dot_i8x16_i7x16_add as dot, i32x4_splat, v128};
    use std::hint::black_box;
    use std::sync::OnceLock;

    // The whole binary needs relaxed SIMD to load at all; the attribute is here, rather than a flag for every
    // crate, because the macerator crate under burn does not build with such a flag.

    #[inline(never)]
    #[target_feature(enable = "relaxed-simd")]
    pub fn add<const T: usize>(_: Bytes, block: &Block<'_, Quads, T>, sums: &mut Sums<T>) {
        // A browser would rebuild a constant for every sum.
        let rounder = black_box(f32x4::splat(ROUNDER));
        for group in block.groups() {
            let exact = exact(group.words, group.weights, group.steps);
            let number = |sum: i32x4| bytemuck::cast::<_, f32x4>(sum) - rounder;
            scale(exact, number, group.scales, group.steps, |place| f32x4::splat(place.step), sums);
        }
    }

    #[inline]
    #[target_feature(enable = "relaxed-simd")]
    fn exact<const T: usize>(words: &[[i32; T]], weights: &[Weights], steps: &[Step; T]) -> [[i32x4; WIDTH]; T] {
        let mut sums = steps.map(|step| [i32x4::splat(step.start); WIDTH]);
        for (words, weights) in words.iter().zip(weights) {
            let weights: [v128; WIDTH] = bytemuck::cast(*weights);
            for (sums, word) in sums.iter_mut().zip(words) {
                for (sum, weights) in sums.iter_mut().zip(weights) {
                    *sum = bytemuck::cast(dot(i32x4_splat(*word), weights, bytemuck::cast(*sum)));
                }
            }
        }
        sums
    }

    impl Bytes {
        /// Returns how this processor reads them, if its sums are exact.
        pub fn here() -> Option<Self> {
            static HERE: OnceLock<Option<Bytes>> = OnceLock::new();
            *HERE.get_or_init(|| Self::of(|factor, byte| probe(factor, byte)))
        }
    }

    /// Computes one sum of four products. The compiler assumes nothing about the instruction's results but may compute
    /// it; black boxes keep it from doing so.
    #[target_feature(enable = "relaxed-simd")]
    fn probe(factor: i8, byte: u8) -> i32 {
        let (factors, bytes) = (black_box(i8x16_splat(factor)), black_box(i8x16_splat(byte as i8)));
        bytemuck::cast::<_, [i32; 4]>(dot(factors, bytes, black_box(i32x4_splat(0))))[0]
    }
}

/// The same in plain Rust, with the meaning of the bytes given.
#[cfg(not(all(target_arch = "wasm32", feature = "relaxed")))]
mod instruction {
    use super::super::body::{Group, scale};
    use super::*;

    fn dot(bytes: Bytes, word: i32, weights: &[i8]) -> i32 {
        let products = weights.iter().zip(word.to_le_bytes()).map(|(weight, factor)| {
            let weight = match bytes {
                Bytes::Unsigned => i32::from(*weight as u8),
                Bytes::Signed => i32::from(*weight),
            };
            weight * i32::from(factor as i8)
        });
        products.sum()
    }

    pub fn add<const T: usize>(bytes: Bytes, block: &Block<'_, Quads, T>, sums: &mut Sums<T>) {
        for Group { words, steps, weights, scales } in block.groups() {
            let exact = std::array::from_fn(|token| {
                let row = |row: usize| {
                    let product = |(words, weights): (&[i32; T], &Weights)| {
                        dot(bytes, words[token], &weights[row * QUAD..][..QUAD])
                    };
                    let sum: i32 = words.iter().zip(weights).map(product).sum();
                    steps[token].start.wrapping_add(sum)
                };
                bytemuck::cast::<[i32; BAND], _>(std::array::from_fn(row))
            });
            let number = |sum: i32x4| bytemuck::cast::<_, f32x4>(sum) - f32x4::splat(ROUNDER);
            scale(exact, number, scales, steps, |place| f32x4::splat(place.step), sums);
        }
    }

    #[cfg(feature = "relaxed")]
    impl Bytes {
        /// Returns how the plain code here reads them.
        pub fn here() -> Option<Self> {
            Some(Bytes::Unsigned)
        }
    }
}

impl Bytes {
    /// Changes ordered weights into bytes that are read so.
    pub fn keep(self, values: &mut [i8]) {
        if self == Bytes::Unsigned {
            values.iter_mut().for_each(|value| *value ^= i8::MIN);
        }
    }

    /// Returns where the sums of a group start, of whose integers `total` are four sums.
    #[inline(always)]
    fn start(self, total: i32x4) -> i32 {
        // Wrapping, since what is no number rounds to anything.
        let total = total.to_array().into_iter().fold(0, i32::wrapping_add);
        let offset = match self {
            Bytes::Unsigned => total.wrapping_mul(-128),
            Bytes::Signed => 0,
        };
        offset.wrapping_add(ROUNDER.to_bits() as i32)
    }

    /// Returns how a processor reads bytes if four products of the same factor and byte sum to `dot(factor, byte)`
    /// there; `None` if that is not their exact sum.
    #[cfg_attr(
        not(all(target_arch = "wasm32", feature = "relaxed")),
        allow(dead_code, reason = "only wasm has to ask")
    )]
    fn of(dot: impl Fn(i8, u8) -> i32) -> Option<Self> {
        let is = |meaning: fn(u8) -> i32| {
            let factors = [-127, -1, 1, 127];
            factors
                .iter()
                .all(|factor| (0..=255).all(|byte| dot(*factor, byte) == 4 * i32::from(*factor) * meaning(byte)))
        };
        if is(i32::from) {
            Some(Bytes::Unsigned)
        } else if is(|byte| i32::from(byte as i8)) {
            Some(Bytes::Signed)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_bytes_are_is_found_out() {
        assert_eq!(Bytes::of(|factor, byte| 4 * i32::from(factor) * i32::from(byte)), Some(Bytes::Unsigned));
        assert_eq!(Bytes::of(|factor, byte| 4 * i32::from(factor) * i32::from(byte as i8)), Some(Bytes::Signed));
    }

    #[test]
    fn sums_that_are_cut_are_refused() {
        // As `pmaddubsw` does: unsigned bytes, two products in 16 bits.
        let cut = |factor: i8, byte: u8| {
            2 * i32::from((2 * i32::from(factor) * i32::from(byte)).clamp(-32_768, 32_767) as i16)
        };
        assert_eq!(Bytes::of(cut), None);
    }
}
