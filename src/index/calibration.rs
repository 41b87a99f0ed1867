//! How near passages are to each other that have nothing to do with each other: what scores are measured against.

use super::format::{Calibration, SegmentEntry, invalid};
use super::output::Output;
use super::segment::Row;
use crate::error::Result;

/// Pairs of passages.
const PAIRS: usize = 2000;

/// Measures random pairs of passages of the segments, always the same ones; `None` if there are not two.
///
/// # Errors
/// Those of reading what has been written.
pub(super) fn measure(segments: &[SegmentEntry], output: &Output, dimensions: usize) -> Result<Option<Calibration>> {
    let total: usize = segments.iter().map(|segment| segment.rows).sum();
    if total < 2 {
        return Ok(None);
    }
    let mut random = Random(0);
    let pairs: Vec<[usize; 2]> = (0..PAIRS)
        .map(|_| {
            let first = random.below(total);
            [first, (first + 1 + random.below(total - 1)) % total]
        })
        .collect();
    let mut wanted: Vec<usize> = pairs.iter().flatten().copied().collect();
    wanted.sort_unstable();
    wanted.dedup();
    let vectors = vectors(&wanted, segments, output, dimensions)?;
    let vector =
        |row: usize| wanted.binary_search(&row).ok().and_then(|at| vectors.get(at)).map_or(&[][..], Vec::as_slice);
    let cosine = |[a, b]: [usize; 2]| vector(a).iter().zip(vector(b)).map(|(a, b)| f64::from(a * b)).sum::<f64>();
    let cosines: Vec<f64> = pairs.into_iter().map(cosine).collect();
    let count = cosines.len();
    let mean = cosines.iter().sum::<f64>() / count as f64;
    let variance = cosines.iter().map(|cosine| (cosine - mean).powi(2)).sum::<f64>() / count as f64;
    Ok(Some(Calibration { mean, deviation: variance.sqrt(), count }))
}

/// Returns the vectors of rows, which are in order, counted through all segments.
fn vectors(wanted: &[usize], segments: &[SegmentEntry], output: &Output, dimensions: usize) -> Result<Vec<Vec<f32>>> {
    let (mut found, mut first) = (Vec::with_capacity(wanted.len()), 0);
    let mut wanted = wanted.iter().copied().peekable();
    for segment in segments {
        let end = first + segment.rows;
        if wanted.peek().is_some_and(|row| *row < end) {
            let rows = Row::all(&output.read(&segment.vectors)?, None, segment.rows, dimensions)
                .ok_or_else(|| invalid("a segment has more or fewer vectors than passages"))?;
            while let Some(row) = wanted.next_if(|row| *row < end) {
                found.push(rows[row - first].vector().collect());
            }
        }
        first = end;
    }
    Ok(found)
}

/// SplitMix64: the same numbers everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Returns a number below `end`.
    fn below(&mut self, end: usize) -> usize {
        (u128::from(self.next()) * end as u128 >> 64) as usize
    }
}
