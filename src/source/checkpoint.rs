//! Reading a checkpoint from its folder, or from a GGUF file.
//!
//! Weights are read tensor by tensor from `model.safetensors`, or from the files that
//! `model.safetensors.index.json` lists, so that no file is ever in memory as a whole beside its tensors.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::checkpoint_files::CheckpointFiles;
use super::open::{MOST_WHOLE, io_error, open, read_whole};
use super::{Parts, check_tokenizer, space};
use crate::config::{EmbedderConfig, ModelConfig};
use crate::error::{Code, Error, Result};
use crate::tokenizer::Tokenizer;
use crate::weights::safetensors::{Coming, Entry, Header};
use crate::weights::{
    CheckpointTensors, ElementType, INDEX_FILE, StoredTensor, Tensors, WEIGHTS_FILE, dense_weights, indexed_files,
};

/// Bytes read at a time.
const PIECE: usize = 1 << 20;

/// Reads a checkpoint's folder, or a GGUF file, in f32 (the vocabulary table in the precision that it has there).
///
/// # Errors
/// [`Code::NotFound`] for a missing file; [`Code::OutOfMemory`]; those of [`EmbedderConfig::from_files`],
/// [`CheckpointWeights::open`], [`TokenizerSettings::from_files`](crate::tokenizer::TokenizerSettings::from_files) and [`Tokenizer::from_json_with`]; [`Code::TokenizerInvalid`] for a tokenizer with more
/// ids than the vocabulary table has rows, or whose template leaves a text no room within `max_tokens`.
pub fn open_checkpoint(path: &Path) -> Result<Parts> {
    let files = CheckpointFiles::open(path)?;
    let config = files.config()?;
    let weights = files.weights(&config.model)?;
    let settings = files.tokenizer_settings()?;
    let tokenizer = Tokenizer::from_json_with(&files.needed("tokenizer.json")?, Some(&settings))?;
    check_tokenizer(&tokenizer, &config)?;
    let (mut tensors, mut hash) = weights.read_all()?;
    let dense = dense_weights(&config, |file| files.read(file))?;
    dense.hash_into(&mut hash);
    tensors.append(dense)?;
    let sha256 = format!("{:x}", hash.finalize());
    let (name, revision) = files.name();
    let format = "f32";
    let space = space(&name, revision.as_deref(), &sha256, format, config.width());
    let format = format.to_string();
    Ok(Parts {
        name,
        revision,
        space,
        format,
        pack: None,
        config,
        tokenizer,
        tensors,
        blocks: Vec::new(),
        self_test: Vec::new(),
    })
}

/// Reads the settings of the checkpoint at a path: a folder, or a GGUF file.
///
/// # Errors
/// Those of [`EmbedderConfig::from_files`].
pub fn read_config(path: &Path) -> Result<EmbedderConfig> {
    CheckpointFiles::open(path)?.config()
}

/// One weight file.
#[derive(Debug)]
pub(super) struct OpenFile {
    pub path: PathBuf,
    pub file: File,
    /// Where the header ends.
    pub data: u64,
    pub length: u64,
}

/// Where a tensor lies.
#[derive(Debug)]
struct Place {
    file: usize,
    entry: Entry,
}

/// The weight files of a checkpoint, whose headers fit the config; see [`CheckpointTensors`].
#[derive(Debug)]
pub struct CheckpointWeights {
    files: Vec<OpenFile>,
    /// By name without prefix; only those that the config calls for.
    places: BTreeMap<String, Place>,
}

impl CheckpointWeights {
    /// Reads the headers and checks every name, shape and type against `config`.
    ///
    /// # Errors
    /// [`Code::NotFound`], [`Code::Io`], [`Code::WeightsInvalid`], [`Code::TensorMissing`],
    /// [`Code::TensorShape`], [`Code::TensorType`].
    pub fn open(folder: &Path, config: &ModelConfig) -> Result<Self> {
        let mut tensors = CheckpointTensors::new(config);
        let (mut files, mut places) = (Vec::new(), BTreeMap::new());
        for path in weight_files(folder)? {
            let (file, entries) = open_file(path)?;
            let names = tensors.take(entries.iter().map(|(name, entry)| (name.as_str(), entry)))?;
            for (name, (_, entry)) in names.into_iter().zip(entries) {
                places.extend(name.map(|name| (name, Place { file: files.len(), entry })));
            }
            files.push(file);
        }
        tensors.check_complete()?;
        Ok(Self { files, places })
    }

    /// Checks the tensors of a GGUF file against `config`, and keeps where they are.
    ///
    /// # Errors
    /// As [`CheckpointWeights::open`].
    pub(super) fn of_gguf(file: OpenFile, coming: Coming, config: &ModelConfig) -> Result<Self> {
        let mut tensors = CheckpointTensors::new(config);
        let listed: Coming = coming.into_iter().filter(|(name, _)| !name.is_empty()).collect();
        let names = tensors.take(listed.iter().map(|(name, entry)| (name.as_str(), entry)))?;
        tensors.check_complete()?;
        let place = |(name, (_, entry)): (Option<String>, (String, Entry))| Some((name?, Place { file: 0, entry }));
        Ok(Self { files: vec![file], places: names.into_iter().zip(listed).filter_map(place).collect() })
    }

    /// Reads one tensor, and passes its bytes as the file has them to `on_bytes`. What is in blocks widens to f32.
    fn read(&self, name: &str, on_bytes: impl FnOnce(&[u8])) -> Result<StoredTensor> {
        let place = self.places.get(name);
        let place = place.ok_or_else(|| Error::new(Code::TensorMissing, format!("tensor {name} is missing")))?;
        let Entry { element, blocks, start, bytes, ref shape, .. } = place.entry;
        let file = self.files.get(place.file);
        let file = file.ok_or_else(|| Error::new(Code::Internal, "a tensor in a file that was not opened"))?;
        let bytes = read_tensor(file, file.data + start as u64, bytes)?;
        on_bytes(&bytes);
        let (element, bytes) = match (element, blocks) {
            (Some(element), _) => (element, bytes),
            (None, Some(blocks)) => {
                let values = blocks.widen(&bytes)?;
                (ElementType::F32, values.iter().flat_map(|value| value.to_le_bytes()).collect())
            }
            (None, None) => return Err(Error::new(Code::Internal, "a tensor of a type that was refused")),
        };
        Ok(StoredTensor { element, shape: shape.clone(), bytes })
    }

    /// Returns the length of each weight file, in their order.
    pub fn lengths(&self) -> Vec<u64> {
        self.files.iter().map(|file| file.length).collect()
    }

    /// Passes the bytes of a weight file to `on_piece` from its start to its end, piece by piece.
    ///
    /// # Errors
    /// [`Code::Io`], and the errors of `on_piece`.
    pub fn read_file(&self, file: usize, on_piece: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let file = self.files.get(file);
        let file = file.ok_or_else(|| Error::new(Code::Internal, "a file that was not opened"))?;
        read_part(file, 0..file.length, on_piece)
    }

    /// Reads all tensors and hashes the files, in one pass.
    fn read_all(&self) -> Result<(Tensors, Sha256)> {
        let mut hash = Sha256::new();
        let mut tensors = Tensors::default();
        for (index, file) in self.files.iter().enumerate() {
            let mut wanted: Vec<(&String, &Place)> =
                self.places.iter().filter(|(_, place)| place.file == index).collect();
            wanted.sort_by_key(|(_, place)| place.entry.start);
            let mut hashed = 0;
            for (name, place) in wanted {
                let start = file.data + place.entry.start as u64;
                hash_part(file, hashed..start, &mut hash)?;
                let tensor = self.read(name, |bytes| hash.update(bytes))?;
                hashed = start + place.entry.bytes as u64;
                tensors.insert(name.clone(), tensor)?;
            }
            hash_part(file, hashed..file.length, &mut hash)?;
        }
        Ok((tensors, hash))
    }
}

/// Returns the weight files of a checkpoint, in the order of their names.
fn weight_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let single = folder.join(WEIGHTS_FILE);
    let index = match read_whole(&folder.join(INDEX_FILE), MOST_WHOLE) {
        Ok(index) if !single.exists() => index,
        Err(error) if error.code() != Code::NotFound => return Err(error),
        _ => return Ok(vec![single]),
    };
    Ok(indexed_files(&index)?.into_iter().map(|name| folder.join(name)).collect())
}

fn open_file(path: PathBuf) -> Result<(OpenFile, Coming)> {
    let (mut file, length) = open(&path)?;
    let read = |_, count| {
        let mut piece = vec![0; count];
        file.read_exact(&mut piece).map_err(|error| io_error(&path, "read", error))?;
        Ok(piece)
    };
    let (data, entries) = Header::read(length, read).map_err(|error| match error.code() {
        Code::Io => error,
        code => Error::new(code, format!("{} cannot be used", path.display())).because(error),
    })?;
    Ok((OpenFile { path, file, data: data as u64, length }, entries))
}

/// Reads the bytes of a tensor. Their number is only what the file claims, and a file may be long without taking any
/// room on the disk.
fn read_tensor(file: &OpenFile, offset: u64, bytes: usize) -> Result<Vec<u8>> {
    let mut read = Vec::new();
    read.try_reserve_exact(bytes)?;
    let mut handle = &file.file;
    let done = handle.seek(SeekFrom::Start(offset)).and_then(|_| handle.take(bytes as u64).read_to_end(&mut read));
    match done.map_err(|error| io_error(&file.path, "read", error))? == bytes {
        true => Ok(read),
        false => Err(io_error(&file.path, "read", ErrorKind::UnexpectedEof.into())),
    }
}

fn read_at(file: &OpenFile, offset: u64, out: &mut [u8]) -> Result<()> {
    let mut handle = &file.file;
    handle
        .seek(SeekFrom::Start(offset))
        .and_then(|_| handle.read_exact(out))
        .map_err(|error| io_error(&file.path, "read", error))
}

fn read_part(file: &OpenFile, range: Range<u64>, on_piece: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
    let mut piece = vec![0; PIECE];
    let mut offset = range.start;
    while offset < range.end {
        let count = (range.end - offset).min(PIECE as u64) as usize;
        let part = &mut piece[..count];
        read_at(file, offset, part)?;
        on_piece(part)?;
        offset += count as u64;
    }
    Ok(())
}

fn hash_part(file: &OpenFile, range: Range<u64>, hash: &mut Sha256) -> Result<()> {
    read_part(file, range, &mut |piece| {
        hash.update(piece);
        Ok(())
    })
}
