//! Bodies for x86-64 processors with wide registers, as those of the int8 product.
//!
//! | body | processors | instructions of a pair |
//! | --- | --- | --- |
//! | [`Wide`] | with AVX2 | `vpmaddwd`, `vpaddd` |
//! | [`Dots`] | with AVX-512 VNNI | `vpdpwssd` |
//!
//! Eight keys, or eight columns of values, are one register. Two of them are multiplied at a time, so that ten sums are under way: the
//! instructions take several cycles, and two begin in each. Powers are computed one by one, which the compiler turns into
//! instructions for the wide registers.

use std::arch::x86_64::{
    __m256, __m256i, _mm256_add_epi32, _mm256_add_ps, _mm256_cvtepi32_ps, _mm256_dpwssd_epi32, _mm256_madd_epi16,
    _mm256_mul_ps, _mm256_set1_epi32, _mm256_set1_ps, _mm256_setzero_ps, _mm256_setzero_si256,
};
use std::ops::Range;

use archmage::{SimdToken, X64V3Token, X64V4xToken, arcane};
use wide::{f32x4, i32x4};

use super::{BLOCK, Body, CHUNK, COARSE, Exp2, LANES, PAIR, QUERIES, Scores, WIDTH, WORDS, Words, higher};

/// Lanes in which the highest score is looked for.
const WIDEST: usize = 16;

/// Writes a body whose `$dot` adds the products of two registers of pairs to a sum. Each function has to be compiled for the
/// instructions as a whole, which a generic one with the instruction as its parameter is not.
macro_rules! body {
    ($(#[$doc:meta])* $body:ident, $token:ident, $module:ident, $dot:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub struct $body {
            token: $token,
            /// Powers for the shares.
            coarse: Exp2<5, f32>,
        }

        impl $body {
            /// Returns it on a processor that has the instructions.
            pub fn here() -> Option<Self> {
                $token::summon().map(|token| Self { token, coarse: Exp2::new(COARSE) })
            }
        }

        impl Body for $body {
            fn score(
                &self,
                queries: &[[i32x4; QUERIES]],
                keys: &[Words],
                steps: Range<usize>,
                factors: [f32; QUERIES],
                scores: &mut [Scores; QUERIES],
            ) {
                $module::score(self.token, queries, keys, steps, factors, scores);
            }

            fn highest(&self, scores: &[f32x4]) -> f32 {
                $module::highest(self.token, bytemuck::cast_slice(scores))
            }

            fn share(&self, scores: &[f32x4], relative: f32, shares: &mut [[i32x4; QUERIES]], t: usize) -> i32 {
                $module::share(self.token, &self.coarse, bytemuck::cast_slice(scores), relative, shares, t)
            }

            fn sum_values(
                &self,
                shares: &[[i32x4; QUERIES]],
                values: &[Words],
                pairs: Range<usize>,
                d: usize,
                add: impl FnMut(usize, usize, &[f32]),
            ) {
                $module::sum_values(self.token, shares, values, pairs, d, add);
            }
        }

        mod $module {
            use super::*;

            #[arcane]
            pub fn score(
                _: $token,
                queries: &[[i32x4; QUERIES]],
                keys: &[Words],
                steps: Range<usize>,
                factors: [f32; QUERIES],
                scores: &mut [Scores; QUERIES],
            ) {
                let words = queries.len();
                let factors = factors.map(|factor| _mm256_set1_ps(factor));
                let mut put = |step: usize, sums: [__m256i; QUERIES]| {
                    for ((scores, sum), factor) in scores.iter_mut().zip(sums).zip(factors) {
                        let made = _mm256_mul_ps(_mm256_cvtepi32_ps(sum), factor);
                        scores.as_chunks_mut::<WIDTH>().0[step] = bytemuck::cast(made);
                    }
                };
                let mut step = steps.start;
                while step + 1 < steps.end {
                    let (first, second) = keys[step * words..][..2 * words].split_at(words);
                    let mut sums = [[_mm256_setzero_si256(); QUERIES]; 2];
                    for ((queries, first), second) in queries.iter().zip(first).zip(second) {
                        let keys: [__m256i; 2] = [bytemuck::cast(*first), bytemuck::cast(*second)];
                        for (t, query) in queries.iter().enumerate() {
                            let query = _mm256_set1_epi32(query.as_array()[0]);
                            sums[0][t] = $dot(sums[0][t], query, keys[0]);
                            sums[1][t] = $dot(sums[1][t], query, keys[1]);
                        }
                    }
                    put(step, sums[0]);
                    put(step + 1, sums[1]);
                    step += 2;
                }
                if step < steps.end {
                    let mut sums = [_mm256_setzero_si256(); QUERIES];
                    for (queries, keys) in queries.iter().zip(&keys[step * words..][..words]) {
                        let keys: __m256i = bytemuck::cast(*keys);
                        for (sum, query) in sums.iter_mut().zip(queries) {
                            *sum = $dot(*sum, _mm256_set1_epi32(query.as_array()[0]), keys);
                        }
                    }
                    put(step, sums);
                }
            }

            #[arcane]
            pub fn highest(_: $token, scores: &[f32]) -> f32 {
                let mut lanes = [f32::NEG_INFINITY; WIDEST];
                let (chunks, rest) = scores.as_chunks::<WIDEST>();
                for chunk in chunks {
                    lanes.iter_mut().zip(chunk).for_each(|(lane, score)| *lane = higher(*lane, *score));
                }
                lanes.iter().chain(rest).fold(f32::NEG_INFINITY, |most, score| higher(most, *score))
            }

            #[arcane]
            pub fn share(
                _: $token,
                coarse: &Exp2<5, f32>,
                scores: &[f32],
                relative: f32,
                shares: &mut [[i32x4; QUERIES]],
                t: usize,
            ) -> i32 {
                let coarse = *coarse;
                let mut integers = [0i32; BLOCK];
                let integers = &mut integers[..scores.len()];
                for (integer, score) in integers.iter_mut().zip(scores) {
                    *integer = coarse.integer(*score - relative);
                }
                for (words, eight) in shares.as_chunks_mut::<WORDS>().0.iter_mut().zip(integers.as_chunks::<LANES>().0) {
                    let [first, second]: [i32x4; WIDTH] = bytemuck::cast(*eight);
                    let made = (first | (second << 16i32)).to_array();
                    words.iter_mut().zip(made).for_each(|(words, word)| words[t] = i32x4::splat(word));
                }
                integers.iter().sum()
            }

            #[arcane]
            pub fn sum_values(
                _: $token,
                shares: &[[i32x4; QUERIES]],
                values: &[Words],
                pairs: Range<usize>,
                d: usize,
                add: impl FnMut(usize, usize, &[f32]),
            ) {
                let mut add = add;
                let mut give = |index: usize, sums: [__m256; QUERIES]| {
                    let (column, end) = (index * LANES, d.min((index + 1) * LANES));
                    for (t, sum) in sums.into_iter().enumerate() {
                        add(t, column, &bytemuck::cast::<_, [f32; LANES]>(sum)[..end - column]);
                    }
                };
                let columns = d.div_ceil(LANES);
                let of = |index: usize| &values[index * (BLOCK / PAIR)..][pairs.clone()];
                let mut index = 0;
                while index + 1 < columns {
                    let mut sums = [[_mm256_setzero_ps(); QUERIES]; 2];
                    let values = of(index).chunks(CHUNK).zip(of(index + 1).chunks(CHUNK));
                    for (shares, (first, second)) in shares.chunks(CHUNK).zip(values) {
                        let mut exact = [[_mm256_setzero_si256(); QUERIES]; 2];
                        for ((shares, first), second) in shares.iter().zip(first).zip(second) {
                            let values: [__m256i; 2] = [bytemuck::cast(*first), bytemuck::cast(*second)];
                            for (t, share) in shares.iter().enumerate() {
                                let share = _mm256_set1_epi32(share.as_array()[0]);
                                exact[0][t] = $dot(exact[0][t], share, values[0]);
                                exact[1][t] = $dot(exact[1][t], share, values[1]);
                            }
                        }
                        for (sums, exact) in sums.iter_mut().zip(exact) {
                            for (sum, exact) in sums.iter_mut().zip(exact) {
                                *sum = _mm256_add_ps(*sum, _mm256_cvtepi32_ps(exact));
                            }
                        }
                    }
                    give(index, sums[0]);
                    give(index + 1, sums[1]);
                    index += 2;
                }
                if index < columns {
                    let mut sums = [_mm256_setzero_ps(); QUERIES];
                    for (shares, values) in shares.chunks(CHUNK).zip(of(index).chunks(CHUNK)) {
                        let mut exact = [_mm256_setzero_si256(); QUERIES];
                        for (shares, values) in shares.iter().zip(values) {
                            let values: __m256i = bytemuck::cast(*values);
                            for (sum, share) in exact.iter_mut().zip(shares) {
                                *sum = $dot(*sum, _mm256_set1_epi32(share.as_array()[0]), values);
                            }
                        }
                        for (sum, exact) in sums.iter_mut().zip(exact) {
                            *sum = _mm256_add_ps(*sum, _mm256_cvtepi32_ps(exact));
                        }
                    }
                    give(index, sums);
                }
            }
        }
    };
}

body!(
    /// See the module.
    Wide,
    X64V3Token,
    avx2,
    |sum, a, b| _mm256_add_epi32(sum, _mm256_madd_epi16(a, b))
);

body!(
    /// See the module.
    Dots,
    X64V4xToken,
    vnni,
    |sum, a, b| _mm256_dpwssd_epi32(sum, a, b)
);
