//! What this thread has asked a GPU for, for tests.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;

use burn::backend::wgpu::CubeTensor;

use super::shader::Shader;

thread_local! {
    static DISPATCHES: Cell<usize> = const { Cell::new(0) };
    static PIPELINES: RefCell<HashSet<Shader>> = RefCell::default();
    static LARGEST: Cell<u64> = const { Cell::new(0) };
    static IS_DRY: Cell<bool> = const { Cell::new(false) };
}

/// Counts a dispatch of a shader with its buffers.
pub fn count(shader: Shader, buffers: &[&CubeTensor]) {
    let largest = buffers.iter().map(|buffer| buffer.handle.size_in_used()).max();
    LARGEST.set(LARGEST.get().max(largest.unwrap_or(0)));
    DISPATCHES.set(DISPATCHES.get() + 1);
    PIPELINES.with_borrow_mut(|pipelines| pipelines.insert(shader));
}

/// Returns how many dispatches there were so far.
pub fn dispatches() -> usize {
    DISPATCHES.get()
}

/// Returns how many pipelines have been needed so far.
pub fn pipelines() -> usize {
    PIPELINES.with_borrow(HashSet::len)
}

/// Does some work and returns its result and how many bytes the largest binding of a dispatch had in it.
pub fn largest_binding<T>(work: impl FnOnce() -> T) -> (T, u64) {
    LARGEST.set(0);
    (work(), LARGEST.get())
}

/// Does some work without a single dispatch: everything is asked for, and nothing is computed.
pub fn dry<T>(work: impl FnOnce() -> T) -> T {
    IS_DRY.set(true);
    let made = work();
    IS_DRY.set(false);
    made
}

/// Returns whether nothing is to be computed.
pub fn is_dry() -> bool {
    IS_DRY.get()
}
