//! Bad input: each kind ends in its own code, never in a panic, and nothing half-loaded is kept.

#[path = "../support/mod.rs"]
mod support;

#[path = "../support/gguf.rs"]
mod gguf_file;

mod checkpoint;
mod codes;
mod files;
mod gguf;
mod groups;
#[cfg(unix)]
mod irregular;
mod manifest;
mod transfer;

use std::sync::LazyLock;

use felsic::pack::{PackOptions, WeightFormat};
use felsic::source::MemorySource;

/// Returns a sound pack, made once.
fn sound() -> MemorySource {
    static PACK: LazyLock<MemorySource> =
        LazyLock::new(|| support::packed(&support::model("tiny-silu"), &PackOptions::default()));
    PACK.clone()
}

/// Returns the same in int4.
fn sound_int4() -> MemorySource {
    static PACK: LazyLock<MemorySource> = LazyLock::new(|| {
        let options = PackOptions { weights: WeightFormat::Int4, table: WeightFormat::Int4, ..PackOptions::default() };
        support::packed(&support::model("tiny-silu"), &options)
    });
    PACK.clone()
}
