//! What a caller chooses, and what a caller is shown.

use std::num::NonZeroUsize;

use crate::error::{Code, Error, Result};

/// Longest URL, in bytes.
const LONGEST_URL: usize = 2000;

/// How an index is to be made.
#[derive(Clone, Debug)]
pub struct IndexOptions {
    /// Files to read, as globs on the path below the folder; a glob without `/` matches in every folder. Empty:
    /// `*.md`, `*.markdown`, `*.html`, `*.htm`, `*.xhtml` and `*.txt`.
    pub include: Vec<String>,
    /// Files not to read, as globs like those of `include`.
    pub exclude: Vec<String>,
    /// Where the folder is served; the URLs of documents start with it. `None`: they are paths below the folder.
    pub base_url: Option<String>,
    /// Where pages find the model's pack, relative to the index if it is relative. `None`: a page uses its built-in model, or
    /// the one that it chooses.
    pub model_url: Option<String>,
    /// Whether to keep the vectors of passages that the index in the output folder has already.
    pub update: bool,
    /// Most tokens of a passage, special tokens not counted.
    pub tokens: usize,
    /// Most tokens that a passage repeats of the one before it.
    pub overlap: usize,
    /// Threads that compute; `None`: one for each core.
    pub threads: Option<NonZeroUsize>,
    /// Whether to write the fine halves of the vectors too: twice the bytes, scores of 16 instead of 8 bits.
    pub fine: bool,
}

impl Default for IndexOptions {
    fn default() -> Self {
        Self {
            include: Vec::new(),
            exclude: Vec::new(),
            base_url: None,
            model_url: None,
            update: false,
            tokens: 200,
            overlap: 30,
            threads: None,
            fine: false,
        }
    }
}

impl IndexOptions {
    /// Checks what does not depend on the folder or the model.
    pub(super) fn check(&self) -> Result<()> {
        // A document's URL is the base and a path; it may not depend on the page that shows it.
        self.base_url.as_deref().map_or(Ok(()), |url| check_url("the base URL", url, &["https://", "http://", "/"]))?;
        let starts = ["https://", "http://", "/", "./", "../"];
        self.model_url.as_deref().map_or(Ok(()), |url| check_url("the model's URL", url, &starts))?;
        if self.tokens < 16 || self.overlap > self.tokens / 2 {
            let (tokens, overlap) = (self.tokens, self.overlap);
            let message = format!(
                "passages of {tokens} tokens with an overlap of {overlap}: use 16 tokens or more, and at most half of them as overlap"
            );
            return Err(Error::new(Code::InputInvalid, message));
        }
        Ok(())
    }

    /// Returns the number of threads to compute with.
    pub(super) fn threads(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        self.threads.map_or_else(cores, NonZeroUsize::get).min(256)
    }

    /// Returns the base URL with a slash at its end.
    pub(super) fn base(&self) -> Option<String> {
        self.base_url.as_deref().map(|base| format!("{}/", base.trim_end_matches('/')))
    }
}

/// Checks that a page can use a URL, and that it is one of a place to fetch from.
fn check_url(name: &str, url: &str, starts: &[&str]) -> Result<()> {
    let is_plain =
        url.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>' | b'\\' | b'`'));
    if is_plain
        && url.len() <= LONGEST_URL
        && starts.iter().any(|start| url.starts_with(start))
        && !url.contains(['?', '#'])
    {
        return Ok(());
    }
    let message =
        format!("{name} is {url:?}; it must start with https://, http:// or / and have no spaces, no ? and no #");
    Err(Error::new(Code::InputInvalid, message))
}

/// How far [`index`](super::index) has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexProgress {
    /// What is being done, such as `reading` or `embedding`.
    pub step: &'static str,
    /// Files that are done.
    pub done: usize,
    /// Files in all.
    pub total: usize,
}

/// What [`index`](super::index) has made.
#[derive(Debug, Default)]
pub struct IndexSummary {
    /// Documents in the index.
    pub documents: usize,
    /// Passages in the index; each has a vector.
    pub passages: usize,
    /// Passages that were embedded.
    pub embedded: usize,
    /// All others: passages whose vectors the index had before, and repetitions of passages that were embedded.
    pub reused: usize,
    /// Files of the index, `index.json` included.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Files that could not be read as documents, in the order of their paths.
    pub refused: Vec<Refused>,
    /// Files without text, which are no documents.
    pub empty: usize,
    /// Symbolic links, which are not followed.
    pub links: usize,
}

/// A file that could not be read as a document.
#[derive(Debug)]
pub struct Refused {
    /// Its path below the folder.
    pub file: String,
    /// Why.
    pub error: Error,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_one_that_a_page_can_fetch_from() {
        let with = |url: &str| IndexOptions { base_url: Some(url.into()), ..IndexOptions::default() };
        for url in ["https://example.org/docs", "http://localhost:8000/", "/docs/"] {
            with(url).check().unwrap_or_else(|error| panic!("{url}: {error}"));
        }
        let long = format!("/{}", "x".repeat(LONGEST_URL));
        for url in [
            "",
            "javascript:alert(1)",
            "docs",
            "../docs",
            "https://a b/",
            "/a?b=",
            "/a#b",
            "/\"",
            "/ü",
            "data:,",
            &long,
        ] {
            assert_eq!(with(url).check().expect_err(url).code(), Code::InputInvalid);
        }
        assert_eq!(with("/docs").base().as_deref(), Some("/docs/"));
        assert_eq!(with("/").base().as_deref(), Some("/"));
    }

    #[test]
    fn passages_have_room_for_text() {
        let with = |tokens, overlap| IndexOptions { tokens, overlap, ..IndexOptions::default() };
        assert!(with(16, 8).check().is_ok());
        for options in [with(15, 0), with(16, 9), with(0, 0)] {
            assert_eq!(options.check().expect_err("too little").code(), Code::InputInvalid);
        }
    }
}
