//! Documents to passages: the parts that have one vector each.
//!
//! A document is first read ([`Kind`] says how): what a person reads of it becomes one text, with sections under their
//! headings and blocks in them. The blocks are divided where they are too long, and joined where they are short, until
//! each passage has at most so many tokens. The tokens are counted by the caller, who knows the model.
//!
//! - `lines`: lines of a text, white space;
//! - `reading`: a document as a person reads it, and where each part of it stands in the source;
//! - `anchor`: what leads to a heading of Markdown;
//! - `outline`: headings and blocks to sections;
//! - `text`, `markdown`, `html`, `code`, `csv`, `json`: sources to readings;
//! - `split`: a part that is too long to smaller parts, `sentences` among them;
//! - `pack`: small parts to passages;
//! - `line`: a passage's first line;
//! - `cutter`: what is counted when.
//!
//! Everything takes linear time, whatever the source holds, and nothing recurs: sources are untrusted.

mod anchor;
mod code;
mod csv;
mod cutter;
mod error;
mod html;
mod json;
mod line;
mod lines;
mod markdown;
mod outline;
mod pack;
mod reading;
mod sentences;
mod split;
mod text;

pub use cutter::Cutter;
pub use error::{Error, Result};

use std::sync::Arc;

/// How a source is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Plain text: paragraphs between blank lines.
    Text,
    /// Markdown.
    Markdown,
    /// HTML: the main content of a page.
    Html,
    /// Source code of any language.
    Code,
    /// Comma-separated values, the first row with the names of the columns: a passage for each row.
    Csv,
    /// JSON, or JSON lines: a passage for each item.
    Json,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 6] = [Self::Text, Self::Markdown, Self::Html, Self::Code, Self::Csv, Self::Json];

    /// Returns the stable name, in lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Markdown => "markdown",
            Self::Html => "html",
            Self::Code => "code",
            Self::Csv => "csv",
            Self::Json => "json",
        }
    }

    /// Returns the kind of a name.
    ///
    /// # Errors
    ///
    /// If no kind has this name.
    pub fn from_name(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name).ok_or_else(|| {
            let names = lines::joined(Self::ALL.into_iter().map(Self::as_str), ", ");
            let name: String = name.chars().take(40).collect();
            Error::new(format!("\"{name}\" is not a kind of document: use one of {names}"))
        })
    }
}

/// How long passages are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The most tokens that a passage's input has.
    pub most_tokens: u32,
    /// The most tokens of the passage before that a passage repeats; fewer than `most_tokens`.
    pub overlap_tokens: u32,
    /// The document's title, if the caller knows it; otherwise the title that is found in the source counts.
    pub title: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self { most_tokens: 200, overlap_tokens: 30, title: None }
    }
}

/// The part of a document that has one vector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passage {
    /// Where it starts in the source, in UTF-16 code units.
    pub start: usize,
    /// Where it ends, exclusive.
    pub end: usize,
    /// What a person reads: for HTML, CSV and JSON the extracted text, otherwise the source's own slice.
    pub text: String,
    /// The headings above it, outermost first, without the title.
    pub trail: Arc<[String]>,
    /// What leads to it on its page, behind `#`: of the nearest heading above that has an anchor, but not of the title.
    pub anchor: Option<Arc<str>>,
    /// What is embedded: title and trail in a first line, then the text.
    pub input: String,
}

/// A document that has been cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The title that was found in the source.
    pub title: Option<String>,
    /// The passages in the order of the document.
    pub passages: Vec<Passage>,
}
