//! `docs/checkpoints.md` against the code that reads checkpoints.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const READERS: [&str; 4] = [
    "src/config/modern_bert.rs",
    "src/config/bert.rs",
    "src/config/sentence_transformers.rs",
    "src/tokenizer/settings.rs",
];

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("a file of this repository")
}

/// Returns code without its comments.
fn code(path: &str) -> String {
    read(path).lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn table() -> String {
    read("docs/checkpoints.md")
}

/// Returns strings in code that are names of fields or files: words of small letters with an underscore or a file's
/// ending.
fn names(code: &str) -> BTreeSet<&str> {
    let is_name = |text: &&str| {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-./".contains(c);
        let looks = text.contains('_') || text.ends_with(".json") || text.ends_with(".jinja");
        looks && text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(plain)
    };
    code.split('"').skip(1).step_by(2).filter(is_name).collect()
}

#[test]
fn whatever_is_read_stands_in_the_table() {
    let table = table();
    for path in READERS {
        let code = code(path);
        // A quote in a string would turn strings inside out.
        let code = code.replace("\\\"", "'").replace("'\"'", "");
        let names = names(&code);
        assert!(names.len() > 15, "{path}: {names:?}");
        for name in names {
            assert!(table.contains(name), "{path} reads {name}, which docs/checkpoints.md does not have");
        }
    }
}

#[test]
fn whatever_the_table_says_is_honoured_or_refused_is_read() {
    let folders = ["src/config", "src/tokenizer", "src/tokenizer/compact", "src/weights"];
    let files = folders.iter().flat_map(|folder| {
        fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder))
            .expect("a folder")
            .map(|entry| entry.expect("an entry").path())
    });
    let code: String =
        files.filter(|path| path.is_file()).map(|path| fs::read_to_string(path).expect("code")).collect();
    let mut fields = 0;
    for row in table().lines().filter(|line| line.starts_with('|')) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [field, _, felsic] = cells.as_slice() else { panic!("not three cells: {row}") };
        if !felsic.starts_with("honours") && !felsic.starts_with("refuses") {
            continue;
        }
        for name in field.split('`').skip(1).step_by(2) {
            let name = name.strip_prefix("model.").unwrap_or(name);
            // The folders are those that modules.json names.
            let name = name.strip_prefix("2_Normalize/").or(name.strip_prefix("2_Dense/")).unwrap_or(name);
            assert!(code.contains(name), "docs/checkpoints.md has {name}, which no code reads");
            fields += 1;
        }
    }
    assert!(fields > 70, "{fields} fields");
}
