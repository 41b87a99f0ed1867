//! The gated activation of the MLP.

use super::{erf, exp};
use crate::config::Activation;

#[inline(always)]
fn gate_rows(u: &[f32], inner: usize, out: &mut [f32], act: impl Fn(f32) -> f32) {
    for (row, out) in u.chunks_exact(2 * inner).zip(out.chunks_exact_mut(inner)) {
        let (value, gate) = row.split_at(inner);
        for ((out, v), g) in out.iter_mut().zip(value).zip(gate) {
            *out = act(*v) * g;
        }
    }
}

/// `act(u[:, ..inner]) * u[:, inner..]`: `u` [n, 2 * inner], `out` [n, inner].
pub fn gate(u: &[f32], inner: usize, activation: Activation, out: &mut [f32]) {
    match activation {
        Activation::Silu => gate_rows(u, inner, out, |v| v / (1.0 + exp(-v))),
        Activation::Gelu => gate_rows(u, inner, out, |v| 0.5 * v * (1.0 + erf(v * std::f32::consts::FRAC_1_SQRT_2))),
    }
}
