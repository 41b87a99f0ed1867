//! Checkpoints: names, files, spaces.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use felsic::config::{ModelConfig, TABLE};
use felsic::source::open_checkpoint;
use felsic::weights::{ElementType, StoredTensor, Tensors};

use crate::stored;
use crate::support::*;

/// Everything that the encoder needs, as f32.
pub fn all_values(mut tensors: Tensors, config: &ModelConfig) -> BTreeMap<String, Vec<f32>> {
    let take = |(name, shape): (String, Vec<usize>)| {
        let values = match shape[..] {
            [len] => tensors.take_vector(&name, len).expect("a vector"),
            [rows, cols] if name == TABLE => {
                let table = tensors.take_table(rows, cols).expect("the table");
                let mut out = Vec::new();
                table.gather(&(0..rows as u32).collect::<Vec<_>>(), &mut out).expect("all rows");
                out
            }
            [rows, cols] => tensors.take_matrix(&name, rows, cols).expect("a matrix").into_f32(),
            _ => panic!("{shape:?}"),
        };
        (name, values)
    };
    config.tensors().into_iter().map(take).collect()
}

pub fn values_of(folder: &Path) -> BTreeMap<String, Vec<f32>> {
    let parts = open_checkpoint(folder).expect("a checkpoint");
    all_values(parts.tensors, &parts.config.model)
}

#[test]
fn a_prefix_a_head_and_several_files_change_nothing() {
    let wanted = values_of(&model("tiny-silu"));
    let folder = copy_of("tiny-silu");
    let single = folder.path().join("model.safetensors");
    let head = stored(ElementType::F32, &[2, 2], &[1.0; 4]);
    let mut tensors: BTreeMap<String, StoredTensor> =
        read_tensors(&single).into_iter().map(|(name, tensor)| (format!("model.{name}"), tensor)).collect();
    tensors.insert("head.dense.weight".into(), head.clone());
    tensors.insert("decoder.bias".into(), head);
    write_tensors(&single, &tensors);
    assert_eq!(values_of(folder.path()), wanted);

    let (mut first, mut second) = (BTreeMap::new(), BTreeMap::new());
    let mut map = serde_json::Map::new();
    for (at, (name, tensor)) in tensors.into_iter().enumerate() {
        let (part, file) = if at % 2 == 0 { (&mut first, "a.safetensors") } else { (&mut second, "b.safetensors") };
        map.insert(name.clone(), file.into());
        part.insert(name, tensor);
    }
    fs::remove_file(&single).expect("removed");
    write_tensors(&folder.path().join("a.safetensors"), &first);
    write_tensors(&folder.path().join("b.safetensors"), &second);
    let index = serde_json::json!({ "metadata": {}, "weight_map": map });
    fs::write(folder.path().join("model.safetensors.index.json"), index.to_string()).expect("written");
    assert_eq!(values_of(folder.path()), wanted);
}

#[test]
fn the_space_names_model_revision_format_and_width() {
    let own = open_checkpoint(&model("tiny-silu")).expect("a checkpoint");
    let sums = fs::read_to_string(model("tiny-silu").join("SHA256SUMS")).expect("sums");
    let sum = sums.lines().find(|line| line.ends_with("model.safetensors")).expect("the weights' sum");
    assert_eq!(own.space, format!("tiny-silu@{}/f32/64", &sum[..16]));
    let cache = tempfile::tempdir().expect("a folder");
    let revision = "0123456789abcdef0123456789abcdef01234567";
    let snapshot = cache.path().join("models--owner--some-model/snapshots").join(revision);
    copy(&model("tiny-silu"), &snapshot);
    let cached = open_checkpoint(&snapshot).expect("a checkpoint");
    assert_eq!((cached.name.as_str(), cached.revision.as_deref()), ("some-model", Some(revision)));
    assert_eq!(cached.space, format!("some-model@{revision}/f32/64"));
}
