//! Checkpoints: names, files, spaces.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use felsic::config::{ModelConfig, TABLE};
use felsic::embedder::{EmbedOptions, Embedder};
use felsic::error::{Code, Error};
use felsic::model::DeviceKind;
use felsic::pack::PackOptions;
use felsic::source::{Parts, open_checkpoint};
use felsic::weights::{ElementType, StoredTensor, Tensors};

use crate::stored;
use crate::support::*;

/// Returns everything that the encoder needs, as f32.
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

/// Writes the same tensors under other names, in one file or in two.
fn renamed(rename: impl Fn(&str) -> String, files: usize) -> tempfile::TempDir {
    let folder = copy_of("tiny-silu");
    let single = folder.path().join("model.safetensors");
    let tensors = read_tensors(&single).into_iter().map(|(name, tensor)| (rename(&name), tensor));
    let mut parts = vec![BTreeMap::new(); files];
    let mut map = serde_json::Map::new();
    for (at, (name, tensor)) in tensors.enumerate() {
        map.insert(name.clone(), format!("{}.safetensors", at % files).into());
        parts[at % files].insert(name, tensor);
    }
    if let [only] = parts.as_slice() {
        write_tensors(&single, only);
        return folder;
    }
    fs::remove_file(&single).expect("removed");
    for (at, part) in parts.iter().enumerate() {
        write_tensors(&folder.path().join(format!("{at}.safetensors")), part);
    }
    let index = serde_json::json!({ "weight_map": map });
    fs::write(folder.path().join("model.safetensors.index.json"), index.to_string()).expect("written");
    folder
}

fn error_of(folder: &Path) -> Error {
    open_checkpoint(folder).map(drop).expect_err("weights that are not complete")
}

#[test]
fn one_prefix_of_all_tensors_is_taken_whatever_it_is() {
    let wanted = values_of(&model("tiny-silu"));
    for prefix in ["_orig_mod.", "module.", "encoder.", "_orig_mod.model.", "0.auto_model."] {
        for files in [1, 2] {
            let folder = renamed(|name| format!("{prefix}{name}"), files);
            assert_eq!(values_of(folder.path()), wanted, "{prefix} in {files} files");
        }
    }
    // A head of that prefix is left alone, as without one.
    let folder = renamed(|name| format!("module.{name}"), 1);
    let path = folder.path().join("model.safetensors");
    let mut tensors = read_tensors(&path);
    tensors.insert("module.head.dense.weight".into(), stored(ElementType::F32, &[2, 2], &[1.0; 4]));
    write_tensors(&path, &tensors);
    assert_eq!(values_of(folder.path()), wanted);
    // What would have taken part in the encoder is refused there as well.
    tensors.insert("module.layers.9.attn.Wo.weight".into(), stored(ElementType::F32, &[2, 2], &[1.0; 4]));
    write_tensors(&path, &tensors);
    assert_eq!(error_of(folder.path()).code(), Code::WeightsInvalid);
}

#[test]
fn a_missing_tensor_is_reported_with_the_names_that_may_be_meant() {
    // Two encoders: nobody knows which is meant.
    let folder = renamed(|name| format!("student.{name}"), 1);
    let path = folder.path().join("model.safetensors");
    let mut tensors = read_tensors(&path);
    let teacher: Vec<_> =
        tensors.iter().map(|(name, tensor)| (name.replace("student", "teacher"), tensor.clone())).collect();
    tensors.extend(teacher);
    write_tensors(&path, &tensors);
    let error = error_of(folder.path());
    assert_eq!(error.code(), Code::TensorMissing);
    let text = error.to_string();
    assert!(
        text.contains("student.embeddings.norm.weight") && text.contains("teacher.embeddings.norm.weight"),
        "{text}"
    );
    assert!(text.contains("one prefix"), "{text}");

    // One name has a prefix and the others have none.
    let folder = renamed(|name| name.replace("final_norm.weight", "_orig_mod.final_norm.weight"), 1);
    let text = error_of(folder.path()).to_string();
    assert!(
        text.contains("tensor final_norm.weight is missing") && text.contains("_orig_mod.final_norm.weight"),
        "{text}"
    );

    // Tied weights, of which the file has the other end.
    let folder = renamed(|name| name.replace(TABLE, "decoder.weight"), 1);
    let text = error_of(folder.path()).to_string();
    assert!(text.contains(TABLE) && text.contains("of its shape [2048, 64] the files have decoder.weight"), "{text}");

    // Another model's.
    let folder = renamed(|name| format!("{}.{}", name.len(), name.replace('.', "_")), 1);
    let text = error_of(folder.path()).to_string();
    assert!(text.contains("is missing") && text.contains("_weight"), "{text}");
}

fn embedder(parts: Parts) -> Embedder {
    pollster::block_on(Embedder::new(parts, DeviceKind::Cpu)).expect("an engine")
}

/// Opens the checkpoint and its pack.
fn both(folder: &Path) -> [Embedder; 2] {
    let exact = PackOptions {
        weights: felsic::pack::WeightFormat::F32,
        table: felsic::pack::WeightFormat::F32,
        ..PackOptions::default()
    };
    let pack = load(&packed(folder, &exact)).expect("a pack");
    [embedder(open_checkpoint(folder).expect("a checkpoint")), embedder(pack)]
}

#[test]
fn tokens_of_the_other_files_are_those_of_a_checkpoint_and_of_its_pack() {
    let folder = copy_of("tiny-gelu");
    let mask =
        |folder: &Path| both(folder).map(|model| model.tokenize("a [MASK] b", &EmbedOptions::default()).expect("ids"));
    let [before, packed] = mask(folder.path());
    assert_eq!(before, packed);
    edit_json(folder.path(), "tokenizer_config.json", |config| {
        let tokens = config["added_tokens_decoder"].as_object_mut().expect("a list");
        tokens
            .values_mut()
            .filter(|token| token["content"] == "[MASK]")
            .for_each(|token| token["lstrip"] = false.into());
    });
    let [after, packed] = mask(folder.path());
    assert_eq!(after, packed);
    assert_eq!(after.len(), before.len() + 1, "the blank before the token is a token again: {before:?} {after:?}");
}

/// Gemma's token for images has an id without a row in the table.
#[test]
fn an_added_token_without_a_row_is_refused_with_the_text_that_has_it() {
    let folder = copy_of("tiny-gelu");
    edit_json(folder.path(), "tokenizer.json", |json| {
        let mut token = json["added_tokens"][0].clone();
        token["content"] = "<image>".into();
        for _ in 0..200 {
            let mut other = token.clone();
            other["content"] = format!("<unused{}>", json["added_tokens"].as_array().expect("a list").len()).into();
            json["added_tokens"].as_array_mut().expect("a list").push(other);
        }
        json["added_tokens"].as_array_mut().expect("a list").push(token);
    });
    for model in both(folder.path()) {
        assert_eq!(model.embed(&["a cat", "an image"]).expect("no text has it").len(), 2);
        let error = model.embed(&["a cat", "an <image>"]).expect_err("a text has it");
        assert_eq!((error.code(), error.text()), (Code::InputInvalid, Some(1)), "{error}");
    }
    // A token of the vocabulary itself is another thing: the tokenizer is not the model's.
    edit_json(folder.path(), "tokenizer.json", |json| json["model"]["vocab"]["zyzzyva"] = 5000.into());
    assert_eq!(open_checkpoint(folder.path()).map(drop).expect_err("another model's").code(), Code::TokenizerInvalid);
}

/// Every text of the self-test needs tokens.
#[test]
fn a_tokenizer_that_makes_no_pack_is_named_by_its_own_code() {
    let folder = copy_of("tiny-gemma");
    edit_json(folder.path(), "tokenizer.json", |json| {
        json["post_processor"] = serde_json::Value::Null;
        json["model"]["byte_fallback"] = false.into();
        json["model"]["unk_token"] = serde_json::Value::Null;
        let ascii = |text: &str| text.is_ascii();
        json["model"]["vocab"].as_object_mut().expect("tokens").retain(|token, _| ascii(token));
        let merges = json["model"]["merges"].as_array_mut().expect("merges");
        merges.retain(|merge| merge.as_array().expect("two").iter().all(|part| ascii(part.as_str().expect("a part"))));
    });
    let out = folder.path().join("pack");
    let error = felsic::pack::pack(folder.path(), &out, &PackOptions::default(), &mut |_| ()).expect_err("no tokens");
    assert_eq!(error.code(), Code::TokenizerUnsupported, "{error}");
    assert!(error.message().contains("has no tokens for"), "{error}");
}
