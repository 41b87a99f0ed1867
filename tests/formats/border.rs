//! What Rust and TypeScript must both know is the same on both sides; error codes have a test of their own.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use felsic::config::CONFIG_FILE;
use felsic::source::Phase;
use felsic::weights::{INDEX_FILE, Manifest, WEIGHTS_FILE};

/// Reads a file of `pkg/src`.
fn typescript(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("pkg/src").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Returns what stands between `start` and the first `end` after it; `start` stands in the file once.
fn between<'a>(source: &'a str, start: &str, end: &str) -> &'a str {
    let parts: Vec<&str> = source.split(start).collect();
    assert_eq!(parts.len(), 2, "{start:?} stands in the file once");
    parts[1].split(end).next().unwrap_or_default().trim()
}

fn strings(union: &str) -> BTreeSet<&str> {
    union.split('|').map(|name| name.trim().trim_matches('"')).collect()
}

#[test]
fn the_phases_of_a_load_are_those_of_the_api() {
    let types = typescript("types.ts");
    let mut known = strings(between(&types, "readonly phase:", ";"));
    // Making a pack of a checkpoint is told of by TypeScript alone.
    assert!(known.remove("checkpoint"));
    assert!(typescript("checkpoint/packer.ts").contains("phase: \"checkpoint\""));
    assert_eq!(known, Phase::ALL.iter().map(|phase| phase.as_str()).collect());
}

#[test]
fn the_version_of_packs_is_that_of_the_packs_that_pages_keep() {
    let names = typescript("store/names.ts");
    assert_eq!(between(&names, "const PACK_VERSION =", ";"), Manifest::VERSION.to_string());
}

#[test]
fn the_files_of_packs_and_checkpoints_have_the_same_names() {
    let files = typescript("checkpoint/files.ts");
    for (constant, name) in [("CONFIG", CONFIG_FILE), ("WEIGHTS", WEIGHTS_FILE), ("INDEX", INDEX_FILE)] {
        assert_eq!(between(&files, &format!("const {constant} ="), ";"), format!("\"{name}\""), "{constant}");
    }
    assert_eq!(between(&typescript("place.ts"), "new URL(\".\", made[", "])"), format!("\"{}\"", Manifest::FILE));
}
