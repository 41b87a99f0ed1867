//! Columns of Parquet files.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use felsic::bulk::{InputKind, Records};
use felsic::error::Code;
use parquet::basic::{Compression, GzipLevel};
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use super::json_lines::read;
use crate::{Memory, Target, check, mutate, seeds};

/// See the module. A page holds up to 2^24 values, and few bytes may stand for as many of the same.
pub const TARGET: Target =
    Target { name: "parquet", seeds, mutate: mutate::bytes, run, memory: Memory { times: 1000, plus: 64 << 20 } };

/// Rows of a small file; what its texts repeat is what makes them shorter.
const ROWS: i64 = 6;
/// The row without a text.
const NOTHING: i64 = 2;

fn text(row: i64) -> Option<String> {
    (row != NOTHING).then(|| format!("text {} ", row % 4).repeat(9))
}

/// Files as pyarrow writes them, most of whose bytes are vectors, which are not read here; and small ones.
fn seeds() -> Vec<Vec<u8>> {
    let written = ["fixed", "list", "zstd"].map(|name| format!("tests/fixtures/search/vectors-{name}.parquet"));
    let small = codecs().into_iter().flat_map(|codec| VERSIONS.map(|version| small(codec, version)));
    written.iter().map(|file| seeds::file(file)).chain(small).collect()
}

const VERSIONS: [WriterVersion; 2] = [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0];

fn codecs() -> [Compression; 2] {
    [Compression::SNAPPY, Compression::GZIP(GzipLevel::default())]
}

/// Returns a file of texts with numbers; the first version with dictionaries, the second without.
fn small(codec: Compression, version: WriterVersion) -> Vec<u8> {
    let schema = "message rows { OPTIONAL BYTE_ARRAY text (UTF8); REQUIRED INT64 id; }";
    let schema = Arc::new(parse_message_type(schema).expect("a schema"));
    let properties = WriterProperties::builder()
        .set_compression(codec)
        .set_writer_version(version)
        .set_dictionary_enabled(version == WriterVersion::PARQUET_1_0)
        .set_statistics_enabled(EnabledStatistics::None);
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties.build())).expect("a writer");
    let mut group = writer.next_row_group().expect("a row group");
    let mut texts = group.next_column().expect("a column").expect("that of the texts");
    let there: Vec<i16> = (0..ROWS).map(|row| i16::from(row != NOTHING)).collect();
    let values: Vec<ByteArray> = (0..ROWS).filter_map(text).map(|text| text.into_bytes().into()).collect();
    texts.typed::<ByteArrayType>().write_batch(&values, Some(&there), None).expect("texts");
    texts.close().expect("the column");
    let mut ids = group.next_column().expect("a column").expect("that of the ids");
    ids.typed::<Int64Type>().write_batch(&(0..ROWS).collect::<Vec<_>>(), None, None).expect("ids");
    ids.close().expect("the column");
    group.close().expect("the row group");
    writer.into_inner().expect("the file")
}

fn run(bytes: &[u8]) {
    with_file(bytes, |file| {
        for columns in [&["text"][..], &["text", "id"]] {
            let opened = check::result(Records::open(file, InputKind::Parquet, columns), &[Code::InputInvalid]);
            opened.map(|records| read(records, 1 << 20));
        }
    });
}

/// Calls with the path of a file of these bytes, which is there for that long.
fn with_file(bytes: &[u8], call: impl FnOnce(&Path)) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("rows.parquet");
    fs::write(&file, bytes).expect("written");
    call(&file);
}

#[cfg(test)]
mod tests {
    use super::*;
    use felsic::bulk::Fill;

    /// Else the target would see how files are refused, and nothing more.
    #[test]
    fn seeds_have_rows_of_both_codecs() {
        for codec in codecs() {
            for version in VERSIONS {
                with_file(&small(codec, version), |file| {
                    let mut records = Records::open(file, InputKind::Parquet, &["text", "id"]).expect("sound");
                    let (window, error) = records.window(Fill::Whole);
                    assert!(error.is_none());
                    let ids: Vec<_> = window.iter().map(|record| record.id.clone().expect("an id")).collect();
                    assert_eq!(ids, ["0", "1", "2", "3", "4", "5"]);
                    for (row, record) in (0..).zip(window) {
                        assert_eq!(record.text.ok(), text(row));
                    }
                });
            }
        }
    }
}
