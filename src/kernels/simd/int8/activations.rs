//! Activations as bytes with a step for each group, in the order in which the product takes them.

use super::body::Body;
use std::ops::Range;

/// The largest magnitude of a rounded activation. -128 would be a byte, too; without it, two products of bytes fit 16 bits.
const LARGEST: f32 = 127.0;

/// Rounded activations of a few tokens, in tiles of at most [`Body::TOKENS`].
pub struct Rounded<B: Body> {
    body: B,
    /// The words of all tiles, each [k / COLUMNS, tokens].
    words: Vec<B::Word>,
    /// The steps of all tiles, each [k / group, tokens].
    steps: Vec<B::Step>,
    count: usize,
    k: usize,
    group: usize,
    row: Vec<f32>,
}

/// Tokens `first..first + count` of a [`Rounded`].
pub struct Tile<'a, B: Body> {
    /// What has rounded them and multiplies them.
    pub body: B,
    /// Index of the first token.
    pub first: usize,
    /// How many tokens it has.
    pub count: usize,
    /// [k / COLUMNS, count].
    pub words: &'a [B::Word],
    /// [k / group, count].
    pub steps: &'a [B::Step],
}

/// Cuts `count` tokens into tiles: as few as possible, whose sizes differ by one token at most.
fn tiles(count: usize, most: usize) -> impl Iterator<Item = Range<usize>> {
    let tiles = count.div_ceil(most);
    (0..tiles).map(move |tile| tile * count / tiles..(tile + 1) * count / tiles)
}

impl<B: Body> Rounded<B> {
    /// Creates one without tokens.
    pub fn new(body: B) -> Self {
        Self { body, words: Vec::new(), steps: Vec::new(), count: 0, k: 0, group: 1, row: Vec::new() }
    }

    /// Returns where the words of `tokens` are.
    fn words(&self, tokens: &Range<usize>) -> Range<usize> {
        let width = self.k / B::COLUMNS;
        tokens.start * width..tokens.end * width
    }

    /// Returns where the steps of `tokens` are.
    fn steps(&self, tokens: &Range<usize>) -> Range<usize> {
        let width = self.k / self.group;
        tokens.start * width..tokens.end * width
    }

    /// Takes `count` tokens of `k` activations each, which `fill` writes one by one, for weights in groups of `group`.
    pub fn fill(&mut self, count: usize, [k, group]: [usize; 2], mut fill: impl FnMut(usize, &mut [f32])) {
        (self.count, self.k, self.group) = (count, k, group);
        self.row.resize(k, 0.0);
        self.words.resize(self.words(&(0..count)).end, bytemuck::Zeroable::zeroed());
        self.steps.resize(self.steps(&(0..count)).end, bytemuck::Zeroable::zeroed());
        for tile in tiles(count, B::TOKENS) {
            let (words, steps, tokens) = (self.words(&tile), self.steps(&tile), tile.len());
            let (words, steps) = (&mut self.words[words], &mut self.steps[steps]);
            for token in tile.clone() {
                fill(token, &mut self.row);
                self.body.round(&self.row, group, words, steps, [token - tile.start, tokens]);
            }
        }
    }

    /// Returns the tiles in order.
    pub fn tiles(&self) -> impl Iterator<Item = Tile<'_, B>> {
        tiles(self.count, B::TOKENS).map(|tile| Tile {
            body: self.body,
            first: tile.start,
            count: tile.len(),
            words: &self.words[self.words(&tile)],
            steps: &self.steps[self.steps(&tile)],
        })
    }
}

/// Returns what the values of a group are multiplied by before they are rounded, and what the integers stand for: of the
/// values' largest magnitude.
#[inline(always)]
pub fn scales_to(largest: f32) -> [f32; 2] {
    let inverse = LARGEST / largest;
    match largest.is_finite() {
        true if inverse.is_finite() => [inverse, largest / LARGEST],
        // Zeros, and what is below 4e-37.
        true => [0.0, 0.0],
        // The integers do not matter here: multiplying by the NaN step makes every output NaN.
        false => [0.0, f32::NAN],
    }
}

#[cfg(test)]
mod tests {
    use super::super::pairs::Pairs;
    use super::super::quads::{Bytes, Quads};
    use super::*;
    use wide::{f32x4, i32x4};

    #[test]
    fn tiles_cover_every_token_once() {
        for count in 0..100 {
            let all: Vec<usize> = tiles(count, 5).flatten().collect();
            assert_eq!(all, (0..count).collect::<Vec<_>>());
            assert!(tiles(count, 5).all(|tile| (1..=5).contains(&tile.len())));
        }
    }

    /// Checks that three tokens of two groups come back from the words, which `integer` reads, to half a step, which `step` reads.
    fn check<B: Body>(body: B, step: fn(B::Step) -> f32, integer: fn(&[B::Word], usize) -> i32) {
        for group in [4, 8, 12, 16, 20, 32] {
            let k = 2 * group;
            let values: Vec<f32> = (0..3 * k).map(|at| (at as f32 * 0.7).sin() * (at / 8 + 1) as f32).collect();
            let mut rounded = Rounded::new(body);
            rounded.fill(3, [k, group], |token, row| row.copy_from_slice(&values[token * k..][..k]));
            let tile = rounded.tiles().next().expect("one tile");
            for token in 0..3 {
                let words: Vec<B::Word> = tile.words[token..].iter().step_by(3).copied().collect();
                for column in 0..k {
                    let step = step(tile.steps[column / group * 3 + token]);
                    let back = integer(&words, column) as f32 * step;
                    assert!((back - values[token * k + column]).abs() <= 0.5001 * step);
                }
            }
        }
    }

    /// Returns the word of all lanes.
    fn word(word: i32x4) -> i32 {
        let lanes = word.to_array();
        assert_eq!(lanes, [lanes[0]; 4]);
        lanes[0]
    }

    #[test]
    fn values_are_rounded_to_the_step_of_their_group() {
        let step = |step: f32x4| step.to_array()[0];
        check(Pairs, step, |words, column| (word(words[column / 2]) >> (16 * (column % 2))) << 16 >> 16);
        for bytes in [Bytes::Unsigned, Bytes::Signed] {
            check(
                Quads(bytes),
                |step| step.step,
                |words, column| i32::from(words[column / 4].to_le_bytes()[column % 4] as i8),
            );
        }
        #[cfg(target_arch = "x86_64")]
        {
            use super::super::native::{Dots, Wide};
            use super::super::vnni::ShortDots;
            if let Some(body) = Wide::here() {
                check(body, |step| step, |words, column| i32::from(words[column / 2][column % 2]));
            }
            let byte = |words: &[[i8; 4]], column: usize| i32::from(words[column / 4][column % 4]);
            if let Some(body) = Dots::here() {
                check(body, |step| step.step, byte);
            }
            if let Some(body) = ShortDots::here() {
                check(body, |step| step.step, byte);
            }
        }
    }

    #[test]
    fn a_group_has_a_step_zero_or_what_is_no_number() {
        for (value, want) in [
            (0.0, Some(0.0)),
            (f32::MIN_POSITIVE, Some(0.0)),
            (1e-36, Some(1e-36 / 127.0)),
            (-f32::MAX, Some(f32::MAX / 127.0)),
            (f32::NAN, None),
            (f32::INFINITY, None),
        ] {
            let mut rounded = Rounded::new(Pairs);
            rounded.fill(1, [8, 4], |_, row| row.copy_from_slice(&[0.0, value, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]));
            let tile = rounded.tiles().next().expect("one tile");
            let [step, other] = [0, 1].map(|group| tile.steps[group].to_array()[0]);
            assert!(want.map_or(step.is_nan(), |want| step == want), "{value} has the step {step}");
            assert_eq!(other, 1.0 / 127.0);
        }
    }
}
