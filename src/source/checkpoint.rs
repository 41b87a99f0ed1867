//! Reading a checkpoint's folder.
//!
//! Weights are read tensor by tensor from `model.safetensors`, or from the files that
//! `model.safetensors.index.json` lists, so that no file is ever in memory as a whole beside its tensors.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::folder::io_error;
use super::load::check_vocabulary;
use super::{Parts, space};
use crate::config::{EmbedderConfig, ModelConfig};
use crate::error::{Code, Error, Result};
use crate::tokenizer::Tokenizer;
use crate::weights::safetensors::{self, Entry, PREFIX};
use crate::weights::{StoredTensor, Tensors};

/// Bytes of a JSON file of a checkpoint, at most; the largest tokenizer.json known has 33 MB.
const MOST_JSON: u64 = 256 << 20;
/// Bytes hashed at a time.
const PIECE: usize = 1 << 20;

/// Reads a checkpoint's folder in f32 (the vocabulary table in the precision that it has there).
///
/// # Errors
/// [`Code::NotFound`] for a missing file; those of [`EmbedderConfig::from_files`],
/// [`CheckpointWeights::open`] and [`Tokenizer::from_json`].
pub fn open_checkpoint(folder: &Path) -> Result<Parts> {
    let config = read_config(folder)?;
    let weights = CheckpointWeights::open(folder, &config.model)?;
    let tokenizer = Tokenizer::from_json(&read_needed(folder, "tokenizer.json")?)?;
    check_vocabulary(&tokenizer, config.model.vocab_size)?;
    let (tensors, sha256) = weights.read_all()?;
    let (name, revision) = name_of(folder);
    let format = "f32";
    let space = space(&name, revision.as_deref(), &sha256, format, config.model.hidden_size);
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

/// The settings of the checkpoint in `folder`.
///
/// # Errors
/// Those of [`EmbedderConfig::from_files`].
pub fn read_config(folder: &Path) -> Result<EmbedderConfig> {
    if !folder.is_dir() {
        return Err(Error::new(Code::NotFound, format!("{} is not a folder", folder.display())));
    }
    EmbedderConfig::from_files(|file| read_optional(folder, file))
}

/// A file of the folder, or `None` where there is none.
fn read_optional(folder: &Path, file: &str) -> Result<Option<Vec<u8>>> {
    match read_needed(folder, file) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.code() == Code::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// A file that has to be there.
pub(crate) fn read_needed(folder: &Path, file: &str) -> Result<Vec<u8>> {
    let path = folder.join(file);
    let failed = |error| io_error(&path, "read", error);
    let open = File::open(&path).map_err(failed)?;
    let mut bytes = Vec::new();
    open.take(MOST_JSON + 1).read_to_end(&mut bytes).map_err(failed)?;
    match bytes.len() as u64 > MOST_JSON {
        true => Err(Error::new(Code::Io, format!("{} is longer than {MOST_JSON} bytes", path.display()))),
        false => Ok(bytes),
    }
}

/// The model's name and revision as its folder tells them: the folder's name, or for
/// `models--owner--name/snapshots/revision`, as the Hugging Face cache lays it out, both.
pub(crate) fn name_of(folder: &Path) -> (String, Option<String>) {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_path_buf());
    let part = |path: Option<&Path>| {
        path.and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    };
    let own = part(Some(&folder));
    let mut above = folder.ancestors().skip(1);
    let (parent, grandparent) = (part(above.next()), part(above.next()));
    let is_revision = own.len() == 40 && own.bytes().all(|byte| byte.is_ascii_hexdigit());
    match grandparent.strip_prefix("models--").and_then(|name| name.rsplit("--").next()) {
        Some(name) if is_revision && parent == "snapshots" && !name.is_empty() => (name.to_string(), Some(own)),
        _ if own.is_empty() => ("model".to_string(), None),
        _ => (own, None),
    }
}

/// One weight file.
#[derive(Debug)]
struct OpenFile {
    path: PathBuf,
    file: File,
    /// Where the header ends.
    data: u64,
    length: u64,
}

/// Where a tensor lies.
#[derive(Debug)]
struct Place {
    file: usize,
    entry: Entry,
}

/// The weight files of a checkpoint, whose headers fit the config.
///
/// Names may carry the prefix `model.`. Tensors outside the encoder (a pooler, the head of a language
/// model or classifier) are left alone; one inside it that the config does not call for is an error,
/// because it would have changed the vectors. Stored rotary tables are the exception: they are computed.
#[derive(Debug)]
pub struct CheckpointWeights {
    files: Vec<OpenFile>,
    /// By name without prefix, only those that the config calls for.
    places: BTreeMap<String, Place>,
}

impl CheckpointWeights {
    /// Reads the headers and checks every name, shape and type against `config`.
    ///
    /// # Errors
    /// [`Code::NotFound`], [`Code::Io`], [`Code::WeightsInvalid`], [`Code::TensorMissing`],
    /// [`Code::TensorShape`], [`Code::TensorType`].
    pub fn open(folder: &Path, config: &ModelConfig) -> Result<Self> {
        let mut all = BTreeMap::new();
        let mut files = Vec::new();
        for path in weight_files(folder)? {
            let (file, entries) = open_file(path)?;
            for (name, entry) in entries {
                let name = name.strip_prefix("model.").map(str::to_string).unwrap_or(name);
                if all.insert(name.clone(), Place { file: files.len(), entry }).is_some() {
                    return Err(Error::new(Code::WeightsInvalid, format!("tensor {name} is there twice")));
                }
            }
            files.push(file);
        }
        let mut places = BTreeMap::new();
        for (name, shape) in config.tensors() {
            let place = all.remove(&name);
            let place = place.ok_or_else(|| Error::new(Code::TensorMissing, format!("tensor {name} is missing")))?;
            if place.entry.shape != shape {
                let message =
                    format!("tensor {name} has shape {:?}; the config calls for {shape:?}", place.entry.shape);
                return Err(Error::new(Code::TensorShape, message));
            }
            match place.entry.element {
                Some(element) if element.size() > 1 => {}
                _ => return Err(safetensors::unread_type(&name, &place.entry.dtype)),
            }
            places.insert(name, place);
        }
        match all.keys().find(|name| is_of_encoder(name)) {
            Some(name) => {
                let message = format!("tensor {name} belongs to the encoder, but the config does not call for it");
                Err(Error::new(Code::WeightsInvalid, message))
            }
            None => Ok(Self { files, places }),
        }
    }

    /// Reads one tensor.
    ///
    /// # Errors
    /// [`Code::TensorMissing`], [`Code::Io`].
    pub fn read(&self, name: &str) -> Result<StoredTensor> {
        let place = self.place(name)?;
        self.read_part(place, 0, place.entry.bytes, place.entry.shape.clone())
    }

    /// Reads some rows of a matrix, in the order of `rows`.
    ///
    /// # Errors
    /// As [`Self::read`]; [`Code::InputInvalid`] for rows that are not there.
    pub fn read_these_rows(&self, name: &str, rows: &[u32]) -> Result<StoredTensor> {
        let place = self.place(name)?;
        let (count, cols) = match place.entry.shape[..] {
            [count, cols] if rows.iter().all(|row| (*row as usize) < count) => (count, cols),
            _ => return Err(Error::new(Code::InputInvalid, format!("tensor {name} has not all of these rows"))),
        };
        let width = place.entry.bytes / count.max(1);
        let mut made = Vec::with_capacity(rows.len() * width);
        let mut element = None;
        // Neighbours are read at once.
        for run in rows.chunk_by(|a, b| a + 1 == *b) {
            let part = self.read_part(place, run[0] as usize * width, run.len() * width, vec![run.len(), cols])?;
            made.extend(part.bytes);
            element = Some(part.element);
        }
        let element = element.ok_or_else(|| Error::new(Code::InputInvalid, format!("no rows of tensor {name}")))?;
        Ok(StoredTensor { element, shape: vec![rows.len(), cols], bytes: made })
    }

    /// Bytes of all weight files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.length).sum()
    }

    /// SHA-256 of the weight files, one after another, in lower-case hexadecimal.
    ///
    /// # Errors
    /// [`Code::Io`].
    pub fn sha256(&self, on_bytes: &mut dyn FnMut(u64)) -> Result<String> {
        let mut hash = Sha256::new();
        for file in &self.files {
            hash_part(file, 0..file.length, &mut hash, on_bytes)?;
        }
        Ok(format!("{:x}", hash.finalize()))
    }

    /// Reads all tensors and hashes the files, in one pass.
    fn read_all(&self) -> Result<(Tensors, String)> {
        let mut hash = Sha256::new();
        let mut tensors = Tensors::default();
        for (index, file) in self.files.iter().enumerate() {
            let mut wanted: Vec<(&String, &Place)> =
                self.places.iter().filter(|(_, place)| place.file == index).collect();
            wanted.sort_by_key(|(_, place)| place.entry.start);
            let mut hashed = 0;
            for (name, place) in wanted {
                let start = file.data + place.entry.start as u64;
                hash_part(file, hashed..start, &mut hash, &mut |_| ())?;
                let tensor = self.read(name)?;
                hash.update(&tensor.bytes);
                hashed = start + tensor.bytes.len() as u64;
                tensors.insert(name.clone(), tensor)?;
            }
            hash_part(file, hashed..file.length, &mut hash, &mut |_| ())?;
        }
        Ok((tensors, format!("{:x}", hash.finalize())))
    }

    fn place(&self, name: &str) -> Result<&Place> {
        self.places.get(name).ok_or_else(|| Error::new(Code::TensorMissing, format!("tensor {name} is missing")))
    }

    fn read_part(&self, place: &Place, skip: usize, count: usize, shape: Vec<usize>) -> Result<StoredTensor> {
        let Entry { element: Some(element), start, .. } = place.entry else {
            return Err(Error::new(Code::Internal, "a tensor of a type that was refused"));
        };
        let file = self.files.get(place.file);
        let file = file.ok_or_else(|| Error::new(Code::Internal, "a tensor in a file that was not opened"))?;
        let mut bytes = vec![0; count];
        read_at(file, file.data + (start + skip) as u64, &mut bytes)?;
        Ok(StoredTensor { element, shape, bytes })
    }
}

/// Whether a tensor that is not called for would have taken part in the encoder.
fn is_of_encoder(name: &str) -> bool {
    let inside = ["embeddings.", "layers.", "final_norm."].iter().any(|part| name.starts_with(part));
    inside && !name.contains(".rotary_emb.")
}

/// The weight files of a checkpoint, in the order of their names.
fn weight_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let single = folder.join("model.safetensors");
    let Some(index) = read_optional(folder, "model.safetensors.index.json")?.filter(|_| !single.exists()) else {
        return Ok(vec![single]);
    };
    let malformed = |what: &str| Error::new(Code::WeightsInvalid, format!("model.safetensors.index.json {what}"));
    let index: serde_json::Value =
        serde_json::from_slice(&index).map_err(|error| malformed("is not JSON").because(error))?;
    let map = index.get("weight_map").and_then(serde_json::Value::as_object);
    let map = map.filter(|map| !map.is_empty()).ok_or_else(|| malformed("has no weight_map"))?;
    let plain = |name: &&str| !name.starts_with('.') && !name.contains(['/', '\\', ':']) && !name.is_empty();
    let names: Option<BTreeSet<&str>> = map.values().map(|file| file.as_str().filter(plain)).collect();
    let names = names.ok_or_else(|| malformed("lists a file outside the checkpoint"))?;
    Ok(names.into_iter().map(|name| folder.join(name)).collect())
}

fn open_file(path: PathBuf) -> Result<(OpenFile, BTreeMap<String, Entry>)> {
    let failed = |error| io_error(&path, "read", error);
    let named = |error: Error| Error::new(error.code(), format!("{} cannot be used", path.display())).because(error);
    let mut file = File::open(&path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    let mut prefix = [0; PREFIX];
    if length < PREFIX as u64 {
        return Err(named(Error::new(Code::WeightsInvalid, format!("{length} bytes are no safetensors file"))));
    }
    file.read_exact(&mut prefix).map_err(failed)?;
    let mut header = vec![0; safetensors::header_length(prefix, length).map_err(named)?];
    file.read_exact(&mut header).map_err(failed)?;
    let data = (PREFIX + header.len()) as u64;
    let entries = safetensors::parse_header(&header, length - data).map_err(named)?;
    Ok((OpenFile { path, file, data, length }, entries))
}

fn read_at(file: &OpenFile, offset: u64, out: &mut [u8]) -> Result<()> {
    let mut handle = &file.file;
    handle
        .seek(SeekFrom::Start(offset))
        .and_then(|_| handle.read_exact(out))
        .map_err(|error| io_error(&file.path, "read", error))
}

fn hash_part(file: &OpenFile, range: Range<u64>, hash: &mut Sha256, on_bytes: &mut dyn FnMut(u64)) -> Result<()> {
    let mut piece = vec![0; PIECE];
    let mut offset = range.start;
    while offset < range.end {
        let count = (range.end - offset).min(PIECE as u64) as usize;
        let part = &mut piece[..count];
        read_at(file, offset, part)?;
        hash.update(&*part);
        on_bytes(count as u64);
        offset += count as u64;
    }
    Ok(())
}
