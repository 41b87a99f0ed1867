//! Tokenizers changed at random: a code, or the same ids from the checkpoint and from its compact form.

use crate::texts::{Random, string};
use crate::{MODELS, tokenizer_json};
use felsic::error::Code;
use felsic::tokenizer::{Tokenizer, compact};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Returns a value that stands for a component or a part of one.
fn odd_value(random: &mut Random) -> Value {
    match random.below(18) {
        0 => Value::Null,
        1 => json!(0),
        2 => json!(-1),
        3 => json!(u64::MAX),
        4 => json!(true),
        5 => json!(""),
        6 => json!(" "),
        7 => json!("\n"),
        8 => json!([]),
        9 => json!({}),
        10 => json!({ "type": "NFC" }),
        11 => json!({ "type": "Replace", "pattern": { "String": "e" }, "content": "ee" }),
        12 => {
            json!({ "type": "Sequence", "normalizers": [{ "type": "NFKC" }], "pretokenizers": [{ "type": "Digits", "individual_digits": true }] })
        }
        13 => {
            json!({ "type": "ByteLevel", "add_prefix_space": random.below(2) == 0, "trim_offsets": true, "use_regex": true })
        }
        14 => json!({ "type": "Metaspace", "replacement": "_", "prepend_scheme": "always", "split": true }),
        15 => json!({ "type": "BertPreTokenizer" }),
        16 => {
            let [clean, chinese, lower] = std::array::from_fn(|_| random.below(2) == 0);
            json!({ "type": "BertNormalizer", "clean_text": clean, "handle_chinese_chars": chinese, "lowercase": lower })
        }
        _ => json!("a".repeat(300)),
    }
}

/// Puts something else somewhere into a value: deeper with every step, as far as it goes.
fn mutate(value: &mut Value, random: &mut Random) {
    let stops = random.below(5) == 0;
    match value {
        Value::Array(items) if !items.is_empty() && !stops => {
            let at = random.below(items.len());
            match random.below(6) {
                0 => drop(items.remove(at)),
                1 => items.push(items[at].clone()),
                _ => mutate(&mut items[at], random),
            }
        }
        Value::Object(fields) if !fields.is_empty() && !stops => {
            let at = random.below(fields.len());
            let name = fields.keys().nth(at).unwrap().clone();
            match random.below(8) {
                0 => drop(fields.remove(&name)),
                _ => mutate(&mut fields[&name], random),
            }
        }
        Value::Bool(flag) if !stops => *flag = !*flag,
        _ => *value = odd_value(random),
    }
}

#[test]
fn a_mutated_tokenizer_ends_in_a_code_or_gives_the_same_ids() {
    const SECTIONS: [&str; 5] = ["decoder", "added_tokens", "pre_tokenizer", "post_processor", "normalizer"];
    let mut random = Random(11);
    let start = Instant::now();
    let (mut same, mut refused) = (0, 0);
    let originals: Vec<Value> =
        MODELS.iter().map(|model| serde_json::from_slice(&tokenizer_json(model)).unwrap()).collect();
    for number in 0..400 {
        if start.elapsed() > Duration::from_secs(8) {
            break;
        }
        let mut json = originals[number % originals.len()].clone();
        for _ in 0..=random.below(3) {
            mutate(&mut json[random.pick(&SECTIONS)], &mut random);
        }
        let json = serde_json::to_vec(&json).unwrap();
        let (native, compact) = (Tokenizer::from_json(&json), compact::compile(&json));
        for error in [native.as_ref().err(), compact.as_ref().err()].into_iter().flatten() {
            assert!([Code::TokenizerInvalid, Code::TokenizerUnsupported].contains(&error.code()), "{number}: {error}");
            refused += 1;
        }
        let compact = compact.ok().map(|bytes| Tokenizer::from_compact(&bytes).unwrap());
        for _ in 0..8 {
            let text = string(&mut random, &["<bos>", "[MASK]", "<|return|>", " \n", "<s>"]);
            let natively = native.as_ref().ok().map(|native| native.encode(&text));
            if let Some(Err(error)) = &natively {
                assert_eq!(error.code(), Code::InputInvalid, "{number}: {error}");
            }
            if let (Some(Ok(natively)), Some(compact)) = (natively, &compact) {
                assert_eq!(natively, compact.encode(&text).unwrap(), "{number}: {text:?}");
                same += 1;
            }
        }
    }
    println!("{same} texts with the same ids, {refused} refusals");
    assert!(same > 50 && refused > 20);
}
