//! Native: files of texts -> files of vectors, as `felsic embed` makes them.
//!
//! [`Records`] reads texts from JSON lines, plain lines or a column of a Parquet file, in _windows_ of some hundred that depend on the
//! input alone. [`embed_records`] computes the windows on several threads and returns them in order. [`FileOutput`] writes them to a partial
//! file with a journal beside it, from which a run that was interrupted goes on, and gives the file its name once it is whole.

mod engine;
mod found;
mod journal;
mod json;
mod lines;
mod npy;
mod output;
mod records;
mod table;

pub use engine::{Answer, Made, embed_records, threads};
pub use json::json_line;
pub use output::{FileOutput, Settings, Summary};
pub use records::{Fill, InputKind, Place, Reading, Records, Unit};

/// A form of vectors in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// JSON lines, `{"embedding", "tokens"}`.
    JsonLines,
    /// A NumPy array of f32, [texts, dimensions].
    Npy,
    /// Parquet, with a row for each text.
    Parquet,
}

impl Format {
    /// Returns the name that the command line uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::JsonLines => "jsonl",
            Self::Npy => "npy",
            Self::Parquet => "parquet",
        }
    }
}
