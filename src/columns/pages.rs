//! Pages of a column, unpacked. What is in them says how many values there are, too, and the crate asks for memory for as many at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parquet::basic::Encoding;
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::ParquetError;
use parquet::schema::types::ColumnDescPtr;

use super::lengths;

/// Most values of a page; writers make pages of a megabyte.
const MOST_VALUES: u32 = 1 << 24;
/// Most values of the pages that are opened for one batch of a column of lists, where all may be in one list.
const MOST_ITEMS: u64 = 1 << 23;
/// Bytes that a value of a dictionary takes at least: the length of a text, or a number.
const LEAST: usize = 4;
/// Values whose beginnings are counted together.
const CHUNK: usize = super::BATCH;
/// Most bytes that so many texts may have of the texts before them; they are copied for each.
const MOST_SHARED: i64 = 16 << 20;

type Read<T> = Result<T, ParquetError>;

/// How many values of lists may still come in a batch.
#[derive(Clone)]
pub(super) struct Allowance(Arc<AtomicU64>);

impl Default for Allowance {
    fn default() -> Self {
        Self(Arc::new(MOST_ITEMS.into()))
    }
}

impl Allowance {
    /// A batch begins.
    pub fn renew(&self) {
        self.0.store(MOST_ITEMS, Ordering::Relaxed);
    }

    fn spend(&self, items: u32) -> Read<()> {
        let left = self.0.load(Ordering::Relaxed).checked_sub(items.into());
        self.0.store(left.ok_or_else(|| harmful("lists are longer than any file needs"))?, Ordering::Relaxed);
        Ok(())
    }
}

/// Pages that claim no more than can be.
pub(super) struct Bounded {
    pages: Box<dyn PageReader>,
    /// Largest levels of repetition and of definition; without them, a page has none.
    levels: [i16; 2],
    allowance: Allowance,
}

impl Bounded {
    pub fn new(pages: Box<dyn PageReader>, column: &ColumnDescPtr, allowance: &Allowance) -> Self {
        let levels = [column.max_rep_level(), column.max_def_level()];
        Self { pages, levels, allowance: allowance.clone() }
    }

    fn check(&self, page: &Page) -> Read<()> {
        let count = page.num_values();
        if count > MOST_VALUES {
            return Err(harmful(&format!("a page has more than {MOST_VALUES} values")));
        }
        if let Page::DictionaryPage { buf, .. } = page {
            return match count as usize > buf.len() / LEAST {
                true => Err(harmful("a dictionary is shorter than it says")),
                false => Ok(()),
            };
        }
        if self.levels[0] > 0 {
            self.allowance.spend(count)?;
        }
        match page.encoding() {
            Encoding::DELTA_LENGTH_BYTE_ARRAY => {
                lengths::read(self.values(page)?, count, |_| ()).map(drop).ok_or_else(unlike)
            }
            Encoding::DELTA_BYTE_ARRAY => check_beginnings(self.values(page)?, count),
            _ => Ok(()),
        }
    }

    /// Returns what a page has behind its levels.
    fn values<'a>(&self, page: &'a Page) -> Read<&'a [u8]> {
        let (buf, start) = match page {
            Page::DataPageV2 { buf, def_levels_byte_len, rep_levels_byte_len, .. } => {
                (buf, *def_levels_byte_len as usize + *rep_levels_byte_len as usize)
            }
            Page::DataPage { buf, num_values, def_level_encoding, rep_level_encoding, .. } => {
                let mut start = 0;
                for (level, encoding) in self.levels.into_iter().zip([rep_level_encoding, def_level_encoding]) {
                    if level > 0 {
                        start += levels_length(buf.get(start..).ok_or_else(short)?, *encoding, level, *num_values)?;
                    }
                }
                (buf, start)
            }
            Page::DictionaryPage { buf, .. } => (buf, 0),
        };
        buf.get(start..).ok_or_else(short)
    }
}

/// Returns the bytes that levels of a page of the first version take.
fn levels_length(levels: &[u8], encoding: Encoding, most: i16, count: u32) -> Read<usize> {
    if encoding != Encoding::RLE {
        // As many bits for each as the largest has.
        return Ok((count as usize * (i16::BITS - most.leading_zeros()) as usize).div_ceil(8));
    }
    let length = levels.first_chunk().map(|length| u32::from_le_bytes(*length)).ok_or_else(short)?;
    Ok(4 + length as usize)
}

/// Checks lengths of beginnings that texts share with those before them, then those of their ends.
fn check_beginnings(values: &[u8], count: u32) -> Read<()> {
    let mut shared = Shared::default();
    let rest = lengths::read(values, count, |length| shared.add(length)).ok_or_else(unlike)?;
    lengths::read(rest, count, |_| ()).ok_or_else(unlike)?;
    match shared.most > MOST_SHARED {
        true => Err(harmful("a page has longer texts than any file needs")),
        false => Ok(()),
    }
}

/// How many bytes texts have of those before them.
#[derive(Default)]
struct Shared {
    texts: usize,
    /// Of the texts of this chunk so far.
    bytes: i64,
    /// Of any chunk.
    most: i64,
}

impl Shared {
    fn add(&mut self, length: i32) {
        if self.texts.is_multiple_of(CHUNK) {
            self.bytes = 0;
        }
        self.texts += 1;
        self.bytes += i64::from(length.max(0));
        self.most = self.most.max(self.bytes);
    }
}

fn harmful(what: &str) -> ParquetError {
    ParquetError::General(what.to_string())
}

fn unlike() -> ParquetError {
    harmful("a page has lengths of texts that cannot be")
}

fn short() -> ParquetError {
    harmful("a page is shorter than it says")
}

impl Iterator for Bounded {
    type Item = Read<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for Bounded {
    fn get_next_page(&mut self) -> Read<Option<Page>> {
        let page = self.pages.get_next_page()?;
        page.as_ref().map_or(Ok(()), |page| self.check(page))?;
        Ok(page)
    }

    fn peek_next_page(&mut self) -> Read<Option<PageMetadata>> {
        self.pages.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Read<()> {
        self.pages.skip_next_page()
    }

    fn at_record_boundary(&mut self) -> Read<bool> {
        self.pages.at_record_boundary()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::VecDeque;
    use std::sync::Arc;

    use super::*;
    use bytes::Bytes;
    use parquet::basic::{Compression, Type as Physical};
    use parquet::column::reader::{ColumnReader, get_column_reader};
    use parquet::data_type::{ByteArray, ByteArrayType};
    use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::file::writer::SerializedFileWriter;
    use parquet::schema::parser::parse_message_type;
    use parquet::schema::types::{ColumnDescriptor, ColumnPath, Type};

    /// Pages that are there already.
    struct Pages(VecDeque<Page>);

    impl Iterator for Pages {
        type Item = Read<Page>;

        fn next(&mut self) -> Option<Self::Item> {
            self.get_next_page().transpose()
        }
    }

    impl PageReader for Pages {
        fn get_next_page(&mut self) -> Read<Option<Page>> {
            Ok(self.0.pop_front())
        }

        fn peek_next_page(&mut self) -> Read<Option<PageMetadata>> {
            Ok(None)
        }

        fn skip_next_page(&mut self) -> Read<()> {
            Ok(())
        }
    }

    /// Returns why the pages of a column with such levels are refused.
    fn refused(levels: [i16; 2], pages: impl IntoIterator<Item = Page>) -> Option<String> {
        let text = Type::primitive_type_builder("text", Physical::BYTE_ARRAY).build().expect("a type");
        let column = ColumnDescriptor::new(Arc::new(text), levels[1], levels[0], ColumnPath::from("text"));
        let pages = Box::new(Pages(pages.into_iter().collect()));
        Bounded::new(pages, &Arc::new(column), &Allowance::default())
            .find_map(|page| page.err())
            .map(|error| error.to_string())
    }

    fn page(encoding: Encoding, num_values: u32, buf: impl Into<Bytes>) -> Page {
        let [def_level_encoding, rep_level_encoding] = [Encoding::RLE; 2];
        Page::DataPage {
            buf: buf.into(),
            num_values,
            encoding,
            def_level_encoding,
            rep_level_encoding,
            statistics: None,
        }
    }

    fn dictionary(num_values: u32, bytes: usize) -> Page {
        Page::DictionaryPage { buf: vec![0; bytes].into(), num_values, encoding: Encoding::PLAIN, is_sorted: false }
    }

    /// Returns packed lengths: blocks of 128 in four parts, this many, the first of which is this, and nothing for the differences, which are 0.
    fn packed(count: u8, first: u8) -> Vec<u8> {
        let head = vec![0x80, 0x01, 4, count, first << 1];
        [head, if count > 1 { vec![0; 5] } else { Vec::new() }].concat()
    }

    #[test]
    fn a_page_has_no_more_lengths_than_values() {
        for (encoding, rest) in
            [(Encoding::DELTA_LENGTH_BYTE_ARRAY, vec![]), (Encoding::DELTA_BYTE_ARRAY, packed(9, 0))]
        {
            let page = |levels: &[u8], count| page(encoding, count, [levels, &packed(9, 0), &rest].concat());
            assert_eq!(refused([0, 0], [page(&[], 9)]), None);
            let many = "Parquet error: a page has lengths of texts that cannot be";
            assert_eq!(refused([0, 0], [page(&[], 8)]).as_deref(), Some(many));
            // Behind levels, too: their length, and a run of eight and more.
            let levels = [2, 0, 0, 0, 18, 1];
            assert_eq!(refused([0, 1], [page(&levels, 9)]), None);
            assert_eq!(refused([0, 1], [page(&levels, 8)]).as_deref(), Some(many));
            assert!(
                refused([0, 1], [page(&[200, 0, 0, 0, 18, 1], 9)]).is_some_and(|why| why.ends_with("than it says"))
            );
        }
        // The second list of lengths.
        let second = page(Encoding::DELTA_BYTE_ARRAY, 9, [packed(9, 0), packed(10, 0)].concat());
        assert!(refused([0, 0], [second]).is_some());
    }

    #[test]
    fn texts_have_a_bounded_part_of_those_before_them() {
        // One length of 2^20, 100 times, is more than 2^24; 10 times is less.
        let lengths = |count| [&[0x80, 0x01, 4, count, 0x80, 0x80, 0x80, 0x01][..], &[0; 5]].concat();
        let page =
            |count: u8| page(Encoding::DELTA_BYTE_ARRAY, count.into(), [lengths(count), packed(count, 0)].concat());
        assert_eq!(refused([0, 0], [page(10)]), None);
        assert!(refused([0, 0], [page(100)]).is_some_and(|why| why.contains("longer texts")));
    }

    #[test]
    fn dictionaries_pages_and_lists_have_what_can_be() {
        assert_eq!(refused([0, 0], [dictionary(25, 100)]), None);
        assert!(refused([0, 0], [dictionary(26, 100)]).is_some_and(|why| why.contains("dictionary")));
        let plain = |count| page(Encoding::PLAIN, count, vec![0; 100]);
        assert_eq!(refused([0, 0], [plain(MOST_VALUES), plain(MOST_VALUES)]), None);
        assert!(refused([0, 0], [plain(MOST_VALUES + 1)]).is_some_and(|why| why.contains("values")));
        let half = MOST_ITEMS as u32 / 2;
        assert_eq!(refused([1, 1], [plain(half), plain(half)]), None);
        assert!(refused([1, 1], [plain(half), plain(half), plain(1)]).is_some_and(|why| why.contains("lists")));
    }

    /// Returns how a column is written, with a dictionary if no encoding is given.
    fn properties(encoding: Option<Encoding>, version: WriterVersion) -> WriterProperties {
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_writer_version(version)
            .set_statistics_enabled(EnabledStatistics::None)
            .set_data_page_row_count_limit(300);
        match encoding {
            None => properties.build(),
            Some(encoding) => properties.set_dictionary_enabled(false).set_encoding(encoding).build(),
        }
    }

    /// Writes texts of a column of this kind.
    fn written(kind: &str, properties: WriterProperties, levels: &[Vec<i16>; 2], texts: &[ByteArray]) -> Vec<u8> {
        let schema = Arc::new(parse_message_type(&format!("message rows {{ {kind} }}")).expect("a schema"));
        let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties)).expect("a writer");
        let mut group = writer.next_row_group().expect("a row group");
        let mut column = group.next_column().expect("a column").expect("the only one");
        let [repetitions, definitions] = levels;
        let [repetitions, definitions] =
            [repetitions, definitions].map(|levels| (!levels.is_empty()).then_some(&levels[..]));
        column.typed::<ByteArrayType>().write_batch(texts, definitions, repetitions).expect("texts");
        column.close().expect("the column");
        group.close().expect("the row group");
        writer.into_inner().expect("the file")
    }

    /// Returns a file with a text in each row.
    pub fn rows(texts: &[ByteArray]) -> Vec<u8> {
        let properties = properties(None, WriterVersion::PARQUET_1_0);
        written("REQUIRED BYTE_ARRAY text;", properties, &[vec![], vec![]], texts)
    }

    /// A thousand texts that begin alike.
    pub fn texts() -> Vec<ByteArray> {
        (0..1000_u32)
            .map(|at| format!("begins alike {} {at}", "and on ".repeat(at as usize % 7)).into_bytes().into())
            .collect()
    }

    #[test]
    fn what_writers_write_is_read() {
        let encodings =
            [None, Some(Encoding::PLAIN), Some(Encoding::DELTA_LENGTH_BYTE_ARRAY), Some(Encoding::DELTA_BYTE_ARRAY)];
        // A row without a text after every third, and lists of two.
        let nothing: Vec<i16> = (0..1000).flat_map(|at| if at % 3 == 0 { vec![1, 0] } else { vec![1] }).collect();
        let lists: Vec<i16> = (0..1000).map(|at| at % 2).collect();
        let kinds = [
            ("REQUIRED BYTE_ARRAY text;", [vec![], vec![]]),
            ("OPTIONAL BYTE_ARRAY text;", [vec![], nothing]),
            ("REPEATED BYTE_ARRAY text;", [lists, vec![1; 1000]]),
        ];
        for ((kind, levels), version) in kinds
            .iter()
            .flat_map(|kind| [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0].map(|version| (kind, version)))
        {
            for encoding in encodings {
                let file = Bytes::from(written(kind, properties(encoding, version), levels, &texts()));
                let file = SerializedFileReader::new(file).expect("a file");
                let group = file.get_row_group(0).expect("a group");
                let described = group.metadata().column(0).column_descr_ptr();
                let pages = group.get_column_page_reader(0).expect("pages");
                let pages = Bounded::new(pages, &described, &Allowance::default());
                let ColumnReader::ByteArrayColumnReader(mut reader) = get_column_reader(described, Box::new(pages))
                else {
                    panic!("not a column of texts");
                };
                let mut read = Vec::new();
                let (mut definitions, mut repetitions) = (Vec::new(), Vec::new());
                let rows = reader.read_records(5000, Some(&mut definitions), Some(&mut repetitions), &mut read);
                assert!(rows.is_ok_and(|(rows, _, _)| rows >= 500), "{kind} {encoding:?}");
                assert_eq!(read, texts(), "{kind} {encoding:?}");
            }
        }
    }
}
