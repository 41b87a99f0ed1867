//! Int8 weights times activations rounded to 16 bits: `y = Σ_groups scale · (Σ w · a) · step`.
//!
//! A token's activations become integers with one step for the row (its largest magnitude / 32767), so
//! their rounding error is 2^-16 of the largest value: nothing beside that of the weights. Products are
//! summed exactly in i32 over a group and only then become f32; the groups are added in their order.
//! Every body computes exactly this, and so all give the same bits.
//!
//! Weights stand in the order in which the registers take them, see [`order`]; activations are rounded
//! and laid out by [`activations`] for a few dozen tokens at a time, which then stay in the caches.

mod activations;
mod product;

use activations::Rounded;
use product::product;

use super::exact::{LANES, PAIR};
use super::gate::gate_row;
use super::norm::norm_row;
use crate::config::Activation;
use crate::kernels::profile::{Operation, time};
use std::ops::Range;

/// Rows of weights that the order keeps together: two vector registers of sums.
pub const BAND: usize = LANES;
/// Columns that share a scale come in multiples of this, so that any device can take them.
const QUAD: usize = 4;
/// Tokens that go through the layers' products together, at most: their activations stay in the second-level
/// cache.
const CHUNK: usize = 40;

/// Tokens of one chunk of `n`: the chunks are about alike.
fn chunk(n: usize) -> usize {
    n.div_ceil(n.div_ceil(CHUNK).max(1)).max(1)
}

/// Int8 weights [m, k] in the order of [`order`], with their scales.
#[derive(Clone, Copy)]
pub struct Weights<'a> {
    /// [m / 8, k / 2, 8, 2].
    values: &'a [[i8; BAND * PAIR]],
    /// [m / 8, k / group, 8].
    scales: &'a [[f32; BAND]],
    k: usize,
    group: usize,
}

impl<'a> Weights<'a> {
    /// `values` and `scales` as [`order`] left them; `k` is a multiple of `group`, and that of 4.
    pub fn new(values: &'a [i8], scales: &'a [f32], k: usize, group: usize) -> Self {
        debug_assert!(is_ordered(values.len() / k, group) && values.len() / group == scales.len());
        Self { values: values.as_chunks().0, scales: scales.as_chunks().0, k, group }
    }

    /// Rows of the matrix.
    fn m(&self) -> usize {
        self.values.len() * BAND * PAIR / self.k
    }

    /// Scales of some groups of the eight rows from `8 * band`.
    fn scales(&self, band: usize, groups: &Range<usize>) -> &'a [[f32; BAND]] {
        let all = self.k / self.group;
        &self.scales[band * all + groups.start..band * all + groups.end]
    }
}

/// Whether [`order`] can lay out a matrix of `rows` rows whose scales each cover `group` columns.
pub fn is_ordered(rows: usize, group: usize) -> bool {
    rows.is_multiple_of(BAND) && group.is_multiple_of(QUAD)
}

/// Brings row-major int8 weights [m, k] and their scales [m, k / group] into the kernels' order:
/// [m / 8, k / 2, 8, 2] and [m / 8, k / group, 8]. In place but for eight rows at a time, so that no
/// second copy of a matrix ever exists.
///
/// # Panics
/// Unless [`is_ordered`].
pub fn order(values: &mut [i8], scales: &mut [f32], k: usize, group: usize) {
    assert!(is_ordered(values.len() / k, group), "an order of eight rows and pairs of columns");
    let mut rows = vec![0i8; BAND * k];
    for band in values.chunks_exact_mut(BAND * k) {
        rows.copy_from_slice(band);
        for (at, pair) in band.as_chunks_mut::<PAIR>().0.iter_mut().enumerate() {
            let (row, column) = (at % BAND, at / BAND * PAIR);
            pair.copy_from_slice(&rows[row * k + column..][..PAIR]);
        }
    }
    let groups = k / group;
    let mut rows = vec![0f32; BAND * groups];
    for band in scales.chunks_exact_mut(BAND * groups) {
        rows.copy_from_slice(band);
        for (at, scale) in band.iter_mut().enumerate() {
            *scale = rows[at % BAND * groups + at / BAND];
        }
    }
}

/// `x` [n, k] times the weights [m, k] -> `out` [n, m].
pub fn linear_int8(x: &[f32], weights: Weights<'_>, out: &mut [f32]) {
    let mut rounded = Rounded::default();
    let chunk = chunk(x.len() / weights.k);
    for (x, out) in x.chunks(chunk * weights.k).zip(out.chunks_mut(chunk * weights.m())) {
        time(Operation::Rounding, || {
            rounded.fill(x.len() / weights.k, weights.k, |token, row| {
                row.copy_from_slice(&x[token * weights.k..][..weights.k]);
            });
        });
        time(Operation::Int8Product, || product::<false>(&rounded, weights, out));
    }
}

/// What [`mlp_int8`] needs besides `x`.
pub struct Mlp<'a> {
    /// Gain of the norm before it, [h].
    pub gain: &'a [f32],
    /// The norm's epsilon.
    pub eps: f32,
    /// `Wi` [2 * i, h].
    pub wide: Weights<'a>,
    /// `Wo` [h, i].
    pub narrow: Weights<'a>,
    /// The gate's activation.
    pub activation: Activation,
}

/// `x + Wo · gate(Wi · norm(x))`: `x` [n, h] -> `out` [n, h].
pub fn mlp_int8(x: &[f32], mlp: &Mlp<'_>, out: &mut [f32]) {
    let (hidden, inner) = (mlp.gain.len(), mlp.narrow.k);
    out.copy_from_slice(x);
    let (mut normed, mut gated) = (Rounded::default(), Rounded::default());
    let chunk = chunk(x.len() / hidden);
    let mut wide = vec![0.0; chunk * 2 * inner];
    for (x, out) in x.chunks(chunk * hidden).zip(out.chunks_mut(chunk * hidden)) {
        let count = x.len() / hidden;
        time(Operation::Norm, || {
            normed.fill(count, hidden, |token, row| norm_row(&x[token * hidden..][..hidden], mlp.gain, mlp.eps, row));
        });
        let wide = &mut wide[..count * 2 * inner];
        time(Operation::Int8Product, || product::<false>(&normed, mlp.wide, wide));
        time(Operation::Gate, || {
            gated.fill(count, inner, |token, row| {
                gate_row(&wide[token * 2 * inner..][..2 * inner], mlp.activation, row);
            });
        });
        time(Operation::Int8Product, || product::<true>(&gated, mlp.narrow, out));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_puts_two_columns_of_eight_rows_together() {
        let (m, k, group) = (16, 12, 4);
        let mut values: Vec<i8> = (0..m * k).map(|at| at as i8).collect();
        let mut scales: Vec<f32> = (0..m * k / group).map(|at| at as f32).collect();
        order(&mut values, &mut scales, k, group);
        // Band 1, pair 4, row 3, column 1 of the pair: row 11, column 9.
        assert_eq!(values[((8 / BAND * 6 + 4) * BAND + 3) * PAIR + 1], (11 * k + 9) as i8);
        assert_eq!(scales[..9], [0.0, 3.0, 6.0, 9.0, 12.0, 15.0, 18.0, 21.0, 1.0]);
        assert_eq!(scales[24], 24.0);
    }
}
