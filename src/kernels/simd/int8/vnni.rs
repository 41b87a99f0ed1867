//! The body for x86-64 processors that multiply four bytes at once in 256 bits: AVX-VNNI (Intel since Alder Lake, AMD since Zen 5).
//!
//! Weights and activations are kept as [`Dots`](super::native::Dots) keeps them, which is chosen where there is AVX-512. `archmage` has no token
//! for AVX-VNNI alone; `multiversion` compiles a function for given instructions and calls it where the processor has them: hence no `unsafe`
//! here either. Everything but the products needs AVX2 alone, and is done as [`Wide`](super::native::Wide) does it.

use std::arch::is_x86_feature_detected;
use std::arch::x86_64::{
    __m256, __m256i, _mm256_add_ps, _mm256_cvtepi32_ps, _mm256_dpbusd_avx_epi32, _mm256_mul_ps, _mm256_set1_epi32,
    _mm256_set1_ps, _mm256_setzero_si256,
};

use archmage::{SimdToken, X64V3Token, arcane};
use multiversion::multiversion;
use multiversion::target::match_target;

use super::QUAD;
use super::body::{Block, Body, Group, Sums, clear, round_groups};
use super::native::{Dots, filled, gate_wide, norm_wide};
use super::quads::{Bytes, Step};
use crate::config::Activation;
use crate::kernels::simd::maths::to_integer;

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct ShortDots(X64V3Token);

impl ShortDots {
    /// Returns it on a processor that has the instructions.
    pub fn here() -> Option<Self> {
        X64V3Token::summon().filter(|_| is_x86_feature_detected!("avxvnni")).map(Self)
    }
}

impl Body for ShortDots {
    const COLUMNS: usize = Dots::COLUMNS;
    /// Of two bands twelve exact sums, weights and a word.
    const TOKENS: usize = 6;
    type Weights = <Dots as Body>::Weights;
    type Word = <Dots as Body>::Word;
    type Step = Step;

    #[inline(always)]
    fn round(self, row: &[f32], group: usize, words: &mut [Self::Word], steps: &mut [Step], place: [usize; 2]) {
        round_short(self.0, row, group, words, steps, place);
    }

    fn keep(self, values: &mut [i8]) {
        Bytes::Unsigned.keep(values);
    }

    #[inline(always)]
    fn add<const T: usize>(self, block: &Block<'_, Self, T>, new: bool, sums: &mut Sums<T>) {
        // Only the last band of an odd number comes alone.
        clear(new, sums);
        let mut both = [*sums; 2];
        add_bands(block, block, &mut both);
        *sums = both[0];
    }

    #[inline(always)]
    fn add_two<const T: usize>(self, blocks: [Block<'_, Self, T>; 2], new: bool, sums: &mut [Sums<T>; 2]) {
        sums.iter_mut().for_each(|sums| clear(new, sums));
        add_bands(&blocks[0], &blocks[1], sums);
    }

    #[inline(always)]
    fn norm(self, row: &[f32], gain: &[f32], eps: f32, out: &mut [f32]) {
        norm_wide(self.0, row, gain, eps, out);
    }

    #[inline(always)]
    fn gate(self, row: &[f32], activation: Activation, out: &mut [f32]) {
        gate_wide(self.0, row, activation, out);
    }
}

#[arcane]
fn round_short(
    _: X64V3Token,
    row: &[f32],
    group: usize,
    words: &mut [<ShortDots as Body>::Word],
    steps: &mut [Step],
    place: [usize; 2],
) {
    round_groups::<ShortDots>(row, group, words, steps, place, |group, [inverse, step], words| {
        let integers = filled(group).map(|value| to_integer(value * inverse));
        // Wrapping, since what is no number rounds to anything.
        let start = integers.iter().fold(0i32, |sum, integer| sum.wrapping_add(*integer)).wrapping_mul(-128);
        let bytes = integers.map(|integer| integer as i8);
        let words = words[place[0]..].iter_mut().step_by(place[1]);
        words.zip(bytes.as_chunks::<QUAD>().0).for_each(|(word, bytes)| *word = *bytes);
        Step { step, start }
    });
}

/// Adds the products of two bands to their sums.
#[multiversion(targets("x86_64+avx+avx2+avxvnni"), dispatcher = "direct")]
fn add_bands<const T: usize>(
    first: &Block<'_, ShortDots, T>,
    second: &Block<'_, ShortDots, T>,
    sums: &mut [Sums<T>; 2],
) {
    match_target! {
        "x86_64+avx+avx2+avxvnni" => {
            for (Group { words, weights, steps, scales }, other) in first.groups().zip(second.groups()) {
                let mut exact = [[_mm256_setzero_si256(); T]; 2];
                for (token, step) in steps.iter().enumerate() {
                    exact[0][token] = _mm256_set1_epi32(step.start);
                    exact[1][token] = exact[0][token];
                }
                for ((words, weights), others) in words.iter().zip(weights).zip(other.weights) {
                    let (weights, others): (__m256i, __m256i) = (bytemuck::cast(*weights), bytemuck::cast(*others));
                    for (token, word) in words.iter().enumerate() {
                        let word = _mm256_set1_epi32(bytemuck::cast(*word));
                        exact[0][token] = _mm256_dpbusd_avx_epi32(exact[0][token], weights, word);
                        exact[1][token] = _mm256_dpbusd_avx_epi32(exact[1][token], others, word);
                    }
                }
                for ((exact, scales), sums) in exact.iter().zip([scales, other.scales]).zip(sums.iter_mut()) {
                    let scales: __m256 = bytemuck::cast(scales);
                    for ((sum, exact), step) in sums.iter_mut().zip(exact).zip(steps) {
                        let factors = _mm256_mul_ps(scales, _mm256_set1_ps(step.step));
                        let products = _mm256_mul_ps(_mm256_cvtepi32_ps(*exact), factors);
                        *sum = bytemuck::cast(_mm256_add_ps(bytemuck::cast(*sum), products));
                    }
                }
            }
        }
        _ => {
            let (_, _, _) = (first, second, sums);
            unreachable!("the body is there only where the processor has AVX-VNNI")
        }
    }
}
