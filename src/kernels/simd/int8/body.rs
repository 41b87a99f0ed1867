//! Where the bodies of the product differ.

use super::BAND;
use super::activations::scales_to;
use crate::config::Activation;
use crate::kernels::simd::exact::WIDTH;
use crate::kernels::simd::maths::largest;
use crate::kernels::simd::{gate, norm};
use std::borrow::Borrow;
use wide::{f32x4, i32x4};

/// Sums of a few tokens and one band.
pub type Sums<const T: usize> = [[f32x4; WIDTH]; T];

/// Activations, weights and scales of `T` tokens, one band and some groups of columns.
pub struct Block<'a, B: Body, const T: usize> {
    /// [groups, steps].
    pub words: &'a [[B::Word; T]],
    /// Steps of the tokens, [groups].
    pub steps: &'a [[B::Step; T]],
    /// [groups, steps].
    pub weights: &'a [B::Weights],
    /// Scales of the weights, [groups, 8].
    pub scales: &'a [[f32; BAND]],
}

/// A group of a [`Block`].
pub struct Group<'a, B: Body, const T: usize> {
    /// [steps].
    pub words: &'a [[B::Word; T]],
    /// Steps of the tokens.
    pub steps: &'a [B::Step; T],
    /// [steps].
    pub weights: &'a [B::Weights],
    /// Scales of its weights.
    pub scales: [f32x4; WIDTH],
}

impl<'a, B: Body, const T: usize> Block<'a, B, T> {
    /// Returns the groups in order.
    #[inline(always)]
    pub fn groups(&self) -> impl Iterator<Item = Group<'a, B, T>> {
        let width = self.weights.len() / self.scales.len();
        // Splitting off one group after another becomes additions; indices would become multiplications.
        let (mut words, mut weights) = (self.words, self.weights);
        self.scales.iter().zip(self.steps).map(move |(scales, steps)| {
            let (words_here, weights_here);
            (words_here, words) = words.split_at(width);
            (weights_here, weights) = weights.split_at(width);
            Group { words: words_here, steps, weights: weights_here, scales: bytemuck::cast(*scales) }
        })
    }
}

/// One way of multiplying integers exactly. The results of all are bit-for-bit identical.
pub trait Body: Copy {
    /// Columns of a step.
    const COLUMNS: usize;
    /// The most tokens that one pass over the weights takes: their sums, the weights and what else a step needs take
    /// no more than the processor's vector registers; browsers use 15 on x86-64.
    const TOKENS: usize;
    /// The most bands that a tile meets before the next tile does: 384 columns of sixteen take 48 KiB.
    const BANDS: usize = 16;
    /// The most tokens that go through a layer's products together: their activations stay in the second-level cache.
    const CHUNK: usize = 40;
    /// Weights of a step: [8, COLUMNS].
    type Weights: bytemuck::Pod;
    /// Activations of a step.
    type Word: bytemuck::Pod;
    /// What the integers of a group of activations stand for.
    type Step: bytemuck::Pod;

    /// Rounds the activations of a token, [k] in groups of `group`, into the words [steps, tokens] and the steps [groups, tokens] of
    /// its tile, as number `token` of `tokens`.
    fn round(self, row: &[f32], group: usize, words: &mut [Self::Word], steps: &mut [Self::Step], place: [usize; 2]);

    /// Changes ordered weights into what the body multiplies.
    fn keep(self, _: &mut [i8]) {}

    /// Adds to `sums`, or to zeros if they are `new`, the exact sums of each group times its scales and steps, in their order.
    fn add<const T: usize>(self, block: &Block<'_, Self, T>, new: bool, sums: &mut Sums<T>);

    /// Adds two blocks of the same tokens and groups.
    #[inline(always)]
    fn add_two<const T: usize>(self, blocks: [Block<'_, Self, T>; 2], new: bool, sums: &mut [Sums<T>; 2]) {
        blocks.iter().zip(sums).for_each(|(block, sums)| self.add(block, new, sums));
    }

    /// Computes a row of a norm.
    #[inline(always)]
    fn norm(self, row: &[f32], gain: &[f32], eps: f32, out: &mut [f32]) {
        norm::norm_row(row, gain, eps, out);
    }

    /// Computes a row of a gate.
    #[inline(always)]
    fn gate(self, row: &[f32], activation: Activation, out: &mut [f32]) {
        gate::gate_row(row, activation, out);
    }
}

/// Makes sums zeros if they are `new`.
#[inline(always)]
pub fn clear<const T: usize>(new: bool, sums: &mut Sums<T>) {
    if new {
        *sums = [[f32x4::ZERO; WIDTH]; T];
    }
}

/// Adds the exact sums of a group, which `number` reads, times its scales and the tokens' steps, which `step` reads.
#[inline(always)]
pub fn scale<'a, const T: usize, S, V: Borrow<f32x4>>(
    exact: [[i32x4; WIDTH]; T],
    number: impl Fn(i32x4) -> f32x4,
    scales: [f32x4; WIDTH],
    steps: &'a [S; T],
    step: impl Fn(&'a S) -> V,
    sums: &mut Sums<T>,
) {
    // Otherwise the compiler would hold these sums in registers through the multiplications, which need them all.
    let sums = std::hint::black_box(sums);
    for ((sums, exact), place) in sums.iter_mut().zip(exact).zip(steps) {
        let step = step(place);
        for ((sum, exact), scale) in sums.iter_mut().zip(exact).zip(scales) {
            *sum += number(exact) * (scale * *step.borrow());
        }
    }
}

/// Rounds group by group: `lay` gets a group, what it is multiplied by and what the integers then stand for, and the words [steps,
/// tokens] of which it writes those of the token; it returns the group's step.
#[inline(always)]
pub fn round_groups<B: Body>(
    row: &[f32],
    group: usize,
    words: &mut [B::Word],
    steps: &mut [B::Step],
    [token, tokens]: [usize; 2],
    lay: impl Fn(&[f32], [f32; 2], &mut [B::Word]) -> B::Step,
) {
    let words = words.chunks_exact_mut(group / B::COLUMNS * tokens);
    for ((row, words), steps) in row.chunks_exact(group).zip(words).zip(steps.chunks_exact_mut(tokens)) {
        steps[token] = lay(row, scales_to(largest(row)), words);
    }
}

/// Passes `work` the values a few at a time, the last ones filled up with zeros if there are too few.
#[inline(always)]
pub fn for_columns<const N: usize>(values: &[f32], mut work: impl FnMut([f32; N])) {
    let (whole, rest) = values.as_chunks();
    whole.iter().for_each(|values| work(*values));
    if !rest.is_empty() {
        let mut all = [0.0; N];
        all[..rest.len()].copy_from_slice(rest);
        work(all);
    }
}

/// Writes four words to every `stride`th place from `at`; drops those past the end.
#[inline(always)]
pub fn put<W>(words: &mut [W], at: usize, stride: usize, made: i32x4, word: impl Fn(i32) -> W) {
    for (index, made) in made.to_array().into_iter().enumerate() {
        if let Some(place) = words.get_mut(at + index * stride) {
            *place = word(made);
        }
    }
}
