//! The body for any processor: bytes widened to 16 bits, two columns a step.

use super::BAND;
use super::body::{Block, Body, Sums, clear, for_columns, put, round_groups, scale};
use crate::kernels::simd::exact::{self, PAIR, WIDTH};
use crate::kernels::simd::maths::{narrow, to_integers};
use wide::{f32x4, i16x8, i32x4};

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct Pairs;

impl Body for Pairs {
    const COLUMNS: usize = PAIR;
    /// Ten sums, two registers of weights, one of activations and one product.
    const TOKENS: usize = 5;
    type Weights = [i8; BAND * PAIR];
    /// A plain load of four equal words is one instruction, where browsers need two to spread a single one.
    type Word = i32x4;
    type Step = f32x4;

    #[inline(always)]
    fn round(self, row: &[f32], group: usize, words: &mut [i32x4], steps: &mut [f32x4], place: [usize; 2]) {
        round_groups::<Self>(row, group, words, steps, place, |group, [inverse, step], words| {
            let mut at = place[0];
            for_columns(group, |columns: [f32; 8]| {
                let columns: [f32x4; 2] = bytemuck::cast(columns);
                let made = narrow(columns.map(|v| to_integers(v * f32x4::splat(inverse))));
                put(words, at, place[1], bytemuck::cast(made), i32x4::splat);
                at += 4 * place[1];
            });
            f32x4::splat(step)
        });
    }

    #[inline(never)]
    fn add<const T: usize>(self, block: &Block<'_, Self, T>, new: bool, sums: &mut Sums<T>) {
        clear(new, sums);
        for group in block.groups() {
            let exact = exact::sums(group.words, group.weights, widen);
            // A step is read where it is multiplied: there is no register for it.
            scale(exact, f32x4::from_i32x4, group.scales, group.steps, |step| step, sums);
        }
    }
}

/// Widens the weights of a pair of columns.
#[inline(always)]
fn widen(values: &[i8; BAND * PAIR]) -> [i16x8; WIDTH] {
    std::array::from_fn(|half| i16x8::new(std::array::from_fn(|at| i16::from(values[half * 8 + at]))))
}
