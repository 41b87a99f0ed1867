//! What the `tokenizers` crate gets to see of a `tokenizer.json`.
//!
//! Only the sections that decide about ids, each part of them of a known type, and within the limits of the compact
//! form, so that a checkpoint and its pack behave identically. Decoder, padding and truncation are not used here, and
//! so are not read: the crate unwraps what it finds in a decoder.

use super::bert::Bert;
use super::character_map::CharacterMap;
use super::json::{self, Added, kind, sequence};
use super::metaspace::Metaspace;
use super::models::{Bpe, UnigramFields, WordPiece};
use super::normalise::{self, NFC_GROWTH, SPACES_PATTERN, replacement_growth};
use super::settings::{Own, TokenizerSettings};
use super::vocabulary::LONGEST_TOKEN;
use super::{added, invalid, unsupported};
use crate::error::Result;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;

/// NFKC and NFKD turn the three bytes of U+FDFA into 33; no other normaliser of the crate goes further.
const NFKD_GROWTH: usize = 11;

#[derive(Deserialize)]
struct Sections {
    version: Option<String>,
    #[serde(default)]
    added_tokens: Vec<Value>,
    #[serde(default)]
    normalizer: Value,
    #[serde(default)]
    pre_tokenizer: Value,
    #[serde(default)]
    post_processor: Value,
    model: Value,
}

/// A file that the crate may read.
pub(super) struct Sound {
    /// The file, with only what matters.
    pub(super) json: Value,
    /// Largest growth of a text on its way to the model.
    pub(super) growth: usize,
}

impl Sound {
    /// Reads a `tokenizer.json`, with the added tokens of `settings`, and checks what the crate takes for granted.
    ///
    /// # Errors
    /// `TokenizerInvalid` for a file that cannot be read or contradicts itself; `TokenizerUnsupported` for parts
    /// of a type that is not run, and for what passes a limit.
    pub(super) fn read(bytes: &[u8], settings: Option<&TokenizerSettings>) -> Result<Self> {
        let sections: Sections = json::parse(bytes)?;
        json::check_version(sections.version.as_deref())?;
        check_model(&sections.model, &sections.pre_tokenizer)?;
        let added_tokens = added_tokens(bytes, &sections, settings)?;
        let Sections { normalizer, pre_tokenizer, post_processor, model, .. } = sections;
        let (normalizer, longer) = normaliser(&normalizer)?;
        let (pre_tokenizer, still_longer) = pre_tokeniser(&pre_tokenizer)?;
        let json = json!({
            "added_tokens": added_tokens,
            "normalizer": normalizer,
            "pre_tokenizer": pre_tokenizer,
            "post_processor": post_processor_of(&post_processor)?,
            "model": null,
        });
        let Value::Object(mut fields) = json else { return Err(invalid("tokenizer.json is not an object")) };
        // Moved, not copied: it is nearly the whole file.
        fields.insert("model".to_owned(), model);
        Ok(Self { json: Value::Object(fields), growth: longer * still_longer })
    }
}

/// Returns all added tokens, as the crate reads them.
fn added_tokens(bytes: &[u8], sections: &Sections, settings: Option<&TokenizerSettings>) -> Result<Vec<Value>> {
    let read = sections.added_tokens.iter().map(|token| read_part(token, "added_tokens"));
    let mut added: Vec<Added> = read.collect::<Result<_>>()?;
    if let Some(settings) = settings {
        let additions = settings.additions(&Own {
            added: &added,
            normalizer: &sections.normalizer,
            pre_tokenizer: &sections.pre_tokenizer,
            post_processor: &sections.post_processor,
            unused: json::Unused::read(bytes),
        })?;
        added.extend(additions);
    }
    added.iter().try_for_each(check_added)?;
    let value = |token: &Added| {
        json!({
            "id": token.id.unwrap_or_default(),
            "content": token.content,
            "single_word": token.single_word,
            "lstrip": token.lstrip,
            "rstrip": token.rstrip,
            "normalized": token.normalized,
            "special": token.special,
        })
    };
    Ok(added.iter().map(value).collect())
}

fn read_part<'v, T: Deserialize<'v>>(part: &'v Value, name: &str) -> Result<T> {
    T::deserialize(part).map_err(|error| invalid(format!("{name} cannot be read")).because(error))
}

fn check_model(model: &Value, pre_tokenizer: &Value) -> Result<()> {
    match model["type"].as_str() {
        _ if !model.is_object() => Err(invalid("model is not an object")),
        None => Err(unsupported("model.type is missing")),
        Some("BPE") => {
            let model: Bpe = read_part(model, "model")?;
            check_tokens(model.vocab.keys())?;
            model.check(pre_tokenizer)
        }
        Some("WordPiece") => {
            let model: WordPiece = read_part(model, "model")?;
            check_tokens(model.vocab.keys())?;
            model.check()
        }
        Some("Unigram") => {
            let model: UnigramFields = read_part(model, "model")?;
            check_tokens(model.vocab.iter().map(|(token, _)| token))?;
            model.model().map(drop)
        }
        Some("WordLevel") => {
            let Words { vocab } = read_part(model, "model")?;
            check_tokens(vocab.keys())
        }
        Some(other) => Err(unsupported(format!("model.type is {other}"))),
    }
}

/// What a model of type WordLevel is made of.
#[derive(Deserialize)]
struct Words {
    vocab: HashMap<String, u32>,
}

/// Refuses tokens that are too long: the crate makes a tree of the bytes of Unigram's tokens, as deep as the longest is
/// long, and drops it by recursion. At the end of the stack the process aborts, which no guard can catch.
fn check_tokens<'v>(mut tokens: impl Iterator<Item = &'v String>) -> Result<()> {
    match tokens.any(|token| token.len() > LONGEST_TOKEN) {
        true => Err(unsupported(format!("model.vocab has a token of more than {LONGEST_TOKEN} bytes"))),
        false => Ok(()),
    }
}

fn check_added(token: &Added) -> Result<()> {
    added::check_length(&token.content)?;
    match token.content.is_empty() {
        // Such a token is never found.
        true => Ok(()),
        false => added::check_white_space(&token.content, token.lstrip, token.rstrip),
    }
}

/// Returns the normaliser with its parts side by side, and the largest growth of a text by it.
fn normaliser(component: &Value) -> Result<(Value, usize)> {
    let parts = sequence(component, "normalizers")?;
    let growth = parts.iter().map(|part| normaliser_growth(part)).collect::<Result<Vec<_>>>()?;
    let parts = parts.into_iter().map(|part| match kind(part) {
        // The crate recognises this one by its fields and not by its type.
        "BertNormalizer" => only(part, &["type", "clean_text", "handle_chinese_chars", "strip_accents", "lowercase"]),
        "Precompiled" => only(part, &["type", "precompiled_charsmap"]),
        _ => part.clone(),
    });
    Ok((one_or_all(parts.collect(), "normalizers"), normalise::check_growth("normalizer", growth.into_iter())?))
}

fn normaliser_growth(part: &Value) -> Result<usize> {
    Ok(match kind(part) {
        "NFC" | "NFD" => NFC_GROWTH,
        "NFKC" | "NFKD" => NFKD_GROWTH,
        "BertNormalizer" => Bert::read(part)?.growth(),
        "Precompiled" => CharacterMap::of(part)?.growth(),
        "Lowercase" | "ByteLevel" => 2,
        "Strip" | "StripAccents" | "Nmt" => 1,
        // Once in front of every piece that added tokens leave.
        "Prepend" => 1 + part["prepend"].as_str().map_or(0, str::len),
        "Replace" => {
            let content = part["content"].as_str().unwrap_or_default();
            match part["pattern"]["String"].as_str() {
                Some(from) if !from.is_empty() => replacement_growth(from, content),
                _ if part["pattern"]["Regex"] == SPACES_PATTERN => replacement_growth("  ", content),
                // A pattern may match nothing, before every character.
                _ => 1 + content.len(),
            }
        }
        other => return Err(unsupported(format!("normalizer is {other}"))),
    })
}

/// Does the same for the pre-tokeniser.
fn pre_tokeniser(component: &Value) -> Result<(Value, usize)> {
    let parts = sequence(component, "pretokenizers")?;
    let growth = parts.iter().map(|part| pre_tokeniser_growth(part)).collect::<Result<Vec<_>>>()?;
    let growth = normalise::check_growth("pre_tokenizer", growth.into_iter())?;
    Ok((one_or_all(parts.into_iter().cloned().collect(), "pretokenizers"), growth))
}

fn pre_tokeniser_growth(part: &Value) -> Result<usize> {
    Ok(match kind(part) {
        // A character of two bytes for a byte; a space in front of every piece.
        "ByteLevel" if part["add_prefix_space"] == false => 2,
        "ByteLevel" => 4,
        "Metaspace" => {
            Metaspace::growth(part["replacement"].as_str().and_then(|mark| mark.parse().ok()).unwrap_or(char::MAX))
        }
        "FixedLength" if part["length"] == 0 => return Err(invalid("pre_tokenizer.length is 0")),
        "BertPreTokenizer" | "Delimiter" | "Digits" | "FixedLength" | "Punctuation" | "Split" | "UnicodeScripts"
        | "Whitespace" | "WhitespaceSplit" => 1,
        other => return Err(unsupported(format!("pre_tokenizer is {other}"))),
    })
}

/// Returns the one part of the post-processor that adds tokens, with the fields of its type alone: the crate recognises
/// these types by their fields. What only moves offsets is left out.
fn post_processor_of(component: &Value) -> Result<Value> {
    let mut found = Value::Null;
    for part in sequence(component, "processors")? {
        let kept = match kind(part) {
            "ByteLevel" => continue,
            "TemplateProcessing" => {
                json::template(part)?;
                let mut kept = only(part, &["type", "single", "special_tokens"]);
                kept["pair"] = json!([]);
                kept
            }
            "BertProcessing" => only(part, &["type", "sep", "cls"]),
            "RobertaProcessing" => only(part, &["type", "sep", "cls", "trim_offsets", "add_prefix_space"]),
            other => return Err(unsupported(format!("post_processor is {other}"))),
        };
        // The crate does not expect what one template leaves in another.
        if !found.is_null() {
            return Err(unsupported("post_processor adds tokens twice"));
        }
        found = kept;
    }
    Ok(found)
}

fn only(part: &Value, fields: &[&str]) -> Value {
    let kept = fields.iter().filter_map(|field| Some(((*field).to_owned(), part.get(field)?.clone())));
    Value::Object(kept.collect())
}

fn one_or_all(mut parts: Vec<Value>, field: &str) -> Value {
    match parts.len() {
        0 => Value::Null,
        1 => parts.remove(0),
        _ => json!({ "type": "Sequence", field: parts }),
    }
}
