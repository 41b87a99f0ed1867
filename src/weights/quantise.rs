//! Values to int8 with one scale for each group.
//!
//! Symmetric: `scale = max|v| / 127` over a group, rounded to f16 because a pack stores it so, and
//! `integer = round(v / scale)` with the rounded scale, so that storing adds no error of its own. Every
//! value comes back within half a scale. A group costs two bytes: with 32 columns 6 % of the matrix.

use half::f16;

use super::{Matrix, Scales};
use crate::error::{Code, Error, Result};

/// Quantises `values` [rows, cols] with one scale for every `group` columns.
///
/// # Errors
/// [`Code::InputInvalid`] for a `group` that does not divide `cols` or lengths that do not fit;
/// [`Code::WeightsInvalid`] for NaN, infinities and magnitudes past 8 million, whose scale f16 cannot hold.
pub fn quantise_rows(values: &[f32], rows: usize, cols: usize, group: usize) -> Result<Matrix> {
    check_groups(values, rows, cols, group)?;
    let mut integers = Vec::with_capacity(values.len());
    let mut scales = Vec::with_capacity(values.len() / group);
    for values in values.chunks_exact(group) {
        let scale = scale_of(values)?;
        scales.push(f16::from_f32(scale));
        match scale > 0.0 {
            true => integers.extend(values.iter().map(|value| (value / scale).round().clamp(-127.0, 127.0) as i8)),
            false => integers.extend(values.iter().map(|_| 0i8)),
        }
    }
    Ok(Matrix::Int8 { rows, cols, group, values: integers, scales: Scales::F16(scales) })
}

/// Checks that `values` are [rows, cols] and `group` columns cut a row evenly.
pub(super) fn check_groups(values: &[f32], rows: usize, cols: usize, group: usize) -> Result<()> {
    if group == 0 || cols == 0 || !cols.is_multiple_of(group) {
        return Err(Error::new(Code::InputInvalid, format!("{cols} columns cannot be divided into groups of {group}")));
    }
    if rows.checked_mul(cols) != Some(values.len()) {
        return Err(Error::new(
            Code::InputInvalid,
            format!("{} values do not make a matrix of {rows} x {cols}", values.len()),
        ));
    }
    Ok(())
}

/// Returns the largest magnitude; infinity if there is NaN.
pub(super) fn largest(values: &[f32]) -> f32 {
    values.iter().fold(0.0f32, |most, value| match value.is_nan() {
        true => f32::INFINITY,
        false => most.max(value.abs()),
    })
}

/// Returns the scale of one group, exactly as an f16 holds it; 0 for a group of zeros.
fn scale_of(values: &[f32]) -> Result<f32> {
    let largest = largest(values);
    let rounded = f16::from_f32(largest / 127.0);
    // Rounding down must not push the largest value past 127.5. For normal f16 it never does; for the
    // smallest ones the next f16 up is taken.
    let scale = match largest > 127.5 * rounded.to_f32() {
        true => f16::from_bits(rounded.to_bits() + 1),
        false => rounded,
    };
    match scale.is_finite() {
        true => Ok(scale.to_f32()),
        false => Err(Error::new(Code::WeightsInvalid, format!("a weight of {largest} cannot be stored as int8"))),
    }
}
