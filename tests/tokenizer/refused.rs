//! Damaged files, and files that felsic does not run.

use crate::texts::{Random, string};
use crate::{MODELS, tokenizer_json};
use felsic::error::Code;
use felsic::tokenizer::{Tokenizer, compact};
use serde_json::{Value, json};

/// A change to a `tokenizer.json`.
pub type Edit = fn(&mut Value);

/// Returns a tokenizer small enough to break in every way.
pub fn minute_json() -> Value {
    json!({
        "version": "1.0",
        "added_tokens": [
            { "id": 9, "content": "<s>", "single_word": false, "lstrip": true, "rstrip": false, "normalized": false, "special": true },
            { "id": 10, "content": "b b", "single_word": false, "lstrip": false, "rstrip": true, "normalized": true, "special": false }
        ],
        "normalizer": { "type": "Replace", "pattern": { "String": " " }, "content": "_" },
        "pre_tokenizer": null,
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [{ "SpecialToken": { "id": "<s>", "type_id": 0 } }, { "Sequence": { "id": "A", "type_id": 0 } }],
            "pair": [],
            "special_tokens": { "<s>": { "id": "<s>", "ids": [9], "tokens": ["<s>"] } }
        },
        "model": {
            "type": "BPE", "unk_token": "?", "fuse_unk": true, "byte_fallback": false, "ignore_merges": false,
            "vocab": { "?": 0, "a": 1, "b": 2, "_": 3, "ab": 4, "_a": 5, "_ab": 6, "é": 7, "aé": 8 },
            "merges": [["_", "a"], ["a", "b"], ["_a", "b"], ["_", "ab"], ["a", "é"]]
        }
    })
}

#[test]
fn damaged_bytes_are_refused_or_harmless() {
    damage(&minute_json(), "a ab <s>ébb b b?_ab aé");
}

/// Damages the compact form of a tokenizer in every bit, alone and with another one.
pub fn damage(json: &Value, text: &str) {
    let whole = compact::compile(&serde_json::to_vec(json).unwrap()).unwrap();
    let text = text.repeat(3);
    for length in 0..whole.len() {
        let error = Tokenizer::from_compact(&whole[..length]).err().unwrap();
        assert_eq!(error.code(), Code::TokenizerInvalid, "{length} bytes");
    }
    let mut loaded = 0;
    for bit in 0..whole.len() * 8 {
        for other in [0, 1, 9, 77] {
            let mut damaged = whole.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let second = (bit + other * 13) % (whole.len() * 8);
            damaged[second / 8] ^= u8::from(other > 0) << (second % 8);
            match Tokenizer::from_compact(&damaged) {
                Ok(tokenizer) => {
                    let size = tokenizer.vocab_size();
                    assert!(tokenizer.encode(&text).unwrap().iter().all(|id| (*id as usize) < size));
                    loaded += 1;
                }
                Err(error) => {
                    assert!([Code::TokenizerInvalid, Code::TokenizerUnsupported].contains(&error.code()), "{error}");
                }
            }
        }
    }
    assert!(loaded > 0);
}

#[test]
fn damaged_real_tokenizers_are_refused_or_harmless() {
    for model in MODELS {
        let whole = compact::compile(&tokenizer_json(model)).unwrap();
        let mut random = Random(5);
        for _ in 0..1500 {
            let mut damaged = whole.clone();
            for _ in 0..=random.below(4) {
                let at = random.below(damaged.len());
                damaged[at] = random.below(256) as u8;
            }
            damaged.truncate(if random.below(4) == 0 { random.below(whole.len()) } else { whole.len() });
            if let Ok(tokenizer) = Tokenizer::from_compact(&damaged) {
                let size = tokenizer.vocab_size();
                let text = string(&mut random, &["<bos>", "[MASK]", "<|end|>"]);
                assert!(tokenizer.encode(&text).unwrap().iter().all(|id| (*id as usize) < size));
            }
        }
    }
}

/// A count that promises gigabytes must not reserve them.
#[test]
fn absurd_counts_are_refused() {
    let whole = compact::compile(&serde_json::to_vec(&minute_json()).unwrap()).unwrap();
    for at in 8..whole.len() {
        let mut damaged = whole[..at].to_vec();
        damaged.extend([0xFF, 0xFF, 0xFF, 0xFF, 0x0F]);
        damaged.extend(&whole[at..]);
        if let Err(error) = Tokenizer::from_compact(&damaged) {
            assert!([Code::TokenizerInvalid, Code::TokenizerUnsupported].contains(&error.code()));
        }
    }
}

/// Returns the codes that compiling and opening natively end in.
pub fn codes(json: &[u8]) -> [Option<Code>; 2] {
    [compact::compile(json).err(), Tokenizer::from_json(json).err()].map(|error| error.map(|error| error.code()))
}

#[test]
fn what_is_no_tokenizer_is_invalid() {
    let cases: [&[u8]; 8] = [
        b"",
        b"not json",
        b"<!doctype html><html></html>",
        b"{}",
        b"[]",
        b"null",
        b"\xFF\xFE",
        br#"{"model":{"type":"BPE"}}"#,
    ];
    for json in cases {
        assert_eq!(codes(json), [Some(Code::TokenizerInvalid); 2], "{:?}", String::from_utf8_lossy(json));
    }
    assert_eq!(Tokenizer::from_compact(b"<!doctype html>").err().unwrap().code(), Code::TokenizerInvalid);
}

#[test]
fn what_contradicts_itself_is_invalid() {
    let edits: [Edit; 7] = [
        |json| json["model"]["merges"] = json!([["a", "zz"]]),
        |json| json["model"]["merges"] = json!([["b", "b"]]),
        |json| json["model"]["merges"] = json!(["a b c"]),
        |json| json["model"]["unk_token"] = json!("nowhere"),
        |json| json["post_processor"]["special_tokens"] = json!({}),
        |json| json["added_tokens"][0]["content"] = json!(7),
        |json| json["post_processor"] = json!({ "type": "BertProcessing", "sep": ["?", 0], "cls": "<s>" }),
    ];
    for (number, edit) in edits.into_iter().enumerate() {
        let mut json = minute_json();
        edit(&mut json);
        assert_eq!(codes(&serde_json::to_vec(&json).unwrap()), [Some(Code::TokenizerInvalid); 2], "edit {number}");
    }
    // Nothing stops the `tokenizers` crate here, but ids would not tell tokens apart.
    let mut json = minute_json();
    json["model"]["vocab"]["b"] = json!(1);
    assert_eq!(codes(&serde_json::to_vec(&json).unwrap())[0], Some(Code::TokenizerInvalid));
}

#[test]
fn what_is_not_run_exactly_is_unsupported_and_named() {
    let edits: [(&str, Edit); 14] = [
        ("version", |json| json["version"] = json!("2.0")),
        ("model.type", |json| json["model"] = json!({ "type": "WordLevel", "vocab": {}, "unk_token": "?" })),
        ("model.dropout", |json| json["model"]["dropout"] = json!(0.1)),
        ("model.continuing_subword_prefix", |json| json["model"]["continuing_subword_prefix"] = json!("##")),
        ("model.end_of_word_suffix", |json| json["model"]["end_of_word_suffix"] = json!("</w>")),
        ("normalizer", |json| json["normalizer"] = json!({ "type": "Lowercase" })),
        ("normalizer", |json| json["normalizer"]["pattern"] = json!({ "Regex": " +" })),
        ("pre_tokenizer", |json| json["pre_tokenizer"] = json!({ "type": "Whitespace" })),
        ("pre_tokenizer.add_prefix_space", |json| {
            let bytes =
                json!({ "type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": false });
            json["pre_tokenizer"] =
                json!({ "type": "Sequence", "pretokenizers": [{ "type": "BertPreTokenizer" }, bytes] });
        }),
        ("pre_tokenizer.pattern", |json| {
            json["pre_tokenizer"] =
                json!({ "type": "Split", "pattern": { "Regex": "a+" }, "behavior": "Isolated", "invert": false });
        }),
        ("pre_tokenizer.behavior", |json| {
            json["pre_tokenizer"] =
                json!({ "type": "Split", "pattern": { "String": "a" }, "behavior": "Removed", "invert": false });
        }),
        ("post_processor", |json| {
            let pair = json!({ "type": "BertProcessing", "sep": ["?", 0], "cls": ["<s>", 9] });
            json["post_processor"] = json!({ "type": "Sequence", "processors": [pair, pair] });
        }),
        ("post_processor.single", |json| json["post_processor"]["single"] = json!([])),
        ("added_tokens", |json| json["added_tokens"][0]["content"] = json!("long".repeat(100))),
    ];
    for (field, edit) in edits {
        let mut json = minute_json();
        edit(&mut json);
        let error = compact::compile(&serde_json::to_vec(&json).unwrap()).unwrap_err();
        assert_eq!(error.code(), Code::TokenizerUnsupported, "{field}: {error}");
        assert!(error.message().contains(field), "{field}: {error}");
    }
}

/// The same, natively: what does not depend on chance runs through the `tokenizers` crate.
#[test]
fn checkpoints_of_other_kinds_run_natively() {
    let json = json!({
        "version": "1.0",
        "truncation": { "direction": "Right", "max_length": 2, "strategy": "LongestFirst", "stride": 0 },
        "padding": {
            "strategy": { "Fixed": 16 }, "direction": "Right", "pad_to_multiple_of": null, "pad_id": 0, "pad_type_id": 0,
            "pad_token": "?"
        },
        "added_tokens": [],
        "normalizer": { "type": "Lowercase" },
        "pre_tokenizer": { "type": "Whitespace" },
        "post_processor": { "type": "BertProcessing", "sep": ["?", 0], "cls": ["b", 2] },
        "model": { "type": "WordLevel", "vocab": { "?": 0, "a": 1, "b": 2 }, "unk_token": "?" }
    });
    let tokenizer = Tokenizer::from_json(&serde_json::to_vec(&json).unwrap()).unwrap();
    assert_eq!(tokenizer.encode("A b a c").unwrap(), [2, 1, 2, 1, 0, 0]);
    assert_eq!(tokenizer.encode_truncated("A b a c", 4).unwrap(), (vec![2, 1, 2, 0], true));
    assert_eq!(tokenizer.vocab_size(), 3);
    let refused = tokenizer.encode(&"a ".repeat(5 << 20)).unwrap_err();
    assert_eq!(refused.code(), Code::InputInvalid);
}
