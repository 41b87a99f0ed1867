//! The gated activation of the MLP.

use super::maths::{Exp2, FINE, Number, erf};
use crate::config::Activation;
use std::hint::black_box;
use wide::f32x4;

/// Returns `v / (1 + e^-v)` as a function.
#[inline(always)]
pub(super) fn silu<V: Number>() -> impl Fn(V) -> V {
    let numbers = [-std::f32::consts::LOG2_E, 126.0, 1.0];
    let (exp2, [log2_e, highest, one]) = (Exp2::<_, V>::new(FINE), black_box(numbers.map(V::splat)));
    move |v| v / (one + exp2.of((v * log2_e).lower(highest)))
}

/// Computes `v / 2 (1 + erf(v / √2))`.
#[inline(always)]
pub(super) fn gelu<V: Number>(v: V) -> V {
    V::splat(0.5) * v * (V::splat(1.0) + erf(v * V::splat(std::f32::consts::FRAC_1_SQRT_2)))
}

/// Returns `v / 2 (1 + tanh(√(2/π) (v + 0.044715 v³)))` as a function, computed as `v / (1 + e^-2(…))`.
#[inline(always)]
pub(super) fn gelu_tanh<V: Number>() -> impl Fn(V) -> V {
    let linear = -2.0 * (2.0 / std::f32::consts::PI).sqrt() * std::f32::consts::LOG2_E;
    let numbers = [linear, linear * 0.044_715, 126.0, 1.0];
    let (exp2, [linear, cubic, highest, one]) = (Exp2::<_, V>::new(FINE), black_box(numbers.map(V::splat)));
    move |v| v / (one + exp2.of((v * (linear + cubic * v * v)).lower(highest)))
}

#[inline(always)]
fn gate_with(row: &[f32], out: &mut [f32], activation: impl Fn(f32x4) -> f32x4) {
    const LANES: usize = 4;
    let (value, gate) = row.split_at(out.len());
    let ((value, value_rest), (gate, gate_rest)) = (value.as_chunks::<LANES>(), gate.as_chunks::<LANES>());
    let (out, out_rest) = out.as_chunks_mut::<LANES>();
    for ((out, v), g) in out.iter_mut().zip(value).zip(gate) {
        *out = (activation(f32x4::new(*v)) * f32x4::new(*g)).to_array();
    }
    for ((out, v), g) in out_rest.iter_mut().zip(value_rest).zip(gate_rest) {
        *out = activation(f32x4::splat(*v)).to_array()[0] * g;
    }
}

/// Computes `act(row[..i]) * row[i..]`: `row` [2 * i], `out` [i].
pub(super) fn gate_row(row: &[f32], activation: Activation, out: &mut [f32]) {
    match activation {
        Activation::Silu => gate_with(row, out, silu()),
        Activation::Gelu => gate_with(row, out, gelu),
        // Of what has a gate nothing takes the tanh form.
        Activation::GeluTanh => gate_with(row, out, gelu_tanh()),
    }
}

/// Computes [`gate_row`] in registers as wide as its caller has them, with the same bits.
#[cfg(all(target_arch = "x86_64", not(feature = "relaxed")))]
#[inline(always)]
pub(super) fn gate_row_wide(row: &[f32], activation: Activation, out: &mut [f32]) {
    let (value, gate) = row.split_at(out.len());
    let all = out.iter_mut().zip(value).zip(gate);
    match activation {
        Activation::Silu => {
            let silu = silu();
            all.for_each(|((out, v), g)| *out = silu(*v) * g);
        }
        Activation::Gelu => all.for_each(|((out, v), g)| *out = gelu(*v) * g),
        Activation::GeluTanh => {
            let gelu_tanh = gelu_tanh();
            all.for_each(|((out, v), g)| *out = gelu_tanh(*v) * g);
        }
    }
}

/// Computes the gate over rows: `u` [n, 2 * inner], `out` [n, inner].
pub fn gate(u: &[f32], inner: usize, activation: Activation, out: &mut [f32]) {
    for (row, out) in u.chunks_exact(2 * inner).zip(out.chunks_exact_mut(inner)) {
        gate_row(row, activation, out);
    }
}
