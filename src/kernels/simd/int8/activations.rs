//! Activations as 16-bit integers, in the order in which the product takes them.

use super::body::Body;
use crate::kernels::simd::maths::largest;
use std::ops::Range;
use wide::i32x4;

/// The largest magnitude of a rounded activation: the most that two signed bytes hold, 127 * 256 + 127.
pub const LARGEST: f32 = 32639.0;

/// Rounded activations of a few tokens, in tiles of at most [`Body::TOKENS`].
pub struct Rounded<B> {
    body: B,
    /// The words of all tiles, each [k / group, REGISTERS, group / COLUMNS, tokens].
    words: Vec<i32x4>,
    /// Dequantisation scale of each token.
    steps: Vec<f32>,
    k: usize,
    row: Vec<f32>,
}

/// Tokens `first..first + count` of a [`Rounded`].
pub struct Tile<'a> {
    /// Index of the first token.
    pub first: usize,
    /// [k / group, REGISTERS, group / COLUMNS, count].
    pub words: &'a [i32x4],
    /// [count].
    pub steps: &'a [f32],
}

/// Cuts `count` tokens into tiles: as few as possible, whose sizes differ by one token at most.
fn tiles(count: usize, most: usize) -> impl Iterator<Item = Range<usize>> {
    let tiles = count.div_ceil(most);
    (0..tiles).map(move |tile| tile * count / tiles..(tile + 1) * count / tiles)
}

impl<B: Body> Rounded<B> {
    /// Creates one without tokens.
    pub fn new(body: B) -> Self {
        Self { body, words: Vec::new(), steps: Vec::new(), k: 0, row: Vec::new() }
    }

    /// Returns where the words of `tokens` are.
    fn words(&self, tokens: &Range<usize>) -> Range<usize> {
        let width = self.k / B::COLUMNS * B::REGISTERS;
        tokens.start * width..tokens.end * width
    }

    /// Takes `count` tokens of `k` activations each, which `fill` writes one by one, for weights in groups of `group`.
    pub fn fill(&mut self, count: usize, [k, group]: [usize; 2], mut fill: impl FnMut(usize, &mut [f32])) {
        self.k = k;
        self.row.resize(k, 0.0);
        self.words.resize(self.words(&(0..count)).end, i32x4::ZERO);
        self.steps.clear();
        for tile in tiles(count, B::TOKENS) {
            let words = self.words(&tile);
            let words = &mut self.words[words];
            for token in tile.clone() {
                fill(token, &mut self.row);
                self.steps.push(round(self.body, &self.row, group, words, token - tile.start, tile.len()));
            }
        }
    }

    /// Returns the tiles in order.
    pub fn tiles(&self) -> impl Iterator<Item = Tile<'_>> {
        tiles(self.steps.len(), B::TOKENS).map(|tile| Tile {
            first: tile.start,
            words: &self.words[self.words(&tile)],
            steps: &self.steps[tile],
        })
    }
}

/// Writes one row into the words of a tile, as number `token` of `tokens`; returns the row's scale, its step.
fn round<B: Body>(body: B, row: &[f32], group: usize, tile: &mut [i32x4], token: usize, tokens: usize) -> f32 {
    let (inverse, step) = match largest(row) {
        0.0 => (0.0, 0.0),
        largest if largest.is_finite() => (LARGEST / largest, largest / LARGEST),
        // The integers do not matter here: multiplying by the NaN step makes every output NaN.
        _ => (0.0, f32::NAN),
    };
    let words = tile.chunks_exact_mut(group / B::COLUMNS * B::REGISTERS * tokens);
    row.chunks_exact(group).zip(words).for_each(|(row, words)| body.lay(row, inverse, words, token, tokens));
    step
}

#[cfg(test)]
mod tests {
    use super::super::pairs::Pairs;
    use super::super::quads::{Bytes, Quads};
    use super::*;

    #[test]
    fn tiles_cover_every_token_once() {
        for count in 0..100 {
            let all: Vec<usize> = tiles(count, 5).flatten().collect();
            assert_eq!(all, (0..count).collect::<Vec<_>>());
            assert!(tiles(count, 5).all(|tile| (1..=5).contains(&tile.len())));
        }
    }

    /// Checks that three tokens of one group come back from the words, which `integer` reads, to half a step.
    fn check<B: Body>(body: B, integer: fn(&[i32], usize) -> i32) {
        for k in [4, 8, 12, 16, 20, 32, 44] {
            let values: Vec<f32> = (0..3 * k).map(|at| (at as f32 * 0.7).sin() * (at / 8 + 1) as f32).collect();
            let mut rounded = Rounded::new(body);
            rounded.fill(3, [k, k], |token, row| row.copy_from_slice(&values[token * k..][..k]));
            let tile = rounded.tiles().next().expect("one tile");
            for token in 0..3 {
                let words: Vec<[i32; 4]> = tile.words[token..].iter().step_by(3).map(|word| word.to_array()).collect();
                assert!(words.iter().all(|word| *word == [word[0]; 4]));
                let words: Vec<i32> = words.iter().map(|word| word[0]).collect();
                for column in 0..k {
                    let back = integer(&words, column) as f32 * tile.steps[token];
                    assert!((back - values[token * k + column]).abs() <= 0.5001 * tile.steps[token]);
                }
            }
        }
    }

    #[test]
    fn values_are_rounded_to_their_step() {
        check(Pairs, |words, column| (words[column / 2] >> (16 * (column % 2))) << 16 >> 16);
        check(Quads(Bytes::Unsigned), |words, column| {
            let byte = |half: usize| i32::from(words[words.len() / 2 * half + column / 4].to_le_bytes()[column % 4]);
            256 * byte(0) + byte(1) - 32_768
        });
        check(Quads(Bytes::Signed), |words, column| {
            let byte =
                |half: usize| i32::from(words[words.len() / 2 * half + column / 4].to_le_bytes()[column % 4] as i8);
            256 * byte(0) + byte(1)
        });
    }

    #[test]
    fn rows_without_a_step_are_zero_or_not_a_number() {
        for (value, is_nan) in [(0.0, false), (f32::NAN, true), (f32::INFINITY, true)] {
            let mut rounded = Rounded::new(Pairs);
            rounded.fill(1, [4, 4], |_, row| row.copy_from_slice(&[0.0, value, 0.0, 0.0]));
            let step = rounded.tiles().next().expect("one tile").steps[0];
            assert!(if is_nan { step.is_nan() } else { step == 0.0 });
        }
    }
}
