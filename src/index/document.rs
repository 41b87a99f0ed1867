//! A file to a document: read, cut into passages.

use std::path::Path;
use std::sync::Arc;

use felsic_search::cut::{self, Kind, Options};

use super::files::{self, SiteFile};
use super::format::{DocumentEntry, MOST_ROWS, PassageEntry, PassageLocation, short_hash};
use super::segment::Row;
use super::vectors::Line;
use crate::embedder::{EmbedOptions, Embedder};
use crate::error::{Code, Error, Result};
use crate::source::read_whole;

/// Largest file that is read as a document.
const MOST_BYTES: u64 = 16 << 20;
/// Tokens that a passage stays below the model's limit: the parts of a text may have fewer tokens than the whole.
const MARGIN: usize = 8;

/// Kinds of files by the end of their names.
const ENDINGS: [(Kind, &[&str]); 6] = [
    (Kind::Markdown, &["md", "markdown", "mdx"]),
    (Kind::Html, &["html", "htm", "xhtml"]),
    (Kind::Text, &["txt", "text", "rst", "adoc", "org", "log"]),
    (Kind::Csv, &["csv"]),
    (Kind::Json, &["json", "jsonl", "ndjson"]),
    (
        Kind::Code,
        &[
            "c", "cc", "clj", "cpp", "cs", "css", "cjs", "cts", "dart", "elm", "erl", "ex", "exs", "f90", "fs", "go",
            "h", "hh", "hpp", "hs", "java", "jl", "js", "jsx", "kt", "lua", "m", "mjs", "ml", "mts", "php", "pl",
            "ps1", "py", "r", "rb", "rs", "scala", "scss", "sh", "sql", "svelte", "swift", "tcl", "toml", "ts", "tsx",
            "vue", "wgsl", "yaml", "yml", "zig",
        ],
    ),
];

/// Returns the kind of a file, if it has a known one.
pub(super) fn kind_of(path: &Path) -> Option<Kind> {
    let ending = path.extension()?.to_str()?.to_ascii_lowercase();
    ENDINGS.into_iter().find(|(_, endings)| endings.contains(&ending.as_str())).map(|(kind, _)| kind)
}

/// A file that has been cut.
#[derive(Debug)]
pub(super) struct Document {
    pub id: String,
    pub title: Option<String>,
    url: Option<String>,
    tags: Option<Vec<String>>,
    meta: Option<serde_json::Map<String, serde_json::Value>>,
    kind: Kind,
    hash: String,
    pub passages: Vec<Passage>,
}

/// A part of a document that has one vector.
#[derive(Debug)]
pub(super) struct Passage {
    pub start: usize,
    pub end: usize,
    pub text: String,
    pub trail: Arc<[String]>,
    /// What leads to it on its page, behind `#`.
    pub anchor: Option<Arc<str>>,
    /// What is embedded.
    pub input: String,
    /// [`short_hash`] of `input`.
    pub hash: String,
    /// Its vector, where that was made elsewhere.
    pub row: Option<Row>,
}

impl Document {
    /// Returns the document of a text whose vector was made elsewhere of `input`: one passage.
    pub fn imported(mut line: Line, input: &str, row: Row) -> Self {
        let (id, url) = (std::mem::take(&mut line.id), line.url.take());
        let (title, tags, meta) = (line.title.take(), line.tags.take(), line.meta.take());
        let kind = line.kind.as_deref().and_then(|kind| Kind::from_name(kind).ok()).unwrap_or(Kind::Text);
        let hash = short_hash(&[kind.as_str(), title.as_deref().unwrap_or_default(), &line.text, "imported"]);
        Self { id, title, url, tags, meta, kind, hash, passages: vec![Passage::imported(line, input, row)] }
    }

    /// Adds another passage of it.
    pub fn append(&mut self, line: Line, input: &str, row: Row) {
        self.hash = short_hash(&[&self.hash, &line.text]);
        self.passages.push(Passage::imported(line, input, row));
    }

    /// Returns what the index says of it.
    pub fn entry(&self, passages: Vec<PassageLocation>) -> DocumentEntry {
        DocumentEntry {
            id: self.id.clone(),
            title: self.title.clone(),
            url: self.url.clone(),
            tags: self.tags.clone(),
            meta: self.meta.clone(),
            kind: self.kind.as_str().to_string(),
            hash: self.hash.clone(),
            passages,
        }
    }
}

impl Passage {
    fn imported(line: Line, input: &str, row: Row) -> Self {
        let (start, end) = line.start.zip(line.end).unwrap_or_else(|| (0, line.text.encode_utf16().count()));
        Self {
            start,
            end,
            hash: short_hash(&[input]),
            input: String::new(),
            trail: line.trail.unwrap_or_default().into(),
            anchor: line.anchor.map(Arc::from),
            row: Some(row),
            text: line.text,
        }
    }
}

/// What makes documents of files.
pub(super) struct Reader<'a> {
    embedder: &'a Embedder,
    base: Option<String>,
    passage: PassageEntry,
    /// Tokens that the model adds to every text.
    special: usize,
}

impl<'a> Reader<'a> {
    /// Creates a reader; passages are as long as `wanted` says, and at most as the model reads.
    ///
    /// # Errors
    /// [`Code::InputInvalid`] if the model reads too little for passages with this overlap.
    pub fn new(
        embedder: &'a Embedder,
        options: &EmbedOptions,
        wanted: PassageEntry,
        base: Option<String>,
    ) -> Result<Self> {
        let special = embedder.count_tokens("", &counting())?;
        let around = embedder.count_tokens("", options)?;
        let most = embedder.info().max_tokens.saturating_sub(around + MARGIN);
        let passage = PassageEntry { tokens: wanted.tokens.min(most), ..wanted };
        if passage.overlap > passage.tokens / 2 {
            let message = format!(
                "this model has room for passages of {most} tokens, too few for an overlap of {}: use less overlap",
                wanted.overlap
            );
            return Err(Error::new(Code::InputInvalid, message));
        }
        Ok(Self { embedder, base, passage, special })
    }

    /// Returns how long passages are.
    pub fn passage(&self) -> PassageEntry {
        self.passage
    }

    /// Reads and cuts a file.
    ///
    /// # Errors
    /// [`Code::InputInvalid`] for a file that is too large, not UTF-8 or has too many passages; [`Code::NotFound`] or
    /// [`Code::Io`] if it cannot be read.
    pub fn read(&self, file: &SiteFile) -> Result<Document> {
        let PassageEntry { tokens, overlap } = self.passage;
        let source = source(&file.path)?;
        let hash = short_hash(&[file.kind.as_str(), "", &source, &format!("{tokens} {overlap}")]);
        let options = Options { most_tokens: limited(tokens), overlap_tokens: limited(overlap), title: None };
        let cut =
            cut::cut(file.kind, source, options, |pieces| self.count(pieces)).map_err(|error: CutError| error.0)?;
        if cut.passages.len() > MOST_ROWS {
            let message =
                format!("it has {} passages, and a document at most {MOST_ROWS}; divide it", cut.passages.len());
            return Err(Error::new(Code::InputInvalid, message));
        }
        let passages = cut.passages.into_iter().map(|cut::Passage { start, end, text, trail, anchor, input }| {
            let hash = short_hash(&[&input]);
            Passage { start, end, text, trail, anchor, input, hash, row: None }
        });
        Ok(Document {
            id: file.id.clone(),
            title: cut.title,
            url: Some(files::url(&file.id, self.base.as_deref())),
            tags: None,
            meta: None,
            kind: file.kind,
            hash,
            passages: passages.collect(),
        })
    }

    /// Returns the number of tokens of each text, without those that the model adds to every text.
    fn count(&self, texts: &[&str]) -> std::result::Result<Vec<u32>, CutError> {
        let count = |text: &&str| {
            let tokens = self.embedder.count_tokens(text, &counting()).map_err(CutError)?;
            Ok(limited(tokens.saturating_sub(self.special)))
        };
        texts.iter().map(count).collect()
    }
}

/// Returns the options for counting a part of a text: white space at its ends is inside the text.
fn counting() -> EmbedOptions {
    EmbedOptions { strip: false, ..EmbedOptions::default() }
}

fn limited(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// An error of the tokenizer or of cutting.
struct CutError(Error);

impl From<felsic_search::Error> for CutError {
    fn from(error: felsic_search::Error) -> Self {
        Self(from_search(&error))
    }
}

/// Returns an error of the crate `felsic-search` as one of this crate; their codes have the same names.
fn from_search(error: &felsic_search::Error) -> Error {
    Error::new(Code::from_name(error.code().as_str()).unwrap_or(Code::Internal), error.to_string())
}

/// Reads a file as text.
fn source(path: &Path) -> Result<String> {
    let length = std::fs::metadata(path).map(|found| found.len()).unwrap_or(0);
    if length > MOST_BYTES {
        let message = format!(
            "it has {length} bytes, and a document at most {MOST_BYTES}; divide it or leave it out with --exclude"
        );
        return Err(Error::new(Code::InputInvalid, message));
    }
    let bytes = read_whole(path, MOST_BYTES)?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let message = format!("it is not UTF-8 at byte {}; convert it", error.utf8_error().valid_up_to());
        Error::new(Code::InputInvalid, message)
    })?;
    Ok(match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_string(),
        None => text,
    })
}
