//! What WordPiece and BERT's normaliser have of their own.

use crate::refused::{Edit, codes, damage};
use crate::support::Stopwatch;
use crate::texts::Random;
use crate::variants::differing;
use crate::{compact, strings};
use felsic::error::Code;
use felsic::tokenizer::{Tokenizer, compact as compact_form};
use serde_json::{Value, json};
use std::time::Duration;

/// Returns a tokenizer small enough to break in every way.
fn minute_json() -> Value {
    json!({
        "version": "1.0",
        "added_tokens": [
            { "id": 1, "content": "[CLS]", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true }
        ],
        "normalizer": {
            "type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null, "lowercase": true
        },
        "pre_tokenizer": { "type": "BertPreTokenizer" },
        "post_processor": { "type": "BertProcessing", "sep": ["?", 0], "cls": ["[CLS]", 1] },
        "model": {
            "type": "WordPiece", "unk_token": "?", "continuing_subword_prefix": "##", "max_input_chars_per_word": 6,
            "vocab": { "?": 0, "[CLS]": 1, "a": 2, "##a": 3, "##ab": 4, "ab": 5, "##": 6, "#": 7, "中": 8, "##b": 9 }
        }
    })
}

fn with(edit: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut json = minute_json();
    edit(&mut json);
    serde_json::to_vec(&json).unwrap()
}

#[test]
fn words_become_their_longest_pieces() {
    let json = with(|_| ());
    let (compact, native) = (compact(&json), Tokenizer::from_json(&json).unwrap());
    for (text, expected) in [
        ("", &[][..]),
        ("aab", &[2, 4]),
        ("ABA", &[5, 3]),
        ("abac", &[0]),
        // Six characters, and one more.
        ("ab\u{301}aaaa", &[5, 3, 3, 3, 3]),
        ("abaaaaa", &[0]),
        // Each is a word: punctuation and Chinese characters.
        ("##a中ab", &[7, 7, 2, 8, 5]),
        ("a[CLS]a\u{0}b\u{3000}", &[2, 1, 5]),
        (" \u{200b}\n", &[]),
    ] {
        let framed = [&[1], expected, &[0]].concat();
        assert_eq!(compact.encode(text).unwrap(), framed, "{text:?}");
        assert_eq!(native.encode(text).unwrap(), framed, "{text:?}");
    }
    let mut random = Random(7);
    for _ in 0..strings() {
        let parts = ["a", "b", "A", "#", "##", "ab", "中", " ", "c", "\u{301}", "[CLS]", "\u{0}", "?"];
        let text: String = (0..random.below(14)).map(|_| random.pick(&parts)).collect();
        assert_eq!(compact.encode(&text).unwrap(), native.encode(&text).unwrap(), "{text:?}");
    }
}

#[test]
fn damaged_bytes_are_refused_or_harmless() {
    damage(&minute_json(), "a ab [CLS]中abc a#b ");
}

/// Other settings that are run: each changes ids of some string.
#[test]
fn variants() {
    let edits: [Edit; 12] = [
        |json| json["normalizer"]["lowercase"] = json!(false),
        |json| json["normalizer"]["strip_accents"] = json!(false),
        |json| {
            json["normalizer"]["lowercase"] = json!(false);
            json["normalizer"]["strip_accents"] = json!(true);
        },
        |json| json["normalizer"]["clean_text"] = json!(false),
        |json| json["normalizer"]["handle_chinese_chars"] = json!(false),
        |json| json["normalizer"] = Value::Null,
        |json| {
            let replace = json!({ "type": "Replace", "pattern": { "String": "e" }, "content": "aé" });
            json["normalizer"] =
                json!({ "type": "Sequence", "normalizers": [{ "type": "NFC" }, replace, json["normalizer"]] });
        },
        |json| json["pre_tokenizer"] = Value::Null,
        |json| json["model"]["unk_token"] = json!("[MASK]"),
        |json| json["model"]["max_input_chars_per_word"] = json!(5),
        |json| json["model"]["continuing_subword_prefix"] = json!(""),
        |json| json["post_processor"] = Value::Null,
    ];
    for (number, edit) in edits.into_iter().enumerate() {
        let differing = differing("tiny-bert", edit, &["[MASK]", "Un[CLS]able", "it's 2016"]);
        assert!(differing > 0, "edit {number}");
    }
}

#[test]
fn byte_pairs_after_berts_normaliser() {
    let edit: Edit = |json| {
        json["normalizer"] = minute_json()["normalizer"].clone();
        json["pre_tokenizer"] = json!({ "type": "BertPreTokenizer" });
    };
    assert!(differing("tiny-gemma", edit, &["<bos>", "ÉTÉ"]) > 0);
}

#[test]
fn what_is_not_run_exactly_is_refused_and_named() {
    let byte_level =
        json!({ "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false });
    let error = compact_form::compile(&with(|json| json["pre_tokenizer"] = byte_level)).unwrap_err();
    assert_eq!(error.code(), Code::TokenizerUnsupported);
    assert!(error.message().contains("ByteLevel"), "{error}");
    let unsupported: [(&str, Edit); 3] = [
        ("max_input_chars_per_word", |json| json["model"]["max_input_chars_per_word"] = json!(257)),
        ("normalizer", |json| json["normalizer"]["type"] = json!("BertNormaliser")),
        ("pre_tokenizer", |json| json["pre_tokenizer"]["type"] = json!("Bert")),
    ];
    for (field, edit) in unsupported {
        let json = with(edit);
        assert_eq!(codes(&json), [Some(Code::TokenizerUnsupported); 2], "{field}");
        assert!(compact_form::compile(&json).unwrap_err().message().contains(field), "{field}");
    }
    let invalid: [(&str, Edit); 6] = [
        ("unk_token", |json| json["model"]["unk_token"] = json!("nowhere")),
        ("lowercase", |json| json["normalizer"]["lowercase"] = json!(1)),
        ("strip_accents", |json| json["normalizer"]["strip_accents"] = json!("yes")),
        ("clean_text", |json| drop(json["normalizer"].as_object_mut().unwrap().remove("clean_text"))),
        ("tokenizer.json", |json| json["model"]["max_input_chars_per_word"] = json!(-1)),
        ("tokenizer.json", |json| drop(json["model"].as_object_mut().unwrap().remove("continuing_subword_prefix"))),
    ];
    for (field, edit) in invalid {
        let json = with(edit);
        assert_eq!(codes(&json), [Some(Code::TokenizerInvalid); 2], "{field}");
        assert!(compact_form::compile(&json).unwrap_err().message().contains(field), "{field}");
    }
}

/// The work for a word is bounded, whatever its letters are.
#[test]
fn long_words_that_nearly_match_are_quick() {
    let json = with(|json| {
        json["model"]["max_input_chars_per_word"] = json!(256);
        let vocab = json["model"]["vocab"].as_object_mut().unwrap();
        for length in 2..400_u32 {
            vocab.insert("a".repeat(length as usize) + "c", json!(length * 2 + 10));
            vocab.insert("##".to_owned() + &"a".repeat(length as usize) + "c", json!(length * 2 + 11));
        }
    });
    let quick = compact(&json);
    let start = Stopwatch::start();
    assert_eq!(quick.count(&("a".repeat(256) + " ").repeat(2000)).unwrap(), 2 + 256 * 2000);
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    // A text that becomes too long once it is normalised.
    let long = "中".repeat(8 << 20);
    assert_eq!(quick.count(&long).unwrap_err().code(), Code::InputInvalid);
}
