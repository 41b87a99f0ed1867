//! Rotary position tables: Su and others, arXiv 2104.09864, in the half-split form.

use std::sync::{Mutex, PoisonError};

use burn::tensor::Tensor;

use crate::kernels;

/// Tables start at this many positions and double.
const SHORTEST: usize = 512;

/// The cosines and sines of one base, for as many positions as have been asked for.
pub(super) struct Rope {
    theta: f64,
    head_size: usize,
    table: Mutex<Option<Tensor<2>>>,
}

impl Rope {
    pub fn new(theta: f64, head_size: usize) -> Self {
        Self { theta, head_size, table: Mutex::new(None) }
    }

    /// Returns a table [at least `positions`, head size]: for each position d/2 cosines, then d/2 sines.
    pub fn table(&self, positions: usize, device: &burn::tensor::Device) -> Tensor<2> {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(table) = table.as_ref().filter(|table| table.dims()[0] >= positions) {
            return table.clone();
        }
        let rows = positions.max(SHORTEST).next_power_of_two();
        let values = angles(self.theta, self.head_size, rows);
        let made = kernels::floats(values, [rows, self.head_size], device);
        table.insert(made).clone()
    }
}

/// Computes the cosines and sines of `angle[p, j] = p * theta^(-2j/d)`. The frequencies and the products are f32, as
/// in the reference; only the cosine and sine of that angle are taken in f64.
fn angles(theta: f64, head_size: usize, rows: usize) -> Vec<f32> {
    let frequency = |j: usize| theta.powf(-2.0 * j as f64 / head_size as f64) as f32;
    let frequencies: Vec<f32> = (0..head_size / 2).map(frequency).collect();
    let mut values = Vec::with_capacity(rows * head_size);
    for position in 0..rows {
        let angle = |f: &f32| f64::from(position as f32 * f);
        values.extend(frequencies.iter().map(|f| angle(f).cos() as f32));
        values.extend(frequencies.iter().map(|f| angle(f).sin() as f32));
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn angles_are_cosines_then_sines() {
        let values = angles(10_000.0, 4, 3);
        // Position 2: angles 2 and 2 * 10000^(-1/2) = 0.02.
        let want = [2f64.cos(), 0.02f64.cos(), 2f64.sin(), 0.02f64.sin()];
        for (value, want) in values[8..].iter().zip(want) {
            assert!((f64::from(*value) - want).abs() < 1e-7);
        }
    }
}
