//! The vocabulary table.

use super::Matrix;
use crate::error::{Code, Error, Result};

/// The vocabulary table [rows, cols], as blocks of whole rows. It stays in the format it was stored in:
/// a text needs a handful of its rows, and 71 % of the smallest Granite model is this table.
#[derive(Clone, Debug)]
pub struct Table {
    rows: usize,
    cols: usize,
    /// Each block with the number of its first row, in order and without gaps.
    blocks: Vec<(usize, Matrix)>,
}

impl Table {
    /// Puts blocks of rows together.
    ///
    /// # Errors
    /// [`Code::TensorShape`] unless the blocks all have `cols` columns.
    pub fn new(cols: usize, blocks: Vec<Matrix>) -> Result<Self> {
        let mut rows = 0usize;
        let mut placed = Vec::with_capacity(blocks.len());
        for block in blocks {
            if block.cols() != cols {
                let message = format!("a block of the vocabulary table has {} columns, not {cols}", block.cols());
                return Err(Error::new(Code::TensorShape, message));
            }
            let first = rows;
            rows += block.rows();
            placed.push((first, block));
        }
        Ok(Self { rows, cols, blocks: placed })
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// Bytes that the table takes in memory.
    pub fn bytes(&self) -> usize {
        self.blocks.iter().map(|(_, block)| block.bytes()).sum()
    }

    /// Appends the rows of `ids` to `out`: [n, cols].
    ///
    /// # Errors
    /// [`Code::InputInvalid`] for an id past the last row; `out` is then as before.
    pub fn gather(&self, ids: &[u32], out: &mut Vec<f32>) -> Result<()> {
        if let Some(id) = ids.iter().find(|id| **id as usize >= self.rows) {
            let message = format!("token id {id} is past the vocabulary of {} rows", self.rows);
            return Err(Error::new(Code::InputInvalid, message));
        }
        out.reserve(ids.len() * self.cols);
        for id in ids {
            let row = *id as usize;
            // The last block that starts at or before the row holds it; empty blocks before it do not matter.
            let after = self.blocks.partition_point(|(first, _)| *first <= row);
            if let Some((first, block)) = after.checked_sub(1).and_then(|at| self.blocks.get(at)) {
                block.row(row - first, out);
            }
        }
        Ok(())
    }
}
