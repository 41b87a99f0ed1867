//! Sums of products of 16-bit integers, without rounding.
//!
//! Through the `wide` crate: SSE2, NEON or SIMD128 instructions by the target, plain Rust elsewhere.
//!
//! A browser runs some six instructions in each of a processor's cycles at best, of which at most two or three
//! are of vectors: the loop is made of multiplications, additions and as little else as can be.

use wide::{i16x8, i32x4};

/// Registers of sums that a left-hand side has: with five or six left-hand sides they fill a processor's 16.
pub(super) const WIDTH: usize = 2;
/// Right-hand sides of a step: one lane of sums each.
pub(super) const LANES: usize = 4 * WIDTH;
/// Neighbours, or what stands for them, that one instruction multiplies and adds.
pub(super) const PAIR: usize = 2;

/// `T` left-hand sides times [`LANES`] right-hand sides, summed over all pairs of neighbours.
///
/// `words` are those of the left: two neighbours as 16-bit halves. A word stands four times: a plain load then
/// is all that it takes, where browsers need two instructions to spread a single word over a register.
/// `rights` gives the right-hand sides' pairs, two registers of four.
#[inline(always)]
pub(super) fn sums<const T: usize, R>(
    words: &[[i32x4; T]],
    rights: &[R],
    pairs: impl Fn(&R) -> [i16x8; WIDTH],
) -> [[i32x4; WIDTH]; T] {
    let mut sums = [[i32x4::ZERO; WIDTH]; T];
    for (words, rights) in words.iter().zip(rights) {
        let rights = pairs(rights);
        for (sums, word) in sums.iter_mut().zip(words) {
            let word: i16x8 = bytemuck::cast(*word);
            for (sum, right) in sums.iter_mut().zip(rights) {
                *sum += word.dot(right);
            }
        }
    }
    sums
}

/// Words of a first and a second half each, four at a time.
#[inline(always)]
pub(super) fn words(first: i32x4, second: i32x4) -> i32x4 {
    (first & i32x4::splat(0xFFFF)) | (second << 16)
}
