//! Lines of JSON, and plain lines, as `felsic embed` and `felsic index` read them.

use std::io::Cursor;

use felsic::bulk::{Fill, InputKind, Records};
use felsic::error::Code;

use crate::{Memory, Target, check, mutate};

/// See the module.
pub const TARGET: Target =
    Target { name: "json-lines", seeds, mutate: mutate::json_lines, run, memory: Memory { times: 16, plus: 4 << 20 } };

fn seeds() -> Vec<Vec<u8>> {
    let lines = [
        "\"a text\"\n\"another\"\n\n\"last\"",
        "{\"id\":\"1\",\"text\":\"x\"}\n{\"id\":2,\"text\":\"y\",\"other\":[1,{}]}\n",
        "\u{feff}\"a\"\r\n\"b\"\r\n",
        "plain\ntext",
    ];
    // A tree of this once took seventy times its bytes.
    let deep = format!(
        "[{}1]\n{{\"text\":\"x\",\"a\":{}1{}}}\n",
        "[[[[1]]]],".repeat(20_000),
        "[".repeat(9_000),
        "]".repeat(9_000)
    );
    lines.iter().map(|text| text.as_bytes().to_vec()).chain([deep.into_bytes()]).collect()
}

/// Reads all windows; `take` gets each text or the error that stands for it. Returns the number of records.
pub fn read(mut records: Records<'_>, most: usize) -> usize {
    let mut count = 0;
    loop {
        let (window, error) = records.window(Fill::Whole);
        let is_end = window.is_empty();
        for record in window {
            count += 1;
            assert!(count <= most, "more records than the input can have");
            check::result(record.text, &[Code::InputInvalid]);
        }
        if let Some(error) = error {
            check::error(&error);
            assert!([Code::InputInvalid, Code::Io].contains(&error.code()), "{error}");
            return count;
        }
        if is_end {
            return count;
        }
    }
}

fn run(bytes: &[u8]) {
    for (kind, columns) in [
        (InputKind::JsonLines, &["text"][..]),
        (InputKind::JsonLines, &["text", "id"]),
        (InputKind::PlainLines, &["text"]),
    ] {
        let input = Box::new(Cursor::new(bytes.to_vec()));
        read(Records::lines(input, "lines", kind, columns, Some(bytes.len() as u64)), bytes.len() + 1);
    }
}
