//! What describes a file of Parquet is in Thrift's compact protocol, where a list says how many items it has. Items that are booleans take
//! no bytes where the `parquet` crate reads over them, so that six bytes can have it count to two billion, and a small file for days.
//! Nothing that a file needs is such a list: files with long ones are refused before the crate sees them. Where the crate reads a description
//! otherwise than the protocol has it, this does not help.
//!
//! The protocol: <https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md>.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use bytes::Bytes;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};

/// Most items without bytes that a description may have.
const MOST_ITEMS: u64 = 1 << 12;
/// As deep as values may lie in each other; the crate reads over 64 levels.
const DEEPEST: u32 = 80;
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
                check(BufReader::new(&file).take(end - start))?;
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
            check(&mut self.inner)?;
            self.inner.seek(SeekFrom::Start(self.start))?;
        }
        self.inner.read(buffer)
    }
}

/// Looks at a description. What is not one, or ends early, is left to the crate to refuse.
fn check(input: impl Read) -> io::Result<()> {
    match (Walk { input, items: MOST_ITEMS }).value(Kind::STRUCT, 0) {
        Err(Stop::Harmful) => Err(io::Error::other("what describes the file has a list longer than any file needs")),
        Ok(()) | Err(Stop::Unlike) => Ok(()),
    }
}

/// Types of values, as the protocol numbers them.
struct Kind;

impl Kind {
    const STRUCT: u8 = 12;
}

enum Stop {
    /// It would take long to read over it.
    Harmful,
    /// It is not of this protocol, or not whole.
    Unlike,
}

struct Walk<R> {
    input: R,
    /// Items without bytes that may still come.
    items: u64,
}

impl<R: Read> Walk<R> {
    fn value(&mut self, kind: u8, depth: u32) -> Result<(), Stop> {
        if depth > DEEPEST {
            return Err(Stop::Harmful);
        }
        match kind {
            // Booleans.
            1 | 2 => Ok(()),
            3 => self.skip(1),
            4..=6 => self.number().map(drop),
            7 => self.skip(8),
            8 => {
                let length = self.number()?;
                self.skip(length)
            }
            9 | 10 => self.list(depth),
            11 => self.map(depth),
            Kind::STRUCT => self.fields(depth),
            13 => self.skip(16),
            _ => Err(Stop::Unlike),
        }
    }

    fn fields(&mut self, depth: u32) -> Result<(), Stop> {
        loop {
            let header = self.byte()?;
            if header & 0x0f == 0 {
                return Ok(());
            }
            if header >> 4 == 0 {
                self.number()?;
            }
            self.value(header & 0x0f, depth + 1)?;
        }
    }

    fn list(&mut self, depth: u32) -> Result<(), Stop> {
        let header = self.byte()?;
        let count = if header >> 4 == 15 { self.number()? } else { u64::from(header >> 4) };
        self.items(count, &[header & 0x0f], depth)
    }

    fn map(&mut self, depth: u32) -> Result<(), Stop> {
        let count = self.number()?;
        if count == 0 {
            return Ok(());
        }
        let kinds = self.byte()?;
        self.items(count, &[kinds >> 4, kinds & 0x0f], depth)
    }

    /// Walks over items, each of values of these types.
    fn items(&mut self, count: u64, kinds: &[u8], depth: u32) -> Result<(), Stop> {
        if kinds.iter().all(|kind| matches!(kind, 1 | 2)) {
            self.items = self.items.checked_sub(count).ok_or(Stop::Harmful)?;
            return Ok(());
        }
        for _ in 0..count {
            for kind in kinds {
                self.value(*kind, depth + 1)?;
            }
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
        if skipped.is_ok_and(|skipped| skipped == count) { Ok(()) } else { Err(Stop::Unlike) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_without_bytes_are_refused_and_nothing_else() {
        // A field of a list (9), which has a count of its own (15) and items that are booleans (1): two billion, or five.
        let billions = [0x19, 0xf1, 0xff, 0xff, 0xff, 0xff, 0x07];
        let five = [0x19, 0x51];
        // A map of booleans to booleans.
        let map = [0x1b, 0xff, 0xff, 0xff, 0xff, 0x07, 0x11];
        let inside = |part: &[u8]| [&[0x19, 0x2c], part, &[0x00], part, &[0x00, 0x00]].concat();
        for harmful in [&billions[..], &map, &inside(&billions), &inside(&map), &[0x1c; 100]] {
            assert!(check(harmful).is_err(), "{harmful:?}");
        }
        let numbers = [0x15, 0x80, 0x01, 0x18, 0x03, b'a', b'b', b'c', 0x17, 0, 0, 0, 0, 0, 0, 0, 0, 0x00];
        // Two billion numbers, of which there are two.
        let short = [0x19, 0xf5, 0xff, 0xff, 0xff, 0xff, 0x07, 1, 2];
        for harmless in [&five[..], &inside(&five), &numbers, &short, b"", b"PAR1", &[0xff; 50]] {
            assert!(check(harmless).is_ok(), "{harmless:?}");
        }
    }
}
