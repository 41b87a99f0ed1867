//! JSON and JSON lines: a section for each item, `name: value` lines.
//!
//! The source is read once, without a tree, so that each value is known to its place. What is no JSON is read as text.

use super::lines::{behind, is_white, tail, within};
use super::outline::Outline;
use super::reading::{Extract, Level, Reading, Shape};

/// Reads JSON: the items of an array at the top, or the values that follow one another.
pub(super) fn read(source: String, title: Option<&str>) -> Reading {
    let mut reader = Reader {
        source: &source,
        extract: Extract::default(),
        outline: Outline::new(title),
        arrays: Vec::new(),
        start: 0,
        level: Level::Paragraph,
        after_name: false,
    };
    reader.read();
    let (extract, outline) = (reader.extract, reader.outline);
    let (title, sections) = outline.finish();
    Reading::of_extract(source, extract, title, sections)
}

struct Reader<'a> {
    source: &'a str,
    extract: Extract,
    outline: Outline,
    /// For each object or array that is open, whether it is an array.
    arrays: Vec<bool>,
    /// Where the line starts that is read.
    start: usize,
    level: Level,
    /// The name of a value has been read.
    after_name: bool,
}

impl Reader<'_> {
    fn read(&mut self) {
        let bytes = self.source.as_bytes();
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            match byte {
                b'{' | b'[' => self.open(byte == b'['),
                b'}' | b']' => self.leave(),
                b',' => self.next(),
                b'"' => {
                    at = self.string(at + 1);
                    continue;
                }
                b':' => {}
                _ if byte.is_ascii_whitespace() => {}
                _ => {
                    at = self.bare(at);
                    continue;
                }
            }
            at += 1;
        }
        self.end_line(Level::Paragraph);
    }

    /// Returns whether what comes is an item of its own.
    fn is_at_top(&self) -> bool {
        match self.arrays[..] {
            [] => true,
            // An array inside of JSON lines is one item.
            [is_array] => is_array,
            _ => false,
        }
    }

    fn open(&mut self, is_array: bool) {
        let is_item = self.arrays.last() == Some(&true) && !is_array;
        // The values of a list stand behind its name.
        if !(is_array && self.after_name) {
            self.end_line(if is_item { Level::Paragraph } else { Level::Item });
        }
        if self.is_at_top() {
            self.outline.divide();
        }
        self.arrays.push(is_array);
    }

    fn leave(&mut self) {
        self.arrays.pop();
        self.end_line(Level::Item);
        if self.is_at_top() {
            self.outline.divide();
        }
    }

    fn next(&mut self) {
        let in_list = self.arrays.len() > 1 && self.arrays.last() == Some(&true);
        if !in_list {
            self.end_line(Level::Item);
        }
        if self.is_at_top() {
            self.outline.divide();
        }
    }

    /// Ends the line that is read, if there is one.
    fn end_line(&mut self, level: Level) {
        let (start, end) = super::lines::trimmed(self.extract.text(), self.start, self.extract.len());
        if start < end {
            self.outline.block(start, end, Shape::Prose, self.level);
            self.extract.add("\n");
            self.level = level;
        } else {
            self.level = self.level.min(level);
        }
        self.start = self.extract.len();
        self.after_name = false;
    }

    /// Adds what stands between the last value and the next one.
    fn before_value(&mut self) {
        if self.arrays.is_empty() {
            self.end_line(Level::Paragraph);
            self.outline.divide();
        }
        if self.extract.len() > self.start {
            self.extract.add(if self.after_name { ": " } else { ", " });
        }
        self.after_name = false;
    }

    /// Reads a string behind its quote; returns where what follows it starts.
    fn string(&mut self, start: usize) -> usize {
        let bytes = self.source.as_bytes();
        let mut end = start;
        while let Some(&byte) = bytes.get(end) {
            match byte {
                b'"' => break,
                b'\\' => end += 2,
                _ => end += 1,
            }
        }
        let end = self.source.floor_char_boundary(end.min(bytes.len()));
        let after = (end + 1).min(bytes.len());
        let next = tail(bytes, after).iter().find(|byte| !byte.is_ascii_whitespace());
        let is_name = self.arrays.last() == Some(&false) && next == Some(&b':');
        if is_name {
            self.end_line(self.level.max(Level::Item));
        }
        let is_empty = within(self.source, start, end).chars().all(is_white);
        if is_empty || (is_name && has_no_value(behind(self.source, after))) {
            return after;
        }
        if !is_name {
            self.before_value();
        }
        self.unescaped(start, end);
        self.after_name = is_name;
        after
    }

    fn unescaped(&mut self, start: usize, end: usize) {
        let mut at = start;
        let mut room = [0; 4];
        while let Some(length) = within(self.source, at, end).find('\\') {
            self.extract.copy(self.source, at, at + length);
            at += length;
            match escape(within(self.source, at, end)) {
                Some((meaning, length)) => {
                    self.extract.take(meaning.encode_utf8(&mut room), at, at + length);
                    at += length;
                }
                None => {
                    self.extract.copy(self.source, at, at + 1);
                    at += 1;
                }
            }
        }
        self.extract.copy(self.source, at, end);
    }

    /// Reads a number, `true`, `false`, or what is no JSON; returns where what follows it starts.
    fn bare(&mut self, start: usize) -> usize {
        let bytes = self.source.as_bytes();
        let is_end = |byte: u8| byte.is_ascii_whitespace() || b",:{}[]\"".contains(&byte);
        let length = tail(bytes, start).iter().position(|&byte| is_end(byte)).unwrap_or(bytes.len() - start);
        let text = within(self.source, start, start + length);
        if text != "null" && !text.chars().all(is_white) {
            self.before_value();
            self.extract.copy(self.source, start, start + length);
        }
        start + length
    }
}

/// Returns whether what follows a name is a colon and nothing that a person reads.
fn has_no_value(text: &str) -> bool {
    let value = text.trim_start().strip_prefix(':').map_or("", str::trim_start);
    ["null", "\"\"", "{}", "[]"].iter().any(|nothing| value.starts_with(nothing))
}

/// Returns what the escape means that a text starts with, and its length.
fn escape(text: &str) -> Option<(char, usize)> {
    let meaning = match text.as_bytes().get(1)? {
        b'n' => '\n',
        b't' => '\t',
        b'r' => '\r',
        b'b' | b'f' => ' ',
        b'u' => return unicode(text),
        byte @ (b'"' | b'\\' | b'/') => char::from(*byte),
        _ => return None,
    };
    Some((meaning, 2))
}

/// Returns the character of `\uXXXX`, or of two of them.
fn unicode(text: &str) -> Option<(char, usize)> {
    let unit = |at: usize| {
        let digits = text.get(at..at + 6)?.strip_prefix("\\u")?;
        digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok())?
    };
    let first = unit(0)?;
    let second = unit(6).filter(|second| (0xdc00..0xe000).contains(second));
    if let (0xd800..0xdc00, Some(second)) = (first, second) {
        let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
        return Some((char::from_u32(code)?, 12));
    }
    Some((char::from_u32(first).unwrap_or('\u{fffd}'), 6))
}
