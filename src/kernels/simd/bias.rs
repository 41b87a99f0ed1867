//! Biases, and the activation of an MLP without a gate.

use super::gate::{gelu, gelu_tanh, silu};
use crate::config::Activation;
use wide::f32x4;

const LANES: usize = 4;

#[inline(always)]
fn add_with(x: &mut [f32], bias: &[f32], activation: impl Fn(f32x4) -> f32x4) {
    let (bias, bias_rest) = bias.as_chunks::<LANES>();
    for row in x.chunks_exact_mut(bias.len() * LANES + bias_rest.len()) {
        let (row, rest) = row.as_chunks_mut::<LANES>();
        for (v, b) in row.iter_mut().zip(bias) {
            *v = activation(f32x4::new(*v) + f32x4::new(*b)).to_array();
        }
        for (v, b) in rest.iter_mut().zip(bias_rest) {
            *v = activation(f32x4::splat(*v + b)).to_array()[0];
        }
    }
}

/// Computes `act(x + bias)` in place over rows of `bias.len()`; without an activation the sum alone.
pub fn add_bias(x: &mut [f32], bias: &[f32], activation: Option<Activation>) {
    match activation {
        None => add_with(x, bias, |v| v),
        Some(Activation::Silu) => add_with(x, bias, silu()),
        Some(Activation::Gelu) => add_with(x, bias, gelu),
        Some(Activation::GeluTanh) => add_with(x, bias, gelu_tanh()),
    }
}
