//! The body for processors that multiply and add four bytes at once: `i32x4.relaxed_dot_i8x16_i7x16_add_s`.
//!
//! A relaxed instruction leaves to the processor what a byte above 127 means, and whether the sums of two products keep
//! within 16 bits; [`Bytes::here`] finds out.
//!
//! | the second operand's bytes are | on | the byte of an activation `a` is | sums start at |
//! | --- | --- | --- | --- |
//! | unsigned | x86-64 with AVX-VNNI (`vpdpbusd`) | `a + 128` | `-128 Σ w` |
//! | signed | ARM with dot products (`sdot`) | `a` | 0 |
//!
//! Where sums of two products are cut to 16 bits (x86-64 without AVX-VNNI), bytes would have to stay within seven
//! bits, and the instruction becomes three: [`super::pairs`] is as fast there.

use super::body::{Block, Body, Sums, clear, for_columns, put, round_groups, scale};
use super::{BAND, QUAD};
use crate::kernels::simd::maths::{narrow, to_integers};
use wide::{f32x4, i8x16, i16x8, i32x4};

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

impl Body for Quads {
    const COLUMNS: usize = QUAD;
    /// Twelve sums, two registers of weights and one of activations.
    const TOKENS: usize = 6;
    type Weights = Weights;
    type Word = i32x4;
    type Step = f32x4;

    #[inline(always)]
    fn round(self, row: &[f32], group: usize, words: &mut [i32x4], steps: &mut [f32x4], place: [usize; 2]) {
        round_groups::<Self>(row, group, words, steps, place, |group, [inverse, step], words| {
            let mut at = place[0];
            for_columns(group, |columns: [f32; 16]| {
                let columns: [[f32x4; 2]; 2] = bytemuck::cast(columns);
                let integers = columns.map(|v| narrow(v.map(|v| to_integers(v * f32x4::splat(inverse)))));
                put(words, at, place[1], self.0.of_integers(integers));
                at += 4 * place[1];
            });
            f32x4::splat(step)
        });
    }

    fn start(self, weights: &[Weights]) -> Option<[i32; BAND]> {
        match self.0 {
            Bytes::Unsigned => Some(instruction::start(weights)),
            Bytes::Signed => None,
        }
    }

    fn add<const T: usize>(self, block: &Block<'_, Self, T>, new: bool, sums: &mut Sums<T>) {
        clear(new, sums);
        instruction::add(self.0, block, sums);
    }
}

/// The body for WebAssembly that has the instruction.
#[cfg(all(target_arch = "wasm32", feature = "relaxed"))]
mod instruction {
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
        for group in block.groups() {
            scale(exact(group.words, group.weights, group.start), group.scales, group.steps, sums);
        }
    }

    #[inline]
    #[target_feature(enable = "relaxed-simd")]
    fn exact<const T: usize>(words: &[[i32x4; T]], weights: &[Weights], start: &[i32; BAND]) -> [[i32x4; WIDTH]; T] {
        let mut sums = [bytemuck::cast::<_, [i32x4; WIDTH]>(*start); T];
        for (words, weights) in words.iter().zip(weights) {
            let weights: [v128; WIDTH] = bytemuck::cast(*weights);
            for (sums, word) in sums.iter_mut().zip(words) {
                for (sum, weights) in sums.iter_mut().zip(weights) {
                    *sum = bytemuck::cast(dot(weights, bytemuck::cast(*word), bytemuck::cast(*sum)));
                }
            }
        }
        sums
    }

    #[inline(never)]
    #[target_feature(enable = "relaxed-simd")]
    pub fn start(weights: &[Weights]) -> [i32; BAND] {
        let mut sums = [i32x4::ZERO; WIDTH];
        for weights in weights {
            let weights: [v128; WIDTH] = bytemuck::cast(*weights);
            for (sum, weights) in sums.iter_mut().zip(weights) {
                *sum = bytemuck::cast(dot(weights, i8x16_splat(-128), bytemuck::cast(*sum)));
            }
        }
        bytemuck::cast::<[i32x4; WIDTH], _>(sums.map(|sum| -sum))
    }

    impl Bytes {
        /// Returns how this processor reads them, if its sums are exact.
        pub fn here() -> Option<Self> {
            static HERE: OnceLock<Option<Bytes>> = OnceLock::new();
            *HERE.get_or_init(|| Self::of(|weight, byte| probe(weight, byte)))
        }
    }

    /// Computes one sum of four products. The compiler assumes nothing about the instruction's results but may compute
    /// it; black boxes keep it from doing so.
    #[target_feature(enable = "relaxed-simd")]
    fn probe(weight: i8, byte: u8) -> i32 {
        let (weights, bytes) = (black_box(i8x16_splat(weight)), black_box(i8x16_splat(byte as i8)));
        bytemuck::cast::<_, [i32; 4]>(dot(weights, bytes, black_box(i32x4_splat(0))))[0]
    }
}

/// The same in plain Rust, with the meaning of the bytes given.
#[cfg(not(all(target_arch = "wasm32", feature = "relaxed")))]
mod instruction {
    use super::super::body::Group;
    use super::*;

    fn dot(bytes: Bytes, weights: &[i8], word: i32) -> i32 {
        let products = weights.iter().zip(word.to_le_bytes()).map(|(weight, byte)| {
            let byte = match bytes {
                Bytes::Unsigned => i32::from(byte),
                Bytes::Signed => i32::from(byte as i8),
            };
            i32::from(*weight) * byte
        });
        products.sum()
    }

    pub fn add<const T: usize>(bytes: Bytes, block: &Block<'_, Quads, T>, sums: &mut Sums<T>) {
        for Group { words, steps, weights, start, scales } in block.groups() {
            let exact = std::array::from_fn(|token| {
                let row = |row: usize| {
                    let product = |(words, weights): (&[i32x4; T], &Weights)| {
                        dot(bytes, &weights[row * QUAD..][..QUAD], words[token].to_array()[0])
                    };
                    start[row] + words.iter().zip(weights).map(product).sum::<i32>()
                };
                bytemuck::cast::<[i32; BAND], _>(std::array::from_fn(row))
            });
            scale(exact, scales, steps, sums);
        }
    }

    pub fn start(weights: &[Weights]) -> [i32; BAND] {
        std::array::from_fn(|row| {
            -weights
                .iter()
                .map(|weights| dot(Bytes::Unsigned, &weights[row * QUAD..][..QUAD], i32::from_le_bytes([128; QUAD])))
                .sum::<i32>()
        })
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
    /// Returns 16 integers as the bytes that stand for them.
    #[inline(always)]
    fn of_integers(self, integers: [i16x8; 2]) -> i32x4 {
        let flip = match self {
            Bytes::Unsigned => i8x16::splat(-128),
            Bytes::Signed => i8x16::splat(0),
        };
        bytemuck::cast(i8x16::from_i16x16_saturate(bytemuck::cast(integers)) ^ flip)
    }

    /// Returns how a processor reads bytes if four products of the same weight and byte sum to `dot(weight, byte)`
    /// there; `None` if that is not their exact sum.
    #[cfg_attr(
        not(all(target_arch = "wasm32", feature = "relaxed")),
        allow(dead_code, reason = "only wasm has to ask")
    )]
    fn of(dot: impl Fn(i8, u8) -> i32) -> Option<Self> {
        let is = |meaning: fn(u8) -> i32| {
            let weights = [-127, -1, 1, 127];
            weights
                .iter()
                .all(|weight| (0..=255).all(|byte| dot(*weight, byte) == 4 * i32::from(*weight) * meaning(byte)))
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
        assert_eq!(Bytes::of(|weight, byte| 4 * i32::from(weight) * i32::from(byte)), Some(Bytes::Unsigned));
        assert_eq!(Bytes::of(|weight, byte| 4 * i32::from(weight) * i32::from(byte as i8)), Some(Bytes::Signed));
    }

    #[test]
    fn sums_that_are_cut_are_refused() {
        // As `pmaddubsw` does: unsigned bytes, two products in 16 bits.
        let cut = |weight: i8, byte: u8| {
            2 * i32::from((2 * i32::from(weight) * i32::from(byte)).clamp(-32_768, 32_767) as i16)
        };
        assert_eq!(Bytes::of(cut), None);
    }
}
