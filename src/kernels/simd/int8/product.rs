//! Tiles of tokens times bands of weights.
//!
//! The sums of a group fill the registers, so that what it adds up to goes to memory at once; that memory, and
//! the activations of a tile, are few enough to stay in the first-level cache.

use super::activations::{Rounded, TOKENS, Tile};
use super::{BAND, PAIR, Weights};
use crate::kernels::simd::exact::{self, WIDTH};
use std::hint::black_box;
use std::ops::Range;
use wide::{f32x4, i16x8, i32x4};

/// The longest stretch of k whose products are summed in i32: 127 * 32767 * 512 < 2^31.
const LONGEST: usize = 512;
/// Columns that a tile is multiplied with before its next ones are touched: a tile of them takes 15 KiB.
const COLUMNS: usize = 384;
/// Bands that a tile meets before the next tile does, at most: of [`COLUMNS`] columns they take 48 KiB.
const BANDS: usize = 16;

/// Sums of a few tokens and one band.
type Sums<const T: usize> = [[f32x4; WIDTH]; T];

/// `activations` [n, k] times the weights [m, k]: into `out` [n, m], or added to it if `ADD`.
pub fn product<const ADD: bool>(activations: &Rounded, weights: Weights<'_>, out: &mut [f32]) {
    let (bands, pairs) = (weights.m() / BAND, weights.k / PAIR);
    let block = (BANDS * COLUMNS / weights.k).clamp(1, BANDS);
    for start in (0..bands).step_by(block) {
        let bands = start..bands.min(start + block);
        let values = &weights.values[bands.start * pairs..bands.end * pairs];
        for tile in activations.tiles() {
            const { assert!(TOKENS == 5) };
            match tile.steps.len() {
                1 => tile_product::<1, ADD>(&tile, weights, bands.clone(), values, out),
                2 => tile_product::<2, ADD>(&tile, weights, bands.clone(), values, out),
                3 => tile_product::<3, ADD>(&tile, weights, bands.clone(), values, out),
                4 => tile_product::<4, ADD>(&tile, weights, bands.clone(), values, out),
                _ => tile_product::<TOKENS, ADD>(&tile, weights, bands.clone(), values, out),
            }
        }
    }
}

/// One tile and at most [`BANDS`] bands, whose `values` these are.
fn tile_product<const T: usize, const ADD: bool>(
    tile: &Tile<'_>,
    weights: Weights<'_>,
    bands: Range<usize>,
    values: &[[i8; BAND * PAIR]],
    out: &mut [f32],
) {
    let (words, pairs) = (tile.words.as_chunks::<T>().0, weights.group / PAIR);
    let (groups, block) = (weights.k / weights.group, (COLUMNS / weights.group).max(1));
    let mut sums: [Sums<T>; BANDS] = [[[f32x4::ZERO; WIDTH]; T]; BANDS];
    for start in (0..groups).step_by(block) {
        let groups = start..groups.min(start + block);
        let columns = groups.start * pairs..groups.end * pairs;
        let bands = bands.clone().zip(values.chunks_exact(weights.k / PAIR));
        for ((band, values), sums) in bands.zip(&mut sums) {
            add_groups(&words[columns.clone()], &values[columns.clone()], weights.scales(band, &groups), sums);
        }
    }
    let m = weights.m();
    for (band, sums) in bands.zip(&sums) {
        for (token, (sums, step)) in sums.iter().zip(tile.steps).enumerate() {
            let out = &mut out[(tile.first + token) * m + band * BAND..][..BAND];
            let products = sums.map(|sum| (sum * f32x4::splat(*step)).to_array());
            for (out, v) in out.iter_mut().zip(products.as_flattened()) {
                *out = if ADD { *out + v } else { *v };
            }
        }
    }
}

/// Adds to `sums` the products of each group, times its scales.
#[inline(never)]
fn add_groups<const T: usize>(
    words: &[[i32x4; T]],
    values: &[[i8; BAND * PAIR]],
    scales: &[[f32; BAND]],
    sums: &mut Sums<T>,
) {
    let pairs = words.len() / scales.len();
    for ((words, values), scales) in words.chunks_exact(pairs).zip(values.chunks_exact(pairs)).zip(scales) {
        let scales: [f32x4; WIDTH] = bytemuck::cast(*scales);
        for (words, values) in words.chunks(LONGEST / PAIR).zip(values.chunks(LONGEST / PAIR)) {
            let exact = exact::sums(words, values, widen);
            // Else the compiler would hold these sums in registers through the multiplications, which need them all.
            let sums = black_box(&mut *sums);
            for (sums, exact) in sums.iter_mut().zip(exact) {
                for ((sum, exact), scale) in sums.iter_mut().zip(exact).zip(scales) {
                    *sum += f32x4::from_i32x4(exact) * scale;
                }
            }
        }
    }
}

/// The weights of a pair of columns, widened.
#[inline(always)]
fn widen(values: &[i8; BAND * PAIR]) -> [i16x8; WIDTH] {
    std::array::from_fn(|half| i16x8::new(std::array::from_fn(|at| i16::from(values[half * 8 + at]))))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What every body computes, in plain words: exact sums over a group, then one rounding a group.
    fn plainly(activations: &[i16], steps: &[f32], values: &[i8], scales: &[f32], k: usize, group: usize) -> Vec<f32> {
        let mut out = Vec::new();
        for (token, step) in activations.chunks_exact(k).zip(steps) {
            for (row, scales) in values.chunks_exact(k).zip(scales.chunks_exact(k / group)) {
                let groups = row.chunks_exact(group).zip(token.chunks_exact(group)).zip(scales);
                let sum = groups.fold(0.0, |sum, ((row, token), scale)| {
                    let products = |(row, token): (&[i8], &[i16])| -> i32 {
                        row.iter().zip(token).map(|(w, a)| i32::from(*w) * i32::from(*a)).sum()
                    };
                    row.chunks(LONGEST)
                        .zip(token.chunks(LONGEST))
                        .map(products)
                        .fold(sum, |sum, exact| sum + exact as f32 * scale)
                });
                out.push(sum * step);
            }
        }
        out
    }

    #[test]
    fn every_tile_gives_the_bits_of_the_plain_body() {
        for (n, m, k, group) in
            [(1, 8, 4, 4), (6, 8, 64, 32), (13, 24, 960, 48), (5, 136, 32, 16), (17, 40, 8192, 4096)]
        {
            let integers: Vec<i16> = (0..n * k).map(|i| (((i * 40_503) % 65_535) as i32 - 32_767) as i16).collect();
            let values: Vec<i8> = (0..m * k).map(|i| (((i * 97) % 255) as i16 - 127) as i8).collect();
            let scales: Vec<f32> = (0..m * k / group).map(|i| 0.003 + i as f32 * 1e-4).collect();
            // Rows that hold ±32767 are rounded to themselves, with a step of 1.
            let mut x: Vec<f32> = integers.iter().map(|v| f32::from(*v)).collect();
            x.chunks_exact_mut(k).for_each(|row| row[k - 1] = 32_767.0);
            let integers: Vec<i16> = x.iter().map(|v| *v as i16).collect();
            let want = plainly(&integers, &vec![1.0; n], &values, &scales, k, group);
            let (mut values, mut scales) = (values, scales);
            super::super::order(&mut values, &mut scales, k, group);
            let weights = Weights::new(&values, &scales, k, group);
            let mut rounded = Rounded::default();
            rounded.fill(n, k, |token, row| row.copy_from_slice(&x[token * k..][..k]));
            let mut got = vec![0.0; n * m];
            product::<false>(&rounded, weights, &mut got);
            assert_eq!(
                got.iter().map(|v| v.to_bits()).collect::<Vec<_>>(),
                want.iter().map(|v| v.to_bits()).collect::<Vec<_>>()
            );
            product::<true>(&rounded, weights, &mut got);
            assert!(got.iter().zip(&want).all(|(got, want)| *got == want + want));
        }
    }
}
