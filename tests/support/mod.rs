//! What several tests need: fixtures, engines, packs in memory, checkpoints with something changed.
#![allow(dead_code, reason = "each test binary uses a part")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use felsic::embedder::{Embedder, largest_difference};
use felsic::error::{Code, Error};
use felsic::model::DeviceKind;
use felsic::pack::{PackOptions, pack};
use felsic::source::{MemorySource, Parts, load_pack, open_checkpoint};
use felsic::verify::goldens::Goldens;
use felsic::weights::{StoredTensor, Tensors, safetensors};
use sha2::{Digest, Sha256};

/// The tiny models, one of each tokenizer structure: byte-level o200k; byte-level GPT-2; characters.
pub const TINY: [&str; 3] = ["tiny-silu", "tiny-gelu", "tiny-gemma"];

/// The tiny model of BERT's architecture.
pub const BERT: &str = "tiny-bert";

/// The tiny models whose positions are counted from the padding token's: byte-level GPT-2, Unigram.
pub const ROBERTA: &str = "tiny-roberta";
pub const XLM_ROBERTA: &str = "tiny-xlmr";

/// Returns a path below `tests/fixtures`.
pub fn fixture(path: impl AsRef<Path>) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(path)
}

/// Returns a tiny model's checkpoint.
pub fn model(name: &str) -> PathBuf {
    fixture("models").join(name)
}

/// Returns the file with the goldens of a model.
pub fn golden_file(name: &str) -> PathBuf {
    fixture("goldens").join(format!("{name}.json"))
}

/// Reads the goldens of a model.
pub fn goldens(name: &str) -> Goldens {
    Goldens::read(&golden_file(name)).expect("the fixture is sound")
}

/// Opens an engine on a checkpoint.
pub fn engine(checkpoint: &Path, device: DeviceKind) -> Embedder {
    engine_of(open_checkpoint(checkpoint).expect("the checkpoint is sound"), device)
}

/// Makes an engine from what has been read.
pub fn engine_of(parts: Parts, device: DeviceKind) -> Embedder {
    pollster::block_on(Embedder::new(parts, device)).expect("the device is there")
}

/// Returns the devices to test on. With the feature `gpu`, a GPU adapter is expected (Mesa's software one will do) unless
/// `FELSIC_SKIP_GPU` is set.
pub fn devices() -> Vec<DeviceKind> {
    match cfg!(feature = "gpu") && std::env::var_os("FELSIC_SKIP_GPU").is_none() {
        true => vec![DeviceKind::Cpu, DeviceKind::Gpu],
        false => vec![DeviceKind::Cpu],
    }
}

/// Measures what this thread computes; other programs on the machine do not lengthen that.
pub struct Stopwatch {
    wall: Instant,
    processor: Option<Duration>,
}

impl Stopwatch {
    /// Starts to measure.
    pub fn start() -> Self {
        Self { wall: Instant::now(), processor: processor_time() }
    }

    /// Returns the processor's time since the start; where the system does not report it, the time on the wall.
    pub fn elapsed(&self) -> Duration {
        match (self.processor, processor_time()) {
            (Some(start), Some(now)) => now - start,
            _ => self.wall.elapsed(),
        }
    }
}

/// Returns the time that this thread has run, on Linux.
fn processor_time() -> Option<Duration> {
    let told = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    told.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

/// Returns the largest difference of a component.
pub fn difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    largest_difference(a, b)
}

/// Makes a copy of a checkpoint that may be changed.
pub fn copy_of(name: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    copy(&model(name), folder.path());
    folder
}

pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a fixture") {
        let entry = entry.expect("an entry");
        match entry.path().is_dir() {
            true => copy(&entry.path(), &to.join(entry.file_name())),
            false => drop(fs::copy(entry.path(), to.join(entry.file_name())).expect("a copy")),
        }
    }
}

/// Makes a copy of a checkpoint with one JSON file changed.
pub fn changed(name: &str, file: &str, change: impl FnOnce(&mut serde_json::Value)) -> tempfile::TempDir {
    let folder = copy_of(name);
    edit_json(folder.path(), file, change);
    folder
}

/// Makes a copy of BERT's checkpoint with two linear layers behind the pooling.
pub fn with_dense() -> tempfile::TempDir {
    let folder = copy_of(BERT);
    copy(&fixture("dense"), folder.path());
    folder
}

/// Replaces a file by a pipe that nobody writes to.
#[cfg(unix)]
pub fn make_pipe(path: &Path) {
    let _ = fs::remove_file(path);
    assert!(std::process::Command::new("mkfifo").arg(path).status().expect("mkfifo").success());
}

/// Replaces a file by a link to a device that never ends.
#[cfg(unix)]
pub fn make_endless(path: &Path) {
    let _ = fs::remove_file(path);
    std::os::unix::fs::symlink("/dev/zero", path).expect("a link");
}

/// Changes one JSON file of a folder.
pub fn edit_json(folder: &Path, file: &str, change: impl FnOnce(&mut serde_json::Value)) {
    let path = folder.join(file);
    let mut value = serde_json::from_slice(&fs::read(&path).expect("a file")).expect("JSON");
    change(&mut value);
    fs::write(path, value.to_string()).expect("written");
}

/// Reads the tensors of a safetensors file, names as they are.
pub fn read_tensors(path: &Path) -> BTreeMap<String, StoredTensor> {
    let mut tensors = Tensors::default();
    safetensors::read_all(&fs::read(path).expect("a file"), &mut tensors).expect("safetensors");
    tensors.iter().map(|(name, tensor)| (name.clone(), tensor.clone())).collect()
}

pub fn write_tensors(path: &Path, tensors: &BTreeMap<String, StoredTensor>) {
    fs::write(path, safetensors::write(tensors).expect("tensors that fit")).expect("written");
}

/// Packs a checkpoint and reads the files into memory.
pub fn packed(checkpoint: &Path, options: &PackOptions) -> MemorySource {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("pack");
    pack(checkpoint, &out, options, &mut |_| ()).expect("a pack");
    in_memory(&out)
}

pub fn in_memory(folder: &Path) -> MemorySource {
    let entries = fs::read_dir(folder).expect("a pack").map(|entry| entry.expect("an entry"));
    let file = |entry: fs::DirEntry| {
        (entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path()).expect("a file"))
    };
    MemorySource { files: entries.map(file).collect() }
}

pub fn load(source: &MemorySource) -> Result<Parts, Error> {
    pollster::block_on(load_pack(source, &mut |_| ()))
}

/// Returns the code that loading fails with.
pub fn load_code(source: &MemorySource) -> Code {
    load(source).map(|_| ()).expect_err("a broken pack must not load").code()
}

/// Returns the manifest as JSON.
pub fn manifest(source: &MemorySource) -> serde_json::Value {
    serde_json::from_slice(&source.files["manifest.json"]).expect("JSON")
}

pub fn edit_manifest(source: &mut MemorySource, change: impl FnOnce(&mut serde_json::Value)) {
    let mut value = manifest(source);
    change(&mut value);
    source.files.insert("manifest.json".to_string(), value.to_string().into_bytes());
}

/// Returns the name of the first file whose name starts with `start`.
pub fn file_of(source: &MemorySource, start: &str) -> String {
    source.files.keys().find(|name| name.starts_with(start)).expect("a file of that kind").clone()
}

/// Gives a file other bytes and the manifest their length and hash, as a careless or hostile packer would.
pub fn replace(source: &mut MemorySource, file: &str, bytes: Vec<u8>) {
    let (length, hash) = (bytes.len(), format!("{:x}", Sha256::digest(&bytes)));
    source.files.insert(file.to_string(), bytes);
    edit_manifest(source, |manifest| {
        let mut entries: Vec<&mut serde_json::Value> = Vec::new();
        let object = manifest.as_object_mut().expect("an object");
        for (name, value) in object.iter_mut() {
            match name.as_str() {
                "tokenizer" => entries.push(value),
                "shards" => entries.extend(value.as_array_mut().expect("a list")),
                _ => {}
            }
        }
        for entry in entries.into_iter().filter(|entry| entry["file"] == file) {
            entry["bytes"] = length.into();
            entry["sha256"] = hash.clone().into();
        }
    });
}
