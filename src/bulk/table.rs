//! Vectors in Parquet: lines while they are made, which become row groups at the end, since a row group cannot be continued.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Seek, Write};
use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use parquet::basic::Compression;
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, FloatType, Int32Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::ColumnPath;
use serde::{Deserialize, Serialize};

use super::engine::Answer;
use super::journal::Head;
use super::json;
use crate::error::{Code, Error, Result};
use crate::source::io_error;

/// Rows of a row group: what a page reads at once.
const GROUP: usize = 1000;
/// Longest line: a text of the longest line of input, escaped.
const LONGEST: u64 = 512 << 20;

/// A row, as a line of the partial file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: Option<String>,
    text: Option<String>,
    /// f32 in little-endian order, in base64.
    vector: Option<String>,
    tokens: Option<i32>,
    truncated: bool,
    error: Option<String>,
}

/// Returns an answer as a line of the partial file; with its text if it has an id.
pub(super) fn line(answer: &Answer, id: Option<String>) -> Result<Vec<u8>> {
    let made = answer.made.as_ref().ok();
    let bytes = |made: &super::Made| made.vector.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    json::line(&Row {
        text: answer.text.clone().filter(|_| id.is_some()),
        id,
        vector: made.map(|made| STANDARD.encode(bytes(made))),
        tokens: made.map(|made| i32::try_from(made.tokens).unwrap_or(i32::MAX)),
        truncated: made.is_some_and(|made| made.truncated),
        error: answer.made.as_ref().err().map(|error| format!("{error} [{}]", error.code())),
    })
}

/// Writes the lines of the partial file as Parquet, all of it to the disk.
///
/// # Errors
/// [`Code::Io`], also for lines that are not those of [`line`].
pub(super) fn write(lines: &mut File, part: &Path, whole: &Path, head: &Head) -> Result<()> {
    lines.rewind().map_err(|error| io_error(part, "read", error))?;
    let mut lines = Lines { input: BufReader::with_capacity(1 << 20, lines), part, dimensions: head.dimensions };
    let file = File::create(whole).map_err(|error| io_error(whole, "write", error))?;
    let failed = |error: ParquetError| Error::new(Code::Io, format!("cannot write {}", whole.display())).because(error);
    let schema = parse_message_type(&schema(head)).map_err(failed)?;
    let mut writer = SerializedFileWriter::new(BufWriter::new(&file), Arc::new(schema), Arc::new(properties(head)))
        .map_err(failed)?;
    loop {
        let rows = lines.group()?;
        if rows.is_empty() {
            break;
        }
        write_group(&mut writer, rows, head).map_err(failed)?;
    }
    let mut buffer = writer.into_inner().map_err(failed)?;
    buffer.flush().and_then(|()| file.sync_all()).map_err(|error| io_error(whole, "write", error))
}

/// Returns the columns. Only where a text may have no vector, it may have none of the rest.
fn schema(head: &Head) -> String {
    let is_sure = if head.keep_going { "OPTIONAL" } else { "REQUIRED" };
    let (text, error) = match (head.with_text, head.keep_going) {
        (false, false) => (String::new(), ""),
        (true, false) => ("REQUIRED BYTE_ARRAY id (UTF8); REQUIRED BYTE_ARRAY text (UTF8);".to_string(), ""),
        (false, true) => (String::new(), "OPTIONAL BYTE_ARRAY error (UTF8);"),
        (true, true) => (
            "REQUIRED BYTE_ARRAY id (UTF8); OPTIONAL BYTE_ARRAY text (UTF8);".to_string(),
            "OPTIONAL BYTE_ARRAY error (UTF8);",
        ),
    };
    format!(
        "message felsic {{ {text} {is_sure} group embedding (LIST) {{ REPEATED group list {{ REQUIRED FLOAT element; }} }} \
         {is_sure} INT32 tokens; REQUIRED BOOLEAN truncated; {error} }}"
    )
}

/// Returns how columns are written: texts with snappy; vectors plain, since nothing makes them smaller. The file says which space they are of.
fn properties(head: &Head) -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_key_value_metadata(Some(vec![KeyValue::new("felsic.space".to_string(), head.space.clone())]));
    for column in ["id", "text", "error"] {
        properties = properties.set_column_compression(ColumnPath::from(column), Compression::SNAPPY);
    }
    properties.build()
}

/// A row whose vector has been read.
struct Whole {
    row: Row,
    vector: Option<Vec<f32>>,
}

struct Lines<'a> {
    input: BufReader<&'a mut File>,
    part: &'a Path,
    dimensions: usize,
}

impl Lines<'_> {
    /// Returns the next rows, none at the end.
    fn group(&mut self) -> Result<Vec<Whole>> {
        let mut rows = Vec::new();
        while rows.len() < GROUP {
            let mut bytes = Vec::new();
            let read = (&mut self.input).take(LONGEST).read_until(b'\n', &mut bytes);
            if read.map_err(|error| io_error(self.part, "read", error))? == 0 {
                break;
            }
            let whole = self.row(&bytes).ok_or_else(|| {
                let message = format!("{} has been changed meanwhile: remove it to start again", self.part.display());
                Error::new(Code::Io, message)
            })?;
            rows.push(whole);
        }
        Ok(rows)
    }

    fn row(&self, line: &[u8]) -> Option<Whole> {
        let mut row: Row = serde_json::from_slice(line).ok()?;
        let Some(vector) = row.vector.take() else { return Some(Whole { row, vector: None }) };
        let bytes = STANDARD.decode(vector).ok()?;
        let (values, rest) = bytes.as_chunks::<4>();
        let vector: Vec<f32> = values.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        let is_one = rest.is_empty() && vector.len() == self.dimensions;
        is_one.then_some(Whole { row, vector: Some(vector) })
    }
}

type Written = parquet::errors::Result<()>;

fn write_group<W: Write + Send>(writer: &mut SerializedFileWriter<W>, mut rows: Vec<Whole>, head: &Head) -> Written {
    let mut group = writer.next_row_group()?;
    let mut next = |write: &mut dyn FnMut(&mut SerializedColumnWriter<'_>) -> Written| -> Written {
        let missing = || ParquetError::General("a column is missing".to_string());
        let mut column = group.next_column()?.ok_or_else(missing)?;
        write(&mut column)?;
        column.close()
    };
    if head.with_text {
        next(&mut |column| texts(column, rows.iter_mut().map(|whole| whole.row.id.take()), false))?;
        next(&mut |column| texts(column, rows.iter_mut().map(|whole| whole.row.text.take()), head.keep_going))?;
    }
    next(&mut |column| vectors(column, &rows, head.keep_going))?;
    let tokens: Vec<i32> = rows.iter().filter_map(|whole| whole.row.tokens).collect();
    let there: Vec<i16> = rows.iter().map(|whole| whole.row.tokens.is_some().into()).collect();
    let there = head.keep_going.then_some(there.as_slice());
    next(&mut |column| column.typed::<Int32Type>().write_batch(&tokens, there, None).map(drop))?;
    let truncated: Vec<bool> = rows.iter().map(|whole| whole.row.truncated).collect();
    next(&mut |column| column.typed::<BoolType>().write_batch(&truncated, None, None).map(drop))?;
    if head.keep_going {
        next(&mut |column| texts(column, rows.iter_mut().map(|whole| whole.row.error.take()), true))?;
    }
    group.close().map(drop)
}

/// Writes a column of texts; one that is missing is nothing where the column may have that, and empty where not.
fn texts(
    column: &mut SerializedColumnWriter<'_>,
    texts: impl Iterator<Item = Option<String>>,
    is_optional: bool,
) -> Written {
    let texts: Vec<Option<String>> = texts.collect();
    let levels: Vec<i16> = texts.iter().map(|text| text.is_some().into()).collect();
    let values: Vec<ByteArray> = match is_optional {
        true => texts.into_iter().flatten().map(|text| ByteArray::from(text.into_bytes())).collect(),
        false => texts.into_iter().map(|text| ByteArray::from(text.unwrap_or_default().into_bytes())).collect(),
    };
    let levels = is_optional.then_some(levels.as_slice());
    column.typed::<ByteArrayType>().write_batch(&values, levels, None).map(drop)
}

/// Writes a column of lists: a repetition of 0 begins a row.
fn vectors(column: &mut SerializedColumnWriter<'_>, rows: &[Whole], is_optional: bool) -> Written {
    let item = if is_optional { 2 } else { 1 };
    let (mut values, mut definitions, mut repetitions) = (Vec::new(), Vec::new(), Vec::new());
    for whole in rows {
        match &whole.vector {
            Some(vector) => {
                values.extend_from_slice(vector);
                definitions.extend(vector.iter().map(|_| item));
                repetitions.extend((0..vector.len()).map(|at| i16::from(at > 0)));
            }
            None => {
                definitions.push(0);
                repetitions.push(0);
            }
        }
    }
    column.typed::<FloatType>().write_batch(&values, Some(&definitions), Some(&repetitions)).map(drop)
}
