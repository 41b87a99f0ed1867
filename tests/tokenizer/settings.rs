//! What the files beside `tokenizer.json` say, against the ids of transformers 4 and 5
//! (`tests/reference/make_settings.py`).

use std::collections::BTreeMap;
use std::fs;

use felsic::config::EmbedderConfig;
use felsic::error::{Code, Result};
use felsic::tokenizer::{Tokenizer, TokenizerSettings, compact};
use serde_json::Value;

use crate::fixture;

/// The files of a checkpoint, weights excepted.
type Files = BTreeMap<String, Vec<u8>>;

fn files_of(model: &str) -> Files {
    let entries = fs::read_dir(fixture(format!("models/{model}"))).unwrap().map(|entry| entry.unwrap());
    let named = entries.map(|entry| (entry.file_name().into_string().unwrap(), entry.path()));
    named.filter(|(name, _)| name.ends_with(".json")).map(|(name, path)| (name, fs::read(path).unwrap())).collect()
}

fn apply(files: &mut Files, change: &Value) {
    let file = change["file"].as_str().unwrap();
    if let Some(content) = change.get("content") {
        match content {
            Value::Null => drop(files.remove(file).unwrap()),
            content => drop(files.insert(file.to_owned(), content.to_string().into_bytes())),
        }
        return;
    }
    let mut whole: Value = serde_json::from_slice(&files[file]).unwrap();
    let path: Vec<&str> = change["path"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    let (last, parents) = path.split_last().unwrap();
    let place = parents.iter().fold(&mut whole, |place, name| &mut place[*name]);
    match change.get("value") {
        Some(value) => place[*last] = value.clone(),
        None => drop(place.as_object_mut().unwrap().remove(*last)),
    }
    files.insert(file.to_owned(), whole.to_string().into_bytes());
}

/// Returns what a checkpoint's files make of texts: whole, and cut to `cut` ids. Natively, and in the compact form if
/// it is run.
fn ids_of(files: &Files, texts: &[&str], cut: usize) -> Result<Value> {
    let read = |name: &str| Ok(files.get(name).cloned());
    let settings = TokenizerSettings::from_files(read)?;
    let json = &files["tokenizer.json"];
    let native = Tokenizer::from_json_with(json, Some(&settings))?;
    let ids = |tokenizer: &Tokenizer| {
        let whole: Vec<Vec<u32>> = texts.iter().map(|text| tokenizer.encode(text).unwrap()).collect();
        let cut: Vec<Vec<u32>> = texts.iter().map(|text| tokenizer.encode_truncated(text, cut).unwrap().0).collect();
        serde_json::json!({ "whole": whole, "cut": cut })
    };
    let natively = ids(&native);
    match compact::compile_with(json, Some(&settings)) {
        Ok(bytes) => assert_eq!(ids(&Tokenizer::from_compact(&bytes)?), natively),
        // What felsic runs natively only.
        Err(error) => {
            let known = ["add_prefix_space", "BertNormalizer"].iter().any(|part| error.to_string().contains(part));
            assert!(error.code() == Code::TokenizerUnsupported && known, "{error}");
        }
    }
    Ok(natively)
}

#[test]
fn ids_are_those_of_both_transformers_or_the_settings_are_refused() {
    let cases: Value = serde_json::from_slice(&fs::read(fixture("settings.json")).unwrap()).unwrap();
    let texts: Vec<&str> = cases["texts"].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect();
    let cut = cases["cut"].as_u64().unwrap() as usize;
    let (mut same, mut refused, mut wrong) = (0, 0, Vec::new());
    for case in cases["cases"].as_array().unwrap() {
        let mut files = files_of(case["model"].as_str().unwrap());
        case["changes"].as_array().unwrap().iter().for_each(|change| apply(&mut files, change));
        let given: Vec<&Value> = case["ids"].as_object().unwrap().values().collect();
        let loaded: Vec<&&Value> = given.iter().filter(|ids| ids.is_object()).collect();
        match (ids_of(&files, &texts, cut), loaded.as_slice()) {
            // A version that loads no such checkpoint gives no other ids.
            (Ok(ids), [only]) if ids == ***only => same += 1,
            (Ok(ids), [older, newer]) if ids == ***older && ids == ***newer => same += 1,
            // Refused: where the versions differ, where one of them does not load it, and what felsic does not do.
            (Err(error), _) if is_refusal(case, &given, error.code()) => {
                assert!(error.message().contains(".json: "), "{}: {error}", case["name"]);
                refused += 1;
            }
            (Ok(ids), _) => wrong.push(format!("{}: {ids} and not {}", case["name"], case["ids"])),
            (Err(error), _) => wrong.push(format!("{}: {error} [{}]", case["name"], error.code())),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{same} cases with the same ids, {refused} refused");
    assert!(same > 50 && refused > 15);
}

/// Returns whether a refusal is right. Of what both versions agree on, felsic refuses three kinds: it does not leave
/// special tokens unfound, does not cut off the start of a text, and does not know every class.
fn is_refusal(case: &Value, given: &[&Value], code: Code) -> bool {
    let name = case["name"].as_str().unwrap();
    let not_run = ["split special tokens", "cut from the left", "cut from the left, by tokenizer.json"].contains(&name);
    let malformed = given.iter().all(|ids| ids.is_string());
    let expected = [Code::TokenizerUnsupported, Code::TokenizerInvalid];
    (not_run || malformed || given.len() == 2) && expected.contains(&code)
}

/// A page asks for the files one after another, and only for those that are read.
#[test]
fn the_older_files_are_read_only_where_they_count() {
    let asked = |files: &Files| {
        let mut asked = Vec::new();
        TokenizerSettings::from_files(|name| {
            asked.push(name.to_owned());
            Ok(files.get(name).cloned())
        })
        .unwrap();
        asked
    };
    let mut files = files_of("tiny-gelu");
    assert_eq!(asked(&files), ["tokenizer_config.json"]);
    apply(&mut files, &serde_json::json!({ "file": "tokenizer_config.json", "path": ["added_tokens_decoder"] }));
    assert_eq!(asked(&files), ["tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"]);
    files.remove("tokenizer_config.json");
    assert_eq!(asked(&files).last().map(String::as_str), Some("config.json"), "the class may stand there");
    EmbedderConfig::from_files(|name| Ok(files.get(name).cloned()))
        .expect_err("its other folders are not in this list");
}

/// transformers 5 makes normaliser, splits and template of these classes itself, 4 runs those of the file.
#[test]
fn what_a_class_makes_itself_must_be_what_the_file_has() {
    let tokenizer =
        |path: Value, value: Value| serde_json::json!({ "file": "tokenizer.json", "path": path, "value": value });
    let metaspace = serde_json::json!({ "type": "Metaspace", "replacement": "\u{2581}", "prepend_scheme": "always" });
    let cases = [
        ("tiny-xlmr", tokenizer(serde_json::json!(["pre_tokenizer"]), metaspace)),
        ("tiny-xlmr", tokenizer(serde_json::json!(["normalizer"]), serde_json::json!({ "type": "NFC" }))),
        ("tiny-xlmr", tokenizer(serde_json::json!(["post_processor"]), Value::Null)),
        (
            "tiny-xlmr",
            serde_json::json!({ "file": "tokenizer_config.json", "path": ["add_prefix_space"], "value": false }),
        ),
        ("tiny-xlmr", serde_json::json!({ "file": "tokenizer_config.json", "path": ["added_tokens_decoder", "2047"] })),
        ("tiny-roberta", tokenizer(serde_json::json!(["normalizer"]), serde_json::json!({ "type": "NFC" }))),
        ("tiny-roberta", tokenizer(serde_json::json!(["pre_tokenizer", "use_regex"]), serde_json::json!(false))),
        ("tiny-roberta", tokenizer(serde_json::json!(["post_processor", "sep"]), serde_json::json!(["<pad>", 1]))),
    ];
    for (model, change) in cases {
        let mut files = files_of(model);
        assert!(ids_of(&files, &["a b"], 4).is_ok(), "{model}");
        apply(&mut files, &change);
        let error = ids_of(&files, &["a b"], 4).expect_err("refused");
        assert_eq!(error.code(), Code::TokenizerUnsupported, "{change}: {error}");
        assert!(error.message().contains("RobertaTokenizer"), "{change}: {error}");
        let plain = serde_json::json!({ "file": "tokenizer_config.json", "path": ["tokenizer_class"], "value": "PreTrainedTokenizerFast" });
        apply(&mut files, &plain);
        assert!(ids_of(&files, &["a b"], 4).is_ok(), "{change}");
    }
}
