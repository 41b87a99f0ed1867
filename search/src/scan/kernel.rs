//! The products of a query with coarse rows, in integers.
//!
//! A browser compiles the loop as it stands: a load that widens eight bytes to 16 bits, a multiplication that adds
//! neighbours, an addition. Four rows at a time share the query's registers; with these, four registers of sums and one
//! product each, nothing needs more than the 15 registers that browsers use on x86-64.

use crate::error::Result;
use std::array::from_fn;
use wide::{i16x8, i32x4};

/// Rows that are multiplied together.
pub const GROUP: usize = 4;
/// Components of a step: two registers of the query.
const STEP: usize = 16;
/// Components of a register.
const LANES: usize = 8;

/// A step of the query.
type Step = [i16x8; STEP / LANES];

/// The largest magnitude of a query's integer.
const LARGEST: f64 = 32_767.0;

/// A query of unit length, as integers too.
pub struct Query {
    values: Vec<f32>,
    length: f64,
    /// The integers of all whole steps.
    steps: Vec<Step>,
    /// Those of the components after them.
    rest: Vec<i32>,
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
        let (whole, last) = query.as_chunks::<STEP>();
        let (mut values, mut steps, mut rest) = (Vec::new(), Vec::new(), Vec::new());
        values.try_reserve_exact(query.len())?;
        steps.try_reserve_exact(whole.len())?;
        rest.try_reserve_exact(last.len())?;
        values.extend_from_slice(query);
        steps.extend(
            whole
                .iter()
                .map(|step| from_fn(|half| i16x8::new(from_fn(|lane| integer(step[half * LANES + lane], factor))))),
        );
        rest.extend(last.iter().map(|v| i32::from(integer(*v, factor))));
        let length = query.iter().map(|v| f64::from(*v) * f64::from(*v)).sum::<f64>().sqrt();
        Ok(Self { values, length, steps, rest, step: (1.0 / factor) as f32 })
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

    /// Returns the cosine with a row of this scale whose coarse vector times the query is `sum`.
    #[inline(always)]
    pub fn coarse_cosine(&self, sum: i32, scale: f32) -> f32 {
        sum as f32 * (self.step * scale)
    }

    /// Returns the exact products of the query with [`GROUP`] rows, [GROUP, dimensions].
    #[inline(always)]
    pub fn sums(&self, coarse: &[i8]) -> [i32; GROUP] {
        let dimensions = self.dimensions();
        let rows: [&[i8]; GROUP] = from_fn(|row| &coarse[row * dimensions..][..dimensions]);
        let totals = of_group(&self.steps, rows.map(|row| row.as_chunks().0));
        from_fn(|row| self.total(totals[row], rows[row]))
    }

    /// Returns the exact product of the query with a row, [dimensions].
    pub fn sum(&self, coarse: &[i8]) -> i32 {
        let mut sums = i32x4::ZERO;
        for (query, step) in self.steps.iter().zip(coarse.as_chunks().0) {
            add(&mut sums, query, step);
        }
        self.total(sums, coarse)
    }

    /// Adds up the sums of the whole steps and the products after them.
    #[inline(always)]
    fn total(&self, sums: i32x4, row: &[i8]) -> i32 {
        let whole = sums.to_array().into_iter().fold(0, i32::wrapping_add);
        let last = row[self.steps.len() * STEP..].iter().zip(&self.rest);
        last.fold(whole, |total, (v, query)| total + i32::from(*v) * query)
    }
}

/// Sums over the whole steps of a group. A function of its own, so that the browser's compiler has all registers for it.
#[inline(never)]
fn of_group(query: &[Step], [first, second, third, fourth]: [&[[i8; STEP]]; GROUP]) -> [i32x4; GROUP] {
    let mut sums = [i32x4::ZERO; GROUP];
    // One index for all five, without checks.
    for ((((query, first), second), third), fourth) in query.iter().zip(first).zip(second).zip(third).zip(fourth) {
        let [a, b, c, d] = &mut sums;
        add(a, query, first);
        add(b, query, second);
        add(c, query, third);
        add(d, query, fourth);
    }
    sums
}

/// Adds the products of a step.
#[inline(always)]
fn add(sums: &mut i32x4, query: &Step, row: &[i8; STEP]) {
    for (half, query) in query.iter().enumerate() {
        *sums += widen(row, half).dot(*query);
    }
}

/// Widens eight of a step's components.
#[inline(always)]
fn widen(step: &[i8; STEP], half: usize) -> i16x8 {
    i16x8::new(from_fn(|lane| i16::from(step[half * LANES + lane])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::tests::{any_unit, unit};
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
        assert_eq!(widened(made.sums(coarse)), plain);
        for (row, plain) in coarse.chunks_exact(query.len()).zip(plain) {
            assert_eq!(i64::from(made.sum(row)), plain);
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
