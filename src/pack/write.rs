//! A checkpoint's folder -> a pack's folder.

use std::path::Path;

use super::output::Output;
use super::{PackOptions, Packer, self_test, tokenizer};
use crate::error::Result;
use crate::source::CheckpointFiles;
use crate::weights::{Manifest, dense_weights};

/// Progress of making a pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackProgress {
    /// The current step.
    pub step: &'static str,
    /// Bytes of the checkpoint's weights that have been packed.
    pub done_bytes: u64,
    /// Bytes of all of them.
    pub total_bytes: u64,
}

/// Makes a pack of the checkpoint in `checkpoint`, a folder or a GGUF file, and writes it to the folder `out`, which may not exist
/// yet, be empty, or hold a pack, which is then replaced. `out` stays untouched until everything has been
/// written and read back.
///
/// # Errors
/// Those of [`open_checkpoint`](crate::source::open_checkpoint); [`TokenizerUnsupported`](crate::error::Code::TokenizerUnsupported)
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
    let files = CheckpointFiles::open(checkpoint)?;
    let config = files.config()?;
    let weights = files.weights(&config.model)?;
    let settings = files.tokenizer_settings()?;
    let compact = tokenizer::compile(&files.needed("tokenizer.json")?, &settings, &config)?;
    let (name, revision) = files.name();
    let options = PackOptions {
        name: Some(options.name.clone().unwrap_or(name)),
        revision: options.revision.clone().or(revision),
        ..options.clone()
    };
    let dense = dense_weights(&config, |file| files.read(file))?;
    let mut packer = Packer::new(config, &compact, options)?.with_dense(dense);
    let mut shards = output.shards();
    packer.begin(&mut shards)?;

    let lengths = weights.lengths();
    let (mut done_bytes, total_bytes) = (0, lengths.iter().sum());
    for (file, length) in lengths.iter().enumerate() {
        match files.is_gguf() {
            true => packer.begin_gguf(Some(*length)),
            false => packer.begin_file(Some(*length), file + 1 == lengths.len()),
        }
        weights.read_file(file, &mut |piece| {
            done_bytes += piece.len() as u64;
            on_progress(PackProgress { step: "packing the weights", done_bytes, total_bytes });
            packer.push(piece, &mut shards)
        })?;
        packer.end_file()?;
    }
    let hashes = shards.hashes()?;
    let mut manifest = packer.manifest(&hashes, Vec::new())?;
    output.name_files(&manifest, &compact)?;
    on_progress(PackProgress { step: "making the self-test", done_bytes, total_bytes });
    manifest.self_test = self_test::make(&manifest, output.folder())?;
    output.finish(&manifest)?;
    on_progress(PackProgress { step: "done", done_bytes: total_bytes, total_bytes });
    Ok(manifest)
}
