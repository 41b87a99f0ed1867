//! The GGUF container: metadata, the list of tensors, then the tensors, each at a multiple of the alignment.
//!
//! A small reader of felsic's own: in a page the file arrives in pieces whose length nobody knows beforehand, and a crate
//! for it reads whole files, or allocates what a count in the file claims. Here memory grows only with the bytes that have arrived. The form is that of
//! `docs/gguf.md` of the ggml repository, versions 2 and 3, little-endian; what llama.cpp refuses (nested lists, gaps between
//! tensors) is refused too.

use std::collections::BTreeMap;
use std::ops::Range;

use super::blocks::BlockType;
use super::safetensors::Entry;
use super::{ElementType, widen};
use crate::error::{Code, Error, Result, lfs_pointer};

const MAGIC: &[u8] = b"GGUF";
/// Bytes of the magic and the version: as many as it takes to tell what else a file may be.
const PREFIX: usize = 8;
/// Longest header, in bytes. That of a model with a vocabulary of 262 thousand tokens has 14 MB.
const MOST_HEADER: u64 = 128 << 20;
/// Longest name of a key or a tensor, in bytes.
const LONGEST_NAME: usize = 1024;
/// Most dimensions of a tensor.
const MOST_DIMENSIONS: u32 = 4;
/// Alignment where the file does not say.
const ALIGNMENT: usize = 32;
const MOST_ALIGNMENT: usize = 1 << 16;
/// Most entries of the metadata, and most tensors; no model that felsic runs has a tenth of them.
const MOST_ENTRIES: u64 = 1 << 14;
/// Fewest bytes of an entry of the metadata: an empty key, a type, a value.
const LEAST_ENTRY: u64 = 8 + 4 + 1;
/// Fewest bytes of a tensor in the list: an empty name, one dimension.
const LEAST_TENSOR: u64 = 8 + 4 + 8 + 4 + 8;
/// The type of a string, and that of a list.
const STRING: u32 = 8;
const LIST: u32 = 9;

/// A value of the metadata.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A whole number.
    Whole(i64),
    /// A fraction; every f32 is exact.
    Fraction(f64),
    /// True or false.
    Flag(bool),
    /// A string.
    Text(Range<usize>),
    /// A list: the type of its elements, their number, and where they are.
    List(u32, usize, Range<usize>),
}

/// What a header says.
#[derive(Clone, Debug)]
pub struct Contents {
    bytes: Vec<u8>,
    values: BTreeMap<String, Value>,
    /// Names and entries in the order of the file, without gap but for the alignment's.
    tensors: Vec<(String, Entry)>,
    alignment: usize,
}

/// Why a header cannot be read.
enum Stop {
    /// At least as many bytes are still to come.
    Short(u64),
    Wrong(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Stop::Wrong(error)
    }
}

/// The header of a file, as far as it has arrived.
pub struct Header {
    bytes: Vec<u8>,
    length: Option<u64>,
    /// Bytes that have to come before it can tell more.
    missing: usize,
}

impl Header {
    /// Begins the header of a file of `length` bytes, if that is known.
    pub fn new(length: Option<u64>) -> Self {
        Self { bytes: Vec::new(), length, missing: PREFIX }
    }

    /// Returns how many bytes it lacks before it can tell more, at least.
    pub fn missing(&self) -> usize {
        self.missing
    }

    /// Takes what belongs to it; returns how much that was, and at the header's end what it says.
    ///
    /// # Errors
    /// [`Code::WeightsInvalid`] for a header that is malformed, or longer than the file or than any sensible one;
    /// [`Code::TensorType`] for a tensor of a type that felsic does not read.
    pub fn take(&mut self, piece: &[u8]) -> Result<(usize, Option<Contents>)> {
        let taken = piece.len().min(self.missing);
        self.bytes.try_reserve(taken)?;
        self.bytes.extend_from_slice(&piece[..taken]);
        self.missing -= taken;
        if self.missing > 0 {
            return Ok((taken, None));
        }
        let missing = match parse(&self.bytes) {
            Ok((values, tensors, alignment)) => {
                let contents = Contents { bytes: std::mem::take(&mut self.bytes), values, tensors, alignment };
                contents.check_length(self.length)?;
                return Ok((taken, Some(contents)));
            }
            Err(Stop::Wrong(error)) => return Err(error),
            Err(Stop::Short(missing)) => missing,
        };
        let whole = missing.saturating_add(self.bytes.len() as u64);
        if whole > MOST_HEADER || self.length.is_some_and(|length| whole > length) {
            let of = self.length.map_or(String::new(), |length| format!(" in a file of {length}"));
            return Err(malformed(format!("it has at least {whole} bytes{of}")));
        }
        self.missing = missing as usize;
        Ok((taken, None))
    }
}

impl Contents {
    /// Returns a value of the metadata.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.values.get(key)
    }

    /// Returns all keys, sorted.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    /// Returns the string of a value that is one; `None` also for one that is not UTF-8.
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.values.get(key)? {
            Value::Text(at) => std::str::from_utf8(&self.bytes[at.clone()]).ok(),
            _ => None,
        }
    }

    /// Returns the strings of a list of them; `None` also if one is not UTF-8.
    pub fn texts(&self, key: &str) -> Option<Vec<&str>> {
        let Value::List(STRING, count, at) = self.values.get(key)? else { return None };
        let mut rest = &self.bytes[at.clone()];
        let mut texts = Vec::with_capacity(*count);
        while let Some((length, after)) = rest.split_first_chunk() {
            let (text, after) = after.split_at_checked(u64::from_le_bytes(*length) as usize)?;
            texts.push(std::str::from_utf8(text).ok()?);
            rest = after;
        }
        Some(texts)
    }

    /// Returns the whole numbers, or flags as 0 and 1, of a list of them.
    pub fn numbers(&self, key: &str) -> Option<Vec<i64>> {
        let Value::List(kind, _, at) = self.values.get(key)? else { return None };
        let width = width(*kind).filter(|_| *kind != STRING)?;
        let number = |bytes: &[u8]| match scalar(*kind, bytes)? {
            Value::Whole(number) => Some(number),
            Value::Flag(flag) => Some(flag.into()),
            _ => None,
        };
        self.bytes[at.clone()].chunks_exact(width).map(number).collect()
    }

    /// Returns the fractions of a list of them; every f32 is exact.
    pub fn fractions(&self, key: &str) -> Option<Vec<f64>> {
        let Value::List(kind, _, at) = self.values.get(key)? else { return None };
        let width = width(*kind).filter(|_| *kind != STRING)?;
        let fraction = |bytes: &[u8]| match scalar(*kind, bytes)? {
            Value::Fraction(fraction) => Some(fraction),
            _ => None,
        };
        self.bytes[at.clone()].chunks_exact(width).map(fraction).collect()
    }

    /// Returns the tensors in the order of the file. Their entries count from the end of the header.
    pub fn tensors(&self) -> &[(String, Entry)] {
        &self.tensors
    }

    /// Returns where the header ends.
    pub fn length(&self) -> usize {
        self.bytes.len()
    }

    /// Checks that the tensors end where the file does; the last one may be filled up to the alignment.
    fn check_length(&self, length: Option<u64>) -> Result<()> {
        let end = self.tensors.last().map_or(0, |(_, entry)| entry.start + entry.bytes);
        let end = self.bytes.len() + end;
        let filled = end.next_multiple_of(self.alignment) as u64;
        match length {
            Some(length) if !(end as u64..=filled).contains(&length) => {
                Err(malformed(format!("its tensors end at byte {end}; the file has {length}")))
            }
            _ => Ok(()),
        }
    }

    /// Returns everything behind the header in the order of the file: the tensors, and entries without a name for what fills the
    /// place between them up to the alignment, and perhaps behind the last.
    pub fn pieces(&self) -> Vec<(&str, Entry)> {
        let mut pieces = Vec::new();
        let mut at = 0;
        for (name, entry) in &self.tensors {
            pieces.push(("", Entry::filling(at, entry.start)));
            pieces.push((name, entry.clone()));
            at = entry.start + entry.bytes;
        }
        // Counted when the tensors were placed.
        let end = (self.bytes.len() + at).next_multiple_of(self.alignment) - self.bytes.len();
        pieces.push(("", Entry::filling(at, end)));
        pieces
    }
}

impl Entry {
    fn filling(start: usize, end: usize) -> Self {
        let (dtype, shape) = (String::new(), Vec::new());
        Self { element: None, blocks: None, dtype, shape, start, bytes: end - start }
    }

    /// Returns the values of some of its rows as f32.
    ///
    /// # Errors
    /// [`Code::OutOfMemory`]; [`Code::TensorType`] for elements that felsic does not read.
    pub fn widen(&self, name: &str, bytes: &[u8]) -> Result<Vec<f32>> {
        match (self.blocks, self.element.filter(|element| element.is_float())) {
            (Some(blocks), _) => blocks.widen(bytes),
            (None, Some(element)) => widen(element, bytes),
            (None, None) => Err(super::safetensors::unread_type(name, &self.dtype)),
        }
    }
}

#[cold]
fn malformed(what: impl Into<String>) -> Error {
    Error::new(Code::WeightsInvalid, "the GGUF file's header is malformed").because(what.into())
}

/// Bytes that are read one after another.
struct Cursor<'b> {
    bytes: &'b [u8],
    at: usize,
    /// The fewest bytes of what follows the current item.
    after: u64,
}

impl<'b> Cursor<'b> {
    fn take(&mut self, count: u64) -> std::result::Result<Range<usize>, Stop> {
        let end = (self.at as u64).saturating_add(count);
        let have = self.bytes.len() as u64;
        if end > have {
            return Err(Stop::Short((end - have).saturating_add(self.after)));
        }
        let range = self.at..end as usize;
        self.at = range.end;
        Ok(range)
    }

    fn four(&mut self) -> std::result::Result<u32, Stop> {
        let range = self.take(4)?;
        Ok(number(&self.bytes[range]) as u32)
    }

    fn eight(&mut self) -> std::result::Result<u64, Stop> {
        let range = self.take(8)?;
        Ok(number(&self.bytes[range]))
    }

    fn text(&mut self) -> std::result::Result<Range<usize>, Stop> {
        let length = self.eight()?;
        self.take(length)
    }

    fn name(&mut self) -> std::result::Result<String, Stop> {
        let length = self.eight()?;
        if length > LONGEST_NAME as u64 {
            return Err(malformed(format!("a name of {length} bytes")).into());
        }
        let range = self.take(length)?;
        let name = std::str::from_utf8(&self.bytes[range]).map_err(|_| malformed("a name that is not UTF-8"))?;
        Ok(name.to_string())
    }

    /// Reads a value; `after` has to say what follows it.
    fn value(&mut self) -> std::result::Result<Value, Stop> {
        match self.four()? {
            STRING => self.text().map(Value::Text),
            LIST => self.list(),
            kind => {
                let width = width(kind).ok_or_else(|| malformed(format!("a value of type {kind}")))?;
                let range = self.take(width as u64)?;
                let wrong = || malformed("a flag that is neither true nor false");
                Ok(scalar(kind, &self.bytes[range]).ok_or_else(wrong)?)
            }
        }
    }

    fn list(&mut self) -> std::result::Result<Value, Stop> {
        let (kind, count) = (self.four()?, self.eight()?);
        let start = self.at;
        let after = self.after;
        match width(kind) {
            Some(8) if kind == STRING => {
                for at in 0..count {
                    // Each of the others has at least its length.
                    self.after = after.saturating_add((count - at - 1).saturating_mul(8));
                    self.text()?;
                }
                self.after = after;
            }
            Some(width) => {
                self.take(count.saturating_mul(width as u64))?;
            }
            None => return Err(malformed(format!("a list of type {kind}")).into()),
        }
        Ok(Value::List(kind, count as usize, start..self.at))
    }
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |all, byte| all << 8 | u64::from(*byte))
}

/// Returns the bytes of a value of a type, of a string those of its length; `None` for types that there are not, and lists.
fn width(kind: u32) -> Option<usize> {
    match kind {
        0 | 1 | 7 => Some(1),
        2 | 3 => Some(2),
        4..=6 => Some(4),
        STRING | 10..=12 => Some(8),
        _ => None,
    }
}

/// Returns a value that is neither string nor list.
fn scalar(kind: u32, bytes: &[u8]) -> Option<Value> {
    let whole = number(bytes);
    let signed = |bits: u32| Value::Whole((whole << (64 - bits)) as i64 >> (64 - bits));
    Some(match kind {
        // A larger one is no size of anything.
        0 | 2 | 4 | 10 => Value::Whole(i64::try_from(whole).unwrap_or(i64::MAX)),
        1 => signed(8),
        3 => signed(16),
        5 => signed(32),
        11 => signed(64),
        6 => Value::Fraction(f32::from_bits(whole as u32).into()),
        12 => Value::Fraction(f64::from_bits(whole)),
        7 => Value::Flag(match whole {
            0 => false,
            1 => true,
            _ => return None,
        }),
        _ => return None,
    })
}

type Parsed = (BTreeMap<String, Value>, Vec<(String, Entry)>, usize);

/// Reads a header, as far as it has arrived.
fn parse(bytes: &[u8]) -> std::result::Result<Parsed, Stop> {
    let mut cursor = Cursor { bytes, at: 0, after: 16 };
    let prefix = cursor.take(PREFIX as u64)?;
    if !bytes.starts_with(MAGIC) {
        let what = lfs_pointer(bytes).unwrap_or("does not begin with \"GGUF\"");
        return Err(Error::new(Code::WeightsInvalid, format!("the file {what}")).into());
    }
    let version = number(&bytes[prefix][MAGIC.len()..]);
    if !(2..=3).contains(&version) {
        return Err(malformed(format!("its version is {version}; felsic reads 2 and 3, little-endian")).into());
    }
    cursor.after = 8;
    let tensors = cursor.eight()?;
    cursor.after = 0;
    let entries = cursor.eight()?;
    for (what, count) in [("tensors", tensors), ("keys", entries)] {
        if count > MOST_ENTRIES {
            return Err(malformed(format!("it claims {count} {what}; felsic reads at most {MOST_ENTRIES}")).into());
        }
    }
    if tensors == 0 {
        return Err(malformed("it lists no tensor").into());
    }
    let least = tensors.saturating_mul(LEAST_TENSOR);
    let mut values = BTreeMap::new();
    for at in 0..entries {
        cursor.after = least.saturating_add((entries - at - 1).saturating_mul(LEAST_ENTRY));
        let key = cursor.name()?;
        let value = cursor.value()?;
        if values.insert(key.clone(), value).is_some() {
            return Err(malformed(format!("the key {key} is there twice")).into());
        }
    }
    let mut listed = Vec::new();
    for at in 0..tensors {
        cursor.after = (tensors - at - 1).saturating_mul(LEAST_TENSOR);
        listed.push(tensor(&mut cursor)?);
    }
    let alignment = alignment(&values)?;
    let entries = placed(listed, cursor.at, alignment)?;
    Ok((values, entries, alignment))
}

fn alignment(values: &BTreeMap<String, Value>) -> Result<usize> {
    match values.get("general.alignment") {
        None => Ok(ALIGNMENT),
        Some(Value::Whole(given)) => {
            let given =
                usize::try_from(*given).ok().filter(|given| given.is_power_of_two() && *given <= MOST_ALIGNMENT);
            given.ok_or_else(|| malformed("general.alignment is not a power of two up to 65536"))
        }
        Some(_) => Err(malformed("general.alignment is not a whole number")),
    }
}

/// Reads one tensor of the list. Its entry begins at the offset that the file states.
fn tensor(cursor: &mut Cursor<'_>) -> std::result::Result<(String, Entry), Stop> {
    let name = cursor.name()?;
    if name.is_empty() {
        return Err(malformed("a tensor without a name").into());
    }
    let dimensions = cursor.four()?;
    if !(1..=MOST_DIMENSIONS).contains(&dimensions) {
        return Err(malformed(format!("tensor {name} has {dimensions} dimensions")).into());
    }
    let mut shape = Vec::new();
    for _ in 0..dimensions {
        let size = usize::try_from(cursor.eight()?).ok().filter(|size| *size > 0);
        // The file has the innermost first.
        shape.insert(
            0,
            size.ok_or_else(|| malformed(format!("tensor {name} has a dimension of 0, or too large a one")))?,
        );
    }
    let kind = cursor.four()?;
    let start = cursor.eight()?;
    let (element, blocks) = match kind {
        0 => (Some(ElementType::F32), None),
        1 => (Some(ElementType::F16), None),
        30 => (Some(ElementType::BF16), None),
        kind => (None, blocks(kind)),
    };
    let dtype = match (element, blocks) {
        (Some(element), _) => format!("{element:?}"),
        (None, Some(blocks)) => blocks.as_str().to_string(),
        (None, None) => return Err(super::safetensors::unread_type(&name, &format!("{kind} of ggml")).into()),
    };
    let bytes = match (element, blocks) {
        (Some(element), _) => element.bytes_of(&shape),
        (None, blocks) => blocks.and_then(|blocks| blocks.bytes_of(&shape)),
    };
    let bytes = bytes.ok_or_else(|| malformed(format!("tensor {name} of type {dtype} has shape {shape:?}")))?;
    let start = usize::try_from(start).map_err(|_| malformed(format!("tensor {name} begins at byte {start}")))?;
    Ok((name, Entry { element, blocks, dtype, shape, start, bytes }))
}

fn blocks(kind: u32) -> Option<BlockType> {
    Some(match kind {
        2 => BlockType::Q4_0,
        3 => BlockType::Q4_1,
        6 => BlockType::Q5_0,
        7 => BlockType::Q5_1,
        8 => BlockType::Q8_0,
        12 => BlockType::Q4K,
        13 => BlockType::Q5K,
        14 => BlockType::Q6K,
        _ => return None,
    })
}

/// Checks that each tensor begins where the one before it ends, but for the alignment, and returns them with places that
/// count from the end of a header of `header` bytes.
fn placed(listed: Vec<(String, Entry)>, header: usize, alignment: usize) -> Result<Vec<(String, Entry)>> {
    let too_long = || malformed("its tensors have more bytes than can be counted");
    let data = header.checked_next_multiple_of(alignment).ok_or_else(too_long)? - header;
    let mut expected = 0usize;
    let mut placed = Vec::with_capacity(listed.len());
    for (name, entry) in listed {
        if entry.start != expected {
            return Err(malformed(format!("tensor {name} begins at byte {}, not {expected}", entry.start)));
        }
        let end = expected.checked_add(entry.bytes).and_then(|end| end.checked_next_multiple_of(alignment));
        let start = data.checked_add(expected).ok_or_else(too_long)?;
        expected = end.filter(|end| end.checked_add(header + alignment).is_some()).ok_or_else(too_long)?;
        placed.push((name, Entry { start, ..entry }));
    }
    Ok(placed)
}
