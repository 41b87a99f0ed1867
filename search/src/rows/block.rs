//! Rows that lie one after another in memory.

use super::quantise::FINE_STEPS;
use super::{LARGEST, LENGTH_TOLERANCE, check_dimensions, decimal, invalid};
use crate::error::{Code, Error, Result};

/// The largest scale that a unit vector's row can have.
const MOST_SCALE: f32 = (1.0 + LENGTH_TOLERANCE as f32) / LARGEST as f32;

/// Rows that lie one after another in memory: their scales, coarse components and, perhaps, fine ones.
#[derive(Clone, Copy, Debug)]
pub struct Block<'a> {
    dimensions: usize,
    scales: &'a [f32],
    coarse: &'a [i8],
    fine: Option<&'a [i8]>,
}

impl<'a> Block<'a> {
    /// Takes the scales of n rows, and their coarse and fine components, [n, dimensions].
    ///
    /// Returns `input-invalid` if their lengths contradict each other, and `index-invalid` if a scale cannot be that of a
    /// unit vector.
    pub fn new(dimensions: usize, scales: &'a [f32], coarse: &'a [i8], fine: Option<&'a [i8]>) -> Result<Self> {
        check_dimensions(dimensions)?;
        let want = scales.len().checked_mul(dimensions);
        for (name, got) in [("coarse", Some(coarse.len())), ("fine", fine.map(<[i8]>::len))] {
            if got.is_some() && got != want {
                let (rows, got) = (scales.len(), got.unwrap_or_default());
                return Err(invalid(format!(
                    "{rows} rows of {dimensions} dimensions do not have {got} {name} components"
                )));
            }
        }
        if let Some(row) = scales.iter().position(|scale| !(*scale > 0.0 && *scale <= MOST_SCALE)) {
            return Err(damaged(row, "a scale that no vector of unit length has".into()));
        }
        Ok(Self::of(dimensions, scales, coarse, fine))
    }

    /// Takes rows that have been checked.
    pub(super) fn of(dimensions: usize, scales: &'a [f32], coarse: &'a [i8], fine: Option<&'a [i8]>) -> Self {
        Self { dimensions, scales, coarse, fine }
    }

    /// Returns the number of components of a vector.
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// Returns the number of rows.
    pub fn len(&self) -> usize {
        self.scales.len()
    }

    /// Returns whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.scales.is_empty()
    }

    /// Returns the scales, one for each row.
    pub fn scales(&self) -> &'a [f32] {
        self.scales
    }

    /// Returns the coarse components, [n, dimensions].
    pub fn coarse(&self) -> &'a [i8] {
        self.coarse
    }

    /// Returns the fine components, [n, dimensions], if the rows have them.
    pub fn fine(&self) -> Option<&'a [i8]> {
        self.fine
    }

    /// Returns `count` of these rows, which must be there.
    pub(crate) fn part(&self, from: usize, count: usize) -> Self {
        let components = from * self.dimensions..(from + count) * self.dimensions;
        Self {
            dimensions: self.dimensions,
            scales: &self.scales[from..from + count],
            coarse: &self.coarse[components.clone()],
            fine: self.fine.map(|fine| &fine[components]),
        }
    }

    /// Returns the components of the vectors, [n, dimensions]: to 16 bits where there is `fine`, otherwise to 8.
    pub fn vector(&self) -> impl Iterator<Item = f32> {
        let scales = self.scales.iter().flat_map(|scale| std::iter::repeat_n(*scale, self.dimensions));
        let components = scales.zip(self.coarse).enumerate();
        components.map(|(at, (scale, coarse))| component(scale, *coarse, self.fine.map(|fine| fine[at])))
    }

    /// Checks that every row can be that of a unit vector; returns `index-invalid` otherwise.
    pub(crate) fn check_rows(&self) -> Result<()> {
        let fine = self.fine.unwrap_or(&[]);
        for (row, (scale, coarse)) in self.scales.iter().zip(self.coarse.chunks_exact(self.dimensions)).enumerate() {
            let length = f64::from(*scale) * f64::from(felsic_scan::squares(coarse)).sqrt();
            check_length(row, length, *scale, self.dimensions)?;
        }
        if self.coarse.contains(&i8::MIN) || fine.contains(&i8::MIN) {
            return Err(damaged(0, "a component of -128; they go from -127 to 127".into()));
        }
        Ok(())
    }
}

/// Returns a component of a vector.
#[inline(always)]
pub(crate) fn component(scale: f32, coarse: i8, fine: Option<i8>) -> f32 {
    scale * (f32::from(coarse) + fine.map_or(0.0, |fine| f32::from(fine) * (1.0 / FINE_STEPS)))
}

/// Checks the length of a row's coarse vector. Rounding moves each component by half a scale at most, and so the
/// length by half a scale times the root of the dimensions.
pub(crate) fn check_length(row: usize, length: f64, scale: f32, dimensions: usize) -> Result<()> {
    let rounding = 0.5 * f64::from(scale) * (dimensions as f64).sqrt();
    if (length - 1.0).abs() <= rounding + 2.0 * LENGTH_TOLERANCE {
        return Ok(());
    }
    Err(damaged(row, format!("a vector of length {}; all have the length 1", decimal(length))))
}

/// Returns an `index-invalid` error about a row.
fn damaged(row: usize, what: String) -> Error {
    Error::new(Code::IndexInvalid, format!("the rows are damaged: row {row} has {what}. Make them again"))
}
