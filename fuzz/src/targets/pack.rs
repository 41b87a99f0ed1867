//! A whole pack whose hashes are right again after each change: what the readers of its files let through is loaded, and
//! computes vectors of unit length or ends in a code.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use felsic::embedder::Embedder;
use felsic::error::Code;
use felsic::model::DeviceKind;
use felsic::pack::{PackOptions, WeightFormat};
use felsic::source::{MemorySource, load_pack};
use serde_json::Value;

use crate::archive::{self, Files, sha256};
use crate::{Memory, Target, check, seeds, small};

/// See the module.
pub const TARGET: Target =
    Target { name: "pack", seeds, mutate: archive::mutate, run, memory: Memory { times: 64, plus: 16 << 20 } };

/// Returns packs of two architectures in int8, and of one in int4, made once: of the tests' checkpoints, then of small ones.
pub fn packs() -> Vec<Files> {
    static PACKS: LazyLock<Vec<Files>> = LazyLock::new(|| {
        let formats =
            [("tiny-silu", WeightFormat::Int8), ("tiny-silu", WeightFormat::Int4), ("tiny-bert", WeightFormat::Int8)];
        let whole = formats.map(|(model, format)| packed(&seeds::model(model), format));
        let small = formats.map(|(model, format)| {
            let tokenizer = if model == "tiny-bert" { "word-piece" } else { "bpe" };
            packed(small::checkpoint(model, tokenizer).path(), format)
        });
        [whole, small].concat()
    });
    PACKS.clone()
}

fn packed(checkpoint: &Path, format: WeightFormat) -> Files {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("pack");
    let options = PackOptions { weights: format, table: format, ..PackOptions::default() };
    felsic::pack::pack(checkpoint, &out, &options, &mut |_| ()).expect("a pack");
    seeds::folder(&out)
}

fn seeds() -> Vec<Vec<u8>> {
    packs().iter().map(archive::write).collect()
}

/// Gives the manifest the lengths and hashes of the files that it names, as a careless or hostile packer would.
pub fn vouch(files: &mut Files) {
    let Some(mut manifest) = files.get("manifest.json").and_then(|bytes| serde_json::from_slice::<Value>(bytes).ok())
    else {
        return;
    };
    let described: BTreeMap<&str, (usize, String)> =
        files.iter().map(|(name, bytes)| (name.as_str(), (bytes.len(), sha256(bytes)))).collect();
    let correct = |entry: &mut Value| {
        let known = entry.get("file").and_then(Value::as_str).and_then(|file| described.get(file));
        if let (Some((length, hash)), Some(entry)) = (known.cloned(), entry.as_object_mut()) {
            entry.insert("bytes".into(), length.into());
            entry.insert("sha256".into(), hash.into());
        }
    };
    if let Some(object) = manifest.as_object_mut() {
        object.get_mut("tokenizer").into_iter().for_each(correct);
        object.get_mut("shards").and_then(Value::as_array_mut).into_iter().flatten().for_each(correct);
        files.insert("manifest.json".into(), manifest.to_string().into_bytes());
    }
}

fn run(bytes: &[u8]) {
    let mut files = archive::read(bytes);
    vouch(&mut files);
    let parts = match pollster::block_on(load_pack(&MemorySource { files }, &mut |_| ())) {
        Ok(parts) => parts,
        Err(error) => return check::error(&error),
    };
    let embedder = match pollster::block_on(Embedder::new(parts, DeviceKind::Cpu)) {
        Ok(embedder) => embedder,
        Err(error) => return check::error(&error),
    };
    for text in ["a cat", "Two <s> words, äöü 漢字."] {
        match embedder.embed(&[text]) {
            Ok(vectors) => check::unit(&vectors[0]),
            Err(error) => {
                check::error(&error);
                assert!([Code::WeightsInvalid, Code::InputInvalid].contains(&error.code()), "{error}");
            }
        }
    }
}
