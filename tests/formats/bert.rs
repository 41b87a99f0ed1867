//! Checkpoints and packs of BERT's architecture.

use std::collections::BTreeMap;
use std::fs;

use felsic::config::{Activation, Architecture, LayerKind, ModelConfig, Pooling, TABLE};
use felsic::embedder::NoHooks;
use felsic::error::{Code, Result};
use felsic::model::DeviceKind;
use felsic::pack::{PackOptions, WeightFormat};
use felsic::source::{open_checkpoint, read_config};
use felsic::verify::goldens::{Comparison, compare};
use felsic::weights::{ElementType, StoredTensor};
use serde_json::{Value, json};

use crate::checkpoint::all_values;
use crate::support::*;
use crate::{f32_options, stored};

fn edited(change: impl FnOnce(&mut Value)) -> Result<ModelConfig> {
    let bytes = fs::read(model(BERT).join("config.json")).expect("a fixture");
    let mut value: Value = serde_json::from_slice(&bytes).expect("JSON");
    change(&mut value);
    ModelConfig::from_json(value.to_string().as_bytes())
}

#[test]
fn the_config_is_read_and_absent_fields_have_defaults() {
    let expected = ModelConfig {
        architecture: Architecture::Bert,
        vocab_size: 2048,
        hidden_size: 64,
        num_heads: 4,
        intermediate_size: 128,
        activation: Activation::Gelu,
        layers: vec![LayerKind::Global; 3],
        local_attention: 0,
        max_positions: 1024,
        global_rope_theta: 0.0,
        local_rope_theta: 0.0,
        norm_eps: 1e-12,
        token_types: 2,
        first_position: 0,
    };
    let read = read_config(&model(BERT)).expect("a fixture's config");
    assert_eq!((&read.model, read.pooling, read.max_tokens), (&expected, Pooling::Cls, 1024));
    let absent = ["layer_norm_eps", "type_vocab_size", "position_embedding_type", "hidden_act"];
    let removed =
        edited(|value| absent.iter().for_each(|name| drop(value.as_object_mut().expect("an object").remove(*name))));
    assert_eq!(removed.expect("defaults"), expected);
    for name in ["gelu_new", "gelu_pytorch_tanh"] {
        let tanh = edited(|value| value["hidden_act"] = name.into()).expect(name);
        assert_eq!(tanh.activation, Activation::GeluTanh);
    }
}

#[test]
fn what_is_not_computed_is_refused_and_named() {
    for (field, value, code) in [
        ("position_embedding_type", json!("relative_key"), Code::ConfigUnsupported),
        ("hidden_act", json!("relu"), Code::ConfigUnsupported),
        ("is_decoder", json!(true), Code::ConfigUnsupported),
        ("add_cross_attention", json!(true), Code::ConfigUnsupported),
        ("quantization_config", json!({ "bits": 4 }), Code::ConfigUnsupported),
        ("type_vocab_size", json!(0), Code::ConfigInvalid),
        ("type_vocab_size", json!(1_000_000), Code::ConfigInvalid),
        ("num_hidden_layers", json!(1_000_000), Code::ConfigInvalid),
        ("num_attention_heads", json!(7), Code::ConfigInvalid),
        ("layer_norm_eps", json!(1.5), Code::ConfigInvalid),
        ("max_position_embeddings", json!("many"), Code::ConfigInvalid),
    ] {
        let error = edited(|config| config[field] = value.clone()).expect_err(field);
        assert_eq!(error.code(), code, "{field}: {error}");
        let named = if field == "layer_norm_eps" { "norm_eps" } else { field };
        assert!(error.message().contains(named), "{field}: {error}");
    }
}

/// RoBERTa's positions start behind the padding token's, and its table has rows that no text uses.
#[test]
fn positions_of_roberta_are_counted_from_the_padding_token() {
    for name in [ROBERTA, XLM_ROBERTA] {
        let read = read_config(&model(name)).expect("a fixture's config");
        assert_eq!((read.model.first_position, read.model.max_positions, read.max_tokens), (2, 1024, 1024));
        assert_eq!((read.model.architecture, read.model.token_types), (Architecture::Bert, 1));
        let table = ("embeddings.position_embeddings.weight".to_string(), vec![1026, 64]);
        assert!(read.model.tensors().contains(&table));
        let source = packed(&model(name), &PackOptions::default());
        assert_eq!(manifest(&source)["config"]["model"]["first_position"], 2);
        assert_eq!(load(&source).expect("a pack").config, read);
    }
    let roberta = |change: fn(&mut Value)| {
        edited(|value| {
            value["model_type"] = "roberta".into();
            change(value);
        })
    };
    let first = |change| roberta(change).expect("a config").first_position;
    assert_eq!(first(|value| value["pad_token_id"] = 5.into()), 6);
    assert_eq!(first(|value| drop(value.as_object_mut().expect("an object").remove("pad_token_id"))), 2);
    type Edit = fn(&mut Value);
    let refused: [(&str, Edit); 4] = [
        ("pad_token_id", |value| value["pad_token_id"] = Value::Null),
        ("pad_token_id", |value| value["pad_token_id"] = json!(u64::MAX)),
        ("max_position_embeddings", |value| {
            value["pad_token_id"] = 1.into();
            value["max_position_embeddings"] = 5.into();
        }),
        ("max_position_embeddings", |value| value["max_position_embeddings"] = json!(u64::MAX)),
    ];
    for (field, change) in refused {
        let error = roberta(change).expect_err(field);
        assert_eq!(error.code(), Code::ConfigInvalid, "{field}: {error}");
        assert!(error.message().contains(field), "{field}: {error}");
    }
}

#[test]
fn packs_of_roberta_give_the_checkpoints_vectors() {
    for name in [ROBERTA, XLM_ROBERTA] {
        let pack = |options: &PackOptions| {
            let embedder = engine_of(load(&packed(&model(name), options)).expect("a pack"), DeviceKind::Cpu);
            pollster::block_on(compare(&embedder, &goldens(name), &mut NoHooks)).expect("all texts embed")
        };
        assert!(pack(&f32_options()).is_within(1e-5));
        let int8 = pack(&PackOptions::default());
        assert!(int8.is_similar(0.99) && int8.mean_cosine >= 0.998, "{name}: {int8:?}");
    }
}

/// What only one architecture has is in its manifests alone: those of ModernBERT are what they were.
#[test]
fn manifests_name_what_their_architecture_has() {
    for (name, has, lacks) in [
        (BERT, ["architecture", "token_types"], ["local_attention", "global_rope_theta"]),
        ("tiny-silu", ["local_attention", "global_rope_theta"], ["architecture", "token_types"]),
    ] {
        let source = packed(&model(name), &PackOptions::default());
        let manifest = manifest(&source);
        let fields = manifest["config"]["model"].as_object().expect("an object");
        assert!(has.iter().all(|field| fields.contains_key(*field)), "{name}: {fields:?}");
        assert!(!lacks.iter().any(|field| fields.contains_key(*field)), "{name}: {fields:?}");
        assert_eq!(load(&source).expect("a pack").config, read_config(&model(name)).expect("a config"));
    }
    let mut source = packed(&model(BERT), &PackOptions::default());
    edit_manifest(&mut source, |manifest| manifest["config"]["model"]["layers"][1] = "local".into());
    assert_eq!(load_code(&source), Code::ConfigUnsupported);
}

fn compared(parts: felsic::source::Parts) -> Comparison {
    let embedder = engine_of(parts, DeviceKind::Cpu);
    pollster::block_on(compare(&embedder, &goldens(BERT), &mut NoHooks)).expect("all texts embed")
}

#[test]
fn packs_give_the_checkpoints_vectors() {
    let pack = |options: &PackOptions| compared(load(&packed(&model(BERT), options)).expect("a pack"));
    assert!(pack(&f32_options()).is_within(1e-5));
    let int8 = pack(&PackOptions::default());
    assert!(int8.is_similar(0.995) && int8.mean_cosine >= 0.999, "{int8:?}");
    let int4 = PackOptions { weights: WeightFormat::Int4, table: WeightFormat::Int4, ..PackOptions::default() };
    let int4 = pack(&int4);
    assert!(int4.is_similar(0.5), "{int4:?}");
}

fn with_tensors(
    change: impl FnOnce(BTreeMap<String, StoredTensor>) -> BTreeMap<String, StoredTensor>,
) -> tempfile::TempDir {
    let folder = copy_of(BERT);
    let path = folder.path().join("model.safetensors");
    // Their type is not one that the library reads.
    let file = fs::read(&path).expect("a file");
    let mut tensors = BTreeMap::new();
    for (name, view) in safetensors::SafeTensors::deserialize(&file).expect("safetensors").tensors() {
        if view.dtype() == safetensors::Dtype::BF16 {
            let (shape, bytes) = (view.shape().to_vec(), view.data().to_vec());
            tensors.insert(name, StoredTensor { element: ElementType::BF16, shape, bytes });
        }
    }
    write_tensors(&path, &change(tensors));
    folder
}

#[test]
fn names_may_have_a_prefix_or_none() {
    let wanted = open_checkpoint(&model(BERT)).expect("a checkpoint");
    let wanted = all_values(wanted.tensors, &wanted.config.model);
    assert!(wanted.contains_key(TABLE) && !wanted.keys().any(|name| name.contains("pooler")));
    for prefix in ["", "model.", "encoder.bert."] {
        let renamed = |tensors: BTreeMap<String, StoredTensor>| {
            let name = |name: String| format!("{prefix}{}", name.strip_prefix("bert.").unwrap_or(&name));
            tensors.into_iter().map(|(old, tensor)| (name(old), tensor)).collect()
        };
        let parts = open_checkpoint(with_tensors(renamed).path()).expect(prefix);
        assert_eq!(all_values(parts.tensors, &parts.config.model), wanted, "{prefix:?}");
    }
}

#[test]
fn tensors_that_are_missing_or_too_many_are_named() {
    let code = |folder: &tempfile::TempDir| {
        let error = open_checkpoint(folder.path()).map(drop).expect_err("refused");
        (error.code(), error.to_string())
    };
    for name in ["embeddings.word_embeddings.weight", "encoder.layer.1.attention.self.key.bias"] {
        let (found, message) = code(&with_tensors(|mut tensors| {
            tensors.remove(&format!("bert.{name}"));
            tensors
        }));
        assert!(found == Code::TensorMissing && message.contains(name), "{message}");
    }
    let extra = "bert.encoder.layer.0.attention.self.distance_embedding.weight";
    let (found, message) = code(&with_tensors(|mut tensors| {
        tensors.insert(extra.into(), stored(ElementType::F32, &[2], &[1.0, 2.0]));
        tensors
    }));
    assert!(found == Code::WeightsInvalid && message.contains("distance_embedding"), "{message}");
    // What lies outside the encoder is left alone.
    let head = |mut tensors: BTreeMap<String, StoredTensor>| {
        tensors.insert("cls.predictions.bias".into(), stored(ElementType::F32, &[2], &[1.0, 2.0]));
        tensors
    };
    assert!(open_checkpoint(with_tensors(head).path()).is_ok());
}

#[test]
fn every_device_gives_the_vectors_of_a_pack() {
    for name in [BERT, ROBERTA, XLM_ROBERTA] {
        for weights in [WeightFormat::Int8, WeightFormat::Int4] {
            let source = packed(&model(name), &PackOptions { weights, table: weights, ..PackOptions::default() });
            for device in devices() {
                let embedder = engine_of(load(&source).expect("a pack"), device);
                let proven = pollster::block_on(embedder.self_test());
                assert!(proven.is_ok(), "{name}, {weights:?} on {device:?}: {proven:?}");
            }
        }
    }
}
