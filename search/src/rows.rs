//! Vectors as rows of int8, and back.
//!
//! A *row* is a unit vector `v` of D components in at most 2 D + 4 bytes: `scale = max|v| / 127`, `coarse = round(v / scale)`
//! and `fine = round((v / scale - coarse) * 254)`, both in -127..=127 and rounded half to even, so that
//! `v = scale * (coarse + fine / 254)` to 16 bits of its largest component. The scan reads `coarse`; `fine` is for the few
//! rows that it keeps, and may be missing.

mod block;
mod quantise;

pub use block::Block;
pub(crate) use block::{check_length, component};
pub use quantise::{LARGEST, quantise};

use crate::error::{Code, Error, Result};
use std::collections::TryReserveError;

/// The most components of a vector.
pub const MOST_DIMENSIONS: usize = 4096;

/// How far the length of a vector may be from 1.
const LENGTH_TOLERANCE: f64 = 1e-3;

/// Bytes of `coarse` in a chunk: memory grows by about this much, and nothing is copied when it does.
const CHUNK_BYTES: usize = 1 << 20;
/// The number of rows in a chunk is a multiple of this.
const CHUNK_STEP: usize = 64;

/// Rows that are appended and read; a row's number never changes. What is removed is the caller's to know: a scan takes
/// a bitmap of the rows that count.
pub struct Rows {
    dimensions: usize,
    /// All full but the last.
    chunks: Vec<Chunk>,
    rows_per_chunk: usize,
    length: usize,
    /// Whether the rows have `fine`; all have it or none has.
    has_fine: bool,
}

/// Some rows, each vector reserved to its full length when the chunk is made.
struct Chunk {
    scales: Vec<f32>,
    coarse: Vec<i8>,
    fine: Vec<i8>,
}

impl From<TryReserveError> for Error {
    fn from(_: TryReserveError) -> Self {
        Self::new(Code::OutOfMemory, "there is not enough memory for the rows; search fewer passages at once")
    }
}

/// Checks that vectors of so many components can be rows; returns `input-invalid` otherwise.
pub fn check_dimensions(dimensions: usize) -> Result<()> {
    if (1..=MOST_DIMENSIONS).contains(&dimensions) {
        return Ok(());
    }
    Err(invalid(format!("vectors have 1 to {MOST_DIMENSIONS} dimensions, not {dimensions}")))
}

/// Returns the length of a vector; `input-invalid` if it is not finite, or not of unit length. The message calls it `name`.
pub(crate) fn unit_length(vector: &[f32], name: impl Fn() -> String) -> Result<f64> {
    let squares: f64 = vector.iter().map(|v| f64::from(*v) * f64::from(*v)).sum();
    let length = squares.sqrt();
    if !length.is_finite() {
        return Err(invalid(format!("{} has components that are not finite numbers", name())));
    }
    if (length - 1.0).abs() > LENGTH_TOLERANCE {
        let name = name();
        return Err(invalid(format!("{name} has the length {}: divide it by that, so that it is 1", decimal(length))));
    }
    Ok(length)
}

/// Returns a number with four decimals. Rust's own formatting of floats would be a fifth of the WebAssembly.
pub(crate) fn decimal(number: f64) -> String {
    let parts = (number * 1e4).round();
    if !(0.0..=1e15).contains(&parts) {
        return "out of all bounds".into();
    }
    format!("{}.{:04}", parts as u64 / 10_000, parts as u64 % 10_000)
}

/// Returns an `input-invalid` error.
pub(crate) fn invalid(message: String) -> Error {
    Error::new(Code::InputInvalid, message)
}

impl Rows {
    /// Creates an empty set of rows of `dimensions` components, at most [`MOST_DIMENSIONS`].
    pub fn new(dimensions: usize) -> Result<Self> {
        check_dimensions(dimensions)?;
        let rows_per_chunk = (CHUNK_BYTES / dimensions / CHUNK_STEP).max(1) * CHUNK_STEP;
        Ok(Self { dimensions, chunks: Vec::new(), rows_per_chunk, length: 0, has_fine: true })
    }

    /// Returns the number of components of a vector.
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// Returns the number of rows.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Returns whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Returns whether the rows have `fine`; `true` while there are none.
    pub fn has_fine(&self) -> bool {
        self.has_fine
    }

    /// Removes all rows and gives their memory back.
    pub fn clear(&mut self) {
        *self = Self { chunks: Vec::new(), length: 0, has_fine: true, ..*self };
    }

    /// Appends vectors [n, dimensions] of unit length; returns the number of the first one's row.
    ///
    /// Appends nothing if a vector is not finite or not of unit length (`input-invalid`), or if there is not enough
    /// memory (`out-of-memory`).
    pub fn add(&mut self, vectors: &[f32]) -> Result<usize> {
        let count = self.whole(vectors.len(), "the vectors hold")?;
        for (at, vector) in vectors.chunks_exact(self.dimensions).enumerate() {
            unit_length(vector, || format!("vector {}", at + 1))?;
        }
        self.check_fine(true, count)?;
        self.appending(true, |rows| {
            let mut rest = vectors;
            while !rest.is_empty() {
                let (chunk, room) = rows.room()?;
                let (now, later) = rest.split_at(rest.len().min(room * rows.dimensions));
                now.chunks_exact(rows.dimensions).for_each(|vector| rows.chunks[chunk].push(vector));
                rows.length += now.len() / rows.dimensions;
                rest = later;
            }
            Ok(())
        })
    }

    /// Appends rows that have been made before; returns the number of the first one.
    ///
    /// `coarse` and `fine` are [n, dimensions]. Rows have `fine` either all or not at all. Appends nothing if lengths
    /// contradict each other (`input-invalid`), if a row cannot be that of a unit vector (`index-invalid`), or if there is
    /// not enough memory (`out-of-memory`).
    pub fn add_rows(&mut self, block: &Block<'_>) -> Result<usize> {
        if block.dimensions() != self.dimensions {
            let (want, got) = (self.dimensions, block.dimensions());
            return Err(invalid(format!("the rows have {got} dimensions, those here have {want}")));
        }
        block.check_rows()?;
        self.check_fine(block.fine().is_some(), block.len())?;
        self.appending(block.fine().is_some(), |rows| {
            let mut from = 0;
            while from < block.len() {
                let (chunk, room) = rows.room()?;
                let part = block.part(from, room.min(block.len() - from));
                rows.chunks[chunk].extend(&part);
                rows.length += part.len();
                from += part.len();
            }
            Ok(())
        })
    }

    /// Returns the scales of `count` rows from `from` on.
    pub fn scales(&self, from: usize, count: usize) -> Result<Vec<f32>> {
        self.gather(from, count, 1, |block| block.scales())
    }

    /// Returns the coarse components of `count` rows from `from` on, [count, dimensions].
    pub fn coarse(&self, from: usize, count: usize) -> Result<Vec<i8>> {
        self.gather(from, count, self.dimensions, |block| block.coarse())
    }

    /// Returns the fine components of `count` rows from `from` on, [count, dimensions]; `None` if the rows have none.
    pub fn fine(&self, from: usize, count: usize) -> Result<Option<Vec<i8>>> {
        let fine = self.gather(from, count, self.dimensions, |block| block.fine().unwrap_or(&[]))?;
        Ok(self.has_fine.then_some(fine))
    }

    /// Returns the vector of a row, to 16 bits where the row has `fine`, otherwise to 8.
    pub fn vector(&self, row: usize) -> Result<Vec<f32>> {
        self.check_range(row, 1)?;
        let mut vector = Vec::new();
        vector.try_reserve_exact(self.dimensions)?;
        vector.extend(self.row(row).vector());
        Ok(vector)
    }

    /// Returns all rows in order: the number of a block's first row, and the block.
    pub fn blocks(&self) -> impl Iterator<Item = (usize, Block<'_>)> {
        self.chunks.iter().enumerate().map(|(at, chunk)| (at * self.rows_per_chunk, self.block(chunk)))
    }

    /// Returns a block of one row, which must be there.
    pub(crate) fn row(&self, row: usize) -> Block<'_> {
        let chunk = &self.chunks[row / self.rows_per_chunk];
        self.block(chunk).part(row % self.rows_per_chunk, 1)
    }

    fn block<'a>(&self, chunk: &'a Chunk) -> Block<'a> {
        let fine = self.has_fine.then_some(chunk.fine.as_slice());
        Block::of(self.dimensions, &chunk.scales, &chunk.coarse, fine)
    }

    /// Returns how many rows `components` are, which the message calls `what`.
    fn whole(&self, components: usize, what: &str) -> Result<usize> {
        if components.is_multiple_of(self.dimensions) {
            return Ok(components / self.dimensions);
        }
        let dimensions = self.dimensions;
        Err(invalid(format!("{what} {components} numbers, which are not whole vectors of {dimensions} dimensions")))
    }

    /// Checks that `count` more rows, with `fine` or without, can stand beside those that are here.
    fn check_fine(&self, has_fine: bool, count: usize) -> Result<()> {
        if count > 0 && !self.is_empty() && has_fine != self.has_fine {
            let (those, these) = if has_fine { ("have", "not") } else { ("have no", "have them") };
            return Err(invalid(format!(
                "the rows {those} fine components, and those here do {these}: give all or none"
            )));
        }
        if u32::try_from(self.length + count).is_err() {
            return Err(invalid(format!("there are at most {} rows", u32::MAX)));
        }
        Ok(())
    }

    /// Checks that `count` rows from `from` on are there; returns `input-invalid` otherwise.
    pub(crate) fn check_range(&self, from: usize, count: usize) -> Result<()> {
        if from.checked_add(count).is_some_and(|end| end <= self.length) {
            return Ok(());
        }
        Err(invalid(format!("there are {} rows, and no {count} from row {from} on", self.length)))
    }

    /// Lets `append` append rows with `fine` or without, and takes back what it has appended if it fails; returns the
    /// number of the first new row.
    fn appending(&mut self, has_fine: bool, append: impl FnOnce(&mut Self) -> Result<()>) -> Result<usize> {
        let first = self.length;
        if self.is_empty() {
            self.has_fine = has_fine;
        }
        let appended = append(self);
        if appended.is_err() || self.is_empty() {
            self.truncate(first);
        }
        appended.map(|()| first)
    }

    /// Returns the number of the chunk that the next row goes to, which is made if need be, and how many it takes.
    fn room(&mut self) -> Result<(usize, usize)> {
        let used = self.length % self.rows_per_chunk;
        if self.length == self.rows_per_chunk * self.chunks.len() {
            let chunk = Chunk::new(self.rows_per_chunk, self.dimensions, self.has_fine)?;
            self.chunks.try_reserve(1)?;
            self.chunks.push(chunk);
        }
        Ok((self.chunks.len() - 1, self.rows_per_chunk - used))
    }

    /// Collects what `of` returns of all blocks in a range of rows, `width` numbers a row.
    fn gather<T: Copy>(
        &self,
        from: usize,
        count: usize,
        width: usize,
        of: impl for<'a> Fn(&Block<'a>) -> &'a [T],
    ) -> Result<Vec<T>> {
        self.check_range(from, count)?;
        let mut all = Vec::new();
        all.try_reserve_exact(count * width)?;
        let mut at = from;
        while at < from + count {
            let (chunk, start) = (at / self.rows_per_chunk, at % self.rows_per_chunk);
            let part =
                self.block(&self.chunks[chunk]).part(start, (self.rows_per_chunk - start).min(from + count - at));
            all.extend_from_slice(of(&part));
            at += part.len();
        }
        Ok(all)
    }

    /// Keeps the first `length` rows.
    pub fn truncate(&mut self, length: usize) {
        self.length = self.length.min(length);
        self.has_fine |= self.length == 0;
        self.chunks.truncate(self.length.div_ceil(self.rows_per_chunk));
        let rest = self.length - self.rows_per_chunk * self.chunks.len().saturating_sub(1);
        if let Some(last) = self.chunks.last_mut() {
            last.scales.truncate(rest);
            last.coarse.truncate(rest * self.dimensions);
            last.fine.truncate(rest * self.dimensions);
        }
    }
}

impl Chunk {
    fn new(rows: usize, dimensions: usize, has_fine: bool) -> Result<Self> {
        let mut chunk = Self { scales: Vec::new(), coarse: Vec::new(), fine: Vec::new() };
        chunk.scales.try_reserve_exact(rows)?;
        chunk.coarse.try_reserve_exact(rows * dimensions)?;
        if has_fine {
            chunk.fine.try_reserve_exact(rows * dimensions)?;
        }
        Ok(chunk)
    }

    /// Appends a vector, for which there is room.
    fn push(&mut self, vector: &[f32]) {
        let at = self.coarse.len();
        self.coarse.resize(at + vector.len(), 0);
        self.fine.resize(at + vector.len(), 0);
        self.scales.push(quantise(vector, &mut self.coarse[at..], &mut self.fine[at..]));
    }

    /// Appends rows, for which there is room.
    fn extend(&mut self, block: &Block<'_>) {
        self.scales.extend_from_slice(block.scales());
        self.coarse.extend_from_slice(block.coarse());
        self.fine.extend_from_slice(block.fine().unwrap_or(&[]));
    }
}

#[cfg(test)]
pub(crate) mod tests;
