//! A segment: some documents, the rows of their passages, and their texts.

use std::collections::{HashMap, HashSet};

use super::document::Document;
use super::format::{BLOCK, Documents, MOST_ROWS, PassageLocation, Section, SegmentEntry, TextsEntry, invalid, sha256};
use super::output::Output;
use super::parallel;
use super::previous::Previous;
use crate::embedder::{EmbedOptions, Embedder};
use crate::error::{Code, Error, Result};

/// Passages that a segment has on average.
const MEAN_ROWS: u64 = 2048;
/// Fewest passages of a segment that is not the last.
const LEAST_ROWS: usize = 512;
/// Passages that a thread embeds at a time.
const TOGETHER: usize = 64;

/// A vector in int8.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    pub scale: f32,
    pub coarse: Vec<i8>,
    /// Empty where it is not kept.
    pub fine: Vec<i8>,
}

impl Row {
    /// Quantises a unit vector.
    pub fn of(vector: &[f32], has_fine: bool) -> Self {
        let mut row = Self { scale: 0.0, coarse: vec![0; vector.len()], fine: vec![0; vector.len()] };
        row.scale = felsic_search::rows::quantise(vector, &mut row.coarse, &mut row.fine);
        if !has_fine {
            row.fine = Vec::new();
        }
        row
    }

    /// Reads the rows of a segment; `None` if there are more or fewer.
    pub fn all(vectors: &[u8], fine: Option<&[u8]>, rows: usize, dimensions: usize) -> Option<Vec<Self>> {
        let components = rows.checked_mul(dimensions)?;
        let (scales, coarse) = vectors.split_at_checked(rows.checked_mul(4)?)?;
        if coarse.len() != components || fine.is_some_and(|fine| fine.len() != components) {
            return None;
        }
        let row = |at: usize| {
            let signed =
                |bytes: &[u8]| bytes[at * dimensions..][..dimensions].iter().map(|byte| byte.cast_signed()).collect();
            let scale = scales[at * 4..].first_chunk().map(|bytes| f32::from_le_bytes(*bytes))?;
            Some(Self { scale, coarse: signed(coarse), fine: fine.map_or_else(Vec::new, signed) })
        };
        (0..rows).map(row).collect()
    }

    /// Checks that it can be the row of a unit vector.
    pub fn check(&self) -> Result<()> {
        let length = self.vector().map(|value| value * value).sum::<f32>().sqrt();
        match (length - 1.0).abs() <= 0.05 {
            true => Ok(()),
            false => Err(invalid("a vector is not of length 1; make the index again, without --update")),
        }
    }

    /// Returns the vector's components.
    pub fn vector(&self) -> impl Iterator<Item = f32> {
        let fine = self.fine.iter().copied().chain(std::iter::repeat(0));
        self.coarse.iter().zip(fine).map(|(coarse, fine)| self.scale * (f32::from(*coarse) + f32::from(fine) / 254.0))
    }
}

/// Documents that are to be a segment.
#[derive(Default)]
pub(super) struct Segment {
    pub documents: Vec<Document>,
    rows: usize,
}

impl Segment {
    /// Returns whether a document would make the segment too large.
    pub fn is_full_for(&self, document: &Document) -> bool {
        self.rows + document.passages.len() > MOST_ROWS
    }

    /// Adds a document; returns whether the segment ends with it. That depends on the document and on how long the segment is,
    /// so that a change of a document changes its own segment, and the next at most.
    pub fn add(&mut self, document: Document) -> bool {
        let passages = document.passages.len() as u64;
        // One of so many documents ends a segment; a document counts as often as it has passages.
        let lot = u64::from_str_radix(&sha256(document.id.as_bytes())[..8], 16).unwrap_or(0);
        let ends = lot * MEAN_ROWS < passages << 32;
        self.rows += document.passages.len();
        self.documents.push(document);
        self.rows >= LEAST_ROWS && ends
    }
}

/// What makes rows of passages.
pub(super) struct Rows<'a> {
    pub embedder: &'a Embedder,
    pub options: EmbedOptions,
    pub threads: usize,
    pub has_fine: bool,
    pub previous: Previous,
    /// Rows of passages that were embedded in this run, by their hash: what several documents have is embedded once.
    pub made: HashMap<String, Row>,
    pub embedded: usize,
}

impl Rows<'_> {
    /// Embeds the passages of a segment that have no row yet. `on_passages` is told how many of how many are done.
    ///
    /// # Errors
    /// Those of [`Embedder::embed`]; [`Code::Internal`] for a passage that the model cuts off.
    pub fn complete(&mut self, segment: &Segment, on_passages: &(dyn Fn(usize, usize) + Sync)) -> Result<()> {
        let mut waiting = HashSet::new();
        let passages = segment.documents.iter().flat_map(|document| &document.passages);
        let new: Vec<(&str, &str)> = passages
            .filter(|passage| passage.row.is_none() && self.row(&passage.hash).is_none())
            .filter(|passage| waiting.insert(passage.hash.as_str()))
            .map(|passage| (passage.hash.as_str(), passage.input.as_str()))
            .collect();
        let chunks: Vec<&[(&str, &str)]> = new.chunks(TOGETHER).collect();
        let done = std::sync::atomic::AtomicUsize::new(0);
        let made = parallel::map(&chunks, self.threads, |chunk| {
            let made = self.embed(chunk);
            let before = done.fetch_add(chunk.len(), std::sync::atomic::Ordering::Relaxed);
            on_passages(before + chunk.len(), new.len());
            made
        })?;
        for (chunk, rows) in chunks.into_iter().zip(made) {
            let named = chunk.iter().map(|(hash, _)| hash.to_string()).zip(rows?);
            self.made.extend(named);
        }
        self.embedded += new.len();
        Ok(())
    }

    fn embed(&self, passages: &[(&str, &str)]) -> Result<Vec<Row>> {
        let texts: Vec<&str> = passages.iter().map(|(_, input)| *input).collect();
        let made = self.embedder.embed_with(&texts, &self.options)?;
        if made.iter().any(|made| made.truncated) {
            return Err(Error::new(
                Code::Internal,
                "a passage is longer than the model reads; please report this as a bug of felsic",
            ));
        }
        Ok(made.vectors().map(|vector| Row::of(vector, self.has_fine)).collect())
    }

    fn row(&self, hash: &str) -> Option<&Row> {
        self.previous.row(hash).or_else(|| self.made.get(hash))
    }

    /// Writes a segment whose passages all have rows.
    pub fn write(&mut self, segment: Segment, output: &mut Output) -> Result<SegmentEntry> {
        let (mut scales, mut coarse, mut fine, mut texts) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut documents = Vec::new();
        for document in &segment.documents {
            let mut passages = Vec::new();
            for passage in &document.passages {
                let row = passage.row.as_ref().or_else(|| self.row(&passage.hash));
                let row = row.ok_or_else(|| Error::new(Code::Internal, "a passage has no vector"))?;
                scales.extend(row.scale.to_le_bytes());
                coarse.extend(row.coarse.iter().map(|value| value.cast_unsigned()));
                fine.extend(row.fine.iter().map(|value| value.cast_unsigned()));
                passages.push(PassageLocation {
                    start: passage.start,
                    end: passage.end,
                    at: texts.len(),
                    bytes: passage.text.len(),
                    trail: passage.trail.to_vec(),
                    anchor: passage.anchor.as_deref().map(str::to_owned),
                    hash: passage.hash.clone(),
                });
                texts.extend(passage.text.as_bytes());
            }
            documents.push(document.entry(passages));
        }
        scales.extend(coarse);
        let documents = Documents { documents, removed: Vec::new(), replaces: Vec::new() };
        Ok(SegmentEntry {
            rows: segment.rows,
            documents: output.add(Section::Documents, &documents.to_gzip()?)?,
            vectors: output.add(Section::Vectors, &scales)?,
            fine: self.has_fine.then(|| output.add(Section::Fine, &fine)).transpose()?,
            texts: TextsEntry {
                entry: output.add(Section::Texts, &texts)?,
                block: BLOCK,
                blocks: texts.chunks(BLOCK).map(sha256).collect(),
            },
        })
    }
}
