//! Documents to passages: the crate `felsic-cut`, with felsic's codes.

pub use felsic_cut::{Document, Kind, Options, Passage};

use crate::error::{Code, Error, Result};

impl From<felsic_cut::Error> for Error {
    fn from(error: felsic_cut::Error) -> Self {
        Self::new(Code::InputInvalid, error.to_string())
    }
}

/// Returns the kind of a name, such as `markdown`.
///
/// # Errors
///
/// `input-invalid` if no kind has this name.
pub fn kind(name: &str) -> Result<Kind> {
    Ok(Kind::from_name(name)?)
}

/// Cuts one document: asks for the tokens of texts until it knows enough.
///
/// Ask [`pieces`](Self::pieces), count, tell [`counted`](Self::counted), until there are no more pieces.
#[derive(Debug)]
pub struct Cutter(felsic_cut::Cutter);

impl Cutter {
    /// Reads a document.
    ///
    /// # Errors
    ///
    /// `input-invalid` if a passage may have no token, or is to repeat as many as it may have.
    pub fn new(kind: Kind, source: impl Into<String>, options: Options) -> Result<Self> {
        Ok(Self(felsic_cut::Cutter::new(kind, source.into(), options)?))
    }

    /// Returns the title that was found in the source.
    pub fn title(&self) -> Option<&str> {
        self.0.title()
    }

    /// Returns the texts whose tokens have to be counted next; none if the passages are known.
    pub fn pieces(&self) -> Vec<&str> {
        self.0.pieces()
    }

    /// Takes the counts of tokens of the texts that [`pieces`](Self::pieces) returned.
    ///
    /// # Errors
    ///
    /// `input-invalid` if there are more or fewer counts than pieces.
    pub fn counted(&mut self, tokens: &[u32]) -> Result<()> {
        Ok(self.0.counted(tokens)?)
    }

    /// Returns the passages in the order of the document.
    ///
    /// # Errors
    ///
    /// `input-invalid` if there are still pieces to count.
    pub fn passages(&self) -> Result<Vec<Passage>> {
        Ok(self.0.passages()?)
    }
}

/// Cuts a source into passages. `count` returns the number of tokens of each text that it gets.
///
/// # Errors
///
/// `input-invalid` if the options contradict each other or `count` returns another number of counts; and what `count`
/// fails with.
pub fn cut<E: From<Error>>(
    kind: Kind,
    source: impl Into<String>,
    options: Options,
    mut count: impl FnMut(&[&str]) -> std::result::Result<Vec<u32>, E>,
) -> std::result::Result<Document, E> {
    let mut cutter = Cutter::new(kind, source, options)?;
    loop {
        let pieces = cutter.pieces();
        if pieces.is_empty() {
            break;
        }
        let tokens = count(&pieces)?;
        cutter.counted(&tokens)?;
    }
    Ok(Document { title: cutter.title().map(str::to_owned), passages: cutter.passages()? })
}
