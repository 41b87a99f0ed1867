//! Activations as 16-bit integers, in the order in which the product takes them.

use crate::kernels::simd::exact::{self, PAIR};
use crate::kernels::simd::maths::{largest, to_integer};
use wide::i32x4;

/// The largest magnitude of a rounded activation.
pub const LARGEST: f32 = 32767.0;
/// The most tokens that one pass over the weights takes: their sums, weights and products take 14 of the 15
/// vector registers that browsers use on x86-64.
pub const TOKENS: usize = 5;

/// Rounded activations of a few tokens, in tiles of at most [`TOKENS`].
///
/// A tile of `t` tokens is [k / 2, t] words as [`exact::sums`] takes them.
#[derive(Default)]
pub struct Rounded {
    words: Vec<i32x4>,
    /// By what each token's integers are to be multiplied.
    steps: Vec<f32>,
    k: usize,
    row: Vec<f32>,
}

/// Tokens `first..first + count` of a [`Rounded`].
pub struct Tile<'a> {
    /// Index of the first token.
    pub first: usize,
    /// [k / 2, count].
    pub words: &'a [i32x4],
    /// [count].
    pub steps: &'a [f32],
}

/// How `count` tokens are cut into tiles: as few as possible, and alike to one token.
fn tiles(count: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    let tiles = count.div_ceil(TOKENS);
    (0..tiles).map(move |tile| tile * count / tiles..(tile + 1) * count / tiles)
}

impl Rounded {
    /// Takes `count` tokens of `k` activations each, which `fill` writes one by one.
    pub fn fill(&mut self, count: usize, k: usize, mut fill: impl FnMut(usize, &mut [f32])) {
        self.k = k;
        self.row.resize(k, 0.0);
        self.words.resize(count * k / PAIR, i32x4::ZERO);
        self.steps.clear();
        for tile in tiles(count) {
            let words = &mut self.words[tile.start * k / PAIR..tile.end * k / PAIR];
            for token in tile.clone() {
                fill(token, &mut self.row);
                self.steps.push(round(&mut self.row, words, token - tile.start, tile.len()));
            }
        }
    }

    /// The tiles in order.
    pub fn tiles(&self) -> impl Iterator<Item = Tile<'_>> {
        tiles(self.steps.len()).map(|tile| Tile {
            first: tile.start,
            words: &self.words[tile.start * self.k / PAIR..tile.end * self.k / PAIR],
            steps: &self.steps[tile],
        })
    }
}

/// Writes one row into the tile of `width` tokens, as its token number `at`; returns the row's step. The row
/// itself is used up.
fn round(row: &mut [f32], tile: &mut [i32x4], at: usize, width: usize) -> f32 {
    let largest = largest(row);
    let words = tile[at..].iter_mut().step_by(width);
    if largest == 0.0 || !largest.is_finite() {
        // A row of zeros stays zero; infinities and NaN become NaN through the step.
        words.for_each(|word| *word = i32x4::ZERO);
        return if largest == 0.0 { 0.0 } else { f32::NAN };
    }
    let inverse = LARGEST / largest;
    row.iter_mut().for_each(|v| *v = to_integer(*v * inverse));
    for (pair, word) in row.as_chunks::<PAIR>().0.iter().zip(words) {
        *word = exact::word(*pair);
    }
    largest / LARGEST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_cover_every_token_once() {
        for count in 0..100 {
            let all: Vec<usize> = tiles(count).flatten().collect();
            assert_eq!(all, (0..count).collect::<Vec<_>>());
            assert!(tiles(count).all(|tile| (1..=TOKENS).contains(&tile.len())));
        }
    }

    #[test]
    fn values_are_rounded_to_their_step() {
        let values: Vec<f32> = (0..3 * 8).map(|at| (at as f32 * 0.7).sin() * (at / 8 + 1) as f32).collect();
        let mut rounded = Rounded::default();
        rounded.fill(3, 8, |token, row| row.copy_from_slice(&values[token * 8..][..8]));
        let tile = rounded.tiles().next().expect("one tile");
        for (at, value) in values.iter().enumerate() {
            let (token, column) = (at / 8, at % 8);
            let word = tile.words[column / 2 * 3 + token].to_array();
            assert_eq!(word, [word[0]; 4]);
            let half = if column % 2 == 0 { word[0] as i16 } else { (word[0] >> 16) as i16 };
            assert!((f32::from(half) * tile.steps[token] - value).abs() <= 0.5001 * tile.steps[token]);
        }
    }
}
