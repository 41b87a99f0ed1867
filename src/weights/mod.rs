//! Bytes to tensors: safetensors files, GGUF files, the element types in them, quantised matrices, the vocabulary
//! table, and the manifest that lists a pack's files.
//!
//! Everything here comes from untrusted files, so every length is checked before it is used, and no buffer
//! is made for a size that only a file claims.

mod blocks;
mod checkpoint;
#[cfg(feature = "packer")]
mod dense;
mod element;
#[cfg(feature = "packer")]
pub mod gguf;
mod int4;
mod manifest;
mod matrix;
mod quantise;
pub mod safetensors;
mod scales;
mod table;
mod tensors;

pub use blocks::BlockType;
pub use checkpoint::{CheckpointTensors, INDEX_FILE, WEIGHTS_FILE, indexed_files};
#[cfg(feature = "packer")]
pub use dense::dense_weights;
pub use element::ElementType;
pub use int4::quantise_rows_int4;
pub use manifest::{Checkpoint, FileEntry, Manifest, SelfTest, TableGroup, TensorEntry, TokenizerFile};
pub use matrix::{HalfType, Matrix};
pub use quantise::quantise_rows;
pub use scales::Scales;
pub use table::{Block, BlockEntry, LEAST_GROUP, Order, Rows, Table};
#[cfg(feature = "packer")]
pub(crate) use tensors::widen;
pub use tensors::{StoredTensor, Tensors, block_name, groups_name, scales_name};

/// The most bytes of a shard, unless a single tensor of the layers is longer.
pub const SHARD_BYTES: usize = 16_000_000;
