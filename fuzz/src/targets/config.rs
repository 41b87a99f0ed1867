//! `config.json` and the files of sentence-transformers: an object with each file under its name, as JSON or, to be no JSON,
//! as a string.

use std::collections::BTreeMap;

use felsic::config::{EmbedderConfig, ModelConfig};
use felsic::error::Code;
use serde_json::{Map, Value};

use crate::{Memory, Target, check, mutate, seeds};

/// See the module. A value of two bytes of JSON takes 32 in a tree, which is held as well as what is written of it, and a list takes as
/// much again while it grows.
pub const TARGET: Target =
    Target { name: "config", seeds, mutate: mutate::json, run, memory: Memory { times: 100, plus: 4 << 20 } };

const FILES: [&str; 6] = [
    "config.json",
    "modules.json",
    "1_Pooling/config.json",
    "sentence_bert_config.json",
    "config_sentence_transformers.json",
    "tokenizer_config.json",
];

fn seeds() -> Vec<Vec<u8>> {
    let of_model = |model: &&str| {
        let read = |name: &&str| std::fs::read(seeds::model(model).join(name)).ok();
        let files = FILES.iter().filter_map(|name| {
            let bytes = read(name)?;
            Some((name.to_string(), serde_json::from_slice(&bytes).expect("fixtures are JSON")))
        });
        Value::Object(files.collect::<Map<_, _>>()).to_string().into_bytes()
    };
    seeds::MODELS.iter().map(of_model).collect()
}

fn written(value: Value) -> Vec<u8> {
    match value {
        Value::String(text) => text.into_bytes(),
        value => value.to_string().into_bytes(),
    }
}

fn run(bytes: &[u8]) {
    const CODES: [Code; 2] = [Code::ConfigInvalid, Code::ConfigUnsupported];
    let files = match serde_json::from_slice::<Map<String, Value>>(bytes) {
        Ok(files) => files,
        Err(_) => {
            check::result(ModelConfig::from_json(bytes), &CODES);
            return;
        }
    };
    // The values are gone before felsic makes its own of them.
    let files: BTreeMap<String, Vec<u8>> = files.into_iter().map(|(name, value)| (name, written(value))).collect();
    let read = |name: &str| Ok(files.get(name).cloned());
    // A checkpoint needs its config; that there is none is reported as such.
    let codes = [CODES[0], CODES[1], Code::NotFound];
    let Some(config) = check::result(EmbedderConfig::from_files(read), &codes) else { return };
    config.check().expect("what was read is checked");
    assert!(config.model.tensors().len() < 100_000, "more tensors than any model has");
    let written = serde_json::to_vec(&config).expect("numbers are finite");
    let again: EmbedderConfig = serde_json::from_slice(&written).expect("what was written is read");
    assert_eq!(again, config);
}
