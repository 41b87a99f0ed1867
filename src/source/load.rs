//! Loading a pack: every file has the length and the hash that the manifest gives, or nothing is loaded.

use sha2::{Digest, Sha256};

use super::{Parts, Sink, Source};
use crate::config::{EmbedderConfig, TABLE};
use crate::error::{Code, Error, Result};
use crate::tokenizer::Tokenizer;
use crate::weights::{FileEntry, Manifest, SHARD_BYTES, TensorEntry, Tensors, safetensors};

/// Bytes of a manifest, at most.
const MOST_MANIFEST: u64 = 8 << 20;

/// What is being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The manifest.
    Manifest,
    /// The tokenizer.
    Tokenizer,
    /// The shards.
    Weights,
}

impl Phase {
    /// The name that the JavaScript API uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Phase::Manifest => "manifest",
            Phase::Tokenizer => "tokenizer",
            Phase::Weights => "weights",
        }
    }
}

/// How far a load is. `loaded_bytes` never falls and ends at `total_bytes`, which stays the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being read.
    pub phase: Phase,
    /// The file that is being read.
    pub file: String,
    /// Bytes of the whole pack that have been read.
    pub loaded_bytes: u64,
    /// Bytes of the whole pack, the manifest included.
    pub total_bytes: u64,
}

/// Reads a pack and checks every byte of it.
///
/// # Errors
/// Those of [`Source::read`], of [`Manifest::from_json`] and of [`Tokenizer::from_compact`];
/// [`Code::FileLength`] and [`Code::FileIntegrity`] for a file that is not what the manifest says;
/// [`Code::WeightsInvalid`] for a shard that is malformed or holds other tensors than the manifest says.
pub async fn load_pack(source: &impl Source, on_progress: &mut dyn FnMut(Progress)) -> Result<Parts> {
    let (manifest, bytes) = read_manifest(source).await?;
    let parts = load_parts(manifest, bytes.len() as u64, source, on_progress).await?;
    Ok(Parts { pack: Some(sha256_of(&bytes)), ..parts })
}

/// Reads of a pack what a helper needs: its config and the tensors of the layers. `pack` is the SHA-256 of
/// the manifest that the helped engine was made of.
///
/// # Errors
/// As [`load_pack`]; [`Code::FileIntegrity`] for another manifest.
pub async fn load_layers(
    source: &impl Source,
    pack: &str,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<(EmbedderConfig, Tensors)> {
    let (manifest, bytes) = read_manifest(source).await?;
    if sha256_of(&bytes) != pack {
        let location = source.location(Manifest::FILE);
        return Err(Error::new(Code::FileIntegrity, format!("{location} has changed since the engine was made of it")));
    }
    let is_layers =
        |shard: usize| manifest.tensors.iter().any(|(name, entry)| entry.shard == shard && !name.starts_with(TABLE));
    let shards: Vec<usize> = (0..manifest.shards.len()).filter(|shard| is_layers(*shard)).collect();
    let total_bytes = shards.iter().map(|shard| manifest.shards[*shard].bytes).sum::<u64>();
    let mut loaded_bytes = 0;
    let mut report = |file: &str, bytes: u64| {
        loaded_bytes += bytes;
        on_progress(Progress { phase: Phase::Weights, file: file.to_string(), loaded_bytes, total_bytes });
    };
    let tensors = load_shards(&manifest, shards, source, &mut report).await?;
    Ok((manifest.config, tensors))
}

/// Reads and checks the manifest alone; also returns its bytes.
///
/// # Errors
/// As [`load_pack`], as far as the manifest goes.
pub async fn read_manifest(source: &impl Source) -> Result<(Manifest, Vec<u8>)> {
    let location = source.location(Manifest::FILE);
    let mut bytes = Vec::new();
    let mut sink = |piece: &[u8]| match (bytes.len() + piece.len()) as u64 > MOST_MANIFEST {
        true => Err(Error::new(Code::ManifestInvalid, format!("{location} is longer than any manifest"))),
        false => {
            bytes.extend_from_slice(piece);
            Ok(())
        }
    };
    source.read(Manifest::FILE, None, &mut sink).await?;
    Ok((Manifest::from_json(&bytes, &location)?, bytes))
}

/// Reads the files of a manifest that has been read already, with `manifest_bytes` as its length.
///
/// # Errors
/// As [`load_pack`].
pub async fn load_parts(
    manifest: Manifest,
    manifest_bytes: u64,
    source: &impl Source,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<Parts> {
    let total_bytes = manifest.total_bytes() + manifest_bytes;
    let mut loaded_bytes = manifest_bytes;
    let mut report = |phase, file: &str, bytes: u64| {
        loaded_bytes += bytes;
        on_progress(Progress { phase, file: file.to_string(), loaded_bytes, total_bytes });
    };
    report(Phase::Manifest, Manifest::FILE, 0);
    let entry = &manifest.tokenizer.entry;
    let bytes = read_file(source, entry, &mut |bytes| report(Phase::Tokenizer, &entry.file, bytes)).await?;
    let tokenizer = Tokenizer::from_compact(&bytes)?;
    drop(bytes);
    check_vocabulary(&tokenizer, manifest.config.model.vocab_size)?;
    let mut report_weights = |file: &str, bytes| report(Phase::Weights, file, bytes);
    let tensors = load_shards(&manifest, 0..manifest.shards.len(), source, &mut report_weights).await?;
    Ok(Parts {
        name: manifest.name,
        revision: manifest.revision,
        space: manifest.space,
        format: manifest.weight_format,
        config: manifest.config,
        pack: None,
        tokenizer,
        tensors,
        self_test: manifest.self_test,
    })
}

/// The tensors of some shards, by their index.
async fn load_shards(
    manifest: &Manifest,
    shards: impl IntoIterator<Item = usize>,
    source: &impl Source,
    report: &mut dyn FnMut(&str, u64),
) -> Result<Tensors> {
    let mut tensors = Tensors::default();
    for shard in shards {
        let entry = &manifest.shards[shard];
        let mut reader = safetensors::Reader::new(entry.bytes);
        let mut take = |piece: &[u8]| {
            reader.push(piece);
            report(&entry.file, piece.len() as u64);
            Ok(())
        };
        read_checked(source, entry, &mut take).await?;
        add_shard(manifest, shard, reader, &mut tensors)
            .map_err(|error| Error::new(error.code(), format!("shard {} cannot be used", entry.file)).because(error))?;
    }
    Ok(tensors)
}

/// Every id that the tokenizer gives needs a row.
pub(super) fn check_vocabulary(tokenizer: &Tokenizer, rows: usize) -> Result<()> {
    let ids = tokenizer.vocab_size();
    match ids <= rows {
        true => Ok(()),
        false => {
            let message = format!("the tokenizer has {ids} ids, but the vocabulary table only {rows} rows");
            Err(Error::new(Code::TokenizerInvalid, message))
        }
    }
}

/// Reads one whole file and checks it against its entry.
///
/// # Errors
/// [`Code::FileLength`] as soon as too many bytes have come, or at the end if too few have;
/// [`Code::FileIntegrity`]; those of [`Source::read`].
pub async fn read_file(source: &impl Source, entry: &FileEntry, on_bytes: &mut dyn FnMut(u64)) -> Result<Vec<u8>> {
    // Reserved at once up to the size of a common shard, so that a buffer is neither copied while it grows
    // nor made for a length that nothing but the manifest claims.
    let mut bytes = Vec::new();
    reserve(&mut bytes, usize::try_from(entry.bytes).unwrap_or(SHARD_BYTES).min(SHARD_BYTES))?;
    let mut take = |piece: &[u8]| {
        reserve(&mut bytes, piece.len())?;
        bytes.extend_from_slice(piece);
        on_bytes(piece.len() as u64);
        Ok(())
    };
    read_checked(source, entry, &mut take).await?;
    Ok(bytes)
}

/// Passes a file on to `take`, piece by piece, and checks it against its entry. Nothing that was made of the
/// pieces may be used before this has returned.
///
/// # Errors
/// As [`read_file`]; the error of `take`.
async fn read_checked(source: &impl Source, entry: &FileEntry, take: Sink<'_>) -> Result<()> {
    let location = source.location(&entry.file);
    let wrong_length = |found: String| {
        Error::new(Code::FileLength, format!("{location} has {found} the {} bytes of the manifest", entry.bytes))
    };
    let mut left = entry.bytes;
    let mut hash = Sha256::new();
    let mut sink = |piece: &[u8]| {
        left = left.checked_sub(piece.len() as u64).ok_or_else(|| wrong_length("more than".into()))?;
        hash.update(piece);
        take(piece)
    };
    source.read(&entry.file, None, &mut sink).await?;
    if left > 0 {
        return Err(wrong_length(format!("{} bytes instead of", entry.bytes - left)));
    }
    match hex(hash) == entry.sha256 {
        true => Ok(()),
        false => {
            let message =
                format!("{location} does not have the SHA-256 of the manifest; it is damaged or of another pack");
            Err(Error::new(Code::FileIntegrity, message))
        }
    }
}

fn sha256_of(bytes: &[u8]) -> String {
    hex(Sha256::new_with_prefix(bytes))
}

fn hex(hash: Sha256) -> String {
    format!("{:x}", hash.finalize())
}

fn reserve(bytes: &mut Vec<u8>, more: usize) -> Result<()> {
    bytes
        .try_reserve(more)
        .map_err(|error| Error::new(Code::Internal, "there is not enough memory for the model").because(error))
}

/// Moves the tensors of a shard over, if they are those that the manifest lists for it.
fn add_shard(manifest: &Manifest, shard: usize, reader: safetensors::Reader, tensors: &mut Tensors) -> Result<()> {
    let held = reader.finish()?;
    let listed = manifest.tensors.iter().filter(|(_, entry)| entry.shard == shard);
    let held_entries = held.iter().map(|(name, tensor)| {
        (name.clone(), TensorEntry { element: tensor.element, shape: tensor.shape.clone(), shard })
    });
    if !listed.map(|(name, entry)| (name.clone(), entry.clone())).eq(held_entries) {
        return Err(Error::new(Code::WeightsInvalid, "its tensors are not those that the manifest lists"));
    }
    tensors.append(held)
}
