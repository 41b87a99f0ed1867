//! Tiles of tokens times bands of weights, in vector registers of 128 bits.
//!
//! Through the `wide` crate: SSE2, NEON or SIMD128 instructions by the target, plain Rust elsewhere.

use super::activations::{Rounded, TOKENS, Tile};
use super::{BAND, QUAD, Weights};
use wide::{f32x4, i16x8, i32x4};

/// The longest stretch of k whose products are summed in i32: 127 * 32767 * 512 < 2^31.
const LONGEST: usize = 512;

/// `activations` [n, k] times the weights [m, k]: into `out` [n, m], or added to it if `ADD`.
pub fn product<const ADD: bool>(activations: &Rounded, weights: Weights<'_>, out: &mut [f32]) {
    let m = weights.m();
    let bands = m / BAND;
    for band in (0..bands).step_by(2) {
        for tile in activations.tiles() {
            let out = &mut out[tile.first * m + band * BAND..];
            if band + 1 < bands {
                let pair = [weights.band(band), weights.band(band + 1)];
                any_tokens::<2, ADD>(&tile, pair, weights.group, m, out);
            } else {
                any_tokens::<1, ADD>(&tile, [weights.band(band)], weights.group, m, out);
            }
        }
    }
}

/// Values and scales of four rows of weights.
type Band<'a> = (&'a [[i8; BAND * QUAD]], &'a [[f32; BAND]]);

/// Picks the body for the number of tokens in the tile. Rows of `out` start `m` apart.
#[inline(always)]
fn any_tokens<const C: usize, const ADD: bool>(
    tile: &Tile<'_>,
    bands: [Band<'_>; C],
    group: usize,
    m: usize,
    out: &mut [f32],
) {
    const { assert!(TOKENS == 6) };
    match tile.steps.len() {
        1 => multiply::<1, C, ADD>(tile, bands, group, m, out),
        2 => multiply::<2, C, ADD>(tile, bands, group, m, out),
        3 => multiply::<3, C, ADD>(tile, bands, group, m, out),
        4 => multiply::<4, C, ADD>(tile, bands, group, m, out),
        5 => multiply::<5, C, ADD>(tile, bands, group, m, out),
        _ => multiply::<TOKENS, C, ADD>(tile, bands, group, m, out),
    }
}

/// `T` tokens times `C` bands.
#[inline(never)]
fn multiply<const T: usize, const C: usize, const ADD: bool>(
    tile: &Tile<'_>,
    bands: [Band<'_>; C],
    group: usize,
    m: usize,
    out: &mut [f32],
) {
    let activations = tile.words.as_chunks::<T>().0.as_chunks::<2>().0;
    let quads = group / QUAD;
    let mut sums = [[f32x4::ZERO; C]; T];
    for (index, activations) in activations.chunks_exact(quads).enumerate() {
        let values: [&[[i8; BAND * QUAD]]; C] = std::array::from_fn(|c| &bands[c].0[index * quads..][..quads]);
        let scales: [f32x4; C] = std::array::from_fn(|c| f32x4::new(bands[c].1[index]));
        for (part, activations) in activations.chunks(LONGEST / QUAD).enumerate() {
            let values = values.map(|values| &values[part * (LONGEST / QUAD)..][..activations.len()]);
            let exact = multiply_exactly::<T, C>(activations, values);
            for (sums, exact) in sums.iter_mut().zip(exact) {
                for ((sum, exact), scale) in sums.iter_mut().zip(exact).zip(scales) {
                    *sum += f32x4::from_i32x4(exact) * scale;
                }
            }
        }
    }
    for (token, (sums, step)) in sums.iter().zip(tile.steps).enumerate() {
        for (c, sum) in sums.iter().enumerate() {
            let (four, _) = out[token * m + c * BAND..].split_at_mut(BAND);
            let product = (*sum * f32x4::splat(*step)).to_array();
            for (out, v) in four.iter_mut().zip(product) {
                *out = if ADD { *out + v } else { v };
            }
        }
    }
}

/// The sums of products, without rounding: one lane a row of weights.
#[inline(always)]
fn multiply_exactly<const T: usize, const C: usize>(
    activations: &[[[i32; T]; 2]],
    values: [&[[i8; BAND * QUAD]]; C],
) -> [[i32x4; C]; T] {
    let mut sums = [[i32x4::ZERO; C]; T];
    for (at, [first, second]) in activations.iter().enumerate() {
        let values: [i16x8; C] = std::array::from_fn(|c| bytemuck::cast(values[c][at]));
        // Each half-word holds two neighbouring weights; these are the lower ones, then the upper ones.
        add_products(&mut sums, first, values.map(|values| (values << 8) >> 8));
        add_products(&mut sums, second, values.map(|values| values >> 8));
    }
    sums
}

#[inline(always)]
fn add_products<const T: usize, const C: usize>(sums: &mut [[i32x4; C]; T], words: &[i32; T], weights: [i16x8; C]) {
    for (sums, word) in sums.iter_mut().zip(words) {
        let activations: i16x8 = bytemuck::cast(i32x4::splat(*word));
        for (sum, weights) in sums.iter_mut().zip(weights) {
            *sum += activations.dot(weights);
        }
    }
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
        for (n, m, k, group) in [(1, 4, 4, 4), (6, 8, 64, 32), (13, 12, 96, 48), (5, 4, 32, 16), (17, 20, 8192, 4096)] {
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
