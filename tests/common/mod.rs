//! What several integration tests need.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::path::{Path, PathBuf};

use felsic::embedder::{Embedder, largest_difference};
use felsic::model::DeviceKind;
use felsic::pack::goldens::Goldens;
use felsic::source::open_checkpoint;

/// The tiny models: one of each tokenizer structure.
pub const TINY: [&str; 3] = ["tiny-silu", "tiny-gelu", "tiny-gemma"];

/// A path below `tests/fixtures`.
pub fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(path)
}

/// A tiny model's checkpoint.
pub fn checkpoint(name: &str) -> PathBuf {
    fixture("models").join(name)
}

/// The goldens of a model.
pub fn goldens(name: &str) -> Goldens {
    let file = fixture("goldens").join(format!("{name}.json"));
    Goldens::from_json(&std::fs::read(file).expect("the fixture is there")).expect("the fixture is sound")
}

/// An engine on a checkpoint.
pub fn engine(checkpoint: &Path, device: DeviceKind) -> Embedder {
    let parts = open_checkpoint(checkpoint).expect("the checkpoint is sound");
    pollster::block_on(Embedder::new(parts, device)).expect("the device is there")
}

/// The devices to test on. A GPU adapter is expected (Mesa's software one will do) unless
/// `FELSIC_SKIP_GPU` is set.
pub fn devices() -> Vec<DeviceKind> {
    match std::env::var_os("FELSIC_SKIP_GPU") {
        Some(_) => vec![DeviceKind::Cpu],
        None => vec![DeviceKind::Cpu, DeviceKind::Gpu],
    }
}

/// Largest difference of a component.
pub fn difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    largest_difference(a, b)
}
