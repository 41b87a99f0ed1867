//! Bodies for x86-64 processors whose registers are wider than the 128 bits that every one has, found out when the program runs.
//!
//! | body | processors | registers | columns of a step | instruction |
//! | --- | --- | --- | --- | --- |
//! | [`Wide`] | with AVX2 | one band, 256 bits | two, widened to 16 bits | `vpmaddwd` |
//! | [`Dots`] | with AVX-512 VNNI (Intel since Ice Lake, AMD since Zen 4) | two bands, 512 bits | four bytes | `vpdpbusd` |
//!
//! `vpdpbusd` multiplies bytes without a sign by bytes with one, and only the latter may be one word of memory for all rows. Hence
//! weights are kept as `w + 128`, activations have signs, and the sums of a group start at `-128 Σ a`, which all rows share.
//!
//! Norms, gates and rounding are loops of single numbers here, which the compiler turns into instructions for the wide registers.
//!
//! The `archmage` crate hands out a token where the processor has the
//! instructions, and only who has one can call what uses them: hence no `unsafe` here.
//!
//! Bytes multiplied by `vpmaddubsw` would not be faster than [`Wide`]: its first operand has no sign, so that each product of a register
//! needs the sign moved to the weights before it and pairs added after it, four instructions for 32 products as here.

use std::arch::x86_64::{
    __m256, __m256i, __m512, __m512i, _mm256_add_epi32, _mm256_add_ps, _mm256_cvtepi8_epi16, _mm256_cvtepi32_ps,
    _mm256_dpbusd_epi32, _mm256_madd_epi16, _mm256_mul_ps, _mm256_set1_epi32, _mm256_set1_ps, _mm256_setzero_ps,
    _mm256_setzero_si256, _mm512_add_epi32, _mm512_add_ps, _mm512_and_si512, _mm512_cvtepi32_epi8, _mm512_cvtepi32_ps,
    _mm512_cvtps_epi32, _mm512_dpbusd_epi32, _mm512_max_epu32, _mm512_mul_ps, _mm512_reduce_add_epi32,
    _mm512_reduce_max_epu32, _mm512_set1_epi32, _mm512_set1_ps, _mm512_setzero_ps,
};

use archmage::{SimdToken, X64V3Token, X64V4xToken, arcane};
use wide::f32x4;

use super::activations::scales_to;
use super::body::{Block, Body, Group, Sums, round_groups};
use super::pairs::Pairs;
use super::quads::{Bytes, Quads, Step};
use super::{LONGEST, QUAD};
use crate::config::Activation;
use crate::kernels::simd::exact::{PAIR, WIDTH};
use crate::kernels::simd::gate::gate_row_wide;
use crate::kernels::simd::maths::to_integer;
use crate::kernels::simd::norm::norm_row;

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
    /// Two columns.
    type Word = [i16; PAIR];
    type Step = f32;

    #[inline(always)]
    fn round(self, row: &[f32], group: usize, words: &mut [Self::Word], steps: &mut [f32], place: [usize; 2]) {
        round_wide(self.0, row, group, words, steps, place);
    }

    #[inline(always)]
    fn add<const T: usize>(self, block: &Block<'_, Self, T>, new: bool, sums: &mut Sums<T>) {
        add_wide(self.0, block, new, sums);
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
pub(super) fn norm_wide(_: X64V3Token, row: &[f32], gain: &[f32], eps: f32, out: &mut [f32]) {
    norm_row(row, gain, eps, out);
}

#[arcane]
pub(super) fn gate_wide(_: X64V3Token, row: &[f32], activation: Activation, out: &mut [f32]) {
    gate_row_wide(row, activation, out);
}

#[arcane]
fn round_wide(
    _: X64V3Token,
    row: &[f32],
    group: usize,
    words: &mut [<Wide as Body>::Word],
    steps: &mut [f32],
    place: [usize; 2],
) {
    round_groups::<Wide>(row, group, words, steps, place, |group, [inverse, step], words| {
        let integers = filled(group).map(|value| to_integer(value * inverse) as i16);
        let words = words[place[0]..].iter_mut().step_by(place[1]);
        words.zip(integers.as_chunks::<PAIR>().0).for_each(|(word, pair)| *word = *pair);
        step
    });
}

#[arcane]
fn add_wide<const T: usize>(_: X64V3Token, block: &Block<'_, Wide, T>, new: bool, sums: &mut Sums<T>) {
    let mut total: [__m256; T] = if new { [_mm256_setzero_ps(); T] } else { registers(sums) };
    for group in block.groups() {
        let mut exact = [_mm256_setzero_si256(); T];
        for (words, weights) in group.words.iter().zip(group.weights) {
            let weights = _mm256_cvtepi8_epi16(bytemuck::cast(*weights));
            for (sum, word) in exact.iter_mut().zip(words) {
                let word = _mm256_set1_epi32(bytemuck::cast(*word));
                *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(word, weights));
            }
        }
        let scales: __m256 = bytemuck::cast(group.scales);
        for ((sum, exact), step) in total.iter_mut().zip(exact).zip(group.steps) {
            let factors = _mm256_mul_ps(scales, _mm256_set1_ps(*step));
            *sum = _mm256_add_ps(*sum, _mm256_mul_ps(_mm256_cvtepi32_ps(exact), factors));
        }
    }
    sums.iter_mut().zip(total).for_each(|(sum, total)| *sum = bytemuck::cast(total));
}

impl Body for Dots {
    const COLUMNS: usize = Quads::COLUMNS;
    /// Twelve exact sums, twelve that they are added to, and weights.
    const TOKENS: usize = 12;
    type Weights = <Quads as Body>::Weights;
    /// Four columns.
    type Word = [i8; QUAD];
    type Step = Step;

    #[inline(always)]
    fn round(self, row: &[f32], group: usize, words: &mut [Self::Word], steps: &mut [Step], place: [usize; 2]) {
        round_dots(self.0, row, group, words, steps, place);
    }

    fn keep(self, values: &mut [i8]) {
        Bytes::Unsigned.keep(values);
    }

    #[inline(always)]
    fn add<const T: usize>(self, block: &Block<'_, Self, T>, new: bool, sums: &mut Sums<T>) {
        add_dots(self.0, block, new, sums);
    }

    #[inline(always)]
    fn add_two<const T: usize>(self, blocks: [Block<'_, Self, T>; 2], new: bool, sums: &mut [Sums<T>; 2]) {
        add_two_dots(self.0, blocks, new, sums);
    }

    #[inline(always)]
    fn norm(self, row: &[f32], gain: &[f32], eps: f32, out: &mut [f32]) {
        norm_dots(self.0, row, gain, eps, out);
    }

    #[inline(always)]
    fn gate(self, row: &[f32], activation: Activation, out: &mut [f32]) {
        gate_dots(self.0, row, activation, out);
    }
}

#[arcane]
fn norm_dots(_: X64V4xToken, row: &[f32], gain: &[f32], eps: f32, out: &mut [f32]) {
    norm_row(row, gain, eps, out);
}

#[arcane]
fn gate_dots(_: X64V4xToken, row: &[f32], activation: Activation, out: &mut [f32]) {
    gate_row_wide(row, activation, out);
}

#[arcane]
fn round_dots(
    _: X64V4xToken,
    row: &[f32],
    group: usize,
    words: &mut [<Dots as Body>::Word],
    steps: &mut [Step],
    [token, tokens]: [usize; 2],
) {
    let magnitude = _mm512_set1_epi32(i32::MAX);
    let words = words.chunks_exact_mut(group / QUAD * tokens);
    for ((group, words), steps) in row.chunks_exact(group).zip(words).zip(steps.chunks_exact_mut(tokens)) {
        let values: [__m512; 2] = bytemuck::cast(filled(group));
        // As `maths::largest` does it.
        let [first, second] = values.map(|values| _mm512_and_si512(bytemuck::cast(values), magnitude));
        let most = _mm512_reduce_max_epu32(_mm512_max_epu32(first, second));
        let [inverse, step] = scales_to(f32::from_bits(most.min(f32::INFINITY.to_bits())));
        let integers = values.map(|values| _mm512_cvtps_epi32(_mm512_mul_ps(values, _mm512_set1_ps(inverse))));
        // Wrapping, since what is no number rounds to anything.
        let start = _mm512_reduce_add_epi32(_mm512_add_epi32(integers[0], integers[1])).wrapping_mul(-128);
        let bytes: [[i8; QUAD]; LONGEST / QUAD] =
            bytemuck::cast(integers.map(|integers| _mm512_cvtepi32_epi8(integers)));
        words[token..].iter_mut().step_by(tokens).zip(bytes).for_each(|(word, bytes)| *word = bytes);
        steps[token] = Step { step, start };
    }
}

#[arcane]
fn add_dots<const T: usize>(_: X64V4xToken, block: &Block<'_, Dots, T>, new: bool, sums: &mut Sums<T>) {
    let mut total: [__m256; T] = if new { [_mm256_setzero_ps(); T] } else { registers(sums) };
    for Group { words, weights, steps, scales, .. } in block.groups() {
        let mut exact = steps.map(|step| _mm256_set1_epi32(step.start));
        for (words, weights) in words.iter().zip(weights) {
            let weights: __m256i = bytemuck::cast(*weights);
            for (sum, word) in exact.iter_mut().zip(words) {
                *sum = _mm256_dpbusd_epi32(*sum, weights, _mm256_set1_epi32(bytemuck::cast(*word)));
            }
        }
        let scales: __m256 = bytemuck::cast(scales);
        for ((sum, exact), step) in total.iter_mut().zip(exact).zip(steps) {
            let factors = _mm256_mul_ps(scales, _mm256_set1_ps(step.step));
            *sum = _mm256_add_ps(*sum, _mm256_mul_ps(_mm256_cvtepi32_ps(exact), factors));
        }
    }
    sums.iter_mut().zip(total).for_each(|(sum, total)| *sum = bytemuck::cast(total));
}

#[arcane]
fn add_two_dots<const T: usize>(_: X64V4xToken, blocks: [Block<'_, Dots, T>; 2], new: bool, sums: &mut [Sums<T>; 2]) {
    let [first, second] = blocks;
    let mut total = [_mm512_setzero_ps(); T];
    if !new {
        for (token, total) in total.iter_mut().enumerate() {
            *total = bytemuck::cast([sums[0][token], sums[1][token]]);
        }
    }
    for (Group { words, weights, steps, scales, .. }, other) in first.groups().zip(second.groups()) {
        let mut exact = steps.map(|step| _mm512_set1_epi32(step.start));
        for ((words, weights), others) in words.iter().zip(weights).zip(other.weights) {
            let weights: __m512i = bytemuck::cast([*weights, *others]);
            for (sum, word) in exact.iter_mut().zip(words) {
                *sum = _mm512_dpbusd_epi32(*sum, weights, _mm512_set1_epi32(bytemuck::cast(*word)));
            }
        }
        let scales: __m512 = bytemuck::cast([scales, other.scales]);
        for ((sum, exact), step) in total.iter_mut().zip(exact).zip(steps) {
            let factors = _mm512_mul_ps(scales, _mm512_set1_ps(step.step));
            *sum = _mm512_add_ps(*sum, _mm512_mul_ps(_mm512_cvtepi32_ps(exact), factors));
        }
    }
    for (token, total) in total.into_iter().enumerate() {
        [sums[0][token], sums[1][token]] = bytemuck::cast(total);
    }
}

/// Returns sums as registers.
#[inline(always)]
fn registers<const T: usize>(sums: &Sums<T>) -> [__m256; T] {
    sums.map(|sum: [f32x4; WIDTH]| bytemuck::cast(sum))
}

/// Returns the values of a group, and zeros after them.
#[inline(always)]
pub(super) fn filled(group: &[f32]) -> [f32; LONGEST] {
    group.try_into().unwrap_or_else(|_| {
        let mut values = [0.0; LONGEST];
        values[..group.len()].copy_from_slice(group);
        values
    })
}
