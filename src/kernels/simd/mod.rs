//! The fast CPU bodies: slices in, slices out, no allocation in an inner loop.
//!
//! They are portable Rust written so that the compiler vectorises it. Only the int8 product names its
//! instructions (`i32x4.dot_i16x8_s` on wasm, its likes through the `wide` crate elsewhere), and its
//! bodies give the same bits.

mod attention;
mod gate;
mod linear_int8;
mod maths;
mod norm;

pub use attention::attention;
pub use gate::gate;
pub use linear_int8::linear_int8;
pub use maths::{erf, exp};
pub use norm::layer_norm;
