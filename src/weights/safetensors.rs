//! The safetensors format: eight bytes with the header's length, the header in JSON, the tensors.
//!
//! The `safetensors` crate parses and writes; what is added here is a cap on the header, so that eight
//! wrong bytes cannot ask for gigabytes, and reading a header without the rest of its file; and int4, which
//! the format lacks: what is U8 [.., n] in a file is int4 [.., 2n] everywhere else.

use std::collections::BTreeMap;

use safetensors::tensor::{Metadata, TensorInfo};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

use super::{BlockType, ElementType, SHARD_BYTES, StoredTensor, Tensors};
use crate::error::{Code, Error, Result, lfs_pointer};

/// Bytes before the header.
const PREFIX: usize = 8;
/// Longest header, in bytes. The largest Granite model has a header of 20 kB.
const MOST_HEADER: u64 = 16 << 20;

/// One tensor in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Type of the elements as the file names it; `None` for one that felsic does not read.
    pub element: Option<ElementType>,
    /// What a GGUF file stores instead of elements; always `None` in a safetensors file.
    pub blocks: Option<BlockType>,
    /// The file's name for the type.
    pub dtype: String,
    /// Sizes of the dimensions, outermost first; counted in elements of `element`, not of `dtype`.
    pub shape: Vec<usize>,
    /// Position of its first byte, counted from the end of the header.
    pub start: usize,
    /// Number of its bytes.
    pub bytes: usize,
}

/// Returns the bytes of the header of the file that starts with `prefix` and is `length` long.
fn header_length(prefix: [u8; PREFIX], length: u64) -> Result<usize> {
    if let Some(pointer) = lfs_pointer(&prefix) {
        return Err(Error::new(Code::WeightsInvalid, format!("the file {pointer}")));
    }
    let header = u64::from_le_bytes(prefix);
    match length.checked_sub(PREFIX as u64) {
        Some(rest) if header <= MOST_HEADER && header <= rest => Ok(header as usize),
        _ => Err(Error::new(Code::WeightsInvalid, format!("a header of {header} bytes in a file of {length}"))),
    }
}

/// Returns the tensors that `header` describes. They must fill the `data` bytes after it, or as many as it says,
/// without gap or overlap.
fn parse_header(header: &[u8], data: Option<u64>) -> Result<BTreeMap<String, Entry>> {
    let malformed = |cause: String| Error::new(Code::WeightsInvalid, "the header is malformed").because(cause);
    let described: Described = serde_json::from_slice(header).map_err(|error| malformed(error.to_string()))?;
    let metadata = described.metadata().map_err(|error| malformed(error.to_string()))?;
    if let Some(data) = data.filter(|data| metadata.data_len() as u64 != *data) {
        return Err(malformed(format!("it describes {} bytes of tensors; the file has {data}", metadata.data_len())));
    }
    let entries = metadata.tensors().into_iter().map(|(name, info)| {
        let (start, end) = info.data_offsets;
        let element = ElementType::from_dtype(info.dtype);
        let shape = shape_from_file(element, &info.shape)
            .ok_or_else(|| malformed(format!("tensor {name} has shape {:?}", info.shape)))?;
        Ok((
            name,
            Entry { element, blocks: None, dtype: format!("{:?}", info.dtype), shape, start, bytes: end - start },
        ))
    });
    entries.collect()
}

/// The tensors of a header, not checked yet. The crate reads a header of any form into a tree first, which takes sixty times the bytes of lists
/// in lists.
struct Described(BTreeMap<String, TensorInfo>);

impl Described {
    /// Returns them in the order of their bytes, checked.
    fn metadata(self) -> std::result::Result<Metadata, safetensors::SafeTensorError> {
        let mut tensors: Vec<_> = self.0.into_iter().collect();
        tensors.sort_by_key(|(_, info)| info.data_offsets);
        Metadata::new(None, tensors)
    }
}

impl<'de> Deserialize<'de> for Described {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Tensors;

        impl<'de> Visitor<'de> for Tensors {
            type Value = Described;

            fn expecting(&self, text: &mut std::fmt::Formatter) -> std::fmt::Result {
                text.write_str("an object of tensors")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> std::result::Result<Described, M::Error> {
                let mut tensors = BTreeMap::new();
                while let Some(name) = map.next_key::<String>()? {
                    if name == "__metadata__" {
                        map.next_value::<Option<BTreeMap<String, String>>>()?;
                    } else {
                        tensors.insert(name, map.next_value()?);
                    }
                }
                Ok(Described(tensors))
            }
        }

        deserializer.deserialize_map(Tensors)
    }
}

/// Returns a shape in elements, from one in bytes where two elements share one; `None` where that cannot be counted.
fn shape_from_file(element: Option<ElementType>, shape: &[usize]) -> Option<Vec<usize>> {
    let mut shape = shape.to_vec();
    if let (Some(ElementType::Int4), Some(cols)) = (element, shape.last_mut()) {
        *cols = cols.checked_mul(2)?;
    }
    Some(shape)
}

/// Returns the shape of a tensor as a file states it.
fn shape_in_file(element: ElementType, shape: &[usize]) -> Vec<usize> {
    let mut shape = shape.to_vec();
    if let (ElementType::Int4, Some(cols)) = (element, shape.last_mut()) {
        *cols = cols.div_ceil(2);
    }
    shape
}

/// Copies the tensors of a whole file into `tensors`.
///
/// # Errors
/// [`Code::WeightsInvalid`] for a malformed file or a name that is already there; [`Code::TensorType`];
/// [`Code::OutOfMemory`].
pub fn read_all(file: &[u8], tensors: &mut Tensors) -> Result<()> {
    let mut reader = Reader::new(file.len() as u64);
    reader.push(file);
    tensors.append(reader.finish()?)
}

/// A file that arrives in pieces: each tensor's bytes go straight to their place, so that no second copy of one is ever
/// held.
pub struct Reader {
    length: u64,
    stage: Stage,
}

enum Stage {
    Header(Header),
    /// The tensors whose bytes are to come, the next one last, and those that are there.
    Tensors {
        coming: Coming,
        read: Vec<(String, StoredTensor)>,
    },
    /// What was wrong; the rest is skipped.
    Failed(Error),
}

impl Reader {
    /// Begins a file of `length` bytes.
    pub fn new(length: u64) -> Self {
        Self { length, stage: Stage::Header(Header::new(Some(length))) }
    }

    /// Returns the length that it was made for.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Takes the next piece. [`Self::finish`] reports what is wrong with the file, so that a damaged file can be found
    /// to be damaged before it is found to be nonsense.
    pub fn push(&mut self, mut piece: &[u8]) {
        while !piece.is_empty() {
            let taken = match &mut self.stage {
                Stage::Failed(_) => return,
                Stage::Header(header) => match header.take(piece) {
                    Ok((taken, None)) => Ok(taken),
                    Ok((taken, Some(coming))) => {
                        self.stage = Stage::Tensors { coming, read: Vec::new() };
                        Ok(taken)
                    }
                    Err(error) => Err(error),
                },
                Stage::Tensors { coming, read } => take_tensor(coming, read, piece),
            };
            match taken {
                Ok(taken) => piece = &piece[taken..],
                Err(error) => self.stage = Stage::Failed(error),
            }
        }
    }

    /// Returns the tensors, once all pieces have been pushed.
    ///
    /// # Errors
    /// As [`read_all`].
    pub fn finish(self) -> Result<Tensors> {
        let cut = || Error::new(Code::WeightsInvalid, "the file is truncated");
        let (coming, mut read) = match self.stage {
            Stage::Failed(error) => return Err(error),
            Stage::Header(_) => return Err(cut()),
            Stage::Tensors { coming, read } => (coming, read),
        };
        let mut tensors = Tensors::default();
        // Tensors without bytes have had no piece of their own.
        for (name, entry) in coming.into_iter().rev() {
            let element = entry.element.ok_or_else(|| unread_type(&name, &entry.dtype))?;
            if entry.bytes > 0 {
                return Err(cut());
            }
            read.push((name, StoredTensor { element, shape: entry.shape, bytes: Vec::new() }));
        }
        read.into_iter().try_for_each(|(name, tensor)| tensors.insert(name, tensor))?;
        Ok(tensors)
    }
}

/// The prefix and the header of a file, as far as they have arrived.
pub struct Header {
    bytes: Vec<u8>,
    length: Option<u64>,
}

/// What a header describes, the first tensor last.
pub type Coming = Vec<(String, Entry)>;

impl Header {
    /// Begins the header of a file of `length` bytes, if that is known.
    pub fn new(length: Option<u64>) -> Self {
        Self { bytes: Vec::new(), length }
    }

    /// Returns how many bytes it lacks before it can tell more: the rest of the prefix, or of the header.
    ///
    /// # Errors
    /// [`Code::WeightsInvalid`] for a header that is longer than the file or than any sensible one.
    pub fn missing(&self) -> Result<usize> {
        let wanted = match self.bytes.first_chunk::<PREFIX>() {
            None => PREFIX,
            Some(prefix) => PREFIX + header_length(*prefix, self.length.unwrap_or(u64::MAX))?,
        };
        Ok(wanted - self.bytes.len())
    }

    /// Takes what belongs to it; returns how much that was, and at the header's end the tensors.
    ///
    /// # Errors
    /// As [`Self::missing`]; [`Code::WeightsInvalid`] unless the tensors fill the rest of the file without gap or overlap.
    pub fn take(&mut self, piece: &[u8]) -> Result<(usize, Option<Coming>)> {
        let taken = piece.len().min(self.missing()?);
        self.bytes.extend_from_slice(&piece[..taken]);
        if self.bytes.len() < PREFIX || self.missing()? > 0 {
            return Ok((taken, None));
        }
        let data = self.length.map(|length| length - self.bytes.len() as u64);
        let mut coming: Coming = parse_header(&self.bytes[PREFIX..], data)?.into_iter().collect();
        coming.sort_by_key(|(_, entry)| std::cmp::Reverse((entry.start, entry.bytes)));
        Ok((taken, Some(coming)))
    }

    /// Reads the header of a file of `length` bytes; `read` takes a position and a number of bytes. Returns where in
    /// the file the tensors begin, and the tensors.
    ///
    /// # Errors
    /// As [`Self::take`]; [`Code::WeightsInvalid`] for a file that is shorter than any; those of `read`.
    pub fn read(length: u64, mut read: impl FnMut(usize, usize) -> Result<Vec<u8>>) -> Result<(usize, Coming)> {
        if length < PREFIX as u64 {
            return Err(Error::new(Code::WeightsInvalid, format!("not a safetensors file ({length} bytes)")));
        }
        let mut header = Self::new(Some(length));
        loop {
            let piece = read(header.bytes.len(), header.missing()?)?;
            if let (_, Some(coming)) = header.take(&piece)? {
                return Ok((header.bytes.len(), coming));
            }
        }
    }
}

/// Takes what belongs to the next tensor that has bytes.
fn take_tensor(coming: &mut Coming, read: &mut Vec<(String, StoredTensor)>, piece: &[u8]) -> Result<usize> {
    let Some((name, entry)) = coming.last() else {
        return Err(Error::new(Code::WeightsInvalid, "the file is longer than its header says"));
    };
    let started = read.last().is_some_and(|(last, tensor)| last == name && tensor.bytes.len() < entry.bytes);
    if !started {
        let element = entry.element.ok_or_else(|| unread_type(name, &entry.dtype))?;
        // No more at once than a common shard: the length is only what the file claims.
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(entry.bytes.min(SHARD_BYTES))?;
        read.push((name.clone(), StoredTensor { element, shape: entry.shape.clone(), bytes }));
    }
    let mut taken = 0;
    if let Some((_, tensor)) = read.last_mut() {
        taken = piece.len().min(entry.bytes - tensor.bytes.len());
        tensor.bytes.try_reserve(taken)?;
        tensor.bytes.extend_from_slice(&piece[..taken]);
        if tensor.bytes.len() == entry.bytes {
            coming.pop();
        }
    }
    Ok(taken)
}

/// Returns the error for a tensor of a type that felsic does not read.
pub fn unread_type(name: &str, dtype: &str) -> Error {
    Error::new(Code::TensorType, format!("tensor {name} has elements of type {dtype}, which felsic does not read"))
}

/// Returns the start of a file with tensors of these types and shapes, up to the first tensor, and where in the file
/// each begins. The same tensors always give the same bytes.
///
/// # Errors
/// [`Code::WeightsInvalid`] for tensors that no file can hold.
pub fn header<'a>(
    tensors: impl Iterator<Item = (&'a String, ElementType, &'a [usize])>,
) -> Result<(Vec<u8>, BTreeMap<String, u64>)> {
    let failed = |cause: String| Error::new(Code::WeightsInvalid, "a shard could not be written").because(cause);
    let mut tensors: Vec<_> = tensors.collect();
    // Types of larger elements first keeps all of them aligned; the format wants the offsets in order.
    tensors.sort_by(|(name, a, _), (other, b, _)| b.dtype().cmp(&a.dtype()).then(name.cmp(other)));
    let mut end = 0;
    let mut infos = Vec::with_capacity(tensors.len());
    for (name, element, shape) in tensors {
        let bytes = element.bytes_of(shape).ok_or_else(|| failed(format!("tensor {name} is too large")))?;
        let data_offsets = (end, end + bytes);
        let info = TensorInfo { dtype: element.dtype(), shape: shape_in_file(element, shape), data_offsets };
        infos.push((name.clone(), info));
        end += bytes;
    }
    let starts: Vec<(String, usize)> = infos.iter().map(|(name, info)| (name.clone(), info.data_offsets.0)).collect();
    let metadata = Metadata::new(None, infos).map_err(|error| failed(error.to_string()))?;
    let mut json = serde_json::to_vec(&metadata).map_err(|error| failed(error.to_string()))?;
    json.resize(json.len().next_multiple_of(PREFIX), b' ');
    let mut bytes = (json.len() as u64).to_le_bytes().to_vec();
    bytes.append(&mut json);
    let data = bytes.len() as u64;
    Ok((bytes, starts.into_iter().map(|(name, start)| (name, data + start as u64)).collect()))
}

/// Returns a whole file with these tensors. The same tensors always give the same bytes.
///
/// # Errors
/// [`Code::WeightsInvalid`] if bytes and shape of a tensor do not fit.
pub fn write(tensors: &BTreeMap<String, StoredTensor>) -> Result<Vec<u8>> {
    if let Some((name, _)) = tensors.iter().find(|(_, tensor)| !tensor.is_sound()) {
        return Err(Error::new(Code::WeightsInvalid, format!("tensor {name}: data length does not match its shape")));
    }
    let (mut file, starts) =
        header(tensors.iter().map(|(name, tensor)| (name, tensor.element, tensor.shape.as_slice())))?;
    let mut order: Vec<(u64, &StoredTensor)> =
        starts.iter().filter_map(|(name, start)| Some((*start, tensors.get(name)?))).collect();
    // Where one begins, those without bytes end: the order among them does not matter.
    order.sort_by_key(|(start, _)| *start);
    order.into_iter().for_each(|(_, tensor)| file.extend_from_slice(&tensor.bytes));
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> Vec<u8> {
        let tensor = |element, shape: &[usize], bytes: Vec<u8>| StoredTensor { element, shape: shape.to_vec(), bytes };
        let tensors = BTreeMap::from([
            ("a".to_string(), tensor(ElementType::I8, &[3], vec![1, 2, 3])),
            ("b".to_string(), tensor(ElementType::F32, &[2], vec![7; 8])),
            ("empty".to_string(), tensor(ElementType::I8, &[0, 4], Vec::new())),
        ]);
        write(&tensors).expect("sound")
    }

    fn read(file: &[u8], length: usize, piece: usize) -> Result<Tensors> {
        let mut reader = Reader::new(length as u64);
        file.chunks(piece).for_each(|piece| reader.push(piece));
        reader.finish()
    }

    #[test]
    fn pieces_of_any_size_give_the_same_tensors() {
        let file = file();
        let whole: Vec<_> =
            read(&file, file.len(), file.len()).expect("sound").iter().map(|(n, t)| (n.clone(), t.clone())).collect();
        assert_eq!(whole.len(), 3);
        for piece in 1..file.len() {
            let pieces = read(&file, file.len(), piece).expect("sound");
            assert!(pieces.iter().map(|(n, t)| (n.clone(), t.clone())).eq(whole.iter().cloned()), "pieces of {piece}");
        }
    }

    #[test]
    fn files_are_those_of_the_safetensors_crate() {
        let file = file();
        let read = safetensors::SafeTensors::deserialize(&file).expect("sound");
        assert_eq!(safetensors::serialize(read.tensors(), None).expect("sound"), file);
    }

    #[test]
    fn a_file_cut_anywhere_is_refused() {
        let file = file();
        for end in 0..file.len() {
            let error = read(&file[..end], file.len(), 5).expect_err("cut");
            assert_eq!(error.code(), Code::WeightsInvalid, "cut at {end}");
        }
    }
}
