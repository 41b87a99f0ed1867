//! Values to int4 with one scale for each group, two to a byte.
//!
//! Integers are -8..=7, and the value of largest magnitude lies on the negative side, which reaches one step
//! further; a scale may thus be negative. How far out that value lies is tried in tenths of a step, from 6 to 9 steps,
//! and the squared error of the group decides: a little cut off the largest value makes all the others finer.
//! As with int8 the scale is rounded to f16 before the integers are made. With groups of 32 columns a weight costs
//! 4.5 bits.
//!
//! Byte `j` of a row holds column `2j` in its low half and column `2j + 1` in its high half, each as
//! `integer + 8`: a mask or a shift and one subtraction expand it. That order does not depend on the group, so
//! a whole matrix expands in one loop, ten times as fast as if the halves of a group were apart.

use std::ops::RangeInclusive;

use half::f16;

use super::quantise::{check_groups, largest};
use super::{Matrix, Scales};
use crate::error::{Code, Error, Result};

/// Added to an integer, so that no half byte has a sign.
const OFFSET: u8 = 8;
/// Distances from zero that the value of largest magnitude may have, in tenths of a step. 80 is the plain choice.
const TENTHS: RangeInclusive<u8> = 60..=90;

/// Quantises `values` [rows, cols] with one scale for every `group` columns.
///
/// # Errors
/// [`Code::InputInvalid`] for a `group` that is odd or does not divide `cols`, or lengths that do not fit;
/// [`Code::WeightsInvalid`] for NaN, infinities and magnitudes past 500 thousand, whose scale f16 cannot hold.
pub fn quantise_rows_int4(values: &[f32], rows: usize, cols: usize, group: usize) -> Result<Matrix> {
    check_groups(values, rows, cols, group)?;
    if !group.is_multiple_of(2) {
        return Err(Error::new(Code::InputInvalid, format!("groups of {group} int4 values do not fill whole bytes")));
    }
    let mut bytes = Vec::with_capacity(values.len() / 2);
    let mut scales = Vec::with_capacity(values.len() / group);
    for values in values.chunks_exact(group) {
        let scale = scale_of(values)?;
        let stored = |value| (nearest(value, scale.to_f32()) as i8 + OFFSET as i8) as u8;
        bytes.extend(values.as_chunks().0.iter().map(|[low, high]| stored(*low) | stored(*high) << 4));
        scales.push(scale);
    }
    Ok(Matrix::Int4 { rows, cols, group, bytes, scales: Scales::F16(scales) })
}

/// Expands bytes to integers, -8..=7, in the order of their columns.
pub(super) fn expand(bytes: &[u8]) -> Result<Vec<i8>> {
    let mut values = Vec::new();
    values.try_reserve_exact(2 * bytes.len())?;
    values.extend(bytes.iter().flat_map(|byte| integers(*byte)));
    Ok(values)
}

/// Appends the values of a row, with one scale for every `group` columns.
pub(super) fn widen(bytes: &[u8], group: usize, scales: impl Iterator<Item = f32>, out: &mut Vec<f32>) {
    let start = out.len();
    out.resize(start + 2 * bytes.len(), 0.0);
    let groups = out[start..].chunks_exact_mut(group).zip(bytes.chunks_exact(group / 2));
    for ((values, bytes), scale) in groups.zip(scales) {
        for (values, byte) in values.as_chunks_mut().0.iter_mut().zip(bytes) {
            *values = integers(*byte).map(|integer| scale * f32::from(integer));
        }
    }
}

/// Returns the integers of two neighbours.
fn integers(byte: u8) -> [i8; 2] {
    [byte & 15, byte >> 4].map(|half| half.wrapping_sub(OFFSET) as i8)
}

/// Returns the scale of one group, exactly as an f16 holds it; 0 for a group of zeros.
fn scale_of(values: &[f32]) -> Result<f16> {
    let largest = largest(values);
    if !f16::from_f32(largest / 8.0).is_finite() {
        return Err(Error::new(Code::WeightsInvalid, format!("a weight of {largest} cannot be stored as int4")));
    }
    let signed = if values.contains(&largest) { largest } else { -largest };
    let mut best = f16::ZERO;
    let mut least = squared_error(values, 0.0);
    for tenths in TENTHS {
        let scale = f16::from_f32(-10.0 * signed / f32::from(tenths));
        let error = squared_error(values, scale.to_f32());
        // Never true for an infinite scale, whose error is NaN.
        if error < least {
            (best, least) = (scale, error);
        }
    }
    Ok(best)
}

/// Returns what a scale costs a group: the sum of all squared differences.
fn squared_error(values: &[f32], scale: f32) -> f32 {
    values.iter().map(|value| value - scale * nearest(*value, scale)).map(|off| off * off).sum()
}

/// Returns the integer nearest to `value`; 0 for a scale of 0.
fn nearest(value: f32, scale: f32) -> f32 {
    if scale == 0.0 { 0.0 } else { round((value / scale).clamp(-8.0, 7.0)) }
}

/// Rounds a small number: from 2^23 on an f32 has no fraction. It takes two additions, where `f32::round` is a call on
/// processors without an instruction for it.
fn round(small: f32) -> f32 {
    const WHOLE: f32 = 12_582_912.0;
    (small + WHOLE) - WHOLE
}
