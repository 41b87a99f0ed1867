//! Lines of texts, as people have them.

use std::io::{BufRead, BufReader, Read};

use super::found::{Field, Found, found};
use super::records::{Place, Reading, Record, Unit};
use crate::error::{Code, Error, Result};

/// Longest line, in bytes.
const LONGEST: u64 = 64 << 20;

/// The lines of an input with their numbers.
pub(super) struct Lines<R> {
    input: BufReader<R>,
    /// What messages call it.
    name: String,
    /// The field of a JSON object that has the text; `None` for plain lines.
    field: Option<String>,
    has_ids: bool,
    number: u64,
    reading: Reading,
}

impl<R: Read> Lines<R> {
    pub fn new(input: R, name: &str, field: Option<String>, has_ids: bool, bytes: Option<u64>) -> Self {
        let reading = Reading { done: 0, total: bytes };
        let input = BufReader::with_capacity(1 << 20, input);
        Self { input, name: name.to_string(), field, has_ids, number: 0, reading }
    }

    /// Returns whether a whole line has arrived, or all of the input is there.
    pub fn is_ready(&self) -> bool {
        self.reading.total.is_some() || self.input.buffer().contains(&b'\n')
    }

    /// Returns how many bytes have been read of how many.
    pub fn reading(&self) -> Reading {
        self.reading
    }

    /// Returns the text of the next line, of JSON that of the next line that is not blank; `None` at the end.
    ///
    /// # Errors
    /// [`Code::Io`] where the input cannot be read.
    pub fn next(&mut self) -> Result<Option<Record>> {
        self.line().map_err(|error| Error::new(Code::Io, format!("cannot read {}", self.name)).because(error))
    }

    fn line(&mut self) -> std::io::Result<Option<Record>> {
        loop {
            let mut bytes = Vec::new();
            let count = (&mut self.input).take(LONGEST).read_until(b'\n', &mut bytes)? as u64;
            if count == 0 {
                return Ok(None);
            }
            self.reading.done += count;
            self.number += 1;
            let place = Place { unit: Unit::Line, number: self.number };
            if count == LONGEST && bytes.last() != Some(&b'\n') {
                self.skip_rest()?;
                let text = Err(place.wrong(&format!("is longer than {LONGEST} bytes")));
                return Ok(Some(Record { place, id: None, text }));
            }
            let start = if self.number == 1 { "\u{feff}".as_bytes() } else { b"" };
            let line = bytes.strip_prefix(start).unwrap_or(&bytes);
            match &self.field {
                None => return Ok(Some(plain(line, place))),
                Some(field) if !line.trim_ascii().is_empty() => {
                    return Ok(Some(json(line, field, self.has_ids, place)));
                }
                Some(_) => {}
            }
        }
    }

    /// Skips what is left of a line.
    fn skip_rest(&mut self) -> std::io::Result<()> {
        loop {
            let buffer = self.input.fill_buf()?;
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let (taken, is_over) = (end.map_or(buffer.len(), |end| end + 1), end.is_some() || buffer.is_empty());
            self.input.consume(taken);
            self.reading.done += taken as u64;
            if is_over {
                return Ok(());
            }
        }
    }
}

/// Returns a line that is a text as it stands.
fn plain(line: &[u8], place: Place) -> Record {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let text = str::from_utf8(line).map(str::to_string).map_err(|error| place.wrong("is not UTF-8").because(error));
    Record { place, id: None, text }
}

/// Returns a line of JSON: a string, or an object with one.
fn json(line: &[u8], field: &str, has_ids: bool, place: Place) -> Record {
    let mut its_id = None;
    let text = value(line, field, place).and_then(|found| match found {
        Found::Text(text) => Ok(text),
        Found::Object { text, id } => {
            if has_ids {
                its_id = match id {
                    None | Some(Field::Null) => None,
                    Some(Field::Text(id) | Field::Integer(id)) => Some(id),
                    Some(Field::Other) => {
                        return Err(place.wrong("has an \"id\" that is neither a string nor an integer"));
                    }
                };
            }
            match text {
                Some(Field::Text(text)) => Ok(text),
                _ => Err(place.wrong(&format!("has no {field:?} that is a string"))),
            }
        }
        Found::Other => Err(place.wrong("is neither a JSON string nor an object")),
    });
    Record { place, id: its_id, text }
}

fn value(line: &[u8], field: &str, place: Place) -> Result<Found> {
    let line = str::from_utf8(line).map_err(|error| place.wrong("is not JSON").because(error))?;
    match found(line, field) {
        Ok(found) => Ok(found),
        // Lone surrogates are the only thing in it that JSON allows and UTF-8 does not.
        Err(error) => found(&String::from_utf8_lossy(&without_lone_surrogates(line.as_bytes())), field)
            .map_err(|_| place.wrong("is not JSON").because(error)),
    }
}

/// Returns the same JSON with U+FFFD in the place of every escaped surrogate that is not one of a pair.
fn without_lone_surrogates(line: &[u8]) -> Vec<u8> {
    let unit = |at: usize| -> Option<u16> {
        let digits = line.get(at..at + 6)?.strip_prefix(b"\\u")?;
        digits.iter().try_fold(0, |unit, digit| Some(unit << 4 | char::from(*digit).to_digit(16)? as u16))
    };
    let mut out = Vec::with_capacity(line.len());
    let mut at = 0;
    while at < line.len() {
        let (taken, is_lone) = match (unit(at), unit(at + 6)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => (12, false),
            (Some(0xD800..=0xDFFF), _) => (6, true),
            (Some(_), _) => (6, false),
            (None, _) if line[at] == b'\\' => (2.min(line.len() - at), false),
            (None, _) => (1, false),
        };
        match is_lone {
            true => out.extend_from_slice(b"\\ufffd"),
            false => out.extend_from_slice(&line[at..at + taken]),
        }
        at += taken;
    }
    out
}
