//! `felsic embed`: lines in, lines out.

use std::io::{BufRead, BufReader, Read, stdin};
use std::process::ExitCode;

use clap::Args;
use felsic::embedder::{EmbedOptions, Embedder, Embedding, Embeddings, NoHooks};
use felsic::error::{Code, Error, Result};
use serde::Serialize;
use serde_json::Value;

use crate::model::ModelArguments;
use crate::output::Output;

/// Lines that are embedded together, at most.
const TOGETHER: usize = 256;
/// Bytes of a line, at most.
const LONGEST_LINE: u64 = 64 << 20;

/// Arguments of `felsic embed`.
#[derive(Args, Debug)]
pub struct EmbedArguments {
    #[command(flatten)]
    model: ModelArguments,
    /// Keep so many leading components and normalise again.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    dimensions: Option<u32>,
    /// Keep white space at the ends of texts; sentence-transformers strips it.
    #[arg(long)]
    no_strip: bool,
    /// Put the model's prompt of this name before each text.
    #[arg(long)]
    prompt: Option<String>,
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
        let mut lines = Lines { input: BufReader::with_capacity(1 << 20, stdin().lock()), number: 0 };
        loop {
            let first = lines.number + 1;
            let (texts, failure) = lines.batch();
            write(output, &embedder, &options, &texts, first).await?;
            if !output.is_open() {
                return Ok(ExitCode::SUCCESS);
            }
            match failure {
                Some(error) => return Err(error),
                None if texts.is_empty() => return Ok(ExitCode::SUCCESS),
                None => {}
            }
        }
    })
}

/// Writes the vectors of the texts that stand on the lines from `first` on.
async fn write(
    output: &mut Output,
    embedder: &Embedder,
    options: &EmbedOptions,
    texts: &[String],
    first: usize,
) -> Result<()> {
    let (made, failure) = vectors(embedder, options, texts, first).await;
    for Embedding { vector, tokens, truncated } in made.iter().flat_map(Embeddings::iter) {
        let mut line = serde_json::to_vec(&Line { embedding: vector, tokens, truncated })
            .map_err(|error| Error::new(Code::Internal, "a vector cannot be written as JSON").because(error))?;
        line.push(b'\n');
        output.write(&line)?;
    }
    failure.map_or(Ok(()), Err)
}

/// The vectors of all texts, or of those before the one that fails and why it does, with the number of its line.
async fn vectors(
    embedder: &Embedder,
    options: &EmbedOptions,
    mut texts: &[String],
    first: usize,
) -> (Option<Embeddings>, Option<Error>) {
    let mut failure = None;
    loop {
        match embedder.embed_hooked(texts, options, &mut NoHooks).await {
            Ok(made) => return (Some(made), failure),
            Err(error) => match error.text().and_then(|position| Some((position, texts.get(..position)?))) {
                Some((position, before)) => {
                    failure = Some(error.of_text(position, format!("line {}", first + position)));
                    texts = before;
                }
                None => return (None, Some(error)),
            },
        }
    }
}

/// A line of output; `truncated` is there only where it is true.
#[derive(Serialize)]
struct Line<'a> {
    embedding: &'a [f32],
    tokens: usize,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    truncated: bool,
}

/// The lines of the input with their numbers.
struct Lines<R> {
    input: BufReader<R>,
    number: usize,
}

impl<R: Read> Lines<R> {
    /// At least one text, unless the input is at its end, and as many more as have arrived already: a
    /// file is read in large batches, while someone who types gets an answer after each line. An error
    /// comes beside the texts before it.
    fn batch(&mut self) -> (Vec<String>, Option<Error>) {
        let mut texts = Vec::new();
        while texts.is_empty() || (texts.len() < TOGETHER && self.input.buffer().contains(&b'\n')) {
            match self.line() {
                Ok(Some(text)) => texts.push(text),
                Ok(None) => break,
                Err(error) => return (texts, Some(error)),
            }
        }
        (texts, None)
    }

    fn line(&mut self) -> Result<Option<String>> {
        let mut line = Vec::new();
        let mut limited = (&mut self.input).take(LONGEST_LINE);
        let count = limited
            .read_until(b'\n', &mut line)
            .map_err(|error| Error::new(Code::Io, "cannot read standard input").because(error))?;
        if count == 0 {
            return Ok(None);
        }
        self.number += 1;
        if count as u64 == LONGEST_LINE && line.last() != Some(&b'\n') {
            return Err(self.wrong(&format!("is longer than {LONGEST_LINE} bytes")));
        }
        match serde_json::from_slice(&line) {
            Ok(Value::String(text)) => Ok(Some(text)),
            Ok(Value::Object(mut object)) => match object.remove("text") {
                Some(Value::String(text)) => Ok(Some(text)),
                _ => Err(self.wrong("has no \"text\" that is a string")),
            },
            Ok(_) => Err(self.wrong("is neither a JSON string nor an object")),
            Err(error) => Err(self.wrong("is not JSON").because(error)),
        }
    }

    fn wrong(&self, what: &str) -> Error {
        Error::new(Code::InputInvalid, format!("line {} {what}", self.number))
    }
}
