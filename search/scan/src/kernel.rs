//! The products of a query with coarse rows, in integers.
//!
//! A browser compiles the loop as it stands: a load that widens eight bytes to 16 bits, a multiplication that adds
//! neighbours, an addition. Four rows at a time share the query's registers; with these, four registers of sums and one
//! product each, nothing needs more than the 15 registers that browsers use on x86-64.

use std::array::from_fn;
use std::collections::TryReserveError;
use wide::{i16x8, i32x4};

/// Rows that are multiplied together.
pub const GROUP: usize = 4;
/// Components of a step: two registers of the query.
const STEP: usize = 16;
/// Components of a register.
const LANES: usize = 8;

/// A step of the query.
type Step = [i16x8; STEP / LANES];

/// A query as integers.
#[derive(Debug)]
pub struct Query {
    /// Those of all whole steps.
    steps: Vec<Step>,
    /// Those after them.
    rest: Vec<i16>,
}

impl Query {
    /// Takes the integers of a query, at least one. Their product with any row has to fit 32 bits.
    ///
    /// # Errors
    ///
    /// If there is not enough memory.
    pub fn new(integers: &[i16]) -> Result<Self, TryReserveError> {
        let (whole, last) = integers.as_chunks::<STEP>();
        let (mut steps, mut rest) = (Vec::new(), Vec::new());
        steps.try_reserve_exact(whole.len())?;
        rest.try_reserve_exact(last.len())?;
        let half = |step: &[i16; STEP], half: usize| i16x8::new(from_fn(|lane| step[half * LANES + lane]));
        steps.extend(whole.iter().map(|step| from_fn(|at| half(step, at))));
        rest.extend_from_slice(last);
        Ok(Self { steps, rest })
    }

    /// Returns the number of components.
    pub fn dimensions(&self) -> usize {
        self.steps.len() * STEP + self.rest.len()
    }

    /// Returns the products of the query with [`GROUP`] rows, [GROUP, dimensions], which must be there.
    #[inline(always)]
    pub fn sums(&self, coarse: &[i8]) -> [i32; GROUP] {
        let dimensions = self.dimensions();
        let rows: [&[i8]; GROUP] = from_fn(|row| &coarse[row * dimensions..][..dimensions]);
        let totals = of_group(&self.steps, rows.map(|row| row.as_chunks().0));
        from_fn(|row| self.total(totals[row], rows[row]))
    }

    /// Returns the product of the query with a row, `[dimensions]`, which must be there.
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
        last.fold(whole, |total, (v, query)| total.wrapping_add(i32::from(*v) * i32::from(*query)))
    }
}

/// Returns the sum of the squares of a row's coarse components, of which there are few enough that it fits.
pub fn squares(row: &[i8]) -> i32 {
    let (steps, last) = row.as_chunks();
    let mut sums = i32x4::ZERO;
    for step in steps {
        let halves = from_fn(|half| widen(step, half));
        add(&mut sums, &halves, step);
    }
    let whole = sums.to_array().into_iter().fold(0, i32::wrapping_add);
    last.iter().fold(whole, |sum, v| sum.wrapping_add(i32::from(*v) * i32::from(*v)))
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
#[cfg(not(target_arch = "wasm32"))]
#[inline(always)]
fn widen(step: &[i8; STEP], half: usize) -> i16x8 {
    i16x8::new(from_fn(|lane| i16::from(step[half * LANES + lane])))
}

/// Widens eight of a step's components: what is built for size does not find the instruction for it by itself.
#[cfg(target_arch = "wasm32")]
#[inline(always)]
fn widen(step: &[i8; STEP], half: usize) -> i16x8 {
    use std::arch::wasm32::{i16x8_extend_low_i8x16, i64x2};
    let bytes: [i8; LANES] = from_fn(|lane| step[half * LANES + lane]);
    bytemuck::cast(i16x8_extend_low_i8x16(i64x2(bytemuck::cast(bytes), 0)))
}
