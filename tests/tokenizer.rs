//! The compact tokenizer against the `tokenizers` crate and against the reference's ids.
//!
//! `FELSIC_TOKENIZER_STRINGS` sets how many strings each tokenizer is compared on (default 20,000);
//! `FELSIC_TOKENIZER_FILES` names more `tokenizer.json` files, separated by colons.
#![cfg(feature = "native")]

use felsic::error::Code;
use felsic::tokenizer::{Tokenizer, compact};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The models of the goldens, one of each structure: byte-level o200k; byte-level GPT-2; characters.
const MODELS: [&str; 3] = ["tiny-silu", "tiny-gelu", "tiny-gemma"];

fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(path)
}

fn tokenizer_json(model: &str) -> Vec<u8> {
    std::fs::read(fixture(&format!("models/{model}/tokenizer.json"))).unwrap()
}

fn compact(json: &[u8]) -> Tokenizer {
    Tokenizer::from_compact(&compact::compile(json).unwrap()).unwrap()
}

/// Names and contents of all tokenizers to compare.
fn all_tokenizers() -> Vec<(String, Vec<u8>)> {
    let more = std::env::var("FELSIC_TOKENIZER_FILES").unwrap_or_default();
    let more = more.split(':').filter(|path| !path.is_empty());
    let models = MODELS.iter().map(|model| (model.to_string(), tokenizer_json(model)));
    models.chain(more.map(|path| (path.to_owned(), std::fs::read(path).unwrap()))).collect()
}

fn strings() -> usize {
    std::env::var("FELSIC_TOKENIZER_STRINGS").ok().and_then(|count| count.parse().ok()).unwrap_or(20_000)
}

#[test]
fn golden_ids() {
    for model in MODELS {
        let goldens = std::fs::read(fixture(&format!("goldens/{model}.json"))).unwrap();
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

/// Numbers that look random and are the same everywhere (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ z >> 31) % limit as u64) as usize
    }

    fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }

    fn char_in(&mut self, first: u32, last: u32) -> char {
        loop {
            if let Some(c) = char::from_u32(first + self.below((last - first + 1) as usize) as u32) {
                return c;
            }
        }
    }
}

const WORDS: [&str; 32] = [
    "the",
    "Hello",
    "camelCase",
    "HTTPServer",
    "XMLHttpRequest",
    "snake_case",
    "ÉTÉ",
    "ÄpfelBaum",
    "Straße",
    "ǅungla",
    "ﬁn",
    "don't",
    "I'LL",
    "we'Ve",
    "it'ſ",
    "'twas",
    "o'clock",
    "naïve",
    "cafe\u{301}",
    "A\u{30a}ngstrom",
    "поезд",
    "θάλασσα",
    "שָׁלוֹם",
    "مساءً",
    "उड़ा",
    "ஆகும்",
    "ขบวน",
    "អាន",
    "发芽",
    "テスト",
    "지하철",
    " \u{a95}",
];
const ODD: [&str; 28] = [
    "\0",
    "\u{1}",
    "\u{7f}",
    "\u{85}",
    "\u{a0}",
    "\u{ad}",
    "\u{200b}",
    "\u{200d}",
    "\u{202e}",
    "\u{2028}",
    "\u{3000}",
    "\u{feff}",
    "\u{fffd}",
    "\u{e000}",
    "\u{10ffff}",
    "\u{378}",
    "½",
    "²",
    "Ⅷ",
    "٣",
    "①",
    "ª",
    "ʰ",
    "€",
    "“",
    "…",
    "👩\u{200d}💻",
    "👍🏽",
];
const PUNCTUATION: [&str; 20] = [
    "'", "''", "\"", "!", "?!", "...", "/", "//\n", "-", "--", "_", "<", ">", "|", "<|", "[", "]", "<0x41>",
    "\u{2581}", "&",
];
/// Ranges of letters and marks to draw from: scripts, presentation forms, symbols.
const RANGES: [(u32, u32); 22] = [
    (0x20, 0x7E),
    (0xA0, 0x24F),
    (0x2B0, 0x36F),
    (0x370, 0x52F),
    (0x591, 0x6FF),
    (0x900, 0x97F),
    (0x980, 0xDFF),
    (0xE00, 0xFFF),
    (0x10A0, 0x11FF),
    (0x1780, 0x17FF),
    (0x1AB0, 0x1AFF),
    (0x1C80, 0x1FFF),
    (0x2000, 0x206F),
    (0x2070, 0x2BFF),
    (0x3000, 0x30FF),
    (0x4E00, 0x9FFF),
    (0xA640, 0xA7FF),
    (0xAC00, 0xD7A3),
    (0xF900, 0xFAFF),
    (0x10400, 0x1044F),
    (0x1D400, 0x1D7FF),
    (0x1F300, 0x1FAFF),
];

/// A string of one to twelve parts of all kinds; `special` are contents of added tokens.
fn string(random: &mut Random, special: &[&str]) -> String {
    let mut text = String::new();
    for _ in 0..=random.below(12) {
        match random.below(12) {
            0..=2 => text.push_str(random.pick(&WORDS)),
            3 => text.push_str(random.pick(&ODD)),
            4 => text.push_str(random.pick(&PUNCTUATION)),
            5 if !special.is_empty() => {
                // Whole, or without its ends.
                let token = random.pick(special);
                let mut chars: Vec<char> = token.chars().collect();
                for _ in 0..random.below(3) {
                    chars.remove(if random.below(2) == 0 { 0 } else { chars.len() - 1 });
                    if chars.is_empty() {
                        break;
                    }
                }
                text.extend(chars);
            }
            6 => {
                let white = random.pick(&[" ", " ", " ", "\n", "\t", "\r\n", "\u{a0}", "\u{3000}"]);
                text.push_str(&white.repeat(1 + random.below(9) * random.below(5)));
            }
            7 => text.push_str(&random.below(usize::MAX).to_string()[..=random.below(8)]),
            8 => {
                let (first, last) = RANGES[random.below(RANGES.len())];
                (0..=random.below(8)).for_each(|_| text.push(random.char_in(first, last)));
            }
            9 => {
                let mark = random.char_in(0x300, 0x36F);
                (0..=random.below(4)).for_each(|_| text.push(mark));
            }
            10 => text.push(random.char_in(0, 0x10FFFF)),
            _ => {}
        }
        if random.below(2) == 0 {
            text.push(' ');
        }
    }
    text
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
        for _ in 0..strings() {
            let text = string(&mut random, &special);
            assert_eq!(compact.encode(&text).unwrap(), native.encode(&text).unwrap(), "{name}: {text:?}");
        }
    }
}

/// The tokenizers of the fixtures with other flags on their added tokens, and a few more of those.
#[test]
fn added_tokens_match_as_in_the_tokenizers_crate() {
    const MORE: [&str; 12] =
        ["the", "th", "<", "<|", " \n", "  ", "\u{e9}", "e\u{301}x", "Word", "ing", "\u{2581}\u{2581}", "a b"];
    let mut random = Random(2);
    for variant in 0..60 {
        let mut json: Value = serde_json::from_slice(&tokenizer_json(MODELS[variant % 3])).unwrap();
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
        let native = match Tokenizer::from_json(&json) {
            Ok(native) => native,
            // Two tokens with the same normal form.
            Err(error) => {
                assert_eq!(compact::compile(&json).unwrap_err().code(), error.code());
                continue;
            }
        };
        let compact = compact(&json);
        let special: Vec<String> = special_contents(&json).into_iter().chain(MORE.map(String::from)).collect();
        let special: Vec<&str> = special.iter().map(String::as_str).collect();
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
    let edits: [(&str, Edit); 9] = [
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
            // The last mention counts.
            let third = merges[3].clone();
            merges.push(third);
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
        ("tiny-gemma", |json| json["model"]["byte_fallback"] = json!(false)),
        ("tiny-gemma", |json| {
            json["model"]["byte_fallback"] = json!(false);
            json["model"]["fuse_unk"] = json!(false);
            json["normalizer"] = json!({ "type": "Sequence", "normalizers": [json["normalizer"], { "type": "NFC" }] });
        }),
    ];
    for (number, (model, edit)) in edits.into_iter().enumerate() {
        let original = tokenizer_json(model);
        let mut json: Value = serde_json::from_slice(&original).unwrap();
        edit(&mut json);
        let edited = serde_json::to_vec(&json).unwrap();
        let [original, edited_compact] = [&original, &edited].map(|json| compact(json));
        let native = Tokenizer::from_json(&edited).unwrap();
        let mut random = Random(3);
        let mut differing = 0;
        for _ in 0..strings() / 10 {
            let text = string(&mut random, &["zq", "quiz zz", "include", "ink"]);
            let ids = edited_compact.encode(&text).unwrap();
            assert_eq!(ids, native.encode(&text).unwrap(), "edit {number}: {text:?}");
            differing += usize::from(ids != original.encode(&text).unwrap());
        }
        // Merges in another spelling must not change anything; the rest must.
        assert_eq!(differing == 0, number == 5, "edit {number} changed {differing} strings");
    }
}

#[test]
fn truncates_as_the_tokenizers_crate() {
    for (name, json) in all_tokenizers() {
        let compact = compact(&json);
        let native = Tokenizer::from_json(&json).unwrap();
        let mut oracle = tokenizers::Tokenizer::from_bytes(&json).unwrap();
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
    for model in ["tiny-silu", "tiny-gelu"] {
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
            let start = Instant::now();
            let count = compact.count(text).unwrap();
            let (ids, is_cut) = compact.encode_truncated(text, 512).unwrap();
            let took = start.elapsed();
            assert!(count > 512 && is_cut && ids.len() == 512, "{name}: {what}: {count}");
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

/// A tokenizer small enough to break in every way.
fn minute_json() -> Value {
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
    let whole = compact::compile(&serde_json::to_vec(&minute_json()).unwrap()).unwrap();
    let text = "a ab <s>ébb b b?_ab aé".repeat(3);
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

fn codes(json: &[u8]) -> [Option<Code>; 2] {
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
    let edits: [fn(&mut Value); 6] = [
        |json| json["model"]["merges"] = json!([["a", "zz"]]),
        |json| json["model"]["merges"] = json!([["b", "b"]]),
        |json| json["model"]["merges"] = json!(["a b c"]),
        |json| json["model"]["unk_token"] = json!("nowhere"),
        |json| json["post_processor"]["special_tokens"] = json!({}),
        |json| json["added_tokens"][0]["content"] = json!(7),
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
    let edits: [(&str, fn(&mut Value)); 14] = [
        ("version", |json| json["version"] = json!("2.0")),
        ("model.type", |json| json["model"] = json!({ "type": "WordLevel", "vocab": {}, "unk_token": "?" })),
        ("model.dropout", |json| json["model"]["dropout"] = json!(0.1)),
        ("model.continuing_subword_prefix", |json| json["model"]["continuing_subword_prefix"] = json!("##")),
        ("model.end_of_word_suffix", |json| json["model"]["end_of_word_suffix"] = json!("</w>")),
        ("normalizer", |json| json["normalizer"] = json!({ "type": "Lowercase" })),
        ("normalizer", |json| json["normalizer"]["pattern"] = json!({ "Regex": " +" })),
        ("pre_tokenizer", |json| json["pre_tokenizer"] = json!({ "type": "Whitespace" })),
        ("pre_tokenizer.add_prefix_space", |json| {
            json["pre_tokenizer"] =
                json!({ "type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true });
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
            json["post_processor"] = json!({ "type": "BertProcessing", "sep": ["?", 0], "cls": ["<s>", 9] });
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
