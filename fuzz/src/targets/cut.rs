//! Sources that search cuts into passages: HTML, Markdown, CSV, JSON, code, texts. The first byte says which, the second how
//! long passages may be.

use felsic_search::Result;
use felsic_search::cut::{Kind, Options, cut};

use crate::random::Random;
use crate::{Memory, Target, mutate, seeds};

/// See the module.
pub const TARGET: Target = Target { name: "cut", seeds, mutate, run, memory: Memory { times: 100, plus: 4 << 20 } };

fn seeds() -> Vec<Vec<u8>> {
    let of = |kind: Kind, text: &[u8]| {
        let number = Kind::ALL.iter().position(|other| *other == kind).expect("it is one of all");
        [&[number as u8, 30], text].concat()
    };
    let fixture = |kind, name: &str| of(kind, &seeds::file(&format!("search/tests/cut/fixtures/{name}")));
    vec![
        fixture(Kind::Markdown, "guide.md"),
        fixture(Kind::Text, "letter.txt"),
        fixture(Kind::Html, "page.html"),
        fixture(Kind::Code, "ring.rs"),
        of(Kind::Csv, b"id,name,text\n1,\"a, b\",\"x \"\"y\"\"\nz\"\n2,c,d\n"),
        of(Kind::Json, br#"[{"title":"a","tags":["b",1,null],"text":"c \u00e9"},{"d":{"e":[true,[]]}}]"#),
        of(Kind::Json, b"{\"a\":1}\n{\"a\":\"two\"}\n"),
    ]
}

/// Changes the two leading bytes seldom.
fn mutate(random: &mut Random, input: Vec<u8>, others: &[Vec<u8>]) -> Vec<u8> {
    match input.split_first_chunk::<2>() {
        Some((head, source)) if !random.one_in(10) => {
            [&head[..], &mutate::text(random, source.to_vec(), others)].concat()
        }
        _ => mutate::bytes(random, input, others),
    }
}

fn words(text: &str) -> u32 {
    text.split_whitespace().count() as u32 + text.chars().filter(|c| *c > '\u{2e80}').count() as u32
}

fn run(bytes: &[u8]) {
    let Some(([kind, most], source)) = bytes.split_first_chunk() else { return };
    let kind = Kind::ALL[usize::from(*kind) % Kind::ALL.len()];
    let most = 1 + u32::from(*most);
    let source = String::from_utf8_lossy(source);
    let options = Options { most_tokens: most, overlap_tokens: most / 8, title: None };
    let count = |texts: &[&str]| -> Result<Vec<u32>> { Ok(texts.iter().map(|text| words(text)).collect()) };
    let document = cut(kind, source.as_ref(), options, count).expect("the options are valid");
    let units = source.encode_utf16().count();
    let mut before = (0, 0);
    for (number, passage) in document.passages.iter().enumerate() {
        assert!(passage.start < passage.end && passage.end <= units, "{kind:?}: {passage:?}");
        assert!(number == 0 || before.0 < passage.start && before.1 < passage.end, "{kind:?}: {before:?} {passage:?}");
        assert!(passage.input.ends_with(&passage.text) && !passage.text.trim().is_empty(), "{kind:?}: {passage:?}");
        assert!(words(&passage.input) <= most || passage.input.chars().count() == 1, "{kind:?}, {most}: {passage:?}");
        before = (passage.start, passage.end);
    }
}
