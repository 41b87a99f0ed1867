//! Layer norm: two passes over a row that fits the first-level cache.

/// Partial sums per row; one vector register of any width that felsic meets.
const LANES: usize = 16;

/// Sums `term(v)` in `LANES` partial sums, which both vectorises and keeps rounding low.
#[inline(always)]
fn sum(row: &[f32], term: impl Fn(f32) -> f32) -> f32 {
    let mut lanes = [0.0f32; LANES];
    let chunks = row.chunks_exact(LANES);
    let tail: f32 = chunks.remainder().iter().map(|v| term(*v)).sum();
    for chunk in chunks {
        for (lane, v) in lanes.iter_mut().zip(chunk) {
            *lane += term(*v);
        }
    }
    lanes.iter().sum::<f32>() + tail
}

/// Computes `(x - mean) / sqrt(variance + eps) * gain` over one row.
#[inline(always)]
pub(super) fn norm_row(row: &[f32], gain: &[f32], eps: f32, out: &mut [f32]) {
    let width = gain.len() as f32;
    let mean = sum(row, |v| v) / width;
    let variance = sum(row, |v| (v - mean) * (v - mean)) / width;
    let scale = 1.0 / (variance + eps).sqrt();
    for ((out, v), g) in out.iter_mut().zip(row).zip(gain) {
        *out = (v - mean) * scale * g;
    }
}

/// Computes the norm over rows of `gain.len()`; `out` is as long as `x`.
pub fn layer_norm(x: &[f32], gain: &[f32], eps: f32, out: &mut [f32]) {
    for (row, out) in x.chunks_exact(gain.len()).zip(out.chunks_exact_mut(gain.len())) {
        norm_row(row, gain, eps, out);
    }
}
