//! Checkpoints that are wrong, or that felsic does not compute.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use felsic::config::{ModelConfig, TABLE};
use felsic::error::{Code, Error};
use felsic::pack::{PackOptions, WeightFormat, pack};
use felsic::source::{open_checkpoint, read_config};
use felsic::weights::{ElementType, StoredTensor};
use serde_json::{Value, json};

use crate::support::*;

fn config_error(change: impl FnOnce(&mut Value)) -> Error {
    let bytes = fs::read(model("tiny-gemma").join("config.json")).expect("a fixture");
    let mut value = serde_json::from_slice(&bytes).expect("JSON");
    change(&mut value);
    ModelConfig::from_json(value.to_string().as_bytes()).expect_err("a config that is wrong")
}

#[test]
fn a_zero_or_absurd_config_names_its_field() {
    let sizes = [
        "vocab_size",
        "hidden_size",
        "num_attention_heads",
        "intermediate_size",
        "num_hidden_layers",
        "local_attention",
        "max_position_embeddings",
    ];
    for field in sizes {
        for value in
            [json!(0), json!(-1), json!(1u64 << 40), json!(u64::MAX), json!(1.5), json!("64"), json!([64]), json!({})]
        {
            let error = config_error(|config| config[field] = value.clone());
            assert_eq!(error.code(), Code::ConfigInvalid, "{field} {value}");
            assert!(error.message().contains(field), "{field} {value}: {error}");
        }
    }
    for field in &sizes[..5] {
        let error = config_error(|config| drop(config.as_object_mut().expect("an object").remove(*field)));
        assert_eq!((error.code(), error.message().contains(field)), (Code::ConfigInvalid, true), "{error}");
    }
    for (field, value) in [
        ("num_attention_heads", json!(5)),
        ("num_attention_heads", json!(64)),
        ("norm_eps", json!(0)),
        ("norm_eps", json!(-1e-5)),
        ("norm_eps", json!("1e-5")),
        ("layer_types", json!(["full_attention"])),
        ("layer_types", json!("full_attention")),
        ("model_type", Value::Null),
        ("attention_bias", json!("no")),
    ] {
        let error = config_error(|config| config[field] = value.clone());
        assert_eq!(
            (error.code(), error.message().contains(field)),
            (Code::ConfigInvalid, true),
            "{field} {value}: {error}"
        );
    }
    for theta in [json!(0), json!(-1), json!(1e30), json!("big")] {
        let error = config_error(|config| config["rope_parameters"]["sliding_attention"]["rope_theta"] = theta.clone());
        assert_eq!((error.code(), error.message().contains("rope_theta")), (Code::ConfigInvalid, true), "{error}");
    }
    for bytes in [&b""[..], b"{", b"[]", b"null", b"\xff", b"<html>"] {
        assert_eq!(ModelConfig::from_json(bytes).expect_err("no config").code(), Code::ConfigInvalid);
    }
}

#[test]
fn what_is_not_computed_is_refused_by_name() {
    for (field, value) in [
        ("model_type", json!("deberta")),
        ("attention_bias", json!(true)),
        ("mlp_bias", json!(true)),
        ("norm_bias", json!(true)),
        ("hidden_activation", json!("gelu_pytorch_tanh")),
        ("hidden_activation", json!("relu")),
        ("quantization_config", json!({ "bits": 4 })),
        ("layer_types", json!(["full_attention", "chunked_attention", "full_attention", "full_attention"])),
        ("rope_parameters", json!({ "rope_theta": 1e4, "rope_type": "default" })),
        ("rope_parameters", json!({ "full_attention": { "rope_theta": 1e4, "rope_type": "yarn" } })),
        ("rope_parameters", json!({ "sliding_attention": { "rope_theta": 1e4, "partial_rotary_factor": 0.5 } })),
        ("rope_scaling", json!({ "type": "linear", "factor": 2.0 })),
        ("partial_rotary_factor", json!(0.5)),
        // transformers 5 takes it for half of local_attention, 4 does not read it.
        ("sliding_window", json!(64)),
        ("head_dim", json!(32)),
    ] {
        let error = config_error(|config| config[field] = value.clone());
        assert_eq!(
            (error.code(), error.message().contains(field)),
            (Code::ConfigUnsupported, true),
            "{field} {value}: {error}"
        );
    }
}

#[test]
fn modules_that_felsic_does_not_run_are_refused() {
    type Change = fn(&mut Value);
    let cases: [(&str, Change, Code); 31] = [
        // Code of its own under a known name, and a later module in the place of an earlier one.
        ("modules.json", |m| m[0]["type"] = "custom_st.Transformer".into(), Code::ConfigUnsupported),
        ("modules.json", |m| m[1]["name"] = "0".into(), Code::ConfigUnsupported),
        ("sentence_bert_config.json", |s| s["transformer_task"] = "fill-mask".into(), Code::ConfigUnsupported),
        ("sentence_bert_config.json", |s| s["module_output_name"] = "logits".into(), Code::ConfigUnsupported),
        (
            "sentence_bert_config.json",
            |s| s["modality_config"] = json!({ "text": { "method": "forward" }, "message": {} }),
            Code::ConfigUnsupported,
        ),
        (
            "sentence_bert_config.json",
            |s| s["modality_config"] = json!({ "text": { "method_output_name": "pooler_output" } }),
            Code::ConfigUnsupported,
        ),
        (
            "sentence_bert_config.json",
            |s| s["processing_kwargs"] = json!({ "text": { "add_special_tokens": false } }),
            Code::ConfigUnsupported,
        ),
        (
            "sentence_bert_config.json",
            |s| s["tokenizer_args"] = json!({ "truncation_side": "left" }),
            Code::ConfigUnsupported,
        ),
        ("sentence_bert_config.json", |s| s["model_args"] = json!({ "gguf_file": "x" }), Code::ConfigUnsupported),
        ("sentence_bert_config.json", |s| s["config_kwargs"] = json!({ "norm_eps": 1e-3 }), Code::ConfigUnsupported),
        ("sentence_bert_config.json", |s| s["tokenizer_name_or_path"] = "bert".into(), Code::ConfigUnsupported),
        ("sentence_bert_config.json", |s| s["query_length"] = 32.into(), Code::ConfigUnsupported),
        ("config_sentence_transformers.json", |s| s["model_type"] = "SparseEncoder".into(), Code::ConfigUnsupported),
        ("config_sentence_transformers.json", |s| s["truncate_dim"] = 32.into(), Code::ConfigUnsupported),
        ("config_sentence_transformers.json", |s| s["default_prompt_name"] = "poem".into(), Code::ConfigInvalid),
        // Version 6 of the reference takes the first token after the prompt, those before it the first of the text.
        ("config_sentence_transformers.json", |s| s["prompts"]["query"] = "q: ".into(), Code::ConfigUnsupported),
        ("modules.json", |m| m[2]["type"] = "sentence_transformers.models.LSTM".into(), Code::ConfigUnsupported),
        ("modules.json", |m| m[0]["type"] = "sentence_transformers.models.CLIPModel".into(), Code::ConfigUnsupported),
        ("modules.json", |m| m[0]["path"] = "0_Transformer".into(), Code::ConfigUnsupported),
        ("modules.json", |m| *m = json!([m[0]]), Code::ConfigUnsupported),
        ("modules.json", |m| *m = json!([m[1], m[0]]), Code::ConfigUnsupported),
        ("modules.json", |m| *m = json!({}), Code::ConfigInvalid),
        ("modules.json", |m| m[1]["path"] = "../elsewhere".into(), Code::ConfigInvalid),
        ("modules.json", |m| m[1]["path"] = "/etc".into(), Code::ConfigInvalid),
        ("1_Pooling/config.json", |p| p["pooling_mode_lasttoken"] = true.into(), Code::ConfigUnsupported),
        ("1_Pooling/config.json", |p| p["pooling_mode_mean_tokens"] = true.into(), Code::ConfigUnsupported),
        ("1_Pooling/config.json", |p| p["pooling_mode_cls_token"] = false.into(), Code::ConfigInvalid),
        ("1_Pooling/config.json", |p| p["word_embedding_dimension"] = 32.into(), Code::ConfigInvalid),
        ("sentence_bert_config.json", |s| s["do_lower_case"] = true.into(), Code::ConfigUnsupported),
        ("sentence_bert_config.json", |s| s["max_seq_length"] = 0.into(), Code::ConfigInvalid),
        (
            "config_sentence_transformers.json",
            |s| *s = json!({ "prompts": { "query": "q: " }, "default_prompt_name": "query" }),
            Code::ConfigUnsupported,
        ),
    ];
    for (at, (file, change, code)) in cases.into_iter().enumerate() {
        let folder = copy_of("tiny-silu");
        edit_json(folder.path(), file, change);
        let error = read_config(folder.path()).expect_err("a checkpoint that is refused");
        assert_eq!(error.code(), code, "case {at}: {error}");
    }
}

/// Files that usually do not exist, and change vectors where they do.
#[test]
fn files_that_the_reference_would_read_are_refused_by_name() {
    for (file, without) in [
        ("adapter_config.json", None),
        ("sentence_roberta_config.json", Some("sentence_bert_config.json")),
        ("sentence_xlnet_config.json", Some("sentence_bert_config.json")),
        ("2_Normalize/config.json", None),
        ("chat_template.jinja", Some("modules.json")),
    ] {
        let folder = copy_of("tiny-silu");
        edit_json(folder.path(), "1_Pooling/config.json", |pooling| *pooling = json!({ "pooling_mode": ["mean"] }));
        if let Some(other) = without {
            fs::remove_file(folder.path().join(other)).expect("a file");
        }
        read_config(folder.path()).expect("sound without it");
        fs::create_dir_all(folder.path().join("2_Normalize")).expect("a folder");
        fs::write(folder.path().join(file), "{\"module_input_name\": \"token_embeddings\"}").expect("written");
        let error = read_config(folder.path()).expect_err(file);
        assert_eq!(error.code(), Code::ConfigUnsupported, "{file}: {error}");
        assert!(error.message().contains(file), "{file}: {error}");
    }
    let folder = copy_of("tiny-silu");
    edit_json(folder.path(), "tokenizer_config.json", |config| config["chat_template"] = "{{ messages }}".into());
    read_config(folder.path()).expect("nobody applies it to texts");
    fs::remove_file(folder.path().join("modules.json")).expect("a file");
    let error = read_config(folder.path()).expect_err("it is applied without modules.json");
    assert!(error.code() == Code::ConfigUnsupported && error.message().contains("chat_template"), "{error}");
}

/// What a clone of a repository holds where git-lfs is not installed.
#[test]
fn a_git_lfs_pointer_is_called_one() {
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n";
    for (file, code) in [
        ("model.safetensors", Code::WeightsInvalid),
        ("tokenizer.json", Code::TokenizerInvalid),
        ("config.json", Code::ConfigInvalid),
        ("modules.json", Code::ConfigInvalid),
        ("1_Pooling/config.json", Code::ConfigInvalid),
        ("sentence_bert_config.json", Code::ConfigInvalid),
        ("tokenizer_config.json", Code::ConfigInvalid),
        ("model.safetensors.index.json", Code::WeightsInvalid),
    ] {
        let folder = copy_of("tiny-silu");
        if file.ends_with(".index.json") {
            fs::remove_file(folder.path().join("model.safetensors")).expect("a file");
        }
        fs::write(folder.path().join(file), pointer).expect("written");
        let options = PackOptions::default();
        let packed = pack(folder.path(), &folder.path().join("pack"), &options, &mut |_| ()).map(drop);
        for error in [packed, open_checkpoint(folder.path()).map(drop)].map(|made| made.expect_err(file)) {
            assert_eq!(error.code(), code, "{file}: {error}");
            let text = error.to_string();
            assert!(text.contains("git-lfs pointer") && text.contains("git lfs pull"), "{file}: {text}");
        }
    }
}

fn weights_code(change: impl FnOnce(&Path)) -> Code {
    let folder = copy_of("tiny-silu");
    change(&folder.path().join("model.safetensors"));
    let packed = folder.path().join("pack");
    let opened = open_checkpoint(folder.path()).map(|_| ()).expect_err("bad weights").code();
    let options = PackOptions { weights: WeightFormat::F32, ..PackOptions::default() };
    assert_eq!(pack(folder.path(), &packed, &options, &mut |_| ()).expect_err("bad weights").code(), opened);
    assert!(!packed.exists(), "nothing half-written stays");
    opened
}

#[test]
fn a_weight_file_that_is_not_sound_is_refused() {
    let edit = |change: fn(&mut Vec<u8>)| {
        weights_code(|path| {
            let mut bytes = fs::read(path).expect("weights");
            change(&mut bytes);
            fs::write(path, bytes).expect("written");
        })
    };
    assert_eq!(edit(|bytes| bytes.clear()), Code::WeightsInvalid);
    assert_eq!(edit(|bytes| bytes.truncate(7)), Code::WeightsInvalid);
    assert_eq!(edit(|bytes| bytes.truncate(1000)), Code::WeightsInvalid);
    assert_eq!(edit(|bytes| bytes.truncate(bytes.len() - 1)), Code::WeightsInvalid);
    assert_eq!(edit(|bytes| bytes.push(0)), Code::WeightsInvalid);
    assert_eq!(edit(|bytes| bytes[7] = 0xff), Code::WeightsInvalid);
    assert_eq!(edit(|bytes| bytes[8] = b'!'), Code::WeightsInvalid);
    assert_eq!(edit(|bytes| *bytes = b"<html></html>".repeat(20)), Code::WeightsInvalid);
    assert_eq!(weights_code(|path| fs::remove_file(path).expect("removed")), Code::NotFound);

    let tensors = |change: fn(&mut BTreeMap<String, StoredTensor>)| {
        weights_code(|path| {
            let mut tensors = read_tensors(path);
            change(&mut tensors);
            write_tensors(path, &tensors);
        })
    };
    assert_eq!(tensors(|t| drop(t.remove("final_norm.weight"))), Code::TensorMissing);
    assert_eq!(tensors(|t| drop(t.remove(TABLE))), Code::TensorMissing);
    assert_eq!(tensors(|t| t.get_mut(TABLE).expect("there").shape.reverse()), Code::TensorShape);
    assert_eq!(
        tensors(|t| t.get_mut("layers.0.mlp.Wi.weight").expect("there").shape = vec![64 * 192]),
        Code::TensorShape
    );
    let int8 = |t: &mut BTreeMap<String, StoredTensor>| {
        let norm = StoredTensor { element: ElementType::I8, shape: vec![64], bytes: vec![1; 64] };
        t.insert("final_norm.weight".into(), norm);
    };
    assert_eq!(tensors(int8), Code::TensorType);
    // U8 in the file, as a checkpoint that was quantised elsewhere has it.
    let bytes = |t: &mut BTreeMap<String, StoredTensor>| {
        let table = t.get_mut(TABLE).expect("there");
        *table = StoredTensor { element: ElementType::Int4, shape: vec![2048, 128], bytes: vec![1; 2048 * 64] };
    };
    assert_eq!(tensors(bytes), Code::TensorType);
    let bias = |t: &mut BTreeMap<String, StoredTensor>| {
        let norm = t["final_norm.weight"].clone();
        t.insert("layers.0.attn.Wo.bias".into(), norm);
    };
    assert_eq!(tensors(bias), Code::WeightsInvalid);
    let twice = |t: &mut BTreeMap<String, StoredTensor>| {
        let norm = t["final_norm.weight"].clone();
        t.insert("model.final_norm.weight".into(), norm);
    };
    assert_eq!(tensors(twice), Code::WeightsInvalid);
}

#[test]
fn weights_that_are_not_finite_make_no_pack() {
    let folder = copy_of("tiny-silu");
    let path = folder.path().join("model.safetensors");
    let mut tensors = read_tensors(&path);
    // bf16 NaN in one row of the table.
    tensors.get_mut(TABLE).expect("there").bytes[1000..1002].copy_from_slice(&[0xc0, 0x7f]);
    write_tensors(&path, &tensors);
    for format in [WeightFormat::F32, WeightFormat::Int8, WeightFormat::Int4] {
        let options = PackOptions { weights: format, table: format, ..PackOptions::default() };
        let error = pack(folder.path(), &folder.path().join("pack"), &options, &mut |_| ()).expect_err("NaN");
        assert_eq!(error.code(), Code::WeightsInvalid);
        assert!(error.to_string().contains(TABLE), "{error}");
    }
}

#[test]
fn an_index_cannot_name_files_elsewhere() {
    for file in ["../model.safetensors", "/etc/passwd", "", "a\\b", ".hidden"] {
        let folder = copy_of("tiny-silu");
        fs::remove_file(folder.path().join("model.safetensors")).expect("removed");
        let index = json!({ "weight_map": { "final_norm.weight": file } });
        fs::write(folder.path().join("model.safetensors.index.json"), index.to_string()).expect("written");
        assert_eq!(
            open_checkpoint(folder.path()).err().map(|error| error.code()),
            Some(Code::WeightsInvalid),
            "{file:?}"
        );
    }
}
