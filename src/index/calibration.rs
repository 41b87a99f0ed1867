//! How near passages are to each other that have nothing to do with each other: what scores are measured against. A page
//! measures the same pairs (`pkg/src/search/score.ts`).

use super::format::{Calibration, SegmentEntry, invalid};
use super::output::Output;
use super::segment::Row;
use crate::error::Result;

/// The most pairs of passages.
const PAIRS: usize = 2000;

/// Measures pairs of passages of the segments.
///
/// # Errors
/// Those of reading what has been written.
pub(super) fn measure(segments: &[SegmentEntry], output: &Output, dimensions: usize) -> Result<Calibration> {
    let pairs = pairs(segments.iter().map(|segment| segment.rows).sum());
    let mut wanted: Vec<usize> = pairs.iter().flatten().copied().collect();
    wanted.sort_unstable();
    wanted.dedup();
    let vectors = vectors(&wanted, segments, output, dimensions)?;
    let vector = |row| wanted.binary_search(&row).ok().and_then(|at| vectors.get(at)).map_or(&[][..], Vec::as_slice);
    let cosine = |[a, b]: &[usize; 2]| -> f64 {
        vector(*a).iter().zip(vector(*b)).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    };
    let mean = pairs.iter().map(cosine).sum::<f64>() / pairs.len().max(1) as f64;
    Ok(Calibration { dimensions, mean, count: pairs.len() })
}

/// Returns the pairs of so many passages: all of a few, otherwise pairs that are drawn in the same way everywhere.
fn pairs(passages: usize) -> Vec<[usize; 2]> {
    if passages.saturating_mul(passages.saturating_sub(1)) / 2 <= PAIRS {
        return (0..passages).flat_map(|a| (a + 1..passages).map(move |b| [a, b])).collect();
    }
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (f64::from(state) / 4_294_967_296.0 * passages as f64) as usize
    };
    let mut pairs = Vec::with_capacity(PAIRS);
    while pairs.len() < PAIRS {
        let (a, b) = (next(), next());
        if a != b {
            pairs.push([a, b]);
        }
    }
    pairs
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers are those of `calibrationPairs` in a page.
    #[test]
    fn the_pairs_are_those_that_a_page_measures() {
        assert!(pairs(0).is_empty() && pairs(1).is_empty());
        assert_eq!(pairs(3), [[0, 1], [0, 2], [1, 2]]);
        assert_eq!((pairs(63).len(), pairs(64).len()), (63 * 62 / 2, PAIRS));
        let many = pairs(1000);
        assert_eq!(many[..4], [[236, 369], [504, 704], [50, 369], [774, 556]]);
        assert_eq!(many[PAIRS - 1], [329, 161]);
    }
}
