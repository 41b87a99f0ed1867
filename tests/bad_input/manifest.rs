//! Manifests that are wrong.

use felsic::config::TABLE;
use felsic::error::Code;
use serde_json::{Value, json};

use crate::support::*;
use crate::{sound, sound_int4};

#[test]
fn what_is_not_a_manifest_is_called_so() {
    let with = |bytes: &[u8]| {
        let mut source = sound();
        source.files.insert("manifest.json".into(), bytes.to_vec());
        load(&source).map(|_| ()).expect_err("no manifest")
    };
    for bytes in [&b""[..], b"{", b"[]", b"{}", b"null", b"\xff\xff", b"{\"format\": \"felsic-pack\"}"] {
        assert_eq!(with(bytes).code(), Code::ManifestInvalid);
    }
    let page = with(b"\n<!DOCTYPE html><html><body>Not here</body></html>");
    assert_eq!(page.code(), Code::ManifestInvalid);
    assert!(page.message().contains("HTML"), "{page}");
    let mut future = sound();
    edit_manifest(&mut future, |manifest| manifest["version"] = 3.into());
    assert_eq!(load_code(&future), Code::ManifestUnsupported);
    let mut other = sound();
    edit_manifest(&mut other, |manifest| manifest["tokenizer"]["format"] = "felsic-tokenizer-9".into());
    assert_eq!(load_code(&other), Code::ManifestUnsupported);
}

#[test]
fn a_manifest_with_a_wrong_field_is_refused() {
    type Change = fn(&mut Value);
    let invalid: [Change; 30] = [
        |manifest| manifest["format"] = "tarball".into(),
        |manifest| manifest["version"] = "1".into(),
        |manifest| manifest["name"] = "".into(),
        |manifest| manifest["space"] = "a\nb".into(),
        |manifest| manifest["weight_format"] = Value::Null,
        |manifest| manifest["revision"] = "\u{1b}[2J".into(),
        |manifest| manifest["revision"] = "".into(),
        |manifest| manifest["checkpoint"]["sha256"] = "a\nb".into(),
        |manifest| manifest["checkpoint"]["sha256"] = "A".repeat(64).into(),
        |manifest| manifest["shards"] = json!([]),
        |manifest| manifest["shards"][0]["bytes"] = 0.into(),
        |manifest| manifest["shards"][0]["bytes"] = (-1).into(),
        |manifest| manifest["shards"][0]["bytes"] = u64::MAX.into(),
        |manifest| manifest["shards"][0]["sha256"] = "abc".into(),
        |manifest| manifest["shards"][0]["sha256"] = "Z".repeat(64).into(),
        |manifest| manifest["shards"][1] = manifest["shards"][0].clone(),
        |manifest| manifest["tensors"]["final_norm.weight"]["shard"] = 99.into(),
        |manifest| manifest["tensors"]["extra"] = manifest["tensors"]["final_norm.weight"].clone(),
        |manifest| manifest["tensors"]["final_norm.weight"]["type"] = "i4".into(),
        |manifest| manifest["groups"] = Value::Null,
        |manifest| manifest["groups"] = json!([]),
        |manifest| manifest["groups"][0]["rows"] = 1.into(),
        |manifest| manifest["groups"][0]["rows"] = u64::MAX.into(),
        |manifest| manifest["groups"][0]["name"] = "a\nb".into(),
        |manifest| manifest["tensors"][format!("{TABLE}.rows.0")]["shard"] = 0.into(),
        |manifest| {
            // Two groups, but nothing that says which ids are whose.
            let rows = manifest["groups"][0]["rows"].as_u64().unwrap();
            manifest["groups"] = json!([{ "name": "a", "rows": 1 }, { "name": "b", "rows": rows - 1 }]);
        },
        |manifest| manifest["self_test"] = json!([]),
        |manifest| manifest["self_test"][0]["ids"] = json!([4_000_000]),
        |manifest| manifest["self_test"][0]["embedding"] = "AAAA".into(),
        |manifest| manifest["self_test"][0]["embedding"] = "not base64!".into(),
    ];
    for (at, change) in invalid.into_iter().enumerate() {
        let mut source = sound();
        edit_manifest(&mut source, change);
        assert_eq!(load_code(&source), Code::ManifestInvalid, "case {at}");
    }
}

#[test]
fn a_file_name_cannot_leave_the_pack() {
    let names = [
        "../x.safetensors",
        "..",
        ".",
        ".hidden",
        "/etc/passwd",
        "a/b",
        "a\\b",
        "C:\\x",
        "C:x",
        "https://example.org/x",
        "//example.org/x",
        "x?y",
        "x#y",
        "x%2fy",
        "",
        "x\0",
        "ä",
        "manifest.json",
        "a b",
        "x.",
        &"x".repeat(200),
    ];
    for name in names {
        for place in ["shard", "tokenizer"] {
            let mut source = sound();
            edit_manifest(&mut source, |manifest| match place {
                "shard" => manifest["shards"][0]["file"] = name.into(),
                _ => manifest["tokenizer"]["file"] = name.into(),
            });
            assert_eq!(load_code(&source), Code::ManifestInvalid, "{place} {name:?}");
        }
    }
}

#[test]
fn a_declared_length_alone_allocates_nothing() {
    let mut source = sound();
    edit_manifest(&mut source, |manifest| manifest["shards"][0]["bytes"] = (1u64 << 30).into());
    assert_eq!(load_code(&source), Code::FileLength);
    // A table that no shard could hold is refused before anything is fetched.
    let mut source = sound();
    edit_manifest(&mut source, |manifest| {
        manifest["config"]["model"]["vocab_size"] = (4 << 20).into();
        for name in [format!("{TABLE}.rows.0"), format!("{TABLE}.rows.0.scales")] {
            manifest["tensors"][name.as_str()]["shape"][0] = (4 << 20).into();
        }
    });
    source.files.retain(|name, _| name == "manifest.json");
    assert_eq!(load_code(&source), Code::ManifestInvalid);
}

#[test]
fn an_index_with_other_int4_tensors_than_the_config_calls_for_is_refused() {
    type Change = fn(&mut Value);
    const WQKV: &str = "layers.1.attn.Wqkv.weight";
    const SCALES: &str = "layers.1.attn.Wqkv.weight.scales";
    let cases: [(Change, Code); 11] = [
        // As the shard's own header has it.
        (|tensors| tensors[WQKV]["shape"] = json!([192, 32]), Code::TensorShape),
        (|tensors| tensors[WQKV]["shape"] = json!([192, 63]), Code::TensorShape),
        (|tensors| tensors[WQKV]["shape"] = json!([192 * 64]), Code::TensorShape),
        (|tensors| tensors[WQKV]["type"] = "u8".into(), Code::ManifestInvalid),
        // Twice as long as the shard has it.
        (|tensors| tensors[WQKV]["type"] = "i8".into(), Code::ManifestInvalid),
        // Groups that do not divide the columns.
        (|tensors| tensors[SCALES]["shape"] = json!([192, 3]), Code::TensorShape),
        (|tensors| tensors[SCALES]["shape"] = json!([64, 2]), Code::TensorShape),
        (|tensors| tensors[SCALES]["type"] = "int4".into(), Code::TensorType),
        (|tensors| drop(tensors.as_object_mut().expect("an index").remove(SCALES)), Code::TensorMissing),
        (|tensors| tensors["final_norm.weight"]["type"] = "int4".into(), Code::TensorType),
        // More than the shard is long.
        (|tensors| tensors[WQKV]["shape"] = json!([192, u64::MAX]), Code::ManifestInvalid),
    ];
    for (at, (change, code)) in cases.into_iter().enumerate() {
        let mut source = sound_int4();
        edit_manifest(&mut source, |manifest| change(&mut manifest["tensors"]));
        assert_eq!(load_code(&source), code, "case {at}");
    }
}

#[test]
fn a_config_in_a_manifest_is_checked_like_any_other() {
    type Change = fn(&mut Value);
    let changes: [Change; 10] = [
        |config| config["model"]["hidden_size"] = 0.into(),
        |config| config["model"]["hidden_size"] = (1u64 << 60).into(),
        |config| config["model"]["vocab_size"] = 0.into(),
        |config| config["model"]["num_heads"] = 7.into(),
        |config| config["model"]["layers"] = json!([]),
        |config| config["model"]["activation"] = "relu".into(),
        |config| config["model"]["norm_eps"] = 0.into(),
        |config| config["model"]["use_bias"] = true.into(),
        |config| config["max_tokens"] = 1.into(),
        |config| config["pooling"] = "max".into(),
    ];
    for (at, change) in changes.into_iter().enumerate() {
        let mut source = sound();
        edit_manifest(&mut source, |manifest| change(&mut manifest["config"]));
        assert_eq!(load_code(&source), Code::ConfigInvalid, "case {at}");
    }
    let mut wider = sound();
    edit_manifest(&mut wider, |manifest| manifest["config"]["model"]["intermediate_size"] = 128.into());
    assert_eq!(load_code(&wider), Code::TensorShape);
    let mut deeper = sound();
    edit_manifest(&mut deeper, |manifest| {
        manifest["config"]["model"]["layers"].as_array_mut().expect("a list").push("local".into());
    });
    assert_eq!(load_code(&deeper), Code::TensorMissing);
}
