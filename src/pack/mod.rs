//! Making packs of checkpoints.
//!
//! A pack is what felsic makes of a checkpoint: int8, int4 or f32 weights in files of at most 16 MB, a tokenizer that loads
//! in milliseconds, and a manifest with the SHA-256 of each file. It opens faster than the checkpoint, is smaller, and is
//! what web pages load. The same checkpoint and options give the same bytes.
//!
//! ```no_run
//! use std::path::Path;
//!
//! use felsic::pack::{PackOptions, pack};
//!
//! # fn main() -> felsic::Result<()> {
//! let (checkpoint, out) = (Path::new("granite-embedding-97m-multilingual-r2"), Path::new("granite-97m"));
//! pack(checkpoint, out, &PackOptions::default(), &mut |_| ())?;
//! let embedder = felsic::Embedder::open(out)?;
//! # Ok(())
//! # }
//! ```

// A `Packer` takes a checkpoint's weights as they come, from a folder or over the network, quantises them and writes the
// shards; `pack` makes a folder of them, files named by their content's hash, with `manifest.json` on top. `inspect` describes
// packs.

mod balance;
mod format;
mod groups;
#[doc(hidden)]
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
#[doc(hidden)]
pub use packer::{Packer, Shards};
#[doc(hidden)]
pub use texts::SELF_TEST;
#[cfg(feature = "native")]
pub use write::{PackProgress, pack};
