//! What this thread has asked a GPU for, for tests.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;

use super::shader::Shader;

thread_local! {
    static DISPATCHES: Cell<usize> = const { Cell::new(0) };
    static PIPELINES: RefCell<HashSet<Shader>> = RefCell::default();
}

/// Counts a dispatch of a shader.
pub fn count(shader: Shader) {
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
