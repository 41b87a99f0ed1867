//! Checkpoint -> pack, and what goes with it: looking at packs and comparing engines with goldens.
//!
//! A [`Packer`] takes a checkpoint's weights as they arrive, from a folder or over the network, quantises them and
//! writes the shards of a pack; [`pack`] makes a folder of them, files named by their content's hash, with
//! `manifest.json` on top. The same checkpoint and options give bit-for-bit identical files.

#[cfg(feature = "native")]
pub mod card;
mod format;
#[cfg(feature = "native")]
pub mod goldens;
mod groups;
#[cfg(feature = "native")]
pub mod inspect;
mod layout;
#[cfg(feature = "native")]
mod output;
mod packer;
#[cfg(feature = "native")]
mod partial;
mod rows;
#[cfg(feature = "native")]
mod self_test;
mod texts;
#[cfg(feature = "native")]
mod tokenizer;
#[cfg(feature = "native")]
mod tokenizer_texts;
#[cfg(feature = "native")]
mod write;

pub use format::{Group, PackOptions, WeightFormat};
pub use packer::{Packer, Shards};
pub use texts::SELF_TEST;
#[cfg(feature = "native")]
pub use write::{PackProgress, pack};
