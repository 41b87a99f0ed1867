//! Linear layers behind the pooling: sentence-transformers' module `Dense`.

use std::fs;
use std::path::Path;

use felsic::config::{DenseActivation, DenseConfig};
use felsic::embedder::{EmbedOptions, NoHooks};
use felsic::error::Code;
use felsic::model::DeviceKind;
use felsic::pack::PackOptions;
use felsic::source::{open_checkpoint, read_config};
use felsic::verify::goldens::{Comparison, compare};
use felsic::weights::ElementType;
use serde_json::{Value, json};

use crate::support::*;
use crate::{f32_options, stored};

fn compared(parts: felsic::source::Parts) -> Comparison {
    let embedder = engine_of(parts, DeviceKind::Cpu);
    assert_eq!(embedder.info().dimensions, 32);
    let fewer = EmbedOptions { dimensions: Some(33), ..EmbedOptions::default() };
    assert_eq!(embedder.embed_with(&["a"], &fewer).expect_err("too many").code(), Code::InputInvalid);
    pollster::block_on(compare(&embedder, &goldens("tiny-bert-dense"), &mut NoHooks)).expect("all texts embed")
}

#[test]
fn checkpoints_and_packs_give_the_vectors_of_sentence_transformers() {
    let folder = with_dense();
    let config = read_config(folder.path()).expect("a config");
    let layer = |width, bias, activation| DenseConfig { width, bias, activation };
    assert_eq!(config.dense, [layer(48, true, DenseActivation::Tanh), layer(32, false, DenseActivation::Identity)]);
    let checkpoint = open_checkpoint(folder.path()).expect("a checkpoint");
    assert!(checkpoint.space.ends_with("/f32/32"), "{}", checkpoint.space);
    assert!(compared(checkpoint).is_within(1e-5));
    let source = packed(folder.path(), &f32_options());
    assert_eq!(load(&source).expect("a pack").config, config);
    assert!(compared(load(&source).expect("a pack")).is_within(1e-5));
    let int8 = compared(load(&packed(folder.path(), &PackOptions::default())).expect("a pack"));
    assert!(int8.is_similar(0.99) && int8.mean_cosine >= 0.998, "{int8:?}");
}

/// Layers that differ make another space, and packs of other models say nothing of them.
#[test]
fn a_space_is_of_its_layers() {
    let folder = with_dense();
    let first = manifest(&packed(folder.path(), &f32_options()));
    let mut tensors = read_tensors(&folder.path().join("3_Dense/model.safetensors"));
    tensors.get_mut("linear.weight").expect("a matrix").bytes[7] ^= 1;
    write_tensors(&folder.path().join("3_Dense/model.safetensors"), &tensors);
    let second = manifest(&packed(folder.path(), &f32_options()));
    assert_ne!(first["checkpoint"]["sha256"], second["checkpoint"]["sha256"]);
    let without = manifest(&packed(&model(BERT), &f32_options()));
    assert!(without["config"].get("dense").is_none());
}

fn code_of(change: impl FnOnce(&Path)) -> (Code, String) {
    let folder = with_dense();
    change(folder.path());
    let error = open_checkpoint(folder.path()).map(drop).expect_err("refused");
    (error.code(), error.to_string())
}

#[test]
fn what_is_not_computed_is_refused_and_named() {
    let cases: [(&str, Value, Code); 12] = [
        ("in_features", json!(63), Code::ConfigInvalid),
        ("in_features", Value::Null, Code::ConfigInvalid),
        ("out_features", json!(0), Code::ConfigInvalid),
        ("out_features", json!(1_000_000), Code::ConfigInvalid),
        ("out_features", json!("many"), Code::ConfigInvalid),
        ("bias", json!(1), Code::ConfigInvalid),
        ("use_residual", json!(true), Code::ConfigUnsupported),
        ("module_input_name", json!("token_embeddings"), Code::ConfigUnsupported),
        ("module_output_name", json!("other"), Code::ConfigUnsupported),
        ("activation_function", json!("torch.nn.modules.activation.GELU"), Code::ConfigUnsupported),
        ("activation_function", json!("my.Tanh"), Code::ConfigUnsupported),
        ("activation_function", Value::Null, Code::ConfigUnsupported),
    ];
    for (field, value, code) in cases {
        let (found, message) =
            code_of(|folder| edit_json(folder, "3_Dense/config.json", |config| config[field] = value.clone()));
        // A width that changes is found in the layer itself, or in what follows it.
        assert!(found == code && message.contains(field), "{field} {value}: {found:?} {message}");
    }
    let (found, message) = code_of(|folder| fs::remove_file(folder.join("2_Dense/config.json")).expect("a file"));
    assert!(found == Code::ConfigInvalid && message.contains("2_Dense/config.json"), "{message}");
    for change in [
        |modules: &mut Value| modules.as_array_mut().expect("a list").swap(1, 2),
        |modules: &mut Value| modules.as_array_mut().expect("a list").swap(3, 4),
        |modules: &mut Value| modules[2]["type"] = "sentence_transformers.models.LSTM".into(),
    ] {
        let (found, message) = code_of(|folder| edit_json(folder, "modules.json", change));
        assert!(found == Code::ConfigUnsupported && message.contains("modules.json"), "{message}");
    }
    let (found, message) =
        code_of(|folder| edit_json(folder, "modules.json", |modules| modules[2]["path"] = "../2_Dense".into()));
    assert!(found == Code::ConfigInvalid && message.contains("Dense"), "{message}");
}

#[test]
fn weights_that_do_not_fit_are_named() {
    const FILE: &str = "2_Dense/model.safetensors";
    let (found, message) = code_of(|folder| fs::remove_file(folder.join(FILE)).expect("a file"));
    assert!(found == Code::NotFound && message.contains(FILE), "{message}");
    let (found, message) = code_of(|folder| fs::write(folder.join(FILE), b"not a file of weights").expect("written"));
    assert!(found == Code::WeightsInvalid && message.contains(FILE), "{message}");
    for (tensor, values, code) in [
        ("linear.weight", None, Code::TensorMissing),
        ("linear.bias", None, Code::TensorMissing),
        ("linear.bias", Some(vec![1.0; 47]), Code::TensorShape),
        ("linear.bias", Some(vec![f32::NAN; 48]), Code::WeightsInvalid),
        ("linear.other", Some(vec![1.0]), Code::WeightsInvalid),
    ] {
        let (found, message) = code_of(|folder| {
            let mut tensors = read_tensors(&folder.join(FILE));
            tensors.remove(tensor);
            tensors.extend(
                values.iter().map(|values| (tensor.to_string(), stored(ElementType::F32, &[values.len()], values))),
            );
            write_tensors(&folder.join(FILE), &tensors);
        });
        assert!(found == code && message.contains(FILE), "{tensor}: {found:?} {message}");
    }
    // A pack whose manifest asks for more than its shards have.
    let mut source = packed(with_dense().path(), &PackOptions::default());
    edit_manifest(&mut source, |manifest| manifest["config"]["dense"][1]["bias"] = true.into());
    assert_eq!(load_code(&source), Code::TensorMissing);
    edit_manifest(&mut source, |manifest| manifest["config"]["dense"] = json!([]));
    assert_eq!(load_code(&source), Code::ManifestInvalid);
}
