//! The codes of Rust, of TypeScript and of its documentation.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use felsic::error::Code;

/// Only TypeScript ends an embedder, and stores what a browser limits.
const OF_TYPESCRIPT: [&str; 2] = ["destroyed", "quota-exceeded"];

fn file(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("a file of the repository")
}

/// Returns what stands between two marks.
fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let (_, rest) = text.split_once(start).expect("the start");
    rest.split_once(end).expect("the end").0
}

/// Returns what stands in pairs of `quote`.
fn quoted(text: &str, quote: char) -> BTreeSet<String> {
    text.split(quote).skip(1).step_by(2).map(str::to_string).collect()
}

#[test]
fn both_languages_and_the_documentation_have_the_same_codes() {
    let mut wanted: BTreeSet<String> = Code::ALL.iter().map(|code| code.as_str().to_string()).collect();
    assert_eq!(wanted.len(), Code::ALL.len());
    wanted.extend(OF_TYPESCRIPT.map(str::to_string));
    assert_eq!(wanted.len(), Code::ALL.len() + OF_TYPESCRIPT.len());

    let errors = file("pkg/src/errors.ts");
    let list = between(&errors, "export const ERROR_CODES = [", "] as const");
    let lines: Vec<&str> = list.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    assert_eq!(quoted(&lines.join("\n"), '"'), wanted, "pkg/src/errors.ts");

    let readme = file("pkg/README.md");
    let section = between(&readme, "\n## Errors\n", "\n## ");
    // The paragraph with nothing but codes.
    let list = section.split("\n\n").find(|paragraph| paragraph.trim_start().starts_with('`')).expect("the list");
    assert_eq!(quoted(list, '`'), wanted, "pkg/README.md");
}
