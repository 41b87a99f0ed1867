//! `felsic embed`: texts in, vectors out, on standard output or in a file.

use std::io::{IsTerminal, stdin, stdout};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, ValueEnum};
use felsic::bulk::{
    self, Answer, FileOutput, Fill, Format, InputKind, Reading, Records, Settings, Summary, Unit, embed_records,
    json_line,
};
use felsic::embedder::{EmbedOptions, Embedder};
use felsic::error::Result;
use felsic::model::DeviceKind;

use crate::model::ModelArguments;
use crate::output::{self, Output};
use crate::progress::{self, Bar};

/// Arguments of `felsic embed`.
#[derive(Args, Debug)]
pub struct EmbedArguments {
    /// File of texts: JSON lines; plain lines (*.txt); Parquet (*.parquet) [default: standard input, as is -]
    input: Option<PathBuf>,
    /// File to write, which must not exist yet [default: standard output]
    out: Option<PathBuf>,
    #[command(flatten)]
    model: ModelArguments,
    /// What INPUT is [default: by its ending, else JSON lines]
    #[arg(long, value_enum)]
    input_format: Option<InputName>,
    /// Column of Parquet, or field of JSON objects, that has the texts.
    #[arg(long, value_name = "NAME", default_value = "text")]
    column: String,
    /// What to write to OUT [default: by its ending, else JSON lines]
    #[arg(long, value_enum)]
    format: Option<FormatName>,
    /// Write each text and its id, or else its number, beside its vector, as `felsic index --vectors` reads them.
    #[arg(long)]
    with_text: bool,
    /// Go on with OUT where an interrupted run with the same model, options and input has stopped.
    #[arg(long, requires = "out")]
    resume: bool,
    /// Threads that compute; the vectors are the same for any number [default: one for each core]
    #[arg(long)]
    threads: Option<NonZeroUsize>,
    /// Keep only this many leading components and normalise again.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    dimensions: Option<u32>,
    /// Keep white space at the ends of texts, as sentence-transformers does since version 5.4.
    #[arg(long)]
    no_strip: bool,
    /// Put the model's prompt with this name before each text.
    #[arg(long)]
    prompt: Option<String>,
    /// Continue after a text that cannot be embedded: {"error": {"code", "message"}} takes its place, in Parquet a column
    /// "error", and the exit code is then 1.
    #[arg(long)]
    keep_going: bool,
}

/// A form of texts as the command line names it.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum InputName {
    /// Each line a JSON string or an object with one.
    Jsonl,
    /// Each line a text, empty ones too.
    Lines,
    /// A column of a Parquet file.
    Parquet,
}

/// A form of vectors as the command line names it.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum FormatName {
    /// JSON lines: {"embedding", "tokens"}.
    Jsonl,
    /// A NumPy array of f32.
    Npy,
    /// Columns embedding, tokens, truncated.
    Parquet,
}

/// Embeds texts.
pub fn embed(arguments: &EmbedArguments, output: &mut Output) -> Result<ExitCode> {
    if let Some(wrong) = arguments.usage() {
        let wrong = crate::Arguments::command().error(ErrorKind::ArgumentConflict, wrong);
        return output::usage(&wrong);
    }
    let columns = arguments.columns();
    let mut records = arguments.records(&columns)?;
    let embedder = pollster::block_on(arguments.model.open())?;
    let options = arguments.options();
    // Before the first text, so that a wrong option does not wait for input.
    embedder.tokenize("", &options)?;
    embedder.embed_with::<String>(&[], &options)?;
    let mut run = Run { arguments, embedder: &embedder, options: &options, has_failed: false };
    match &arguments.out {
        Some(out) => run.make_file(&mut records, out, output)?,
        None => run.print(&mut records, output)?,
    }
    Ok(if run.has_failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

impl EmbedArguments {
    /// Returns the file of the input; `None` for standard input.
    fn file(&self) -> Option<&Path> {
        self.input.as_deref().filter(|input| *input != Path::new("-"))
    }

    fn kind(&self) -> InputKind {
        match (self.input_format, self.file().map(ending).as_deref()) {
            (Some(InputName::Jsonl), _) => InputKind::JsonLines,
            (Some(InputName::Lines), _) | (None, Some("txt")) => InputKind::PlainLines,
            (Some(InputName::Parquet), _) | (None, Some("parquet")) => InputKind::Parquet,
            (None, _) => InputKind::JsonLines,
        }
    }

    fn format(&self) -> Format {
        match (self.format, self.out.as_deref().map(ending).as_deref()) {
            (Some(FormatName::Jsonl), _) => Format::JsonLines,
            (Some(FormatName::Npy), _) | (None, Some("npy")) => Format::Npy,
            (Some(FormatName::Parquet), _) | (None, Some("parquet")) => Format::Parquet,
            (None, _) => Format::JsonLines,
        }
    }

    /// Returns why these arguments do not go together, if they do not.
    fn usage(&self) -> Option<&'static str> {
        let format = self.format();
        if self.kind() == InputKind::Parquet && self.file().is_none() {
            return Some("Parquet is read from a file: name it instead of standard input");
        }
        if format != Format::JsonLines && self.out.is_none() {
            return Some(
                "standard output gets JSON lines alone: name a file to write after the input, which is - for standard input",
            );
        }
        match (format, self.keep_going, self.with_text) {
            (Format::Npy, true, _) => Some("an array has no place for an error: --keep-going needs jsonl or parquet"),
            (Format::Npy, _, true) => Some("an array has no place for texts: --with-text needs jsonl or parquet"),
            _ => None,
        }
    }

    /// Returns the columns that are read.
    fn columns(&self) -> Vec<&str> {
        let ids = (self.with_text && self.column != "id").then_some("id");
        [self.column.as_str()].into_iter().chain(ids).collect()
    }

    fn records<'a>(&self, columns: &'a [&'a str]) -> Result<Records<'a>> {
        match self.file() {
            Some(file) => Records::open(file, self.kind(), columns),
            None => {
                Ok(Records::lines(Box::new(stdin()), "standard input", self.kind(), columns, progress::stdin_bytes()))
            }
        }
    }

    fn options(&self) -> EmbedOptions {
        EmbedOptions {
            dimensions: self.dimensions.map(|dimensions| dimensions as usize),
            strip: !self.no_strip,
            prompt: self.prompt.clone(),
        }
    }

    /// Returns the number of threads; those of a GPU would wait for each other.
    fn threads(&self) -> usize {
        match self.model.kind() {
            DeviceKind::Gpu if self.threads.is_none() => 1,
            _ => bulk::threads(self.threads),
        }
    }
}

/// Returns the ending of a file's name, in lower case.
fn ending(path: &Path) -> String {
    path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase()
}

/// A run.
struct Run<'a> {
    arguments: &'a EmbedArguments,
    embedder: &'a Embedder,
    options: &'a EmbedOptions,
    /// Whether a text has no vector.
    has_failed: bool,
}

impl Run<'_> {
    fn print(&mut self, records: &mut Records<'_>, output: &mut Output) -> Result<()> {
        let bar = bar(records, !stdout().is_terminal());
        self.embed(records, Fill::Arrived, &bar, &mut |answers| {
            for answer in answers {
                output.write(&json_line(&answer, self.arguments.with_text)?)?;
            }
            Ok(output.is_open())
        })
    }

    fn make_file(&mut self, records: &mut Records<'_>, out: &Path, output: &mut Output) -> Result<()> {
        let settings = Settings {
            options: self.options,
            format: self.arguments.format(),
            with_text: self.arguments.with_text,
            keep_going: self.arguments.keep_going,
            resume: self.arguments.resume,
        };
        let mut file = FileOutput::open(out, self.embedder, settings)?;
        let bar = bar(records, true);
        let made = file
            .skip(records, &|reading| show(&bar, "reading", reading))
            .and_then(|()| self.embed(records, Fill::Whole, &bar, &mut |answers| file.add(&answers).map(|()| true)));
        if let Err(error) = made {
            file.interrupt();
            return Err(error);
        }
        drop(bar);
        let Summary { texts, resumed, failed, dimensions, bytes } = file.finish()?;
        self.has_failed |= failed > 0;
        let of = if resumed > 0 { format!(" ({resumed} from an earlier run)") } else { String::new() };
        let without = if failed > 0 { format!(", {failed} without a vector") } else { String::new() };
        output.line(format!("{}: {texts} texts{of}, {dimensions} dimensions{without}, {bytes} bytes", out.display()))
    }

    /// Calls `take` with the answers of each window. The first text without a vector ends the run, unless it is to go on.
    fn embed(
        &mut self,
        records: &mut Records<'_>,
        fill: Fill,
        bar: &Bar,
        take: &mut dyn FnMut(Vec<Answer>) -> Result<bool>,
    ) -> Result<()> {
        let on_progress = |reading| show(bar, "embedding", reading);
        let (embedder, options, threads) = (self.embedder, self.options, self.arguments.threads());
        embed_records(records, fill, embedder, options, threads, &on_progress, &mut |mut answers| {
            if self.arguments.keep_going {
                for error in answers.iter().filter_map(|answer| answer.made.as_ref().err()) {
                    self.has_failed = true;
                    bar.above(|| output::failure(error));
                }
                return take(answers);
            }
            let Some(at) = answers.iter().position(|answer| answer.made.is_err()) else { return take(answers) };
            let failed = answers.split_off(at);
            // A file gets whole windows, so that it can be continued.
            if fill == Fill::Arrived {
                take(answers)?;
            }
            failed.into_iter().next().map_or(Ok(false), |failed| failed.made.map(|_| false))
        })
    }
}

/// Returns a bar for the input, which is drawn only if nothing else is written to the terminal.
fn bar(records: &Records<'_>, may_show: bool) -> Bar {
    let unit = if records.unit() == Unit::Line { progress::Unit::Bytes } else { progress::Unit::Texts };
    if may_show { Bar::new(unit) } else { Bar::hidden() }
}

fn show(bar: &Bar, step: &str, Reading { done, total }: Reading) {
    match total {
        Some(total) => bar.set(step, done, total),
        None => bar.count(step, done),
    }
}
