//! Texts with vectors that were made elsewhere, as JSON lines: checked against this model, then taken as they are.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::document::Document;
use super::files::LONGEST_ID;
use super::segment::Row;
use crate::embedder::{EmbedOptions, Embedder};
use crate::error::{Code, Error, Result};
use crate::source::{io_error, open};

/// Lowest cosine of a vector with the one that this model makes of the same text. The vectors of int8 and f32 weights of the built-in
/// model have 0.9992 and more; those of other models, or with another prompt, have far less.
const LEAST_COSINE: f64 = 0.999;
/// Texts that are embedded here to compare.
const SAMPLE: usize = 64;
/// Longest line, in bytes.
const LONGEST_LINE: u64 = 64 << 20;

/// A line of a shard: a text and its vector, and what an index says of a document.
#[derive(Deserialize)]
pub(super) struct Line {
    pub id: String,
    pub text: String,
    #[serde(default)]
    pub title: Option<String>,
    #[serde(default)]
    pub url: Option<String>,
    #[serde(default)]
    pub tags: Option<Vec<String>>,
    #[serde(default)]
    pub meta: Option<serde_json::Map<String, serde_json::Value>>,
    embedding: Vec<f32>,
}

/// Shards that have been checked.
pub(super) struct Shards {
    files: Vec<PathBuf>,
    dimensions: usize,
    /// Lines in all.
    pub lines: usize,
}

impl Shards {
    /// Reads all lines of the shards in a folder, or of one file, and compares a sample with what this model makes of the same texts.
    ///
    /// # Errors
    /// [`Code::VectorsDisagree`] if they are not near enough; [`Code::InputInvalid`] for a line that is not one, with its
    /// number; [`Code::NotFound`] or [`Code::Io`] if there is nothing to read.
    pub fn open(place: &Path, embedder: &Embedder, options: &EmbedOptions) -> Result<Self> {
        let mut shards = Self { files: files(place)?, dimensions: embedder.info().dimensions, lines: 0 };
        // Those whose hashes are lowest: the same ones, in whatever order they come.
        let mut sample = BTreeMap::new();
        let (mut known, mut lines) = (HashSet::new(), 0);
        shards.each(|line, place| {
            lines += 1;
            let hash: [u8; 32] = Sha256::digest(&line.id).into();
            if !known.insert(hash) {
                return Err(wrong(place, &format!("has the id {:?}, as another line has", line.id)));
            }
            sample.insert(hash, line);
            if sample.len() > SAMPLE {
                sample.pop_last();
            }
            Ok(())
        })?;
        if lines == 0 {
            return Err(Error::new(Code::NotFound, format!("{} has no lines", place.display())));
        }
        compare(&sample.into_values().collect::<Vec<_>>(), embedder, options)?;
        shards.lines = lines;
        Ok(shards)
    }

    /// Calls `take` with the document of each line.
    pub fn documents(&self, has_fine: bool, mut take: impl FnMut(Document) -> Result<()>) -> Result<()> {
        self.each(|line, _| {
            let row = Row::of(&line.embedding, has_fine);
            take(Document::imported(line, row))
        })
    }

    /// Calls `take` with each line, its vector at unit length, and where it is.
    fn each(&self, mut take: impl FnMut(Line, &str) -> Result<()>) -> Result<()> {
        for path in &self.files {
            let mut input = BufReader::with_capacity(1 << 20, open(path)?.0);
            let mut bytes = Vec::new();
            for number in 1.. {
                bytes.clear();
                let read = (&mut input).take(LONGEST_LINE + 1).read_until(b'\n', &mut bytes);
                if read.map_err(|error| io_error(path, "read", error))? == 0 {
                    break;
                }
                if bytes.trim_ascii().is_empty() {
                    continue;
                }
                let place = format!("{}, line {number}", path.display());
                if bytes.len() as u64 > LONGEST_LINE {
                    return Err(wrong(&place, &format!("is longer than {LONGEST_LINE} bytes")));
                }
                take(self.line(&bytes, &place)?, &place)?;
            }
        }
        Ok(())
    }

    fn line(&self, bytes: &[u8], place: &str) -> Result<Line> {
        let mut line: Line = serde_json::from_slice(bytes)
            .map_err(|error| wrong(place, "is not {\"id\", \"text\", \"embedding\"} in JSON").because(error))?;
        if line.id.is_empty() || line.id.encode_utf16().count() > LONGEST_ID {
            return Err(wrong(place, &format!("has an id that is empty or longer than {LONGEST_ID}")));
        }
        if line.text.trim().is_empty() {
            return Err(wrong(place, "has no text"));
        }
        let found = line.embedding.len();
        if found != self.dimensions {
            let message =
                format!("{place} has a vector of {found} dimensions, and this model makes {}", self.dimensions);
            return Err(Error::new(Code::VectorsDisagree, message));
        }
        let length = line.embedding.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
        if !(length.is_finite() && length > 1e-6) {
            return Err(wrong(place, "has a vector that is zero or not finite"));
        }
        line.embedding.iter_mut().for_each(|value| *value = (f64::from(*value) / length) as f32);
        Ok(line)
    }
}

/// Returns the shards in a folder, in the order of their names; a file is a shard itself.
fn files(place: &Path) -> Result<Vec<PathBuf>> {
    let failed = |error| io_error(place, "read", error);
    if !fs::metadata(place).map_err(failed)?.is_dir() {
        return Ok(vec![place.to_path_buf()]);
    }
    let entries = fs::read_dir(place).map_err(failed)?.map(|entry| entry.map(|entry| entry.path()));
    let mut files = entries.collect::<std::io::Result<Vec<PathBuf>>>().map_err(failed)?;
    files.retain(|path| path.extension().is_some_and(|ending| ending == "jsonl" || ending == "ndjson"));
    files.sort();
    match files.is_empty() {
        true => Err(Error::new(Code::NotFound, format!("{} has no *.jsonl or *.ndjson file", place.display()))),
        false => Ok(files),
    }
}

/// Compares the vectors of lines with those that this model makes.
fn compare(sample: &[Line], embedder: &Embedder, options: &EmbedOptions) -> Result<()> {
    let texts: Vec<&str> = sample.iter().map(|line| line.text.as_str()).collect();
    let made = embedder.embed_with(&texts, options)?;
    let cosine = |(a, b): (&[f32], &Line)| a.iter().zip(&b.embedding).map(|(a, b)| f64::from(a * b)).sum::<f64>();
    let cosines: Vec<f64> = made.vectors().zip(sample).map(cosine).collect();
    let mean = cosines.iter().sum::<f64>() / cosines.len() as f64;
    let lowest = cosines.iter().zip(sample).min_by(|(a, _), (b, _)| a.total_cmp(b));
    match lowest {
        Some((lowest, line)) if *lowest < LEAST_COSINE || lowest.is_nan() => {
            let message = format!(
                "the vectors are not those of {}: of {} texts that were embedded here to compare, {:?} has a cosine of {lowest:.4} (the \
                 mean is {mean:.4}, and {LEAST_COSINE} is the least); give the model that made the vectors, and make them with its \
                 prompt for documents",
                embedder.info().space,
                sample.len(),
                line.id
            );
            Err(Error::new(Code::VectorsDisagree, message))
        }
        _ => Ok(()),
    }
}

fn wrong(place: &str, what: &str) -> Error {
    Error::new(Code::InputInvalid, format!("{place} {what}"))
}
