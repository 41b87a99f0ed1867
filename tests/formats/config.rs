//! Configs of both generations, and what surrounds them.

use std::collections::BTreeMap;
use std::fs;

use felsic::config::{Activation, Architecture, EmbedderConfig, LayerKind, ModelConfig, Pooling};
use felsic::error::{Code, Result};
use felsic::source::read_config;

use crate::support::*;

fn config_of(name: &str) -> EmbedderConfig {
    read_config(&model(name)).expect("a fixture's config")
}

#[test]
fn both_generations_of_config_are_read() {
    let layers = vec![LayerKind::Global, LayerKind::Local, LayerKind::Local, LayerKind::Global];
    let expected = ModelConfig {
        architecture: Architecture::ModernBert,
        token_types: 0,
        first_position: 0,
        vocab_size: 2048,
        hidden_size: 64,
        num_heads: 4,
        intermediate_size: 96,
        activation: Activation::Silu,
        layers,
        local_attention: 16,
        max_positions: 8192,
        global_rope_theta: 150_000.0,
        local_rope_theta: 160_000.0,
        norm_eps: 1e-5,
    };
    let old = config_of("tiny-silu");
    assert_eq!(old.model, expected);
    assert_eq!((old.pooling, old.max_tokens), (Pooling::Cls, 8192));
    assert_eq!(old.prompts, BTreeMap::from([("query".into(), "".into()), ("document".into(), "".into())]));
    let new = ModelConfig {
        activation: Activation::Gelu,
        global_rope_theta: 80_000.0,
        local_rope_theta: 10_000.0,
        ..expected.clone()
    };
    assert_eq!(config_of("tiny-gelu").model, new);
    let both = ModelConfig { activation: Activation::Gelu, vocab_size: 4104, max_positions: 32768, ..expected };
    assert_eq!(config_of("tiny-gemma").model, both);
    assert_eq!((both.head_size(), both.half_window()), (16, 8));
}

fn edited(change: impl FnOnce(&mut serde_json::Value)) -> Result<ModelConfig> {
    let bytes = fs::read(model("tiny-gemma").join("config.json")).expect("a fixture");
    let mut value: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
    change(&mut value);
    ModelConfig::from_json(value.to_string().as_bytes())
}

#[test]
fn the_newer_fields_win_and_absent_ones_have_defaults() {
    let config = edited(|value| {
        value["global_rope_theta"] = 1.5.into();
        value["local_rope_theta"] = 2.5.into();
        value["global_attn_every_n_layers"] = 1.into();
    });
    let config = config.expect("the new form is complete");
    assert_eq!((config.global_rope_theta, config.local_rope_theta), (150_000.0, 160_000.0));
    assert_eq!(config.layers.iter().filter(|kind| **kind == LayerKind::Local).count(), 2);
    let remove = |value: &mut serde_json::Value, names: &[&str]| {
        let object = value.as_object_mut().expect("an object");
        names.iter().for_each(|name| drop(object.remove(*name)));
    };
    let new = ["layer_types", "rope_parameters"];
    let old = ["global_attn_every_n_layers", "global_rope_theta", "local_rope_theta", "local_attention", "norm_eps"];
    let config = edited(|value| remove(value, &[&new[..], &old[..]].concat())).expect("defaults");
    assert_eq!((config.global_rope_theta, config.local_rope_theta), (160_000.0, 10_000.0));
    assert_eq!((config.local_attention, config.norm_eps), (128, 1e-5));
    assert_eq!(config.layers, config_of("tiny-gemma").model.layers);
    let config = edited(|value| {
        remove(value, &new);
        value["local_rope_theta"] = serde_json::Value::Null;
    });
    assert_eq!(config.expect("null is as in global layers").local_rope_theta, 150_000.0);
}

#[test]
fn pooling_length_and_prompts_come_from_their_files() {
    let folder = copy_of("tiny-silu");
    let read = || read_config(folder.path()).expect("a sound checkpoint");
    edit_json(folder.path(), "1_Pooling/config.json", |value| {
        value["pooling_mode_cls_token"] = false.into();
        value["pooling_mode_mean_tokens"] = true.into();
    });
    edit_json(folder.path(), "sentence_bert_config.json", |value| value["max_seq_length"] = 100.into());
    edit_json(folder.path(), "config_sentence_transformers.json", |value| value["prompts"]["query"] = "q: ".into());
    edit_json(folder.path(), "1_Pooling/config.json", |value| value["include_prompt"] = true.into());
    let config = read();
    assert_eq!((config.pooling, config.max_tokens), (Pooling::Mean, 100));
    assert_eq!(config.prompts["query"], "q: ");
    edit_json(folder.path(), "sentence_bert_config.json", |value| value["max_seq_length"] = 1_000_000.into());
    assert_eq!(read().max_tokens, 8192, "never more than there are positions");
}

/// What sentence-transformers does: `SentenceTransformer(folder)` without `modules.json` makes a mean pooling.
#[test]
fn without_modules_the_mean_is_taken_as_the_reference_takes_it() {
    let folder = copy_of("tiny-silu");
    let read = || read_config(folder.path());
    fs::remove_file(folder.path().join("modules.json")).expect("a file");
    let error = read().expect_err("the pooling's own file says CLS");
    assert_eq!(error.code(), Code::ConfigUnsupported);
    assert!(error.message().contains("modules.json is missing") && error.message().contains("1_Pooling"), "{error}");
    edit_json(folder.path(), "1_Pooling/config.json", |value| {
        value["pooling_mode_cls_token"] = false.into();
        value["pooling_mode_mean_tokens"] = true.into();
    });
    edit_json(folder.path(), "sentence_bert_config.json", |value| value["max_seq_length"] = 100.into());
    let config = read().expect("both say mean");
    assert_eq!((config.pooling, config.max_tokens, config.prompts.len()), (Pooling::Mean, 8192, 0));
    for file in ["1_Pooling/config.json", "sentence_bert_config.json", "config_sentence_transformers.json"] {
        fs::remove_file(folder.path().join(file)).expect("a file");
    }
    for pooling in ["mean", "cls"] {
        edit_json(folder.path(), "config.json", |value| value["classifier_pooling"] = pooling.into());
        assert_eq!(
            read().expect("an encoder").pooling,
            Pooling::Mean,
            "the classifier's pooling is not the embedding's"
        );
    }
}

#[test]
fn what_the_reference_never_reads_stops_no_load() {
    let expected = config_of("tiny-silu");
    for file in ["config.json", "modules.json", "1_Pooling/config.json", "tokenizer_config.json"] {
        let folder = copy_of("tiny-silu");
        let path = folder.path().join(file);
        let text = fs::read_to_string(&path).expect("a file");
        let unused = match text.strip_prefix('{') {
            Some(rest) => format!("{{\"unused\": [NaN, -Infinity, {{\"a \\\"NaN\": Infinity}}],{rest}"),
            None => text,
        };
        fs::write(&path, format!("\u{feff}{unused}")).expect("written");
        assert_eq!(read_config(folder.path()).expect(file), expected, "{file}");
    }
    for kind in ["sans_pos", "relative_key"] {
        let config = edited(|value| value["position_embedding_type"] = kind.into());
        assert_eq!(config.expect(kind), config_of("tiny-gemma").model);
    }
    let config = fs::read_to_string(model("tiny-gemma").join("config.json")).expect("a fixture");
    let config = config.replacen('{', "{\"norm_eps\": NaN,", 1).replace("\"norm_eps\": 1e-05,", "");
    let error = ModelConfig::from_json(config.as_bytes()).expect_err("a field that is read");
    assert!(error.message().contains("norm_eps is \"NaN\""), "{error}");
}
