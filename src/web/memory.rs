//! WebAssembly's memory.

/// Returns the bytes of this module's memory, which never shrinks.
pub(super) fn memory_bytes() -> f64 {
    core::arch::wasm32::memory_size::<0>() as f64 * 65536.0
}
