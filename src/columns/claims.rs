//! What describes a file of Parquet is in Thrift's compact protocol, where a list says how many items it has. Items that are booleans take
//! no bytes where the `parquet` crate reads over them, so that six bytes can have it count to two billion, and a small file for days.
//! Nothing that a file needs is such a list: files with long ones are refused before the crate sees them. The crate reads a field that it knows as the type
//! that Parquet gives it, whatever type the file says; such files are refused, too (`parquet_types`), so that the crate finds what was looked at here.
//!
//! Other numbers have the crate ask for memory at once: how many children a node of the schema has, how many bytes a page is and becomes. They have to be
//! possible. And the crate builds the schema by calling itself for each level, so that a schema has as many levels as anything else.
//!
//! The protocol: <https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md>.

mod parquet_types;

use parquet_types::{Claim, FILE, Fields, PAGE, Type};

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use bytes::Bytes;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};

/// Most items without bytes that a description may have.
const MOST_ITEMS: u64 = 1 << 12;
/// As deep as values may lie in each other; the crate reads over 64 levels.
const DEEPEST: u32 = 80;
/// Most bytes that a byte of a page becomes: DEFLATE makes 1,032 of one at most.
const MOST_UNPACKED: i64 = 1100;
/// Bytes that any page may become.
const ANY_UNPACKED: i64 = 1 << 16;
/// The end of a file: the length of its description, and the name of the format.
const END: u64 = 8;

/// A file whose descriptions are looked at before they are read.
pub(super) struct Checked(File);

impl Checked {
    /// Looks at the description of the whole file.
    pub fn new(mut file: File) -> io::Result<Self> {
        let length = file.metadata()?.len();
        if let Some(end) = length.checked_sub(END) {
            let mut last = [0; 4];
            file.seek(SeekFrom::Start(end))?;
            file.read_exact(&mut last)?;
            if let Some(start) = end.checked_sub(u32::from_le_bytes(last).into()) {
                file.seek(SeekFrom::Start(start))?;
                check(BufReader::new(&file).take(end - start), FILE)?;
            }
        }
        Ok(Self(file))
    }
}

impl Length for Checked {
    fn len(&self) -> u64 {
        self.0.len()
    }
}

impl ChunkReader for Checked {
    type T = Header;

    fn get_read(&self, start: u64) -> Result<Header, ParquetError> {
        // The end of the file is no description.
        let is_checked = start.saturating_add(END) >= self.0.len();
        Ok(Header { inner: self.0.get_read(start)?, start, is_checked })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        // The crate asks for the memory before it reads.
        if start.checked_add(length as u64).is_none_or(|end| end > self.0.len()) {
            return Err(ParquetError::EOF(format!("{length} bytes from byte {start} on are not in the file")));
        }
        self.0.get_bytes(start, length)
    }
}

/// Reads the description of a page, if anything is read: the crate also asks for it where it has it already, and then for other bytes.
pub(super) struct Header {
    inner: BufReader<File>,
    start: u64,
    is_checked: bool,
}

impl Read for Header {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.is_checked {
            self.is_checked = true;
            check(&mut self.inner, PAGE)?;
            self.inner.seek(SeekFrom::Start(self.start))?;
        }
        self.inner.read(buffer)
    }
}

/// Looks at a description with these fields. What is not one, or ends early, is left to the crate to refuse.
fn check(input: impl Read, fields: Fields) -> io::Result<()> {
    let mut walk = Walk { input, items: MOST_ITEMS, claimed: Claimed::default(), free: 0, open: Vec::new() };
    match walk.fields(fields, 0).and_then(|()| walk.claimed.page()) {
        Err(Stop::Harmful) => Err(io::Error::other("what describes the file has a list longer than any file needs")),
        Err(Stop::Untrue) => Err(io::Error::other("what describes the file says what cannot be")),
        Err(Stop::Other) => Err(io::Error::other("what describes the file has a field of another type than Parquet's")),
        Err(Stop::Short) => Err(io::Error::other("what describes the file ends in the middle of a value")),
        Ok(()) | Err(Stop::Unlike) => Ok(()),
    }
}

enum Stop {
    /// It would take long to read over it.
    Harmful,
    /// A field that Parquet has is of another type.
    Other,
    /// It ends within a value of many bytes. The crate does not notice where it reads over such values, and reads on behind the end.
    Short,
    /// A number that memory is asked for cannot be right.
    Untrue,
    /// It is not of this protocol, or not whole.
    Unlike,
}

/// The last number of each kind that memory is asked for.
#[derive(Default)]
struct Claimed {
    children: i64,
    packed: i64,
    unpacked: i64,
}

impl Claimed {
    fn set(&mut self, claim: Claim, number: i64) {
        match claim {
            Claim::Children => self.children = number,
            Claim::Packed => self.packed = number,
            Claim::Unpacked => self.unpacked = number,
        }
    }

    /// Checks what a page becomes.
    fn page(&self) -> Result<(), Stop> {
        let most = self.packed.saturating_mul(MOST_UNPACKED).saturating_add(ANY_UNPACKED);
        if self.unpacked > most { Err(Stop::Untrue) } else { Ok(()) }
    }
}

struct Walk<R> {
    input: R,
    /// Items without bytes that may still come.
    items: u64,
    claimed: Claimed,
    /// Nodes of the schema that may still be claimed as children.
    free: i64,
    /// How many children are still to come, for the last node and those around it.
    open: Vec<i64>,
}

impl<R: Read> Walk<R> {
    /// Walks over a value of a type that the protocol numbers `kind`; `wanted` is Parquet's, where it has one.
    fn value(&mut self, kind: u8, wanted: Option<&Type>, depth: u32) -> Result<(), Stop> {
        if depth > DEEPEST {
            return Err(Stop::Harmful);
        }
        if wanted.is_some_and(|wanted| !wanted.is(kind)) {
            return Err(Stop::Other);
        }
        match kind {
            // Booleans.
            1 | 2 => Ok(()),
            3 => self.skip(1),
            4..=6 => {
                let number = signed(self.number()?);
                if let Some(Type::Claim(claim)) = wanted {
                    // The crate keeps the lower half.
                    self.claimed.set(*claim, (number as i32).into());
                }
                Ok(())
            }
            7 => self.skip(8),
            8 => {
                let length = self.number()?;
                self.skip(length)
            }
            9 | 10 => self.list(wanted, depth),
            11 => self.map(depth),
            12 => match wanted {
                Some(Type::Node(fields)) => {
                    self.claimed.children = 0;
                    self.fields(fields, depth)?;
                    self.node()
                }
                Some(Type::Struct(fields)) => self.fields(fields, depth),
                _ => self.fields(&[], depth),
            },
            13 => self.skip(16),
            _ => Err(Stop::Unlike),
        }
    }

    fn fields(&mut self, fields: Fields, depth: u32) -> Result<(), Stop> {
        let mut id = 0i16;
        loop {
            let header = self.byte()?;
            if header & 0x0f == 0 {
                return Ok(());
            }
            id = match header >> 4 {
                0 => signed(self.number()?) as i16,
                more => id.checked_add(i16::from(more)).ok_or(Stop::Unlike)?,
            };
            let wanted = fields.iter().find(|(known, _)| *known == id).map(|(_, wanted)| wanted);
            self.value(header & 0x0f, wanted, depth + 1)?;
        }
    }

    fn list(&mut self, wanted: Option<&Type>, depth: u32) -> Result<(), Stop> {
        let header = self.byte()?;
        let count = if header >> 4 == 15 { self.number()? } else { u64::from(header >> 4) };
        let wanted = if let Some(Type::List(wanted)) = wanted { Some(*wanted) } else { None };
        if let Some(Type::Node(_)) = wanted {
            // Every node but the first is a child.
            self.free = i64::try_from(count).unwrap_or(i64::MAX) - 1;
            self.open.clear();
        }
        self.items(count, &[header & 0x0f], wanted, depth)
    }

    fn map(&mut self, depth: u32) -> Result<(), Stop> {
        let count = self.number()?;
        if count == 0 {
            return Ok(());
        }
        let kinds = self.byte()?;
        self.items(count, &[kinds >> 4, kinds & 0x0f], None, depth)
    }

    /// Walks over items, each of values of these types.
    fn items(&mut self, count: u64, kinds: &[u8], wanted: Option<&Type>, depth: u32) -> Result<(), Stop> {
        if kinds.iter().all(|kind| matches!(kind, 1 | 2)) {
            if wanted.is_some() && count > 0 {
                return Err(Stop::Other);
            }
            self.items = self.items.checked_sub(count).ok_or(Stop::Harmful)?;
            return Ok(());
        }
        for _ in 0..count {
            for kind in kinds {
                self.value(*kind, wanted, depth + 1)?;
            }
        }
        Ok(())
    }

    /// Checks the children of the node that has just been walked over, and how deep they lie.
    fn node(&mut self) -> Result<(), Stop> {
        let children = self.claimed.children;
        if children != 0 {
            self.free = self.free.checked_sub(children).ok_or(Stop::Untrue)?;
            self.open.push(children);
            let is_possible = children > 0 && self.free >= 0 && self.open.len() <= DEEPEST as usize;
            return if is_possible { Ok(()) } else { Err(Stop::Untrue) };
        }
        // It ends with itself, and ends those whose last child it is.
        while let Some(left) = self.open.last_mut() {
            *left -= 1;
            if *left > 0 {
                break;
            }
            self.open.pop();
        }
        Ok(())
    }

    /// Reads a number of variable length, as the crate does: bits beyond 64 are lost.
    fn number(&mut self) -> Result<u64, Stop> {
        let (mut number, mut shift) = (0u64, 0u32);
        loop {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f).wrapping_shl(shift);
            if byte & 0x80 == 0 {
                return Ok(number);
            }
            shift = shift.wrapping_add(7);
        }
    }

    fn byte(&mut self) -> Result<u8, Stop> {
        let mut byte = [0];
        self.input.read_exact(&mut byte).map_err(|_| Stop::Unlike)?;
        Ok(byte[0])
    }

    fn skip(&mut self, count: u64) -> Result<(), Stop> {
        let skipped = io::copy(&mut self.input.by_ref().take(count), &mut io::sink());
        if skipped.is_ok_and(|skipped| skipped == count) { Ok(()) } else { Err(Stop::Short) }
    }
}

/// Returns the number with a sign that Parquet writes as this one, here and in pages.
pub(super) fn signed(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A field that Parquet does not have.
    const UNKNOWN: [u8; 2] = [0x00, 100];

    /// Returns a value of the type that the first byte's lower half is, as a field that Parquet does not have.
    fn unknown(value: &[u8]) -> Vec<u8> {
        [&[value[0] & 0x0f, UNKNOWN[1]], &value[1..]].concat()
    }

    #[test]
    fn long_lists_without_bytes_are_refused_and_nothing_else() {
        // A field of a list (9), which has a count of its own (15) and items that are booleans (1): two billion, or five.
        let billions = [0x19, 0xf1, 0xff, 0xff, 0xff, 0xff, 0x07];
        let five = [0x19, 0x51];
        // A map of booleans to booleans.
        let map = [0x1b, 0xff, 0xff, 0xff, 0xff, 0x07, 0x11];
        let inside = |part: &[u8]| [&[0x19, 0x2c], part, &[0x00], part, &[0x00, 0x00]].concat();
        for harmful in [&billions[..], &map, &inside(&billions), &inside(&map), &[0x1c; 100]] {
            for fields in [FILE, PAGE] {
                assert!(check(&*unknown(harmful), fields).is_err(), "{harmful:?}");
            }
        }
        let numbers = [0x15, 0x80, 0x01, 0x18, 0x03, b'a', b'b', b'c', 0x17, 0, 0, 0, 0, 0, 0, 0, 0, 0x00];
        // Two billion numbers, of which there are two.
        let short = [0x19, 0xf5, 0xff, 0xff, 0xff, 0xff, 0x07, 1, 2];
        for harmless in [&five[..], &inside(&five), &numbers, &short] {
            assert!(check(&*unknown(harmless), &[]).is_ok(), "{harmless:?}");
        }
        // Two billion numbers of eight bytes each, of which none is there: the crate would count them behind the end.
        assert!(check(&*unknown(&[0x19, 0xf7, 0xff, 0xff, 0xff, 0xff, 0x07]), PAGE).is_err());
        for harmless in [&b""[..], &[0xff; 50]] {
            assert!(check(harmless, FILE).is_ok(), "{harmless:?}");
        }
    }

    #[test]
    fn a_field_that_parquet_has_is_of_its_type() {
        // The version, a number, and the columns, a list of structures; a structure's name, bytes.
        let sound = [0x15, 0x02, 0x19, 0x1c, 0x48, 0x01, b'a', 0x00, 0x00];
        assert!(check(&sound[..], FILE).is_ok());
        for (at, other) in [(0, 0x18), (2, 0x15), (3, 0x15), (3, 0xf1), (4, 0x45)] {
            let mut file = sound;
            file[at] = other;
            assert!(check(&file[..], FILE).is_err(), "byte {at} as {other:x}");
        }
        // No items at all are of no type.
        assert!(check(&[0x29, 0x00, 0x00][..], FILE).is_ok());
    }

    /// Writes a number below 8,192 as the protocol does, with a sign.
    fn number(number: u32) -> [u8; 2] {
        let signed = 2 * number;
        [(signed % 128) as u8 | 0x80, (signed / 128) as u8]
    }

    /// Returns the description of a file whose schema has nodes with so many children.
    fn schema(children: &[u32]) -> Vec<u8> {
        let node = |children: &u32| {
            if *children == 0 { vec![0x00] } else { [&[0x55], &number(*children)[..], &[0x00]].concat() }
        };
        let nodes: Vec<u8> = children.iter().flat_map(node).collect();
        [&[0x29, 0xfc, children.len() as u8], &nodes[..], &[0x00]].concat()
    }

    #[test]
    fn no_more_children_than_nodes_and_not_too_deep() {
        let chain = |length: usize| [vec![1; length - 1], vec![0]].concat();
        for sound in [&[0][..], &[1, 0], &[2, 0, 0], &[2, 1, 0, 1, 0], &chain(70)] {
            assert!(check(&*schema(sound), FILE).is_ok(), "{sound:?}");
        }
        for other in [&[1][..], &[2, 0], &[4000, 0, 0], &[2, 2, 0, 1, 0], &chain(100)] {
            assert!(check(&*schema(other), FILE).is_err(), "{other:?}");
        }
        // Minus one.
        assert!(check(&[0x29, 0x2c, 0x55, 0x01, 0x00, 0x00, 0x00][..], FILE).is_err());
    }

    #[test]
    fn a_page_becomes_what_its_bytes_can_become() {
        let page =
            |unpacked: &[u8], packed: u32| [&[0x15, 0x00, 0x15], unpacked, &[0x15], &number(packed), &[0x00]].concat();
        let billion = [0x80, 0xa8, 0xd6, 0xb9, 0x07];
        assert!(check(&*page(&number(8000), 100), PAGE).is_ok());
        assert!(check(&*page(&number(8000), 0), PAGE).is_ok(), "a small one");
        assert!(check(&*page(&billion, 100), PAGE).is_err());
    }
}
