//! Where everything in a pack lies. Its config and its formats alone decide that.

use std::collections::BTreeMap;

use super::format::{self, Part};
use super::groups::Groups;
use super::{PackOptions, WeightFormat};
use crate::config::{EmbedderConfig, TABLE};
use crate::error::Result;
use crate::weights::{ElementType, Order, SHARD_BYTES, TensorEntry, block_name, groups_name, safetensors, scales_name};

/// Bytes left free for a shard's header.
const HEADER_ROOM: usize = 64 << 10;

/// The shards of a pack and their planned content.
#[derive(Debug)]
pub(super) struct Layout {
    pub shards: Vec<ShardPlan>,
    /// Where the rows of each of the checkpoint's tensors go, by its name.
    pub targets: BTreeMap<String, Target>,
    pub index: BTreeMap<String, TensorEntry>,
}

/// A shard before it has any tensor.
#[derive(Debug)]
pub(super) struct ShardPlan {
    /// The start of its file name.
    pub kind: &'static str,
    pub header: Vec<u8>,
    /// Length of the whole file.
    pub bytes: u64,
    /// Where each tensor begins in the file.
    pub starts: BTreeMap<String, u64>,
}

/// Where the rows of a tensor go.
#[derive(Debug)]
pub(super) struct Target {
    pub format: WeightFormat,
    /// The stored row of each row, where the two differ.
    pub order: Option<Order>,
    /// In the order of their stored rows, without gaps.
    pub slots: Vec<Slot>,
}

/// Rows that are stored one after another.
#[derive(Debug)]
pub(super) struct Slot {
    /// The first stored row.
    pub first: usize,
    pub shard: usize,
    /// Where the values of the first row are in the shard.
    pub values: u64,
    /// Where its scales are, if it has any.
    pub scales: Option<u64>,
}

impl Layout {
    /// Lays out the pack of a model whose vocabulary table has these groups.
    pub fn new(all: &EmbedderConfig, groups: &Groups, options: &PackOptions) -> Result<Self> {
        let config = &all.model;
        let mut builder = Builder::default();
        if groups.list.len() > 1 {
            builder.add("layers", vec![(groups_name(), ElementType::I8, vec![config.vocab_size])])?;
        }
        let mut blocks = BTreeMap::new();
        for (name, shape) in config.tensors().into_iter().filter(|(name, _)| name != TABLE) {
            let format = if shape.len() == 2 { options.weights } else { WeightFormat::F32 };
            builder.add("layers", format::stored(&name, &shape, format, options.group))?;
            blocks.insert(name.clone(), (format, None, vec![(0, name)]));
        }
        for (name, shape) in all.dense_tensors() {
            builder.add("layers", vec![(name, ElementType::F32, shape)])?;
        }
        builder.flush()?;

        let order = Order::new(&groups.of)?;
        let cols = config.hidden_size;
        let rows = |rows: usize, name: &str| format::stored(name, &[rows, cols], options.table, options.group);
        let row_bytes: usize = rows(1, TABLE).iter().map(bytes_of).sum();
        let most = ((SHARD_BYTES - HEADER_ROOM) / row_bytes).clamp(1, config.vocab_size);
        let mut table = Vec::new();
        for group in order.groups() {
            // Blocks of a table group are of about equal size.
            let blocks = group.len().div_ceil(most);
            let at = |block: usize| group.start + block * group.len() / blocks;
            for block in 0..blocks {
                let name = block_name(at(block));
                builder.add("table", rows(at(block + 1) - at(block), &name))?;
                builder.flush()?;
                table.push((at(block), name));
            }
        }
        blocks.insert(TABLE.to_string(), (options.table, Some(order), table));
        let Builder { shards, index, .. } = builder;
        let slot = |(first, name): (usize, String)| {
            let shard = index[&name].shard;
            let starts = &shards[shard].starts;
            Slot { first, shard, values: starts[&name], scales: starts.get(&scales_name(&name)).copied() }
        };
        let targets = blocks.into_iter().map(|(name, (format, order, blocks))| {
            (name, Target { format, order, slots: blocks.into_iter().map(slot).collect() })
        });
        Ok(Self { targets: targets.collect(), shards, index })
    }
}

/// Gathers tensors and closes a shard whenever the next ones would not fit into it.
#[derive(Default)]
struct Builder {
    kind: &'static str,
    open: Vec<Part>,
    open_bytes: usize,
    shards: Vec<ShardPlan>,
    index: BTreeMap<String, TensorEntry>,
}

impl Builder {
    /// Adds tensors that belong together; `kind` is the start of the shard's file name.
    fn add(&mut self, kind: &'static str, parts: Vec<Part>) -> Result<()> {
        let bytes: usize = parts.iter().map(bytes_of).sum();
        if self.open_bytes + bytes > SHARD_BYTES - HEADER_ROOM {
            self.flush()?;
        }
        self.kind = kind;
        self.open_bytes += bytes;
        self.open.extend(parts);
        Ok(())
    }

    /// Closes the shard.
    fn flush(&mut self) -> Result<()> {
        if self.open.is_empty() {
            return Ok(());
        }
        let tensors = self.open.iter().map(|(name, element, shape)| (name, *element, shape.as_slice()));
        let (header, starts) = safetensors::header(tensors)?;
        let bytes = (header.len() + std::mem::take(&mut self.open_bytes)) as u64;
        let shard = self.shards.len();
        self.shards.push(ShardPlan { kind: self.kind, header, bytes, starts });
        for (name, element, shape) in self.open.drain(..) {
            self.index.insert(name, TensorEntry { element, shape, shard });
        }
        Ok(())
    }
}

/// Returns the bytes of a part. Configs are checked, so sizes can be counted.
fn bytes_of((_, element, shape): &Part) -> usize {
    element.bytes_of(shape).unwrap_or(usize::MAX / 4)
}
