//! Which tensors of a checkpoint's files are the model's.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::ElementType;
use super::safetensors::{self, Entry};
use crate::config::{Architecture, ModelConfig, TABLE};
use crate::error::{Code, Error, Result, lfs_pointer};
use crate::tree;

/// The prefix of an encoder's tensors inside of another model; without one they are the encoder's own.
const USUAL_PREFIX: &str = "model.";

/// Compares the headers of a checkpoint's weight files with its config.
///
/// Names may carry the prefix `model.`, or one other that all tensors of the encoder have, such as `bert.`, `_orig_mod.` or
/// `module.`.
/// Tensors outside the encoder (a pooler, the head of a language model or classifier) are left alone; one inside it that
/// the config does not call for is an error, because it would have changed the vectors. Stored rotary tables are the
/// exception: they are computed.
#[derive(Debug)]
pub struct CheckpointTensors {
    architecture: Architecture,
    wanted: BTreeMap<String, Vec<usize>>,
    /// Shapes by name, without prefix.
    seen: BTreeMap<String, Vec<usize>>,
    /// Ends in a dot.
    prefix: Option<String>,
}

impl CheckpointTensors {
    /// Starts a checkpoint of this config, before any of its files.
    pub fn new(config: &ModelConfig) -> Self {
        let architecture = config.architecture;
        let name = |name: String| if name == TABLE { architecture.table().to_string() } else { name };
        let wanted = config.tensors().into_iter().map(|(wanted, shape)| (name(wanted), shape)).collect();
        Self { architecture, wanted, seen: BTreeMap::new(), prefix: None }
    }

    /// Takes the tensors that a file lists, and returns the name of each that is the model's, as packs have it: without
    /// prefix.
    ///
    /// # Errors
    /// [`Code::WeightsInvalid`] for a duplicate, [`Code::TensorShape`], [`Code::TensorType`].
    pub fn take<'a>(&mut self, listed: impl Iterator<Item = (&'a str, &'a Entry)>) -> Result<Vec<Option<String>>> {
        let listed: Vec<(&str, &Entry)> = listed.collect();
        if self.prefix.is_none() {
            self.prefix = self.common_prefix(listed.iter().map(|(name, _)| *name));
        }
        let prefix = self.prefix.clone().unwrap_or_else(|| USUAL_PREFIX.to_string());
        listed
            .into_iter()
            .map(|(name, entry)| self.take_one(name.strip_prefix(&prefix).unwrap_or(name), entry))
            .collect()
    }

    /// Returns the prefix that counts from the first file with tensors of the model on: the one before all names that
    /// end like those that are wanted.
    fn common_prefix<'a>(&self, names: impl Iterator<Item = &'a str>) -> Option<String> {
        let mut prefixes: Vec<&str> = Vec::new();
        for name in names {
            let ends = name.match_indices('.').map(|(dot, _)| dot + 1);
            let start = [0].into_iter().chain(ends).find(|at| self.wanted.contains_key(&name[*at..]));
            // Two are enough to know that there are several.
            prefixes
                .extend(start.map(|at| &name[..at]).filter(|prefix| prefixes.len() < 2 && !prefixes.contains(prefix)));
            if start.is_some_and(|at| at == 0 || name[..at] == *USUAL_PREFIX) {
                return Some(USUAL_PREFIX.to_string());
            }
        }
        match prefixes[..] {
            [] => None,
            [only] => Some(only.to_string()),
            // Of several that are unusual none is taken: nobody knows which are the model's.
            _ => Some(USUAL_PREFIX.to_string()),
        }
    }

    fn take_one(&mut self, name: &str, entry: &Entry) -> Result<Option<String>> {
        if self.seen.insert(name.to_string(), entry.shape.clone()).is_some() {
            return Err(Error::new(Code::WeightsInvalid, format!("duplicate tensor {name}")));
        }
        let Some(shape) = self.wanted.get(name) else { return Ok(None) };
        if entry.blocks.is_none() && !entry.element.is_some_and(ElementType::is_float) {
            return Err(safetensors::unread_type(name, &entry.dtype));
        }
        if entry.shape != *shape {
            let message = format!("tensor {name} has shape {:?}; the config calls for {shape:?}", entry.shape);
            return Err(Error::new(Code::TensorShape, message));
        }
        let name = if name == self.architecture.table() { TABLE } else { name };
        Ok(Some(name.to_string()))
    }

    /// Checks that the files so far hold all that the model needs, and no more.
    ///
    /// # Errors
    /// [`Code::TensorMissing`], which names tensors that may be meant; [`Code::WeightsInvalid`] for a tensor of the encoder
    /// that the config does not call for.
    pub fn check_complete(&self) -> Result<()> {
        if let Some((name, shape)) = self.wanted.iter().find(|(name, _)| !self.seen.contains_key(*name)) {
            let message = format!("tensor {name} is missing; {}", self.similar(name, shape));
            return Err(Error::new(Code::TensorMissing, message));
        }
        match self.seen.keys().find(|name| !self.wanted.contains_key(*name) && self.architecture.is_of_encoder(name)) {
            Some(name) => {
                let message = format!("tensor {name} belongs to the encoder, but the config does not call for it");
                Err(Error::new(Code::WeightsInvalid, message))
            }
            None => Ok(()),
        }
    }

    /// Lists what the files have in the place of a tensor: those whose names end like it, else those of its shape, else
    /// any.
    fn similar(&self, wanted: &str, shape: &[usize]) -> String {
        let others = || self.seen.iter().filter(|(name, _)| !self.wanted.contains_key(*name));
        let list = |chosen: &mut dyn Iterator<Item = &String>| {
            let names: Vec<String> = chosen.take(3).map(|name| clipped(name)).collect();
            (!names.is_empty()).then(|| names.join(", "))
        };
        let ends_alike = list(&mut others().filter(|(name, _)| name.ends_with(wanted)).map(|(name, _)| name));
        let same_shape = || list(&mut others().filter(|(_, other)| *other == shape).map(|(name, _)| name));
        match (ends_alike, list(&mut self.seen.keys())) {
            (Some(names), _) => {
                format!("the files have {names}: give all of the encoder's tensors one prefix, or none")
            }
            (None, Some(some)) => match same_shape() {
                Some(names) => format!("of its shape {shape:?} the files have {names}"),
                None => format!("the files have tensors such as {some}"),
            },
            (None, None) => "the files have no tensors at all".to_string(),
        }
    }
}

/// Returns a name as a message shows it.
fn clipped(name: &str) -> String {
    match name.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_string(),
    }
}

/// A checkpoint's weights, where they are in one file.
pub const WEIGHTS_FILE: &str = "model.safetensors";
/// The list of a checkpoint's weight files, where there are several.
pub const INDEX_FILE: &str = "model.safetensors.index.json";

/// Returns the weight files that `model.safetensors.index.json` lists, in the order of their names.
///
/// # Errors
/// [`Code::WeightsInvalid`] for an index that is malformed, or lists anything but names of files beside it.
pub fn indexed_files(index: &[u8]) -> Result<Vec<String>> {
    let malformed = |what: &str| Error::new(Code::WeightsInvalid, format!("{INDEX_FILE} {what}"));
    if let Some(pointer) = lfs_pointer(index) {
        return Err(malformed(pointer));
    }
    if tree::is_too_large(index) {
        return Err(malformed("has more objects and lists than any list of tensors"));
    }
    let index: Value = serde_json::from_slice(index).map_err(|error| malformed("is not JSON").because(error))?;
    let map = index.get("weight_map").and_then(Value::as_object).filter(|map| !map.is_empty());
    let map = map.ok_or_else(|| malformed("has no weight_map"))?;
    let plain = |name: &&str| !name.starts_with('.') && !name.contains(['/', '\\', ':']) && !name.is_empty();
    let names: Option<BTreeSet<&str>> = map.values().map(|file| file.as_str().filter(plain)).collect();
    let names = names.ok_or_else(|| malformed("lists a file outside the checkpoint"))?;
    Ok(names.into_iter().map(str::to_string).collect())
}
