//! `felsic index`: a folder of documents becomes searchable.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use felsic::error::Result;
use felsic::index::{self, IndexOptions, IndexProgress, IndexSummary};

use crate::model::ModelArguments;
use crate::output::{self, Output};
use crate::progress::{Bar, Unit};

/// Files that are named one by one; of more, the number is enough.
const MOST_NAMED: usize = 20;

/// Arguments of `felsic index`.
#[derive(Args, Debug)]
pub struct IndexArguments {
    /// Folder of the documents: Markdown, built HTML, text; with --vectors, of JSON lines or Parquet, or one such file.
    folder: PathBuf,
    /// Folder to write, for a static host; an older index in it is replaced. It may be inside FOLDER.
    out: PathBuf,
    #[command(flatten)]
    model: ModelArguments,
    /// URL of the model's pack, for pages [default: they use their built-in model, or the one that they choose]
    #[arg(long)]
    model_url: Option<String>,
    /// Read the files that match this glob, of any kind that felsic knows; may be repeated
    /// [default: Markdown, HTML and *.txt]
    #[arg(long, value_name = "GLOB")]
    include: Vec<String>,
    /// Leave out the files that match this glob; may be repeated.
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,
    /// URL that FOLDER has on the host, such as https://example.org/docs/ or /docs/
    #[arg(long)]
    base_url: Option<String>,
    /// Embed only what has changed since the index in OUT was made.
    #[arg(long)]
    update: bool,
    /// Most tokens of a passage.
    #[arg(long, default_value_t = 200)]
    tokens: usize,
    /// Most tokens that a passage repeats of the one before it.
    #[arg(long, default_value_t = 30)]
    overlap: usize,
    /// Threads that compute [default: one for each core]
    #[arg(long)]
    threads: Option<NonZeroUsize>,
    /// Write vectors of 16 bits instead of 8: twice the bytes, slightly better order of results.
    #[arg(long)]
    fine: bool,
    /// FOLDER has JSON lines or Parquet with "id", "text" and "embedding", made elsewhere with the same model: embed only a
    /// sample, to compare.
    #[arg(long, conflicts_with_all = ["update", "include", "exclude", "base_url", "tokens", "overlap"])]
    vectors: bool,
}

/// Makes an index.
pub fn index(arguments: &IndexArguments, output: &mut Output) -> Result<ExitCode> {
    let options = IndexOptions {
        include: arguments.include.clone(),
        exclude: arguments.exclude.clone(),
        base_url: arguments.base_url.clone(),
        model_url: arguments.model_url.clone(),
        update: arguments.update,
        tokens: arguments.tokens,
        overlap: arguments.overlap,
        threads: arguments.threads,
        fine: arguments.fine,
    };
    let embedder = pollster::block_on(arguments.model.open())?;
    let bar = Bar::new(Unit::Texts);
    let on_progress = |progress: IndexProgress| bar.set(progress.step, progress.done as u64, progress.total as u64);
    let make = if arguments.vectors { index::index_vectors } else { index::index };
    let summary = make(&arguments.folder, &arguments.out, &embedder, &options, &on_progress)?;
    drop(bar);
    warn(&summary);
    let IndexSummary { documents, passages, embedded, reused, files, bytes, .. } = summary;
    output.line(format!(
        "{}: {documents} documents, {passages} passages ({embedded} embedded, {reused} reused), {files} files, {bytes} bytes",
        arguments.out.display()
    ))?;
    Ok(ExitCode::SUCCESS)
}

/// Says what was left out.
fn warn(summary: &IndexSummary) {
    for refused in summary.refused.iter().take(MOST_NAMED) {
        output::warning(format!("{} is left out: {} [{}]", refused.file, refused.error, refused.error.code()));
    }
    if let more @ 1.. = summary.refused.len().saturating_sub(MOST_NAMED) {
        output::warning(format!("{more} more files are left out for such reasons"));
    }
    if summary.empty > 0 {
        output::warning(format!("{} files have no text and are left out", summary.empty));
    }
    if summary.links > 0 {
        output::warning(format!("{} symbolic links are not followed", summary.links));
    }
}
