//! The compact tokenizer against the `tokenizers` crate and against the reference's ids.
//!
//! `FELSIC_TOKENIZER_STRINGS` sets how many strings each tokenizer is compared on (default 20,000);
//! `FELSIC_TOKENIZER_FILES` names more `tokenizer.json` files, separated as in `PATH`.
//! `cargo xtask test tokenizer` sets both.
#![cfg(feature = "native")]

mod bombs;
mod mutated;
mod refused;
mod settings;
#[path = "../support/mod.rs"]
mod support;
mod texts;
mod unigram;
mod variants;
mod word_piece;

use felsic::tokenizer::{Tokenizer, compact};
use serde_json::Value;
use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;
use support::{BERT, ROBERTA, Stopwatch, TINY, XLM_ROBERTA, fixture};
use texts::{Random, string};

/// The models with a tokenizer to test: one of each structure.
const MODELS: [&str; 6] = [TINY[0], TINY[1], TINY[2], BERT, ROBERTA, XLM_ROBERTA];

fn tokenizer_json(model: &str) -> Vec<u8> {
    std::fs::read(fixture(format!("models/{model}/tokenizer.json"))).unwrap()
}

fn compact(json: &[u8]) -> Tokenizer {
    Tokenizer::from_compact(&compact::compile(json).unwrap()).unwrap()
}

/// Returns names and contents of all tokenizers to compare.
fn all_tokenizers() -> Vec<(String, Vec<u8>)> {
    let more = std::env::var_os("FELSIC_TOKENIZER_FILES").unwrap_or_default();
    let more = std::env::split_paths(&more).filter(|path| !path.as_os_str().is_empty());
    let models = MODELS.iter().map(|model| (model.to_string(), tokenizer_json(model)));
    models.chain(more.map(|path| (path.display().to_string(), std::fs::read(&path).unwrap()))).collect()
}

fn strings() -> usize {
    std::env::var("FELSIC_TOKENIZER_STRINGS").ok().and_then(|count| count.parse().ok()).unwrap_or(20_000)
}

#[test]
fn golden_ids() {
    for model in MODELS {
        let goldens = std::fs::read(fixture(format!("goldens/{model}.json"))).unwrap();
        let goldens: Value = serde_json::from_slice(&goldens).unwrap();
        let json = tokenizer_json(model);
        let (compact, native) = (compact(&json), Tokenizer::from_json(&json).unwrap());
        let texts = goldens["texts"].as_array().unwrap();
        assert!(texts.len() >= 44);
        for golden in texts {
            let text = golden["text"].as_str().unwrap();
            let ids: Vec<u32> = serde_json::from_value(golden["ids"].clone()).unwrap();
            assert_eq!(compact.encode(text).unwrap(), ids, "{model}: {}", golden["name"]);
            assert_eq!(native.encode(text).unwrap(), ids, "{model}: {}", golden["name"]);
            assert_eq!(compact.count(text).unwrap(), ids.len());
        }
        assert_eq!(compact.vocab_size(), native.vocab_size());
    }
}

fn special_contents(json: &[u8]) -> Vec<String> {
    let json: Value = serde_json::from_slice(json).unwrap();
    let tokens = json["added_tokens"].as_array().unwrap();
    tokens.iter().map(|token| token["content"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn same_ids_as_the_tokenizers_crate() {
    for (name, json) in all_tokenizers() {
        let (compact, native) = (compact(&json), Tokenizer::from_json(&json).unwrap());
        let special = special_contents(&json);
        let special: Vec<&str> = special.iter().map(String::as_str).collect();
        let mut random = Random(1);
        // Some short strings come up again and again: only different ones count. Their hashes take less memory.
        let (mut seen, hasher) = (HashSet::new(), RandomState::new());
        while seen.len() < strings() {
            let text = string(&mut random, &special);
            assert_eq!(compact.encode(&text).unwrap(), native.encode(&text).unwrap(), "{name}: {text:?}");
            seen.insert(hasher.hash_one(&text));
        }
        println!("{name}: the same ids for {} different strings", seen.len());
    }
}

#[test]
fn truncates_as_the_tokenizers_crate() {
    for (name, json) in all_tokenizers() {
        let compact = compact(&json);
        let native = Tokenizer::from_json(&json).unwrap();
        let mut oracle = tokenizers::Tokenizer::from_bytes(&json).unwrap();
        // What fills up short texts is no part of them.
        oracle.with_padding(None);
        let mut random = Random(4);
        let specials = compact.count("").unwrap();
        for max_tokens in [specials, specials + 1, 3, 5, 8, 13, 40, 512] {
            let params = tokenizers::TruncationParams { max_length: max_tokens, ..Default::default() };
            oracle.with_truncation(Some(params)).unwrap();
            for _ in 0..strings() / 100 {
                let text = string(&mut random, &["<bos>", "[SEP]", "<|return|>"]);
                let expected = oracle.encode_fast(text.as_str(), true).unwrap().get_ids().to_vec();
                let is_cut = compact.count(&text).unwrap() > max_tokens;
                assert_eq!(
                    compact.encode_truncated(&text, max_tokens).unwrap(),
                    (expected, is_cut),
                    "{name}: {text:?}"
                );
                let natively = native.encode_truncated(&text, max_tokens).unwrap();
                assert_eq!(compact.encode_truncated(&text, max_tokens).unwrap(), natively, "{name}: {text:?}");
            }
        }
        // No room even for the special tokens: never more than asked for.
        assert_eq!(compact.encode_truncated("a b c", 0).unwrap(), (vec![], true));
        assert_eq!(native.encode_truncated("a b c", 0).unwrap(), (vec![], true));
        assert_eq!(compact.encode_truncated("", 0).unwrap(), (vec![], false));
    }
}

/// Each code point next to letters of both cases, a space, an apostrophe, a digit and itself.
#[test]
fn every_code_point_among_neighbours() {
    // Planes 4 to 13 have no characters; their first 256 code points stand for them.
    let assigned = |c: &char| !(0x4_0000..0xE_0000).contains(&(*c as u32)) || (*c as u32) & 0xFFFF < 256;
    let all: Vec<char> = (0..0x11_0000).filter_map(char::from_u32).filter(assigned).collect();
    for model in ["tiny-silu", "tiny-gelu", "tiny-bert", "tiny-xlmr"] {
        let json = tokenizer_json(model);
        let (compact, native) = (compact(&json), Tokenizer::from_json(&json).unwrap());
        for chars in all.chunks(16) {
            let text: String = chars.iter().map(|c| format!("a{c}B {c}'{c}1{c}{c}\n")).collect();
            assert_eq!(
                compact.encode(&text).unwrap(),
                native.encode(&text).unwrap(),
                "{model}: from U+{:04X}",
                chars[0] as u32
            );
        }
    }
}

/// Returns whether a tokenizer takes much for one token, or for none: to BERT's a run of letters is one word, to Unigram a
/// run of unknown characters one token, and white space is nothing to either.
fn joins(json: &[u8]) -> bool {
    let json: Value = serde_json::from_slice(json).unwrap();
    ["WordPiece", "Unigram"].iter().any(|kind| json["model"]["type"] == *kind)
}

/// Long inputs on which a quadratic loop would take minutes to hours.
#[test]
fn long_inputs_are_quick() {
    let texts: [(&str, String); 10] = [
        ("one letter", "a".repeat(1 << 20)),
        ("capitals", "ABCDEFGH".repeat(1 << 17)),
        ("spaces", " ".repeat(100_000)),
        ("spaces and line ends", " \n".repeat(100_000)),
        ("marks", "e".to_owned() + &"\u{301}\u{316}".repeat(25_000)),
        ("kanji", "暖かい窓辺で寝ている".repeat(35_000)),
        ("digits", "1234567890".repeat(100_000)),
        ("angles", "<".repeat(1 << 20)),
        ("starts of added tokens", "<unused<|reserved_[unused".repeat(40_000)),
        ("blocks", "\u{2581}a".repeat(250_000)),
    ];
    for (name, json) in all_tokenizers() {
        let compact = compact(&json);
        for (what, text) in &texts {
            let start = Stopwatch::start();
            let count = compact.count(text).unwrap();
            let (ids, is_cut) = compact.encode_truncated(text, 512).unwrap();
            let took = start.elapsed();
            assert!(is_cut == (count > 512) && ids.len() == count.min(512), "{name}: {what}: {count}");
            assert!(count > 512 || joins(&json), "{name}: {what}: {count}");
            assert!(took < Duration::from_secs(10), "{name}: {what} took {took:?}");
        }
        // Shorter, for the crate that it is compared with.
        let native = Tokenizer::from_json(&json).unwrap();
        for (what, text) in &texts {
            let (at, _) = text.char_indices().nth(5000).unwrap();
            assert_eq!(compact.encode(&text[..at]).unwrap(), native.encode(&text[..at]).unwrap(), "{name}: {what}");
        }
    }
}
