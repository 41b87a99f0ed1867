//! Loading a pack: every file has the length and the hash that the manifest gives, or nothing is loaded.

use sha2::{Digest, Sha256};

use super::{Meter, Parts, Phase, Progress, Sink, Source, Wanted};
use crate::config::EmbedderConfig;
use crate::error::{Code, Error, Result};
use crate::tokenizer::Tokenizer;
use crate::weights::{FileEntry, Manifest, SHARD_BYTES, Tensors, groups_name, safetensors};

/// Reads a pack and checks every byte of it.
///
/// # Errors
/// Those of [`Source::read`], of [`Manifest::from_json`] and of [`Tokenizer::from_compact`];
/// [`Code::FileLength`] and [`Code::FileIntegrity`] for a file that is not what the manifest says;
/// [`Code::WeightsInvalid`] for a shard that is malformed or holds other tensors than the manifest says.
pub async fn load_pack(source: &impl Source, on_progress: &mut dyn FnMut(Progress)) -> Result<Parts> {
    let (manifest, bytes) = read_manifest(source).await?;
    let mut meter = meter(&manifest, &bytes, on_progress);
    let parts = load_parts(manifest, source, &mut meter, on_progress).await?;
    Ok(Parts { pack: Some(sha256_of(&bytes)), ..parts })
}

/// Reads a pack except for the blocks of the vocabulary table. Also returns the manifest, for reading them later, and
/// the meter, which then continues.
///
/// # Errors
/// As [`load_pack`].
pub async fn load_first(
    source: &impl Source,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<(Parts, Manifest, Meter)> {
    let (manifest, bytes) = read_manifest(source).await?;
    let mut meter = meter(&manifest, &bytes, on_progress);
    let (blocks, shards) = (manifest.blocks(), outside_table(&manifest));
    let parts = load_some(manifest.clone(), shards, source, &mut meter, on_progress).await?;
    Ok((Parts { pack: Some(sha256_of(&bytes)), blocks, ..parts }, manifest, meter))
}

/// Returns the shards that hold anything but blocks of the vocabulary table.
fn outside_table(manifest: &Manifest) -> Vec<usize> {
    let blocks = manifest.blocks();
    (0..manifest.shards.len()).filter(|shard| blocks.iter().all(|block| block.shard != *shard)).collect()
}

/// Returns the meter of a pack whose manifest has been read.
fn meter(manifest: &Manifest, bytes: &[u8], on_progress: &mut dyn FnMut(Progress)) -> Meter {
    let mut meter = Meter::new(manifest.total_bytes() + bytes.len() as u64);
    on_progress(meter.at(Phase::Manifest, Manifest::FILE, bytes.len() as u64));
    meter
}

/// Reads what a helper needs from a pack: its config and the tensors of the layers. `pack` is the SHA-256 of the
/// manifest that the helped engine was made from.
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
        return Err(Error::new(Code::FileIntegrity, format!("{location} has changed since the engine was created")));
    }
    let shards = outside_table(&manifest);
    let mut meter = Meter::new(shards.iter().map(|shard| manifest.shards[*shard].bytes).sum());
    let tensors = load_shards(&manifest, shards, source, &mut meter, on_progress).await?;
    Ok((manifest.config, tensors))
}

/// Reads and checks the manifest alone; also returns its bytes.
///
/// # Errors
/// As [`load_pack`], as far as the manifest goes.
pub async fn read_manifest(source: &impl Source) -> Result<(Manifest, Vec<u8>)> {
    /// The bytes so far; in the end the manifest.
    struct Reading {
        location: String,
        bytes: Vec<u8>,
        manifest: Option<Manifest>,
    }

    impl Sink for Reading {
        fn push(&mut self, piece: &[u8]) -> Result<()> {
            if (self.bytes.len() + piece.len()) as u64 > Manifest::MOST_BYTES {
                let message = format!("{} is too long to be a manifest", self.location);
                return Err(Error::new(Code::ManifestInvalid, message));
            }
            self.bytes.extend_from_slice(piece);
            Ok(())
        }

        fn finish(&mut self) -> Result<()> {
            self.manifest = Some(Manifest::from_json(&self.bytes, &self.location)?);
            Ok(())
        }
    }

    let mut reading = Reading { location: source.location(Manifest::FILE), bytes: Vec::new(), manifest: None };
    source.read(Wanted { file: Manifest::FILE, entry: None, again: false }, &mut reading).await?;
    let manifest =
        reading.manifest.ok_or_else(|| Error::new(Code::Internal, "a source that did not deliver the whole file"))?;
    Ok((manifest, reading.bytes))
}

/// Reads all files of a manifest that has already been read.
///
/// # Errors
/// As [`load_pack`].
pub async fn load_parts(
    manifest: Manifest,
    source: &impl Source,
    meter: &mut Meter,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<Parts> {
    let shards = (0..manifest.shards.len()).collect();
    load_some(manifest, shards, source, meter, on_progress).await
}

/// Reads the tokenizer and some shards.
async fn load_some(
    manifest: Manifest,
    shards: Vec<usize>,
    source: &impl Source,
    meter: &mut Meter,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<Parts> {
    let entry = &manifest.tokenizer.entry;
    let mut on_bytes = |bytes| on_progress(meter.at(Phase::Tokenizer, &entry.file, bytes));
    let bytes = read_file(source, entry, &mut on_bytes).await?;
    let tokenizer = Tokenizer::from_compact(&bytes)?;
    drop(bytes);
    check_tokenizer(&tokenizer, &manifest.config)?;
    let tensors = load_shards(&manifest, shards, source, meter, on_progress).await?;
    Ok(Parts {
        name: manifest.name,
        revision: manifest.revision,
        space: manifest.space,
        format: manifest.weight_format,
        config: manifest.config,
        pack: None,
        tokenizer,
        tensors,
        blocks: Vec::new(),
        self_test: manifest.self_test,
    })
}

/// Reads the tensors of some shards, given by index.
async fn load_shards(
    manifest: &Manifest,
    shards: Vec<usize>,
    source: &impl Source,
    meter: &mut Meter,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<Tensors> {
    let mut tensors = Tensors::default();
    for shard in shards {
        let entry = &manifest.shards[shard];
        let mut reader = safetensors::Reader::new(entry.bytes);
        let mut on_bytes = |bytes| on_progress(meter.at(Phase::Weights, &entry.file, bytes));
        read_checked(source, entry, &mut reader, &mut on_bytes).await?;
        add_shard(manifest, shard, reader, &mut tensors).map_err(|error| entry.unusable(error))?;
    }
    Ok(tensors)
}

/// Checks that every id of a text without added tokens has a row, and that a text has room beside the template and
/// beside each prompt: without room, all texts would be cut to the same ids and have the same vector.
pub(crate) fn check_tokenizer(tokenizer: &Tokenizer, config: &EmbedderConfig) -> Result<()> {
    let (ids, rows) = (tokenizer.needed_rows(), config.model.vocab_size);
    let (template, most) = (tokenizer.template_len(), config.max_tokens);
    let message = if ids > rows {
        format!("the tokenizer's texts have ids up to {}, but the vocabulary table has {rows} rows", ids - 1)
    } else if template >= most {
        format!("the tokenizer's template has {template} tokens, which leaves no room for a text: max_tokens is {most}")
    } else {
        return check_prompts(tokenizer, config);
    };
    Err(Error::new(Code::TokenizerInvalid, message))
}

fn check_prompts(tokenizer: &Tokenizer, config: &EmbedderConfig) -> Result<()> {
    let most = config.max_tokens;
    for (name, prompt) in config.prompts.iter().filter(|(_, prompt)| !prompt.is_empty()) {
        let tokens = tokenizer.count(prompt).map_err(|error| {
            Error::new(Code::ConfigInvalid, format!("the prompt {name:?} cannot be tokenized")).because(error)
        })?;
        if tokens >= most {
            let message = format!(
                "the prompt {name:?} has {tokens} tokens with the template, which leaves no room for a text: \
                 max_tokens is {most}"
            );
            return Err(Error::new(Code::ConfigInvalid, message));
        }
    }
    Ok(())
}

/// A place for the bytes of a file while they are being read.
pub trait Keep {
    /// Begins again, with nothing.
    fn restart(&mut self);

    /// Keeps the next piece.
    ///
    /// # Errors
    /// [`Code::OutOfMemory`] where there is no room for it.
    fn keep(&mut self, piece: &[u8]) -> Result<()>;
}

impl Keep for Vec<u8> {
    fn restart(&mut self) {
        self.clear();
    }

    fn keep(&mut self, piece: &[u8]) -> Result<()> {
        self.try_reserve(piece.len())?;
        self.extend_from_slice(piece);
        Ok(())
    }
}

impl Keep for safetensors::Reader {
    fn restart(&mut self) {
        *self = Self::new(self.length());
    }

    fn keep(&mut self, piece: &[u8]) -> Result<()> {
        self.push(piece);
        Ok(())
    }
}

/// Reads one whole file and checks it against its entry. `on_bytes` is called with the number of bytes so far.
///
/// # Errors
/// As [`read_checked`].
pub async fn read_file(source: &impl Source, entry: &FileEntry, on_bytes: &mut dyn FnMut(u64)) -> Result<Vec<u8>> {
    // Reserved at once up to the size of a common shard, so that a buffer is neither copied while it grows nor made for
    // a length that only the manifest claims.
    let mut bytes = Vec::new();
    bytes.try_reserve(usize::try_from(entry.bytes).unwrap_or(SHARD_BYTES).min(SHARD_BYTES))?;
    read_checked(source, entry, &mut bytes, on_bytes).await?;
    Ok(bytes)
}

/// Passes a file to `keep`, piece by piece, and checks it against its entry. Retries once if its bytes are wrong and
/// the source may have better ones. Nothing made from the pieces may be used before this has returned.
///
/// # Errors
/// [`Code::FileLength`] as soon as too many bytes have arrived, or at the end if too few have; [`Code::FileIntegrity`];
/// those of [`Source::read`] and of `keep`.
pub async fn read_checked(
    source: &impl Source,
    entry: &FileEntry,
    keep: &mut dyn Keep,
    on_bytes: &mut dyn FnMut(u64),
) -> Result<()> {
    let location = source.location(&entry.file);
    let mut wanted = Wanted { file: &entry.file, entry: Some(entry), again: false };
    loop {
        let mut checked = Checked { entry, location: &location, read: 0, hash: Sha256::new(), keep, on_bytes };
        match source.read(wanted, &mut checked).await {
            Err(error) if is_wrong(error.code()) && source.may_change() && !wanted.again => {
                wanted.again = true;
                keep.restart();
            }
            result => return result,
        }
    }
}

/// Returns whether the bytes of a file were wrong, rather than unavailable.
pub(crate) fn is_wrong(code: Code) -> bool {
    matches!(code, Code::FileLength | Code::FileIntegrity)
}

/// Counts and hashes what is kept.
struct Checked<'a> {
    entry: &'a FileEntry,
    location: &'a str,
    read: u64,
    hash: Sha256,
    keep: &'a mut dyn Keep,
    on_bytes: &'a mut dyn FnMut(u64),
}

impl Checked<'_> {
    fn wrong_length(&self, found: &str) -> Error {
        let (location, bytes) = (self.location, self.entry.bytes);
        Error::new(Code::FileLength, format!("{location} has {found} the {bytes} bytes that the manifest states"))
    }
}

impl Sink for Checked<'_> {
    fn push(&mut self, piece: &[u8]) -> Result<()> {
        self.read += piece.len() as u64;
        if self.read > self.entry.bytes {
            return Err(self.wrong_length("more than"));
        }
        self.hash.update(piece);
        self.keep.keep(piece)?;
        (self.on_bytes)(self.read);
        Ok(())
    }

    fn finish(&mut self) -> Result<()> {
        if self.read < self.entry.bytes {
            return Err(self.wrong_length(&format!("{} bytes instead of", self.read)));
        }
        match hex(std::mem::take(&mut self.hash)) == self.entry.sha256 {
            true => Ok(()),
            false => {
                let location = self.location;
                let message = format!(
                    "{location} does not have the SHA-256 that the manifest states; it is damaged or belongs to another pack"
                );
                Err(Error::new(Code::FileIntegrity, message))
            }
        }
    }
}

fn sha256_of(bytes: &[u8]) -> String {
    hex(Sha256::new_with_prefix(bytes))
}

fn hex(hash: Sha256) -> String {
    format!("{:x}", hash.finalize())
}

/// Moves the tensors of a shard into `tensors`, if they are those that the manifest lists for it.
fn add_shard(manifest: &Manifest, shard: usize, reader: safetensors::Reader, tensors: &mut Tensors) -> Result<()> {
    let held = reader.finish()?;
    manifest.check_shard(shard, held.iter().map(|(name, tensor)| (name, Some(tensor.element), &tensor.shape)))?;
    if let Some(group_of) = held.get(&groups_name()) {
        manifest.check_group_of(&group_of.bytes)?;
    }
    tensors.append(held)
}
