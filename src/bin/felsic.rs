//! The command line: make packs, look at them, embed, make indexes, verify, measure.
//!
//! Results go to standard output, everything else to standard error. A failure is one line there and exit
//! code 1; bad usage is exit code 2.

#![deny(clippy::print_stdout, clippy::print_stderr, reason = "they panic where nothing can be written; see `output`")]

#[path = "felsic/bench.rs"]
mod bench;
#[cfg(feature = "gpu")]
#[path = "felsic/bench_gpu.rs"]
mod bench_gpu;
#[path = "felsic/embed.rs"]
mod embed;
#[path = "felsic/index.rs"]
mod index;
#[path = "felsic/model.rs"]
mod model;
#[path = "felsic/output.rs"]
mod output;
#[path = "felsic/pack.rs"]
mod pack;
#[path = "felsic/progress.rs"]
mod progress;
#[path = "felsic/verify.rs"]
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use felsic::error::Result;

use output::Output;

/// Granite text embeddings, light enough for the browser.
#[derive(Debug, Parser)]
#[command(version, about, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a pack from a checkpoint.
    Pack(pack::PackArguments),
    /// Describe a pack.
    Inspect(pack::InspectArguments),
    /// Embed texts: JSON lines (each a string or {"text": …}), plain lines or Parquet in; JSON lines ({"embedding": […], "tokens": n}), a
    /// NumPy array or Parquet out.
    Embed(embed::EmbedArguments),
    /// Make a folder of documents searchable: writes an index that pages search by meaning and by words.
    Index(index::IndexArguments),
    /// Compare a model's vectors with goldens.
    Verify(verify::VerifyArguments),
    /// Measure how long batches take.
    Bench(bench::BenchArguments),
}

fn main() -> ExitCode {
    run().unwrap_or_else(|error| {
        output::failure(&error);
        ExitCode::FAILURE
    })
}

fn run() -> Result<ExitCode> {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(said) => return output::usage(&said),
    };
    let output = &mut Output::new();
    match arguments.command {
        Command::Pack(arguments) => pack::pack(&arguments, output),
        Command::Inspect(arguments) => pack::inspect(&arguments, output),
        Command::Embed(arguments) => embed::embed(&arguments, output),
        Command::Index(arguments) => index::index(&arguments, output),
        Command::Verify(arguments) => verify::verify(&arguments, output),
        Command::Bench(arguments) => bench::bench(&arguments, output),
    }
}
