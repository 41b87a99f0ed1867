//! The manifest of a pack.

use felsic::error::Code;
use felsic::weights::Manifest;

use super::pack;
use crate::{Memory, Target, check, mutate};

/// See the module. A value of two bytes of JSON takes 32 in a tree, which is held as well as what is written of it, and a list takes as
/// much again while it grows.
pub const TARGET: Target =
    Target { name: "manifest", seeds, mutate: mutate::json, run, memory: Memory { times: 100, plus: 4 << 20 } };

fn seeds() -> Vec<Vec<u8>> {
    pack::packs().into_iter().map(|mut files| files.remove(Manifest::FILE).expect("a manifest")).collect()
}

fn run(bytes: &[u8]) {
    let codes = [
        Code::ManifestInvalid,
        Code::ManifestUnsupported,
        Code::ConfigInvalid,
        Code::ConfigUnsupported,
        Code::TensorMissing,
        Code::TensorShape,
        Code::TensorType,
    ];
    let Some(manifest) = check::result(Manifest::from_json(bytes, Manifest::FILE), &codes) else { return };
    for entry in manifest.files() {
        assert!(!entry.file.contains(['/', '\\']) && entry.file != "..", "{:?} is no plain name", entry.file);
    }
    manifest.blocks();
    let written = manifest.to_json().expect("numbers are finite");
    assert_eq!(Manifest::from_json(&written, Manifest::FILE).expect("what was written is read"), manifest);
}
