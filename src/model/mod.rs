//! Token ids to hidden states: the ModernBERT encoder, written once for every device.
//!
//! The mathematics is that of Hugging Face transformers' `models/modernbert/modeling_modernbert.py`;
//! DESIGN.md gives it in a page. [`Encoder`] holds the weights, [`Batch`] says which tokens belong
//! together, [`Plan`] which of them each layer has to produce.

mod batch;
mod device;
mod encoder;
#[cfg(all(test, feature = "cpu", feature = "gpu"))]
mod gpu_tests;
mod layer;
mod linear;
mod plan;
mod pooling;
mod rope;

pub use batch::Batch;
pub use device::{Device, DeviceKind};
pub use encoder::Encoder;
pub use plan::{Plan, Stage};
pub use pooling::{pool, unit};
