//! Reading `tokenizer.json`.

use super::models::{Bpe, Model, UnigramFields, WordPiece};
use super::settings::{Own, TokenizerSettings};
use super::{MOST_TEMPLATE, invalid, unsupported};
use crate::error::{Result, lfs_pointer};
use serde::Deserialize;
use serde_json::Value;
use std::collections::HashMap;

/// The parts of a `tokenizer.json` that decide about ids.
pub(super) struct Document {
    pub parts: Parts,
    pub model: Model,
}

/// All of them but the model.
#[derive(Deserialize)]
pub(super) struct Parts {
    #[serde(default)]
    pub added_tokens: Vec<Added>,
    #[serde(default)]
    pub normalizer: Value,
    #[serde(default)]
    pub pre_tokenizer: Value,
    #[serde(default)]
    pub post_processor: Value,
}

/// A file, as far as its model goes.
#[derive(Deserialize)]
struct Only<M> {
    model: M,
}

/// An entry of `added_tokens`. Its `id` says nothing: the id is that of the vocabulary, or the next free one in order of
/// appearance.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Added {
    #[serde(default)]
    pub id: Option<u32>,
    pub content: String,
    pub single_word: bool,
    pub lstrip: bool,
    pub rstrip: bool,
    pub normalized: bool,
    pub special: bool,
}

impl Added {
    /// Returns a token without any flag, searched for in the text itself.
    pub(super) fn plain(content: &str) -> Self {
        let content = content.to_owned();
        Self { id: None, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: false }
    }
}

/// What transformers takes from sections that otherwise have no part in ids.
#[derive(Default, Deserialize)]
pub(super) struct Unused {
    truncation: Option<Section>,
    padding: Option<Section>,
}

#[derive(Deserialize)]
struct Section {
    direction: Option<String>,
    pad_token: Option<String>,
}

impl Unused {
    /// Reads them; where they are malformed, nobody can use them.
    pub(super) fn read(bytes: &[u8]) -> Self {
        serde_json::from_slice(bytes).unwrap_or_default()
    }

    /// Returns the end from which a long text is cut.
    pub(super) fn direction(&self) -> Option<&str> {
        self.truncation.as_ref()?.direction.as_deref()
    }

    /// Returns the token that fills up short texts.
    pub(super) fn pad_token(&self) -> Option<&str> {
        self.padding.as_ref()?.pad_token.as_deref()
    }
}

/// Just enough to recognise the kind of file.
#[derive(Deserialize)]
struct Kind {
    version: Option<String>,
    model: ModelKind,
}

#[derive(Deserialize)]
struct ModelKind {
    r#type: Option<String>,
}

/// Returns the `type` of the model.
///
/// # Errors
/// `TokenizerInvalid` if the bytes are not the JSON of a tokenizer, `TokenizerUnsupported` for an unknown version and
/// for a model without a type.
fn model_kind(bytes: &[u8]) -> Result<String> {
    let kind: Kind = parse(bytes)?;
    check_version(kind.version.as_deref())?;
    kind.model.r#type.ok_or_else(|| unsupported("model.type is missing"))
}

/// Refuses a version other than 1.0, with `TokenizerUnsupported`.
pub(super) fn check_version(version: Option<&str>) -> Result<()> {
    match version {
        None | Some("1.0") => Ok(()),
        Some(version) => Err(unsupported(format!("version is {version:?}, not \"1.0\""))),
    }
}

pub(super) fn parse<T: for<'de> Deserialize<'de>>(bytes: &[u8]) -> Result<T> {
    if let Some(pointer) = lfs_pointer(bytes) {
        return Err(invalid(format!("tokenizer.json {pointer}")));
    }
    serde_json::from_slice(bytes).map_err(|error| invalid("tokenizer.json cannot be read").because(error))
}

impl Document {
    /// Reads and checks a tokenizer with a BPE, WordPiece or Unigram model; its added tokens are then also those of `settings`.
    ///
    /// # Errors
    /// `TokenizerInvalid` for a file that is not JSON, lacks a field, or refers to tokens that are not in its
    /// vocabulary; `TokenizerUnsupported` for another model, and for what no model that felsic knows has.
    pub(super) fn read(bytes: &[u8], settings: Option<&TokenizerSettings>) -> Result<Self> {
        let kind = model_kind(bytes)?;
        let mut parts: Parts = parse(bytes)?;
        let model = match kind.as_str() {
            "BPE" => Model::Bpe(parse::<Only<Bpe>>(bytes)?.model),
            "WordPiece" => Model::WordPiece(parse::<Only<WordPiece>>(bytes)?.model),
            "Unigram" => Model::Unigram(parse::<Only<UnigramFields>>(bytes)?.model.model()?),
            other => return Err(unsupported(format!("model.type is {other}, not BPE, WordPiece or Unigram"))),
        };
        model.check(&parts.pre_tokenizer)?;
        parts.template()?;
        if let Some(settings) = settings {
            let additions = settings.additions(&parts.own(Unused::read(bytes)))?;
            parts.added_tokens.extend(additions);
        }
        Ok(Self { parts, model })
    }
}

impl Parts {
    fn own(&self, unused: Unused) -> Own<'_> {
        Own {
            added: &self.added_tokens,
            normalizer: &self.normalizer,
            pre_tokenizer: &self.pre_tokenizer,
            post_processor: &self.post_processor,
            unused,
        }
    }

    /// Returns the ids in front of a text and behind it.
    ///
    /// # Errors
    /// `TokenizerInvalid` for a template with unknown tokens, `TokenizerUnsupported` for another
    /// post-processor than a template or a pair of tokens, or one that does not hold the text exactly once.
    pub(super) fn template(&self) -> Result<(Vec<u32>, Vec<u32>)> {
        let mut found = None;
        for part in sequence(&self.post_processor, "processors")? {
            match kind(part) {
                // It only moves offsets.
                "ByteLevel" => {}
                "TemplateProcessing" if found.is_none() => found = Some(template(part)?),
                "BertProcessing" | "RobertaProcessing" if found.is_none() => found = Some(around(part)?),
                other => return Err(unsupported(format!("post_processor is {other}"))),
            }
        }
        Ok(found.unwrap_or_default())
    }
}

/// Returns the elements of a `Sequence`, nested ones included, or the component itself; nothing for `null`.
///
/// # Errors
/// `TokenizerInvalid` for a `Sequence` without its list.
pub(super) fn sequence<'v>(component: &'v Value, field: &str) -> Result<Vec<&'v Value>> {
    match component {
        Value::Null => Ok(Vec::new()),
        _ if kind(component) == "Sequence" => {
            let parts = component[field].as_array().ok_or_else(|| invalid(format!("a Sequence has no {field}")))?;
            let parts = parts.iter().map(|part| sequence(part, field)).collect::<Result<Vec<_>>>()?;
            Ok(parts.concat())
        }
        single => Ok(vec![single]),
    }
}

/// Returns the `type` of a component.
pub(super) fn kind(component: &Value) -> &str {
    component["type"].as_str().unwrap_or("of no known type")
}

/// Returns the characters that stand for bytes in a byte-level vocabulary: visible ones of Latin-1 for themselves, and
/// those from U+0100 on for the others, in order.
pub(super) fn alphabet() -> HashMap<char, u8> {
    let shows = |byte: &u8| matches!(byte, 0x21..=0x7E | 0xA1..=0xAC | 0xAE..=0xFF);
    let visible = (0..=255).filter(shows).map(|byte| (char::from(byte), byte));
    let others = ('\u{100}'..).zip((0..=255).filter(|byte| !shows(byte)));
    visible.chain(others).collect()
}

/// Returns the ids in front of a text and behind it, one each, of a `BertProcessing` or `RobertaProcessing`.
///
/// # Errors
/// `TokenizerInvalid` if it does not name both.
fn around(component: &Value) -> Result<(Vec<u32>, Vec<u32>)> {
    let id = |name: &str| -> Result<Vec<u32>> {
        let id = component[name][1].as_u64().and_then(|id| u32::try_from(id).ok());
        let id = id.filter(|_| component[name][0].is_string());
        Ok(vec![id.ok_or_else(|| invalid(format!("post_processor.{name} is not a token and its id")))?])
    };
    Ok((id("cls")?, id("sep")?))
}

/// Returns the ids in front of a text and behind it, of a `TemplateProcessing`.
///
/// # Errors
/// As [`Parts::template`].
pub(super) fn template(component: &Value) -> Result<(Vec<u32>, Vec<u32>)> {
    let mut before = Vec::new();
    let mut after = Vec::new();
    let mut is_behind = false;
    let pieces = component["single"].as_array().ok_or_else(|| invalid("post_processor.single is not a list"))?;
    for piece in pieces {
        if let Some(name) = piece["SpecialToken"]["id"].as_str() {
            let ids = component["special_tokens"][name]["ids"].as_array();
            let ids = ids.and_then(|ids| ids.iter().map(|id| u32::try_from(id.as_u64()?).ok()).collect());
            let ids: Vec<u32> = ids.ok_or_else(|| invalid(format!("post_processor.special_tokens lacks {name:?}")))?;
            if is_behind { &mut after } else { &mut before }.extend(ids);
        } else if piece["Sequence"]["id"] == "A" && !is_behind {
            is_behind = true;
        } else {
            return Err(unsupported(format!("post_processor.single has {piece}")));
        }
        if before.len() + after.len() > MOST_TEMPLATE {
            return Err(unsupported(format!("post_processor.single has more than {MOST_TEMPLATE} tokens")));
        }
    }
    match is_behind {
        true => Ok((before, after)),
        false => Err(unsupported("post_processor.single leaves the text out")),
    }
}
