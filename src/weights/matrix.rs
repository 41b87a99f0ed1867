//! A matrix in the format in which it is kept.

use super::{ElementType, Scales, int4};
use crate::error::Result;

/// The two half-precision types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HalfType {
    /// IEEE 754 binary16.
    F16,
    /// The upper half of a binary32.
    BF16,
}

impl HalfType {
    fn element(self) -> ElementType {
        match self {
            HalfType::F16 => ElementType::F16,
            HalfType::BF16 => ElementType::BF16,
        }
    }
}

/// A matrix [rows, cols], row-major. The code that makes one ensures that the lengths fit.
#[derive(Clone, Debug, PartialEq)]
pub enum Matrix {
    /// Plain values.
    F32 {
        /// Number of rows.
        rows: usize,
        /// Number of columns.
        cols: usize,
        /// [rows, cols].
        values: Vec<f32>,
    },
    /// Half precision as it was stored: a checkpoint's vocabulary table, whose rows widen one at a time.
    Half {
        /// Number of rows.
        rows: usize,
        /// Number of columns.
        cols: usize,
        /// Which half precision.
        element: HalfType,
        /// [rows, cols], two bytes each, little-endian.
        bytes: Vec<u8>,
    },
    /// Integers that share a scale in groups along a row: `value = scale * integer`.
    Int8 {
        /// Number of rows.
        rows: usize,
        /// Number of columns, a multiple of `group`.
        cols: usize,
        /// Columns that share a scale; `cols` means one scale for each row.
        group: usize,
        /// [rows, cols], each in -127..=127.
        values: Vec<i8>,
        /// [rows, cols / group].
        scales: Scales,
    },
    /// As `Int8`, with integers of half a byte: a vocabulary table, whose rows widen one at a time.
    Int4 {
        /// Number of rows.
        rows: usize,
        /// Number of columns, a multiple of `group`.
        cols: usize,
        /// Columns that share a scale, an even number; `cols` means one scale for each row.
        group: usize,
        /// [rows, cols / 2], in the order that [`quantise_rows_int4`](super::quantise_rows_int4) returns them in.
        bytes: Vec<u8>,
        /// [rows, cols / group].
        scales: Scales,
    },
}

impl Matrix {
    /// Splits a matrix into its first `at` rows and the rest; what is not int8 widens to f32.
    pub fn split_rows(self, at: usize) -> (Matrix, Matrix) {
        match self {
            Matrix::Int8 { rows, cols, group, mut values, mut scales } => {
                let (rest_values, rest_scales) = (values.split_off(at * cols), scales.split_off(at * (cols / group)));
                (
                    Matrix::Int8 { rows: at, cols, group, values, scales },
                    Matrix::Int8 { rows: rows - at, cols, group, values: rest_values, scales: rest_scales },
                )
            }
            other => {
                let (rows, cols) = (other.rows(), other.cols());
                let mut values = other.into_f32();
                let rest = values.split_off(at * cols);
                (Matrix::F32 { rows: at, cols, values }, Matrix::F32 { rows: rows - at, cols, values: rest })
            }
        }
    }

    /// Puts the rows of `below` under those of this matrix, which has as many columns; the two become f32 unless both are int8
    /// in the same groups.
    pub fn join_rows(self, below: Matrix) -> Matrix {
        let rows = self.rows() + below.rows();
        match (self, below) {
            (
                Matrix::Int8 { cols, group, mut values, mut scales, .. },
                Matrix::Int8 { group: same, values: more, scales: more_scales, .. },
            ) if group == same => {
                values.extend(more);
                scales.extend(more_scales);
                Matrix::Int8 { rows, cols, group, values, scales }
            }
            (above, below) => {
                let cols = above.cols();
                let mut values = above.into_f32();
                values.extend(below.into_f32());
                Matrix::F32 { rows, cols, values }
            }
        }
    }

    /// Returns the number of rows.
    pub fn rows(&self) -> usize {
        match self {
            Matrix::F32 { rows, .. }
            | Matrix::Half { rows, .. }
            | Matrix::Int8 { rows, .. }
            | Matrix::Int4 { rows, .. } => *rows,
        }
    }

    /// Returns the number of columns.
    pub fn cols(&self) -> usize {
        match self {
            Matrix::F32 { cols, .. }
            | Matrix::Half { cols, .. }
            | Matrix::Int8 { cols, .. }
            | Matrix::Int4 { cols, .. } => *cols,
        }
    }

    /// Appends the values of one row to `out`.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn row(&self, row: usize, out: &mut Vec<f32>) {
        match self {
            Matrix::F32 { cols, values, .. } => out.extend_from_slice(&values[row * cols..][..*cols]),
            Matrix::Half { cols, element, bytes, .. } => {
                element.element().widen(&bytes[row * cols * 2..][..cols * 2], out);
            }
            Matrix::Int8 { cols, group, values, scales, .. } => {
                let groups = values[row * cols..][..*cols].chunks_exact(*group);
                for (values, at) in groups.zip(row * (cols / group)..) {
                    let scale = scales.at(at);
                    out.extend(values.iter().map(|value| scale * f32::from(*value)));
                }
            }
            Matrix::Int4 { cols, group, bytes, scales, .. } => {
                let scales = (row * (cols / group)..).map(|at| scales.at(at));
                int4::widen(&bytes[row * (cols / 2)..][..cols / 2], *group, scales, out);
            }
        }
    }

    /// Returns the matrix with integers of whole bytes, which the kernels take; only int4 changes.
    ///
    /// # Errors
    /// [`Code::OutOfMemory`](crate::error::Code::OutOfMemory).
    pub fn into_int8(self) -> Result<Self> {
        let Matrix::Int4 { rows, cols, group, bytes, scales } = self else { return Ok(self) };
        Ok(Matrix::Int8 { rows, cols, group, values: int4::expand(&bytes)?, scales })
    }

    /// Returns all values, [rows, cols].
    pub fn into_f32(self) -> Vec<f32> {
        if let Matrix::F32 { values, .. } = self {
            return values;
        }
        let mut out = Vec::with_capacity(self.rows() * self.cols());
        for row in 0..self.rows() {
            self.row(row, &mut out);
        }
        out
    }

    /// Returns the bytes that the values take in memory.
    pub fn bytes(&self) -> usize {
        match self {
            Matrix::F32 { values, .. } => 4 * values.len(),
            Matrix::Half { bytes, .. } => bytes.len(),
            Matrix::Int8 { values, scales, .. } => values.len() + scales.bytes(),
            Matrix::Int4 { bytes, scales, .. } => bytes.len() + scales.bytes(),
        }
    }
}
