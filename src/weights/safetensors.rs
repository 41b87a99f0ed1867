//! The safetensors format: eight bytes with the header's length, the header in JSON, the tensors.
//!
//! The `safetensors` crate parses and writes; what is added here is a cap on the header, so that eight
//! wrong bytes cannot ask for gigabytes, and reading a header without the rest of its file.

use std::collections::BTreeMap;

use safetensors::tensor::{Metadata, TensorView};

use super::{ElementType, StoredTensor, Tensors};
use crate::error::{Code, Error, Result};

/// Bytes before the header.
pub const PREFIX: usize = 8;
/// Bytes of a header, at most. The largest Granite model has a header of 20 kB.
const MOST_HEADER: u64 = 16 << 20;

/// One tensor in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Type of the elements as the file names it; `None` for one that felsic does not read.
    pub element: Option<ElementType>,
    /// The file's name for the type.
    pub dtype: String,
    /// Sizes of the dimensions, outermost first.
    pub shape: Vec<usize>,
    /// Where its first byte lies, counted from the end of the header.
    pub start: usize,
    /// How many bytes it takes.
    pub bytes: usize,
}

/// Bytes of the header of the file that starts with `prefix` and is `length` long.
///
/// # Errors
/// [`Code::WeightsInvalid`] for one that is longer than the file or than any sensible header.
pub fn header_length(prefix: [u8; PREFIX], length: u64) -> Result<usize> {
    let header = u64::from_le_bytes(prefix);
    match length.checked_sub(PREFIX as u64) {
        Some(rest) if header <= MOST_HEADER && header <= rest => Ok(header as usize),
        _ => Err(Error::new(Code::WeightsInvalid, format!("a header of {header} bytes in a file of {length}"))),
    }
}

/// The tensors that `header` describes, of a file with `data` bytes after it.
///
/// # Errors
/// [`Code::WeightsInvalid`] unless the tensors fill these bytes without gap or overlap.
pub fn parse_header(header: &[u8], data: u64) -> Result<BTreeMap<String, Entry>> {
    let malformed = |cause: String| Error::new(Code::WeightsInvalid, "the header is malformed").because(cause);
    let metadata: Metadata = serde_json::from_slice(header).map_err(|error| malformed(error.to_string()))?;
    if metadata.data_len() as u64 != data {
        return Err(malformed(format!("it describes {} bytes of tensors; the file has {data}", metadata.data_len())));
    }
    let entries = metadata.tensors().into_iter().map(|(name, info)| {
        let (start, end) = info.data_offsets;
        let element = ElementType::from_dtype(info.dtype);
        let entry =
            Entry { element, dtype: format!("{:?}", info.dtype), shape: info.shape.clone(), start, bytes: end - start };
        (name, entry)
    });
    Ok(entries.collect())
}

/// Copies the tensors of a whole file into `tensors`.
///
/// # Errors
/// [`Code::WeightsInvalid`] for a malformed file or a name that is there already; [`Code::TensorType`].
pub fn read_all(file: &[u8], tensors: &mut Tensors) -> Result<()> {
    let Some((prefix, rest)) = file.split_first_chunk::<PREFIX>() else {
        return Err(Error::new(Code::WeightsInvalid, format!("{} bytes are no safetensors file", file.len())));
    };
    let (header, data) = rest.split_at(header_length(*prefix, file.len() as u64)?);
    for (name, entry) in parse_header(header, data.len() as u64)? {
        let element = entry.element.ok_or_else(|| unread_type(&name, &entry.dtype))?;
        let bytes = data.get(entry.start..).and_then(|rest| rest.get(..entry.bytes)).unwrap_or_default().to_vec();
        tensors.insert(name, StoredTensor { element, shape: entry.shape, bytes })?;
    }
    Ok(())
}

/// The error for a tensor of a type that felsic does not read.
pub fn unread_type(name: &str, dtype: &str) -> Error {
    Error::new(Code::TensorType, format!("tensor {name} has elements of type {dtype}, which felsic does not read"))
}

/// A whole file with these tensors. The same tensors always give the same bytes.
///
/// # Errors
/// [`Code::WeightsInvalid`] if bytes and shape of a tensor do not fit.
pub fn write(tensors: &BTreeMap<String, StoredTensor>) -> Result<Vec<u8>> {
    let failed = |error: safetensors::SafeTensorError| {
        Error::new(Code::WeightsInvalid, "a shard could not be written").because(error.to_string())
    };
    let mut views = Vec::with_capacity(tensors.len());
    for (name, tensor) in tensors {
        views.push((
            name,
            TensorView::new(tensor.element.dtype(), tensor.shape.clone(), &tensor.bytes).map_err(failed)?,
        ));
    }
    safetensors::serialize(views, None).map_err(failed)
}
