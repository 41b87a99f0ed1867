//! A checkpoint's weights into a pack, as they arrive.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::balance::{self, Waiting, Whole};
use super::format::kept;
use super::groups::{Groups, groups};
use super::layout::Layout;
use super::rows::{Rows, Tensor};
use super::texts::SELF_TEST;
use super::{PackOptions, WeightFormat};
use crate::config::EmbedderConfig;
use crate::error::{Code, Error, Result};
use crate::source::{gguf as gguf_file, space};
use crate::tokenizer::Tokenizer;
use crate::weights::safetensors::{Coming, Entry, Header};
use crate::weights::{
    Checkpoint, CheckpointTensors, FileEntry, Manifest, SelfTest, Tensors, TokenizerFile, gguf, groups_name,
};

/// Destination for the shards being written.
pub trait Shards {
    /// Writes bytes to their place in a shard; every byte of it is written once.
    ///
    /// # Errors
    /// [`Code::Io`].
    fn write(&mut self, shard: usize, offset: u64, bytes: &[u8]) -> Result<()>;
}

/// Takes the weight files of a checkpoint and writes the shards of a pack.
///
/// The place of everything is known beforehand, so a row is quantised and written as soon as it has arrived, except that a
/// norm and the matrix that reads it wait for each other to be balanced. At most a few megabytes are held where files have
/// the two together, as they mostly do, and the pack does not depend on the order of the tensors in their files.
pub struct Packer {
    config: EmbedderConfig,
    options: PackOptions,
    tokenizer: FileEntry,
    groups: Groups,
    layout: Layout,
    /// Those of the layers behind the pooling.
    dense: Tensors,
    tensors: CheckpointTensors,
    waiting: Waiting,
    hash: Sha256,
    bytes: u64,
    file: Stage,
}

/// How much of the current file has been read.
enum Stage {
    None,
    /// The prefix and the header, as far as they have arrived.
    Header {
        header: AnyHeader,
        is_last: bool,
    },
    /// The tensors still to come, with their names if they are the model's; the next one last.
    Tensors {
        coming: Vec<(Option<String>, Entry)>,
        read: usize,
        rows: Rows,
        /// The tensors whose integers are kept.
        kept: BTreeSet<String>,
        /// What has arrived of a tensor that has a partner.
        held: Vec<u8>,
    },
}

/// The header of a file of either kind.
enum AnyHeader {
    Safetensors(Header),
    Gguf(gguf::Header),
}

impl AnyHeader {
    /// Takes what belongs to it; returns how much that was, and at the header's end what is to come, the first last.
    fn take(&mut self, piece: &[u8]) -> Result<(usize, Option<Coming>)> {
        match self {
            AnyHeader::Safetensors(header) => header.take(piece),
            AnyHeader::Gguf(header) => {
                let (taken, contents) = header.take(piece)?;
                Ok((taken, contents.map(|contents| gguf_file::coming(&contents)).transpose()?))
            }
        }
    }
}

impl Packer {
    /// Creates a packer for a checkpoint with these settings and this tokenizer, in its compact form. `options` have to
    /// give a name.
    ///
    /// # Errors
    /// Those of [`Tokenizer::from_compact`]; [`Code::TokenizerInvalid`] for more ids than the vocabulary table has rows,
    /// or a template that leaves a text no room within `max_tokens`; [`Code::TokenizerUnsupported`] for one that has no
    /// tokens for a text of the self-test.
    pub fn new(config: EmbedderConfig, compact: &[u8], options: PackOptions) -> Result<Self> {
        let tokenizer = Tokenizer::from_compact(compact)?;
        crate::source::check_tokenizer(&tokenizer, &config)?;
        check_self_test(&tokenizer, &config)?;
        let groups = groups(&tokenizer, config.model.vocab_size)?;
        let layout = Layout::new(&config, &groups, &options)?;
        let tensors = CheckpointTensors::new(&config.model);
        let sha256 = format!("{:x}", Sha256::digest(compact));
        let tokenizer = entry("tokenizer", "bin", compact.len() as u64, sha256);
        Ok(Self {
            config,
            options,
            tokenizer,
            groups,
            layout,
            dense: Tensors::default(),
            tensors,
            waiting: Waiting::default(),
            hash: Sha256::new(),
            bytes: 0,
            file: Stage::None,
        })
    }

    /// Takes the tensors that [`dense_weights`](crate::weights::dense_weights) has read.
    pub fn with_dense(self, dense: Tensors) -> Self {
        Self { dense, ..self }
    }

    /// Returns the length of each shard.
    pub fn lengths(&self) -> Vec<u64> {
        self.layout.shards.iter().map(|shard| shard.bytes).collect()
    }

    /// Writes what is known before the first weight. Must be called first, and once.
    ///
    /// # Errors
    /// Those of [`Shards::write`]; [`Code::TensorMissing`] without the tensors of [`Self::with_dense`].
    pub fn begin(&self, out: &mut dyn Shards) -> Result<()> {
        for (shard, plan) in self.layout.shards.iter().enumerate() {
            out.write(shard, 0, &plan.header)?;
            if let Some(start) = plan.starts.get(&groups_name()) {
                out.write(shard, *start, &self.groups.of)?;
            }
            for (name, _) in self.config.dense_tensors() {
                if let Some(start) = plan.starts.get(&name) {
                    let tensor = self.dense.get(&name);
                    let tensor =
                        tensor.ok_or_else(|| Error::new(Code::TensorMissing, format!("tensor {name} is missing")))?;
                    out.write(shard, *start, &tensor.bytes)?;
                }
            }
        }
        Ok(())
    }

    /// Begins the next weight file, `length` bytes long if that is known; `is_last` says that no other follows.
    pub fn begin_file(&mut self, length: Option<u64>, is_last: bool) {
        self.file = Stage::Header { header: AnyHeader::Safetensors(Header::new(length)), is_last };
    }

    /// Begins a GGUF file, which has all weights.
    pub fn begin_gguf(&mut self, length: Option<u64>) {
        self.file = Stage::Header { header: AnyHeader::Gguf(gguf::Header::new(length)), is_last: true };
    }

    /// Takes the next piece of a weight file.
    ///
    /// # Errors
    /// [`Code::WeightsInvalid`] for a file that is malformed or has values that are not finite; those of
    /// [`CheckpointTensors`] and of [`Shards::write`].
    pub fn push(&mut self, mut piece: &[u8], out: &mut dyn Shards) -> Result<()> {
        self.hash.update(piece);
        self.bytes += piece.len() as u64;
        while !piece.is_empty() {
            let taken = match self.file {
                Stage::Header { .. } => self.take_header(piece)?,
                _ => self.take_tensor(piece, out)?,
            };
            piece = &piece[taken..];
        }
        Ok(())
    }

    /// Takes what belongs to the header; returns how many bytes that is.
    fn take_header(&mut self, piece: &[u8]) -> Result<usize> {
        let Stage::Header { header, is_last } = &mut self.file else { return Ok(0) };
        let (taken, coming) = header.take(piece)?;
        if let Some(coming) = coming {
            let listed = coming.iter().filter(|(name, _)| !name.is_empty());
            let mut names = self.tensors.take(listed.map(|(name, entry)| (name.as_str(), entry)))?.into_iter();
            if *is_last {
                self.tensors.check_complete()?;
            }
            // What only fills a GGUF file has no name.
            let own = |(name, entry): (String, Entry)| ((!name.is_empty()).then(|| names.next()?).flatten(), entry);
            let coming: Vec<(Option<String>, Entry)> = coming.into_iter().map(own).collect();
            let is_kept = |name: &&String, entry: &Entry| {
                let format = self.layout.targets.get(*name).map(|target| target.format);
                format.is_some_and(|format| kept(entry, format, self.options.group).is_some())
            };
            let named = coming.iter().filter_map(|(name, entry)| Some((name.as_ref()?, entry)));
            let kept = named.filter(|(name, entry)| is_kept(name, entry)).map(|(name, _)| name.clone()).collect();
            self.file = Stage::Tensors { coming, read: 0, rows: Rows::default(), kept, held: Vec::new() };
        }
        Ok(taken)
    }

    /// Takes what belongs to the next tensor; returns how many bytes that is.
    fn take_tensor(&mut self, piece: &[u8], out: &mut dyn Shards) -> Result<usize> {
        let Stage::Tensors { coming, read, rows, kept, held } = &mut self.file else {
            return Err(Error::new(Code::Internal, "a piece that belongs to no file"));
        };
        let Some((name, entry)) = coming.last() else { return Err(invalid("is longer than its header says")) };
        let taken = piece.len().min(entry.bytes - *read);
        *read += taken;
        let (targets, group) = (&self.layout.targets, self.options.group);
        let tensor_of =
            |name, entry| targets.get_key_value(name).map(|(name, target)| Tensor { name, entry, target, group });
        if let Some((name, tensor)) = name.as_ref().and_then(|name| Some((name, tensor_of(name.as_str(), entry)?))) {
            // Without integers there is nothing to gain, and integers that are kept cannot be multiplied.
            let is_balanced = self.options.weights != WeightFormat::F32;
            let is_free = |partner: &String| !kept.contains(name) && !kept.contains(partner);
            let partner = balance::partner(name).filter(|partner| targets.contains_key(partner) && is_free(partner));
            match partner.filter(|_| is_balanced) {
                None => rows.push(&piece[..taken], &tensor, out)?,
                Some(partner) => {
                    held.extend_from_slice(&piece[..taken]);
                    if *read == entry.bytes {
                        let whole = Whole { entry: entry.clone(), bytes: std::mem::take(held) };
                        if let Some(pair) = self.waiting.take(name, &partner, whole) {
                            balance::write(&pair, tensor_of, out)?;
                        }
                    }
                }
            }
        }
        if *read == entry.bytes {
            coming.pop();
            (*read, *rows) = (0, Rows::default());
        }
        Ok(taken)
    }

    /// Ends the weight file, all of whose pieces have been taken.
    ///
    /// # Errors
    /// [`Code::WeightsInvalid`] for a file that ended too early.
    pub fn end_file(&mut self) -> Result<()> {
        match std::mem::replace(&mut self.file, Stage::None) {
            // What fills the end of a GGUF file may be left out.
            Stage::Tensors { coming, .. }
                if coming.iter().all(|(_, entry)| entry.bytes == 0 || entry.dtype.is_empty()) =>
            {
                Ok(())
            }
            _ => Err(invalid("is truncated")),
        }
    }

    /// Returns the manifest, once all files have been read; `hashes` are the SHA-256 of the shards.
    ///
    /// # Errors
    /// [`Code::TensorMissing`]; [`Code::Internal`] if the number of hashes is not that of the shards.
    pub fn manifest(&self, hashes: &[String], self_test: Vec<SelfTest>) -> Result<Manifest> {
        self.tensors.check_complete()?;
        if hashes.len() != self.layout.shards.len() {
            return Err(Error::new(Code::Internal, "the number of hashes is not the number of shards"));
        }
        let shards = self.layout.shards.iter().zip(hashes);
        let shards = shards.map(|(plan, sha256)| entry(plan.kind, "safetensors", plan.bytes, sha256.clone()));
        let mut hash = self.hash.clone();
        self.dense.hash_into(&mut hash);
        let sha256 = format!("{:x}", hash.finalize());
        let PackOptions { name, revision, .. } = self.options.clone();
        let name = name.unwrap_or_else(|| "model".to_string());
        let (weight_format, width) = (self.options.format_name(), self.config.width());
        Ok(Manifest {
            format: Manifest::FORMAT.to_string(),
            version: Manifest::VERSION,
            space: space(&name, revision.as_deref(), &sha256, &weight_format, width),
            name,
            revision,
            weight_format,
            config: self.config.clone(),
            checkpoint: Checkpoint { sha256, bytes: self.bytes },
            tokenizer: TokenizerFile { entry: self.tokenizer.clone(), format: TokenizerFile::FORMAT.to_string() },
            shards: shards.collect(),
            groups: self.groups.list.clone(),
            tensors: self.layout.index.clone(),
            self_test,
        })
    }
}

/// Checks that each text of the self-test has a vector: they are felsic's own, so that where one has none the tokenizer is
/// at fault.
fn check_self_test(tokenizer: &Tokenizer, config: &EmbedderConfig) -> Result<()> {
    for text in SELF_TEST {
        let (ids, _) = tokenizer.encode_truncated(text, config.max_tokens)?;
        let what = match ids.iter().find(|id| **id as usize >= config.model.vocab_size) {
            Some(id) => format!("gives the id {id}, for which the vocabulary table has no row, for"),
            None if ids.is_empty() => "has no tokens for".to_string(),
            None => continue,
        };
        let message =
            format!("the tokenizer {what} {text:?}; a pack's self-test needs vectors of texts in several scripts");
        return Err(Error::new(Code::TokenizerUnsupported, message));
    }
    Ok(())
}

/// Makes the entry of a file that is named after `kind` and its content's hash.
fn entry(kind: &str, extension: &str, bytes: u64, sha256: String) -> FileEntry {
    FileEntry { file: format!("{kind}-{}.{extension}", sha256.get(..16).unwrap_or(&sha256)), bytes, sha256 }
}

fn invalid(what: &str) -> Error {
    Error::new(Code::WeightsInvalid, format!("a weight file {what}"))
}
