//! Where the CPU's time goes, by operation. Off unless asked for; while it is off, each timed place costs one branch.

use std::cell::{Cell, RefCell};
use web_time::Instant;

#[cfg(all(feature = "gpu", not(target_family = "wasm")))]
pub use super::gpu::profile as gpu;

/// The operations that are timed separately. A norm or a gate that also rounds its result in the same pass includes
/// that rounding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Int8 weights times rounded activations.
    Int8Product,
    /// f32 weights times activations.
    F32Product,
    /// Rounding of activations alone.
    Rounding,
    /// Layer norm.
    Norm,
    /// The gate of the MLP.
    Gate,
    /// Rotary positions, scores, softmax, sums of values.
    Attention,
}

const OPERATIONS: [(Operation, &str); 6] = [
    (Operation::Int8Product, "int8 product"),
    (Operation::F32Product, "f32 product"),
    (Operation::Rounding, "rounding"),
    (Operation::Norm, "norm"),
    (Operation::Gate, "gate"),
    (Operation::Attention, "attention"),
];

thread_local! {
    static ON: Cell<bool> = const { Cell::new(false) };
    static MILLISECONDS: RefCell<[f64; OPERATIONS.len()]> = const { RefCell::new([0.0; OPERATIONS.len()]) };
}

/// Runs `work` and counts its time if this thread is being profiled.
#[inline]
pub(super) fn time<T>(operation: Operation, work: impl FnOnce() -> T) -> T {
    if !ON.get() {
        return work();
    }
    let start = Instant::now();
    let made = work();
    MILLISECONDS.with_borrow_mut(|sums| sums[operation as usize] += start.elapsed().as_secs_f64() * 1e3);
    made
}

/// Starts counting on this thread, from zero.
pub fn start() {
    MILLISECONDS.set([0.0; OPERATIONS.len()]);
    ON.set(true);
}

/// Stops counting. Returns the milliseconds since [`start`] by operation, without those that took none.
pub fn stop() -> Vec<(&'static str, f64)> {
    ON.set(false);
    let sums = MILLISECONDS.take();
    OPERATIONS.iter().map(|(operation, name)| (*name, sums[*operation as usize])).filter(|(_, ms)| *ms > 0.0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_counts_only_between_start_and_stop() {
        let nap = || std::thread::sleep(std::time::Duration::from_millis(2));
        time(Operation::Gate, nap);
        start();
        time(Operation::Attention, nap);
        let counted = stop();
        assert!(matches!(counted[..], [("attention", ms)] if ms >= 2.0), "{counted:?}");
        assert!(stop().is_empty());
    }
}
