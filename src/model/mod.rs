//! Token ids to hidden states: encoders, each written once for every device.
//!
//! The mathematics is that of Hugging Face transformers; DESIGN.md gives it in a page. [`Encoder`] holds the weights,
//! [`Batch`] says which tokens belong together, [`Plan`] which of them each layer has to produce. What differs from
//! architecture to architecture is in one file each, behind the trait in `architecture.rs`.

mod architecture;
mod batch;
mod bert;
mod device;
mod encoder;
#[cfg(all(test, feature = "cpu", feature = "gpu"))]
mod gpu_tests;
mod linear;
mod modern_bert;
mod norm;
mod plan;
mod pooling;
mod rope;

pub use batch::Batch;
pub use device::{Device, DeviceKind};
pub use encoder::Encoder;
pub use plan::{Plan, Stage};
pub use pooling::{pool, unit};
