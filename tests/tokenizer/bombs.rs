//! Tokenizers that make much out of little, and those on which the `tokenizers` crate panics.

use crate::refused::{Edit, codes, minute_json};
use crate::support::Stopwatch;
use felsic::error::Code;
use felsic::tokenizer::{Tokenizer, compact};
use serde_json::{Value, json};
use std::time::Duration;

const UNSUPPORTED: [Option<Code>; 2] = [Some(Code::TokenizerUnsupported); 2];

fn with(edit: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut json = minute_json();
    edit(&mut json);
    serde_json::to_vec(&json).unwrap()
}

fn replace(from: &str, to: &str) -> Value {
    json!({ "type": "Replace", "pattern": { "String": from }, "content": to })
}

fn steps(steps: Vec<Value>) -> Vec<u8> {
    with(|json| json["normalizer"] = json!({ "type": "Sequence", "normalizers": steps }))
}

/// Returns a change that makes a template of `tokens` tokens, the text in the middle.
fn template(tokens: usize) -> impl FnOnce(&mut Value) {
    move |json| {
        let piece = json["post_processor"]["single"][0].clone();
        let mut pieces = vec![piece; tokens];
        pieces.insert(tokens / 2, json["post_processor"]["single"][1].clone());
        json["post_processor"]["single"] = pieces.into();
    }
}

/// Returns the bytes of the compact `minute_json`, with others in the place of its one step or of its template.
fn compact_with(old: &[u8], new: &[u8]) -> Vec<u8> {
    let whole = compact::compile(&with(|_| ())).unwrap();
    let places: Vec<usize> = (0..whole.len()).filter(|at| whole[*at..].starts_with(old)).collect();
    assert_eq!(places.len(), 1, "{old:?}");
    [&whole[..places[0]], new, &whole[places[0] + old.len()..]].concat()
}

#[test]
fn steps_that_multiply_a_text_are_refused_when_made_and_when_read() {
    let doubling = |count| vec![replace("a", "aa"); count];
    let long = "a".repeat(1 << 20);
    assert_eq!(codes(&steps(doubling(7))), [None; 2], "128 times as long");
    for bomb in [doubling(8), doubling(26), vec![replace("a", &long), replace("a", &long)], vec![replace("a", "b"); 17]]
    {
        assert_eq!(codes(&steps(bomb)), UNSUPPORTED);
    }
    // One step in the bytes: a 1, and the strings " " and "_".
    let one = [1, 1, b' ', 1, b'_'];
    let doubled = [1, 1, b'a', 2, b'a', b'a'];
    for (count, code) in [(7, None), (8, Some(Code::TokenizerUnsupported)), (26, Some(Code::TokenizerUnsupported))] {
        let new = [vec![count as u8], doubled.repeat(count)].concat();
        let bytes = compact_with(&[&[1][..], &one].concat(), &new);
        assert_eq!(Tokenizer::from_compact(&bytes).err().map(|error| error.code()), code, "{count} steps");
    }
}

/// NFKC makes a text 11 times as long, a replacement of a blank three times and one of two characters twice: 66.
#[test]
fn a_compatibility_form_with_the_replacements_of_sentence_pieces_is_run_natively() {
    let json = steps(vec![json!({ "type": "NFKC" }), replace(" ", "\u{2581}"), replace("``", "\u{201d}")]);
    assert_eq!(codes(&json), [Some(Code::TokenizerUnsupported), None], "the compact form has no NFKC");
    let tokenizer = Tokenizer::from_json(&json).unwrap();
    assert_eq!(tokenizer.encode("\u{ff41}b").unwrap(), tokenizer.encode("ab").unwrap());
    // The letter that grows most: as many as fit, and more.
    let letters = |count: usize| tokenizer.encode(&"\u{fdfa}".repeat(count)).map(drop).map_err(|error| error.code());
    assert_eq!((letters(100_000), letters(200_000)), (Ok(()), Err(Code::InputInvalid)));
}

/// What the compact form does not run can multiply a text too.
#[test]
fn other_parts_that_multiply_a_text_are_refused_natively() {
    let byte_level =
        json!({ "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false });
    let pattern = json!({ "type": "Replace", "pattern": { "Regex": "" }, "content": "a".repeat(200) });
    let cases = [
        steps(vec![json!({ "type": "Prepend", "prepend": "a".repeat(200) })]),
        steps(vec![json!({ "type": "ByteLevel" }); 8]),
        steps(vec![pattern]),
        with(|json| {
            json["pre_tokenizer"] = json!({ "type": "Sequence", "pretokenizers": vec![byte_level.clone(); 8] })
        }),
        with(
            |json| json["pre_tokenizer"] = json!({ "type": "Sequence", "pretokenizers": vec![json!({ "type": "Digits", "individual_digits": true }); 17] }),
        ),
        with(|json| {
            json["post_processor"] =
                json!({ "type": "Sequence", "processors": [json["post_processor"], json["post_processor"]] })
        }),
    ];
    for (number, json) in cases.iter().enumerate() {
        assert_eq!(codes(json), UNSUPPORTED, "case {number}");
    }
}

#[test]
fn a_text_that_becomes_too_long_is_refused_in_bounded_time() {
    let json = steps(vec![replace("a", "aa"); 6]);
    let (compact, native) = (crate::compact(&json), Tokenizer::from_json(&json).unwrap());
    let start = Stopwatch::start();
    // 64 times as long, and so 64 MiB.
    let long = "a".repeat(1 << 20);
    // Parts between added tokens count together.
    let parts = "aaaaaaaa<s>".repeat(1 << 17);
    for text in [&long, &parts] {
        let refused = [compact.encode(text).err(), compact.encode_truncated(text, 8).err(), compact.count(text).err()];
        let native = [native.encode(text).err(), native.encode_truncated(text, 8).err(), native.count(text).err()];
        for error in refused.into_iter().take(if text == &parts { 1 } else { 3 }).chain(native) {
            assert_eq!(error.map(|error| error.code()), Some(Code::InputInvalid));
        }
    }
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    let text = "a".repeat(1 << 12);
    assert_eq!(compact.encode(&text).unwrap(), native.encode(&text).unwrap());
    assert_eq!(compact.count(&text).unwrap(), 64 << 12 | 1);
}

#[test]
fn a_template_of_many_tokens_is_refused_when_made_and_when_read() {
    assert_eq!(codes(&with(template(256))), [None; 2]);
    for tokens in [257, 100_000] {
        assert_eq!(codes(&with(template(tokens))), UNSUPPORTED, "{tokens} tokens");
    }
    let many_ids = with(|json| json["post_processor"]["special_tokens"]["<s>"]["ids"] = vec![9; 257].into());
    assert_eq!(codes(&many_ids), UNSUPPORTED);
    // Behind the step: one token before the text, the 9, and none after it.
    let short = [1, b' ', 1, b'_', 1, 9, 0];
    for (tokens, code) in [(100, None), (127, None), (257, Some(Code::TokenizerUnsupported))] {
        let count: &[u8] = if tokens < 128 { &[tokens as u8] } else { &[0x81, 2] };
        let new = [&short[..4], count, &vec![9; tokens][..], &[0]].concat();
        let read = Tokenizer::from_compact(&compact_with(&short, &new));
        assert_eq!(read.as_ref().err().map(|error| error.code()), code, "{tokens} tokens");
        if let Ok(read) = read {
            assert_eq!((read.template_len(), read.encode("a").unwrap().len()), (tokens, tokens + 1));
        }
    }
    let json = with(template(5));
    assert_eq!((crate::compact(&json).template_len(), Tokenizer::from_json(&json).unwrap().template_len()), (5, 5));
}

/// Decoder, padding and truncation have no part in ids: whatever they say, they are not read.
#[test]
fn sections_without_a_part_in_ids_are_not_read() {
    let plain = Tokenizer::from_json(&with(|_| ())).unwrap().encode("ab a b").unwrap();
    let deep = "{\"type\":\"Sequence\",\"decoders\":[".repeat(20_000) + &"]}".repeat(20_000);
    let sections = [
        r#"{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":1e999}"#,
        r#"{"type":"Sequence","decoders":[{"type":"Strip","content":7,"start":-1,"stop":1e999}]}"#,
        "7",
        &deep,
    ];
    for section in sections {
        for name in ["decoder", "padding", "truncation"] {
            let text = String::from_utf8(with(|_| ())).unwrap();
            let json = format!("{{\"{name}\":{section},{}", &text[1..]);
            assert_eq!(codes(json.as_bytes()), [None; 2], "{name}: {:.60}", section);
            let tokenizer = Tokenizer::from_json(json.as_bytes()).unwrap();
            assert_eq!(tokenizer.encode("ab a b").unwrap(), plain);
            assert_eq!(crate::compact(json.as_bytes()).encode("ab a b").unwrap(), plain);
        }
    }
}

#[test]
fn what_makes_the_tokenizers_crate_panic_is_refused_before() {
    let invalid: [Edit; 4] = [
        |json| json["pre_tokenizer"] = json!({ "type": "FixedLength", "length": 0 }),
        |json| json["normalizer"] = json!({ "type": "Sequence" }),
        |json| {
            json["pre_tokenizer"] =
                json!({ "type": "Split", "pattern": { "Regex": "(" }, "behavior": "Isolated", "invert": false })
        },
        |json| json["model"] = json!({ "type": "Unigram", "unk_id": 7, "vocab": [["a", 0.0]] }),
    ];
    for (number, edit) in invalid.into_iter().enumerate() {
        assert_eq!(codes(&with(edit))[1], Some(Code::TokenizerInvalid), "edit {number}");
    }
    let unsupported: [Edit; 6] = [
        // A template in the clothes of something else, whose special token the crate would look for in vain.
        |json| json["post_processor"]["type"] = json!("Nothing"),
        // Components of no type, which the crate tells apart by their fields.
        |json| json["normalizer"] = json!({ "normalizers": [{ "type": "NFC" }] }),
        |json| json["normalizer"] = json!({ "type": "Precompiled", "precompiled_charsmap": "AAAA" }),
        |json| json["pre_tokenizer"] = json!({ "add_prefix_space": false }),
        |json| json["added_tokens"][0]["content"] = json!("long".repeat(100)),
        // Where a token before it has taken the same white space, it ends before it starts.
        |json| json["added_tokens"][0]["content"] = json!("\n"),
    ];
    for (number, edit) in unsupported.into_iter().enumerate() {
        assert_eq!(codes(&with(edit)), UNSUPPORTED, "edit {number}");
    }
    let disguised = with(|json| {
        json["post_processor"]["type"] = json!("ByteLevel");
        json["post_processor"]["special_tokens"] = json!({});
    });
    assert_eq!(codes(&disguised), [None; 2], "it only moves offsets");
    assert_eq!(Tokenizer::from_json(&disguised).unwrap().encode("a").unwrap(), [1]);
}

/// Oniguruma stops after ten million steps back, and the crate panics.
#[test]
fn a_text_on_which_the_tokenizers_crate_panics_is_invalid_input() {
    let json = with(|json| {
        json["pre_tokenizer"] = json!({ "type": "Split", "pattern": { "Regex": "(?:a|a)*(?:a|a)*(?:a|a)*c" }, "behavior": "Isolated", "invert": false });
    });
    let tokenizer = Tokenizer::from_json(&json).unwrap();
    let text = "a".repeat(2000) + "bc";
    let refused =
        [tokenizer.encode(&text).err(), tokenizer.encode_truncated(&text, 8).err(), tokenizer.count(&text).err()];
    for error in refused {
        let error = error.unwrap();
        assert_eq!(error.code(), Code::InputInvalid);
        assert!(error.to_string().contains("panics") && error.to_string().lines().count() == 1, "{error}");
    }
    assert_eq!(tokenizer.encode("ab").unwrap(), Tokenizer::from_json(&with(|_| ())).unwrap().encode("ab").unwrap());
}

/// Makes a tokenizer of a type other than BPE, natively.
fn of_model(model: Value) -> Result<Tokenizer, Code> {
    let json = json!({ "version": "1.0", "added_tokens": [], "model": model });
    Tokenizer::from_json(&serde_json::to_vec(&json).unwrap()).map_err(|error| error.code())
}

/// The crate drops a tree as deep as the longest token is long by recursion; the end of the stack cannot be caught.
#[test]
fn a_long_token_of_unigram_is_refused_before_it_ends_the_stack() {
    let unigram = |length: usize| {
        let vocab = json!([["?", 0.0], ["a", -1.0], ["a".repeat(length), -2.0]]);
        of_model(json!({ "type": "Unigram", "unk_id": 0, "vocab": vocab }))
    };
    assert_eq!(unigram(1024).unwrap().encode("aa").unwrap(), [1, 1]);
    for length in [1025, 1_000_000] {
        assert_eq!(unigram(length).err(), Some(Code::TokenizerUnsupported));
    }
    assert_eq!(codes(&with(|json| json["model"]["vocab"]["a".repeat(1025)] = json!(11))), UNSUPPORTED);
}

#[test]
fn a_long_word_of_word_piece_is_not_searched_through() {
    let piece = |most: u64| {
        of_model(json!({ "type": "WordPiece", "unk_token": "?", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": most, "vocab": { "?": 0, "a": 1, "##a": 2 } }))
    };
    let start = Stopwatch::start();
    let tokenizer = piece(256).unwrap();
    assert_eq!(tokenizer.encode("aa").unwrap(), [1, 2]);
    assert_eq!(tokenizer.encode(&"a".repeat(100_000)).unwrap(), [0]);
    assert_eq!(piece(1_000_000_000).err(), Some(Code::TokenizerUnsupported));
    assert!(start.elapsed() < Duration::from_secs(10));
}

/// White space that one token has taken to its right may hold many others, and each takes the rest of it again.
#[test]
fn white_space_that_many_tokens_take_is_read_once() {
    let json = with(|json| {
        let token = json["added_tokens"][1].clone();
        for (content, rstrip) in [(" ", false), ("\t", true)] {
            let mut token = token.clone();
            (token["content"], token["rstrip"], token["normalized"]) = (json!(content), json!(rstrip), json!(false));
            json["added_tokens"].as_array_mut().unwrap().push(token);
        }
    });
    let quick = Tokenizer::from_compact(&compact::compile(&json).unwrap()).unwrap();
    let native = Tokenizer::from_json(&json).unwrap();
    for text in ["a\t  \t b \t", "\t\t \t", " \ta \t"] {
        assert_eq!(quick.encode(text).unwrap(), native.encode(text).unwrap(), "{text:?}");
    }
    let start = Stopwatch::start();
    assert!(quick.count(&" \t".repeat(1 << 20)).unwrap() > 1 << 20);
    assert!(start.elapsed() < Duration::from_secs(10));
}
