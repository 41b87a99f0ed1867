//! Documents as people write them, and their passages as they should be.
//!
//! Each fixture has its passages beside it, in `NAME.passages`; `FELSIC_WRITE_GOLDENS=1` writes them anew, and a person
//! reads what has changed.

use super::{COUNTERS, Counter, assert_whole, characters, checked, options, words};
use felsic_search::cut::{Document, Kind};
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

/// The fixtures: a name, how it is read, and how long passages are.
const FIXTURES: [(&str, Kind, (u32, u32), Counter); 8] = [
    ("guide.md", Kind::Markdown, (70, 12), words),
    ("page.html", Kind::Html, (40, 8), words),
    ("ring.rs", Kind::Code, (60, 0), words),
    ("mail.py", Kind::Code, (45, 8), words),
    ("shop.csv", Kind::Csv, (12, 0), words),
    ("tickets.jsonl", Kind::Json, (20, 0), words),
    ("scripts.txt", Kind::Text, (60, 15), characters),
    ("letter.txt", Kind::Text, (50, 10), words),
];

fn path(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/cut/fixtures", name].iter().collect()
}

fn source(name: &str) -> String {
    fs::read_to_string(path(name)).expect("a fixture")
}

/// Returns a document as a person checks it.
fn shown(document: &Document) -> String {
    let mut shown = format!("title: {:?}\n", document.title);
    for passage in &document.passages {
        let line = passage.input.strip_suffix(&passage.text).map_or("", str::trim_end);
        let anchor = passage.anchor.as_deref().map(|anchor| format!(" #{anchor}")).unwrap_or_default();
        let _ = write!(shown, "\n=== {}..{}{anchor} [{line}]\n{}\n", passage.start, passage.end, passage.text);
    }
    shown.replace('\r', "\\r")
}

#[test]
fn passages_of_real_documents_are_as_they_should_be() {
    let mut differ = Vec::new();
    for (name, kind, (most, overlap), count) in FIXTURES {
        let source = source(name);
        let document = checked(kind, &source, options(most, overlap), ("", count));
        if matches!(kind, Kind::Text | Kind::Code) {
            assert_whole(&source, &document);
        }
        let golden = path(&format!("{name}.passages"));
        let shown = shown(&document);
        if std::env::var_os("FELSIC_WRITE_GOLDENS").is_some() {
            fs::write(&golden, &shown).expect("written");
        }
        if fs::read_to_string(&golden).ok().as_ref() != Some(&shown) {
            differ.push(format!("{name}:\n{shown}"));
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

/// A generator of numbers that is the same everywhere.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % most.max(1)
    }
}

/// What mutations put in.
const PIECES: [&str; 24] = [
    "<",
    ">",
    "\"",
    "'",
    "</",
    "<!--",
    "-->",
    "&",
    "&#",
    ";",
    "```",
    "~~~",
    "#",
    "---",
    "\n",
    "\r\n",
    "\u{0}",
    "\u{feff}",
    "\u{301}",
    "{",
    "]",
    "\\u",
    ",",
    "👨‍👩‍👧",
];

#[test]
fn damaged_documents_have_passages_like_others() {
    // Set to try more.
    let rounds = std::env::var("FELSIC_MUTATIONS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(40);
    let mut numbers = Numbers(14);
    for (name, ..) in FIXTURES {
        let whole = source(name);
        for _ in 0..rounds {
            let mut source = whole.clone();
            for _ in 0..1 + numbers.below(8) {
                let from = source.floor_char_boundary(numbers.below(source.len()));
                let to = source.floor_char_boundary(source.len().min(from + numbers.below(60)));
                match numbers.below(3) {
                    0 => source.replace_range(from..to, ""),
                    1 => source.insert_str(from, PIECES[numbers.below(PIECES.len())]),
                    _ => source.insert_str(from, &source.clone()[from..to]),
                }
            }
            let (kind, counter) = (Kind::ALL[numbers.below(6)], COUNTERS[numbers.below(3)]);
            let most = 1 + numbers.below(80) as u32;
            let document = checked(kind, &source, options(most, numbers.below(most as usize) as u32), counter);
            if matches!(kind, Kind::Text | Kind::Code) {
                assert_whole(&source, &document);
            }
        }
    }
}
