//! The best of many rows.

use std::cmp::Ordering;
use std::collections::TryReserveError;

/// A row that may be among the best.
#[derive(Clone, Copy, Debug)]
pub struct Candidate {
    /// The cosine of its coarse vector.
    pub coarse: f32,
    /// Its number.
    pub row: u32,
    /// Its cosine, once that has been computed.
    pub exact: Option<f32>,
}

impl Candidate {
    /// Orders by the coarse cosine, best first; of equal ones the lower row comes first.
    fn by_coarse(&self, other: &Self) -> Ordering {
        other.coarse.total_cmp(&self.coarse).then(self.row.cmp(&other.row))
    }

    /// Orders by the cosine that counts, best first; of equal ones the lower row comes first.
    pub fn by_exact(&self, other: &Self) -> Ordering {
        other.score().total_cmp(&self.score()).then(self.row.cmp(&other.row))
    }

    /// Returns the cosine that counts.
    pub fn score(&self) -> f32 {
        self.exact.unwrap_or(self.coarse)
    }
}

/// The best of all candidates that were offered, and some that are no longer.
pub struct Best {
    most: usize,
    /// In no order; at most twice `most`.
    pub candidates: Vec<Candidate>,
    /// What a candidate needs at least.
    least: f32,
}

impl Best {
    /// Creates one that keeps `most`.
    pub fn new(most: usize) -> Self {
        Self { most, candidates: Vec::new(), least: f32::NEG_INFINITY }
    }

    /// Returns the coarse cosine that a candidate needs at least.
    pub fn least(&self) -> f32 {
        self.least
    }

    /// Takes a candidate that may be among the best; returns what the next one needs at least.
    pub fn offer(&mut self, candidate: Candidate) -> Result<f32, TryReserveError> {
        if self.candidates.len() >= self.most.saturating_mul(2) {
            self.cut();
        }
        self.candidates.try_reserve(1)?;
        self.candidates.push(candidate);
        Ok(self.least)
    }

    /// Drops all but the best.
    pub fn cut(&mut self) {
        if self.candidates.len() > self.most {
            let (_, last, _) = self.candidates.select_nth_unstable_by(self.most - 1, Candidate::by_coarse);
            self.least = last.coarse;
            self.candidates.truncate(self.most);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_best_are_those_of_a_sorted_list(
            // Few different values, so that many are equal.
            cosines in proptest::collection::vec(0u8..20, 0..200),
            most in 1usize..40,
        ) {
            let offered: Vec<Candidate> = cosines.iter().enumerate().map(|(row, cosine)| {
                Candidate { coarse: f32::from(*cosine) / 16.0 - 0.5, row: (row as u32 * 77) % 211, exact: None }
            }).collect();
            let mut best = Best::new(most);
            for candidate in &offered {
                // As a scan does: what is below the least is not offered.
                if candidate.coarse >= best.least() {
                    let least = best.offer(*candidate).unwrap();
                    prop_assert_eq!(least, best.least());
                }
            }
            best.cut();
            let rows = |mut candidates: Vec<Candidate>| -> Vec<u32> {
                candidates.sort_by(Candidate::by_exact);
                candidates.iter().take(most).map(|candidate| candidate.row).collect()
            };
            prop_assert!(best.candidates.len() <= most);
            prop_assert_eq!(rows(best.candidates), rows(offered));
        }
    }
}
