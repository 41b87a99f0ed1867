//! A query as integers.

use crate::error::Result;

/// The largest magnitude of a query's integer.
const LARGEST: f64 = 32_767.0;

/// A query of unit length, as integers too.
pub struct Query {
    values: Vec<f32>,
    length: f64,
    integers: felsic_scan::Query,
    /// What an integer stands for.
    step: f32,
}

/// Returns the factor that makes integers of a query: as large as the sums of products with any row allow.
///
/// By Cauchy and Schwarz any sum of such products is at most the product of the lengths, so the integers' length must stay
/// below `2^31 / (128 * sqrt(D))`. One in a hundred is left for rounding and for lengths that are 1 only nearly.
fn factor(query: &[f32]) -> f64 {
    let largest = query.iter().fold(0.0f64, |largest, v| largest.max(f64::from(v.abs())));
    let longest = 0.99 * 2f64.powi(31) / (128.0 * (query.len() as f64).sqrt());
    (LARGEST / largest).min(longest)
}

/// Returns the integer of a component.
fn integer(value: f32, factor: f64) -> i16 {
    (f64::from(value) * factor).round_ties_even().clamp(-LARGEST, LARGEST) as i16
}

impl Query {
    /// Takes a query that has been checked: finite, of unit length, not empty.
    pub fn new(query: &[f32]) -> Result<Self> {
        let factor = factor(query);
        let (mut values, mut integers) = (Vec::new(), Vec::new());
        values.try_reserve_exact(query.len())?;
        integers.try_reserve_exact(query.len())?;
        values.extend_from_slice(query);
        integers.extend(query.iter().map(|v| integer(*v, factor)));
        let length = query.iter().map(|v| f64::from(*v) * f64::from(*v)).sum::<f64>().sqrt();
        Ok(Self { values, length, integers: felsic_scan::Query::new(&integers)?, step: (1.0 / factor) as f32 })
    }

    /// Returns the number of components.
    pub fn dimensions(&self) -> usize {
        self.values.len()
    }

    /// Returns the components.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Returns the length, which is 1 only nearly.
    pub fn length(&self) -> f64 {
        self.length
    }

    /// Returns the components as integers.
    pub fn integers(&self) -> &felsic_scan::Query {
        &self.integers
    }

    /// Returns what an integer stands for.
    pub fn step(&self) -> f32 {
        self.step
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::tests::{any_unit, unit};
    use felsic_scan::GROUP;
    use proptest::prelude::*;

    /// Computes plainly what the kernel computes.
    fn plainly(query: &[f32], row: &[i8]) -> i64 {
        let factor = factor(query);
        row.iter().zip(query).map(|(v, query)| i64::from(*v) * i64::from(integer(*query, factor))).sum()
    }

    fn check(query: &[f32], coarse: &[i8]) {
        let made = Query::new(query).unwrap();
        let plain: Vec<i64> = coarse.chunks_exact(query.len()).map(|row| plainly(query, row)).collect();
        let widened = |sums: [i32; GROUP]| sums.map(i64::from).to_vec();
        assert_eq!(widened(made.integers().sums(coarse)), plain);
        for (row, plain) in coarse.chunks_exact(query.len()).zip(plain) {
            assert_eq!(i64::from(made.integers().sum(row)), plain);
        }
    }

    proptest! {
        #[test]
        fn sums_are_exact(
            (query, coarse) in (1usize..140).prop_flat_map(|dimensions| {
                (any_unit(dimensions), proptest::collection::vec(any::<i8>(), GROUP * dimensions))
            }),
        ) {
            check(&query, &coarse);
        }

        #[test]
        fn the_integers_give_the_query_back(query in (1usize..140).prop_flat_map(any_unit)) {
            let factor = factor(&query);
            for v in &query {
                let back = f64::from(integer(*v, factor)) / factor;
                prop_assert!((back - f64::from(*v)).abs() <= 0.5001 / factor);
            }
        }
    }

    #[test]
    fn the_largest_sums_fit() {
        for dimensions in [1, 2, 15, 16, 17, 384, 768, 1000, 4095, 4096] {
            // A row that is parallel to the query has the largest sum; signs that differ try both ends.
            for sign in [1.0, -1.0] {
                for flat in [1.0, 0.01] {
                    let query: Vec<f32> = (0..dimensions).map(|at| if at % 3 == 0 { sign } else { -flat }).collect();
                    let query = unit(&query).iter().map(|v| v * 1.0009).collect::<Vec<_>>();
                    let row: Vec<i8> = query.iter().map(|v| if *v > 0.0 { 127 } else { -128 }).collect();
                    let against: Vec<i8> = row.iter().map(|v| !v).collect();
                    check(&query, &[&row[..], &against, &row, &against].concat());
                }
            }
        }
    }
}
