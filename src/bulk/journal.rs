//! The journal of a partial file: what it is made with, and a line for each window that is whole in it.
//!
//! A line is written after its window. Both may be cut off where a run is killed, and a disk may keep them in another order where the power
//! fails; each line has the SHA-256 of its window's bytes, so that none counts before all of it is there.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::engine::Answer;
use super::records::Record;
use crate::embedder::largest_difference;
use crate::error::{Code, Error, Result};
use crate::source::io_error;

/// Counts up when windows have other texts, or files another form.
pub(super) const VERSION: u32 = 1;
/// Longest line, in bytes: the first has a vector.
const LONGEST: u64 = 1 << 20;
/// The most by which a component of the vector that this engine makes of a text may differ from the one in the journal. The same weights
/// differ by less on another processor; other weights, prompts and tokenizers by far more.
const MOST_DIFFERENCE: f32 = 1e-4;

/// What a file is made with.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Head {
    pub version: u32,
    pub space: String,
    pub format: String,
    pub dimensions: usize,
    pub prompt: Option<String>,
    pub strip: bool,
    pub with_text: bool,
    pub keep_going: bool,
    /// The vector of a text that is always the same.
    pub probe: Vec<f32>,
}

impl Head {
    /// Checks that a file that was begun with `self` goes on with `now`.
    ///
    /// # Errors
    /// [`Code::InputInvalid`] for other options; [`Code::VectorsDisagree`] for another model.
    pub fn check(&self, now: &Self, part: &Path) -> Result<()> {
        let part = part.display();
        let other = |what: String| Error::new(Code::InputInvalid, format!("{part} was begun with {what}"));
        let again = "give the same options, or remove it to start again";
        if self.version != now.version {
            return Err(other("another version of felsic; remove it to start again".to_string()));
        }
        if self.space != now.space {
            let message = format!(
                "{part} has vectors of {}, and this model's are of {}: give the same model",
                self.space, now.space
            );
            return Err(Error::new(Code::VectorsDisagree, message));
        }
        let quoted =
            |prompt: &Option<String>| prompt.as_ref().map_or("none".to_string(), |prompt| format!("{prompt:?}"));
        for (what, before, now) in [
            ("the format", &self.format, &now.format),
            ("dimensions", &self.dimensions.to_string(), &now.dimensions.to_string()),
            ("the prompt", &quoted(&self.prompt), &quoted(&now.prompt)),
            ("--no-strip", &(!self.strip).to_string(), &(!now.strip).to_string()),
            ("--with-text", &self.with_text.to_string(), &now.with_text.to_string()),
            ("--keep-going", &self.keep_going.to_string(), &now.keep_going.to_string()),
        ] {
            if before != now {
                return Err(other(format!("{what} {before}, and this run has {now}: {again}")));
            }
        }
        let is_alike =
            self.probe.len() == now.probe.len() && largest_difference(&self.probe, &now.probe) <= MOST_DIFFERENCE;
        match is_alike {
            true => Ok(()),
            false => {
                let message = format!(
                    "{part} was begun with a model of the same name that makes other vectors: give the same model, or remove the file to \
                     start again"
                );
                Err(Error::new(Code::VectorsDisagree, message))
            }
        }
    }
}

/// A window that is whole in the partial file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Chunk {
    /// Its texts.
    pub texts: u64,
    /// Those of them that have no vector.
    pub failed: u64,
    /// Where it ends in the partial file.
    pub end: u64,
    /// SHA-256 of its texts.
    pub input: String,
    /// SHA-256 of its bytes in the partial file.
    pub output: String,
}

/// What has been read of a journal.
pub(super) struct Journal {
    pub head: Head,
    /// Where the first line ends.
    pub end: u64,
    /// The windows, each with the end of its line.
    pub chunks: Vec<(Chunk, u64)>,
}

/// Reads a journal up to the first line that is not whole.
///
/// # Errors
/// [`Code::InputInvalid`] if the first line cannot be read; [`Code::Io`].
pub(super) fn read(file: &File, path: &Path) -> Result<Journal> {
    let mut input = BufReader::new(file);
    let mut end = 0;
    let Some(head) = next::<Head>(&mut input, &mut end, path)? else {
        let message = format!("{} is no journal of felsic: remove it and its file to start again", path.display());
        return Err(Error::new(Code::InputInvalid, message));
    };
    let (first, mut chunks) = (end, Vec::new());
    while let Some(chunk) = next::<Chunk>(&mut input, &mut end, path)? {
        chunks.push((chunk, end));
    }
    Ok(Journal { head, end: first, chunks })
}

/// Returns the next line and moves `end` behind it; `None` if it is not whole, or not one.
fn next<T: DeserializeOwned>(input: &mut impl BufRead, end: &mut u64, path: &Path) -> Result<Option<T>> {
    let mut bytes = Vec::new();
    input.take(LONGEST).read_until(b'\n', &mut bytes).map_err(|error| io_error(path, "read", error))?;
    let value = bytes.strip_suffix(b"\n").and_then(|line| serde_json::from_slice(line).ok());
    if value.is_some() {
        *end += bytes.len() as u64;
    }
    Ok(value)
}

/// A hash of texts and of what surrounds them in the output.
#[derive(Default)]
pub(super) struct TextHash(Sha256);

impl TextHash {
    pub fn of_records(records: &[Record]) -> String {
        let mut hash = Self::default();
        records.iter().for_each(|record| hash.add(record.id.as_deref(), record.text.as_deref().ok()));
        hash.finish()
    }

    pub fn of_answers(answers: &[Answer]) -> String {
        let mut hash = Self::default();
        answers.iter().for_each(|answer| hash.add(answer.id.as_deref(), answer.text.as_deref()));
        hash.finish()
    }

    fn add(&mut self, id: Option<&str>, text: Option<&str>) {
        for part in [id, text] {
            let length = part.map_or(u64::MAX, |part| part.len() as u64);
            self.0.update(length.to_le_bytes());
            self.0.update(part.unwrap_or_default());
        }
    }

    fn finish(self) -> String {
        format!("{:x}", self.0.finalize())
    }
}
