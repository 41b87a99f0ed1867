//! Tiles of tokens times bands of weights.
//!
//! The exact sums of a group fill the registers, so the sums that they are added to go to memory at once; that memory
//! and the activations of a tile are small enough to stay in the first-level cache.

use super::activations::{Rounded, Tile};
use super::body::{Block, Body, Sums};
use super::{BAND, COLUMNS, Weights};
use crate::kernels::simd::exact::WIDTH;
use std::hint::black_box;
use std::ops::Range;
use wide::f32x4;

/// Activations of `T` tokens.
struct Operands<'a, B: Body, const T: usize> {
    /// [k / COLUMNS].
    words: &'a [[B::Word; T]],
    /// [k / group].
    steps: &'a [[B::Step; T]],
}

impl<B: Body, const T: usize> Operands<'_, B, T> {
    /// Returns them with those of a range of groups of one band.
    fn block<'b>(&'b self, weights: &Weights<'b>, band: usize, groups: &Range<usize>) -> Block<'b, B, T> {
        let Weights { values, scales, k, group } = *weights;
        let (values, all, width) = (bytemuck::cast_slice(values), k / group, group / B::COLUMNS);
        let here = band * all + groups.start..band * all + groups.end;
        Block {
            words: &self.words[groups.start * width..groups.end * width],
            steps: &self.steps[groups.clone()],
            weights: &values[here.start * width..here.end * width],
            scales: &scales[here],
        }
    }
}

/// Multiplies `activations` [n, k] by the weights [m, k]: writes to `out` [n, m], or adds to it if `ADD`.
pub fn product<B: Body, const ADD: bool>(activations: &Rounded<B>, weights: Weights<'_>, out: &mut [f32]) {
    let bands = weights.m() / BAND;
    let block = (B::BANDS * COLUMNS / weights.k).clamp(1, B::BANDS);
    let mut sums = vec![[f32x4::ZERO; WIDTH]; B::BANDS * B::TOKENS];
    let tiles = activations.tiles().count().max(1);
    for start in (0..bands).step_by(block) {
        let end = bands.min(start + block);
        let next = weights.bands(end..bands.min(end + block));
        let mut parts = next.chunks(next.len().div_ceil(tiles).max(LINE));
        let bands = start..end;
        for tile in activations.tiles() {
            fetch(parts.next().unwrap_or_default());
            match tile.count {
                1 => tile_product::<1, ADD, B>(&tile, &weights, bands.clone(), &mut sums, out),
                2 => tile_product::<2, ADD, B>(&tile, &weights, bands.clone(), &mut sums, out),
                3 => tile_product::<3, ADD, B>(&tile, &weights, bands.clone(), &mut sums, out),
                4 => tile_product::<4, ADD, B>(&tile, &weights, bands.clone(), &mut sums, out),
                5 => tile_product::<5, ADD, B>(&tile, &weights, bands.clone(), &mut sums, out),
                6 => tile_product::<6, ADD, B>(&tile, &weights, bands.clone(), &mut sums, out),
                7 if B::TOKENS > 6 => tile_product::<7, ADD, B>(&tile, &weights, bands.clone(), &mut sums, out),
                8 if B::TOKENS > 6 => tile_product::<8, ADD, B>(&tile, &weights, bands.clone(), &mut sums, out),
                9 if B::TOKENS > 6 => tile_product::<9, ADD, B>(&tile, &weights, bands.clone(), &mut sums, out),
                10 if B::TOKENS > 6 => tile_product::<10, ADD, B>(&tile, &weights, bands.clone(), &mut sums, out),
                11 if B::TOKENS > 6 => tile_product::<11, ADD, B>(&tile, &weights, bands.clone(), &mut sums, out),
                12 if B::TOKENS > 6 => tile_product::<12, ADD, B>(&tile, &weights, bands.clone(), &mut sums, out),
                more => unreachable!("a tile of {more} tokens"),
            }
        }
    }
}

/// Bytes that come from memory at once.
const LINE: usize = 64;

/// Reads something of every line, so that weights are in a cache when they are needed; WebAssembly has no instruction that fetches alone.
/// Otherwise the first tile of each block would wait for them.
fn fetch(values: &[i8]) {
    black_box(values.iter().step_by(LINE).fold(0, |all, value| all | value));
}

/// Multiplies one tile by at most [`Body::BANDS`] bands; `sums` is room for theirs.
fn tile_product<const T: usize, const ADD: bool, B: Body>(
    tile: &Tile<'_, B>,
    weights: &Weights<'_>,
    bands: Range<usize>,
    sums: &mut [[f32x4; WIDTH]],
    out: &mut [f32],
) {
    let Weights { k, group, .. } = *weights;
    let (groups, block) = (k / group, (COLUMNS / group).max(1));
    let operands = Operands { words: tile.words.as_chunks::<T>().0, steps: tile.steps.as_chunks::<T>().0 };
    let sums: &mut [Sums<T>] = &mut sums.as_chunks_mut().0[..bands.len()];
    for start in (0..groups).step_by(block) {
        let groups = start..groups.min(start + block);
        let new = start == 0;
        let (twos, rest) = sums.as_chunks_mut::<2>();
        for (two, sums) in twos.iter_mut().enumerate() {
            let block = |band| operands.block(weights, bands.start + 2 * two + band, &groups);
            tile.body.add_two([block(0), block(1)], new, sums);
        }
        if let [sums] = rest {
            tile.body.add(&operands.block(weights, bands.end - 1, &groups), new, sums);
        }
    }
    let rows = out.chunks_exact_mut(weights.m()).skip(tile.first).take(T);
    for (token, row) in rows.enumerate() {
        let row = &mut row.as_chunks_mut::<BAND>().0[bands.clone()];
        for (out, sums) in row.iter_mut().zip(&*sums) {
            let products = sums[token];
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
    use crate::kernels::reference;

    fn bits(values: &[f32]) -> Vec<u32> {
        values.iter().map(|value| value.to_bits()).collect()
    }

    fn check<B: Body>(body: B, [n, m, k, group]: [usize; 4]) {
        let x: Vec<f32> = (0..n * k).map(|i| (((i * 40_503) % 65_279) as f32 - 32_639.0) * 1e-3).collect();
        let mut values: Vec<i8> = (0..m * k).map(|i| (((i * 97) % 255) as i16 - 127) as i8).collect();
        let scales: Vec<f32> = (0..m * k / group).map(|i| 0.003 + i as f32 * 1e-4).collect();
        let want = reference::linear_bytes(&x, &values, &scales, k, group);
        let scales = super::super::order_for(body, &mut values, scales, k, group);
        let group = k / (scales.len() / m);
        let weights = Weights::new(&values, &scales, k, group);
        let mut rounded = Rounded::new(body);
        rounded.fill(n, [k, group], |token, row| row.copy_from_slice(&x[token * k..][..k]));
        let mut got = vec![0.0; n * m];
        product::<B, false>(&rounded, weights, &mut got);
        assert_eq!(bits(&got), bits(&want));
        product::<B, true>(&rounded, weights, &mut got);
        assert!(got.iter().zip(&want).all(|(got, want)| *got == want + want));
    }

    #[test]
    fn every_tile_gives_the_bits_of_the_plain_body() {
        for shape in
            [[1, 8, 4, 4], [6, 8, 64, 32], [13, 24, 960, 48], [5, 136, 32, 16], [17, 40, 2048, 512], [31, 8, 96, 32]]
        {
            check(Pairs, shape);
            check(Quads(Bytes::Unsigned), shape);
            check(Quads(Bytes::Signed), shape);
            #[cfg(target_arch = "x86_64")]
            {
                use super::super::native::{Dots, Wide};
                use super::super::vnni::ShortDots;
                Wide::here().into_iter().for_each(|body| check(body, shape));
                Dots::here().into_iter().for_each(|body| check(body, shape));
                ShortDots::here().into_iter().for_each(|body| check(body, shape));
            }
        }
    }
}
