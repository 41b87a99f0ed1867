//! The files of an index, as `felsic index --update` reads them. Names and hashes are right again after each change.

use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroUsize;
use std::sync::LazyLock;

use felsic::Embedder;
use felsic::error::Code;
use felsic::index::{IndexOptions, index, rows_of};
use serde_json::{Map, Value};

use crate::archive::{self, Files, sha256};
use crate::{Memory, Target, check, seeds};

/// See the module. Documents are compressed, which makes a thousand bytes of one.
pub const TARGET: Target =
    Target { name: "index", seeds, mutate: archive::mutate, run, memory: Memory { times: 2000, plus: 16 << 20 } };

/// What the index of [`seeds`] says of its vectors.
struct Made {
    files: Files,
    space: String,
    dimensions: usize,
}

fn made() -> &'static Made {
    static MADE: LazyLock<Made> = LazyLock::new(|| {
        let embedder = Embedder::open(seeds::model("tiny-silu")).expect("a checkpoint");
        let folder = tempfile::tempdir().expect("a folder");
        let out = folder.path().join("index");
        for (name, text) in documents() {
            fs::write(folder.path().join(name), text).expect("written");
        }
        let options = IndexOptions { fine: true, threads: NonZeroUsize::new(1), ..IndexOptions::default() };
        index(folder.path(), &out, &embedder, &options, &|_| ()).expect("an index");
        let info = embedder.info();
        let files = seeds::folder(&out);
        // The space of an index says how many dimensions it has, and is not that of the model.
        let manifest: Value = serde_json::from_slice(&files["index.json"]).expect("JSON");
        let space = manifest["space"].as_str().expect("a space").to_string();
        Made { files, space, dimensions: info.dimensions }
    });
    &MADE
}

/// Returns the documents of the index.
pub fn documents() -> Files {
    let text =
        |page| format!("# Page {page}\n\nSome words of page {page}.\n\n## More\n\nMore words, {page} of them.\n");
    (0..3).map(|page| (format!("{page}.md"), text(page).into_bytes())).collect()
}

/// Returns the files of an index of them, made with vectors of 16 bits by the checkpoint tiny-silu.
pub fn files() -> Files {
    made().files.clone()
}

fn seeds() -> Vec<Vec<u8>> {
    vec![archive::write(&made().files)]
}

/// Gives each file of an entry the name, the length and the hash that it should have.
pub fn vouch(files: &mut Files) {
    let Some(mut manifest) = files.get("index.json").and_then(|bytes| serde_json::from_slice::<Value>(bytes).ok())
    else {
        return;
    };
    let mut renamed = BTreeMap::new();
    correct(&mut manifest, files, &mut renamed);
    files.extend(renamed);
    files.insert("index.json".into(), manifest.to_string().into_bytes());
}

fn correct(value: &mut Value, files: &Files, renamed: &mut Files) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| correct(item, files, renamed)),
        Value::Object(fields) => {
            correct_entry(fields, files, renamed);
            fields.values_mut().for_each(|field| correct(field, files, renamed));
        }
        _ => {}
    }
}

fn correct_entry(entry: &mut Map<String, Value>, files: &Files, renamed: &mut Files) {
    let Some(name) = entry.get("file").and_then(Value::as_str) else { return };
    let (Some(bytes), Some((_, section))) = (files.get(name), name.split_once('.')) else { return };
    let hash = sha256(bytes);
    let name = format!("{}.{section}", &hash[..32]);
    renamed.insert(name.clone(), bytes.clone());
    entry.insert("file".into(), name.into());
    entry.insert("bytes".into(), bytes.len().into());
    entry.insert("sha256".into(), hash.into());
}

fn run(bytes: &[u8]) {
    let made = made();
    let mut files = archive::read(bytes);
    vouch(&mut files);
    let folder = tempfile::tempdir().expect("a folder");
    for (name, bytes) in files.iter().filter(|(name, _)| can_be_written(name)) {
        fs::write(folder.path().join(name), bytes).expect("written");
    }
    let codes = [Code::IndexInvalid, Code::NeedsReindex, Code::NotFound, Code::FileLength, Code::FileIntegrity];
    check::result(rows_of(folder.path(), &made.space, made.dimensions, true), &codes);
}

/// Returns whether a file can have this name beside others; one that cannot is named by the index alone.
fn can_be_written(name: &str) -> bool {
    !name.contains(['/', '\0']) && !name.starts_with('.') && (1..=255).contains(&name.len())
}
