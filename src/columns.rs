//! Native: columns of Parquet files, which are untrusted. Whatever is wrong with a file ends in an error, also what the `parquet` crate
//! panics with.

mod claims;
mod lengths;
mod pages;

use std::path::Path;

use parquet::basic::Repetition;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl, get_column_reader};
use parquet::data_type::{ByteArray, DataType};
use parquet::file::reader::{FileReader, RowGroupReader};
use parquet::file::serialized_reader::SerializedFileReader;
use parquet::schema::types::ColumnDescPtr;

use crate::error::{Code, Error, Result};
use crate::guard::guarded;
use crate::source::open;
use pages::{Allowance, Bounded};

/// Rows that are read at once.
const BATCH: usize = 128;

/// A file whose rows are read in order.
pub(crate) struct Rows<'a> {
    name: String,
    /// The columns that are read, where the file has them.
    wanted: &'a [&'a str],
    reader: SerializedFileReader<claims::Checked>,
    /// The row group that comes next.
    next: usize,
    table: Option<Table>,
}

impl<'a> Rows<'a> {
    /// Opens a file.
    ///
    /// # Errors
    /// [`Code::InputInvalid`] if it is not a Parquet file; those of [`open`].
    pub fn open(path: &Path, wanted: &'a [&'a str]) -> Result<Self> {
        let (file, _) = open(path)?;
        let name = path.display().to_string();
        let reader = call(&name, || SerializedFileReader::new(claims::Checked::new(file)?))?;
        Ok(Self { name, wanted, reader, next: 0, table: None })
    }

    /// Returns the number of rows that the file says to have.
    pub fn count(&self) -> u64 {
        u64::try_from(self.reader.metadata().file_metadata().num_rows()).unwrap_or(0)
    }

    /// Returns the next rows, column by column; `None` at the end. `check` is told which columns a row group has.
    ///
    /// # Errors
    /// [`Code::InputInvalid`] for what cannot be read.
    pub fn next(&mut self, check: &dyn Fn(Names<'_>) -> Result<()>) -> Result<Option<Batch>> {
        loop {
            if let Some(table) = self.table.as_mut().filter(|table| table.left > 0) {
                return table.batch(&self.name).map(Some);
            }
            if self.next >= self.reader.num_row_groups() {
                return Ok(None);
            }
            let group = call(&self.name, || self.reader.get_row_group(self.next))?;
            let table = Table::open(&self.name, group.as_ref(), self.wanted)?;
            check(Names(&table.columns))?;
            self.next += 1;
            self.table = Some(table);
        }
    }
}

/// The columns of a row group that are read.
#[derive(Clone, Copy)]
pub(crate) struct Names<'a>(&'a [Column]);

impl Names<'_> {
    /// Returns whether there is a column.
    pub fn has(self, name: &str) -> bool {
        self.0.iter().any(|column| column.name == name)
    }
}

/// Rows that were read at once: their number, and the cells of each column with its name.
pub(crate) struct Batch {
    pub count: usize,
    pub columns: Vec<(String, Vec<Cell>)>,
}

/// Calls into the crate: what it fails with, and what it panics with, is an error about the file.
fn call<T>(name: &str, read: impl FnOnce() -> parquet::errors::Result<T>) -> Result<T> {
    let message = |hint: &str| Error::new(Code::InputInvalid, format!("{name} cannot be read as Parquet{hint}"));
    match guarded("parquet", read) {
        Ok(read) => read.map_err(|error| {
            let text = error.to_string().to_ascii_lowercase();
            let is_codec = ["codec", "compress", "feature"].into_iter().any(|word| text.contains(word));
            message(if is_codec { "; write it with snappy, gzip or without compression" } else { "" }).because(error)
        }),
        Err(panicked) => Err(message("").because(panicked)),
    }
}

/// The columns of a row group.
struct Table {
    columns: Vec<Column>,
    /// Rows that have not been read.
    left: usize,
}

/// One column, and how its values make rows.
struct Column {
    name: String,
    reader: ColumnReader,
    allowance: Allowance,
    /// The level of a value that is there.
    value: i16,
    /// The level of an item that is there; 0 for a column without lists.
    item: i16,
}

/// What a row has in a column.
#[derive(Clone, Debug)]
pub(crate) enum Cell {
    Nothing,
    Text(Text),
    Number(i64),
    Numbers(Vec<f32>),
    Texts(Vec<Text>),
}

/// A text. Cells share what a dictionary has once, so that a batch of long texts takes no more memory than the page that they are in.
#[derive(Clone, Debug)]
pub(crate) struct Text(ByteArray);

impl Text {
    /// Returns the characters, a copy; if they are none, what a row then has.
    pub fn read(&self) -> std::result::Result<String, &'static str> {
        str::from_utf8(self.0.data()).map(str::to_string).map_err(|_| "has a text that is not UTF-8")
    }
}

impl Table {
    fn open(name: &str, group: &dyn RowGroupReader, wanted: &[&str]) -> Result<Self> {
        let metadata = group.metadata();
        let left = usize::try_from(metadata.num_rows())
            .map_err(|_| wrong(name, "has a row group with a negative number of rows"))?;
        let mut columns: Vec<Column> = Vec::new();
        for at in 0..metadata.num_columns() {
            let described = metadata.column(at).column_descr_ptr();
            let first = described.path().parts().first().map_or("", String::as_str);
            let Some(column) = wanted.iter().find(|known| **known == first) else { continue };
            if columns.iter().any(|other| other.name == *column) {
                return Err(wrong(name, &format!("has several columns in \"{column}\"")));
            }
            let item = item_level(&described)
                .ok_or_else(|| wrong(name, &format!("has a column \"{column}\" that is neither a value nor a list")))?;
            let value = described.max_def_level();
            let pages = call(name, || group.get_column_page_reader(at))?;
            let allowance = Allowance::default();
            let pages = Bounded::new(pages, &described, &allowance);
            let reader = call(name, || Ok(get_column_reader(described, Box::new(pages))))?;
            columns.push(Column { name: column.to_string(), reader, allowance, value, item });
        }
        Ok(Self { columns, left })
    }

    /// Returns the next rows.
    fn batch(&mut self, file: &str) -> Result<Batch> {
        let count = self.left.min(BATCH);
        self.left -= count;
        let cells = |column: &mut Column| Ok((column.name.clone(), column.cells(file, count)?));
        Ok(Batch { count, columns: self.columns.iter_mut().map(cells).collect::<Result<_>>()? })
    }
}

/// Returns the level of an item of a column: 0 for one without lists, `None` for lists in lists and other forms.
fn item_level(column: &ColumnDescPtr) -> Option<i16> {
    let repetition = |column: &ColumnDescPtr| column.self_type().get_basic_info().repetition();
    match (column.path().parts().len(), column.max_rep_level()) {
        (1, 0) => Some(0),
        // `repeated float vector`, or a list of two levels.
        (1 | 2, 1) if repetition(column) == Repetition::REPEATED => Some(column.max_def_level()),
        (3, 1) => match repetition(column) {
            Repetition::OPTIONAL => Some(column.max_def_level() - 1),
            Repetition::REQUIRED => Some(column.max_def_level()),
            Repetition::REPEATED => None,
        },
        _ => None,
    }
}

impl Column {
    /// Reads the cells of `count` rows.
    fn cells(&mut self, file: &str, count: usize) -> Result<Vec<Cell>> {
        let (value, item, name) = (self.value, self.item, &self.name);
        let place = format!("{file}, column \"{name}\",");
        self.allowance.renew();
        macro_rules! cells {
            ($reader:expr, $one:expr, $many:expr) => {{
                let read = Levels::read(file, $reader, count)?;
                match item {
                    0 => read.rows(value, &place)?.into_iter().map(|row| row.map_or(Ok(Cell::Nothing), $one)).collect(),
                    _ => read.lists(value, item, count, &place)?.into_iter().map($many).collect(),
                }
            }};
        }
        let unlike = || wrong(&place, "has values of a type that is not read");
        let no_list = |_| Err(unlike());
        let numbers = |numbers: Vec<f32>| if numbers.is_empty() { Cell::Nothing } else { Cell::Numbers(numbers) };
        match &mut self.reader {
            ColumnReader::ByteArrayColumnReader(reader) => {
                cells!(reader, |one| Ok(Cell::Text(Text(one))), |many: Vec<ByteArray>| Ok(match many.is_empty() {
                    true => Cell::Nothing,
                    false => Cell::Texts(many.into_iter().map(Text).collect()),
                }))
            }
            ColumnReader::Int32ColumnReader(reader) => {
                cells!(reader, |one: i32| Ok(Cell::Number(one.into())), |_: Vec<i32>| no_list(()))
            }
            ColumnReader::Int64ColumnReader(reader) => {
                cells!(reader, |one: i64| Ok(Cell::Number(one)), |_: Vec<i64>| no_list(()))
            }
            ColumnReader::FloatColumnReader(reader) => {
                cells!(reader, |_: f32| no_list(()), |many: Vec<f32>| Ok(numbers(many)))
            }
            ColumnReader::DoubleColumnReader(reader) => cells!(reader, |_: f64| no_list(()), |many: Vec<f64>| Ok(
                numbers(many.into_iter().map(|value| value as f32).collect())
            )),
            _ => Err(unlike()),
        }
    }
}

/// Values of some rows, and the levels that say which rows they belong to.
struct Levels<T> {
    values: Vec<T>,
    definitions: Vec<i16>,
    repetitions: Vec<i16>,
}

impl<T> Levels<T> {
    fn read<D: DataType<T = T>>(file: &str, reader: &mut ColumnReaderImpl<D>, count: usize) -> Result<Self> {
        let mut read = Self { values: Vec::new(), definitions: Vec::new(), repetitions: Vec::new() };
        let Self { values, definitions, repetitions } = &mut read;
        let (rows, _, _) = call(file, || reader.read_records(count, Some(definitions), Some(repetitions), values))?;
        match rows == count {
            true => Ok(read),
            false => Err(wrong(file, "has columns of different lengths")),
        }
    }

    /// Returns the value of each row, if it has one.
    fn rows(self, value: i16, place: &str) -> Result<Vec<Option<T>>> {
        let mut values = self.values.into_iter();
        if value == 0 {
            return Ok(values.map(Some).collect());
        }
        let row = |level| match level == value {
            true => values.next().map(Some).ok_or_else(|| wrong(place, "has fewer values than rows")),
            false => Ok(None),
        };
        self.definitions.into_iter().map(row).collect()
    }

    /// Returns the values of each row.
    fn lists(self, value: i16, item: i16, count: usize, place: &str) -> Result<Vec<Vec<T>>> {
        let mut values = self.values.into_iter();
        let mut lists: Vec<Vec<T>> = Vec::with_capacity(count);
        for (definition, repetition) in self.definitions.into_iter().zip(self.repetitions) {
            if repetition == 0 {
                lists.push(Vec::new());
            }
            if definition == value {
                let (list, value) = lists.last_mut().zip(values.next()).ok_or_else(|| wrong(place, "has no rows"))?;
                list.push(value);
            } else if definition >= item {
                return Err(wrong(place, "has a list with nothing in one of its places"));
            }
        }
        match lists.len() == count {
            true => Ok(lists),
            false => Err(wrong(place, "has more or fewer lists than rows")),
        }
    }
}

/// Returns an error about a place in a file.
fn wrong(place: &str, what: &str) -> Error {
    Error::new(Code::InputInvalid, format!("{place} {what}"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use pages::tests::texts;

    /// Returns what each row of a file with these texts has: where its bytes are, and what it is read as.
    fn cells(texts: &[ByteArray]) -> Vec<(*const u8, Option<String>)> {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("rows.parquet");
        fs::write(&file, pages::tests::rows(texts)).expect("written");
        let mut rows = Rows::open(&file, &["text"]).expect("sound");
        let mut seen = Vec::new();
        while let Some(Batch { columns, .. }) = rows.next(&|_| Ok(())).expect("sound") {
            seen.extend(columns[0].1.iter().map(|cell| match cell {
                Cell::Text(text) => (text.0.data().as_ptr(), text.read().ok()),
                other => panic!("{other:?}"),
            }));
        }
        assert_eq!(seen.len(), texts.len());
        seen
    }

    /// A dictionary of a few packed bytes may stand for a long text, and many rows for it.
    #[test]
    fn rows_share_a_text_that_a_dictionary_has_once() {
        let text = texts()[6].clone();
        let cells = cells(&vec![text.clone(); 1000]);
        assert!(cells.iter().all(|one| *one == cells[0]));
        assert_eq!(cells[0].1.as_deref().map(str::as_bytes), Some(text.data()));
    }

    #[test]
    fn a_row_whose_text_is_none_is_the_only_one() {
        let mut texts = texts();
        texts[500] = b"caf\xe9".to_vec().into();
        let cells = cells(&texts);
        let wrong: Vec<_> = (0..cells.len()).filter(|at| cells[*at].1.is_none()).collect();
        assert_eq!(wrong, [500]);
    }
}
