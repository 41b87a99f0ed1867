//! Tiles of tokens times bands of weights.
//!
//! The exact sums of a group fill the registers, so the sums that they are added to go to memory at once; that memory
//! and the activations of a tile are small enough to stay in the first-level cache.

use super::activations::{Rounded, Tile};
use super::body::{Block, Body, Sums};
use super::{BAND, Weights};
use crate::kernels::simd::exact::WIDTH;
use std::ops::Range;
use wide::{f32x4, i32x4};

/// Columns that a tile is multiplied with before its next ones are touched: those of a tile take 15 or 18 KiB.
const COLUMNS: usize = 384;
/// The most bands that a tile meets before the next tile does: [`COLUMNS`] columns of them take 48 KiB.
const BANDS: usize = 16;

/// Weights, and the values at which their sums start.
pub struct Prepared<'a, B: Body> {
    body: B,
    weights: Weights<'a, B>,
    /// [bands, k / group, 8], of the bands that have been multiplied.
    starts: Vec<[i32; BAND]>,
}

impl<'a, B: Body> Prepared<'a, B> {
    /// Takes weights that are to be multiplied, perhaps more than once.
    pub fn new(body: B, weights: Weights<'a, B>) -> Self {
        Self { body, weights, starts: Vec::with_capacity(weights.scales.len()) }
    }

    /// Computes the starts of the bands up to `end`: not before they are needed, as the weights are then at hand.
    fn prepare(&mut self, end: usize) {
        let Weights { values, k, group, .. } = self.weights;
        let groups = values.chunks_exact(group / B::COLUMNS).take(end * (k / group)).skip(self.starts.len());
        self.starts.extend(groups.map(|group| self.body.start(group)));
    }

    /// Returns the operands for `T` tokens and a range of groups of one band.
    fn block<'b, const T: usize>(
        &'b self,
        words: &'b [[i32x4; T]],
        band: usize,
        groups: &Range<usize>,
    ) -> Block<'b, B, T> {
        let Weights { values, scales, k, group } = self.weights;
        let (all, steps) = (k / group, group / B::COLUMNS);
        let here = band * all + groups.start..band * all + groups.end;
        Block {
            words: &words[groups.start * B::REGISTERS * steps..groups.end * B::REGISTERS * steps],
            weights: &values[here.start * steps..here.end * steps],
            scales: &scales[here.clone()],
            starts: &self.starts[here],
        }
    }
}

/// Multiplies `activations` [n, k] by the weights [m, k]: writes to `out` [n, m], or adds to it if `ADD`.
pub fn product<B: Body, const ADD: bool>(activations: &Rounded<B>, weights: &mut Prepared<'_, B>, out: &mut [f32]) {
    let bands = weights.weights.m() / BAND;
    let block = (BANDS * COLUMNS / weights.weights.k).clamp(1, BANDS);
    for start in (0..bands).step_by(block) {
        let bands = start..bands.min(start + block);
        weights.prepare(bands.end);
        for tile in activations.tiles() {
            match tile.steps.len() {
                1 => tile_product::<1, ADD, B>(&tile, weights, bands.clone(), out),
                2 => tile_product::<2, ADD, B>(&tile, weights, bands.clone(), out),
                3 => tile_product::<3, ADD, B>(&tile, weights, bands.clone(), out),
                4 => tile_product::<4, ADD, B>(&tile, weights, bands.clone(), out),
                5 => tile_product::<5, ADD, B>(&tile, weights, bands.clone(), out),
                6 => tile_product::<6, ADD, B>(&tile, weights, bands.clone(), out),
                more => unreachable!("a tile of {more} tokens"),
            }
        }
    }
}

/// Multiplies one tile by at most [`BANDS`] bands.
fn tile_product<const T: usize, const ADD: bool, B: Body>(
    tile: &Tile<'_>,
    weights: &Prepared<'_, B>,
    bands: Range<usize>,
    out: &mut [f32],
) {
    let Weights { k, group, .. } = weights.weights;
    let (groups, block) = (k / group, (COLUMNS / group).max(1));
    let words = tile.words.as_chunks::<T>().0;
    let mut sums: [Sums<T>; BANDS] = [[[f32x4::ZERO; WIDTH]; T]; BANDS];
    for start in (0..groups).step_by(block) {
        let groups = start..groups.min(start + block);
        for (band, sums) in bands.clone().zip(&mut sums) {
            weights.body.add(&weights.block(words, band, &groups), sums);
        }
    }
    let steps: [f32x4; T] = std::array::from_fn(|token| f32x4::splat(tile.steps[token]));
    let rows = out.chunks_exact_mut(weights.weights.m()).skip(tile.first);
    for (token, (row, step)) in rows.zip(steps).enumerate() {
        let row = &mut row.as_chunks_mut::<BAND>().0[bands.clone()];
        for (out, sums) in row.iter_mut().zip(&sums) {
            let products = sums[token].map(|sum| sum * step);
            let [first, second]: [f32x4; WIDTH] = bytemuck::cast(*out);
            let products = if ADD { [first + products[0], second + products[1]] } else { products };
            *out = bytemuck::cast(products);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::pairs::Pairs;
    use super::super::quads::{Bytes, Quads};
    use super::*;

    /// Computes plainly what every body computes: exact sums over a group, then one rounding for each group.
    fn plainly(activations: &[i16], steps: &[f32], values: &[i8], scales: &[f32], k: usize, group: usize) -> Vec<f32> {
        let mut out = Vec::new();
        for (token, step) in activations.chunks_exact(k).zip(steps) {
            for (row, scales) in values.chunks_exact(k).zip(scales.chunks_exact(k / group)) {
                let groups = row.chunks_exact(group).zip(token.chunks_exact(group)).zip(scales);
                let sum = groups.fold(0.0, |sum, ((row, token), scale)| {
                    let exact: i32 = row.iter().zip(token).map(|(w, a)| i32::from(*w) * i32::from(*a)).sum();
                    sum + exact as f32 * scale
                });
                out.push(sum * step);
            }
        }
        out
    }

    fn check<B: Body>(body: B, [n, m, k, group]: [usize; 4]) {
        let integers = (0..n * k).map(|i| (((i * 40_503) % 65_279) as i32 - 32_639) as f32);
        let values: Vec<i8> = (0..m * k).map(|i| (((i * 97) % 255) as i16 - 127) as i8).collect();
        let scales: Vec<f32> = (0..m * k / group).map(|i| 0.003 + i as f32 * 1e-4).collect();
        // Rows that hold ±32639 are rounded to themselves, with a step of 1.
        let mut x: Vec<f32> = integers.collect();
        x.chunks_exact_mut(k)
            .enumerate()
            .for_each(|(at, row)| row[k - 1] = if at % 2 == 0 { 32_639.0 } else { -32_639.0 });
        let integers: Vec<i16> = x.iter().map(|v| *v as i16).collect();
        let want = plainly(&integers, &vec![1.0; n], &values, &scales, k, group);
        let mut values = values;
        let scales = super::super::order_for::<B>(&mut values, scales, k, group);
        let weights = Weights::new(&values, &scales, k, group);
        let mut rounded = Rounded::new(body);
        rounded.fill(n, [k, group], |token, row| row.copy_from_slice(&x[token * k..][..k]));
        let mut got = vec![0.0; n * m];
        let mut prepared = Prepared::new(body, weights);
        product::<B, false>(&rounded, &mut prepared, &mut got);
        assert_eq!(
            got.iter().map(|v| v.to_bits()).collect::<Vec<_>>(),
            want.iter().map(|v| v.to_bits()).collect::<Vec<_>>()
        );
        product::<B, true>(&rounded, &mut prepared, &mut got);
        assert!(got.iter().zip(&want).all(|(got, want)| *got == want + want));
    }

    #[test]
    fn every_tile_gives_the_bits_of_the_plain_body() {
        for shape in [[1, 8, 4, 4], [6, 8, 64, 32], [13, 24, 960, 48], [5, 136, 32, 16], [17, 40, 2048, 512]] {
            check(Pairs, shape);
            check(Quads(Bytes::Unsigned), shape);
            check(Quads(Bytes::Signed), shape);
        }
    }
}
