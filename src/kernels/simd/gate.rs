//! The gated activation of the MLP.

use super::{erf, exp};
use crate::config::Activation;

#[inline(always)]
fn gate_with(row: &[f32], out: &mut [f32], act: impl Fn(f32) -> f32) {
    let (value, gate) = row.split_at(out.len());
    for ((out, v), g) in out.iter_mut().zip(value).zip(gate) {
        *out = act(*v) * g;
    }
}

/// `act(row[..i]) * row[i..]`: `row` [2 * i], `out` [i].
pub(super) fn gate_row(row: &[f32], activation: Activation, out: &mut [f32]) {
    match activation {
        Activation::Silu => gate_with(row, out, |v| v / (1.0 + exp(-v))),
        Activation::Gelu => gate_with(row, out, |v| 0.5 * v * (1.0 + erf(v * std::f32::consts::FRAC_1_SQRT_2))),
    }
}

/// [`gate_row`] over rows: `u` [n, 2 * inner], `out` [n, inner].
pub fn gate(u: &[f32], inner: usize, activation: Activation, out: &mut [f32]) {
    for (row, out) in u.chunks_exact(2 * inner).zip(out.chunks_exact_mut(inner)) {
        gate_row(row, activation, out);
    }
}
