//! Checkpoints of one layer and a few tokens, cut out of those of the tests: their packs are read in a fraction of the time.

use std::fs;

use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::seeds;

/// Rows of the tables: more than the small tokenizers have tokens, and than the texts of the targets become.
const ROWS: usize = 64;

/// Writes the checkpoint `model` with the small tokenizer of this name; the folder goes with what is returned.
///
/// # Panics
/// If the checkpoint is not that of the tests.
pub fn checkpoint(model: &str, tokenizer: &str) -> TempDir {
    let from = seeds::model(model);
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).expect("written");
    let mut config: Value = serde_json::from_slice(&fs::read(from.join("config.json")).expect("there")).expect("JSON");
    for (field, number) in [("num_hidden_layers", 1), ("vocab_size", ROWS), ("max_position_embeddings", ROWS)] {
        config[field] = number.into();
    }
    write("config.json", config.to_string().as_bytes());
    write("tokenizer.json", &seeds::file(&format!("fuzz/corpus/tokenizer-json/{tokenizer}.json")));
    write("model.safetensors", &weights(&fs::read(from.join("model.safetensors")).expect("there")));
    folder
}

/// Returns the first layer of a safetensors file, and the first rows of its tables.
fn weights(file: &[u8]) -> Vec<u8> {
    let (length, rest) = file.split_first_chunk().expect("a length");
    let (header, data) = rest.split_at(u64::from_le_bytes(*length) as usize);
    let tensors: Map<String, Value> = serde_json::from_slice(header).expect("a header");
    let (mut kept, mut cut) = (Map::new(), Vec::new());
    for (name, mut tensor) in tensors.into_iter().filter(|(name, _)| name != "__metadata__" && !is_left_out(name)) {
        let [start, mut end] = [0, 1].map(|at| tensor["data_offsets"][at].as_u64().expect("a number") as usize);
        let rows = tensor["shape"][0].as_u64().expect("a number") as usize;
        if name.contains("embeddings") && rows > ROWS {
            end = start + (end - start) / rows * ROWS;
            tensor["shape"][0] = ROWS.into();
        }
        tensor["data_offsets"] = json!([cut.len(), cut.len() + end - start]);
        cut.extend(&data[start..end]);
        kept.insert(name, tensor);
    }
    let header = Value::Object(kept).to_string();
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &cut].concat()
}

/// Returns whether a tensor is of another layer than the first, or holds the numbers of the positions, which nobody needs.
fn is_left_out(name: &str) -> bool {
    let layer = name.split_once("layers.").or_else(|| name.split_once("layer."));
    layer.is_some_and(|(_, rest)| !rest.starts_with("0.")) || name.ends_with("position_ids")
}
