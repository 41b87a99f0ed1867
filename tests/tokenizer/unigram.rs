//! What Unigram, SentencePiece's map of characters and RoBERTa's byte-level vocabularies have of their own.

use crate::refused::{Edit, codes, damage};
use crate::support::{ROBERTA, Stopwatch, XLM_ROBERTA};
use crate::texts::Random;
use crate::variants::differing;
use crate::{compact, strings, tokenizer_json};
use felsic::error::Code;
use felsic::tokenizer::{Tokenizer, compact as compact_form};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::time::Duration;

/// Returns a tokenizer small enough to break in every way. Its scores make ties, and an unknown character dear or cheap.
fn minute_json() -> Value {
    json!({
        "version": "1.0",
        "added_tokens": [
            { "id": 1, "content": "<s>", "single_word": false, "lstrip": true, "rstrip": false, "normalized": false, "special": true }
        ],
        "normalizer": { "type": "Sequence", "normalizers": [
            { "type": "Replace", "pattern": { "Regex": " {2,}" }, "content": " " },
            { "type": "Strip", "strip_left": false, "strip_right": true }
        ] },
        "pre_tokenizer": { "type": "Metaspace", "replacement": "_", "prepend_scheme": "always", "split": true },
        "post_processor": { "type": "RobertaProcessing", "sep": ["?", 0], "cls": ["<s>", 1], "trim_offsets": true, "add_prefix_space": false },
        "model": {
            "type": "Unigram", "unk_id": 0, "byte_fallback": false,
            "vocab": [
                ["?", 0.0], ["<s>", 0.0], ["_", -2.0], ["a", -2.0], ["b", -3.5], ["_a", -3.0], ["ab", -5.5], ["ba", -5.25],
                ["aba", -7.0], ["é", -4.0], ["_ab", -6.5], ["xy", -30.0], ["bb", -7.0], ["x?", -1.0]
            ]
        }
    })
}

fn with(edit: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut json = minute_json();
    edit(&mut json);
    serde_json::to_vec(&json).unwrap()
}

fn same_ids(json: &[u8], parts: &[&str], seed: u64) {
    let (compact, native) = (compact(json), Tokenizer::from_json(json).unwrap());
    let mut random = Random(seed);
    for _ in 0..strings() {
        let text: String = (0..random.below(14)).map(|_| random.pick(parts)).collect();
        assert_eq!(compact.encode(&text).unwrap(), native.encode(&text).unwrap(), "{text:?}");
    }
}

#[test]
fn words_become_the_pieces_with_the_highest_sum() {
    let json = with(|_| ());
    let (compact, native) = (compact(&json), Tokenizer::from_json(&json).unwrap());
    for (text, expected) in [
        ("", &[][..]),
        // -3 - 3.5 and -6.5 are equal: the piece that starts first is the one that is found first.
        ("ab", &[10]),
        ("aba  é ", &[5, 7, 2, 9]),
        ("_a", &[5]),
        // Runs of what is no piece become one token; so does what is spelled like the unknown token.
        ("a☃☃a", &[5, 0, 3]),
        ("☃?☃", &[2, 0]),
        ("xy", &[2, 11]),
        ("yx?", &[2, 0, 13]),
        ("a<s>a", &[5, 1, 5]),
    ] {
        let framed = [&[1], expected, &[0]].concat();
        assert_eq!(native.encode(text).unwrap(), framed, "{text:?}");
        assert_eq!(compact.encode(text).unwrap(), framed, "{text:?}");
    }
    same_ids(&json, &["a", "b", "ab", "é", "_", " ", "  ", "☃", "x", "y", "?", "x?", "<s>", "\u{3000}", "\n"], 7);
}

/// An unknown character may cost less than pieces, and a run of such characters may be a piece.
#[test]
fn scores_of_every_sign_give_the_same_ids() {
    let parts = ["a", "b", "x", "y", "z", "é", " ", "_"];
    for (seed, shift) in [(1, 40.0), (2, 20.0), (3, -1e5), (4, 0.125)] {
        let json = with(|json| {
            for piece in json["model"]["vocab"].as_array_mut().unwrap() {
                piece[1] = json!(piece[1].as_f64().unwrap() + shift);
            }
            json["model"]["vocab"].as_array_mut().unwrap().push(json!(["xyz", 30.0]));
        });
        same_ids(&json, &parts, seed);
    }
    let mut random = Random(8);
    for _ in 0..20 {
        // Few values, so that sums are often equal.
        let json = with(|json| {
            for piece in json["model"]["vocab"].as_array_mut().unwrap() {
                piece[1] = json!(random.below(5) as f64 * 1.1 - 3.3);
            }
        });
        let (compact, native) = (compact(&json), Tokenizer::from_json(&json).unwrap());
        for _ in 0..strings() / 20 {
            let text: String = (0..random.below(10)).map(|_| random.pick(&parts)).collect();
            assert_eq!(compact.encode(&text).unwrap(), native.encode(&text).unwrap(), "{text:?}");
        }
    }
}

/// Adds tokens for bytes: all but one of those of a snowman, whose second also begins a piece.
fn with_bytes(json: &mut Value) {
    json["model"]["byte_fallback"] = json!(true);
    let vocab = json["model"]["vocab"].as_array_mut().unwrap();
    vocab.extend((0..=255).filter(|byte| *byte != 0x98).map(|byte| json!([format!("<0x{byte:02X}>"), -9.0])));
}

#[test]
fn unknown_characters_become_their_bytes_where_all_have_a_token() {
    let json = with(with_bytes);
    let (compact, native) = (compact(&json), Tokenizer::from_json(&json).unwrap());
    // Tokens of bytes behind the 14 pieces; 0x98 has none.
    let byte = |byte: u32| 14 + byte - u32::from(byte > 0x98);
    for (text, expected) in [
        ("aü", vec![5, byte(0xC3), byte(0xBC)]),
        // One run, whose bytes all have a token, and one with a byte that has none.
        ("üöa", vec![2, byte(0xC3), byte(0xBC), byte(0xC3), byte(0xB6), 3]),
        ("ü☃", vec![2, 0]),
        ("☃aü", vec![2, 0, 3, byte(0xC3), byte(0xBC)]),
        // As it is spelled, a token of a byte is a piece like others.
        ("<0x41>", vec![2, byte(0x41)]),
    ] {
        let framed = [&[1], &expected[..], &[0]].concat();
        assert_eq!(native.encode(text).unwrap(), framed, "{text:?}");
        assert_eq!(compact.encode(text).unwrap(), framed, "{text:?}");
    }
    same_ids(&json, &["a", "b", "ab", "é", "_", " ", "☃", "ü", "x", "?", "<0x41>", "<0xC3>", "<s>", "漢", "\n"], 11);
    damage(&serde_json::from_slice(&json).unwrap(), "a ab <s>ébb b b?_ab aé  xy☃ü");
}

#[test]
fn damaged_bytes_are_refused_or_harmless() {
    damage(&minute_json(), "a ab <s>ébb b b?_ab aé  xy☃");
}

/// Other settings that are run: each changes ids of some string, but for the one that says the same in another way.
#[test]
fn variants() {
    let edits: [(&str, Edit); 10] = [
        (XLM_ROBERTA, |json| json["normalizer"] = Value::Null),
        (XLM_ROBERTA, |json| json["normalizer"] = json["normalizer"]["normalizers"][0].clone()),
        (XLM_ROBERTA, |json| json["pre_tokenizer"] = json["pre_tokenizer"]["pretokenizers"][1].clone()),
        (XLM_ROBERTA, |json| json["pre_tokenizer"]["pretokenizers"][1]["prepend_scheme"] = json!("never")),
        (XLM_ROBERTA, |json| json["pre_tokenizer"] = json!({ "type": "WhitespaceSplit" })),
        (XLM_ROBERTA, |json| json["pre_tokenizer"] = Value::Null),
        (XLM_ROBERTA, |json| {
            json["normalizer"]["normalizers"][1]["content"] = json!("\u{2581}");
            json["normalizer"]["normalizers"]
                .as_array_mut()
                .unwrap()
                .push(json!({ "type": "Strip", "strip_left": true, "strip_right": false }));
            json["pre_tokenizer"] = json!({ "type": "Metaspace", "replacement": "\u{2581}", "add_prefix_space": true });
        }),
        (XLM_ROBERTA, |json| {
            json["model"]["vocab"].as_array_mut().unwrap()[40..90].iter_mut().for_each(|piece| piece[1] = json!(-3.5))
        }),
        (ROBERTA, |json| json["pre_tokenizer"]["add_prefix_space"] = json!(true)),
        (ROBERTA, |json| {
            json["pre_tokenizer"]["add_prefix_space"] = json!(true);
            json["pre_tokenizer"]["use_regex"] = json!(false);
        }),
    ];
    for (number, (model, edit)) in edits.into_iter().enumerate() {
        let differing = differing(model, edit, &["<mask>", "the  cat", "ﬁ ½", "<pad>"]);
        // Words are parted at white space, however much of it there is.
        assert_eq!(differing == 0, number == 1, "edit {number} changed {differing} strings");
    }
}

#[test]
fn marks_go_with_byte_pairs_and_word_pieces() {
    let marks = json!({ "type": "Metaspace", "replacement": "_", "prepend_scheme": "always" });
    for model in ["tiny-gemma", "tiny-bert"] {
        let marks = marks.clone();
        assert!(differing(model, move |json| json["pre_tokenizer"] = marks, &["_the cat", "x_ y"]) > 0);
    }
}

#[test]
fn what_is_not_run_exactly_is_refused_and_named() {
    let only_compact: [(&str, Edit); 4] = [
        ("prepend_scheme", |json| json["pre_tokenizer"]["prepend_scheme"] = json!("first")),
        ("split", |json| json["pre_tokenizer"]["split"] = json!(false)),
        ("piece", |json| json["model"]["vocab"][3][0] = json!("a".repeat(257))),
        ("score", |json| json["model"]["vocab"][3][1] = json!(1e300)),
    ];
    for (field, edit) in only_compact {
        let json = with(edit);
        assert_eq!(codes(&json), [Some(Code::TokenizerUnsupported), None], "{field}");
        assert!(compact_form::compile(&json).unwrap_err().message().contains(field), "{field}");
    }
    let both: [(&str, Code, Edit); 8] = [
        ("unk_id", Code::TokenizerUnsupported, |json| json["model"]["unk_id"] = Value::Null),
        ("unk_id", Code::TokenizerInvalid, |json| json["model"]["unk_id"] = json!(14)),
        ("twice", Code::TokenizerInvalid, |json| json["model"]["vocab"][3][0] = json!("b")),
        ("vocab", Code::TokenizerInvalid, |json| json["model"]["vocab"] = json!({ "a": 1 })),
        ("unk_id", Code::TokenizerInvalid, |json| json["model"]["vocab"] = json!([])),
        ("replacement", Code::TokenizerInvalid, |json| json["pre_tokenizer"]["replacement"] = json!("__")),
        ("precompiled_charsmap", Code::TokenizerUnsupported, |json| {
            json["normalizer"] = json!({ "type": "Precompiled", "precompiled_charsmap": "/////w==" });
        }),
        ("precompiled_charsmap", Code::TokenizerUnsupported, |json| {
            json["normalizer"] = json!({ "type": "Precompiled", "precompiled_charsmap": "no base64" });
        }),
    ];
    for (field, code, edit) in both {
        let json = with(edit);
        assert_eq!(codes(&json), [Some(code); 2], "{field}");
        let message = compact_form::compile(&json).unwrap_err().to_string();
        assert!(message.contains(field) || message.contains("cannot be read"), "{field}: {message}");
    }
}

/// The map of characters with damage in it: a code, or the crate's ids.
#[test]
fn damaged_maps_of_characters_are_refused_or_run_as_the_crate_runs_them() {
    let whole: Value = serde_json::from_slice(&tokenizer_json(XLM_ROBERTA)).unwrap();
    let map = whole["normalizer"]["normalizers"][0]["precompiled_charsmap"].as_str().unwrap();
    let mut random = Random(9);
    let mut compared = 0;
    for _ in 0..40 {
        let mut map = map.as_bytes().to_vec();
        for _ in 0..=random.below(60) {
            let at = random.below(map.len());
            map[at] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef0123456789+/"[random.below(44)];
        }
        let json = with(|json| {
            let map = String::from_utf8(map).unwrap();
            json["normalizer"] = json!({ "type": "Precompiled", "precompiled_charsmap": map });
        });
        let (Ok(compact), Ok(native)) = (compact_form::compile(&json), Tokenizer::from_json(&json)) else { continue };
        let compact = Tokenizer::from_compact(&compact).unwrap();
        for _ in 0..50 {
            let text: String = (0..20).map(|_| random.char_in(0x20, 0x33FF)).collect();
            match native.encode(&text) {
                Ok(ids) => assert_eq!(compact.encode(&text).unwrap(), ids, "{text:?}"),
                Err(error) => assert_eq!(error.code(), Code::InputInvalid),
            }
            compared += 1;
        }
    }
    assert!(compared > 0);
}

/// The work for a character is bounded, whatever the pieces are.
#[test]
fn long_pieces_that_nearly_match_are_quick() {
    let json = with(|json| {
        let vocab = json["model"]["vocab"].as_array_mut().unwrap();
        vocab.extend((2..255).map(|length| json!(["a".repeat(length) + "c", -1.0])));
    });
    let quick = compact(&json);
    let start = Stopwatch::start();
    assert_eq!(quick.count(&"a".repeat(100_000)).unwrap(), 2 + 100_000);
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}

/// As many pieces as XLM-RoBERTa has, of about their lengths: a page waits for them.
#[test]
fn a_quarter_of_a_million_pieces_load_quickly() {
    let mut random = Random(12);
    let json = with(|json| {
        let vocab = json["model"]["vocab"].as_array_mut().unwrap();
        let mut seen = HashSet::new();
        while vocab.len() < 250_002 {
            let (first, last) = [(0x61, 0x7A), (0x61, 0x7A), (0x430, 0x44F), (0x4E00, 0x9FFF)][random.below(4)];
            let mark = ["_", ""][random.below(2)];
            let piece: String =
                mark.chars().chain((0..3 + random.below(6)).map(|_| random.char_in(first, last))).collect();
            if seen.insert(piece.clone()) {
                vocab.push(json!([piece, f64::from(-(vocab.len() as f32).ln())]));
            }
        }
    });
    let bytes = compact_form::compile(&json).unwrap();
    let start = Stopwatch::start();
    let tokenizer = Tokenizer::from_compact(&bytes).unwrap();
    let took = start.elapsed();
    println!("{} bytes of compact form, read in {took:?}", bytes.len());
    assert_eq!(tokenizer.vocab_size(), 250_002);
    assert!(took < Duration::from_millis(200), "{took:?}");
}
