//! The wasm-bindgen edge: JavaScript values in and out, and the vocabulary table's blocks in JavaScript's memory.
//!
//! One `Engine` class, the same in the binaries of the CPU and of the GPU, and the `Packer` in a binary of its own.
//! Whatever they throw is a JavaScript `Error` named `FelsicError` with a `code`; see `errors`.

#[cfg(feature = "engine")]
mod engine;
mod errors;
#[cfg(feature = "engine")]
mod hash;
#[cfg(feature = "engine")]
mod helpers;
#[cfg(feature = "engine")]
mod hooks;
#[cfg(feature = "engine")]
mod memory;
#[cfg(feature = "packer")]
mod packer;
#[cfg(feature = "engine")]
mod progress;
#[cfg(feature = "engine")]
mod store;
#[cfg(feature = "engine")]
mod table;
