//! Tokenizers that differ from the fixtures in one setting or another.

use crate::texts::{Random, string};
use crate::{MODELS, compact, special_contents, strings, tokenizer_json};
use felsic::error::Code;
use felsic::tokenizer::{Tokenizer, compact as compact_form};
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use tokenizers::{NormalizedString, Normalizer};

/// Returns whether two added tokens are searched for as one string. The crate accepts that, and finds either one,
/// depending on its hash map, which differs from load to load: no ids are right, so the compact form refuses it.
fn is_ambiguous(json: &[u8]) -> bool {
    let crates = tokenizers::Tokenizer::from_bytes(json).unwrap();
    let normal_form = |content: &str| {
        let mut text = NormalizedString::from(content);
        if let Some(normaliser) = crates.get_normalizer() {
            normaliser.normalize(&mut text).unwrap();
        }
        text.get().to_owned()
    };
    let json: Value = serde_json::from_slice(json).unwrap();
    let tokens = json["added_tokens"].as_array().unwrap().iter();
    // Of the entries with the same content the last one counts.
    let is_normalized: HashMap<&str, bool> =
        tokens.map(|token| (token["content"].as_str().unwrap(), token["normalized"] == json!(true))).collect();
    let normalized = is_normalized.into_iter().filter_map(|(content, normalized)| normalized.then_some(content));
    let mut seen = HashSet::new();
    normalized.map(normal_form).any(|form| !seen.insert(form))
}

#[test]
fn added_tokens_with_the_same_normal_form_are_refused() {
    let mut json: Value = serde_json::from_slice(&tokenizer_json("tiny-gemma")).unwrap();
    for content in ["x y", "x\u{2581}y"] {
        let token = json!({
            "id": 0, "content": content, "special": false,
            "lstrip": false, "rstrip": false, "single_word": false, "normalized": true
        });
        json["added_tokens"].as_array_mut().unwrap().push(token);
    }
    let bytes = serde_json::to_vec(&json).unwrap();
    assert!(is_ambiguous(&bytes));
    assert_eq!(compact_form::compile(&bytes).unwrap_err().code(), Code::TokenizerInvalid);
    assert_eq!(Tokenizer::from_json(&bytes).err().unwrap().code(), Code::TokenizerInvalid);
    let last = json["added_tokens"].as_array_mut().unwrap().last_mut().unwrap();
    last["normalized"] = json!(false);
    let bytes = serde_json::to_vec(&json).unwrap();
    assert!(!is_ambiguous(&bytes));
    compact(&bytes);
}

/// The tokenizers of the fixtures with other flags on their added tokens, and a few more of those.
#[test]
fn added_tokens_match_as_in_the_tokenizers_crate() {
    const MORE: [&str; 12] =
        ["the", "th", "<", "<|", " \n", "  ", "\u{e9}", "e\u{301}x", "Word", "ing", "\u{2581}\u{2581}", "a b"];
    let mut random = Random(2);
    for variant in 0..60 {
        let mut json: Value = serde_json::from_slice(&tokenizer_json(MODELS[variant % MODELS.len()])).unwrap();
        let added = json["added_tokens"].as_array_mut().unwrap();
        let flags = |token: &mut Value, random: &mut Random| {
            // A token of white space that strips to its left can end before it starts.
            let is_white = token["content"].as_str().unwrap().trim().is_empty();
            for name in ["lstrip", "rstrip", "single_word", "normalized"] {
                token[name] = json!(random.below(4) == 0 && !(name == "lstrip" && is_white));
            }
        };
        added.iter_mut().for_each(|token| flags(token, &mut random));
        for content in MORE {
            if random.below(2) == 0 {
                let mut token = json!({ "id": 0, "content": content, "special": false });
                flags(&mut token, &mut random);
                added.push(token);
            }
        }
        let json = serde_json::to_vec(&json).unwrap();
        if is_ambiguous(&json) {
            assert_eq!(compact_form::compile(&json).unwrap_err().code(), Code::TokenizerInvalid, "variant {variant}");
            continue;
        }
        let (compact, native) = (compact(&json), Tokenizer::from_json(&json).unwrap());
        let special: Vec<String> = special_contents(&json).into_iter().chain(MORE.map(String::from)).collect();
        let special: Vec<&str> = special.iter().map(String::as_str).collect();
        // A generator of their own: the variants must not depend on how many strings are drawn.
        let mut random = Random(1000 + variant as u64);
        for _ in 0..strings() / 40 {
            let text = string(&mut random, &special);
            assert_eq!(compact.encode(&text).unwrap(), native.encode(&text).unwrap(), "variant {variant}: {text:?}");
        }
    }
}

#[test]
fn ignore_merges_finds_words_that_no_merge_makes() {
    let mut json: Value = serde_json::from_slice(&tokenizer_json("tiny-silu")).unwrap();
    let id = json["model"]["vocab"]["include"].as_u64().unwrap() as u32;
    let with = compact(&serde_json::to_vec(&json).unwrap()).encode("include").unwrap();
    assert_eq!(with[1..with.len() - 1], [id]);
    json["model"]["ignore_merges"] = json!(false);
    let without = compact(&serde_json::to_vec(&json).unwrap()).encode("include").unwrap();
    assert!(without.len() > 3 && !without.contains(&id));
}

/// Other settings of the model and the pipeline that are run: each changes ids of some string.
#[test]
fn variants_of_the_pipeline() {
    type Edit = fn(&mut Value);
    let edits: [(&str, Edit); 11] = [
        ("tiny-silu", |json| json["model"]["ignore_merges"] = json!(false)),
        ("tiny-silu", |json| json["normalizer"] = json!({ "type": "NFC" })),
        ("tiny-silu", |json| json["pre_tokenizer"] = json["pre_tokenizer"]["pretokenizers"][1].clone()),
        ("tiny-silu", |json| json["post_processor"] = Value::Null),
        ("tiny-gelu", |json| {
            json["model"]["ignore_merges"] = json!(true);
            json["model"]["merges"].as_array_mut().unwrap().retain(|merge| merge[1] != "he");
        }),
        ("tiny-gelu", |json| {
            let merges = json["model"]["merges"].as_array_mut().unwrap();
            for merge in merges.iter_mut() {
                *merge = json!(format!("{} {}", merge[0].as_str().unwrap(), merge[1].as_str().unwrap()));
            }
            merges.insert(0, json!("#version: 0.2"));
        }),
        ("tiny-gelu", |json| {
            // The symbol of the byte 'e' is gone, and an unknown token takes its place.
            json["model"]["vocab"]
                .as_object_mut()
                .unwrap()
                .retain(|token, _| !token.contains('z') && !token.contains('q'));
            json["model"]["merges"].as_array_mut().unwrap().retain(|merge| !merge.to_string().contains(['z', 'q']));
            json["model"]["unk_token"] = json!("<|padding|>");
        }),
        ("tiny-gelu", |json| {
            // The last mention of a merge counts.
            let merges = json["model"]["merges"].as_array_mut().unwrap();
            merges.push(merges[3].clone());
        }),
        ("tiny-gemma", |json| json["model"]["byte_fallback"] = json!(false)),
        ("tiny-gemma", |json| {
            json["model"]["byte_fallback"] = json!(false);
            json["model"]["fuse_unk"] = json!(false);
            json["normalizer"] = json!({ "type": "Sequence", "normalizers": [json["normalizer"], { "type": "NFC" }] });
        }),
        ("tiny-gemma", |json| {
            // Tokens that no merge makes any more. A text that is one of them becomes it; a word within a text does not.
            json["model"]["ignore_merges"] = json!(true);
            json["model"]["merges"].as_array_mut().unwrap().retain(|merge| merge[0] != "\u{2581}");
        }),
    ];
    for (number, (model, edit)) in edits.into_iter().enumerate() {
        let differing = differing(model, edit, &["zq", "quiz zz", "include", "ink"]);
        // Merges in another spelling must not change anything; the rest must.
        assert_eq!(differing == 0, number == 5, "edit {number} changed {differing} strings");
    }
}

/// Compares a changed tokenizer with the crate; returns how many strings have other ids than without the change.
pub fn differing(model: &str, edit: impl FnOnce(&mut Value), special: &[&str]) -> usize {
    let original = tokenizer_json(model);
    let mut json: Value = serde_json::from_slice(&original).unwrap();
    edit(&mut json);
    let edited = serde_json::to_vec(&json).unwrap();
    let [original, edited_compact] = [&original, &edited].map(|json| compact(json));
    let native = Tokenizer::from_json(&edited).unwrap();
    let mut random = Random(3);
    let texts = (0..strings() / 10).map(|_| string(&mut random, special));
    let differs = |text: &String| {
        let ids = edited_compact.encode(text).unwrap();
        assert_eq!(ids, native.encode(text).unwrap(), "{model}: {text:?}");
        ids != original.encode(text).unwrap()
    };
    texts.filter(differs).count()
}

/// Characters that become bytes, characters that cannot, and a merge of a byte with what follows it.
#[test]
fn byte_fallback_in_part() {
    let json = json!({
        "version": "1.0",
        "added_tokens": [],
        "normalizer": { "type": "Replace", "pattern": { "String": " " }, "content": "_" },
        "pre_tokenizer": null,
        "post_processor": null,
        "model": {
            "type": "BPE", "unk_token": "?", "fuse_unk": true, "byte_fallback": true, "ignore_merges": false,
            "vocab": { "?": 0, "a": 1, "_": 2, "<0xC3>": 3, "<0xA9>": 4, "<0xA9>_": 5, "_a": 6, "a_": 7, "?_": 8 },
            "merges": [["<0xA9>", "_"], ["a", "_"], ["_", "a"], ["?", "_"]]
        }
    });
    let json = serde_json::to_vec(&json).unwrap();
    let (compact, native) = (compact(&json), Tokenizer::from_json(&json).unwrap());
    // An unknown character before one that becomes bytes: the crate puts it behind them.
    assert_eq!(compact.encode("\u{2603}\u{e9}a").unwrap(), [3, 4, 0, 1]);
    assert_eq!(compact.encode("\u{e9} a").unwrap(), [3, 5, 1]);
    let mut random = Random(6);
    for _ in 0..strings() / 10 {
        let text: String = (0..random.below(12)).map(|_| random.pick(&["a", " ", "\u{e9}", "\u{2603}", "?"])).collect();
        assert_eq!(compact.encode(&text).unwrap(), native.encode(&text).unwrap(), "{text:?}");
    }
}
