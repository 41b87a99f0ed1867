//! `manifest.json`: what a pack holds, so that everything else can be checked against it.
//!
//! A manifest comes over the network like any other file. Before any file that it lists is fetched, the manifest
//! itself is checked: plain file names only, sensible lengths, and an index of tensors that is exactly
//! what its config calls for.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::table::{LEAST_GROUP, MOST_GROUPS};
use super::{BlockEntry, ElementType, block_name, groups_name, scales_name};
use crate::config::{EmbedderConfig, TABLE};
use crate::error::{Code, Error, Result};

/// The most bytes of one file.
const MOST_FILE: u64 = 1 << 30;
/// The most shards of a pack.
const MOST_SHARDS: usize = 4096;
/// The most texts of a self-test.
const MOST_SELF_TESTS: usize = 64;

/// A file of a pack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Its name; no folders.
    pub file: String,
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256 in lower-case hexadecimal.
    pub sha256: String,
}

impl FileEntry {
    /// Makes the error for a shard whose bytes are those of the manifest but cannot be used.
    pub fn unusable(&self, error: Error) -> Error {
        Error::new(error.code(), format!("shard {} cannot be used", self.file)).because(error)
    }
}

/// The tokenizer's file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenizerFile {
    /// Its name, length and hash.
    #[serde(flatten)]
    pub entry: FileEntry,
    /// Its format: `felsic-tokenizer`, whose version is in the file itself.
    pub format: String,
}

impl TokenizerFile {
    /// The only format so far.
    pub const FORMAT: &str = "felsic-tokenizer";
}

/// A tensor of a shard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TensorEntry {
    /// Type of its elements.
    #[serde(rename = "type")]
    pub element: ElementType,
    /// Sizes of its dimensions, outermost first.
    pub shape: Vec<usize>,
    /// Index of the shard that holds it.
    pub shard: usize,
}

/// A text with its ids and the vector that the pack's weights give on the CPU.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SelfTest {
    /// The text.
    pub text: String,
    /// Its token ids, special tokens included, without stripping of white space.
    pub ids: Vec<u32>,
    /// The vector, of unit length and full width; base64 of little-endian f32 in the file.
    #[serde(serialize_with = "to_base64", deserialize_with = "from_base64")]
    pub embedding: Vec<f32>,
}

/// The weights that a pack was made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// SHA-256 of `model.safetensors`; of several files, one after another.
    pub sha256: String,
    /// Their length.
    pub bytes: u64,
}

/// A table group: rows of the vocabulary table, the smallest part of it that is ever asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableGroup {
    /// What its tokens have in common, for people.
    pub name: String,
    /// Number of rows.
    pub rows: usize,
}

/// The manifest of a pack.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Always [`Manifest::FORMAT`].
    pub format: String,
    /// Always [`Manifest::VERSION`].
    pub version: u32,
    /// Name of the model.
    pub name: String,
    /// Revision of the checkpoint, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// Identifier of the space: vectors are comparable only within one.
    pub space: String,
    /// Format of the weights, like `int8-g32` or `f32`.
    pub weight_format: String,
    /// The model and what surrounds it.
    pub config: EmbedderConfig,
    /// The weights that the pack was made from.
    pub checkpoint: Checkpoint,
    /// The tokenizer's file.
    pub tokenizer: TokenizerFile,
    /// Files of weights: the layers first, then the vocabulary table.
    pub shards: Vec<FileEntry>,
    /// The table groups, in the order of the table's stored rows.
    pub groups: Vec<TableGroup>,
    /// Every tensor in the shards.
    pub tensors: BTreeMap<String, TensorEntry>,
    /// Texts and vectors that reveal a device that computes something else than it should.
    pub self_test: Vec<SelfTest>,
}

impl Manifest {
    /// Name of the file.
    pub const FILE: &str = "manifest.json";
    /// The most bytes of the file.
    pub const MOST_BYTES: u64 = 8 << 20;
    /// Value of `format`.
    pub const FORMAT: &str = "felsic-pack";
    /// Value of `version`: raised with every change that an older build would misread.
    pub const VERSION: u32 = 2;

    /// Parses and checks a manifest. `location` is what the error calls the file.
    ///
    /// # Errors
    /// [`Code::ManifestInvalid`], [`Code::ManifestUnsupported`] for another version,
    /// [`Code::ConfigInvalid`], and [`Code::TensorMissing`], [`Code::TensorShape`] or
    /// [`Code::TensorType`] where the index is not what the config calls for.
    pub fn from_json(bytes: &[u8], location: &str) -> Result<Self> {
        let value = parse(bytes, location)?;
        match value.get("version").and_then(Value::as_u64) {
            Some(version) if version == u64::from(Self::VERSION) => {}
            Some(version) => {
                let message = format!("{location} has version {version}; this build reads version {}", Self::VERSION);
                return Err(Error::new(Code::ManifestUnsupported, message));
            }
            None => return Err(invalid(format!("{location} has no version"))),
        }
        // First by itself, for the code that belongs to a config.
        let config = value.get("config").cloned().unwrap_or_default();
        let config: EmbedderConfig = serde_json::from_value(config).map_err(|error| {
            Error::new(Code::ConfigInvalid, format!("{location} has an invalid config")).because(error)
        })?;
        config.check()?;
        let manifest: Self = serde_json::from_value(value)
            .map_err(|error| invalid(format!("{location} is not a valid manifest")).because(error))?;
        manifest.check()?;
        Ok(manifest)
    }

    /// Returns the file's bytes, always identical for the same manifest.
    ///
    /// # Errors
    /// [`Code::Internal`] if it cannot be written as JSON, which a number that is not finite would cause.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        let mut bytes = serde_json::to_vec_pretty(self)
            .map_err(|error| Error::new(Code::Internal, "the manifest cannot be written as JSON").because(error))?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Returns the bytes of all files that the manifest lists.
    pub fn total_bytes(&self) -> u64 {
        self.files().map(|entry| entry.bytes).sum()
    }

    /// Returns the files that the manifest lists, in the order in which they are loaded.
    pub fn files(&self) -> impl Iterator<Item = &FileEntry> {
        std::iter::once(&self.tokenizer.entry).chain(&self.shards)
    }

    /// Returns the blocks of the vocabulary table, in the order of their rows; none if it is a single tensor.
    pub fn blocks(&self) -> Vec<BlockEntry> {
        let mut blocks = Vec::new();
        let mut first = 0;
        while let Some(entry) = self.tensors.get(&block_name(first)) {
            let rows = entry.shape.first().copied().unwrap_or(0).max(1);
            blocks.push(BlockEntry { first, rows, shard: entry.shard });
            first += rows;
        }
        blocks
    }

    /// Checks that a shard holds just the tensors that are listed for it: `held` gives name, type and shape of each,
    /// in the order of their names.
    ///
    /// # Errors
    /// [`Code::WeightsInvalid`].
    pub fn check_shard<'a>(
        &'a self,
        shard: usize,
        held: impl Iterator<Item = (&'a String, Option<ElementType>, &'a Vec<usize>)>,
    ) -> Result<()> {
        let listed = self.tensors.iter().filter(|(_, entry)| entry.shard == shard);
        match listed.map(|(name, entry)| (name, Some(entry.element), &entry.shape)).eq(held) {
            true => Ok(()),
            false => Err(Error::new(Code::WeightsInvalid, "its tensors differ from those in the manifest")),
        }
    }

    /// Checks that the tensor that gives each id its table group agrees with the list of table groups.
    ///
    /// # Errors
    /// [`Code::WeightsInvalid`].
    pub fn check_group_of(&self, group_of: &[u8]) -> Result<()> {
        let mut rows = vec![0usize; self.groups.len()];
        let counted = group_of.iter().try_for_each(|group| rows.get_mut(usize::from(*group)).map(|rows| *rows += 1));
        match counted.is_some() && self.groups.iter().map(|group| group.rows).eq(rows) {
            true => Ok(()),
            false => Err(Error::new(Code::WeightsInvalid, "its groups of ids differ from those in the manifest")),
        }
    }

    fn check(&self) -> Result<()> {
        let texts = [("name", &self.name), ("space", &self.space), ("weight_format", &self.weight_format)];
        for (name, text) in texts.into_iter().chain(self.revision.as_ref().map(|revision| ("revision", revision))) {
            if text.is_empty() || text.len() > 500 || text.chars().any(char::is_control) {
                return Err(invalid(format!("the manifest's {name} is empty, too long or not plain text")));
            }
        }
        if self.tokenizer.format != TokenizerFile::FORMAT {
            let message = format!("the manifest's tokenizer has the format {:?}", self.tokenizer.format);
            return Err(Error::new(Code::ManifestUnsupported, message));
        }
        if self.shards.len() > MOST_SHARDS {
            return Err(invalid(format!(
                "the manifest lists {} shards; expected at most {MOST_SHARDS}",
                self.shards.len()
            )));
        }
        if !is_sha256(&self.checkpoint.sha256) {
            return Err(invalid("manifest: the checkpoint has an invalid sha256"));
        }
        let mut names = BTreeSet::from([Self::FILE]);
        for entry in self.files() {
            check_file(entry)?;
            if !names.insert(&entry.file) {
                return Err(invalid(format!("the manifest lists the file {} twice", entry.file)));
            }
        }
        self.check_lengths()?;
        check_index(&self.tensors, &self.config)?;
        self.check_groups()?;
        self.check_self_test()
    }

    /// Checks that table groups cover the table, and that no block spans two or shares its shard with anything else.
    fn check_groups(&self) -> Result<()> {
        let names = self.groups.iter().all(|group| {
            !group.name.is_empty() && group.name.len() <= 100 && !group.name.chars().any(char::is_control)
        });
        let rows = self.groups.iter().try_fold(0usize, |sum, group| sum.checked_add(group.rows));
        let is_one = self.groups.len() == 1;
        if !names
            || self.groups.is_empty()
            || self.groups.len() > MOST_GROUPS
            || rows != Some(self.config.model.vocab_size)
            || self.tensors.contains_key(&groups_name()) == is_one
        {
            return Err(invalid("the manifest's groups do not match its vocabulary table"));
        }
        if let Some(group) = self.groups.iter().find(|group| !is_one && group.rows < LEAST_GROUP) {
            let TableGroup { name, rows } = group;
            return Err(invalid(format!(
                "the manifest's group {name:?} has {rows} rows; each of several groups needs at least {LEAST_GROUP}, \
                 so that a request for one reveals no word"
            )));
        }
        let ends: BTreeSet<usize> =
            self.groups.iter().scan(0, |end, group| (*end += group.rows, Some(*end)).1).collect();
        let blocks = self.blocks();
        let mut after: BTreeSet<usize> = blocks.iter().map(|block| block.first + block.rows).collect();
        after.insert(self.config.model.vocab_size);
        if !ends.is_subset(&after) {
            return Err(invalid("manifest: a block of the vocabulary table spans two groups"));
        }
        for block in &blocks {
            let name = block_name(block.first);
            let is_own = |other: &str| other == name || other == scales_name(&name);
            let mut shared = self.tensors.iter().filter(|(_, entry)| entry.shard == block.shard);
            if let Some((other, _)) = shared.find(|(other, _)| !is_own(other)) {
                return Err(invalid(format!("manifest: tensor {other} is in the same shard as {name}")));
            }
        }
        Ok(())
    }

    /// Checks that every shard is long enough for what it has to hold.
    fn check_lengths(&self) -> Result<()> {
        let mut held = vec![0u64; self.shards.len()];
        for (name, entry) in &self.tensors {
            let bytes = entry.element.bytes_of(&entry.shape).map(|bytes| bytes as u64);
            let held = held.get_mut(entry.shard).ok_or_else(|| {
                invalid(format!("manifest: tensor {name} is in shard {}, which is not listed", entry.shard))
            })?;
            *held = bytes.and_then(|bytes| held.checked_add(bytes)).unwrap_or(u64::MAX);
        }
        match held.iter().zip(&self.shards).find(|(held, shard)| **held > shard.bytes) {
            Some((_, shard)) => Err(invalid(format!("manifest: {} is too short for its tensors", shard.file))),
            None => Ok(()),
        }
    }

    fn check_self_test(&self) -> Result<()> {
        if self.self_test.is_empty() || self.self_test.len() > MOST_SELF_TESTS {
            let count = self.self_test.len();
            return Err(invalid(format!("the manifest has {count} self-tests; expected 1 to {MOST_SELF_TESTS}")));
        }
        let (model, width) = (&self.config.model, self.config.width());
        for test in &self.self_test {
            let ids = &test.ids;
            let fits = test.embedding.len() == width
                && test.embedding.iter().all(|value| value.is_finite())
                && (1..=model.max_positions).contains(&ids.len())
                && ids.iter().all(|id| (*id as usize) < model.vocab_size);
            if !fits {
                return Err(invalid(format!("the manifest's self-test {:?} does not fit its config", test.text)));
            }
        }
        Ok(())
    }
}

/// Parses the JSON object of a manifest, with an error that says what was found instead.
fn parse(bytes: &[u8], location: &str) -> Result<Value> {
    let value: Value = serde_json::from_slice(bytes).map_err(|error| {
        let start = bytes.trim_ascii_start();
        let found = match start.first() {
            None => "is empty",
            Some(b'<') => "is a page (HTML or XML), not a manifest; check the model's URL",
            Some(_) => "is not JSON",
        };
        invalid(format!("{location} {found}")).because(error)
    })?;
    match value.get("format").and_then(Value::as_str) {
        Some(Manifest::FORMAT) => Ok(value),
        _ => Err(invalid(format!(
            "{location} is JSON but not the manifest of a pack (its format is not {:?})",
            Manifest::FORMAT
        ))),
    }
}

/// Checks that a name stays inside the pack on every system and needs no escaping in a URL.
fn check_file(entry: &FileEntry) -> Result<()> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let name = &entry.file;
    if name.is_empty() || name.len() > 128 || name.starts_with('.') || name.ends_with('.') || !name.bytes().all(plain) {
        return Err(invalid(format!(
            "the manifest lists a file named {name:?}; expected letters, digits, '-', '_' and '.'"
        )));
    }
    if entry.bytes == 0 || entry.bytes > MOST_FILE {
        return Err(invalid(format!(
            "the manifest gives {name} a length of {}; expected 1 to {MOST_FILE}",
            entry.bytes
        )));
    }
    match is_sha256(&entry.sha256) {
        true => Ok(()),
        false => Err(invalid(format!("manifest: {name} has an invalid sha256"))),
    }
}

/// Returns whether a text is a SHA-256 in lower-case hexadecimal.
fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Checks that the index is what the config calls for, no more and no less.
fn check_index(index: &BTreeMap<String, TensorEntry>, config: &EmbedderConfig) -> Result<()> {
    let mut open: BTreeSet<&str> = index.keys().map(String::as_str).collect();
    if let Some(entry) = index.get(&groups_name()) {
        open.remove(groups_name().as_str());
        if entry.shape != [config.model.vocab_size] {
            let message =
                format!("tensor {} has shape {:?}; expected one number for each id", groups_name(), entry.shape);
            return Err(Error::new(Code::TensorShape, message));
        }
        if entry.element != ElementType::I8 {
            let message = format!("tensor {} has elements of type {:?}", groups_name(), entry.element);
            return Err(Error::new(Code::TensorType, message));
        }
    }
    for (name, shape) in config.tensors() {
        match shape[..] {
            [rows, cols] if name == TABLE && !index.contains_key(TABLE) => {
                let mut first = 0;
                while first < rows {
                    let name = block_name(first);
                    let count = index.get(&name).and_then(|entry| entry.shape.first()).copied();
                    let count = count.ok_or_else(|| missing(&name))?.clamp(1, rows - first);
                    check_entry(index, &name, &[count, cols], &mut open)?;
                    first += count;
                }
            }
            _ => check_entry(index, &name, &shape, &mut open)?,
        }
    }
    match open.first() {
        Some(name) => Err(invalid(format!("the manifest lists tensor {name}, which its config does not call for"))),
        None => Ok(()),
    }
}

fn check_entry(
    index: &BTreeMap<String, TensorEntry>,
    name: &str,
    shape: &[usize],
    open: &mut BTreeSet<&str>,
) -> Result<()> {
    let entry = index.get(name).ok_or_else(|| missing(name))?;
    open.remove(name);
    if entry.shape != shape {
        let message = format!("tensor {name} has shape {:?}; the config calls for {shape:?}", entry.shape);
        return Err(Error::new(Code::TensorShape, message));
    }
    if entry.element.is_float() {
        return Ok(());
    }
    let [rows, cols] = shape else {
        return Err(Error::new(Code::TensorType, format!("tensor {name}: integer norm weights are not supported")));
    };
    // Two int4 values share a byte, and both must be of one group.
    let step = if entry.element == ElementType::Int4 { 2 } else { 1 };
    let name = scales_name(name);
    let scales = index.get(&name).ok_or_else(|| missing(&name))?;
    open.remove(name.as_str());
    match scales.shape[..] {
        [count, groups]
            if count == *rows && groups > 0 && cols.is_multiple_of(groups) && (cols / groups).is_multiple_of(step) => {}
        _ => {
            let message =
                format!("tensor {name} has shape {:?}; expected [{rows}, groups of {cols} columns]", scales.shape);
            return Err(Error::new(Code::TensorShape, message));
        }
    }
    match scales.element {
        ElementType::F16 | ElementType::F32 => Ok(()),
        other => Err(Error::new(Code::TensorType, format!("tensor {name} has elements of type {other:?}"))),
    }
}

fn missing(name: &str) -> Error {
    Error::new(Code::TensorMissing, format!("tensor {name} is missing"))
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(Code::ManifestInvalid, message)
}

fn to_base64<S: Serializer>(values: &[f32], serializer: S) -> std::result::Result<S::Ok, S::Error> {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    serializer.serialize_str(&STANDARD.encode(bytes))
}

fn from_base64<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Vec<f32>, D::Error> {
    use serde::de::Error as _;
    let text = String::deserialize(deserializer)?;
    let bytes = STANDARD.decode(text).map_err(D::Error::custom)?;
    match bytes.as_chunks() {
        (chunks, []) => Ok(chunks.iter().map(|four| f32::from_le_bytes(*four)).collect()),
        _ => Err(D::Error::custom("a vector whose length is not a multiple of four bytes")),
    }
}
