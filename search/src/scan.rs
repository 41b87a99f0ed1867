//! The rows that are nearest to a query, found by looking at all of them.
//!
//! 1. The query becomes 16-bit integers (`query`), and every row's coarse vector is multiplied by it exactly, in i32
//!    (the crate `felsic-scan`). That is the row's *coarse cosine*, from which a row's rank, and the moments of all, come.
//! 2. The best few hundred are kept (`best`).
//! 3. These get their cosine anew, in double precision, from the query itself and the row with its fine components, and
//!    are ordered by it.
//!
//! Results do not depend on how rows are divided into blocks, and are bit-for-bit identical natively and in WebAssembly.

mod best;
mod query;

use crate::error::{Code, Error, Result};
use crate::rows::{Block, Rows, check_dimensions, check_length, component, invalid, unit_length};
use best::{Best, Candidate};
use felsic_scan::Moments;
use query::Query;

/// How many rows more than are asked for get their cosine anew: the coarse cosine is off by less than a thousandth, and
/// few rows are as close as that to the last one that counts.
const SPARE: usize = 256;

/// What a scan has found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Numbers of the best rows, best first; of equal cosines the lower number first.
    pub rows: Vec<u32>,
    /// Their cosines with the query, of the same length.
    pub scores: Vec<f32>,
    /// The mean of the cosines of all rows that were allowed; 0 if there were none.
    pub mean: f64,
    /// Their standard deviation, of all and not of a sample; 0 if there were none.
    pub deviation: f64,
    /// How many rows were allowed.
    pub seen: usize,
}

/// Scans `rows` for the `count` nearest to a query of unit length.
///
/// `allowed` is a bitmap of the rows that count: row r is bit r % 8 of byte r / 8. Returns `input-invalid` if the query is
/// not finite, not of unit length or not of the rows' dimensions, if `count` is 0, or if the bitmap is too short.
pub fn top(rows: &Rows, query: &[f32], count: usize, allowed: Option<&[u8]>) -> Result<Found> {
    let mut sweep = Sweep::of(rows, query, count)?;
    for (first, block) in rows.blocks() {
        sweep.scan(&block, first, allowed)?;
    }
    sweep.best.cut();
    for candidate in &mut sweep.best.candidates {
        let row = candidate.row as usize;
        candidate.exact = Some(sweep.query.cosine(&rows.row(row), row)?);
    }
    sweep.finish()
}

/// Returns the cosines of some of `rows`, given by their numbers, with a query of unit length: bit-for-bit those that
/// [`top`] returns. A row may be named more than once.
///
/// Returns `input-invalid` if the query is one that [`top`] refuses or a row is not there, and `index-invalid` if a row is not
/// of unit length.
pub fn cosines(rows: &Rows, query: &[f32], numbers: &[u32]) -> Result<Vec<f32>> {
    let sweep = Sweep::of(rows, query, 1)?;
    let mut cosines = Vec::new();
    cosines.try_reserve_exact(numbers.len())?;
    for number in numbers {
        let row = *number as usize;
        rows.check_range(row, 1)?;
        cosines.push(sweep.query.cosine(&rows.row(row), row)?);
    }
    Ok(cosines)
}

/// A scan of rows that come block by block, such as from a disk.
pub struct Sweep {
    query: Query,
    count: usize,
    best: Best,
    moments: Moments,
}

impl Sweep {
    /// Starts a scan for the `count` rows nearest to a query of unit length. Errors are those of [`top`].
    pub fn new(query: &[f32], count: usize) -> Result<Self> {
        check_dimensions(query.len())?;
        unit_length(query, || "the query".into())?;
        if count == 0 {
            return Err(invalid("a scan finds at least 1 row, not 0".into()));
        }
        Ok(Self {
            query: Query::new(query)?,
            count,
            best: Best::new(count.saturating_add(SPARE)),
            moments: Moments::default(),
        })
    }

    /// Starts a scan of `rows`.
    fn of(rows: &Rows, query: &[f32], count: usize) -> Result<Self> {
        if query.len() != rows.dimensions() {
            let (want, got) = (rows.dimensions(), query.len());
            return Err(invalid(format!("the query has {got} dimensions, the rows have {want}")));
        }
        Self::new(query, count)
    }

    /// Scans the rows `first..first + n`. `allowed` is a bitmap of all rows of the scan, as for [`top`].
    ///
    /// Each row may come once, in any order. Returns `input-invalid` if the dimensions are not the query's or the bitmap is
    /// too short, and `index-invalid` if one of the best rows is not of unit length; the scan is of no use then.
    pub fn block(&mut self, block: &Block<'_>, first: u32, allowed: Option<&[u8]>) -> Result<()> {
        let fine = block.fine();
        self.block_with(block, first, allowed, |row, room| match fine {
            Some(fine) => {
                let at = row * room.len();
                room.copy_from_slice(&fine[at..at + room.len()]);
                Ok(true)
            }
            None => Ok(false),
        })
    }

    /// Does the same for rows whose fine components are elsewhere: `fine` writes those of a row of the block, and returns
    /// whether there are any. It is asked only about rows that are among the best so far.
    pub(crate) fn block_with(
        &mut self,
        block: &Block<'_>,
        first: u32,
        allowed: Option<&[u8]>,
        mut fine: impl FnMut(usize, &mut [i8]) -> Result<bool>,
    ) -> Result<()> {
        let first = first as usize;
        self.scan(block, first, allowed)?;
        self.best.cut();
        let mut room = Vec::new();
        room.try_reserve_exact(block.dimensions())?;
        room.resize(block.dimensions(), 0);
        for candidate in self.best.candidates.iter_mut().filter(|candidate| candidate.exact.is_none()) {
            let row = candidate.row as usize - first;
            let coarse = block.part(row, 1);
            let has_fine = fine(row, &mut room)?;
            let whole = Block::new(block.dimensions(), coarse.scales(), coarse.coarse(), has_fine.then_some(&room))?;
            candidate.exact = Some(self.query.cosine(&whole, first + row)?);
        }
        Ok(())
    }

    /// Takes the coarse cosines of a block's rows.
    fn scan(&mut self, block: &Block<'_>, first: usize, allowed: Option<&[u8]>) -> Result<()> {
        let (dimensions, end) = (block.dimensions(), first.saturating_add(block.len()));
        if dimensions != self.query.dimensions() {
            let want = self.query.dimensions();
            return Err(invalid(format!("the query has {want} dimensions, the rows have {dimensions}")));
        }
        if u32::try_from(end).is_err() {
            return Err(invalid(format!("the number of a row is at most {}", u32::MAX)));
        }
        if let Some(bits) = allowed.map(<[u8]>::len).filter(|bytes| bytes.saturating_mul(8) < end) {
            return Err(invalid(format!("a bitmap of {bits} bytes does not reach row {}", end.saturating_sub(1))));
        }
        let block = felsic_scan::Block { scales: block.scales(), coarse: block.coarse(), first, allowed };
        let Self { query, best, moments, .. } = self;
        let least = best.least();
        let mut keep = |row, coarse| best.offer(Candidate { coarse, row, exact: None });
        Ok(query.integers().scan(block, query.step(), moments, least, &mut keep)?)
    }

    /// Returns what has been found.
    pub fn finish(mut self) -> Result<Found> {
        self.best.cut();
        let mut all = self.best.candidates;
        all.sort_unstable_by(Candidate::by_exact);
        all.truncate(self.count);
        let (mean, deviation) = self.moments.mean_and_deviation();
        let (mut rows, mut scores) = (Vec::new(), Vec::new());
        rows.try_reserve_exact(all.len())?;
        scores.try_reserve_exact(all.len())?;
        rows.extend(all.iter().map(|candidate| candidate.row));
        scores.extend(all.iter().map(Candidate::score));
        Ok(Found { rows, scores, mean, deviation, seen: self.moments.seen })
    }
}

impl Query {
    /// Returns the cosine of the query with a block of one row, which is number `row`; `index-invalid` if the row is not of unit length.
    fn cosine(&self, block: &Block<'_>, row: usize) -> Result<f32> {
        let (scale, fine) = (block.scales()[0], block.fine());
        let (mut product, mut squares) = (0.0, 0.0);
        for (at, (query, coarse)) in self.values().iter().zip(block.coarse()).enumerate() {
            let v = f64::from(component(scale, *coarse, fine.map(|fine| fine[at])));
            product += f64::from(*query) * v;
            squares += v * v;
        }
        let length = squares.sqrt();
        check_length(row, length, scale, self.dimensions())?;
        let cosine = product / (length * self.length());
        if !cosine.is_finite() {
            return Err(Error::new(Code::IndexInvalid, format!("row {row} has no direction; make the rows again")));
        }
        Ok(cosine.clamp(-1.0, 1.0) as f32)
    }
}

#[cfg(test)]
mod tests;
