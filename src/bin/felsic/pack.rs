//! `felsic pack` and `felsic inspect`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use felsic::error::Result;
use felsic::pack::{self, Group, PackOptions, WeightFormat};

use crate::output::Output;
use crate::progress::{Bar, Unit};

/// Arguments of `felsic pack`.
#[derive(Args, Debug)]
pub struct PackArguments {
    /// Folder of the checkpoint (config.json, model.safetensors, tokenizer.json, …), or a GGUF file
    checkpoint: PathBuf,
    /// Folder to write; an older pack in it is replaced.
    out: PathBuf,
    /// Format of the layers: int4 is half as large as int8 and far less exact.
    #[arg(long, value_enum, default_value_t = FormatName::Int8)]
    weights: FormatName,
    /// Format of the vocabulary table.
    #[arg(long, value_enum, default_value_t = FormatName::Int8)]
    table: FormatName,
    /// Columns that share a scale in int8 and int4: 8, 16, 32, … or `row`.
    #[arg(long, default_value = "32", value_parser = group)]
    group: Group,
    /// Name of the model [default: the name of the checkpoint's folder, or of the GGUF file without its ending].
    #[arg(long, value_parser = plain_text)]
    name: Option<String>,
    /// Revision of the checkpoint, for the space of its vectors.
    #[arg(long, value_parser = plain_text)]
    revision: Option<String>,
}

/// A weight format as the command line names it.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum FormatName {
    Int8,
    Int4,
    F32,
}

impl From<FormatName> for WeightFormat {
    fn from(name: FormatName) -> Self {
        match name {
            FormatName::Int8 => WeightFormat::Int8,
            FormatName::Int4 => WeightFormat::Int4,
            FormatName::F32 => WeightFormat::F32,
        }
    }
}

fn group(text: &str) -> std::result::Result<Group, String> {
    match (text, text.parse::<usize>()) {
        ("row", _) => Ok(Group::Row),
        (_, Ok(columns)) if columns.is_multiple_of(4) && (4..=1024).contains(&columns) => Ok(Group::Columns(columns)),
        _ => Err("expected `row` or a multiple of 4 up to 1024".to_string()),
    }
}

fn plain_text(text: &str) -> std::result::Result<String, String> {
    match !text.is_empty() && text.len() <= 200 && !text.chars().any(char::is_control) {
        true => Ok(text.to_string()),
        false => Err("expected 1 to 200 bytes of plain text".to_string()),
    }
}

/// Makes a pack.
pub fn pack(arguments: &PackArguments, output: &mut Output) -> Result<ExitCode> {
    let options = PackOptions {
        weights: arguments.weights.into(),
        table: arguments.table.into(),
        group: arguments.group,
        name: arguments.name.clone(),
        revision: arguments.revision.clone(),
    };
    let bar = Bar::new(Unit::Bytes);
    let manifest = pack::pack(&arguments.checkpoint, &arguments.out, &options, &mut |progress| {
        bar.set(progress.step, progress.done_bytes, progress.total_bytes);
    })?;
    drop(bar);
    let files = manifest.files().count() + 1;
    let (out, bytes) = (arguments.out.display(), manifest.total_bytes());
    output.line(format!("{out}: {} in {files} files, {bytes} bytes", manifest.space))?;
    Ok(ExitCode::SUCCESS)
}

/// Arguments of `felsic inspect`.
#[derive(Args, Debug)]
pub struct InspectArguments {
    /// Folder of the pack.
    pack: PathBuf,
    /// Read every file and compare its length and hash with the manifest.
    #[arg(long)]
    check: bool,
}

/// Describes a pack.
pub fn inspect(arguments: &InspectArguments, output: &mut Output) -> Result<ExitCode> {
    let bar = Bar::new(Unit::Bytes);
    let mut on_bytes = |done, total| bar.set("checking", done, total);
    let text = pollster::block_on(pack::inspect::inspect(&arguments.pack, arguments.check, &mut on_bytes))?;
    drop(bar);
    text.lines().try_for_each(|line| output.line(line))?;
    Ok(ExitCode::SUCCESS)
}
