//! JSON lines: `{"id", "text", "embedding"}`.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use super::{Line, wrong};
use crate::error::Result;
use crate::source::{io_error, open};
use crate::tree;

/// Longest line, in bytes.
const LONGEST_LINE: u64 = 64 << 20;

/// Calls `take` with each line of a file, and where it is.
pub(super) fn read(path: &Path, take: &mut dyn FnMut(Line, &str) -> Result<()>) -> Result<()> {
    let mut input = BufReader::with_capacity(1 << 20, open(path)?.0);
    let mut bytes = Vec::new();
    for number in 1.. {
        bytes.clear();
        let read = (&mut input).take(LONGEST_LINE + 1).read_until(b'\n', &mut bytes);
        if read.map_err(|error| io_error(path, "read", error))? == 0 {
            break;
        }
        if bytes.trim_ascii().is_empty() {
            continue;
        }
        let place = format!("{}, line {number}", path.display());
        if bytes.len() as u64 > LONGEST_LINE {
            return Err(wrong(&place, &format!("is longer than {LONGEST_LINE} bytes")));
        }
        if tree::is_too_large(&bytes) {
            return Err(wrong(&place, "has more objects and lists than any line needs"));
        }
        let line = serde_json::from_slice(&bytes)
            .map_err(|error| wrong(&place, "is not {\"id\", \"text\", \"embedding\"} in JSON").because(error))?;
        take(line, &place)?;
    }
    Ok(())
}
