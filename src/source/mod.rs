//! Where bytes come from, and how a model is put together from them.
//!
//! A [`Source`] yields the bytes of a file by name: from the page's store (in a browser, see `web`), a folder
//! ([`FolderSource`], native) or memory ([`MemorySource`]). [`load_pack`] reads a pack through it and checks every byte
//! before it is used; [`load_first`] leaves the blocks of the vocabulary table for later; [`open_checkpoint`] reads a
//! checkpoint's folder. All return [`Parts`].

#[cfg(feature = "native")]
mod built_in;
#[cfg(feature = "native")]
mod checkpoint;
#[cfg(feature = "native")]
mod folder;
mod load;
mod memory;
#[cfg(feature = "native")]
mod open;
mod progress;

#[cfg(feature = "native")]
pub use built_in::built_in;
#[cfg(feature = "native")]
pub use checkpoint::{CheckpointWeights, open_checkpoint, read_config};
#[cfg(feature = "native")]
pub(crate) use checkpoint::{name_of, read_needed, read_optional, read_tokenizer_settings};
#[cfg(feature = "native")]
pub use folder::{FolderSource, open_model};
#[cfg(feature = "packer")]
pub(crate) use load::check_tokenizer;
#[cfg(all(feature = "web", feature = "engine", target_family = "wasm"))]
pub(crate) use load::is_wrong;
pub use load::{Keep, load_first, load_layers, load_pack, load_parts, read_checked, read_file, read_manifest};
pub use memory::MemorySource;
#[cfg(feature = "native")]
pub(crate) use open::{MOST_WHOLE, io_error, open, read_whole};
pub use progress::{Meter, Phase, Progress};

use crate::config::EmbedderConfig;
use crate::error::Result;
use crate::tokenizer::Tokenizer;
use crate::weights::{BlockEntry, FileEntry, SelfTest, Tensors};

/// A receiver of a file's bytes.
pub trait Sink {
    /// Takes the next piece; an error stops the reading.
    ///
    /// # Errors
    /// Whatever is wrong with what has arrived so far.
    fn push(&mut self, piece: &[u8]) -> Result<()>;

    /// Reports whether all of it is right, once all of it has been taken.
    ///
    /// # Errors
    /// Whatever is wrong with it.
    fn finish(&mut self) -> Result<()>;
}

/// A file that is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Its name.
    pub file: &'a str,
    /// Its entry in the manifest; `None` for the manifest itself.
    pub entry: Option<&'a FileEntry>,
    /// Whether its bytes were wrong the last time: no cache is to be trusted then.
    pub again: bool,
}

/// A place with files.
///
/// The futures need not be `Send`: in a browser everything happens on one thread.
pub trait Source {
    /// Passes the bytes of a file to `sink` in order and in pieces of any size, and finishes it.
    ///
    /// # Errors
    /// [`Code::NotFound`](crate::error::Code::NotFound), [`Code::Network`](crate::error::Code::Network),
    /// [`Code::Io`](crate::error::Code::Io), [`Code::Aborted`](crate::error::Code::Aborted), and the
    /// errors of `sink`.
    fn read(&self, wanted: Wanted<'_>, sink: &mut dyn Sink) -> impl Future<Output = Result<()>>;

    /// Returns whether a file whose bytes are wrong may be right when it is read again.
    fn may_change(&self) -> bool {
        false
    }

    /// Returns the path or URL of a file, for messages.
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
    /// Blocks of the vocabulary table that are not in `tensors`, but to come: all of them, or none.
    pub blocks: Vec<BlockEntry>,
    /// Texts with their vectors; a checkpoint has none.
    pub self_test: Vec<SelfTest>,
}

/// Returns the space of a model's full-width vectors.
pub fn space(name: &str, revision: Option<&str>, sha256: &str, format: &str, dimensions: usize) -> String {
    let revision = revision.unwrap_or_else(|| sha256.get(..16).unwrap_or(sha256));
    format!("{name}@{revision}/{format}/{dimensions}")
}
