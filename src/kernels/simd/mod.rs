//! The fast CPU bodies: slices in, slices out, no allocation in an inner loop.
//!
//! They are portable Rust written so that the compiler vectorises it. Where that is not enough (the
//! int8 product, the sums of attention), they name their registers through the `wide` crate.

mod attention;
mod bias;
mod exact;
mod gate;
mod int8;
mod linear;
mod maths;
mod norm;

pub use attention::attention;
pub use bias::add_bias;
pub use gate::gate;
pub use int8::{Fine, Mlp, NAME, Weights, is_exact, is_ordered, linear_int8, mlp_int8, order, passes};
pub use linear::linear;
pub use norm::layer_norm;
