//! Documents to passages: properties, goldens, hostile sources.

mod goldens;
mod hostile;
mod properties;
mod rules;

use felsic_search::Result;
use felsic_search::cut::{Document, Kind, Options, cut};

/// A way to count tokens.
type Counter = fn(&str) -> u32;

/// Counts words, and each character of scripts without spaces.
fn words(text: &str) -> u32 {
    let far = text.chars().filter(|&c| c > '\u{2e80}').count();
    (text.split_whitespace().count() + far) as u32
}

fn characters(text: &str) -> u32 {
    text.chars().count() as u32
}

fn thirds(text: &str) -> u32 {
    text.len().div_ceil(3) as u32
}

/// Every counter, with its name.
const COUNTERS: [(&str, Counter); 3] = [("words", words), ("characters", characters), ("thirds", thirds)];

fn options(most_tokens: u32, overlap_tokens: u32) -> Options {
    Options { most_tokens, overlap_tokens, title: None }
}

/// Cuts a source; tokens are counted by `count`.
fn passages(kind: Kind, source: &str, options: Options, count: Counter) -> Document {
    let counted = |texts: &[&str]| -> Result<Vec<u32>> { Ok(texts.iter().map(|text| count(text)).collect()) };
    cut(kind, source, options, counted).expect("the options are valid")
}

/// Checks what holds for all passages of all sources; returns the document.
fn checked(kind: Kind, source: &str, options: Options, (name, count): (&str, Counter)) -> Document {
    let (most, overlap) = (options.most_tokens, options.overlap_tokens);
    let document = passages(kind, source, options, count);
    let at = bytes_of_units(source);
    let what = format!("{kind:?}, {most} {name}, {overlap} repeated, {:?}", source.get(..200).unwrap_or(source));
    let mut before: Option<&felsic_search::cut::Passage> = None;
    for passage in &document.passages {
        let (start, end) = (at[passage.start], at[passage.end]);
        let slice = &source[start.expect("a character's start")..end.expect("a character's end")];
        assert!(!slice.trim().is_empty(), "{what}");
        assert_eq!(passage.text.trim(), passage.text, "{what}");
        if matches!(kind, Kind::Text | Kind::Markdown | Kind::Code) {
            assert_eq!(slice, passage.text, "{what}");
        }
        let line = passage.input.strip_suffix(&passage.text).expect("the input ends with the text");
        assert!(line.is_empty() || line.lines().count() == 1 && line.ends_with('\n'), "{what}: {line:?}");
        assert!(count(&passage.input) <= most || passage.input.chars().count() == 1, "{what}: {:?}", passage.input);
        if let Some(before) = before {
            assert!(before.start < passage.start && before.end < passage.end, "{what}: {before:?} {passage:?}");
            assert!(overlap > 0 || before.end <= passage.start, "{what}: {before:?} {passage:?}");
        }
        before = Some(passage);
    }
    document
}

/// Returns for each offset in UTF-16 code units the offset in bytes, if a character starts there.
fn bytes_of_units(source: &str) -> Vec<Option<usize>> {
    let mut at = Vec::with_capacity(source.len() + 1);
    for (byte, c) in source.char_indices() {
        at.push(Some(byte));
        at.extend((1..c.len_utf16()).map(|_| None));
    }
    at.push(Some(source.len()));
    at
}

/// Checks that each character of a source that is not white is in a passage.
fn assert_whole(source: &str, document: &Document) {
    let at = bytes_of_units(source);
    let mut end = 0;
    for passage in &document.passages {
        let start = at[passage.start].expect("a character's start");
        if start > end {
            assert_eq!(source[end..start].trim_matches(is_white), "", "lost before {:?}", passage.text);
        }
        end = end.max(at[passage.end].expect("a character's end"));
    }
    assert_eq!(source[end..].trim_matches(is_white), "", "lost at the end");
}

fn is_white(c: char) -> bool {
    c.is_whitespace() || c == '\u{feff}'
}
