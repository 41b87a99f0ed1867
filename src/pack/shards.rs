//! Tensors into shards.

use std::collections::BTreeMap;

use super::output::Output;
use crate::error::Result;
use crate::weights::{FileEntry, SHARD_BYTES, StoredTensor, TensorEntry, safetensors};

/// Bytes left free for a shard's header.
pub(super) const HEADER_ROOM: usize = 64 << 10;

/// Gathers tensors and writes a shard whenever the next ones would not fit into it.
pub(super) struct ShardWriter<'a> {
    output: &'a Output,
    kind: &'static str,
    open: BTreeMap<String, StoredTensor>,
    open_bytes: usize,
    shards: Vec<FileEntry>,
    index: BTreeMap<String, TensorEntry>,
}

impl<'a> ShardWriter<'a> {
    pub fn new(output: &'a Output) -> Self {
        let (open, shards, index) = (BTreeMap::new(), Vec::new(), BTreeMap::new());
        Self { output, kind: "", open, open_bytes: 0, shards, index }
    }

    /// Adds tensors that belong together; `kind` is the start of the shard's file name.
    pub fn add(&mut self, kind: &'static str, tensors: Vec<(String, StoredTensor)>) -> Result<()> {
        let bytes: usize = tensors.iter().map(|(_, tensor)| tensor.bytes.len()).sum();
        if self.open_bytes + bytes > SHARD_BYTES - HEADER_ROOM {
            self.flush()?;
        }
        self.kind = kind;
        self.open_bytes += bytes;
        self.open.extend(tensors);
        Ok(())
    }

    /// Writes what has been gathered.
    pub fn flush(&mut self) -> Result<()> {
        if self.open.is_empty() {
            return Ok(());
        }
        let shard = self.shards.len();
        let bytes = safetensors::write(&self.open)?;
        self.shards.push(self.output.write(self.kind, "safetensors", &bytes)?);
        self.open_bytes = 0;
        for (name, tensor) in std::mem::take(&mut self.open) {
            self.index.insert(name, TensorEntry { element: tensor.element, shape: tensor.shape, shard });
        }
        Ok(())
    }

    /// The shards and the index of their tensors.
    pub fn finish(mut self) -> Result<(Vec<FileEntry>, BTreeMap<String, TensorEntry>)> {
        self.flush()?;
        Ok((self.shards, self.index))
    }
}
