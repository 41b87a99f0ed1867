//! Blocks of the vocabulary table, outside of WebAssembly's memory, which never shrinks.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use js_sys::{Function, Promise, Uint8Array};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::{JsFuture, future_to_promise};

use super::errors::{error_of, to_js};
use super::progress::report_load;
use super::store::StoreSource;
use crate::embedder::Embedder;
use crate::error::{Code, Error, Result};
use crate::source::{Keep, Meter, Phase, read_checked};
use crate::weights::safetensors::{self, Entry, Header};
use crate::weights::{
    Block, Manifest, Matrix, Rows, SHARD_BYTES, StoredTensor, TableGroup, Tensors, block_name, scales_name,
};

/// An embedder with what its table is loaded from.
pub(super) struct Loader {
    pub embedder: Embedder,
    manifest: Manifest,
    source: StoreSource,
    meter: RefCell<Meter>,
    on_progress: Option<Function>,
    /// Shards that are being loaded to be kept.
    loading: RefCell<HashMap<usize, Promise>>,
}

impl Loader {
    pub fn new(
        embedder: Embedder,
        manifest: Manifest,
        source: StoreSource,
        meter: Meter,
        on_progress: Option<Function>,
    ) -> Rc<Self> {
        let (meter, loading) = (RefCell::new(meter), RefCell::default());
        Rc::new(Self { embedder, manifest, source, meter, on_progress, loading })
    }

    /// Loads blocks of the table that are not in memory, and waits for those that are already being loaded.
    pub async fn load(self: &Rc<Self>, shards: &[usize]) -> Result<()> {
        let missing = self.embedder.table().missing();
        let open = shards.iter().filter(|shard| missing.contains(shard));
        let promises: Vec<Promise> = open.map(|shard| self.promise(*shard)).collect();
        for promise in promises {
            JsFuture::from(promise).await.map_err(|reason| error_of(&reason))?;
        }
        Ok(())
    }

    fn promise(self: &Rc<Self>, shard: usize) -> Promise {
        if let Some(promise) = self.loading.borrow().get(&shard) {
            return promise.clone();
        }
        let this = Rc::clone(self);
        let promise = future_to_promise(async move {
            let loaded = this.load_one(shard).await;
            this.loading.borrow_mut().remove(&shard);
            loaded.map(|()| JsValue::UNDEFINED).map_err(to_js)
        });
        self.loading.borrow_mut().insert(shard, promise.clone());
        promise
    }

    /// Returns the name of the table group that a shard of the table belongs to.
    pub fn group_of(&self, shard: usize) -> Option<String> {
        let (first, mut end) = (self.embedder.table().block(shard)?.first, 0);
        let holds = |group: &&TableGroup| {
            end += group.rows;
            first < end
        };
        self.manifest.groups.iter().find(holds).map(|group| group.name.clone())
    }

    async fn load_one(&self, shard: usize) -> Result<()> {
        let entry = &self.manifest.shards[shard];
        let mut keep = Kept::new(entry.bytes)?;
        self.read(shard, &mut keep).await?;
        let rows = StoredRows::new(&self.manifest, shard, &self.embedder, keep.bytes)
            .map_err(|error| entry.unusable(error))?;
        self.embedder.table().place(shard, Block::Elsewhere(Box::new(rows)));
        Ok(())
    }

    /// Reads and checks a shard of the table for the store alone, which keeps it for later.
    pub async fn fetch(&self, shard: usize) -> Result<()> {
        self.read(shard, &mut Passed).await
    }

    async fn read(&self, shard: usize, keep: &mut dyn Keep) -> Result<()> {
        let entry = &self.manifest.shards[shard];
        let mut on_bytes = |bytes| {
            let progress = self.meter.borrow_mut().at(Phase::Weights, &entry.file, bytes);
            report_load(self.on_progress.as_ref(), &progress);
        };
        read_checked(&self.source, entry, keep, &mut on_bytes).await
    }
}

/// A place that keeps nothing.
struct Passed;

impl Keep for Passed {
    fn restart(&mut self) {}

    fn keep(&mut self, _: &[u8]) -> Result<()> {
        Ok(())
    }
}

/// The bytes of a file, in JavaScript's memory.
struct Kept {
    bytes: Uint8Array,
    length: u32,
}

impl Kept {
    /// Makes room for a file of `bytes` bytes.
    fn new(bytes: u64) -> Result<Self> {
        // Blocks are cut to the size of a shard; no room is made for anything longer, whatever a file says.
        match u32::try_from(bytes) {
            Ok(bytes) if bytes as usize <= SHARD_BYTES => {
                Ok(Self { bytes: Uint8Array::new_with_length(bytes), length: 0 })
            }
            _ => Err(Error::new(Code::WeightsInvalid, format!("a block of the vocabulary table of {bytes} bytes"))),
        }
    }
}

impl Keep for Kept {
    fn restart(&mut self) {
        self.length = 0;
    }

    fn keep(&mut self, piece: &[u8]) -> Result<()> {
        let end = self.length + piece.len() as u32;
        self.bytes.subarray(self.length, end).copy_from(piece);
        self.length = end;
        Ok(())
    }
}

/// Rows of a shard that holds one block.
struct StoredRows {
    bytes: Uint8Array,
    /// Where the first tensor starts.
    data: usize,
    name: String,
    rows: usize,
    cols: usize,
    /// The block's tensors: its values and, for integers, their scales.
    tensors: BTreeMap<String, Entry>,
}

impl StoredRows {
    fn new(manifest: &Manifest, shard: usize, embedder: &Embedder, bytes: Uint8Array) -> Result<Self> {
        let block = embedder.table().block(shard);
        let block = block.ok_or_else(|| Error::new(Code::Internal, "a shard that holds no block of the table"))?;
        let copy = |start: usize, length: usize| {
            let mut out = vec![0; length];
            bytes.subarray(start as u32, (start + length) as u32).copy_to(&mut out);
            out
        };
        let (data, coming) = Header::read(u64::from(bytes.length()), |start, count| Ok(copy(start, count)))?;
        let tensors: BTreeMap<String, Entry> = coming.into_iter().collect();
        let name = block_name(block.first);
        manifest.check_shard(shard, tensors.iter().map(|(name, entry)| (name, entry.element, &entry.shape)))?;
        let (rows, cols) = (block.rows, embedder.table().cols());
        let stored = Self { bytes, data, name, rows, cols, tensors };
        stored.check()?;
        Ok(stored)
    }

    /// Checks that every row is one that a pack has.
    fn check(&self) -> Result<()> {
        const AT_ONCE: usize = 512;
        for first in (0..self.rows).step_by(AT_ONCE) {
            let rows: Vec<usize> = (first..self.rows.min(first + AT_ONCE)).collect();
            self.rows(&rows)?;
        }
        Ok(())
    }

    /// Returns the rows of one of the tensors.
    fn part(&self, name: &str, entry: &Entry, rows: &[usize]) -> Result<(String, StoredTensor)> {
        let element = entry.element.ok_or_else(|| safetensors::unread_type(name, &entry.dtype))?;
        let width = entry.bytes / self.rows;
        let mut bytes = vec![0; rows.len() * width];
        let mut at = 0;
        for run in rows.chunk_by(|a, b| a + 1 == *b) {
            let start = self.data + entry.start + run[0] * width;
            let out = &mut bytes[at..at + run.len() * width];
            self.bytes.subarray(start as u32, (start + out.len()) as u32).copy_to(out);
            at += out.len();
        }
        let shape = std::iter::once(rows.len()).chain(entry.shape[1..].iter().copied()).collect();
        Ok((name.to_string(), StoredTensor { element, shape, bytes }))
    }
}

impl Rows for StoredRows {
    fn rows(&self, rows: &[usize]) -> Result<Matrix> {
        let mut tensors = Tensors::default();
        for name in [self.name.clone(), scales_name(&self.name)] {
            if let Some(entry) = self.tensors.get(&name) {
                let (name, tensor) = self.part(&name, entry, rows)?;
                tensors.insert(name, tensor)?;
            }
        }
        tensors.take_rows(&self.name, rows.len(), self.cols)
    }
}
