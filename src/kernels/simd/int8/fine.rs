//! Vectors of a pack's self-test, which are those of its weights and not of 8-bit activations.
//!
//! A device that multiplies f32 activations is nearer to the weights than one that rounds them: what 8 bits move a component by is
//! as much as what a window off by one does. While a [`Fine`] lives, each product of bytes is therefore made twice on its thread, on a CPU or
//! a GPU: of the activations, and of what was rounded away from them.

use std::cell::Cell;

use super::activations::scales_to;
use crate::kernels::simd::maths::largest;

thread_local! {
    static IS_FINE: Cell<bool> = const { Cell::new(false) };
}

/// Makes the products of this thread finer as long as it lives.
#[derive(Debug)]
pub struct Fine(bool);

impl Fine {
    /// Begins.
    #[expect(clippy::new_without_default, reason = "it is made for what it does, not for a value")]
    pub fn new() -> Self {
        Self(IS_FINE.replace(true))
    }
}

impl Drop for Fine {
    fn drop(&mut self) {
        IS_FINE.set(self.0);
    }
}

/// Returns how many products are added up.
pub fn passes() -> usize {
    1 + usize::from(IS_FINE.get())
}

/// Leaves of a row what is rounded away from its groups.
pub(super) fn keep_remainder(row: &mut [f32], group: usize) {
    for group in row.chunks_exact_mut(group) {
        let [inverse, step] = scales_to(largest(group));
        group.iter_mut().for_each(|value| *value -= (*value * inverse).round_ties_even() * step);
    }
}
