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

use super::gate::gate_row;
use super::norm::norm_row;
use crate::config::Activation;
use crate::kernels::profile::{Operation, time};

/// Rows of weights that share a vector register.
pub const BAND: usize = 4;
/// Neighbours along k that the order keeps together.
pub const QUAD: usize = 4;
/// Tokens that go through the layers' products together: their wide activations fit the second-level cache.
const CHUNK: usize = 48;

/// Int8 weights [m, k] in the order of [`order`], with their scales.
#[derive(Clone, Copy)]
pub struct Weights<'a> {
    /// [m / 4, k / 4, 4, 4].
    values: &'a [[i8; BAND * QUAD]],
    /// [m / 4, k / group, 4].
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
        self.values.len() * BAND * QUAD / self.k
    }

    /// Values and scales of the four rows from `4 * band`.
    fn band(&self, band: usize) -> (&'a [[i8; BAND * QUAD]], &'a [[f32; BAND]]) {
        let (quads, groups) = (self.k / QUAD, self.k / self.group);
        (&self.values[band * quads..][..quads], &self.scales[band * groups..][..groups])
    }
}

/// Whether [`order`] can lay out a matrix of `rows` rows whose scales each cover `group` columns.
pub fn is_ordered(rows: usize, group: usize) -> bool {
    rows.is_multiple_of(BAND) && group.is_multiple_of(QUAD)
}

/// Brings row-major int8 weights [m, k] and their scales [m, k / group] into the kernels' order:
/// [m / 4, k / 4, 4, 4] and [m / 4, k / group, 4]. In place but for four rows at a time, so that no
/// second copy of a matrix ever exists.
///
/// # Panics
/// Unless [`is_ordered`].
pub fn order(values: &mut [i8], scales: &mut [f32], k: usize, group: usize) {
    assert!(is_ordered(values.len() / k, group), "an order of four rows and four columns");
    let mut rows = vec![0i8; BAND * k];
    for band in values.chunks_exact_mut(BAND * k) {
        rows.copy_from_slice(band);
        for (at, quad) in band.as_chunks_mut::<QUAD>().0.iter_mut().enumerate() {
            let (row, column) = (at % BAND, at / BAND * QUAD);
            quad.copy_from_slice(&rows[row * k + column..][..QUAD]);
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
    for (x, out) in x.chunks(CHUNK * weights.k).zip(out.chunks_mut(CHUNK * weights.m())) {
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
    let mut wide = vec![0.0; CHUNK.min(x.len() / hidden) * 2 * inner];
    for (x, out) in x.chunks(CHUNK * hidden).zip(out.chunks_mut(CHUNK * hidden)) {
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
    fn order_puts_four_columns_of_four_rows_together() {
        let (m, k, group) = (8, 12, 4);
        let mut values: Vec<i8> = (0..m * k).map(|at| at as i8).collect();
        let mut scales: Vec<f32> = (0..m * k / group).map(|at| at as f32).collect();
        order(&mut values, &mut scales, k, group);
        // Band 1, quad 2, row 3, column 1 of the quad: row 7, column 9.
        assert_eq!(values[((4 / BAND * 3 + 2) * BAND + 3) * QUAD + 1], (7 * k + 9) as i8);
        assert_eq!(scales[..8], [0.0, 3.0, 6.0, 9.0, 1.0, 4.0, 7.0, 10.0]);
        assert_eq!(scales[12], 12.0);
    }
}
