//! Parquet: a row for each text, columns with the names of the fields of JSON lines.

use std::path::Path;

use parquet::basic::Repetition;
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl, get_column_reader};
use parquet::data_type::{ByteArray, DataType};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, RowGroupReader};
use parquet::file::serialized_reader::SerializedFileReader;
use parquet::schema::types::ColumnDescPtr;

use super::{Line, wrong};
use crate::error::{Code, Error, Result};
use crate::guard::guarded;
use crate::source::open;

/// Rows that are read at once.
const BATCH: usize = 128;
/// Most values of a page; writers make pages of a megabyte.
const MOST_VALUES: u32 = 1 << 24;

/// Columns that are read; of `vector` and `embedding` a file has one.
const COLUMNS: [&str; 13] =
    ["id", "text", "embedding", "vector", "title", "url", "tags", "meta", "kind", "start", "end", "trail", "anchor"];

/// Calls `take` with each row of a file, and where it is.
pub(super) fn read(path: &Path, take: &mut dyn FnMut(Line, &str) -> Result<()>) -> Result<()> {
    let (file, _) = open(path)?;
    let name = path.display().to_string();
    let reader = call(&name, || SerializedFileReader::new(file))?;
    let mut first = 1;
    for group in 0..reader.num_row_groups() {
        let group = call(&name, || reader.get_row_group(group))?;
        let mut table = Table::open(&name, group.as_ref())?;
        while table.left > 0 {
            for line in table.batch(first)? {
                take(line, &place(&name, first))?;
                first += 1;
            }
        }
    }
    Ok(())
}

fn place(name: &str, row: usize) -> String {
    format!("{name}, row {row}")
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
struct Table<'a> {
    name: &'a str,
    columns: Vec<Column>,
    /// Rows that have not been read.
    left: usize,
}

/// One column, and how its values make rows.
struct Column {
    name: &'static str,
    reader: ColumnReader,
    /// The level of a value that is there.
    value: i16,
    /// The level of an item that is there; 0 for a column without lists.
    item: i16,
}

/// What a row has in a column.
#[derive(Clone, Debug)]
enum Cell {
    Nothing,
    Text(String),
    Number(i64),
    Numbers(Vec<f32>),
    Texts(Vec<String>),
}

impl<'a> Table<'a> {
    fn open(name: &'a str, group: &dyn RowGroupReader) -> Result<Self> {
        let metadata = group.metadata();
        let left = usize::try_from(metadata.num_rows())
            .map_err(|_| wrong(name, "has a row group with a negative number of rows"))?;
        let mut columns: Vec<Column> = Vec::new();
        for at in 0..metadata.num_columns() {
            let described = metadata.column(at).column_descr_ptr();
            let first = described.path().parts().first().map_or("", String::as_str);
            let Some(column) = COLUMNS.into_iter().find(|known| *known == first) else { continue };
            if columns.iter().any(|other| other.name == column) {
                return Err(wrong(name, &format!("has several columns in \"{column}\"")));
            }
            let item = item_level(&described)
                .ok_or_else(|| wrong(name, &format!("has a column \"{column}\" that is neither a value nor a list")))?;
            let value = described.max_def_level();
            let pages = call(name, || group.get_column_page_reader(at))?;
            let reader = call(name, || Ok(get_column_reader(described, Box::new(Bounded(pages)))))?;
            columns.push(Column { name: column, reader, value, item });
        }
        let has = |column: &str| columns.iter().any(|other| other.name == column);
        if let Some(column) = ["id", "text"].into_iter().find(|column| !has(column)) {
            return Err(wrong(name, &format!("has no column \"{column}\"")));
        }
        match (has("embedding"), has("vector")) {
            (true, true) => Err(wrong(name, "has the columns \"embedding\" and \"vector\": keep one")),
            (false, false) => Err(wrong(name, "has no column \"embedding\"")),
            _ => Ok(Self { name, columns, left }),
        }
    }

    /// Returns the next rows; `first` is the number of the first one.
    fn batch(&mut self, first: usize) -> Result<Vec<Line>> {
        let count = self.left.min(BATCH);
        self.left -= count;
        let mut lines: Vec<Line> = (0..count).map(|_| Line::default()).collect();
        for column in &mut self.columns {
            let cells = column.cells(self.name, count)?;
            for (at, (line, cell)) in lines.iter_mut().zip(cells).enumerate() {
                line.set(column.name, cell).map_err(|what| wrong(&place(self.name, first + at), &what))?;
            }
        }
        Ok(lines)
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
        let (value, item, name) = (self.value, self.item, self.name);
        let place = format!("{file}, column \"{name}\",");
        macro_rules! cells {
            ($reader:expr, $one:expr, $many:expr) => {{
                let read = Levels::read(file, $reader, count)?;
                match item {
                    0 => read.rows(value, &place)?.into_iter().map(|row| row.map_or(Ok(Cell::Nothing), $one)).collect(),
                    _ => read.lists(value, item, count, &place)?.into_iter().map($many).collect(),
                }
            }};
        }
        let text = |bytes: ByteArray| {
            String::from_utf8(bytes.data().to_vec()).map_err(|_| wrong(&place, "has a text that is not UTF-8"))
        };
        let unlike = || wrong(&place, "has values of a type that is not read");
        let no_list = |_| Err(unlike());
        let numbers = |numbers: Vec<f32>| if numbers.is_empty() { Cell::Nothing } else { Cell::Numbers(numbers) };
        match &mut self.reader {
            ColumnReader::ByteArrayColumnReader(reader) => {
                cells!(reader, |one| text(one).map(Cell::Text), |many: Vec<ByteArray>| match many.is_empty() {
                    true => Ok(Cell::Nothing),
                    false => many.into_iter().map(text).collect::<Result<_>>().map(Cell::Texts),
                })
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

impl Line {
    /// Sets the field of a name.
    fn set(&mut self, name: &str, cell: Cell) -> std::result::Result<(), String> {
        let offset = |number| usize::try_from(number).map_err(|_| format!("has a negative \"{name}\""));
        match (name, cell) {
            (_, Cell::Nothing) => {}
            // Tables often number their rows.
            ("id", Cell::Number(number)) => self.id = number.to_string(),
            ("id", Cell::Text(text)) => self.id = text,
            ("text", Cell::Text(text)) => self.text = text,
            ("title", Cell::Text(text)) => self.title = Some(text),
            ("url", Cell::Text(text)) => self.url = Some(text),
            ("kind", Cell::Text(text)) => self.kind = Some(text),
            ("anchor", Cell::Text(text)) => self.anchor = Some(text),
            ("tags", Cell::Texts(texts)) => self.tags = Some(texts),
            ("trail", Cell::Texts(texts)) => self.trail = Some(texts),
            ("start", Cell::Number(number)) => self.start = Some(offset(number)?),
            ("end", Cell::Number(number)) => self.end = Some(offset(number)?),
            ("embedding" | "vector", Cell::Numbers(numbers)) => self.embedding = numbers,
            ("meta", Cell::Text(json)) => {
                let meta = serde_json::from_str(&json).map_err(|_| "has a \"meta\" that is not an object in JSON")?;
                self.meta = Some(meta);
            }
            _ => return Err(format!("has a value of another type in \"{name}\"")),
        }
        Ok(())
    }
}

/// Pages of a column, none with more values than any writer makes: what describes a page may claim billions.
struct Bounded(Box<dyn PageReader>);

impl Bounded {
    fn checked(page: Option<Page>) -> parquet::errors::Result<Option<Page>> {
        match page {
            Some(page) if page.num_values() > MOST_VALUES => {
                Err(ParquetError::General(format!("a page has more than {MOST_VALUES} values")))
            }
            page => Ok(page),
        }
    }
}

impl Iterator for Bounded {
    type Item = parquet::errors::Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for Bounded {
    fn get_next_page(&mut self) -> parquet::errors::Result<Option<Page>> {
        Self::checked(self.0.get_next_page()?)
    }

    fn peek_next_page(&mut self) -> parquet::errors::Result<Option<PageMetadata>> {
        self.0.peek_next_page()
    }

    fn skip_next_page(&mut self) -> parquet::errors::Result<()> {
        self.0.skip_next_page()
    }

    fn at_record_boundary(&mut self) -> parquet::errors::Result<bool> {
        self.0.at_record_boundary()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::*;

    fn fixture(name: &str) -> PathBuf {
        [env!("CARGO_MANIFEST_DIR"), "tests/fixtures/search", name].iter().collect()
    }

    /// Returns the rows of a file, with the numbers that their places have.
    fn rows(path: &Path) -> Result<Vec<(Line, String)>> {
        let mut rows = Vec::new();
        read(path, &mut |line, place| {
            rows.push((line, place.rsplit(' ').next().unwrap_or_default().to_string()));
            Ok(())
        })?;
        Ok(rows)
    }

    #[test]
    fn columns_of_all_forms_are_read() {
        let rows = rows(&fixture("vectors-list.parquet")).expect("sound");
        assert_eq!(rows.iter().map(|(_, number)| number.as_str()).collect::<Vec<_>>(), ["1", "2", "3", "4", "5"]);
        let (first, _) = &rows[0];
        assert_eq!((first.id.as_str(), first.title.as_deref()), ("0", Some("Title 0")));
        assert_eq!(first.tags.as_deref(), Some(&["even".to_string(), "small".to_string()][..]));
        assert_eq!(first.meta.as_ref().and_then(|meta| meta["page"].as_u64()), Some(0));
        assert_eq!((first.embedding.len(), first.start), (256, None));
        assert!(rows[3].0.tags.is_none() && rows[3].0.title.is_none());
        let fixed = super::tests::rows(&fixture("vectors-fixed.parquet")).expect("sound");
        let length = |line: &Line| line.embedding.iter().map(|value| value * value).sum::<f32>().sqrt();
        assert!(fixed.len() == 5 && fixed.iter().all(|(line, _)| (length(line) - 2.5).abs() < 1e-4));
    }

    #[test]
    fn whatever_byte_is_wrong_a_file_is_refused_or_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("damaged.parquet");
        let (mut refused, mut state) = (0, 7u64);
        let mut below = |most: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % most
        };
        // Set to try more.
        let rounds = std::env::var("FELSIC_MUTATIONS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(400);
        for name in ["vectors-list.parquet", "vectors-fixed.parquet"] {
            let sound = fs::read(fixture(name)).expect("a fixture");
            for round in 0..rounds {
                let mut damaged = sound.clone();
                for _ in 0..1 + below(3) {
                    // Half of them in the metadata at the end, where everything else is described.
                    let at = if round % 2 == 0 { sound.len() - 1 - below(2500) } else { below(sound.len()) };
                    damaged[at] ^= 1 << below(8);
                }
                fs::write(&file, &damaged).expect("written");
                if let Err(error) = rows(&file) {
                    assert_eq!(error.code(), Code::InputInvalid, "{error}");
                    refused += 1;
                }
            }
        }
        assert!(refused > rounds / 4, "{refused}");
    }
}
