//! Activations as 16-bit integers, in the order in which the product takes them.

use super::QUAD;

/// The largest magnitude of a rounded activation.
pub const LARGEST: f32 = 32767.0;
/// The most tokens that one pass over the weights takes: with two bands of weights they fill a
/// processor's 16 vector registers.
pub const TOKENS: usize = 6;

/// Rounded activations of a few tokens, in tiles of at most [`TOKENS`].
///
/// A tile of `t` tokens is [k / 4, 2, t] words. The first word of four neighbours `a b c d` holds `a`
/// and `c` as 16-bit halves, the second `b` and `d`: the pairs that two shifts make of four int8 weights.
#[derive(Default)]
pub struct Rounded {
    words: Vec<i32>,
    /// By what each token's integers are to be multiplied.
    steps: Vec<f32>,
    k: usize,
    row: Vec<f32>,
}

/// Tokens `first..first + count` of a [`Rounded`].
pub struct Tile<'a> {
    /// Index of the first token.
    pub first: usize,
    /// [k / 4, 2, count].
    pub words: &'a [i32],
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
        self.words.resize(count * k / 2, 0);
        self.steps.clear();
        for tile in tiles(count) {
            let words = &mut self.words[tile.start * k / 2..tile.end * k / 2];
            for token in tile.clone() {
                fill(token, &mut self.row);
                self.steps.push(round(&self.row, words, token - tile.start, tile.len()));
            }
        }
    }

    /// The tiles in order.
    pub fn tiles(&self) -> impl Iterator<Item = Tile<'_>> {
        tiles(self.steps.len()).map(|tile| Tile {
            first: tile.start,
            words: &self.words[tile.start * self.k / 2..tile.end * self.k / 2],
            steps: &self.steps[tile],
        })
    }
}

/// Writes one row into the tile of `width` tokens, as its token number `at`; returns the row's step.
fn round(row: &[f32], tile: &mut [i32], at: usize, width: usize) -> f32 {
    let largest = largest(row);
    let quads = row.as_chunks::<QUAD>().0.iter().zip(tile.chunks_exact_mut(2 * width));
    if largest == 0.0 || !largest.is_finite() {
        // A row of zeros stays zero; infinities and NaN become NaN through the step.
        quads.for_each(|(_, words)| (words[at], words[width + at]) = (0, 0));
        return if largest == 0.0 { 0.0 } else { f32::NAN };
    }
    let inverse = LARGEST / largest;
    for (quad, words) in quads {
        // Rounds half away from zero without a call; the value is within ±32767.
        let [a, b, c, d] = quad.map(|v| {
            let scaled = v * inverse;
            (scaled + 0.5f32.copysign(scaled)) as i32
        });
        words[at] = (a & 0xFFFF) | (c << 16);
        words[width + at] = (b & 0xFFFF) | (d << 16);
    }
    largest / LARGEST
}

/// The largest magnitude; infinite if a value is infinite or NaN.
fn largest(row: &[f32]) -> f32 {
    const LANES: usize = 16;
    // Bits of a magnitude order as its value does, and NaN comes last.
    let mut lanes = [0u32; LANES];
    let (chunks, rest) = row.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, v) in lanes.iter_mut().zip(chunk) {
            *lane = (*lane).max(v.to_bits() & 0x7FFF_FFFF);
        }
    }
    let most = lanes.into_iter().chain(rest.iter().map(|v| v.to_bits() & 0x7FFF_FFFF)).max().unwrap_or(0);
    f32::from_bits(most.min(f32::INFINITY.to_bits()))
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
    fn the_largest_magnitude_is_found_anywhere() {
        for at in 0..40 {
            let mut row = vec![0.5f32; 40];
            row[at] = -3.0;
            assert_eq!(largest(&row), 3.0);
            row[at] = f32::NAN;
            assert_eq!(largest(&row), f32::INFINITY);
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
            let word = tile.words[(column / 4 * 2 + column % 2) * 3 + token];
            let half = if column % 4 < 2 { word as i16 } else { (word >> 16) as i16 };
            assert!((f32::from(half) * tile.steps[token] - value).abs() <= 0.5001 * tile.steps[token]);
        }
    }
}
