//! Columns of Parquet files.

use std::fs;

use felsic::bulk::{InputKind, Records};
use felsic::error::Code;

use super::json_lines::read;
use crate::{Memory, Target, check, mutate, seeds};

/// See the module. A page holds up to 2^24 values, and few bytes may stand for as many of the same.
pub const TARGET: Target =
    Target { name: "parquet", seeds, mutate: mutate::bytes, run, memory: Memory { times: 1000, plus: 64 << 20 } };

fn seeds() -> Vec<Vec<u8>> {
    ["fixed", "list", "zstd"].map(|name| seeds::file(&format!("tests/fixtures/search/vectors-{name}.parquet"))).to_vec()
}

fn run(bytes: &[u8]) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("rows.parquet");
    fs::write(&file, bytes).expect("written");
    for columns in [&["text"][..], &["text", "id"]] {
        let opened = check::result(Records::open(&file, InputKind::Parquet, columns), &[Code::InputInvalid]);
        opened.map(|records| read(records, 1 << 20));
    }
}
