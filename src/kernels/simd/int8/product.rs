//! Tiles of tokens times bands of weights.
//!
//! The sums of a group fill the registers, so that what it adds up to goes to memory at once; that memory, and
//! the activations of a tile, are few enough to stay in the first-level cache.

use super::activations::{Rounded, Tile};
use super::body::{Block, Body, Sums};
use super::{BAND, Weights};
use crate::kernels::simd::exact::WIDTH;
use std::ops::Range;
use wide::f32x4;

/// Columns that a tile is multiplied with before its next ones are touched: a tile of them takes 15 or 18 KiB.
const COLUMNS: usize = 384;
/// Bands that a tile meets before the next tile does, at most: of [`COLUMNS`] columns they take 48 KiB.
const BANDS: usize = 16;

/// Bands that each tile of tokens meets before the next bands are touched.
struct Bands<'a, B: Body> {
    range: Range<usize>,
    weights: Weights<'a, B>,
    /// [bands, k / COLUMNS].
    values: &'a [B::Weights],
    /// [bands, k / group, 8].
    starts: &'a [[i32; BAND]],
}

/// `activations` [n, k] times the weights [m, k]: into `out` [n, m], or added to it if `ADD`.
pub fn product<B: Body, const ADD: bool>(activations: &Rounded<B>, weights: Weights<'_, B>, out: &mut [f32]) {
    let (bands, width) = (weights.m() / BAND, weights.k / B::COLUMNS);
    let block = (BANDS * COLUMNS / weights.k).clamp(1, BANDS);
    let mut starts = Vec::new();
    for start in (0..bands).step_by(block) {
        let range = start..bands.min(start + block);
        let values = &weights.values[range.start * width..range.end * width];
        let groups = values.chunks_exact(weights.group / B::COLUMNS);
        starts.clear();
        starts.extend(groups.map(|group| activations.body.start(group)));
        let bands = Bands { range, weights, values, starts: &starts };
        for tile in activations.tiles() {
            match tile.steps.len() {
                1 => tile_product::<1, ADD, B>(activations.body, &tile, &bands, out),
                2 => tile_product::<2, ADD, B>(activations.body, &tile, &bands, out),
                3 => tile_product::<3, ADD, B>(activations.body, &tile, &bands, out),
                4 => tile_product::<4, ADD, B>(activations.body, &tile, &bands, out),
                5 => tile_product::<5, ADD, B>(activations.body, &tile, &bands, out),
                6 => tile_product::<6, ADD, B>(activations.body, &tile, &bands, out),
                more => unreachable!("a tile of {more} tokens"),
            }
        }
    }
}

/// One tile and at most [`BANDS`] bands.
fn tile_product<const T: usize, const ADD: bool, B: Body>(
    body: B,
    tile: &Tile<'_>,
    bands: &Bands<'_, B>,
    out: &mut [f32],
) {
    let weights = bands.weights;
    let (groups, block) = (weights.k / weights.group, (COLUMNS / weights.group).max(1));
    let steps = weights.group / B::COLUMNS;
    let words = tile.words.as_chunks::<T>().0;
    let mut sums: [Sums<T>; BANDS] = [[[f32x4::ZERO; WIDTH]; T]; BANDS];
    for start in (0..groups).step_by(block) {
        let groups = start..groups.min(start + block);
        let of = |size: usize| groups.start * size..groups.end * size;
        let values = bands.values.chunks_exact(weights.k / B::COLUMNS);
        let starts = bands.starts.chunks_exact(weights.k / weights.group);
        for (((band, values), starts), sums) in bands.range.clone().zip(values).zip(starts).zip(&mut sums) {
            let block = Block {
                words: &words[of(B::REGISTERS * steps)],
                weights: &values[of(steps)],
                scales: weights.scales(band, &groups),
                starts: &starts[groups.clone()],
            };
            body.add(&block, sums);
        }
    }
    let m = weights.m();
    for (band, sums) in bands.range.clone().zip(&sums) {
        for (token, (sums, step)) in sums.iter().zip(tile.steps).enumerate() {
            let out = &mut out[(tile.first + token) * m + band * BAND..][..BAND];
            let products = sums.map(|sum| (sum * f32x4::splat(*step)).to_array());
            for (out, v) in out.iter_mut().zip(products.as_flattened()) {
                *out = if ADD { *out + v } else { *v };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::pairs::Pairs;
    use super::super::quads::{Bytes, Quads};
    use super::*;

    /// What every body computes, in plain words: exact sums over a group, then one rounding a group.
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
        product::<B, false>(&rounded, weights, &mut got);
        assert_eq!(
            got.iter().map(|v| v.to_bits()).collect::<Vec<_>>(),
            want.iter().map(|v| v.to_bits()).collect::<Vec<_>>()
        );
        product::<B, true>(&rounded, weights, &mut got);
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
