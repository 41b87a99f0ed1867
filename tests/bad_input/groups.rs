//! Table groups that would let a host read words from what a page asks for.

use std::collections::BTreeMap;

use felsic::config::TABLE;
use felsic::error::Code;
use felsic::pack::{PackOptions, WeightFormat};
use felsic::source::MemorySource;
use felsic::weights::{ElementType, LEAST_GROUP, StoredTensor, Tensors, safetensors};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::*;

const COLS: usize = 64;
const GROUPS: &str = "embeddings.tok_embeddings.weight.groups";

/// Returns a pack whose table has three table groups of [`LEAST_GROUP`] rows.
fn grouped() -> MemorySource {
    let rows = 3 * LEAST_GROUP;
    let folder = copy_of("tiny-silu");
    edit_json(folder.path(), "config.json", |value| value["vocab_size"] = rows.into());
    let weights = folder.path().join("model.safetensors");
    let mut tensors = read_tensors(&weights);
    let bytes = (0..rows * COLS * 2).map(|at| (at % 50) as u8).collect();
    tensors.insert(TABLE.into(), StoredTensor { element: ElementType::F16, shape: vec![rows, COLS], bytes });
    write_tensors(&weights, &tensors);
    let options = PackOptions { table: WeightFormat::F32, ..PackOptions::default() };
    packed(folder.path(), &options)
}

fn tensors_of(source: &MemorySource, file: &str) -> BTreeMap<String, StoredTensor> {
    let mut tensors = Tensors::default();
    safetensors::read_all(&source.files[file], &mut tensors).expect("sound");
    tensors.iter().map(|(name, tensor)| (name.clone(), tensor.clone())).collect()
}

/// Moves the first row, whose id is `id`, from the first table group into a table group and a shard of its own.
fn single_out(source: &mut MemorySource) {
    let block = |first: usize| format!("{TABLE}.rows.{first}");
    let listed = manifest(source);
    let shard = listed["tensors"][block(0)]["shard"].as_u64().expect("a number") as usize;
    let file = listed["shards"][shard]["file"].as_str().expect("a name").to_string();
    let whole = tensors_of(source, &file).remove(&block(0)).expect("the block");
    let part = |first: usize, rows: std::ops::Range<usize>| {
        let width = whole.bytes.len() / whole.shape[0];
        let bytes = whole.bytes[rows.start * width..rows.end * width].to_vec();
        let tensor = StoredTensor { element: whole.element, shape: vec![rows.len(), COLS], bytes };
        safetensors::write(&BTreeMap::from([(block(first), tensor)])).expect("tensors")
    };
    let (one, rest) = (part(0, 0..1), part(1, 1..whole.shape[0]));
    let hash = format!("{:x}", Sha256::digest(&one));
    replace(source, &file, rest);
    edit_manifest(source, |manifest| {
        let shards = manifest["shards"].as_array_mut().expect("a list");
        shards.push(json!({ "file": "table-one.safetensors", "bytes": one.len(), "sha256": hash }));
        let last = shards.len() - 1;
        let mut entry = manifest["tensors"][block(0)].clone();
        entry["shape"] = json!([whole.shape[0] - 1, COLS]);
        manifest["tensors"][block(1)] = entry.clone();
        entry["shape"] = json!([1, COLS]);
        entry["shard"] = last.into();
        manifest["tensors"][block(0)] = entry;
        let groups = manifest["groups"].as_array_mut().expect("a list");
        groups[0]["rows"] = (whole.shape[0] - 1).into();
        groups.insert(0, json!({ "name": "a word", "rows": 1 }));
    });
    source.files.insert("table-one.safetensors".into(), one);
    regroup(source, |groups| {
        let first = groups.iter().position(|group| *group == 0).expect("an id of the first group");
        groups.iter_mut().for_each(|group| *group += 1);
        groups[first] = 0;
    });
}

/// Changes which table group each id belongs to.
fn regroup(source: &mut MemorySource, change: impl Fn(&mut Vec<u8>)) {
    let file = file_of(source, "layers-");
    let mut tensors = tensors_of(source, &file);
    change(&mut tensors.get_mut(GROUPS).expect("groups").bytes);
    replace(source, &file, safetensors::write(&tensors).expect("tensors"));
}

#[test]
fn a_group_that_could_be_one_words_is_refused() {
    let mut source = grouped();
    load(&source).expect("a sound pack");
    let sizes = manifest(&source)["groups"]
        .as_array()
        .map(|groups| groups.iter().map(|group| group["rows"].clone()).collect::<Vec<Value>>());
    assert_eq!(sizes, Some(vec![LEAST_GROUP.into(); 3]));
    single_out(&mut source);
    let error = load(&source).map(|_| ()).expect_err("a group of one row");
    assert_eq!(error.code(), Code::ManifestInvalid);
    assert!(error.message().contains("at least 8192"), "{error}");
}

#[test]
fn groups_are_those_that_the_manifest_lists() {
    for change in [
        |groups: &mut Vec<u8>| groups.fill(0),
        |groups: &mut Vec<u8>| groups.iter_mut().take(1).for_each(|group| *group = (*group + 1) % 3),
        |groups: &mut Vec<u8>| groups[0] = 3,
    ] {
        let mut source = grouped();
        regroup(&mut source, change);
        assert_eq!(load_code(&source), Code::WeightsInvalid);
    }
}
