//! Checkpoint -> pack, and what goes with it: looking at packs and comparing engines with goldens.
//!
//! [`pack`] reads a checkpoint tensor by tensor, quantises it, compiles its tokenizer and writes a folder
//! of files named by their content's hash, with `manifest.json` on top. The same checkpoint and options
//! give the same bytes.

pub mod card;
mod format;
pub mod goldens;
mod groups;
pub mod inspect;
mod output;
mod self_test;
mod shards;
mod texts;
mod tokenizer;

use std::path::Path;

pub use format::{Group, PackOptions, WeightFormat};

use crate::config::{EmbedderConfig, TABLE};
use crate::error::Result;
use crate::source::{self, CheckpointWeights};
use crate::tokenizer::Tokenizer;
use crate::weights::{Checkpoint, Manifest, Order, SHARD_BYTES, TokenizerFile, block_name, groups_name};
use groups::Groups;
use output::Output;
use shards::ShardWriter;

/// How far a pack is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackProgress {
    /// What is being done.
    pub step: &'static str,
    /// Bytes of the checkpoint's weights that have been gone through. All are gone through twice.
    pub done_bytes: u64,
    /// Twice their length.
    pub total_bytes: u64,
}

/// Makes a pack of the checkpoint in `checkpoint` and writes it to the folder `out`, which may not exist
/// yet, be empty, or hold a pack, which is then replaced. Until everything has been written and read
/// back, `out` is not touched.
///
/// # Errors
/// Those of [`source::open_checkpoint`]; [`TokenizerUnsupported`](crate::error::Code::TokenizerUnsupported)
/// for a tokenizer that the compact form does not reproduce; [`WeightsInvalid`](crate::error::Code::WeightsInvalid)
/// for weights that are not finite; [`InputInvalid`](crate::error::Code::InputInvalid) for a folder that
/// holds something else; [`Io`](crate::error::Code::Io).
pub fn pack(
    checkpoint: &Path,
    out: &Path,
    options: &PackOptions,
    on_progress: &mut dyn FnMut(PackProgress),
) -> Result<Manifest> {
    let output = Output::create(out)?;
    let config = source::read_config(checkpoint)?;
    let weights = CheckpointWeights::open(checkpoint, &config.model)?;
    let rows = config.model.vocab_size;
    let compact = tokenizer::compile(&source::read_needed(checkpoint, "tokenizer.json")?, rows)?;
    let groups = groups::groups(&Tokenizer::from_compact(&compact)?, rows);

    let (mut done_bytes, total_bytes) = (0, 2 * weights.bytes());
    let mut report = |step, bytes: u64| {
        done_bytes += bytes;
        on_progress(PackProgress { step, done_bytes, total_bytes });
    };
    let sha256 = weights.sha256(&mut |bytes| report("hashing the weights", bytes))?;

    let tokenizer = output.write("tokenizer", "bin", &compact)?;
    let tokenizer = TokenizerFile { entry: tokenizer, format: TokenizerFile::FORMAT.to_string() };
    let mut shards = ShardWriter::new(&output);
    if groups.list.len() > 1 {
        shards.add("layers", vec![(groups_name(), groups.tensor())])?;
    }
    write_layers(&weights, &config, options, &mut shards, &mut |bytes| report("packing the layers", bytes))?;
    write_table(&weights, &config, options, &groups, &mut shards, &mut |bytes| {
        report("packing the vocabulary table", bytes);
    })?;
    let (shards, tensors) = shards.finish()?;

    let (name, revision) = source::name_of(checkpoint);
    let name = options.name.clone().unwrap_or(name);
    let revision = options.revision.clone().or(revision);
    let weight_format = options.format_name();
    let mut manifest = Manifest {
        format: Manifest::FORMAT.to_string(),
        version: Manifest::VERSION,
        space: source::space(&name, revision.as_deref(), &sha256, &weight_format, config.model.hidden_size),
        name,
        revision,
        weight_format,
        config,
        checkpoint: Checkpoint { sha256, bytes: weights.bytes() },
        tokenizer,
        shards,
        groups: groups.list,
        tensors,
        self_test: Vec::new(),
    };
    report("making the self-test", 0);
    manifest.self_test = self_test::make(&manifest, output.folder())?;
    output.finish(&manifest)?;
    on_progress(PackProgress { step: "done", done_bytes: total_bytes, total_bytes });
    Ok(manifest)
}

/// All tensors but the vocabulary table.
fn write_layers(
    weights: &CheckpointWeights,
    config: &EmbedderConfig,
    options: &PackOptions,
    shards: &mut ShardWriter<'_>,
    on_bytes: &mut dyn FnMut(u64),
) -> Result<()> {
    for (name, shape) in config.model.tensors().into_iter().filter(|(name, _)| name != TABLE) {
        let tensor = weights.read(&name)?;
        let bytes = tensor.bytes.len() as u64;
        let is_matrix = shape.len() == 2;
        let format = if is_matrix { options.weights } else { WeightFormat::F32 };
        shards.add("layers", format::convert(&name, tensor, format, options.group)?)?;
        on_bytes(bytes);
    }
    shards.flush()
}

/// The vocabulary table, group by group, in blocks of rows of a shard each.
fn write_table(
    weights: &CheckpointWeights,
    config: &EmbedderConfig,
    options: &PackOptions,
    groups: &Groups,
    shards: &mut ShardWriter<'_>,
    on_bytes: &mut dyn FnMut(u64),
) -> Result<()> {
    let (rows, cols) = (config.model.vocab_size, config.model.hidden_size);
    let row_bytes = format::row_bytes(cols, options.table, options.group);
    let most = ((SHARD_BYTES - shards::HEADER_ROOM) / row_bytes).clamp(1, rows);
    let order = Order::new(&groups.of)?;
    let ids = order.ids();
    for group in order.groups() {
        // Blocks of a group are about alike.
        let blocks = group.len().div_ceil(most);
        for block in 0..blocks {
            let at = |block: usize| group.start + block * group.len() / blocks;
            let tensor = weights.read_these_rows(TABLE, &ids[at(block)..at(block + 1)])?;
            let bytes = tensor.bytes.len() as u64;
            let name = block_name(at(block));
            shards.add("table", format::convert(&name, tensor, options.table, options.group)?)?;
            shards.flush()?;
            on_bytes(bytes);
        }
    }
    Ok(())
}
