//! The plain bodies: each states its maths in the fewest words, and the fast bodies are tested
//! against it. Sums are in f64, so that a difference is the fast body's.

use super::{AttentionShape, QUERY_COLUMNS};
use crate::config::Activation;

/// Computes `x · Wᵀ`: `x` [n, k], `weight` [m, k] -> [n, m].
pub fn linear(x: &[f32], weight: &[f32], k: usize) -> Vec<f32> {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>() as f32;
    x.chunks_exact(k).flat_map(|row| weight.chunks_exact(k).map(move |w| dot(row, w))).collect()
}

/// Computes [`linear`] with int8 weights and one scale for each `group` of k: `weight` [m, k], `scales` [m, k / group].
pub fn linear_int8(x: &[f32], weight: &[i8], scales: &[f32], k: usize, group: usize) -> Vec<f32> {
    linear(x, &widen(weight, scales, group), k)
}

/// Computes [`linear_int8`] with activations rounded to 8 bits, as a CPU does, and to the bit: a product of integers
/// for each group, times its scale and its step, added in f32 in the order of the groups. A group of more than 32 columns
/// is cut into the fewest equal parts of whole fours that have no more.
pub fn linear_bytes(x: &[f32], weight: &[i8], scales: &[f32], k: usize, group: usize) -> Vec<f32> {
    let parts = (1..=group).filter(|parts| group.is_multiple_of(4 * parts));
    let part = parts.map(|parts| group / parts).find(|part| *part <= 32).expect("a group of whole fours");
    let dot = |w: &[i8], a: &[i8]| w.iter().zip(a).map(|(w, a)| i32::from(*w) * i32::from(*a)).sum::<i32>() as f32;
    let mut out = Vec::with_capacity(x.len() / k * (weight.len() / k));
    for token in x.chunks_exact(k) {
        let rounded: Vec<_> = token.chunks_exact(part).map(round).collect();
        for (row, scales) in weight.chunks_exact(k).zip(scales.chunks_exact(k / group)) {
            let parts = row.chunks_exact(part).zip(&rounded).enumerate();
            out.push(parts.fold(0.0, |sum, (at, (row, (integers, step)))| {
                sum + dot(row, integers) * (scales[at * part / group] * step)
            }));
        }
    }
    out
}

/// Rounds activations to integers of 8 bits with one step: the largest magnitude becomes ±127, halves go to even numbers.
/// What is too small to have a step is zero, and the step of what is not finite is no number.
fn round(values: &[f32]) -> (Vec<i8>, f32) {
    let largest = values.iter().fold(0.0f32, |most, v| if v.is_nan() { f32::INFINITY } else { most.max(v.abs()) });
    let inverse = 127.0 / largest;
    match largest.is_finite() {
        true if inverse.is_finite() => {
            (values.iter().map(|v| (v * inverse).round_ties_even() as i8).collect(), largest / 127.0)
        }
        true => (vec![0; values.len()], 0.0),
        false => (vec![0; values.len()], f32::NAN),
    }
}

/// Returns int8 weights as the numbers that they stand for.
pub fn widen(weight: &[i8], scales: &[f32], group: usize) -> Vec<f32> {
    weight.chunks_exact(group).zip(scales).flat_map(|(w, s)| w.iter().map(move |w| f32::from(*w) * s)).collect()
}

/// Computes layer norm without bias over rows of `gain.len()`.
pub fn layer_norm(x: &[f32], gain: &[f32], eps: f32) -> Vec<f32> {
    let width = gain.len() as f64;
    let row_norm = |row: &[f32]| {
        let mean = row.iter().map(|v| f64::from(*v)).sum::<f64>() / width;
        let variance = row.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / width;
        let scale = 1.0 / (variance + f64::from(eps)).sqrt();
        row.iter().zip(gain).map(|(v, g)| ((f64::from(*v) - mean) * scale * f64::from(*g)) as f32).collect::<Vec<_>>()
    };
    x.chunks_exact(gain.len()).flat_map(row_norm).collect()
}

/// Turns one head to its position: `(a, b) -> (a cos - b sin, b cos + a sin)` over the two halves.
pub fn rotate(head: &[f32], angles: &[f32]) -> Vec<f32> {
    let half = head.len() / 2;
    let (cos, sin) = angles.split_at(half);
    let first = (0..half).map(|j| head[j] * cos[j] - head[j + half] * sin[j]);
    let second = (0..half).map(|j| head[j + half] * cos[j] + head[j] * sin[j]);
    first.chain(second).collect()
}

/// Computes attention as [`super::Kernels::attention`] describes it.
pub fn attention(q: &[f32], kv: &[f32], rope: &[f32], queries: &[i32], shape: AttentionShape) -> Vec<f32> {
    let AttentionShape { heads, head_size: d, half_window, .. } = shape;
    let width = heads * d;
    let mut out = vec![0.0; q.len()];
    for (index, query) in queries.chunks_exact(QUERY_COLUMNS).enumerate() {
        let [position, first, end] = [query[0] as usize, query[1] as usize, query[2] as usize];
        let sees = |p: &usize| half_window.is_none_or(|half| p.abs_diff(position) <= half);
        for head in 0..heads {
            let turned = rotate(&q[index * width + head * d..][..d], &rope[position * d..][..d]);
            let visible: Vec<usize> = (0..end - first).filter(sees).collect();
            let score = |p: usize| {
                let key = rotate(&kv[(first + p) * 2 * width + head * d..][..d], &rope[p * d..][..d]);
                turned.iter().zip(&key).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>() / (d as f64).sqrt()
            };
            let scores: Vec<f64> = visible.iter().map(|p| score(*p)).collect();
            let highest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let shares: Vec<f64> = scores.iter().map(|s| (s - highest).exp()).collect();
            let total: f64 = shares.iter().sum();
            for j in 0..d {
                let value = |p: usize| f64::from(kv[(first + p) * 2 * width + width + head * d + j]);
                let sum: f64 = visible.iter().zip(&shares).map(|(p, share)| share * value(*p)).sum();
                out[index * width + head * d + j] = (sum / total) as f32;
            }
        }
    }
    out
}

/// Computes SiLU or either form of GELU in f64.
pub fn activate(x: f32, activation: Activation) -> f64 {
    let x = f64::from(x);
    match activation {
        Activation::Silu => x / (1.0 + (-x).exp()),
        Activation::Gelu => x * 0.5 * (1.0 + erf(x / std::f64::consts::SQRT_2)),
        Activation::GeluTanh => {
            let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3));
            x * 0.5 * (1.0 + inner.tanh())
        }
    }
}

/// Computes `act(x + bias)` over rows of `bias.len()`, without an activation the sum alone.
pub fn add_bias(x: &[f32], bias: &[f32], activation: Option<Activation>) -> Vec<f32> {
    let act = |sum: f32| activation.map_or(sum, |activation| activate(sum, activation) as f32);
    x.chunks_exact(bias.len()).flat_map(|row| row.iter().zip(bias).map(|(v, b)| act(v + b))).collect()
}

/// Computes `act(first half) * second half` over rows of `2 * inner`.
pub fn gate(u: &[f32], inner: usize, activation: Activation) -> Vec<f32> {
    let row_gate = |row: &[f32]| {
        let (value, gate) = row.split_at(inner);
        let pair = |(v, g): (&f32, &f32)| (activate(*v, activation) * f64::from(*g)) as f32;
        value.iter().zip(gate).map(pair).collect::<Vec<_>>()
    };
    u.chunks_exact(2 * inner).flat_map(row_gate).collect()
}

/// Computes `x + Wo · gate(Wi · norm(x))` with plain weights: `wide` [2i, h], `narrow` [h, i].
pub fn mlp(x: &[f32], gain: &[f32], wide: &[f32], narrow: &[f32], eps: f32, activation: Activation) -> Vec<f32> {
    let (hidden, inner) = (gain.len(), narrow.len() / gain.len());
    let gated = gate(&linear(&layer_norm(x, gain, eps), wide, hidden), inner, activation);
    linear(&gated, narrow, inner).iter().zip(x).map(|(made, x)| made + x).collect()
}

/// Computes the error function by its Maclaurin series (small arguments) or its continued fraction (large),
/// both to f64 accuracy: Abramowitz and Stegun 7.1.6 and 7.1.14.
fn erf(x: f64) -> f64 {
    let magnitude = x.abs();
    if magnitude < 3.0 {
        let (mut term, mut sum, mut n) = (x, x, 0.0);
        while term.abs() > 1e-17 * sum.abs() {
            n += 1.0;
            term *= 2.0 * x * x / (2.0 * n + 1.0);
            sum += term;
        }
        return 2.0 / std::f64::consts::PI.sqrt() * (-x * x).exp() * sum;
    }
    let fraction = (1..60).rev().fold(magnitude, |below, n| magnitude + f64::from(n) / 2.0 / below);
    (1.0 - (-x * x).exp() / std::f64::consts::PI.sqrt() / fraction) * x.signum()
}

#[cfg(test)]
mod tests {
    use super::erf;

    #[test]
    fn erf_has_its_tabulated_values() {
        // Abramowitz and Stegun, table 7.1.
        for (x, want) in
            [(0.0, 0.0), (0.5, 0.5204998778), (1.0, 0.8427007929), (2.0, 0.9953222650), (3.5, 0.9999992569)]
        {
            assert!((erf(x) - want).abs() < 1e-9, "erf({x}) = {}", erf(x));
            assert!((erf(-x) + want).abs() < 1e-9);
        }
    }
}
