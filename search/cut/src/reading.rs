//! A document as a person reads it, and where each part of it stands in the source.

use super::lines::within;
use super::outline::Section;

/// What is inside a block, which says where it may be divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Sentences.
    Prose,
    /// Items of a list, each with a marker.
    List,
    /// Lines that matter: code, rows of a table.
    Lines,
    /// A sentence or a line, or a part of one.
    Piece,
}

/// How good a place to cut is: the less, the better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// Between paragraphs.
    Paragraph,
    /// Between items of a list, rows, groups of lines.
    Item,
    /// Between sentences or lines.
    Sentence,
    /// Between words.
    Word,
    /// Inside a word.
    Character,
}

/// A paragraph, list, table or piece of code in the text that a person reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub start: usize,
    pub end: usize,
    pub shape: Shape,
    /// How good the place before the block is for a cut.
    pub level: Level,
}

/// A document as a person reads it.
#[derive(Debug)]
pub(super) struct Reading {
    source: String,
    /// What a person reads, if it is not the source itself.
    text: Option<Extract>,
    pub title: Option<String>,
    pub sections: Vec<Section>,
}

impl Reading {
    /// Creates the reading of a source that people read as it is.
    pub fn of_source(source: String, title: Option<String>, sections: Vec<Section>) -> Self {
        Self { source, text: None, title, sections }
    }

    /// Creates the reading of an extract from a source.
    pub fn of_extract(source: String, text: Extract, title: Option<String>, sections: Vec<Section>) -> Self {
        Self { source, text: Some(text), title, sections }
    }

    /// Returns what a person reads.
    pub fn text(&self) -> &str {
        self.text.as_ref().map_or(&self.source, |extract| &extract.text)
    }

    /// Returns where a part of the text stands in the source, in bytes; `None` for what is not in the source.
    pub fn in_source(&self, start: usize, end: usize) -> Option<(usize, usize)> {
        let (start, end) = match &self.text {
            None => (start, end),
            Some(extract) => (extract.start_in_source(start)?, extract.end_in_source(end)?),
        };
        (start < end).then_some((start, end))
    }

    /// Replaces offsets of bytes in the source by offsets of UTF-16 code units.
    pub fn to_utf16(&self, offsets: &mut [(usize, usize)]) {
        if self.source.is_ascii() {
            return;
        }
        // Starts and ends grow, each by themselves.
        let mut starts = Units::new(&self.source);
        let mut ends = Units::new(&self.source);
        for (start, end) in offsets {
            (*start, *end) = (starts.at(*start), ends.at(*end));
        }
    }
}

/// Counts the UTF-16 code units of a source up to offsets that grow.
struct Units<'a> {
    source: &'a str,
    bytes: usize,
    units: usize,
}

impl<'a> Units<'a> {
    fn new(source: &'a str) -> Self {
        Self { source, bytes: 0, units: 0 }
    }

    /// Returns the offset in code units of an offset in bytes.
    fn at(&mut self, offset: usize) -> usize {
        if offset < self.bytes {
            *self = Self::new(self.source);
        }
        self.units += within(self.source, self.bytes, offset).chars().map(char::len_utf16).sum::<usize>();
        self.bytes = offset;
        self.units
    }
}

/// A text made of parts of a source.
#[derive(Debug, Default)]
pub(super) struct Extract {
    text: String,
    runs: Vec<Run>,
}

/// A part of the text, and the part of the source that it comes from. Of equal lengths, they are equal.
#[derive(Debug)]
struct Run {
    at: usize,
    length: usize,
    from: usize,
    source_length: usize,
}

impl Extract {
    /// Returns the text so far.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the length of the text so far, in bytes.
    pub fn len(&self) -> usize {
        self.text.len()
    }

    /// Adds a part of the source as it is.
    pub fn copy(&mut self, source: &str, start: usize, end: usize) {
        self.take(within(source, start, end), start, end);
    }

    /// Adds what a part of the source means.
    pub fn take(&mut self, text: &str, start: usize, end: usize) {
        let (at, length, source_length) = (self.text.len(), text.len(), end - start);
        self.text.push_str(text);
        let is_copy = length == source_length;
        if let Some(last) = self.runs.last_mut()
            && is_copy
            && last.length == last.source_length
            && last.at + last.length == at
            && last.from + last.length == start
        {
            last.length += length;
            last.source_length += length;
        } else if length > 0 {
            self.runs.push(Run { at, length, from: start, source_length });
        }
    }

    /// Adds what is not in the source.
    pub fn add(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Returns where the text from `start` on starts in the source.
    fn start_in_source(&self, start: usize) -> Option<usize> {
        let run = self.runs.get(self.runs.partition_point(|run| run.at + run.length <= start))?;
        let inside = start.saturating_sub(run.at);
        Some(if run.length == run.source_length { run.from + inside } else { run.from })
    }

    /// Returns where the text up to `end` ends in the source.
    fn end_in_source(&self, end: usize) -> Option<usize> {
        let run = &self.runs[..self.runs.partition_point(|run| run.at < end)].last()?;
        let inside = (end - run.at).min(run.length);
        Some(if run.length == run.source_length { run.from + inside } else { run.from + run.source_length })
    }
}
