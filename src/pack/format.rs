//! The formats that weights have in a pack.

use crate::error::{Code, Error, Result};
use crate::weights::safetensors::Entry;
use crate::weights::{BlockType, ElementType, Matrix, quantise_rows, quantise_rows_int4, scales_name};

/// The format of a matrix in a pack. Norms are always f32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeightFormat {
    /// Unchanged, as the ground truth.
    F32,
    /// Int8 with one f16 scale for each group, for use.
    Int8,
    /// Int4 with one f16 scale for each group: half the size, less exact.
    Int4,
}

/// The number of columns of a row that share a scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// This many; in a matrix whose width it does not divide, the largest of 32, 16 and 8 that does, or
    /// else the whole row.
    Columns(usize),
    /// The whole row.
    Row,
}

impl Group {
    /// Returns the number of columns that share a scale in rows of `cols`.
    pub fn of(self, cols: usize) -> usize {
        let Group::Columns(wanted) = self else { return cols };
        [wanted, 32, 16, 8].into_iter().find(|group| *group > 0 && cols.is_multiple_of(*group)).unwrap_or(cols)
    }
}

/// Options of [`pack`](super::pack).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackOptions {
    /// Format of the layers.
    pub weights: WeightFormat,
    /// Format of the vocabulary table.
    pub table: WeightFormat,
    /// Columns that share a scale, in both.
    pub group: Group,
    /// Model name. Defaults to the name of the checkpoint's folder.
    pub name: Option<String>,
    /// Revision of the checkpoint. Only a Hugging Face cache gives a default.
    pub revision: Option<String>,
}

impl Default for PackOptions {
    fn default() -> Self {
        Self {
            weights: WeightFormat::Int8,
            table: WeightFormat::Int8,
            group: Group::Columns(32),
            name: None,
            revision: None,
        }
    }
}

impl PackOptions {
    /// Returns the format as manifests and spaces name it: that of the layers, and that of the table if it differs.
    pub(super) fn format_name(&self) -> String {
        let group = match self.group {
            Group::Row => "row".to_string(),
            Group::Columns(columns) => format!("g{columns}"),
        };
        let name = |format| match format {
            WeightFormat::F32 => "f32".to_string(),
            WeightFormat::Int8 => format!("int8-{group}"),
            WeightFormat::Int4 => format!("int4-{group}"),
        };
        match self.weights == self.table {
            true => name(self.weights),
            false => format!("{}+table-{}", name(self.weights), name(self.table)),
        }
    }
}

/// Name, type and shape of a stored tensor.
pub(super) type Part = (String, ElementType, Vec<usize>);

/// Returns what a pack stores of a tensor: itself or, of a matrix, its integers and their scales.
pub(super) fn stored(name: &str, shape: &[usize], format: WeightFormat, group: Group) -> Vec<Part> {
    let own = |element| (name.to_string(), element, shape.to_vec());
    let scales = || {
        let cols = shape.last().copied().unwrap_or(1);
        (scales_name(name), ElementType::F16, vec![shape[0], cols / group.of(cols)])
    };
    match format {
        WeightFormat::F32 => vec![own(ElementType::F32)],
        WeightFormat::Int8 => vec![own(ElementType::I8), scales()],
        WeightFormat::Int4 => vec![own(ElementType::Int4), scales()],
    }
}

/// Returns the blocks of a tensor whose integers and scales a pack of this format has as they are.
pub(super) fn kept(entry: &Entry, format: WeightFormat, group: Group) -> Option<BlockType> {
    let cols = entry.shape.last().copied().unwrap_or(0);
    let is_kept = |blocks: &BlockType| match format {
        WeightFormat::F32 => false,
        WeightFormat::Int8 | WeightFormat::Int4 => {
            group.of(cols) == blocks.size().0 && blocks.is_kept(format == WeightFormat::Int4)
        }
    };
    entry.blocks.filter(is_kept)
}

/// Returns the bytes of the tensors that [`stored`] lists, for rows of `cols` columns that are `bytes` in a
/// checkpoint: values, and scales if there are any.
pub(super) fn convert(
    (name, entry, bytes): (&str, &Entry, &[u8]),
    cols: usize,
    format: WeightFormat,
    group: Group,
) -> Result<(Vec<u8>, Vec<u8>)> {
    if let Some(blocks) = kept(entry, format, group) {
        let named = |error: Error| Error::new(error.code(), format!("tensor {name} cannot be packed")).because(error);
        return blocks.integers(bytes, format == WeightFormat::Int4).map_err(named);
    }
    let values = entry.widen(name, bytes)?;
    if values.iter().any(|value| !value.is_finite()) {
        return Err(Error::new(Code::WeightsInvalid, format!("tensor {name} has a value that is not finite")));
    }
    let quantise = match format {
        WeightFormat::F32 => return Ok((values.iter().flat_map(|value| value.to_le_bytes()).collect(), Vec::new())),
        WeightFormat::Int8 => quantise_rows,
        WeightFormat::Int4 => quantise_rows_int4,
    };
    let named = |error: Error| Error::new(error.code(), format!("tensor {name} cannot be quantised")).because(error);
    let rows = values.len() / cols.max(1);
    let (bytes, scales) = match quantise(&values, rows, cols, group.of(cols)).map_err(named)? {
        Matrix::Int8 { values, scales, .. } => (values.into_iter().map(|value| value as u8).collect(), scales),
        Matrix::Int4 { bytes, scales, .. } => (bytes, scales),
        _ => return Err(Error::new(Code::Internal, "quantising did not give integers")),
    };
    Ok((bytes, scales.to_f16_bytes()))
}
