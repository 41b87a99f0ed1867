//! Bodies for x86-64 processors whose registers are wider than the 128 bits that every one has, found out when the program runs.
//!
//! | body | processors | columns of a step | instruction |
//! | --- | --- | --- | --- |
//! | [`Wide`] | with AVX2 | two, widened to 16 bits | `vpmaddwd` |
//! | [`Dots`] | with AVX-512 VNNI (Intel since Ice Lake, AMD since Zen 4) | four bytes | `vpdpbusd` |
//!
//! A band's eight sums are one register of 256 bits. The `archmage` crate hands out a token where the processor has the
//! instructions, and only who has one can call what uses them: hence no `unsafe` here.
//!
//! Bytes multiplied by `vpmaddubsw` would not be faster than [`Wide`]: its first operand has no sign, so that each product of a register
//! needs the sign moved to the weights before it and pairs added after it, four instructions for 32 products as here.

use std::arch::x86_64::{
    __m256, __m256i, _mm256_add_epi32, _mm256_add_ps, _mm256_cvtepi8_epi16, _mm256_cvtepi32_ps, _mm256_dpbusd_epi32,
    _mm256_madd_epi16, _mm256_mul_ps, _mm256_set1_epi8, _mm256_set1_epi32, _mm256_set1_ps, _mm256_setzero_si256,
    _mm256_sub_epi32,
};

use archmage::{SimdToken, X64V3Token, X64V4xToken, arcane};
use wide::i32x4;

use super::BAND;
use super::body::{Block, Body, Sums};
use super::pairs::Pairs;
use super::quads::{Bytes, Quads};

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct Wide(X64V3Token);

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct Dots(X64V4xToken);

impl Wide {
    /// Returns it on a processor that has the instructions.
    pub fn here() -> Option<Self> {
        X64V3Token::summon().map(Self)
    }
}

impl Dots {
    /// Returns it on a processor that has the instructions.
    pub fn here() -> Option<Self> {
        X64V4xToken::summon().map(Self)
    }
}

impl Body for Wide {
    const COLUMNS: usize = Pairs::COLUMNS;
    /// As many as find room in the first-level cache with their words.
    const TOKENS: usize = 6;
    type Weights = <Pairs as Body>::Weights;

    #[inline(always)]
    fn lay(self, group: &[f32], inverse: f32, words: &mut [i32x4], token: usize, tokens: usize) {
        Pairs.lay(group, inverse, words, token, tokens);
    }

    fn start(self, _: &[Self::Weights]) -> [i32; BAND] {
        [0; BAND]
    }

    fn add<const T: usize>(self, block: &Block<'_, Self, T>, sums: &mut Sums<T>) {
        add_wide(self.0, block, sums);
    }
}

#[arcane]
fn add_wide<const T: usize>(_: X64V3Token, block: &Block<'_, Wide, T>, sums: &mut Sums<T>) {
    for group in block.groups() {
        let mut exact = [_mm256_setzero_si256(); T];
        for (words, weights) in group.words.iter().zip(group.weights) {
            let weights = _mm256_cvtepi8_epi16(bytemuck::cast(*weights));
            for (sum, word) in exact.iter_mut().zip(words) {
                let word = _mm256_set1_epi32(word.as_array()[0]);
                *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(word, weights));
            }
        }
        let scales: __m256 = bytemuck::cast(group.scales);
        for ((sum, exact), step) in sums.iter_mut().zip(exact).zip(group.steps) {
            let factors = _mm256_mul_ps(scales, _mm256_set1_ps(step.as_array()[0]));
            let products = _mm256_mul_ps(_mm256_cvtepi32_ps(exact), factors);
            *sum = bytemuck::cast(_mm256_add_ps(bytemuck::cast(*sum), products));
        }
    }
}

impl Body for Dots {
    const COLUMNS: usize = Quads::COLUMNS;
    /// The instruction takes four or five cycles, and two of them begin in each.
    const TOKENS: usize = 12;
    type Weights = <Quads as Body>::Weights;

    #[inline(always)]
    fn lay(self, group: &[f32], inverse: f32, words: &mut [i32x4], token: usize, tokens: usize) {
        Quads(Bytes::Unsigned).lay(group, inverse, words, token, tokens);
    }

    fn start(self, weights: &[Self::Weights]) -> [i32; BAND] {
        start_dots(self.0, weights)
    }

    fn add<const T: usize>(self, block: &Block<'_, Self, T>, sums: &mut Sums<T>) {
        add_dots(self.0, block, sums);
    }
}

#[arcane]
fn start_dots(_: X64V4xToken, weights: &[<Quads as Body>::Weights]) -> [i32; BAND] {
    let offset = _mm256_set1_epi8(-128);
    let zero = _mm256_setzero_si256();
    let sum = weights.iter().fold(zero, |sum, weights| _mm256_dpbusd_epi32(sum, offset, bytemuck::cast(*weights)));
    bytemuck::cast(_mm256_sub_epi32(zero, sum))
}

#[arcane]
fn add_dots<const T: usize>(_: X64V4xToken, block: &Block<'_, Dots, T>, sums: &mut Sums<T>) {
    for group in block.groups() {
        let mut exact: [__m256i; T] = [bytemuck::cast(*group.start); T];
        for (words, weights) in group.words.iter().zip(group.weights) {
            let weights: __m256i = bytemuck::cast(*weights);
            for (sum, word) in exact.iter_mut().zip(words) {
                *sum = _mm256_dpbusd_epi32(*sum, _mm256_set1_epi32(word.as_array()[0]), weights);
            }
        }
        let scales: __m256 = bytemuck::cast(group.scales);
        for ((sum, exact), step) in sums.iter_mut().zip(exact).zip(group.steps) {
            let factors = _mm256_mul_ps(scales, _mm256_set1_ps(step.as_array()[0]));
            let products = _mm256_mul_ps(_mm256_cvtepi32_ps(exact), factors);
            *sum = bytemuck::cast(_mm256_add_ps(bytemuck::cast(*sum), products));
        }
    }
}
