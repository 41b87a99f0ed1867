//! The texts of an input, in windows.

use std::fmt;
use std::io::Read;
use std::path::Path;
use std::vec::IntoIter;

use super::lines::Lines;
use crate::columns::{Cell, Names, Rows, Text};
use crate::error::{Code, Error, Result};
use crate::source::open;

/// Most texts of a window.
pub(super) const MOST_TEXTS: usize = 512;
/// A window ends with the text that brings it to this many bytes.
pub(super) const MOST_BYTES: usize = 128 << 10;

/// What the input is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputKind {
    /// Each line is a JSON string, or an object with one; blank lines are skipped.
    JsonLines,
    /// Each line is a text, blank ones too.
    PlainLines,
    /// Each row of a Parquet file has a text in a column.
    Parquet,
}

/// What is counted in an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Lines, from 1; blank ones count.
    Line,
    /// Rows, from 1.
    Row,
}

/// Where a text is in its input; displayed as `line 3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// What is counted.
    pub unit: Unit,
    /// Its number, from 1.
    pub number: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = if self.unit == Unit::Line { "line" } else { "row" };
        write!(f, "{unit} {}", self.number)
    }
}

impl Place {
    /// Returns an error about what is there.
    pub(super) fn wrong(self, what: &str) -> Error {
        Error::new(Code::InputInvalid, format!("{self} {what}"))
    }
}

/// A text of the input.
#[derive(Debug)]
pub struct Record {
    /// Where it is.
    pub place: Place,
    /// Its `id`, a string or an integer, where it has one and ids are read.
    pub id: Option<String>,
    /// The text, or why there is none.
    pub text: Result<String>,
}

/// When a window is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fill {
    /// As soon as no more has arrived: someone who types gets an answer after each line.
    Arrived,
    /// When it has as many texts as windows have. Windows then depend on the input alone.
    Whole,
}

/// How much has been read, for a progress bar: bytes of lines, or rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Read so far.
    pub done: u64,
    /// All that there is; `None` for a pipe.
    pub total: Option<u64>,
}

/// The texts of an input.
pub struct Records<'a>(Source<'a>);

enum Source<'a> {
    Lines(Lines<Box<dyn Read>>),
    Rows(Box<Table<'a>>),
}

impl<'a> Records<'a> {
    /// Opens a file. The names of columns are borrowed, since rows are read with them for as long as there are any: `columns` is that of
    /// the text, then `id` if ids are read.
    ///
    /// # Errors
    /// [`Code::NotFound`]; [`Code::Io`], also for what is not a regular file; [`Code::InputInvalid`] for a file that is not Parquet.
    pub fn open(path: &Path, kind: InputKind, columns: &'a [&'a str]) -> Result<Self> {
        if kind == InputKind::Parquet {
            return Table::open(path, columns).map(|table| Self(Source::Rows(Box::new(table))));
        }
        let (file, bytes) = open(path)?;
        Ok(Self::lines(Box::new(file), &path.display().to_string(), kind, columns, Some(bytes)))
    }

    /// Reads lines from somewhere. `name` is what messages call it, `bytes` how many it has, if that is known.
    pub fn lines(
        input: Box<dyn Read>,
        name: &str,
        kind: InputKind,
        columns: &'a [&'a str],
        bytes: Option<u64>,
    ) -> Self {
        let field = columns.first().filter(|_| kind != InputKind::PlainLines).map(|field| field.to_string());
        Self(Source::Lines(Lines::new(input, name, field, columns.len() > 1, bytes)))
    }

    /// Returns the next texts, none at the end; and the reason if the input cannot be read beyond them.
    pub fn window(&mut self, fill: Fill) -> (Vec<Record>, Option<Error>) {
        let (mut records, mut bytes) = (Vec::new(), 0);
        while records.len() < MOST_TEXTS && bytes < MOST_BYTES {
            if fill == Fill::Arrived && !records.is_empty() && !self.is_ready() {
                break;
            }
            let next = match &mut self.0 {
                Source::Lines(lines) => lines.next(),
                Source::Rows(table) => table.next(),
            };
            match next {
                Ok(Some(record)) => {
                    bytes += record.text.as_ref().map_or(0, String::len);
                    records.push(record);
                }
                Ok(None) => break,
                Err(error) => return (records, Some(error)),
            }
        }
        (records, None)
    }

    /// Returns whether the next text has arrived already.
    pub fn is_ready(&self) -> bool {
        match &self.0 {
            Source::Lines(lines) => lines.is_ready(),
            Source::Rows(_) => true,
        }
    }

    /// Returns how much has been read.
    pub fn reading(&self) -> Reading {
        match &self.0 {
            Source::Lines(lines) => lines.reading(),
            Source::Rows(table) => Reading { done: table.number, total: Some(table.rows.count()) },
        }
    }

    /// Returns what [`Self::reading`] counts: [`Unit::Line`] stands for the bytes of lines.
    pub fn unit(&self) -> Unit {
        if matches!(self.0, Source::Lines(_)) { Unit::Line } else { Unit::Row }
    }
}

/// The rows of a Parquet file.
struct Table<'a> {
    name: String,
    columns: &'a [&'a str],
    rows: Rows<'a>,
    /// Rows that have been taken.
    number: u64,
    /// Texts of rows that have been read and not taken, and their ids, if those are read.
    texts: IntoIter<Cell>,
    ids: IntoIter<Cell>,
}

impl<'a> Table<'a> {
    fn open(path: &Path, columns: &'a [&'a str]) -> Result<Self> {
        let rows = Rows::open(path, columns)?;
        Ok(Self {
            name: path.display().to_string(),
            columns,
            rows,
            number: 0,
            texts: IntoIter::default(),
            ids: IntoIter::default(),
        })
    }

    fn next(&mut self) -> Result<Option<Record>> {
        loop {
            let (name, column) = (&self.name, self.columns.first().copied().unwrap_or("text"));
            if let Some(text) = self.texts.next() {
                self.number += 1;
                let place = Place { unit: Unit::Row, number: self.number };
                return Ok(Some(record(place, column, text, self.ids.next().unwrap_or(Cell::Nothing))));
            }
            let check = |names: Names<'_>| match names.has(column) {
                true => Ok(()),
                false => {
                    let message =
                        format!("{name} has no column {column:?}; name the column of the texts with --column");
                    Err(Error::new(Code::InputInvalid, message))
                }
            };
            let Some(batch) = self.rows.next(&check)? else { return Ok(None) };
            for (name, cells) in batch.columns {
                if name == "id" && self.columns.len() > 1 {
                    self.ids = cells.clone().into_iter();
                }
                if name == column {
                    self.texts = cells.into_iter();
                }
            }
        }
    }
}

fn record(place: Place, column: &str, text: Cell, id: Cell) -> Record {
    let read = |text: Text| text.read().map_err(|what| place.wrong(what));
    let text = match text {
        Cell::Text(text) => read(text),
        Cell::Nothing => Err(place.wrong(&format!("has no text in {column:?}"))),
        _ => Err(place.wrong(&format!("has no text but a value of another type in {column:?}"))),
    };
    let id = match id {
        Cell::Nothing => Ok(None),
        Cell::Text(id) => read(id).map(Some),
        Cell::Number(id) => Ok(Some(id.to_string())),
        _ => Err(place.wrong("has an \"id\" that is neither a text nor an integer")),
    };
    match id {
        Ok(id) => Record { place, id, text },
        Err(wrong) => Record { place, id: None, text: Err(wrong) },
    }
}
