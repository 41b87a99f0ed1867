//! From a folder to an index, segment by segment.

use std::collections::HashMap;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use felsic_search::words::Words;

use super::calibration;
use super::document::{Document, Reader};
use super::files::{self, Site};
use super::format::{Manifest, ModelEntry, PassageEntry, Section, SegmentEntry, gzip};
use super::options::{IndexOptions, IndexProgress, IndexSummary, Refused};
use super::output::Output;
use super::parallel;
use super::previous::Previous;
use super::segment::{Rows, Segment};
use super::vectors::Shards;
use crate::embedder::{EmbedOptions, Embedder, Info};
use crate::error::{Code, Error, Result};

/// Files that are cut before their passages are embedded.
const WINDOW: usize = 64;
/// Names of the prompt for documents, the first that a model has counts; the npm package has the same list.
const DOCUMENT_PROMPTS: [&str; 4] = ["retrieval-document", "document", "passage", "search-document"];

/// Makes an index of the documents in `folder`, in the folder `out`; an older index there is replaced at the end, all at once.
///
/// Files that cannot be read as documents are left out and listed in the summary. `out` may be inside `folder`.
///
/// # Errors
/// [`Code::NotFound`] if `folder` does not exist or has no documents; [`Code::InputInvalid`] for options that cannot be, or
/// an `out` with other files than those of an index; with [`IndexOptions::update`] [`Code::NeedsReindex`] if the index there is
/// of another space, and [`Code::IndexInvalid`] if it is damaged; [`Code::Io`]; those of [`Embedder::embed`]. After an
/// error the index that was there before is still whole.
pub fn index(
    folder: &Path,
    out: &Path,
    embedder: &Embedder,
    options: &IndexOptions,
    on_progress: &(dyn Fn(IndexProgress) + Sync),
) -> Result<IndexSummary> {
    options.check()?;
    let info = embedder.info();
    let model = model(embedder, &info, options)?;
    let embedding = embedding(&info);
    let wanted = PassageEntry { tokens: options.tokens, overlap: options.overlap };
    let reader = Reader::new(embedder, &embedding, wanted, options.base())?;
    // Before anything is written or computed.
    let site = files::files(folder, out, options)?;
    let mut index = Index::begin(out, embedder, options, site.files.len(), on_progress)?;
    index.add_all(&reader, site)?;
    index.finish(&info, model, reader.passage(), options.base())
}

/// Makes an index of texts whose vectors were made elsewhere: `id`, `text` and `embedding` (or `vector`), with `title`, `url`, `tags`
/// and `meta` where there are any, as JSON lines (`*.jsonl`, `*.ndjson`) or Parquet (`*.parquet`), in the files of a folder or in
/// one file.
///
/// Each text is a document with one passage; an export of a collection, whose lines have `start`, `end` and `trail`, has
/// documents of several. Before anything is written, 64 texts are embedded with `embedder`, alone and below a line of title and
/// trail: the vectors must have a cosine of at least 0.999 with those that it makes in one of the two ways. Of `options`, only
/// those apply that are about neither files nor cutting nor updates.
///
/// # Errors
/// [`Code::VectorsDisagree`], with the figures, if the vectors are not those of this model; [`Code::InputInvalid`] for a line that
/// is not such a line, with its number; and as [`index`].
pub fn index_vectors(
    shards: &Path,
    out: &Path,
    embedder: &Embedder,
    options: &IndexOptions,
    on_progress: &(dyn Fn(IndexProgress) + Sync),
) -> Result<IndexSummary> {
    options.check()?;
    let info = embedder.info();
    let model = model(embedder, &info, options)?;
    let shards = Shards::open(shards, embedder, &embedding(&info))?;
    let options = IndexOptions { update: false, ..options.clone() };
    let mut index = Index::begin(out, embedder, &options, shards.documents, on_progress)?;
    let mut done = 0;
    shards.documents(options.fine, |document| {
        index.add(document, done)?;
        done += 1;
        Ok(())
    })?;
    let passage = PassageEntry { tokens: info.max_tokens, overlap: 0 };
    index.finish(&info, model, passage, None)
}

/// Returns how passages are embedded: with the model's prompt for documents, if it has one.
fn embedding(info: &Info) -> EmbedOptions {
    let prompt = DOCUMENT_PROMPTS.into_iter().find(|wanted| info.prompts.iter().any(|prompt| prompt == wanted));
    EmbedOptions { prompt: prompt.map(String::from), ..EmbedOptions::default() }
}

/// Returns what the index says of the model.
fn model(embedder: &Embedder, info: &Info, options: &IndexOptions) -> Result<ModelEntry> {
    let integrity = embedder.pack().and_then(from_hex).map(|hash| format!("sha256-{}", STANDARD.encode(hash)));
    if options.model_url.is_some() && integrity.is_none() {
        let message = "pages make a pack of a checkpoint, and its vectors are of another space than the checkpoint's: make a pack \
                       with `felsic pack`, make the index with it, and give its URL";
        return Err(Error::new(Code::InputInvalid, message));
    }
    Ok(ModelEntry {
        name: info.model.clone(),
        revision: info.revision.clone(),
        integrity: integrity.filter(|_| options.model_url.is_some()),
        url: options.model_url.clone(),
    })
}

fn from_hex(digits: &str) -> Option<Vec<u8>> {
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok()).collect()
}

/// An index that is being made.
struct Index<'a> {
    rows: Rows<'a>,
    output: Output,
    words: Words,
    /// The segment that documents are added to.
    segment: Segment,
    segments: Vec<SegmentEntry>,
    summary: IndexSummary,
    /// Files in all.
    total: usize,
    on_progress: &'a (dyn Fn(IndexProgress) + Sync),
}

impl<'a> Index<'a> {
    /// Begins an index of so many documents in `out`.
    fn begin(
        out: &Path,
        embedder: &'a Embedder,
        options: &IndexOptions,
        total: usize,
        on_progress: &'a (dyn Fn(IndexProgress) + Sync),
    ) -> Result<Self> {
        let info = embedder.info();
        let output = Output::open(out)?;
        let previous = match options.update {
            true => Previous::read(out, &info.space, info.dimensions, options.fine)?,
            false => Previous::default(),
        };
        let rows = Rows {
            embedder,
            options: embedding(&info),
            threads: options.threads(),
            has_fine: options.fine,
            previous,
            made: HashMap::new(),
            embedded: 0,
        };
        Ok(Self {
            rows,
            output,
            words: Words::new(),
            segment: Segment::default(),
            segments: Vec::new(),
            summary: IndexSummary::default(),
            total,
            on_progress,
        })
    }

    /// Cuts, embeds and writes all files but the last segment's.
    fn add_all(&mut self, reader: &Reader<'_>, site: Site) -> Result<()> {
        self.summary.links = site.links;
        let refused = site.refused.into_iter().map(|(file, error)| Refused { file, error });
        self.summary.refused.extend(refused);
        for (at, files) in site.files.chunks(WINDOW).enumerate() {
            self.report("reading", at * WINDOW);
            let documents = parallel::map(files, self.rows.threads, |file| reader.read(file))?;
            for (within, (file, document)) in files.iter().zip(documents).enumerate() {
                match document {
                    Ok(document) if document.passages.is_empty() => self.summary.empty += 1,
                    Ok(document) => self.add(document, at * WINDOW + within)?,
                    Err(error) if is_of_file(&error) => {
                        self.summary.refused.push(Refused { file: file.id.clone(), error });
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, document: Document, done: usize) -> Result<()> {
        if self.segment.is_full_for(&document) {
            self.close_segment(done)?;
        }
        if self.segment.add(document) {
            self.close_segment(done + 1)?;
        }
        Ok(())
    }

    /// Embeds and writes the segment, if it has documents; the first `done` files are in it or before it.
    fn close_segment(&mut self, done: usize) -> Result<()> {
        let segment = std::mem::take(&mut self.segment);
        if segment.documents.is_empty() {
            return Ok(());
        }
        let (total, on_progress) = (self.total, self.on_progress);
        let before = done.saturating_sub(segment.documents.len());
        self.rows.complete(&segment, &|passages, of| {
            let documents = segment.documents.len() * passages / of.max(1);
            on_progress(IndexProgress { step: "embedding", done: before + documents, total });
        })?;
        for document in &segment.documents {
            self.summary.documents += 1;
            self.summary.passages += document.passages.len();
            for passage in &document.passages {
                let headings: Vec<&str> =
                    document.title.iter().chain(passage.trail.iter()).map(String::as_str).collect();
                self.words.add(&headings.join(" "), &passage.text);
            }
        }
        let entry = self.rows.write(segment, &mut self.output)?;
        self.segments.push(entry);
        Ok(())
    }

    /// Writes the last segment and what is about all of them.
    fn finish(
        mut self,
        info: &Info,
        model: ModelEntry,
        passage: PassageEntry,
        base: Option<String>,
    ) -> Result<IndexSummary> {
        self.close_segment(self.total)?;
        if self.summary.passages == 0 {
            return Err(nothing(&self.summary));
        }
        self.report("writing", self.total);
        let words = gzip(|out| self.words.write(out))?;
        let words = self.output.add(Section::Words, &words)?;
        let calibration = calibration::measure(&self.segments, &self.output, info.dimensions)?;
        let manifest = Manifest {
            format: Manifest::FORMAT.to_string(),
            version: Manifest::VERSION,
            space: info.space.clone(),
            model,
            dimensions: info.dimensions,
            passage,
            documents: self.summary.documents,
            passages: self.summary.passages,
            calibration,
            base,
            segments: self.segments,
            words,
        };
        let (files, bytes) = self.output.finish(&manifest)?;
        let embedded = self.rows.embedded;
        let mut refused = self.summary.refused;
        refused.sort_by(|a, b| a.file.cmp(&b.file));
        Ok(IndexSummary { files, bytes, embedded, reused: self.summary.passages - embedded, refused, ..self.summary })
    }

    fn report(&self, step: &'static str, done: usize) {
        (self.on_progress)(IndexProgress { step, done, total: self.total });
    }
}

/// Returns whether an error is about one file, so that the others can go on.
fn is_of_file(error: &Error) -> bool {
    matches!(error.code(), Code::InputInvalid | Code::NotFound | Code::Io)
}

/// Returns the error for a folder none of whose files became a document.
fn nothing(summary: &IndexSummary) -> Error {
    let error = Error::new(Code::InputInvalid, "none of the files has text that can be searched");
    match summary.refused.first() {
        Some(Refused { file, error: first }) => error.because(Error::new(first.code(), format!("{file}: {first}"))),
        None => error,
    }
}
