//! The lines of the input of `felsic embed`, as people have them.

use std::io::{BufRead, BufReader, Read};

use felsic::error::{Code, Error, Result};
use serde_json::Value;

/// Most lines that are taken together.
const TOGETHER: usize = 256;
/// Longest line, in bytes.
const LONGEST: u64 = 64 << 20;

/// A line that is not blank.
pub struct Line {
    /// Its number, from 1; blank lines count.
    pub number: usize,
    /// The text, or why there is none.
    pub text: Result<String>,
}

/// The lines of the input with their numbers.
pub struct Lines<R> {
    input: BufReader<R>,
    number: usize,
}

impl<R: Read> Lines<R> {
    pub fn new(input: R) -> Self {
        Self { input: BufReader::with_capacity(1 << 20, input), number: 0 }
    }

    /// Returns at least one line, unless the input is at its end, and as many more as have arrived already: a file is
    /// read in large batches, while someone who types gets an answer after each line.
    ///
    /// # Errors
    /// [`Code::Io`] where the input cannot be read; what was read before that comes first.
    pub fn batch(&mut self) -> (Vec<Line>, Option<Error>) {
        let mut lines = Vec::new();
        while lines.is_empty() || (lines.len() < TOGETHER && self.input.buffer().contains(&b'\n')) {
            match self.line() {
                Ok(Some(line)) => lines.push(line),
                Ok(None) => break,
                Err(error) => {
                    return (lines, Some(Error::new(Code::Io, "cannot read standard input").because(error)));
                }
            }
        }
        (lines, None)
    }

    /// Returns the next line that is not blank; `None` at the end.
    fn line(&mut self) -> std::io::Result<Option<Line>> {
        loop {
            let mut bytes = Vec::new();
            let count = (&mut self.input).take(LONGEST).read_until(b'\n', &mut bytes)?;
            if count == 0 {
                return Ok(None);
            }
            self.number += 1;
            let number = self.number;
            if count as u64 == LONGEST && bytes.last() != Some(&b'\n') {
                self.skip_rest()?;
                return Ok(Some(Line { number, text: Err(wrong(number, &format!("is longer than {LONGEST} bytes"))) }));
            }
            let start = if number == 1 { "\u{feff}".as_bytes() } else { b"" };
            let line = bytes.strip_prefix(start).unwrap_or(&bytes);
            if !line.trim_ascii().is_empty() {
                return Ok(Some(Line { number, text: text_of(line, number) }));
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
            if is_over {
                return Ok(());
            }
        }
    }
}

/// Returns the text of a line: a JSON string, or an object with one.
fn text_of(line: &[u8], number: usize) -> Result<String> {
    let value = match serde_json::from_slice(line) {
        Ok(value) => value,
        // Lone surrogates are the only thing in it that JSON allows and UTF-8 does not.
        Err(error) => serde_json::from_slice(&without_lone_surrogates(line))
            .map_err(|_| wrong(number, "is not JSON").because(error))?,
    };
    match value {
        Value::String(text) => Ok(text),
        Value::Object(mut object) => match object.remove("text") {
            Some(Value::String(text)) => Ok(text),
            _ => Err(wrong(number, "has no \"text\" that is a string")),
        },
        _ => Err(wrong(number, "is neither a JSON string nor an object")),
    }
}

fn wrong(number: usize, what: &str) -> Error {
    Error::new(Code::InputInvalid, format!("line {number} {what}"))
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
