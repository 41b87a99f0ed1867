//! Texts with vectors that were made elsewhere, as JSON lines or Parquet: checked against this model, then taken as they are.

mod lines;
mod parquet;

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use felsic_search::cut::Kind;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::document::Document;
use super::files::LONGEST_ID;
use super::format::MOST_ROWS;
use super::segment::Row;
use crate::embedder::{EmbedOptions, Embedder};
use crate::error::{Code, Error, Result};
use crate::source::io_error;

/// Lowest cosine of a vector with the one that this model makes of the same text. The vectors of int8 and f32 weights of the built-in
/// model have 0.9992 and more; those of other models, or with another prompt, have far less.
const LEAST_COSINE: f64 = 0.999;
/// Texts that are embedded here to compare.
const SAMPLE: usize = 64;
/// Characters of a line of title and headings up to which what cuts documents surely leaves it whole.
const SHORT_LINE: usize = 160;
/// Endings of files that are shards.
const ENDINGS: [&str; 3] = ["jsonl", "ndjson", "parquet"];

/// A line of a shard: a text and its vector, and what an index says of a document. A collection's export has a line for each
/// passage, those of a document together.
#[derive(Debug, Default, Deserialize)]
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
    #[serde(default)]
    pub kind: Option<String>,
    /// Where the passage is in its document, in UTF-16 code units; without it the line is a whole document.
    #[serde(default)]
    pub start: Option<usize>,
    #[serde(default)]
    pub end: Option<usize>,
    #[serde(default)]
    pub trail: Option<Vec<String>>,
    #[serde(default)]
    pub anchor: Option<String>,
    /// Of length 1, once it has been checked.
    #[serde(alias = "vector")]
    embedding: Vec<f32>,
}

impl Line {
    /// Returns the title and the headings in one line, as they stand above a passage that is embedded.
    fn above(&self) -> String {
        let parts = self.title.iter().chain(self.trail.iter().flatten());
        let parts: Vec<String> = parts.map(|part| part.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" › ")
    }

    /// Returns what was embedded.
    fn input(&self, form: Form) -> String {
        match (form, self.above()) {
            (Form::Headed, above) if !above.is_empty() => format!("{above}\n{}", self.text),
            _ => self.text.clone(),
        }
    }
}

/// What was embedded of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// The text alone, as tools do it that know nothing of titles.
    Bare,
    /// The text below a line of title and headings, as a collection does it.
    Headed,
}

/// Shards that have been checked.
pub(super) struct Shards {
    files: Vec<PathBuf>,
    dimensions: usize,
    form: Form,
    /// Documents in all.
    pub documents: usize,
}

impl Shards {
    /// Reads all lines of the shards in a folder, or of one file, and compares a sample with what this model makes of the same texts.
    ///
    /// # Errors
    /// [`Code::VectorsDisagree`] if they are not near enough; [`Code::InputInvalid`] for a line that is not one, with its
    /// number; [`Code::NotFound`] or [`Code::Io`] if there is nothing to read.
    pub fn open(place: &Path, embedder: &Embedder, options: &EmbedOptions) -> Result<Self> {
        let dimensions = embedder.info().dimensions;
        let mut shards = Self { files: files(place)?, dimensions, form: Form::Bare, documents: 0 };
        // Those whose hashes are lowest: the same ones, in whatever order they come.
        let mut sample = BTreeMap::new();
        let mut order = Order::default();
        shards.each(|line, place| {
            let number = order.next(&line, place)?;
            sample.insert(Sha256::digest(format!("{number} {}", line.id)), line);
            if sample.len() > SAMPLE {
                sample.pop_last();
            }
            Ok(())
        })?;
        if order.documents.is_empty() {
            return Err(Error::new(Code::NotFound, format!("{} has no lines", place.display())));
        }
        shards.form = compare(sample.into_values().collect(), embedder, options)?;
        shards.documents = order.documents.len();
        Ok(shards)
    }

    /// Calls `take` with each document.
    pub fn documents(&self, has_fine: bool, mut take: impl FnMut(Document) -> Result<()>) -> Result<()> {
        let mut open: Option<Document> = None;
        self.each(|line, _| {
            let row = Row::of(&line.embedding, has_fine);
            let input = line.input(self.form);
            match &mut open {
                Some(document) if document.id == line.id => document.append(line, &input, row),
                _ => {
                    let before = open.replace(Document::imported(line, &input, row));
                    before.map_or(Ok(()), &mut take)?;
                }
            }
            Ok(())
        })?;
        open.map_or(Ok(()), take)
    }

    /// Calls `take` with each line, its vector at unit length, and where it is.
    fn each(&self, mut take: impl FnMut(Line, &str) -> Result<()>) -> Result<()> {
        for path in &self.files {
            let mut checked = |line, place: &str| take(self.checked(line, place)?, place);
            match path.extension().is_some_and(|ending| ending == "parquet") {
                true => parquet::read(path, &mut checked)?,
                false => lines::read(path, &mut checked)?,
            }
        }
        Ok(())
    }

    fn checked(&self, mut line: Line, place: &str) -> Result<Line> {
        if line.id.is_empty() || line.id.encode_utf16().count() > LONGEST_ID {
            return Err(wrong(place, &format!("has an id that is empty or longer than {LONGEST_ID}")));
        }
        if line.text.trim().is_empty() {
            return Err(wrong(place, "has no text"));
        }
        if line.kind.as_ref().is_some_and(|kind| Kind::from_name(kind).is_err()) {
            let kinds = Kind::ALL.map(Kind::as_str).join(", ");
            return Err(wrong(place, &format!("has a kind that is none: use one of {kinds}")));
        }
        if line.start.is_some() != line.end.is_some() || line.start > line.end {
            return Err(wrong(place, "must have \"start\" and \"end\" together, in this order"));
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

/// Checks that the lines of a document stand together, in the order of its passages.
#[derive(Default)]
struct Order {
    /// Hashes of the ids.
    documents: HashSet<[u8; 32]>,
    last: Option<(String, Option<usize>)>,
    /// Lines of the last document before the last one.
    lines: usize,
}

impl Order {
    /// Takes the next line; returns its number in its document.
    fn next(&mut self, line: &Line, place: &str) -> Result<usize> {
        let before = self.last.replace((line.id.clone(), line.start));
        match before {
            Some((id, start)) if id == line.id => {
                if start.is_none() || line.start < start {
                    let what =
                        "as the line before: passages of one document need \"start\" and \"end\", in their order";
                    return Err(wrong(place, &format!("has the id {:?}, {what}", line.id)));
                }
                self.lines += 1;
                if self.lines >= MOST_ROWS {
                    let what = format!("is of a document of more than {MOST_ROWS} passages; divide it");
                    return Err(wrong(place, &what));
                }
            }
            _ => {
                self.lines = 0;
                if !self.documents.insert(Sha256::digest(&line.id).into()) {
                    return Err(wrong(place, &format!("has the id {:?}, as another line has", line.id)));
                }
            }
        }
        Ok(self.lines)
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
    files.retain(|path| path.extension().is_some_and(|ending| ENDINGS.into_iter().any(|known| ending == known)));
    files.sort();
    match files.is_empty() {
        true => {
            let message = format!("{} has no *.jsonl, *.ndjson or *.parquet file", place.display());
            Err(Error::new(Code::NotFound, message))
        }
        false => Ok(files),
    }
}

/// Compares the vectors of lines with those that this model makes; returns what was embedded of them.
fn compare(mut sample: Vec<Line>, embedder: &Embedder, options: &EmbedOptions) -> Result<Form> {
    // A long line above may have been made shorter.
    let is_short = |line: &Line| line.above().chars().count() <= SHORT_LINE;
    if sample.iter().any(is_short) {
        sample.retain(is_short);
    }
    let cosines = |form| cosines(&sample, form, embedder, options);
    let mean = |cosines: &[f64]| cosines.iter().sum::<f64>() / cosines.len() as f64;
    let bare = (Form::Bare, cosines(Form::Bare)?);
    let is_headed = sample.iter().any(|line| !line.above().is_empty());
    let headed = if is_headed { Some((Form::Headed, cosines(Form::Headed)?)) } else { None };
    let (form, cosines) = match headed {
        Some(headed) if mean(&headed.1) > mean(&bare.1) => headed,
        _ => bare,
    };
    let mean = mean(&cosines);
    let lowest = cosines.iter().zip(&sample).min_by(|(a, _), (b, _)| a.total_cmp(b));
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
        _ => Ok(form),
    }
}

/// Returns the cosines of the vectors of lines with those that this model makes.
fn cosines(sample: &[Line], form: Form, embedder: &Embedder, options: &EmbedOptions) -> Result<Vec<f64>> {
    let inputs: Vec<String> = sample.iter().map(|line| line.input(form)).collect();
    let texts: Vec<&str> = inputs.iter().map(String::as_str).collect();
    let made = embedder.embed_with(&texts, options)?;
    let cosine = |(a, b): (&[f32], &Line)| a.iter().zip(&b.embedding).map(|(a, b)| f64::from(a * b)).sum::<f64>();
    Ok(made.vectors().zip(sample).map(cosine).collect())
}

/// Returns an error about a place in a shard.
fn wrong(place: &str, what: &str) -> Error {
    Error::new(Code::InputInvalid, format!("{place} {what}"))
}
