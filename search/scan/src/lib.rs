//! The loop over rows: what a scan does with every row. All else about rows is in felsic-search, which the WebAssembly
//! profile builds for size; this crate it builds for speed.

mod kernel;

pub use kernel::{GROUP, Query, squares};
use std::array::from_fn;
use std::collections::TryReserveError;

/// Rows that lie one after another in memory, and which of them count.
#[derive(Clone, Copy, Debug)]
pub struct Block<'a> {
    /// Their scales, `[n]`.
    pub scales: &'a [f32],
    /// Their coarse components, [n, dimensions].
    pub coarse: &'a [i8],
    /// The number of the first row.
    pub first: usize,
    /// A bitmap of the rows that count: row r is bit r % 8 of byte r / 8. Without one all do.
    pub allowed: Option<&'a [u8]>,
}

/// Sums over the cosines of all rows that count.
#[derive(Clone, Debug, Default)]
pub struct Moments {
    /// How many there were.
    pub seen: usize,
    sum: f64,
    squares: f64,
}

impl Moments {
    #[inline(always)]
    fn add(&mut self, cosine: f32) {
        self.seen += 1;
        self.sum += f64::from(cosine);
        self.squares += f64::from(cosine) * f64::from(cosine);
    }

    /// Returns the mean and the standard deviation; zeros if there were no rows.
    pub fn mean_and_deviation(&self) -> (f64, f64) {
        if self.seen == 0 {
            return (0.0, 0.0);
        }
        let count = self.seen as f64;
        let mean = self.sum / count;
        (mean, (self.squares / count - mean * mean).max(0.0).sqrt())
    }
}

/// What takes the rows that may be among the best: given a row's number and its cosine, it returns the least cosine that
/// counts from now on.
pub type Keep<'a> = dyn FnMut(u32, f32) -> Result<f32, TryReserveError> + 'a;

/// The scan of one block.
struct Scan<'a, 'b> {
    moments: &'a mut Moments,
    least: f32,
    keep: &'a mut Keep<'b>,
}

impl Scan<'_, '_> {
    #[inline(always)]
    fn take(&mut self, row: usize, cosine: f32) -> Result<(), TryReserveError> {
        self.moments.add(cosine);
        // Equal ones may come in any order of their rows, so what keeps them decides about these.
        if cosine >= self.least {
            self.least = (self.keep)(row as u32, cosine)?;
        }
        Ok(())
    }
}

impl Query {
    /// Scans a block: adds the cosines of its rows to `moments`, and gives those of at least `least` to `keep`.
    ///
    /// A cosine is the sum of products of integers, times the row's scale, times `step`. Rows for which there are no `coarse`
    /// components, or no bit, do not count.
    ///
    /// # Errors
    ///
    /// What `keep` fails with.
    pub fn scan(
        &self,
        Block { scales, coarse, first, allowed }: Block<'_>,
        step: f32,
        moments: &mut Moments,
        least: f32,
        keep: &mut Keep<'_>,
    ) -> Result<(), TryReserveError> {
        let mut scan = Scan { moments, least, keep };
        let is_allowed =
            |row: usize| allowed.is_none_or(|bits| bits.get(row / 8).is_some_and(|bits| bits >> (row % 8) & 1 == 1));
        let dimensions = self.dimensions();
        let (groups, rest) = scales.as_chunks::<GROUP>();
        let (whole, last) = coarse.split_at(coarse.len().min(groups.len() * GROUP * dimensions));
        for (at, (scales, coarse)) in groups.iter().zip(whole.chunks_exact(GROUP * dimensions)).enumerate() {
            let row = first + at * GROUP;
            let counts: [bool; GROUP] = from_fn(|at| is_allowed(row + at));
            if counts.contains(&true) {
                let sums = self.sums(coarse);
                for at in (0..GROUP).filter(|at| counts[*at]) {
                    scan.take(row + at, sums[at] as f32 * (step * scales[at]))?;
                }
            }
        }
        for (at, (scale, coarse)) in rest.iter().zip(last.chunks_exact(dimensions)).enumerate() {
            let row = first + groups.len() * GROUP + at;
            if is_allowed(row) {
                scan.take(row, self.sum(coarse) as f32 * (step * scale))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Scans rows of scale 1; returns the rows that are kept with their cosines, and the moments.
    fn scanned(query: &[i16], block: Block<'_>, least: f32) -> (Vec<(u32, f32)>, Moments) {
        let (mut kept, mut moments) = (Vec::new(), Moments::default());
        let mut keep = |row, cosine| {
            kept.push((row, cosine));
            Ok(least)
        };
        Query::new(query).unwrap().scan(block, 0.5, &mut moments, least, &mut keep).unwrap();
        (kept, moments)
    }

    proptest! {
        #[test]
        fn every_row_that_counts_is_seen_and_those_that_are_near_enough_are_kept(
            (query, coarse) in (1usize..70, 0usize..14).prop_flat_map(|(dimensions, count)| (
                proptest::collection::vec(-50i16..=50, dimensions),
                proptest::collection::vec(any::<i8>(), dimensions * count),
            )),
            first in 0usize..20,
            // Bitmaps that are too short, too.
            bits in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..6)),
            least in -5000i32..5000,
        ) {
            let scales = vec![1.0; coarse.len() / query.len()];
            let block = Block { scales: &scales, coarse: &coarse, first, allowed: bits.as_deref() };
            let cosines: Vec<(usize, f32)> = coarse
                .chunks_exact(query.len())
                .map(|row| row.iter().zip(&query).map(|(v, query)| i32::from(*v) * i32::from(*query)).sum::<i32>())
                .enumerate()
                .map(|(at, sum)| (first + at, 0.5 * sum as f32))
                .filter(|(row, _)| {
                    bits.as_ref().is_none_or(|bits| bits.get(row / 8).is_some_and(|byte| byte & (1 << (row % 8)) != 0))
                })
                .collect();
            let near: Vec<(u32, f32)> =
                cosines.iter().filter(|(_, v)| *v >= least as f32).map(|(row, v)| (*row as u32, *v)).collect();
            let (kept, moments) = scanned(&query, block, least as f32);
            prop_assert_eq!(kept, near);
            prop_assert_eq!(moments.seen, cosines.len());
            let mean = cosines.iter().map(|(_, v)| f64::from(*v)).sum::<f64>() / cosines.len().max(1) as f64;
            prop_assert!((moments.mean_and_deviation().0 - mean).abs() <= 1e-9 * mean.abs().max(1.0));
        }

        #[test]
        fn squares_are_exact(row in proptest::collection::vec(any::<i8>(), 0..140)) {
            prop_assert_eq!(squares(&row), row.iter().map(|v| i32::from(*v) * i32::from(*v)).sum::<i32>());
        }
    }

    #[test]
    fn the_largest_squares_fit() {
        assert_eq!(squares(&[i8::MIN; 4096]), 4096 * 128 * 128);
    }

    #[test]
    fn what_keeps_rows_raises_the_least_cosine_and_ends_the_scan_if_it_fails() {
        let query = Query::new(&[1]).unwrap();
        let coarse = [3, 1, 5, 4, 9, 5, 7];
        let block = Block { scales: &[1.0; 7], coarse: &coarse, first: 0, allowed: None };
        let (mut rows, mut moments) = (Vec::new(), Moments::default());
        let mut keep = |row, cosine| {
            rows.push(row);
            Ok(cosine)
        };
        query.scan(block, 1.0, &mut moments, f32::NEG_INFINITY, &mut keep).unwrap();
        assert_eq!(rows, [0, 2, 4]);
        let mut fail = |_, _| Vec::<u8>::new().try_reserve(usize::MAX).map(|()| 0.0);
        assert!(query.scan(block, 1.0, &mut moments, 0.0, &mut fail).is_err());
        assert_eq!(moments.seen, 8);
    }

    #[test]
    fn rows_without_components_do_not_count() {
        for count in 0..9 {
            let block = Block { scales: &[1.0; 9], coarse: &[1; 18][..2 * count + 1], first: 0, allowed: None };
            let (kept, moments) = scanned(&[1, 1], block, f32::NEG_INFINITY);
            assert!(moments.seen <= count && kept.len() == moments.seen, "{count}");
        }
    }
}
