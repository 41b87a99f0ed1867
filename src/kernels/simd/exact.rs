//! Sums of products of 16-bit integers, without rounding.
//!
//! The `wide` crate gives SSE2, NEON or SIMD128 instructions, depending on the target, and plain Rust elsewhere.
//!
//! A browser runs about six instructions in each of a processor's cycles at best, at most two or three of them on
//! vectors: the loop consists of multiplications, additions and as little else as possible.

use wide::{i16x8, i32x4};

/// Registers of sums for a left-hand side: with five or six left-hand sides they fill a processor's 16.
pub(super) const WIDTH: usize = 2;
/// Right-hand sides of a step: one lane of sums each.
pub(super) const LANES: usize = 4 * WIDTH;
/// Neighbours, or what stands for them, that one instruction multiplies and adds.
pub(super) const PAIR: usize = 2;

/// Multiplies `T` left-hand sides by [`LANES`] right-hand sides and sums over all pairs of neighbours.
///
/// `words` are those of the left: two neighbours as 16-bit halves. A word stands four times, so that a plain load is
/// enough, where browsers need two instructions to spread a single word over a register.
/// `rights` holds the right-hand sides' pairs, two registers of four.
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

/// Makes words of a first and a second half each, four at a time.
#[inline(always)]
pub(super) fn words(first: i32x4, second: i32x4) -> i32x4 {
    (first & i32x4::splat(0xFFFF)) | (second << 16)
}
