//! The rows of a checkpoint's tensor on their way into a pack.

use std::collections::BTreeMap;

use super::Shards;
use super::format::{Group, convert};
use super::layout::{Slot, Target};
use crate::error::Result;
use crate::weights::safetensors::Entry;

/// Bytes of rows that are quantised at a time, about.
const PIECE: usize = 64 << 10;
/// Bytes that are gathered before they are written, about: consecutive rows may go to any block.
const GATHERED: usize = 32 << 10;

/// A tensor, where it goes and how.
pub(super) struct Tensor<'a> {
    pub name: &'a str,
    pub entry: &'a Entry,
    pub target: &'a Target,
    pub group: Group,
}

impl Tensor<'_> {
    /// Returns rows and columns; a vector is one row.
    fn size(&self) -> (usize, usize) {
        match self.entry.shape[..] {
            [rows, cols] => (rows, cols),
            _ => (1, self.entry.shape.iter().product()),
        }
    }

    /// Returns the values and scales of some rows as the pack stores them; there may be no scales.
    fn quantised(&self, bytes: &[u8]) -> Result<(Vec<u8>, Vec<u8>)> {
        convert((self.name, self.entry, bytes), self.size().1, self.target.format, self.group)
    }
}

/// How much of a tensor has been taken.
#[derive(Default)]
pub(super) struct Rows {
    /// Bytes that have arrived.
    read: usize,
    /// Rows that have been quantised.
    row: usize,
    /// Bytes of the next rows, as far as they have arrived.
    bytes: Vec<u8>,
    /// Rows that go to a slot, by its number.
    gathered: BTreeMap<usize, Gathered>,
}

impl Rows {
    /// Takes the tensor's next bytes; writes whatever there is enough of, and everything at the tensor's end.
    pub fn push(&mut self, piece: &[u8], tensor: &Tensor<'_>, out: &mut dyn Shards) -> Result<()> {
        self.read += piece.len();
        self.bytes.extend_from_slice(piece);
        let is_whole = self.read == tensor.entry.bytes;
        let width = tensor.entry.bytes / tensor.size().0.max(1);
        let rows = self.bytes.len() / width.max(1);
        if rows == 0 || (self.bytes.len() < PIECE && !is_whole) {
            return Ok(());
        }
        let rest = self.bytes.split_off(rows * width);
        let bytes = std::mem::replace(&mut self.bytes, rest);
        let (values, scales) = tensor.quantised(&bytes)?;
        self.gather(rows, &values, &scales, tensor.target, out)?;
        if is_whole {
            let slots = &tensor.target.slots;
            self.gathered.iter_mut().try_for_each(|(number, gathered)| gathered.flush(&slots[*number], out))?;
        }
        Ok(())
    }

    /// Adds the next rows to those of their slots.
    fn gather(
        &mut self,
        rows: usize,
        values: &[u8],
        scales: &[u8],
        target: &Target,
        out: &mut dyn Shards,
    ) -> Result<()> {
        let row_of = |bytes: &[u8], row: usize| {
            let width = bytes.len() / rows;
            row * width..(row + 1) * width
        };
        for row in 0..rows {
            let stored = target.order.as_ref().map_or(self.row, |order| order.row(self.row));
            self.row += 1;
            let number = target.slots.partition_point(|slot| slot.first <= stored).saturating_sub(1);
            let gathered = self.gathered.entry(number).or_default();
            if gathered.rows == 0 {
                gathered.first = stored;
            }
            gathered.rows += 1;
            gathered.values.extend_from_slice(&values[row_of(values, row)]);
            gathered.scales.extend_from_slice(&scales[row_of(scales, row)]);
            if gathered.values.len() >= GATHERED {
                gathered.flush(&target.slots[number], out)?;
            }
        }
        Ok(())
    }
}

/// Consecutive stored rows of a slot: a slot's rows are in the order in which they arrive.
#[derive(Default)]
struct Gathered {
    first: usize,
    rows: usize,
    values: Vec<u8>,
    scales: Vec<u8>,
}

impl Gathered {
    fn flush(&mut self, slot: &Slot, out: &mut dyn Shards) -> Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        let skipped = self.first - slot.first;
        let place = |start: u64, bytes: &[u8]| start + (skipped * (bytes.len() / self.rows)) as u64;
        out.write(slot.shard, place(slot.values, &self.values), &self.values)?;
        if let Some(start) = slot.scales {
            out.write(slot.shard, place(start, &self.scales), &self.scales)?;
        }
        *self = Self::default();
        Ok(())
    }
}
