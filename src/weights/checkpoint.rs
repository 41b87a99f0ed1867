//! Which tensors of a checkpoint's files are the model's.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::ElementType;
use super::safetensors::{self, Entry};
use crate::config::ModelConfig;
use crate::error::{Code, Error, Result};

/// Compares the headers of a checkpoint's weight files with its config.
///
/// Names may carry the prefix `model.`. Tensors outside the encoder (a pooler, the head of a language
/// model or classifier) are left alone; one inside it that the config does not call for is an error,
/// because it would have changed the vectors. Stored rotary tables are the exception: they are computed.
#[derive(Debug)]
pub struct CheckpointTensors {
    wanted: BTreeMap<String, Vec<usize>>,
    seen: BTreeSet<String>,
}

impl CheckpointTensors {
    /// For a checkpoint of this config, of which no file has been seen.
    pub fn new(config: &ModelConfig) -> Self {
        Self { wanted: config.tensors().into_iter().collect(), seen: BTreeSet::new() }
    }

    /// Takes the tensors that a file lists, and tells the name without prefix of each that is the model's.
    ///
    /// # Errors
    /// [`Code::WeightsInvalid`] for one that is there twice, [`Code::TensorShape`], [`Code::TensorType`].
    pub fn take<'a>(&mut self, listed: impl Iterator<Item = (&'a str, &'a Entry)>) -> Result<Vec<Option<String>>> {
        listed.map(|(name, entry)| self.take_one(name.strip_prefix("model.").unwrap_or(name), entry)).collect()
    }

    fn take_one(&mut self, name: &str, entry: &Entry) -> Result<Option<String>> {
        if !self.seen.insert(name.to_string()) {
            return Err(Error::new(Code::WeightsInvalid, format!("tensor {name} is there twice")));
        }
        let Some(shape) = self.wanted.get(name) else { return Ok(None) };
        if !entry.element.is_some_and(ElementType::is_float) {
            return Err(safetensors::unread_type(name, &entry.dtype));
        }
        if entry.shape != *shape {
            let message = format!("tensor {name} has shape {:?}; the config calls for {shape:?}", entry.shape);
            return Err(Error::new(Code::TensorShape, message));
        }
        Ok(Some(name.to_string()))
    }

    /// Whether the files that have been seen are all that the model needs, and no more.
    ///
    /// # Errors
    /// [`Code::TensorMissing`]; [`Code::WeightsInvalid`] for a tensor of the encoder that the config does not call for.
    pub fn check_complete(&self) -> Result<()> {
        if let Some(name) = self.wanted.keys().find(|name| !self.seen.contains(*name)) {
            return Err(Error::new(Code::TensorMissing, format!("tensor {name} is missing")));
        }
        match self.seen.iter().find(|name| !self.wanted.contains_key(*name) && is_of_encoder(name)) {
            Some(name) => {
                let message = format!("tensor {name} belongs to the encoder, but the config does not call for it");
                Err(Error::new(Code::WeightsInvalid, message))
            }
            None => Ok(()),
        }
    }
}

/// Whether a tensor that is not called for would have taken part in the encoder.
fn is_of_encoder(name: &str) -> bool {
    let inside = ["embeddings.", "layers.", "final_norm."].iter().any(|part| name.starts_with(part));
    inside && !name.contains(".rotary_emb.")
}

/// A checkpoint's weights, where they are in one file.
pub const WEIGHTS_FILE: &str = "model.safetensors";
/// The list of a checkpoint's weight files, where there are several.
pub const INDEX_FILE: &str = "model.safetensors.index.json";

/// The weight files that `model.safetensors.index.json` lists, in the order of their names.
///
/// # Errors
/// [`Code::WeightsInvalid`] for one that is malformed, or lists what is not the name of a file beside it.
pub fn indexed_files(index: &[u8]) -> Result<Vec<String>> {
    let malformed = |what: &str| Error::new(Code::WeightsInvalid, format!("{INDEX_FILE} {what}"));
    let index: Value = serde_json::from_slice(index).map_err(|error| malformed("is not JSON").because(error))?;
    let map = index.get("weight_map").and_then(Value::as_object).filter(|map| !map.is_empty());
    let map = map.ok_or_else(|| malformed("has no weight_map"))?;
    let plain = |name: &&str| !name.starts_with('.') && !name.contains(['/', '\\', ':']) && !name.is_empty();
    let names: Option<BTreeSet<&str>> = map.values().map(|file| file.as_str().filter(plain)).collect();
    let names = names.ok_or_else(|| malformed("lists a file outside the checkpoint"))?;
    Ok(names.into_iter().map(str::to_string).collect())
}
