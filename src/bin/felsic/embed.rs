//! `felsic embed`: lines in, lines out.

use std::io::stdin;
use std::process::ExitCode;

use clap::Args;
use felsic::embedder::{EmbedOptions, Embedder, Embedding, Embeddings, NoHooks};
use felsic::error::{Code, Error, Result};
use serde::Serialize;

use crate::lines::{Line, Lines};
use crate::model::ModelArguments;
use crate::output::{self, Output};

/// Arguments of `felsic embed`.
#[derive(Args, Debug)]
pub struct EmbedArguments {
    #[command(flatten)]
    model: ModelArguments,
    /// Keep only this many leading components and normalise again.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    dimensions: Option<u32>,
    /// Keep white space at the ends of texts, as sentence-transformers does since version 5.4.
    #[arg(long)]
    no_strip: bool,
    /// Put the model's prompt with this name before each text.
    #[arg(long)]
    prompt: Option<String>,
    /// Continue after a line that cannot be embedded: {"error": {"code", "message"}} takes its place, and the exit code
    /// is then 1.
    #[arg(long)]
    keep_going: bool,
}

/// Embeds standard input line by line.
pub fn embed(arguments: &EmbedArguments, output: &mut Output) -> Result<ExitCode> {
    pollster::block_on(async {
        let embedder = arguments.model.open().await?;
        let options = EmbedOptions {
            dimensions: arguments.dimensions.map(|dimensions| dimensions as usize),
            strip: !arguments.no_strip,
            prompt: arguments.prompt.clone(),
        };
        // Before the first line, so that a wrong option does not wait for input.
        embedder.tokenize("", &options)?;
        embedder.embed_hooked::<String>(&[], &options, &mut NoHooks).await?;
        let mut lines = Lines::new(stdin().lock());
        let mut code = ExitCode::SUCCESS;
        loop {
            let (batch, failure) = lines.batch();
            let is_over = batch.is_empty();
            let (made, failures) = vectors(&embedder, &options, batch, arguments.keep_going).await?;
            let mut made = made.iter();
            for failure in failures {
                match failure {
                    None => made.next().map_or(Ok(()), |made| write(output, made))?,
                    Some(error) if arguments.keep_going => {
                        output::failure(&error);
                        code = ExitCode::FAILURE;
                        let (code, message) = (error.code().as_str(), error.to_string());
                        write_json(output, &Failed { error: Reason { code, message } })?;
                    }
                    Some(error) => return Err(error),
                }
            }
            match failure {
                Some(error) => return Err(error),
                None if is_over || !output.is_open() => return Ok(code),
                None => {}
            }
        }
    })
}

/// Returns the vectors of the lines that have one, and for each line the reason if it has none. Without `keep_going`,
/// nothing follows the first line that fails.
async fn vectors(
    embedder: &Embedder,
    options: &EmbedOptions,
    lines: Vec<Line>,
    keep_going: bool,
) -> Result<(Embeddings, Vec<Option<Error>>)> {
    let mut failures = Vec::new();
    // The texts that are still to be embedded, their places in `failures` and their lines.
    let (mut texts, mut places) = (Vec::new(), Vec::new());
    for line in lines {
        match line.text {
            Ok(text) => {
                texts.push(text);
                places.push((failures.len(), line.number));
                failures.push(None);
            }
            Err(error) => {
                failures.push(Some(error));
                if !keep_going {
                    break;
                }
            }
        }
    }
    loop {
        match embedder.embed_hooked(&texts, options, &mut NoHooks).await {
            Ok(made) => return Ok((made, failures)),
            Err(error) => {
                let Some(position) = error.text().filter(|position| *position < texts.len()) else { return Err(error) };
                let (place, number) = places.remove(position);
                texts.remove(position);
                failures[place] = Some(error.of_text(position, format!("line {number}")));
                if !keep_going {
                    texts.truncate(position);
                    places.truncate(position);
                    failures.truncate(place + 1);
                }
            }
        }
    }
}

fn write(output: &mut Output, Embedding { vector, tokens, truncated }: Embedding) -> Result<()> {
    write_json(output, &Made { embedding: vector, tokens, truncated })
}

/// Writes a line of JSON.
fn write_json(output: &mut Output, value: &impl Serialize) -> Result<()> {
    let mut line = serde_json::to_vec(value)
        .map_err(|error| Error::new(Code::Internal, "a result cannot be written as JSON").because(error))?;
    line.push(b'\n');
    output.write(&line)
}

/// A line of output; `truncated` is present only where it is true.
#[derive(Serialize)]
struct Made<'a> {
    embedding: &'a [f32],
    tokens: usize,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    truncated: bool,
}

/// A line of output that takes the place of one that failed.
#[derive(Serialize)]
struct Failed<'a> {
    error: Reason<'a>,
}

#[derive(Serialize)]
struct Reason<'a> {
    code: &'a str,
    message: String,
}
