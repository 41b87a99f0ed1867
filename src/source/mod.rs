//! Where bytes come from, and how a model is put together from them.
//!
//! A [`Source`] yields the bytes of a file by name: from a server (`HttpSource`, in a browser), a folder
//! ([`FolderSource`], native) or memory ([`MemorySource`]). [`load_pack`] reads a pack through it and checks
//! every byte before it is used; [`open_checkpoint`] reads a checkpoint's folder. Both give [`Parts`].

#[cfg(feature = "native")]
mod checkpoint;
#[cfg(feature = "native")]
mod folder;
#[cfg(all(feature = "web", target_family = "wasm"))]
mod http;
mod load;
mod memory;

use std::ops::Range;

#[cfg(feature = "native")]
pub use checkpoint::{CheckpointWeights, open_checkpoint, read_config};
#[cfg(feature = "native")]
pub(crate) use checkpoint::{name_of, read_needed};
#[cfg(feature = "native")]
pub(crate) use folder::io_error;
#[cfg(feature = "native")]
pub use folder::{FolderSource, open_model};
#[cfg(all(feature = "web", target_family = "wasm"))]
pub use http::HttpSource;
pub use load::{Phase, Progress, load_layers, load_pack, load_parts, read_file, read_manifest};
pub use memory::MemorySource;

use crate::config::EmbedderConfig;
use crate::error::Result;
use crate::tokenizer::Tokenizer;
use crate::weights::{SelfTest, Tensors};

/// Takes the bytes of a file as they come; an error stops the reading.
pub type Sink<'a> = &'a mut dyn FnMut(&[u8]) -> Result<()>;

/// Somewhere with files.
///
/// The futures need not be `Send`: in a browser everything happens on one thread.
pub trait Source {
    /// Passes the bytes of `file`, or of `range` in it, to `sink` in order and in pieces of any size.
    ///
    /// # Errors
    /// [`Code::NotFound`](crate::error::Code::NotFound), [`Code::Network`](crate::error::Code::Network),
    /// [`Code::Io`](crate::error::Code::Io), [`Code::Aborted`](crate::error::Code::Aborted), and the
    /// error of `sink`. A range past the end is no error: what is there is passed on.
    fn read(&self, file: &str, range: Option<Range<u64>>, sink: Sink<'_>) -> impl Future<Output = Result<()>>;

    /// Path or URL of a file, for messages.
    fn location(&self, file: &str) -> String;
}

/// A model that has been read but is on no device yet.
pub struct Parts {
    /// Name of the model.
    pub name: String,
    /// Revision of the checkpoint, where it is known.
    pub revision: Option<String>,
    /// Vectors are comparable only within one space: `name@revision/format/dimensions`, with the start of
    /// the weights' SHA-256 where the revision is not known.
    pub space: String,
    /// Format of the weights, like `int8-g32` or `f32`.
    pub format: String,
    /// SHA-256 of the pack's manifest, which stands for every byte of the pack; a checkpoint has none.
    pub pack: Option<String>,
    /// The shape of the model and what surrounds it.
    pub config: EmbedderConfig,
    /// Text to token ids.
    pub tokenizer: Tokenizer,
    /// The weights.
    pub tensors: Tensors,
    /// Texts with their vectors; a checkpoint has none.
    pub self_test: Vec<SelfTest>,
}

/// The space of vectors that full-width vectors of a model lie in.
pub fn space(name: &str, revision: Option<&str>, sha256: &str, format: &str, dimensions: usize) -> String {
    let revision = revision.unwrap_or_else(|| sha256.get(..16).unwrap_or(sha256));
    format!("{name}@{revision}/{format}/{dimensions}")
}
