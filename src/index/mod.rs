//! Making an index of a site: files that a page searches by meaning and by words, without a server.
//!
//! [`index`] reads a folder of Markdown or built HTML, cuts the documents into passages, embeds these on all cores, and
//! writes files for any static host. The same folder, model and options give the same bytes.
//!
//! ```no_run
//! use std::path::Path;
//!
//! use felsic::Embedder;
//! use felsic::index::{IndexOptions, index};
//!
//! # fn main() -> felsic::Result<()> {
//! let embedder = Embedder::built_in()?;
//! let options = IndexOptions { base_url: Some("https://example.org/docs/".into()), ..IndexOptions::default() };
//! let made = index(Path::new("site"), Path::new("site/index"), &embedder, &options, &|_| ())?;
//! println!("{} documents, {} passages", made.documents, made.passages);
//! # Ok(())
//! # }
//! ```

// `files` finds the files of a site, `document` reads and cuts one, `segment` embeds the passages of some and makes the
// sections, `output` writes files, `previous` reads an index that is to be updated, `vectors` vectors that were made elsewhere, `calibration` says what scores are measured
// against, and `write` does all of it in order. The format is in docs/index-format.md.

mod calibration;
mod document;
mod files;
mod format;
mod options;
mod output;
mod parallel;
mod previous;
mod segment;
mod vectors;
mod write;

pub use options::{IndexOptions, IndexProgress, IndexSummary, Refused};
pub use write::{index, index_vectors};

/// Returns how many vectors an update would take of the index in `folder`: for the fuzz targets.
///
/// # Errors
/// As [`index`] with [`IndexOptions::update`].
#[doc(hidden)]
pub fn rows_of(folder: &std::path::Path, space: &str, dimensions: usize, fine: bool) -> crate::Result<usize> {
    previous::Previous::read(folder, space, dimensions, fine).map(|previous| previous.len())
}
