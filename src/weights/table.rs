//! The vocabulary table.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::OnceLock;

use super::Matrix;
use crate::error::{Code, Error, Result};

/// Most table groups.
pub const MOST_GROUPS: usize = 127;
/// Fewest rows of a table group, unless it is the only one: whoever serves a pack sees which table groups are fetched,
/// and must not be able to read words out of that. Not even one may be smaller, or it could be that of a single word.
pub const LEAST_GROUP: usize = 8192;

/// Rows of a table that are kept elsewhere, in their stored format.
///
/// A table is shared between threads, and so are its rows. JavaScript's values can be: WebAssembly without atomics has
/// one thread.
pub trait Rows: Send + Sync {
    /// Returns some rows as a matrix.
    ///
    /// # Errors
    /// [`Code::WeightsInvalid`] for values that no pack has.
    fn rows(&self, rows: &[usize]) -> Result<Matrix>;
}

/// A block of whole rows.
pub enum Block {
    /// In memory.
    Here(Matrix),
    /// Elsewhere.
    Elsewhere(Box<dyn Rows>),
}

/// The place that a block of a table comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockEntry {
    /// The first stored row.
    pub first: usize,
    /// Number of rows.
    pub rows: usize,
    /// Index of the shard that holds it and nothing else.
    pub shard: usize,
}

struct Slot {
    entry: BlockEntry,
    block: OnceLock<Block>,
}

/// Which stored row belongs to an id. Rows are stored by table group, and within one in ascending order of ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    rows: Vec<u32>,
    /// Stored rows of each table group.
    groups: Vec<Range<usize>>,
}

impl Order {
    /// Builds the order from the table group of each id.
    ///
    /// # Errors
    /// [`Code::WeightsInvalid`] if a table group before the last one has no ids.
    pub fn new(group_of: &[u8]) -> Result<Self> {
        let mut counts = vec![0usize; group_of.iter().max().map_or(0, |last| usize::from(*last) + 1)];
        group_of.iter().for_each(|group| counts[usize::from(*group)] += 1);
        if counts.contains(&0) {
            return Err(Error::new(Code::WeightsInvalid, "a group of the vocabulary table has no rows"));
        }
        let mut next = 0;
        let groups: Vec<Range<usize>> = counts.iter().map(|count| (next, next += count).0..next).collect();
        let mut starts: Vec<usize> = groups.iter().map(|group| group.start).collect();
        let place = |group: &u8| {
            let start = &mut starts[usize::from(*group)];
            *start += 1;
            (*start - 1) as u32
        };
        Ok(Self { rows: group_of.iter().map(place).collect(), groups })
    }

    /// Returns the stored row of an id that has one.
    pub fn row(&self, id: usize) -> usize {
        self.rows[id] as usize
    }

    /// Returns the stored rows of each table group.
    pub fn groups(&self) -> &[Range<usize>] {
        &self.groups
    }
}

/// The vocabulary table [rows, cols], as blocks of whole rows. It stays in its stored format: a text needs a handful of
/// its rows, and 71 % of the smallest Granite model is this table. Blocks may arrive later than the table.
pub struct Table {
    rows: usize,
    cols: usize,
    order: Option<Order>,
    /// In the order of their rows and without gaps.
    slots: Vec<Slot>,
}

impl Table {
    /// Puts blocks of rows together; the number of a row is its id.
    ///
    /// # Errors
    /// [`Code::TensorShape`] unless the blocks all have `cols` columns.
    pub fn new(cols: usize, blocks: Vec<Matrix>) -> Result<Self> {
        let mut rows = 0;
        let mut slots = Vec::with_capacity(blocks.len());
        for (shard, block) in blocks.into_iter().enumerate() {
            if block.cols() != cols {
                let message = format!("a block of the vocabulary table has {} columns, not {cols}", block.cols());
                return Err(Error::new(Code::TensorShape, message));
            }
            let entry = BlockEntry { first: rows, rows: block.rows(), shard };
            rows += entry.rows;
            slots.push(Slot { entry, block: OnceLock::from(Block::Here(block)) });
        }
        Ok(Self { rows, cols, order: None, slots })
    }

    /// Returns a table whose blocks are all to come.
    pub fn open(cols: usize, blocks: &[BlockEntry]) -> Self {
        let slots = blocks.iter().map(|entry| Slot { entry: *entry, block: OnceLock::new() }).collect();
        Self { rows: blocks.iter().map(|block| block.rows).sum(), cols, order: None, slots }
    }

    /// Returns the same rows, stored in an order of their own. Without an order, all blocks are one table group.
    ///
    /// # Errors
    /// [`Code::TensorShape`] for an order with another number of rows.
    pub fn ordered(self, order: Option<Order>) -> Result<Self> {
        match &order {
            Some(order) if order.rows.len() != self.rows => {
                let (given, rows) = (order.rows.len(), self.rows);
                let message = format!("the vocabulary table has {rows} rows, but groups for {given}");
                Err(Error::new(Code::TensorShape, message))
            }
            _ => Ok(Self { order, ..self }),
        }
    }

    /// Returns the number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Returns the number of columns.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// Returns the bytes that the blocks in memory take.
    pub fn bytes(&self) -> usize {
        let blocks = self.slots.iter().filter_map(|slot| slot.block.get());
        blocks.map(|block| if let Block::Here(matrix) = block { matrix.bytes() } else { 0 }).sum()
    }

    /// Puts a block in its place. One that is already there stays.
    pub fn place(&self, shard: usize, block: Block) {
        if let Some(slot) = self.slots.iter().find(|slot| slot.entry.shard == shard) {
            let _ = slot.block.set(block);
        }
    }

    /// Returns the block of a shard.
    pub fn block(&self, shard: usize) -> Option<&BlockEntry> {
        self.slots.iter().map(|slot| &slot.entry).find(|entry| entry.shard == shard)
    }

    /// Returns the shards of all blocks that are still to come, in the order of their rows.
    pub fn missing(&self) -> Vec<usize> {
        self.slots.iter().filter(|slot| slot.block.get().is_none()).map(|slot| slot.entry.shard).collect()
    }

    /// Returns the shards that are still to come before [`Self::gather`] can return the rows of `ids`: whole table
    /// groups, so that the requests reveal no more of a text than its table groups.
    ///
    /// # Errors
    /// [`Code::InputInvalid`] for an id past the last row, if anything is still to come.
    pub fn missing_for(&self, ids: impl IntoIterator<Item = u32>) -> Result<Vec<usize>> {
        if self.missing().is_empty() {
            return Ok(Vec::new());
        }
        let mut wanted = vec![false; self.slots.len()];
        for id in ids {
            wanted[self.slot(self.stored(id)?)] = true;
        }
        let same_group = |a: &BlockEntry, b: &BlockEntry| self.group(a.first) == self.group(b.first);
        let is_wanted = |entry: &BlockEntry| {
            self.slots.iter().zip(&wanted).any(|(slot, wanted)| *wanted && same_group(&slot.entry, entry))
        };
        let missing = self.slots.iter().filter(|slot| slot.block.get().is_none() && is_wanted(&slot.entry));
        Ok(missing.map(|slot| slot.entry.shard).collect())
    }

    /// Returns the table group of a stored row; without an order there is one.
    fn group(&self, row: usize) -> usize {
        self.order.as_ref().map_or(0, |order| order.groups.partition_point(|group| group.end <= row))
    }

    /// Returns the stored row of an id.
    fn stored(&self, id: u32) -> Result<usize> {
        match id as usize {
            id if id >= self.rows => {
                let message = format!("token id {id} is past the vocabulary of {} rows", self.rows);
                Err(Error::new(Code::InputInvalid, message))
            }
            id => Ok(self.order.as_ref().map_or(id, |order| order.row(id))),
        }
    }

    /// Returns the slot of a stored row: the last that starts at or before it; empty ones before it do not matter.
    fn slot(&self, row: usize) -> usize {
        self.slots.partition_point(|slot| slot.entry.first <= row).saturating_sub(1)
    }

    /// Appends the rows of `ids` to `out`: [n, cols].
    ///
    /// # Errors
    /// [`Code::InputInvalid`] for an id past the last row; [`Code::Internal`] for one whose block is still to come;
    /// [`Code::OutOfMemory`]; those of [`Rows::rows`]. `out` then stays as it was.
    pub fn gather(&self, ids: &[u32], out: &mut Vec<f32>) -> Result<()> {
        // Rows of a block are read together, wherever in the text they stand.
        let mut by_slot: BTreeMap<usize, Vec<(usize, usize)>> = BTreeMap::new();
        for (at, id) in ids.iter().enumerate() {
            let row = self.stored(*id)?;
            let slot = self.slot(row);
            by_slot.entry(slot).or_default().push((at, row - self.slots[slot].entry.first));
        }
        let mut made = Vec::new();
        made.try_reserve_exact(ids.len() * self.cols)?;
        made.resize(ids.len() * self.cols, 0.0);
        let mut row = Vec::with_capacity(self.cols);
        for (slot, members) in by_slot {
            let block = self.slots[slot].block.get();
            let block = block
                .ok_or_else(|| Error::new(Code::Internal, "a block of the vocabulary table has not been loaded"))?;
            let read = match block {
                Block::Here(_) => None,
                Block::Elsewhere(rows) => Some(rows.rows(&members.iter().map(|(_, row)| *row).collect::<Vec<_>>())?),
            };
            for (index, (at, stored)) in members.into_iter().enumerate() {
                row.clear();
                match (block, &read) {
                    (Block::Here(matrix), _) => matrix.row(stored, &mut row),
                    (_, Some(read)) => read.row(index, &mut row),
                    (_, None) => {}
                }
                made[at * self.cols..][..self.cols].copy_from_slice(&row);
            }
        }
        out.append(&mut made);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows that hold ten times their stored number, and twice that.
    struct Tens;

    impl Rows for Tens {
        fn rows(&self, rows: &[usize]) -> Result<Matrix> {
            let values = rows.iter().flat_map(|row| [10.0 * *row as f32, 20.0 * *row as f32]).collect();
            Ok(Matrix::F32 { rows: rows.len(), cols: 2, values })
        }
    }

    /// Returns a table of six ids in table groups of three, two and one; the first has two blocks.
    fn table() -> Table {
        let entry = |first, rows, shard| BlockEntry { first, rows, shard };
        let blocks = [entry(0, 2, 4), entry(2, 1, 5), entry(3, 2, 6), entry(5, 1, 7)];
        let order = Order::new(&[1, 0, 2, 0, 1, 0]).expect("groups");
        assert_eq!(order.rows, [3, 0, 5, 1, 4, 2]);
        Table::open(2, &blocks).ordered(Some(order)).expect("as many rows")
    }

    #[test]
    fn a_group_is_asked_for_as_a_whole() {
        let table = table();
        assert_eq!(table.missing(), [4, 5, 6, 7]);
        assert_eq!(table.missing_for([5]).expect("an id"), [4, 5]);
        assert_eq!(table.missing_for([2, 0]).expect("ids"), [6, 7]);
        table.place(5, Block::Elsewhere(Box::new(Tens)));
        assert_eq!(table.missing_for([1]).expect("an id"), [4]);
        assert_eq!(table.missing_for([6]).expect_err("past the end").code(), Code::InputInvalid);
        assert_eq!(table.gather(&[1], &mut Vec::new()).expect_err("not there").code(), Code::Internal);
    }

    #[test]
    fn a_table_without_groups_is_asked_for_as_a_whole() {
        let entry = |first, rows, shard| BlockEntry { first, rows, shard };
        let table = Table::open(2, &[entry(0, 1, 0), entry(1, 1, 1), entry(2, 4, 2)]);
        assert_eq!(table.missing_for([1]).expect("an id"), [0, 1, 2]);
    }

    #[test]
    fn rows_come_from_wherever_they_are() {
        let table = table();
        let here = Matrix::F32 { rows: 2, cols: 2, values: vec![1.0, 2.0, 3.0, 4.0] };
        table.place(4, Block::Here(here));
        [5, 6, 7].into_iter().for_each(|shard| table.place(shard, Block::Elsewhere(Box::new(Tens))));
        let mut out = Vec::new();
        table.gather(&[4, 3, 2, 4, 5, 1], &mut out).expect("rows");
        assert_eq!(out, [10.0, 20.0, 3.0, 4.0, 0.0, 0.0, 10.0, 20.0, 0.0, 0.0, 1.0, 2.0]);
    }

    #[test]
    fn a_group_without_rows_is_refused() {
        assert_eq!(Order::new(&[0, 2]).expect_err("no group 1").code(), Code::WeightsInvalid);
    }
}
