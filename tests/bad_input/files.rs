//! Shards and tokenizers that are damaged or hostile.

use std::collections::BTreeMap;
use std::fs;

use felsic::error::Code;
use felsic::pack::{PackOptions, inspect, pack};
use felsic::source::{MemorySource, open_checkpoint};
use felsic::tokenizer::Tokenizer;
use felsic::weights::{ElementType, StoredTensor, Tensors, safetensors};
use felsic::{EmbedOptions, Embedder};
use proptest::prelude::*;
use serde_json::json;

use crate::support::*;
use crate::{sound, sound_int4};

#[test]
fn every_flipped_bit_is_noticed() {
    let source = sound();
    for start in ["tokenizer-", "layers-", "table-"] {
        let file = file_of(&source, start);
        let length = source.files[&file].len();
        // The header's length, the header, the first and the last tensor.
        for at in [0, 1, 7, 8, 9, 100, 1000, length / 2, length - 1] {
            let mut damaged = source.clone();
            damaged.files.get_mut(&file).expect("the file")[at] ^= 1 << (at % 8);
            assert_eq!(load_code(&damaged), Code::FileIntegrity, "{file} byte {at}");
        }
        let mut longer = source.clone();
        longer.files.get_mut(&file).expect("the file").push(0);
        assert_eq!(load_code(&longer), Code::FileLength);
    }
}

#[test]
fn a_damaged_file_on_disk_is_found_by_inspect() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("pack");
    pack(&model("tiny-silu"), &out, &PackOptions::default(), &mut |_| ()).expect("a pack");
    let look = |check| pollster::block_on(inspect::inspect(&out, check, &mut |_, _| ()));
    assert!(look(true).expect("sound").contains("all 3 files"));
    let shard = out.join(file_of(&in_memory(&out), "layers-"));
    let mut bytes = fs::read(&shard).expect("a shard");
    bytes[70_000] ^= 4;
    fs::write(&shard, bytes).expect("written");
    assert_eq!(look(true).expect_err("damaged").code(), Code::FileIntegrity);
    look(false).expect("the manifest alone is sound");
}

/// Changes the tensors of the layers' shard and of the manifest's index in the same way.
fn with_tensors(change: impl Fn(&mut BTreeMap<String, StoredTensor>)) -> MemorySource {
    changed(sound(), change)
}

fn changed(mut source: MemorySource, change: impl Fn(&mut BTreeMap<String, StoredTensor>)) -> MemorySource {
    let file = file_of(&source, "layers-");
    let mut tensors = Tensors::default();
    safetensors::read_all(&source.files[&file], &mut tensors).expect("sound");
    let mut tensors = tensors.iter().map(|(name, tensor)| (name.clone(), tensor.clone())).collect();
    change(&mut tensors);
    edit_manifest(&mut source, |manifest| {
        let index = manifest["tensors"].as_object_mut().expect("an index");
        index.retain(|_, entry| entry["shard"] != 0);
        for (name, tensor) in &tensors {
            index.insert(name.clone(), json!({ "type": tensor.element, "shape": tensor.shape, "shard": 0 }));
        }
    });
    replace(&mut source, &file, safetensors::write(&tensors).expect("tensors that fit"));
    source
}

#[test]
fn a_pack_with_other_tensors_than_its_config_calls_for_is_refused() {
    assert!(load(&with_tensors(|_| ())).is_ok(), "the way that the next ones are made is sound");
    let wqkv = "layers.1.attn.Wqkv.weight";
    assert_eq!(load_code(&with_tensors(|tensors| drop(tensors.remove(wqkv)))), Code::TensorMissing);
    assert_eq!(
        load_code(&with_tensors(|tensors| drop(tensors.remove(&format!("{wqkv}.scales"))))),
        Code::TensorMissing
    );
    let reshaped = with_tensors(|tensors| tensors.get_mut(wqkv).expect("there").shape = vec![64, 192]);
    assert_eq!(load_code(&reshaped), Code::TensorShape);
    let norm = "layers.1.attn_norm.weight";
    let int8 =
        |shape: Vec<usize>| StoredTensor { element: ElementType::I8, bytes: vec![1; shape.iter().product()], shape };
    let int8_norm = with_tensors(|tensors| drop(tensors.insert(norm.into(), int8(vec![64]))));
    assert_eq!(load_code(&int8_norm), Code::TensorType);
    let extra = with_tensors(|tensors| drop(tensors.insert("layers.0.attn_norm.weight".into(), tensors[norm].clone())));
    assert_eq!(load_code(&extra), Code::ManifestInvalid);
    let minimum = with_tensors(|tensors| tensors.get_mut(wqkv).expect("there").bytes[0] = 0x80);
    // The bytes load; the engine refuses them when it takes the tensor.
    let mut parts = load(&minimum).expect("a sound file");
    assert_eq!(parts.tensors.take_matrix(wqkv, 192, 64).expect_err("-128").code(), Code::WeightsInvalid);
}

#[test]
fn an_int4_pack_with_other_tensors_than_its_config_calls_for_is_refused() {
    let wqkv = "layers.1.attn.Wqkv.weight";
    let with = |change: fn(&mut StoredTensor)| {
        changed(sound_int4(), |tensors| change(tensors.get_mut("layers.1.attn.Wqkv.weight").expect("there")))
    };
    assert!(load(&with(|_| ())).is_ok(), "the way that the next ones are made is sound");
    let narrow = with(|tensor| (tensor.shape, tensor.bytes) = (vec![192, 32], vec![1; 192 * 16]));
    assert_eq!(load_code(&narrow), Code::TensorShape);
    let odd = with(|tensor| tensor.shape = vec![192, 63]);
    assert_eq!(load_code(&odd), Code::TensorShape);
    // Groups of one column, which do not fill a byte, and of 64 / 3.
    for groups in [64, 3] {
        let scales = changed(sound_int4(), |tensors| {
            let bytes = vec![0; 192 * groups * 2];
            let scales = StoredTensor { element: ElementType::F16, shape: vec![192, groups], bytes };
            tensors.insert(format!("{wqkv}.scales"), scales);
        });
        assert_eq!(load_code(&scales), Code::TensorShape);
    }
    let norm = changed(sound_int4(), |tensors| {
        let norm = StoredTensor { element: ElementType::Int4, shape: vec![64], bytes: vec![1; 32] };
        tensors.insert("layers.1.attn_norm.weight".into(), norm);
    });
    assert_eq!(load_code(&norm), Code::TensorType);
    // The index as it was, the shard with twice as many bytes in half as many columns: int8 where int4 belongs.
    let mut source = sound_int4();
    let file = file_of(&source, "layers-");
    let mut tensors = Tensors::default();
    safetensors::read_all(&source.files[&file], &mut tensors).expect("sound");
    let mut tensors: BTreeMap<_, _> = tensors.iter().map(|(name, tensor)| (name.clone(), tensor.clone())).collect();
    tensors
        .insert(wqkv.into(), StoredTensor { element: ElementType::I8, shape: vec![192, 32], bytes: vec![1; 192 * 32] });
    replace(&mut source, &file, safetensors::write(&tensors).expect("tensors that fit"));
    assert_eq!(load_code(&source), Code::WeightsInvalid);
}

#[test]
fn a_shard_that_is_not_what_the_index_says_is_refused() {
    let rest = |source: &MemorySource| source.files[&file_of(source, "layers-")].clone();
    let with = |bytes: Vec<u8>| {
        let mut source = sound();
        let file = file_of(&source, "layers-");
        replace(&mut source, &file, bytes);
        load_code(&source)
    };
    let sound_bytes = rest(&sound());
    let mut huge_header = sound_bytes.clone();
    huge_header[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    let mut long_header = sound_bytes.clone();
    long_header[..8].copy_from_slice(&(sound_bytes.len() as u64).to_le_bytes());
    let mut no_json = sound_bytes.clone();
    no_json[8] = b'[';
    let mut other_type = sound_bytes.clone();
    let at = other_type.windows(3).position(|three| three == b"F16").expect("scales");
    other_type[at..at + 4].copy_from_slice(b"I16\"");
    // All long enough for what the index puts there, so that the file itself has to be looked at.
    for bytes in [huge_header, long_header, no_json, vec![b' '; sound_bytes.len()]] {
        assert_eq!(with(bytes), Code::WeightsInvalid);
    }
    assert_eq!(with(other_type), Code::TensorType);
    assert_eq!(with(sound_bytes[..1000].to_vec()), Code::ManifestInvalid, "too short for the index");
}

#[test]
fn a_damaged_tokenizer_is_refused() {
    for (bytes, code) in [
        (b"not a tokenizer at all".to_vec(), Code::TokenizerInvalid),
        (vec![0; 64], Code::TokenizerInvalid),
        (b"{}".to_vec(), Code::TokenizerInvalid),
    ] {
        let mut source = sound();
        let file = file_of(&source, "tokenizer-");
        replace(&mut source, &file, bytes);
        assert_eq!(load_code(&source), code);
    }
    for bytes in [&b""[..], b"{", b"[]", b"<!doctype html>", b"{\"model\": 1}", b"\xff\xfe"] {
        assert_eq!(Tokenizer::from_json(bytes).err().map(|error| error.code()), Some(Code::TokenizerInvalid));
        let folder = copy_of("tiny-silu");
        fs::write(folder.path().join("tokenizer.json"), bytes).expect("written");
        assert_eq!(open_checkpoint(folder.path()).err().map(|error| error.code()), Some(Code::TokenizerInvalid));
    }
    let larger = copy_of("tiny-silu");
    fs::copy(model("tiny-gemma").join("tokenizer.json"), larger.path().join("tokenizer.json")).expect("a copy");
    assert_eq!(open_checkpoint(larger.path()).err().map(|error| error.code()), Some(Code::TokenizerInvalid));
}

/// Otherwise all texts would be cut to the same tokens and have the same vector.
#[test]
fn a_template_that_leaves_no_room_for_a_text_is_refused() {
    let checkpoint = copy_of("tiny-silu");
    let tokens = |count: usize| {
        edit_json(checkpoint.path(), "tokenizer.json", |json| {
            let single = &mut json["post_processor"]["single"];
            let pieces = single.as_array().expect("a list").clone();
            let is_text = |piece: &&serde_json::Value| piece.get("Sequence").is_some();
            let token = pieces.iter().find(|piece| !is_text(piece)).expect("a token").clone();
            let text = pieces.iter().find(is_text).expect("the text").clone();
            *single = vec![token; count].into_iter().chain([text]).collect();
        });
        edit_json(checkpoint.path(), "sentence_bert_config.json", |value| value["max_seq_length"] = 16.into());
    };
    let out = checkpoint.path().join("pack");
    let make = || pack(checkpoint.path(), &out, &PackOptions::default(), &mut |_| ()).map(drop);
    for count in [16, 17, 200] {
        tokens(count);
        for refused in [open_checkpoint(checkpoint.path()).map(drop), make()] {
            let error = refused.expect_err("no room");
            assert_eq!(error.code(), Code::TokenizerInvalid, "{count}: {error}");
            assert!(error.message().contains("max_tokens is 16"), "{error}");
        }
    }
    assert!(!out.exists(), "nothing half-written stays");
    tokens(15);
    make().expect("room for one token");
    let source = in_memory(&out);
    load(&source).expect("room for one token");
    let mut shorter = source.clone();
    edit_manifest(&mut shorter, |manifest| manifest["config"]["max_tokens"] = 15.into());
    assert_eq!(load_code(&shorter), Code::TokenizerInvalid);
}

#[test]
fn the_text_that_fails_is_named() {
    let checkpoint = copy_of("tiny-silu");
    edit_json(checkpoint.path(), "tokenizer.json", |json| json["post_processor"] = serde_json::Value::Null);
    let embedder = Embedder::open(checkpoint.path()).expect("an engine");
    let long = "a ".repeat(5 << 20);
    for (bad, what) in [("", "text 3 has no tokens"), (" \n", "text 3 has no tokens"), (&long, "text 3 has ")] {
        let error = embedder.embed(&["a", "b", bad, "c", ""]).expect_err("a bad text");
        assert_eq!((error.code(), error.text()), (Code::InputInvalid, Some(2)), "{error}");
        assert!(error.message().starts_with(what), "{error}");
    }
    let unknown = EmbedOptions { prompt: Some("none".to_string()), ..EmbedOptions::default() };
    let error = embedder.embed_with(&["a"], &unknown).expect_err("no such prompt");
    assert_eq!(error.text(), None, "no text is at fault: {error}");
    assert!(embedder.tokenize("", &EmbedOptions::default()).expect("none").is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Hashes protect against accidents, not against whoever writes the manifest.
    #[test]
    fn a_hostile_shard_ends_in_an_error_or_loads(at in any::<prop::sample::Index>(), value: u8, in_header: bool) {
        let mut source = sound();
        let file = file_of(&source, "layers-");
        let mut bytes = source.files[&file].clone();
        let place = at.index(if in_header { 3000 } else { bytes.len() });
        bytes[place] = value;
        replace(&mut source, &file, bytes);
        if let Err(error) = load(&source) {
            prop_assert!(matches!(error.code(), Code::WeightsInvalid | Code::TensorType), "{}: {}", error.code(), error);
        }
    }

    #[test]
    fn a_hostile_tokenizer_ends_in_an_error_or_loads(at in any::<prop::sample::Index>(), value: u8, cut: bool) {
        let mut source = sound();
        let file = file_of(&source, "tokenizer-");
        let mut bytes = source.files[&file].clone();
        let place = at.index(bytes.len());
        bytes[place] = value;
        if cut {
            bytes.truncate(place + 1);
        }
        replace(&mut source, &file, bytes);
        match load(&source) {
            Ok(parts) => drop(parts.tokenizer.encode("What is the height, 3.14 m? \u{1f600}\n")),
            Err(error) => prop_assert!(matches!(error.code(), Code::TokenizerInvalid | Code::TokenizerUnsupported), "{}: {}", error.code(), error),
        }
    }

    #[test]
    fn a_damaged_manifest_never_panics(at in any::<prop::sample::Index>(), value: u8, cut: bool) {
        let mut source = sound();
        let bytes = source.files.get_mut("manifest.json").expect("a manifest");
        let place = at.index(bytes.len());
        bytes[place] = value;
        if cut {
            bytes.truncate(place);
        }
        let result = load(&source);
        prop_assert!(!cut || result.is_err());
    }
}

#[test]
fn a_prompt_that_leaves_no_room_for_a_text_is_refused() {
    let checkpoint = copy_of("tiny-silu");
    let prompt = |words: usize| {
        edit_json(checkpoint.path(), "config_sentence_transformers.json", |value| {
            value["prompts"]["query"] = "word ".repeat(words).into();
        });
    };
    edit_json(checkpoint.path(), "sentence_bert_config.json", |value| value["max_seq_length"] = 16.into());
    edit_json(checkpoint.path(), "1_Pooling/config.json", |value| value["include_prompt"] = true.into());
    let out = checkpoint.path().join("pack");
    let make = || pack(checkpoint.path(), &out, &PackOptions::default(), &mut |_| ()).map(drop);
    prompt(40);
    for refused in [open_checkpoint(checkpoint.path()).map(drop), make()] {
        let error = refused.expect_err("no room");
        assert_eq!(error.code(), Code::ConfigInvalid, "{error}");
        assert!(error.message().contains("\"query\"") && error.message().contains("max_tokens is 16"), "{error}");
    }
    prompt(1);
    make().expect("room for a text");
    let mut shorter = in_memory(&out);
    edit_manifest(&mut shorter, |manifest| manifest["config"]["prompts"]["query"] = "word ".repeat(40).into());
    assert_eq!(load_code(&shorter), Code::ConfigInvalid);
}
