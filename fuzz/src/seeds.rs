//! Sound inputs to begin with: files of the tests, and those in `corpus/`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Target;
use crate::archive::Files;

/// The tiny checkpoints of the tests.
pub const MODELS: [&str; 4] = ["tiny-silu", "tiny-gelu", "tiny-gemma", "tiny-bert"];

/// Returns a path in the repository.
pub fn path(inside: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(inside)
}

/// Reads a file of the repository.
///
/// # Panics
/// If it is not there.
pub fn file(inside: &str) -> Vec<u8> {
    fs::read(path(inside)).unwrap_or_else(|error| panic!("{inside}: {error}"))
}

/// Returns a checkpoint's folder.
pub fn model(name: &str) -> PathBuf {
    path("tests/fixtures/models").join(name)
}

/// Reads the files at the top of a folder.
///
/// # Panics
/// If it cannot be read.
pub fn folder(path: &Path) -> Files {
    let entries = fs::read_dir(path).expect("a folder").map(|entry| entry.expect("an entry"));
    let files = entries.filter(|entry| entry.path().is_file());
    files
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path()).expect("a file")))
        .collect()
}

/// Returns all inputs that a target begins with, in an order that does not change.
pub fn all(target: &Target) -> Vec<Vec<u8>> {
    let corpus = path("fuzz/corpus").join(target.name);
    let checked_in = if corpus.is_dir() { folder(&corpus) } else { Files::new() };
    (target.seeds)().into_iter().chain(checked_in.into_values()).collect()
}
